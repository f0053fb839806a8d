//! Answers that are too large, too slow, or not from the instance at all.

use std::time::{Duration, Instant};

use plextrac_emulator::{Fault, Kind, Target};
use plextrac_transport::{CancelToken, ErrorCode, Request, Session, SessionEvent, SessionState};

use crate::stage::{EARLY, Stage, Told, call, private_directory};

#[test]
fn a_body_over_the_limit_is_an_error() {
    let stage = Stage::new();
    let mut config = stage.service();
    config.response_limit(1_000);
    let session = Session::new(&config).unwrap();
    for (size, fits) in [(1_000, true), (1_001, false)] {
        let mut request = Request::new("POST", "/api/v1/echo").unwrap();
        request.body("application/octet-stream", &vec![7; size]).unwrap();
        match session.request(&request) {
            Ok(answer) => assert!(fits && answer.body().len() == size),
            Err(error) => assert!(!fits && error.code() == ErrorCode::TooLarge, "{error}"),
        }
    }
    stage.emulator.fault(Fault::on(Target::Api).huge_body(1 << 40));
    assert_eq!(session.get("/api/v2/whoami").unwrap_err().code(), ErrorCode::TooLarge);
}

#[test]
fn an_endless_answer_to_a_sign_in_is_not_read_to_its_end() {
    let stage = Stage::new();
    let session = Session::new(&stage.service()).unwrap();
    stage.emulator.fault(Fault::on(Target::SignIn).huge_body(1 << 40));
    assert_eq!(session.login().unwrap_err().code(), ErrorCode::TooLarge);
}

#[test]
fn a_request_that_is_not_answered_ends_with_its_time() {
    let stage = Stage::new();
    let session = stage.signed_in(Duration::ZERO);
    let hasty = session.with_timeout(Duration::from_millis(100));
    for fault in [
        Fault::on(Target::Api).stall(),
        Fault::on(Target::Api).slow_body(Duration::from_secs(3600)),
        Fault::on(Target::Api).slow(Duration::from_secs(3600)),
    ] {
        stage.emulator.fault(fault.clone());
        let began = Instant::now();
        assert_eq!(hasty.get("/api/v2/whoami").unwrap_err().code(), ErrorCode::Timeout, "{fault:?}");
        assert!(began.elapsed() < Duration::from_secs(5), "{fault:?}");
    }
    assert_eq!(session.get("/api/v2/whoami").unwrap().status(), 200);
}

#[test]
fn the_longest_duration_is_a_timeout_without_a_limit() {
    let (stage, directory) = (Stage::new(), private_directory());
    let mut config = stage.analyst();
    config.state_dir(directory.path()).unwrap();
    let session = Session::new(&config).unwrap().with_timeout(Duration::MAX);
    assert_eq!(session.login().unwrap_err().code(), ErrorCode::MfaRequired);
    session.submit_mfa(&stage.digits()).unwrap();
    session.refresh().unwrap();
    assert_eq!(session.get("/api/v2/whoami").unwrap().status(), 200);
    // An early refresh, which no caller waits for.
    stage.advance(EARLY);
    session.authorization().unwrap();
    session.settle();
    assert_eq!(stage.seen(Kind::Refresh), 2);
    session.forget_rejection().unwrap();
    session.logout().unwrap();
    session.close();
}

#[test]
fn the_longest_duration_is_a_wait_without_a_limit() {
    let stage = Stage::new();
    let mut config = stage.service();
    config.wait(Duration::MAX);
    let told = Told::by(&mut config);
    let session = Session::new(&config).unwrap().with_timeout(Duration::MAX);
    stage.emulator.fault(Fault::on(Target::SignIn).rate_limited(Some("20")));
    let caller = call(move || {
        loop {
            match session.login() {
                Err(error) if error.code() == ErrorCode::MustWait => {}
                outcome => return outcome,
            }
        }
    });
    told.await_event(|event| matches!(event, SessionEvent::Waiting { .. }));
    stage.advance(Duration::from_secs(21));
    caller.join_soon().unwrap();
    assert_eq!(stage.seen(Kind::SignIn), 2);
}

#[test]
fn a_request_is_cancelled_in_its_headers_and_in_its_body() {
    let stage = Stage::new();
    let session = stage.signed_in(Duration::ZERO);
    for in_body in [false, true] {
        let held = (!in_body).then(|| stage.emulator.hold(Target::Api));
        if in_body {
            stage.emulator.fault(Fault::on(Target::Api).slow_body(Duration::from_secs(3600)));
        }
        let cancel = CancelToken::new();
        let bound = session.with_cancel(&cancel);
        let before = stage.emulator.requests().iter().filter(|seen| seen.kind == Kind::Whoami).count();
        let caller = call(move || (bound.get("/api/v2/whoami").unwrap_err().code(), Instant::now()));
        stage.await_requests(Kind::Whoami, before + 1);
        let began = Instant::now();
        cancel.trigger();
        let (code, returned) = caller.join();
        println!("a cancelled request returned after {:?}", returned - began);
        assert_eq!(code, ErrorCode::Cancelled);
        drop(held);
        assert_eq!(session.get("/api/v2/whoami").unwrap().status(), 200);
    }
}

#[test]
fn a_gateways_page_fails_a_sign_in_without_a_lockout() {
    let stage = Stage::new();
    let session = Session::new(&stage.service()).unwrap();
    for fault in [
        Fault::on(Target::SignIn).maintenance(),
        Fault::on(Target::SignIn).html(200),
        Fault::on(Target::SignIn).html(401),
        Fault::on(Target::SignIn).html(403),
    ] {
        stage.emulator.fault(fault.clone());
        let error = session.login().unwrap_err();
        assert_eq!(error.code(), ErrorCode::UnexpectedAnswer, "{fault:?}: {error}");
        assert_ne!(session.state(), SessionState::LockedOut);
        stage.advance(Duration::from_secs(75));
    }
    session.login().unwrap();
    stage.emulator.fault(Fault::on(Target::Api).maintenance());
    let answer = session.get("/api/v2/whoami").unwrap();
    assert_eq!(answer.status(), 503);
    assert_eq!(answer.json::<serde_json::Value>().unwrap_err().code(), ErrorCode::UnexpectedAnswer);
    assert_eq!(session.get("/api/v2/whoami").unwrap().status(), 200);
}

#[test]
fn a_broken_connection_sends_no_post_twice() {
    let stage = Stage::new();
    let session = stage.signed_in(Duration::ZERO);
    stage.emulator.fault(Fault::on(Target::Api).lose_answer());
    let error = session.post_json("/api/v1/echo", &1).unwrap_err();
    assert_eq!((error.code(), error.is_retryable()), (ErrorCode::Network, false), "{error}");
    assert_eq!(stage.seen(Kind::Echo), 1);
    stage.emulator.fault(Fault::on(Target::Api).truncate());
    assert_eq!(session.get("/api/v2/whoami").unwrap_err().code(), ErrorCode::Network);
}

#[test]
fn tokens_that_no_header_can_carry_are_refused() {
    for token in ["a\r\nX-Evil: 1", "a b", "tök", "", &"x".repeat(17 * 1024)] {
        let stage = Stage::new();
        let session = Session::new(&stage.service()).unwrap();
        stage.emulator.fault(Fault::on(Target::SignIn).hostile_token(token));
        assert_eq!(session.login().unwrap_err().code(), ErrorCode::UnexpectedAnswer, "{token:?}");
    }
}
