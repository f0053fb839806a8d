//! Both steps of a sign-in, and everything that is refused.

mod client;

use std::time::Duration;

use client::{AUTHENTICATE, Client, JSON, WHOAMI, claims, frozen};
use plextrac_emulator::{Account, Emulator, Kind, Outcome};
use serde_json::json;

#[test]
fn an_account_without_mfa_gets_two_different_tokens() {
    let (emulator, mut client) = frozen();
    let reply = client.sign_in(&Account::service());
    assert_eq!(reply.status, 200);
    assert_eq!(reply.json()["status"], "success");
    assert_eq!(reply.json()["tenant_id"], 0);
    assert_ne!(reply.text("token"), reply.text("cookie"));
    let claims = claims(&reply.text("token"));
    assert_eq!(claims["username"], "service@example.com");
    assert_eq!(claims["tenantId"], 0);
    assert_eq!(claims["iat"], emulator.clock().unix_ms() / 1000);
    assert_eq!(claims["exp"], emulator.clock().unix_ms() / 1000 + 900);
    assert_eq!(client.get(WHOAMI, &reply.text("token")).json()["username"], "service@example.com");
    assert_eq!(emulator.stats().count(Kind::SignIn, Outcome::Ok), 1);
}

#[test]
fn an_account_with_mfa_gets_a_challenge_and_then_tokens() {
    let (emulator, mut client) = frozen();
    let challenge = client.sign_in(&Account::analyst());
    assert_eq!(challenge.json()["mfa_enabled"], true);
    assert_eq!(challenge.json().get("token"), None);
    let digits = emulator.digits("analyst@example.com").unwrap();
    let reply = client.verify(&challenge.text("code"), &digits);
    assert_eq!(client.get(WHOAMI, &reply.text("token")).status, 200);
    assert_eq!(emulator.stats().count(Kind::SignIn, Outcome::Challenge), 1);
    assert_eq!(emulator.stats().count(Kind::Mfa, Outcome::Ok), 1);
    assert_eq!(emulator.stats().connections.plain, 1);
}

#[test]
fn six_digits_follow_rfc_6238() {
    // Appendix B gives eight digits for SHA-1 at 1111111109 seconds, 07081804; six digits are the last six of
    // them.
    let emulator = Emulator::builder().frozen_clock().start().unwrap();
    let clock = emulator.clock();
    clock.set_unix_offset_ms(1_111_111_109_000 - clock.true_unix_ms());
    assert_eq!(emulator.digits("analyst@example.com").as_deref(), Some("081804"));
    assert_eq!(emulator.digits("service@example.com"), None);
}

#[test]
fn digits_that_were_accepted_once_are_refused() {
    let (emulator, mut client) = frozen();
    let digits = emulator.digits("analyst@example.com").unwrap();
    let code = client.sign_in(&Account::analyst()).text("code");
    assert_eq!(client.verify(&code, &digits).status, 200);
    let code = client.sign_in(&Account::analyst()).text("code");
    assert_eq!(client.verify(&code, &digits).status, 401);
    emulator.clock().advance(Duration::from_secs(30));
    let code = client.sign_in(&Account::analyst()).text("code");
    let digits = emulator.digits("analyst@example.com").unwrap();
    assert_eq!(client.verify(&code, &digits).status, 200);
}

#[test]
fn digits_one_step_away_are_accepted_and_two_steps_away_are_not() {
    let (emulator, mut client) = frozen();
    let clock = emulator.clock();
    let early = emulator.digits("analyst@example.com").unwrap();
    clock.advance(Duration::from_secs(60));
    let code = client.sign_in(&Account::analyst()).text("code");
    assert_eq!(client.verify(&code, &early).status, 401);

    let late = emulator.digits("analyst@example.com").unwrap();
    clock.advance(Duration::from_secs(30));
    let code = client.sign_in(&Account::analyst()).text("code");
    assert_eq!(client.verify(&code, &late).status, 200);
}

#[test]
fn wrong_digits_spend_the_challenge() {
    let (emulator, mut client) = frozen();
    let right = emulator.digits("analyst@example.com").unwrap();
    let wrong = if right == "000000" { "000001" } else { "000000" };
    let code = client.sign_in(&Account::analyst()).text("code");
    assert_eq!(client.verify(&code, wrong).status, 401);
    assert_eq!(client.verify(&code, &right).status, 401);
    assert_eq!(emulator.stats().count(Kind::Mfa, Outcome::Rejected), 2);
}

