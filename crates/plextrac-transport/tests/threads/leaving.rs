//! Callers that leave: out of time, cancelled, or signed out from under them.

use std::time::{Duration, Instant};

use plextrac_emulator::{Kind, Target};
use plextrac_transport::{CancelToken, ErrorCode, Session, SessionEvent, SessionState};

use crate::stage::{Stage, Told, call};

#[test]
fn a_sign_in_outlives_the_caller_that_started_it() {
    let stage = Stage::new();
    let session = Session::new(&stage.service()).unwrap();
    let held = stage.emulator.hold(Target::SignIn);
    let hasty = session.with_timeout(Duration::from_millis(10));
    assert_eq!(hasty.login().unwrap_err().code(), ErrorCode::Timeout);
    stage.await_requests(Kind::SignIn, 1);
    held.release();
    session.login().unwrap();
    assert_eq!(stage.authentications(), 1);
}

#[test]
fn a_deadline_of_10_ms_holds_and_the_sign_in_goes_on() {
    let stage = Stage::with(|builder| builder.sign_in_delay(Duration::from_millis(500)));
    let mut config = stage.service();
    let told = Told::by(&mut config);
    let session = Session::new(&config).unwrap();
    let hasty = session.with_timeout(Duration::from_millis(10));
    let began = Instant::now();
    let error = hasty.login().unwrap_err();
    let took = began.elapsed();
    println!("a call of 10 ms on a sign-in of 500 ms took {took:?}");
    assert_eq!(error.code(), ErrorCode::Timeout);
    assert!(took < Duration::from_millis(250), "it waited for the sign-in: {took:?}");
    told.await_event(|event| matches!(event, SessionEvent::SignedIn));
    session.login().unwrap();
    assert_eq!(stage.authentications(), 1);
}

#[test]
fn a_cancelled_caller_leaves_at_once_and_the_others_go_on() {
    let stage = Stage::new();
    let session = Session::new(&stage.service()).unwrap();
    let held = stage.emulator.hold(Target::SignIn);
    let (cancel, other) = (CancelToken::new(), session.clone());
    let bound = session.with_cancel(&cancel);
    let cancelled = call(move || (bound.login().unwrap_err().code(), Instant::now()));
    cancelled.await_sleep();
    let other = call(move || other.login());
    other.await_sleep();
    let began = Instant::now();
    cancel.trigger();
    let (code, left) = cancelled.join();
    println!("a cancelled caller left after {:?}", left - began);
    assert_eq!(code, ErrorCode::Cancelled);
    other.await_sleep();
    held.release();
    other.join().unwrap();
    assert_eq!(stage.authentications(), 1);
}

#[test]
fn a_sign_in_of_a_cancelled_caller_serves_the_next() {
    let stage = Stage::new();
    let session = Session::new(&stage.service()).unwrap();
    let held = stage.emulator.hold(Target::SignIn);
    let cancel = CancelToken::new();
    let bound = session.with_cancel(&cancel);
    let cancelled = call(move || bound.login().unwrap_err().code());
    stage.await_requests(Kind::SignIn, 1);
    cancelled.await_sleep();
    cancel.trigger();
    assert_eq!(cancelled.join(), ErrorCode::Cancelled);
    held.release();
    session.login().unwrap();
    assert_eq!(stage.authentications(), 1);
}

#[test]
fn a_caller_that_is_cancelled_before_starts_nothing() {
    let stage = Stage::new();
    let cancel = CancelToken::new();
    cancel.trigger();
    let session = Session::new(&stage.service()).unwrap().with_cancel(&cancel);
    assert_eq!(session.login().unwrap_err().code(), ErrorCode::Cancelled);
    assert_eq!(session.get("/api/v2/whoami").unwrap_err().code(), ErrorCode::Cancelled);
    assert_eq!(stage.authentications(), 0);
}

#[test]
fn signing_out_during_a_sign_in_drops_its_token() {
    let stage = Stage::new();
    let session = Session::new(&stage.service()).unwrap();
    let held = stage.emulator.hold(Target::SignIn);
    let waiting = session.clone();
    let before = call(move || waiting.login().unwrap_err());
    stage.await_requests(Kind::SignIn, 1);
    before.await_sleep();
    session.logout().unwrap();
    assert_eq!(session.state(), SessionState::SignedOut);
    let later = session.clone();
    let after = call(move || later.login());
    after.await_sleep();
    held.release();
    let error = before.join();
    assert_eq!(error.code(), ErrorCode::Cancelled, "{error}");
    // Whoever called when the session was signed out already has no part in that.
    after.join().unwrap();
    assert_eq!(session.state(), SessionState::Active);
    assert_eq!(stage.authentications(), 2);
}

