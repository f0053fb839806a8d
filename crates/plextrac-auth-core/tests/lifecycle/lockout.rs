//! A rejected password: sent once, remembered, and forgotten on demand only.

use plextrac_auth_core::{Call, Credentials, FailureKind, InputError, State, Want};

use crate::driver::{Driver, Reply, Server, USER, World, config, config_with, digits, reply, secs, totp};

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
    assert_eq!(driver.machine.state(driver.now()), State::LockedOut);
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
fn what_is_no_rejection_locks_nothing_out() {
    let answers = [
        reply::html(401),
        reply::html(403),
        reply::html(423),
        reply::server_error(),
        reply::json(400, ""),
        reply::json(422, "Unprocessable"),
        reply::json(404, r#"{"message":"Not Found"}"#),
        reply::json(302, r#"{"status":"error"}"#),
        reply::rate_limited(1),
        reply::json(200, r#"{"statusCode":429,"status":"error"}"#),
        reply::json(200, r#"{"status":429}"#),
        reply::json(200, r#"{"statusCode":503}"#),
    ];
    for answer in answers {
        let mut driver = Driver::alone(Server::plain().next(answer.clone()), config());
        driver.want();
        assert!(!driver.machine.is_locked_out(), "{answer:?}");
        driver.pass(secs(62));
        driver.want();
        assert!(driver.usable().is_some(), "{answer:?}");
    }
}

#[test]
fn five_attempts_send_a_rejected_password_once() {
    for answer in rejections() {
        let mut server = Server::plain();
        server.outage = Some(answer.clone());
        let mut driver = Driver::alone(server, config());
        for _ in 0..5 {
            driver.want();
            assert_eq!(driver.last_failure_kind(), FailureKind::Rejected, "{answer:?}");
            driver.pass(secs(900));
        }
        assert_eq!(driver.sent.len(), 1, "{answer:?}");
        assert!(driver.machine.is_locked_out(), "{answer:?}");
    }
}

#[test]
fn a_code_that_was_rejected_is_not_sent_again() {
    for answer in rejections() {
        let mut driver = Driver::alone(Server::with_mfa(), config());
        driver.want();
        driver.world.server.borrow_mut().outage = Some(answer.clone());
        driver.submit("111111");
        assert_eq!(driver.last_failure_kind(), FailureKind::MfaRejected, "{answer:?}");
        driver.world.server.borrow_mut().outage = None;
        for _ in 0..3 {
            driver.want();
            let spent = driver.machine.submit_code(digits("111111"), driver.now());
            assert_eq!(spent, Err(InputError::CodeSpent), "{answer:?}");
            driver.machine.abandon_mfa().unwrap();
            driver.drain();
        }
        assert_eq!(driver.count(Call::Mfa), 1, "{answer:?}");
    }
}

#[test]
fn five_attempts_send_two_computed_codes_that_are_rejected() {
    for answer in rejections() {
        let mut driver = Driver::alone(Server::with_mfa(), config_with(totp()));
        for _ in 0..5 {
            driver.world.server.borrow_mut().script.extend([reply::challenge("challenge"), answer.clone()]);
            driver.want();
            driver.world.server.borrow_mut().script.clear();
            driver.pass(secs(900));
        }
        assert_eq!((driver.count(Call::SignIn), driver.count(Call::Mfa)), (2, 2), "{answer:?}");
        assert!(driver.machine.is_locked_out(), "{answer:?}");
    }
}

#[test]
fn a_rejection_without_json_names_the_gateway() {
    for (answer, may_be_a_gateway) in [
        (reply::plain(401, "Unauthorized"), true),
        (reply::plain(403, ""), true),
        (reply::json(401, r#"["error"]"#), true),
        (reply::json(401, r#"{"message":"Unauthorized"}"#), false),
        (reply::json(200, r#"{"statusCode":401}"#), false),
    ] {
        let mut driver = Driver::alone(Server::plain().next(answer.clone()), config());
        driver.want();
        let message = driver.last_failure().to_string();
        for advice in ["a gateway in front of the API", "login --again", "forget_rejection"] {
            assert_eq!(message.contains(advice), may_be_a_gateway, "{answer:?}: {message}");
        }
        driver.machine.forget_rejection(driver.now()).unwrap();
        driver.drain();
        driver.want();
        assert!(driver.usable().is_some(), "{answer:?}");
    }
}

/// Each form in which a server, or a gateway, says no to a secret.
fn rejections() -> Vec<Reply> {
    let mut rejections = vec![
        reply::json(200, r#"{"status":"error"}"#),
        reply::json(200, r#"{"status":401}"#),
        reply::json(200, r#"{"status":false}"#),
        reply::json(200, r#"{"status":null,"message":"no"}"#),
        reply::json(200, r#"{"statusCode":401,"error":"Unauthorized","message":"no"}"#),
        reply::json(200, r#"{"statusCode":"423"}"#),
        reply::json(400, r#"{"statusCode":400,"error":"Bad Request"}"#),
        reply::json(409, r#"{"statusCode":409,"error":"Conflict"}"#),
        reply::json(422, r#"{"status":"error"}"#),
    ];
    for status in [401, 403, 423] {
        rejections.extend([
            reply::json(status, "{}"),
            reply::json(status, r#"{"message":"Unauthorized"}"#),
            reply::json(status, r#"{"message":"#),
            reply::json(status, r#"["error"]"#),
            reply::json(status, "null"),
            reply::plain(status, "Unauthorized"),
            reply::plain(status, ""),
        ]);
    }
    rejections
}

#[test]
fn an_input_before_the_drain_does_not_pass_the_lockout() {
    let mut driver = with_password("wrong", Server::plain());
    driver.want();
    driver.machine.want(Want::default()).unwrap();
    let now = driver.now();
    assert_eq!(driver.machine.forget_rejection(now), Err(InputError::MustDrain));
    driver.run();
    assert_eq!(driver.sent.len(), 1);
}

#[test]
fn a_failure_quotes_the_server_unless_it_repeats_a_secret() {
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
    assert!(told.contains("one-time code was rejected") && !told.contains("secret-challenge"), "{told}");
}

fn with_password(password: &str, server: Server) -> Driver {
    let mut config = config();
    config.credentials = Some(Credentials::new(USER, password).unwrap());
    Driver::new(&World::new(server), config)
}