#[test]
fn a_challenge_dies_after_five_minutes() {
    let (emulator, mut client) = frozen();
    let code = client.sign_in(&Account::analyst()).text("code");
    emulator.clock().advance(Duration::from_millis(299_999));
    let second = client.sign_in(&Account::analyst()).text("code");
    let digits = emulator.digits("analyst@example.com").unwrap();
    assert_eq!(client.verify(&code, &digits).status, 200);

    emulator.clock().advance(Duration::from_secs(300));
    let digits = emulator.digits("analyst@example.com").unwrap();
    assert_eq!(client.verify(&second, &digits).status, 401);
}

#[test]
fn every_reason_of_a_rejection_looks_the_same() {
    let emulator = Emulator::builder()
        .account(Account::new("locked@example.com", "right"))
        .account(Account::new("disabled@example.com", "right"))
        .lock_after(Some(1))
        .start()
        .unwrap();
    assert!(emulator.disable("disabled@example.com"));
    let mut client = Client::plain(&emulator);
    let wrong_password = client.sign_in_with("locked@example.com", "wrong");
    let locked = client.sign_in_with("locked@example.com", "right");
    let disabled = client.sign_in_with("disabled@example.com", "right");
    let unknown = client.sign_in_with("nobody@example.com", "right");
    for reply in [&locked, &disabled, &unknown] {
        assert_eq!((reply.status, &reply.body), (wrong_password.status, &wrong_password.body));
    }
    assert_eq!(wrong_password.json(), json!({ "status": "error", "message": "Invalid credentials" }));
    assert_eq!(emulator.stats().count(Kind::SignIn, Outcome::Locked), 1);
    assert_eq!(emulator.stats().count(Kind::SignIn, Outcome::Rejected), 3);
}

#[test]
fn ten_rejections_lock_an_account_until_it_is_enabled() {
    let emulator = Emulator::builder().limit_per_minute(100).start().unwrap();
    let mut client = Client::plain(&emulator);
    let account = Account::service();
    for _ in 0..9 {
        client.sign_in_with(&account.username, "wrong");
    }
    assert_eq!(client.sign_in(&account).status, 200, "nine are forgiven");
    for _ in 0..10 {
        client.sign_in_with(&account.username, "wrong");
    }
    assert_eq!(client.sign_in(&account).status, 401);
    assert!(emulator.enable(&account.username));
    assert_eq!(client.sign_in(&account).status, 200);
}

#[test]
fn a_rejection_can_come_as_status_200() {
    let emulator = Emulator::builder().rejection_status(200).start().unwrap();
    let reply = Client::plain(&emulator).sign_in_with("service@example.com", "wrong");
    assert_eq!(reply.status, 200);
    assert_eq!(reply.json()["status"], "error");
}

#[test]
fn without_the_json_content_type_the_server_sees_no_body() {
    let (emulator, mut client) = frozen();
    let body = json!({ "username": "service@example.com", "password": "service-password" }).to_string();
    for headers in [&[][..], &[("Content-Type", "text/plain")]] {
        assert_eq!(client.request("POST", AUTHENTICATE, headers, body.as_bytes()).status, 400);
    }
    let charset = [("Content-Type", "Application/JSON; charset=utf-8")];
    assert_eq!(client.request("POST", AUTHENTICATE, &charset, body.as_bytes()).status, 200);
    assert_eq!(emulator.stats().count(Kind::SignIn, Outcome::BadRequest), 2);
}

#[test]
fn a_body_that_is_not_what_it_should_be_is_a_bad_request() {
    let (_emulator, mut client) = frozen();
    for body in ["", "{", "[]", "{}", r#"{"username":"service@example.com","password":7}"#] {
        assert_eq!(client.request("POST", AUTHENTICATE, &[JSON], body.as_bytes()).status, 400, "{body:?}");
    }
}

#[test]
fn an_account_that_cannot_be_is_refused_at_the_start() {
    let twice = Emulator::builder().account(Account::service()).start().unwrap_err();
    assert_eq!(twice.kind(), std::io::ErrorKind::InvalidInput);
    let seed = "not base32!";
    let account = Account::new("a@example.com", "p").with_totp(seed);
    let error = Emulator::builder().account(account).start().unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
    assert!(error.to_string().contains("a@example.com") && !error.to_string().contains(seed));
}
