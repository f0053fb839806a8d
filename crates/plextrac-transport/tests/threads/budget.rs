//! Waiting for the budget: only as far as a caller allows it.

use std::time::Duration;

use plextrac_emulator::{Fault, Kind, Target};
use plextrac_transport::{CancelToken, ErrorCode, Session, SessionConfig, SessionEvent, SessionState};

use crate::stage::{LATE, Stage, Told, call, call_each};

/// A session whose budget of two is used up.
fn at_its_limit(stage: &Stage, wait: Duration) -> (Session, Told) {
    let mut config: SessionConfig = stage.service();
    config.auth_budget(2).unwrap().wait(wait).timeout(Duration::from_secs(600)).unwrap();
    let told = Told::by(&mut config);
    let session = Session::new(&config).unwrap();
    session.login().unwrap();
    session.refresh().unwrap();
    (session, told)
}

#[test]
fn without_a_wait_a_caller_is_told_at_once_how_long_it_would_be() {
    let stage = Stage::new();
    let (session, _) = at_its_limit(&stage, Duration::ZERO);
    let error = session.refresh().unwrap_err();
    assert_eq!(error.code(), ErrorCode::MustWait);
    assert_eq!(error.retry_after().unwrap().as_secs(), 61);
    assert!(error.is_retryable());
    session.login().unwrap();
    assert_eq!(stage.authentications(), 2);
}

#[test]
fn a_wait_that_is_longer_than_allowed_is_not_begun() {
    let stage = Stage::new();
    let (session, _) = at_its_limit(&stage, Duration::from_secs(30));
    assert_eq!(session.refresh().unwrap_err().code(), ErrorCode::MustWait);
    stage.advance(Duration::from_secs(40));
    let caller = {
        let session = session.clone();
        call(move || session.refresh())
    };
    caller.await_sleep();
    assert_eq!(stage.authentications(), 2);
    stage.advance(Duration::from_secs(22));
    caller.join().unwrap();
    assert_eq!(stage.authentications(), 3);
}

#[test]
fn callers_that_may_wait_go_on_together() {
    let stage = Stage::new();
    let (session, told) = at_its_limit(&stage, Duration::from_secs(120));
    let handle = session.clone();
    let callers = call_each(8, move |_| handle.refresh());
    callers.iter().for_each(|caller| caller.await_sleep());
    let waiting = told.await_event(|event| matches!(event, SessionEvent::Waiting { .. }));
    assert!(matches!(waiting, SessionEvent::Waiting { wait, .. } if wait.as_secs() == 61), "{waiting:?}");
    stage.advance(Duration::from_secs(60));
    callers.iter().for_each(|caller| caller.await_sleep());
    assert_eq!(stage.authentications(), 2, "a second too early");
    stage.advance(Duration::from_secs(1));
    callers.into_iter().for_each(|caller| caller.join().unwrap());
    assert_eq!(stage.authentications(), 3);
}

#[test]
fn a_wait_ends_with_the_last_caller() {
    let stage = Stage::new();
    let (session, _) = at_its_limit(&stage, Duration::from_secs(120));
    let cancel = CancelToken::new();
    let bound = session.with_cancel(&cancel);
    let caller = call(move || bound.refresh().unwrap_err().code());
    caller.await_sleep();
    cancel.trigger();
    assert_eq!(caller.join(), ErrorCode::Cancelled);
    let short = session.with_timeout(Duration::from_secs(5));
    // The wait is allowed and the time is not: it is told before it is waited out.
    assert_eq!(short.refresh().unwrap_err().code(), ErrorCode::MustWait);
    stage.advance(Duration::from_secs(62));
    session.get("/api/v2/whoami").unwrap();
    assert_eq!(stage.authentications(), 2, "nobody wanted it any more");
}

#[test]
fn a_401_while_a_refresh_waits_for_the_budget_loses_no_request() {
    let stage = Stage::new();
    let mut config = stage.service();
    config.auth_budget(2).unwrap().wait(Duration::from_secs(120)).timeout(Duration::from_secs(600)).unwrap();
    let session = Session::new(&config).unwrap();
    session.login().unwrap();
    stage.advance(LATE);
    // The budget is full again, by another session of the instance.
    let mut other = stage.analyst();
    other.totp_secret("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ").unwrap();
    Session::new(&other).unwrap().login().unwrap();
    let handle = session.clone();
    let waiting = call(move || handle.refresh());
    waiting.await_sleep();
    let dying = session.with_timeout(Duration::from_millis(1)).authorization();
    let token = dying.expect("the token in hand lives, and is handed out when waiting would take too long");
    assert!(session.report_unauthorized(token.expose()).unwrap());
    stage.advance(Duration::from_secs(50));
    stage.advance(Duration::from_secs(12));
    waiting.join().unwrap();
    assert_eq!(session.state(), SessionState::Active);
    assert_eq!(stage.seen(Kind::Refresh) + stage.seen(Kind::SignIn), 3, "one more than the sign-ins before");
}

#[test]
fn forgetting_a_rejection_while_callers_wait_loses_no_request() {
    let stage = Stage::new();
    let (session, _) = at_its_limit(&stage, Duration::from_secs(120));
    let handle = session.clone();
    let waiting = call(move || handle.refresh());
    waiting.await_sleep();
    for _ in 0..20 {
        session.forget_rejection().unwrap();
        stage.advance(Duration::from_secs(4));
    }
    waiting.join().unwrap();
    assert_eq!(stage.authentications(), 3);
}

#[test]
fn a_rate_limit_is_waited_for_within_the_wait_limit() {
    let stage = Stage::new();
    let with_wait = |seconds| {
        let mut config = stage.service();
        config.wait(Duration::from_secs(seconds)).timeout(Duration::from_secs(600)).unwrap();
        let told = Told::by(&mut config);
        (Session::new(&config).unwrap(), told)
    };
    stage.emulator.fault(Fault::on(Target::SignIn).rate_limited(Some("40")));
    let (session, told) = with_wait(60);
    let caller = call(move || session.login());
    told.await_event(|event| matches!(event, SessionEvent::Waiting { .. }));
    assert_eq!(stage.authentications(), 1);
    stage.advance(Duration::from_secs(41));
    caller.join().unwrap();
    assert_eq!(stage.authentications(), 2);

    stage.emulator.fault(Fault::on(Target::SignIn).rate_limited(Some("40")));
    let error = with_wait(30).0.login().unwrap_err();
    assert_eq!(
        (error.code(), error.retry_after().map(|wait| wait.as_secs())),
        (ErrorCode::MustWait, Some(40))
    );
    assert_eq!(stage.authentications(), 3);
}

#[test]
fn the_instances_wait_holds_for_all_its_accounts() {
    let stage = Stage::new();
    stage.emulator.fault(Fault::on(Target::SignIn).rate_limited(Some("40")));
    let service = Session::new(&stage.service()).unwrap();
    let error = service.login().unwrap_err();
    assert_eq!(
        (error.code(), error.retry_after().map(|wait| wait.as_secs())),
        (ErrorCode::MustWait, Some(40))
    );
    let mut config = stage.analyst();
    config.totp_secret("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ").unwrap();
    let analyst = Session::new(&config).unwrap();
    assert_eq!(analyst.login().unwrap_err().code(), ErrorCode::MustWait);
    assert_eq!(stage.authentications(), 1);
    stage.advance(Duration::from_secs(41));
    analyst.login().unwrap();
    service.login().unwrap();
}
