//! Flights that fail: what it costs, who is told, and when the next one starts.

use std::time::Duration;

use plextrac_emulator::{Fault, Kind, Target};
use plextrac_transport::{ErrorCode, Session, SessionEvent};

use crate::stage::{EARLY, LATE, OVER, Stage, Told, call_each};

/// More than the first back-off with its spread, 5 s ± 20 %, and less than the second.
const FIRST_BACK_OFF: Duration = Duration::from_secs(7);

#[test]
fn a_failed_early_refresh_costs_no_token() {
    let stage = Stage::new();
    let mut config = stage.service();
    let told = Told::by(&mut config);
    let session = Session::new(&config).unwrap();
    let old = session.authorization().unwrap();
    stage.advance(EARLY);
    stage.emulator.fault(Fault::on(Target::Refresh).times(1).html(503));
    session.authorization().unwrap();
    told.await_event(|event| matches!(event, SessionEvent::Failed(_)));
    for _ in 0..2_000 {
        assert!(session.authorization().unwrap().matches(old.expose()));
    }
    // The flight that failed may still be on its last metre; the one that this starts, or joins, is not.
    session.refresh().unwrap_err();
    assert_eq!(stage.seen(Kind::Refresh), 1, "not before the back-off is over");
    stage.advance(FIRST_BACK_OFF);
    told.await_event_while(
        || drop(session.authorization().unwrap()),
        |event| matches!(event, SessionEvent::Refreshed),
    );
    assert!(!session.authorization().unwrap().matches(old.expose()));
    assert_eq!((stage.seen(Kind::Refresh), stage.seen(Kind::SignIn)), (2, 1));
}

#[test]
fn after_a_failed_late_refresh_all_get_the_live_token() {
    let stage = Stage::new();
    let session = stage.signed_in(Duration::ZERO);
    let old = session.authorization().unwrap();
    stage.advance(LATE);
    let held = stage.emulator.hold(Target::Refresh);
    stage.emulator.fault(Fault::on(Target::Refresh).always().html(502));
    let handle = session.clone();
    let callers = call_each(8, move |_| handle.authorization().unwrap());
    callers.iter().for_each(|caller| caller.await_sleep());
    held.release();
    for caller in callers {
        assert!(caller.join().matches(old.expose()));
    }
    for _ in 0..50 {
        assert!(session.authorization().unwrap().matches(old.expose()));
    }
    assert_eq!(stage.seen(Kind::Refresh), 1);
}

#[test]
fn a_failed_attempt_fails_all_its_callers() {
    let stage = Stage::new();
    let session = Session::new(&stage.service()).unwrap();
    let held = stage.emulator.hold(Target::SignIn);
    stage.emulator.fault(Fault::on(Target::SignIn).html(503));
    let handle = session.clone();
    let callers = call_each(16, move |_| handle.login().unwrap_err());
    callers.iter().for_each(|caller| caller.await_sleep());
    held.release();
    for caller in callers {
        let error = caller.join();
        assert_eq!((error.code(), error.http_status()), (ErrorCode::UnexpectedAnswer, Some(503)));
    }
    let error = session.login().unwrap_err();
    assert_eq!(error.code(), ErrorCode::MustWait);
    assert!(error.retry_after().unwrap() <= FIRST_BACK_OFF);
    assert_eq!(stage.authentications(), 1);
    stage.advance(FIRST_BACK_OFF);
    session.login().unwrap();
    assert_eq!(stage.authentications(), 2);
}

#[test]
fn a_rejection_is_told_to_all_who_waited_and_costs_one_request() {
    let stage = Stage::new();
    let mut config = stage.service();
    config.password("service@example.com", "wrong").unwrap();
    let session = Session::new(&config).unwrap();
    let held = stage.emulator.hold(Target::SignIn);
    let handle = session.clone();
    let callers = call_each(16, move |_| handle.login().unwrap_err());
    callers.iter().for_each(|caller| caller.await_sleep());
    held.release();
    for caller in callers {
        assert_eq!(caller.join().code(), ErrorCode::Rejected);
    }
    for caller in call_each(16, move |_| session.login().unwrap_err()) {
        assert_eq!(caller.join().code(), ErrorCode::Rejected);
    }
    assert_eq!(stage.authentications(), 1);
}

#[test]
fn a_lost_answer_counts_and_is_not_repeated_at_once() {
    let stage = Stage::new();
    let session = stage.signed_in(OVER);
    stage.emulator.fault(Fault::on(Target::Refresh).lose_answer());
    let error = session.login().unwrap_err();
    assert_eq!(error.code(), ErrorCode::Network, "{error}");
    assert_eq!(session.login().unwrap_err().code(), ErrorCode::MustWait);
    stage.advance(FIRST_BACK_OFF);
    session.login().unwrap();
    assert_eq!(stage.seen(Kind::Refresh) + stage.seen(Kind::SignIn), 3);
}
