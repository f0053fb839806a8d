//! What differs between instances, and which settings are refused.

mod client;

use std::io::ErrorKind;
use std::time::Duration;

use client::{Client, REFRESH, WHOAMI};
use plextrac_emulator::{Account, Emulator, EmulatorBuilder, Kind, Outcome, RetryAfter};
use serde_json::json;

fn started(builder: EmulatorBuilder) -> (Emulator, Client) {
    let emulator = builder.frozen_clock().start().unwrap();
    let client = Client::plain(&emulator);
    (emulator, client)
}

fn refusal(builder: EmulatorBuilder) -> String {
    let error = builder.start().expect_err("it started");
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    error.to_string()
}

#[test]
fn a_rejection_has_the_status_that_was_set() {
    for status in [200, 400, 401, 403, 422] {
        let (_emulator, mut client) = started(Emulator::builder().rejection_status(status));
        let reply = client.sign_in_with("service@example.com", "wrong");
        assert_eq!(reply.status, status);
        assert_eq!(reply.json(), json!({ "status": "error", "message": "Invalid credentials" }));
        let code = client.sign_in(&Account::analyst()).text("code");
        assert_eq!(client.verify(&code, "000000").status, status, "the code as well");
        assert_eq!(client.request("PUT", REFRESH, &[], b"").status, 401, "not the refresh");
    }
}

#[test]
fn statuses_that_cannot_reject_are_refused() {
    for status in [0, 100, 199, 204, 205, 301, 304, 429, 500, 503, 600] {
        let why = refusal(Emulator::builder().rejection_status(status));
        assert!(why.contains(&format!("a rejected sign-in cannot have the status {status}")), "{why}");
        let why = refusal(Emulator::builder().locked_status(Some(status)));
        assert!(why.contains(&format!("locked account cannot have the status {status}")), "{why}");
    }
}

#[test]
fn an_account_locks_after_the_failures_that_were_set() {
    let (emulator, mut client) = started(Emulator::builder().lock_after(Some(2)));
    let statuses = [(); 3].map(|()| client.sign_in_with("service@example.com", "wrong").status);
    assert_eq!(statuses, [401; 3]);
    assert_eq!(client.sign_in(&Account::service()).status, 401, "it is locked");
    assert_eq!(emulator.stats().count(Kind::SignIn, Outcome::Rejected), 2);
    assert_eq!(emulator.stats().count(Kind::SignIn, Outcome::Locked), 2);

    let (_emulator, mut client) = started(Emulator::builder().lock_after(None).limit_per_minute(100));
    for _ in 0..50 {
        client.sign_in_with("service@example.com", "wrong");
    }
    assert_eq!(client.sign_in(&Account::service()).status, 200, "it never locks");

    let why = refusal(Emulator::builder().lock_after(Some(0)));
    assert!(why.contains("cannot lock after 0 rejections"), "{why}");
}

#[test]
fn a_locked_account_can_have_a_status_of_its_own() {
    let (_emulator, mut client) =
        started(Emulator::builder().lock_after(Some(1)).locked_status(Some(423)).rejection_status(200));
    assert_eq!(client.sign_in_with("service@example.com", "wrong").status, 200);
    let locked = client.sign_in(&Account::service());
    assert_eq!(locked.status, 423);
    assert_eq!(locked.json(), json!({ "status": "error", "message": "The account is locked" }));
    assert_eq!(client.sign_in_with("nobody@example.com", "wrong").status, 200, "others are not locked");
}

#[test]
fn a_second_step_to_a_locked_account_answers_locked() {
    let (_emulator, mut client) = started(Emulator::builder().lock_after(Some(1)).locked_status(Some(423)));
    let code = client.sign_in(&Account::analyst()).text("code");
    assert_eq!(client.sign_in_with("analyst@example.com", "wrong").status, 401);
    assert_eq!(client.verify(&code, "000000").status, 423);
}

