//! A rejected password: sent once, remembered, and forgotten on demand only.

use plextrac_auth_core::{Credentials, FailureKind, InputError, State, Want};

use crate::driver::{Driver, Server, USER, World, config, reply, secs};

#[test]
fn a_wrong_password_wanted_a_hundred_times_is_sent_once() {
    let mut driver = with_password("wrong", Server::plain());
    for _ in 0..100 {
        driver.want();
        assert_eq!(driver.last_failure_kind(), FailureKind::Rejected);
        assert!(!driver.machine.is_wanted());
        driver.pass(secs(60));
    }
    assert_eq!(driver.sent.len(), 1);
    assert_eq!(driver.machine.state(driver.now()), State::Latched);
}

#[test]
fn a_rejection_that_is_forgotten_allows_one_more() {
    let mut driver = with_password("wrong", Server::plain());
    for expected in 1..=3 {
        for _ in 0..10 {
            driver.want();
        }
        assert_eq!(driver.sent.len(), expected);
        driver.machine.forget_rejection(driver.now()).unwrap();
        driver.drain();
        assert_eq!(driver.machine.state(driver.now()), State::SignedOut);
    }
}

#[test]
fn signing_out_forgets_no_rejection() {
    let mut driver = with_password("wrong", Server::plain());
    driver.want();
    driver.machine.sign_out(driver.now()).unwrap();
    driver.drain();
    driver.want();
    assert_eq!(driver.sent.len(), 1);
}

#[test]
fn what_is_no_rejection_latches_nothing() {
    let answers = [
        reply::html(401),
        reply::html(403),
        reply::server_error(),
        reply::json(401, ""),
        reply::json(401, "Unauthorized"),
        reply::json(401, r#"["error"]"#),
        reply::json(404, r#"{"message":"Not Found"}"#),
        reply::json(302, r#"{"status":"error"}"#),
        reply::rate_limited(1),
        reply::json(200, r#"{"statusCode":429,"status":"error"}"#),
    ];
    for answer in answers {
        let mut driver = Driver::alone(Server::plain().next(answer.clone()), config());
        driver.want();
        assert!(!driver.machine.is_latched(), "{answer:?}");
        driver.pass(secs(62));
        driver.want();
        assert!(driver.usable().is_some(), "{answer:?}");
    }
}

#[test]
fn every_form_of_a_rejection_latches() {
    for (status, body) in [
        (200, r#"{"status":"error"}"#),
        (400, r#"{"statusCode":400,"error":"Bad Request"}"#),
        (401, "{}"),
        (403, r#"{"message":"Unauthorized"}"#),
        (422, r#"{"status":"error"}"#),
    ] {
        let mut driver = Driver::alone(Server::plain().next(reply::json(status, body)), config());
        driver.want();
        assert!(driver.machine.is_latched(), "{status} {body}");
        assert_eq!(driver.last_failure().http_status(), Some(status));
    }
}

#[test]
fn an_input_that_comes_before_the_drain_cannot_slip_past_the_latch() {
    let mut driver = with_password("wrong", Server::plain());
    driver.want();
    driver.machine.want(Want::default()).unwrap();
    let now = driver.now();
    assert_eq!(driver.machine.forget_rejection(now), Err(InputError::MustDrain));
    driver.run();
    assert_eq!(driver.sent.len(), 1);
}

#[test]
fn the_failure_quotes_the_server_unless_it_repeats_what_was_sent() {
    let told = |message: &str| {
        let body = serde_json::json!({"status": "error", "message": message}).to_string();
        let mut driver = with_password("Hunter-2", Server::plain().next(reply::json(401, &body)));
        driver.want();
        driver.last_failure().to_string()
    };
    assert!(told("Contact your admin").contains("The server says: \"Contact your admin\""));
    for message in [
        "no such user: someone@acme.example",
        "no such user: SOMEONE@ACME.EXAMPLE",
        "wrong password Hunter-2",
        "wrong password hunter-2",
        "wrong password Hun\u{0}ter-2",
        "code 123456 is wrong",
    ] {
        let told = told(message);
        assert!(!told.contains("The server says"), "{told}");
        assert!(told.contains("locked"), "the reasons are told all the same: {told}");
    }
    assert!(told(&"x".repeat(5000)).len() < 1000);
}

#[test]
fn a_challenge_that_the_server_repeats_is_not_quoted() {
    let mut server = Server::with_mfa();
    server.script.extend([
        reply::challenge("secret-challenge"),
        reply::json(401, r#"{"message":"unknown challenge secret-challenge"}"#),
    ]);
    let mut driver = Driver::alone(server, config());
    driver.want();
    driver.submit("111111");
    let told = driver.last_failure().to_string();
    assert!(told.contains("six digits were rejected") && !told.contains("secret-challenge"), "{told}");
}

fn with_password(password: &str, server: Server) -> Driver {
    let mut config = config();
    config.credentials = Some(Credentials::new(USER, password).unwrap());
    Driver::new(&World::new(server), config)
}
