//! The windows of a token's life: who waits for a refresh, and who does not.

use std::time::Duration;

use plextrac_emulator::{Kind, Target};
use plextrac_transport::{ErrorCode, Session, SessionEvent};

use crate::stage::{EARLY, LATE, OVER, Stage, Told, call, call_each};

#[test]
fn in_the_early_window_no_caller_waits_for_the_refresh() {
    let stage = Stage::new();
    let mut config = stage.service();
    let told = Told::by(&mut config);
    let session = Session::new(&config).unwrap();
    let old = session.authorization().unwrap();
    stage.advance(EARLY);
    let held = stage.emulator.hold(Target::Refresh);
    assert!(session.authorization().unwrap().matches(old.expose()));
    stage.await_requests(Kind::Refresh, 1);
    // All of these return while the answer is held back.
    let handle = session.clone();
    let callers =
        call_each(8, move |_| (0..1_000).map(|_| handle.authorization().unwrap()).collect::<Vec<_>>());
    for token in callers.into_iter().flat_map(|caller| caller.join()) {
        assert!(token.matches(old.expose()));
    }
    held.release();
    told.await_event(|event| matches!(event, SessionEvent::Refreshed));
    assert!(!session.authorization().unwrap().matches(old.expose()));
    assert_eq!((stage.seen(Kind::Refresh), stage.seen(Kind::SignIn)), (1, 1));
}

#[test]
fn in_the_late_window_all_callers_wait_for_one_attempt() {
    let stage = Stage::new();
    let session = stage.signed_in(LATE);
    let old = session.with_timeout(Duration::from_secs(60));
    let held = stage.emulator.hold(Target::Refresh);
    let callers = call_each(16, move |_| session.authorization().unwrap());
    callers.iter().for_each(|caller| caller.await_sleep());
    stage.await_requests(Kind::Refresh, 1);
    held.release();
    let tokens: Vec<_> = callers.into_iter().map(|caller| caller.join()).collect();
    assert!(tokens.iter().all(|token| token.matches(tokens[0].expose())));
    assert!(old.authorization().unwrap().matches(tokens[0].expose()));
    assert_eq!((stage.seen(Kind::Refresh), stage.seen(Kind::SignIn)), (1, 1));
}

#[test]
fn in_the_late_window_a_caller_out_of_time_gets_the_token() {
    let stage = Stage::new();
    let session = stage.signed_in(Duration::ZERO);
    let old = session.authorization().unwrap();
    stage.advance(LATE);
    let held = stage.emulator.hold(Target::Refresh);
    let patient = session.clone();
    let patient = call(move || patient.authorization().unwrap());
    patient.await_sleep();
    let hasty = session.with_timeout(Duration::from_millis(10));
    assert!(hasty.authorization().unwrap().matches(old.expose()));
    assert!(!patient.is_over(), "its own time is not over");
    held.release();
    assert!(!patient.join().matches(old.expose()));
    assert_eq!(stage.seen(Kind::Refresh), 1);
}

#[test]
fn past_the_hand_out_limit_a_caller_out_of_time_gets_nothing() {
    let stage = Stage::new();
    let session = stage.signed_in(OVER);
    let held = stage.emulator.hold(Target::Refresh);
    let patient = session.clone();
    let patient = call(move || patient.authorization().map(drop));
    patient.await_sleep();
    let hasty = session.with_timeout(Duration::from_millis(10));
    assert_eq!(hasty.authorization().unwrap_err().code(), ErrorCode::Timeout);
    held.release();
    patient.join().unwrap();
    assert_eq!((stage.seen(Kind::Refresh), stage.seen(Kind::SignIn)), (1, 1));
}

#[test]
fn a_forced_refresh_is_made_once_for_all_callers() {
    let stage = Stage::new();
    let session = stage.signed_in(Duration::ZERO);
    let held = stage.emulator.hold(Target::Refresh);
    let handle = session.clone();
    let callers = call_each(8, move |_| handle.refresh());
    callers.iter().for_each(|caller| caller.await_sleep());
    let old = session.authorization().unwrap();
    held.release();
    callers.into_iter().for_each(|caller| caller.join().unwrap());
    assert!(!session.authorization().unwrap().matches(old.expose()));
    assert_eq!(stage.seen(Kind::Refresh), 1);
}

#[test]
fn an_imported_token_is_refreshed_once_for_all() {
    let stage = Stage::new();
    let given = stage.signed_in(Duration::ZERO).authorization().unwrap();
    let mut config = stage.bare();
    config.token(given.expose()).unwrap();
    let session = Session::new(&config).unwrap();
    let held = stage.emulator.hold(Target::Refresh);
    let callers = call_each(8, move |_| session.authorization().unwrap());
    callers.iter().for_each(|caller| caller.await_sleep());
    held.release();
    for caller in callers {
        assert!(!caller.join().matches(given.expose()));
    }
    assert_eq!((stage.seen(Kind::Refresh), stage.seen(Kind::SignIn)), (1, 1));
}