#[test]
fn retry_after_can_be_a_fixed_number_of_seconds() {
    let (emulator, mut client) =
        started(Emulator::builder().limit_per_minute(1).retry_after(RetryAfter::Seconds(7)));
    client.sign_in(&Account::service());
    for _ in 0..2 {
        assert_eq!(client.sign_in(&Account::service()).header("retry-after"), Some("7"));
        emulator.clock().advance(Duration::from_secs(7));
    }
}

#[test]
fn retry_after_from_one_second_to_a_day_is_accepted() {
    for seconds in [0, 86_401, u32::MAX] {
        let why = refusal(Emulator::builder().retry_after(RetryAfter::Seconds(seconds)));
        assert!(why.contains(&format!("Retry-After cannot be {seconds} seconds")), "{why}");
    }
    for seconds in [1, 86_400] {
        assert!(Emulator::builder().retry_after(RetryAfter::Seconds(seconds)).start().is_ok());
    }
}

#[test]
fn a_challenge_can_contain_the_tenant_id() {
    let tenant = Account::new("t@example.com", "p").with_totp("GEZDGNBVGY3TQOJQ").with_tenant(7);
    let (_emulator, mut client) =
        started(Emulator::builder().account(tenant.clone()).challenge_tenant_id(true));
    let challenge = client.sign_in(&tenant).json();
    assert_eq!((&challenge["tenant_id"], &challenge["mfa_enabled"]), (&json!(7), &json!(true)));

    let (_emulator, mut client) = started(Emulator::builder());
    assert!(client.sign_in(&Account::analyst()).json().get("tenant_id").is_none());
}

#[test]
fn whoami_answers_at_both_paths_and_has_the_fields_added() {
    let (emulator, mut client) = started(
        Emulator::builder()
            .whoami_field("email", "old@example.com")
            .whoami_field("email", "me@example.com")
            .whoami_field("role", json!({ "name": "ADMIN" })),
    );
    let token = client.sign_in(&Account::service()).text("token");
    let expected = json!({
        "username": "service@example.com",
        "tenantId": 0,
        "mfa_enabled": false,
        "email": "me@example.com",
        "role": { "name": "ADMIN" },
    });
    for path in [WHOAMI, "/api/v1/user/whoami"] {
        assert_eq!(client.get(path, &token).json(), expected, "{path}");
        assert_eq!(client.get(path, "unknown").status, 401, "{path}");
    }
    assert_eq!(emulator.stats().count(Kind::Whoami, Outcome::Ok), 2);
}

#[test]
fn whoami_fields_of_the_account_are_refused() {
    for name in ["username", "tenantId", "mfa_enabled"] {
        let why = refusal(Emulator::builder().whoami_field(name, 1));
        assert!(why.contains(name) && why.contains("comes from the account"), "{why}");
    }
}

#[test]
fn the_environment_belongs_to_the_first_account() {
    let value = |emulator: &Emulator, name: &str| {
        emulator.environment().into_iter().find(|(other, _)| *other == name).map(|(_, value)| value)
    };
    let emulator = Emulator::start().unwrap();
    assert_eq!(value(&emulator, "PLEXTRAC_URL"), Some(emulator.tls_url()));
    assert_eq!(value(&emulator, "PLEXTRAC_EMULATOR_URL"), Some(emulator.url()));
    assert_eq!(value(&emulator, "PLEXTRAC_CA_FILE").as_deref(), emulator.ca_file().to_str());
    assert_eq!(value(&emulator, "PLEXTRAC_USERNAME").as_deref(), Some("service@example.com"));
    assert_eq!(value(&emulator, "PLEXTRAC_PASSWORD").as_deref(), Some("service-password"));
    assert_eq!(value(&emulator, "PLEXTRAC_TOTP_SECRET"), None);

    let analyst = Emulator::builder().no_default_accounts().account(Account::analyst()).start().unwrap();
    assert_eq!(value(&analyst, "PLEXTRAC_USERNAME").as_deref(), Some("analyst@example.com"));
    assert_eq!(value(&analyst, "PLEXTRAC_TOTP_SECRET").as_deref(), Some("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"));
    let nobody = Emulator::builder().no_default_accounts().start().unwrap();
    assert_eq!(nobody.environment().len(), 3);
}
