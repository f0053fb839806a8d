//! The life and death of tokens, and what they open.

mod client;

use std::time::Duration;

use client::{Client, WHOAMI, claims, frozen};
use plextrac_emulator::{Account, Emulator, Kind, Outcome, upload_bytes};

#[test]
fn a_token_expires_after_fifteen_minutes_exactly() {
    let (emulator, mut client) = frozen();
    let token = client.sign_in(&Account::service()).text("token");
    emulator.clock().advance(Duration::from_millis(899_999));
    assert_eq!(client.get(WHOAMI, &token).status, 200);
    emulator.clock().advance(Duration::from_millis(1));
    let reply = client.get(WHOAMI, &token);
    assert_eq!(reply.status, 401);
    assert_eq!(reply.json()["statusCode"], 401);
    assert_eq!(reply.json()["error"], "Unauthorized");
}

#[test]
fn a_token_can_expire_a_second_early_as_iat_is_rounded() {
    let (emulator, mut client) = frozen();
    emulator.clock().advance(Duration::from_millis(999));
    let token = client.sign_in(&Account::service()).text("token");
    emulator.clock().advance(Duration::from_millis(899_001));
    assert_eq!(client.get(WHOAMI, &token).status, 401);
}

#[test]
fn a_refresh_gives_new_tokens_and_leaves_the_old_one_its_life() {
    let (emulator, mut client) = frozen();
    let old = client.sign_in(&Account::service());
    emulator.clock().advance(Duration::from_secs(600));
    let new = client.refresh(&old.text("token"));
    assert_eq!(new.status, 200);
    assert_ne!(new.text("token"), old.text("token"));
    assert_ne!(new.text("cookie"), old.text("cookie"));
    assert_eq!(client.get(WHOAMI, &old.text("token")).status, 200);
    emulator.clock().advance(Duration::from_secs(300));
    assert_eq!(client.get(WHOAMI, &old.text("token")).status, 401);
    assert_eq!(client.get(WHOAMI, &new.text("token")).status, 200);
}

#[test]
fn two_tokens_of_the_same_second_are_different() {
    let (_emulator, mut client) = frozen();
    let first = client.sign_in(&Account::service()).text("token");
    assert_ne!(first, client.sign_in(&Account::service()).text("token"));
}

#[test]
fn an_expired_token_cannot_be_refreshed() {
    let (emulator, mut client) = frozen();
    let token = client.sign_in(&Account::service()).text("token");
    emulator.clock().advance(Duration::from_secs(900));
    assert_eq!(client.refresh(&token).status, 401);
    assert_eq!(emulator.stats().count(Kind::Refresh, Outcome::Unauthorized), 1);
}

#[test]
fn revoking_kills_every_token_at_once_also_for_refresh() {
    let (emulator, mut client) = frozen();
    let token = client.sign_in(&Account::service()).text("token");
    emulator.revoke_tokens();
    assert_eq!(client.get(WHOAMI, &token).status, 401);
    assert_eq!(client.refresh(&token).status, 401);
    assert_eq!(client.sign_in(&Account::service()).status, 200);
}

#[test]
fn disabling_a_user_kills_their_tokens_and_nobody_elses() {
    let other = Account::new("other@example.com", "other-password");
    let emulator = Emulator::builder().account(other.clone()).start().unwrap();
    let mut client = Client::plain(&emulator);
    let token = client.sign_in(&Account::service()).text("token");
    let others_token = client.sign_in(&other).text("token");
    assert!(emulator.disable("service@example.com"));
    assert!(!emulator.disable("nobody@example.com"));
    assert_eq!(client.get(WHOAMI, &token).status, 401);
    assert_eq!(client.get(WHOAMI, &others_token).status, 200);
}

