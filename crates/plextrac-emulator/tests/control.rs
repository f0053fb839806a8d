//! The control API, for programs in other processes.

mod client;

use client::{Client, WHOAMI, frozen};
use plextrac_emulator::{Account, Emulator, Kind, Outcome, Stats};
use serde_json::{Value, json};

#[test]
fn the_clock_is_advanced_from_outside() {
    let (emulator, mut client) = frozen();
    let token = client.sign_in(&Account::service()).text("token");
    assert_eq!(client.control("advance", &json!({ "seconds": 899 })).status, 200);
    assert_eq!(client.get(WHOAMI, &token).status, 200);
    assert_eq!(client.control("advance", &json!({ "ms": 1000 })).json()["monotonic_ms"], 900_000);
    assert_eq!(client.get(WHOAMI, &token).status, 401);
    assert_eq!(emulator.clock().monotonic_ms(), 900_000);
}

#[test]
fn a_bad_advance_says_why_and_moves_nothing() {
    let (emulator, mut client) = frozen();
    for body in [
        json!({}),
        json!({ "seconds": -1 }),
        json!({ "seconds": 1.5 }),
        json!({ "hours": 1 }),
        json!({ "seconds": u64::MAX }),
        json!({ "seconds": 1, "ms": 1 }),
        Value::Null,
    ] {
        let reply = client.control("advance", &body);
        assert_eq!(reply.status, 400, "{body}");
        assert!(!reply.text("message").is_empty());
    }
    assert_eq!(emulator.clock().monotonic_ms(), 0);
}

#[test]
fn faults_are_set_from_outside() {
    let (_emulator, mut client) = frozen();
    let fault = json!({ "on": "sign_in", "times": 2, "do": { "html": { "code": 503 } } });
    assert_eq!(client.control("fault", &fault).status, 200);
    assert_eq!([0; 3].map(|_| client.sign_in(&Account::service()).status), [503, 503, 200]);

    let headers =
        r#"{"on": "api", "do": {"status": {"code": 418, "headers": {"B": "1", "A": "2", "B": "3"}}}}"#;
    client.request("POST", "/_emulator/fault", &[], headers.as_bytes());
    let teapot = client.get(WHOAMI, "x");
    let sent: Vec<_> = teapot.headers.iter().filter(|(name, _)| name.len() == 1).collect();
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(sent, [&header("B", "1"), &header("A", "2"), &header("B", "3")], "in order, names twice");

    client.control("fault", &json!({ "on": { "path": "/api/v2" }, "times": null, "do": "maintenance" }));
    assert_eq!([0; 2].map(|_| client.get(WHOAMI, "x").status), [503, 503]);
}

#[test]
fn a_bad_fault_says_why_and_sets_nothing() {
    let (_emulator, mut client) = frozen();
    for body in [
        json!({ "on": "sign_in" }),
        json!({ "on": "nowhere", "do": "stall" }),
        json!({ "on": "any", "do": "explode" }),
        json!({ "on": "any", "do": "stall", "tiems": 2 }),
        json!({ "on": "any", "do": { "raw": { "base64": "!" } } }),
        json!({ "on": "any", "do": { "status": { "code": 200, "headers": [["A", "b"]] } } }),
    ] {
        let reply = client.control("fault", &body);
        assert_eq!(reply.status, 400, "{body}");
        assert!(!reply.text("message").is_empty());
    }
    assert_eq!(client.sign_in(&Account::service()).status, 200);
}

#[test]
fn stats_have_a_stable_order_and_no_secrets() {
    let (emulator, mut client) = frozen();
    let token = client.sign_in(&Account::service()).text("token");
    client.get(WHOAMI, &token);
    client.sign_in_with("service@example.com", "hunter2");
    let reply = client.request("GET", "/_emulator/stats", &[], b"");
    let text = String::from_utf8(reply.body.clone()).unwrap();
    assert_eq!(
        text,
        r#"{"connections":{"plain":1,"tls":0,"tls_handshakes_failed":0},"requests":{"sign_in":{"ok":1,"rejected":1},"whoami":{"ok":1}},"busiest_minute":2}"#
    );
    let stats: Stats = serde_json::from_slice(&reply.body).unwrap();
    assert_eq!(stats, emulator.stats());
    assert_eq!(stats.of_kind(Kind::SignIn), 2);

    let recorded = emulator.requests();
    assert!(recorded.iter().any(|r| r.body.windows(7).any(|window| window == b"hunter2")), "the control");
    let shown = format!("{text}{recorded:?}{emulator:?}{:?}", emulator.accounts());
    for secret in ["hunter2", "service-password", "GEZDGNBV", token.as_str()] {
        assert!(!shown.contains(secret));
    }
}

#[test]
fn revoking_and_resetting_work_from_outside() {
    let (emulator, mut client) = frozen();
    let token = client.sign_in(&Account::service()).text("token");
    assert_eq!(client.control("revoke", &Value::Null).status, 200);
    assert_eq!(client.get(WHOAMI, &token).status, 401);

    client.control("advance", &json!({ "seconds": 5 }));
    for _ in 0..10 {
        client.sign_in_with("service@example.com", "wrong");
    }
    assert_eq!(client.control("reset", &Value::Null).status, 200);
    assert_eq!(emulator.stats(), Stats::default());
    assert!(emulator.requests().is_empty());
    assert_eq!(client.sign_in(&Account::service()).status, 200, "neither locked nor limited");
    assert_eq!(emulator.clock().monotonic_ms(), 5000, "time does not go back");
}

#[test]
fn an_unknown_call_names_the_known_ones_and_none_is_counted() {
    let (emulator, mut client) = frozen();
    let reply = client.control("explode", &Value::Null);
    assert_eq!(reply.status, 404);
    assert!(reply.text("message").contains("advance"));
    assert!(emulator.stats().requests.is_empty());
}

#[test]
fn the_description_is_what_another_process_needs() {
    let emulator = Emulator::start().unwrap();
    let description = emulator.description();
    assert_eq!(description["url"], emulator.url());
    assert_eq!(description["tls_url"], emulator.tls_url());
    assert_eq!(description["ca_file"], emulator.ca_file().to_str().unwrap());
    let accounts = description["accounts"].as_array().unwrap();
    assert_eq!(accounts[0], json!({ "username": "service@example.com", "password": "service-password" }));
    assert_eq!(accounts[1]["totp_secret"], "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
    let (username, password) = (accounts[0]["username"].as_str(), accounts[0]["password"].as_str());
    let reply = Client::plain(&emulator).sign_in_with(username.unwrap(), password.unwrap());
    assert_eq!(reply.status, 200);
    assert_eq!(emulator.stats().count(Kind::SignIn, Outcome::Ok), 1);
}