#[test]
fn signing_out_during_an_early_refresh_leaves_no_token_behind() {
    let stage = Stage::new();
    let mut config = stage.service();
    let told = Told::by(&mut config);
    let session = Session::new(&config).unwrap();
    session.login().unwrap();
    stage.advance(crate::stage::EARLY);
    let held = stage.emulator.hold(Target::Refresh);
    session.authorization().unwrap();
    stage.await_requests(Kind::Refresh, 1);
    session.logout().unwrap();
    told.await_event(|event| matches!(event, SessionEvent::SignedOut));
    assert_eq!(session.expires_in(), None);
    held.release();
    session.login().unwrap();
    assert_eq!((stage.seen(Kind::SignIn), stage.seen(Kind::Refresh)), (2, 1));
}

#[test]
fn of_two_callers_with_a_code_one_submits_it() {
    let stage = Stage::new();
    let session = Session::new(&stage.analyst()).unwrap();
    assert_eq!(session.login().unwrap_err().code(), ErrorCode::MfaRequired);
    let held = stage.emulator.hold(Target::Mfa);
    let (first, digits) = (session.clone(), stage.digits());
    let first = call(move || first.submit_mfa(&digits));
    stage.await_requests(Kind::Mfa, 1);
    first.await_sleep();
    assert_eq!(session.submit_mfa(&stage.digits()).unwrap_err().code(), ErrorCode::WrongState);
    let joining = session.clone();
    let joining = call(move || joining.login());
    joining.await_sleep();
    held.release();
    first.join().unwrap();
    joining.join().unwrap();
    assert_eq!((stage.seen(Kind::SignIn), stage.seen(Kind::Mfa)), (1, 1));
}

#[test]
fn six_digits_for_nothing_are_refused_and_sent_nowhere() {
    let stage = Stage::new();
    let session = Session::new(&stage.analyst()).unwrap();
    assert_eq!(session.submit_mfa("123456").unwrap_err().code(), ErrorCode::WrongState);
    assert_eq!(session.submit_mfa("12345").unwrap_err().code(), ErrorCode::InvalidArgument);
    assert_eq!(session.login().unwrap_err().code(), ErrorCode::MfaRequired);
    let wrong = if stage.digits() == "000000" { "000001" } else { "000000" };
    assert_eq!(session.submit_mfa(wrong).unwrap_err().code(), ErrorCode::Rejected);
    assert_eq!(session.submit_mfa(wrong).unwrap_err().code(), ErrorCode::WrongState);
    assert_eq!(session.login().unwrap_err().code(), ErrorCode::MfaRequired);
    session.submit_mfa(&stage.digits()).unwrap();
    assert_eq!((stage.seen(Kind::SignIn), stage.seen(Kind::Mfa)), (2, 2));
}

#[test]
fn a_challenge_is_remembered_for_all_while_it_lives() {
    let stage = Stage::new();
    let session = Session::new(&stage.analyst()).unwrap();
    let handle = session.clone();
    for caller in crate::stage::call_each(8, move |_| handle.login().unwrap_err().code()) {
        assert_eq!(caller.join(), ErrorCode::MfaRequired);
    }
    assert_eq!(stage.seen(Kind::SignIn), 1);
    stage.advance(Duration::from_secs(121));
    assert_eq!(session.submit_mfa(&stage.digits()).unwrap_err().code(), ErrorCode::WrongState);
    assert_eq!(session.login().unwrap_err().code(), ErrorCode::MfaRequired);
    assert_eq!(stage.seen(Kind::SignIn), 2);
}

#[test]
fn a_cancelled_call_does_nothing_though_a_token_is_in_hand() {
    let stage = Stage::new();
    let session = stage.signed_in(Duration::ZERO);
    let cancel = CancelToken::new();
    let bound = session.with_cancel(&cancel);
    bound.login().unwrap();
    cancel.trigger();
    let codes = [
        bound.login().unwrap_err().code(),
        bound.authorization().unwrap_err().code(),
        bound.with_authorization(|_| ()).unwrap_err().code(),
        bound.cookie().unwrap_err().code(),
        bound.refresh().unwrap_err().code(),
        bound.get("/api/v2/whoami").unwrap_err().code(),
    ];
    assert_eq!(codes, [ErrorCode::Cancelled; 6]);
    assert_eq!((stage.authentications(), stage.seen(Kind::Whoami)), (1, 0));
    session.login().unwrap();
}