#[test]
fn a_token_is_taken_raw_and_as_bearer_and_nothing_else_is() {
    let (_emulator, mut client) = frozen();
    let reply = client.sign_in(&Account::service());
    let (token, cookie) = (reply.text("token"), reply.text("cookie"));
    for good in [token.clone(), format!("Bearer {token}"), format!("bearer  {token}")] {
        assert_eq!(client.get(WHOAMI, &good).status, 200);
    }
    for bad in [String::new(), "Bearer".into(), format!("Basic {token}"), format!("{token}x"), cookie] {
        assert_eq!(client.get(WHOAMI, &bad).status, 401);
    }
    let twice = [("Authorization", token.as_str()), ("Authorization", token.as_str())];
    assert_eq!(client.request("GET", WHOAMI, &twice, b"").status, 401);
    assert_eq!(client.request("GET", WHOAMI, &[], b"").status, 401);
}

#[test]
fn uploads_open_to_the_cookie_alone() {
    let (_emulator, mut client) = frozen();
    let reply = client.sign_in(&Account::service());
    let (token, cookie) = (reply.text("token"), reply.text("cookie"));
    let with_cookie = format!("theme=dark; token={cookie}");
    let mut uploads =
        |headers: &[(&str, &str)]| client.request("GET", "/api/v1/uploads/logo.png", headers, b"");

    let reply = uploads(&[("Cookie", &with_cookie)]);
    assert_eq!(reply.status, 200);
    assert_eq!(reply.body, upload_bytes("logo.png"));
    assert!(reply.body.contains(&0), "a program that takes the bytes for a C string must notice");

    assert_eq!(uploads(&[("Cookie", &with_cookie), ("Authorization", &token)]).status, 401);
    assert_eq!(uploads(&[("Cookie", &format!("token={token}"))]).status, 401);
    assert_eq!(uploads(&[("Authorization", &token)]).status, 401);
    assert_eq!(uploads(&[]).status, 401);
}

#[test]
fn life_length_and_tenant_are_settings() {
    let emulator = Emulator::builder()
        .no_default_accounts()
        .account(Account::new("a@example.com", "p").with_tenant(-7))
        .token_life(Duration::from_secs(20))
        .token_padding(700)
        .start()
        .unwrap();
    let reply = Client::plain(&emulator).sign_in_with("a@example.com", "p");
    let token = reply.text("token");
    let claims = claims(&token);
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 20);
    assert_eq!(claims["tenantId"], -7);
    assert_eq!(reply.json()["tenant_id"], -7);
    assert!((1100..1300).contains(&token.len()), "{} bytes", token.len());
    assert_eq!(emulator.accounts().len(), 1);
}

#[test]
fn a_wall_clock_set_wrong_dates_tokens_and_answers_alike() {
    let (emulator, mut client) = frozen();
    let clock = emulator.clock();
    clock.set_unix_offset_ms(86_400_000);
    let reply = client.sign_in(&Account::service());
    let day_late = clock.true_unix_ms() + 86_400_000;
    assert_eq!(clock.unix_ms(), day_late);
    assert_eq!(claims(&reply.text("token"))["iat"], day_late / 1000);
    let date = httpdate::parse_http_date(reply.header("date").unwrap()).unwrap();
    let date_s = date.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    assert_eq!(i64::try_from(date_s).unwrap(), day_late / 1000);
    assert_eq!(client.get(WHOAMI, &reply.text("token")).status, 200);
}

#[test]
fn absurd_wall_clocks_are_survived() {
    let (emulator, mut client) = frozen();
    for offset_ms in [i64::MIN, i64::MAX, -1_000_000_000_000_000, 1_000_000_000_000_000] {
        emulator.clock().set_unix_offset_ms(offset_ms);
        assert_eq!(client.sign_in(&Account::service()).status, 200, "offset {offset_ms}");
    }
    emulator.clock().advance(Duration::MAX);
    assert_eq!(client.sign_in(&Account::service()).status, 200);
}

#[test]
fn a_path_can_answer_401_whatever_the_token() {
    let (emulator, mut client) = frozen();
    let token = client.sign_in(&Account::service()).text("token");
    emulator.set_always_unauthorized("/api/v1/echo/closed");
    assert_eq!(client.get("/api/v1/echo/closed/1", &token).status, 401);
    assert_eq!(client.get("/api/v1/echo/open", &token).status, 200);
}
