//! Sessions that are kept alive while the program does nothing.

mod stage;

use std::path::Path;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use plextrac_emulator::Kind;
use plextrac_transport::{
    CancelToken, ErrorCode, KeepEnd, Keeper, MemoryStore, Session, SessionConfig, SessionEvent,
};
use stage::{DEAD, EARLY, LONGEST_WAIT, Stage};

const HOUR: Duration = Duration::from_secs(3600);
/// A little over half of a token's life.
const HALF: Duration = Duration::from_secs(460);

/// What a session reports, one event after the other.
fn reporting(config: &mut SessionConfig) -> mpsc::Receiver<SessionEvent> {
    let (report, reported) = mpsc::channel();
    config.on_event(move |event| drop(report.send(event.clone())));
    reported
}

/// Waits for an event.
fn wait_for<T>(events: &mpsc::Receiver<SessionEvent>, fits: impl Fn(SessionEvent) -> Option<T>) -> T {
    loop {
        let event = events.recv_timeout(LONGEST_WAIT).expect("the event comes in time");
        if let Some(found) = fits(event) {
            return found;
        }
    }
}

fn kept(event: SessionEvent) -> Option<Keeper> {
    match event {
        SessionEvent::Kept(keeper) => Some(keeper),
        _ => None,
    }
}

fn ended(event: SessionEvent) -> Option<Result<KeepEnd, ErrorCode>> {
    match event {
        SessionEvent::KeepEnded(end) => Some(end.map_err(|error| error.code())),
        _ => None,
    }
}

fn refreshed(stage: &Stage, times: u64) {
    assert!(
        stage.emulator.wait_for(LONGEST_WAIT, |_| stage.emulator.stats().of_kind(Kind::Refresh) >= times),
        "{:?}",
        stage.emulator.stats()
    );
}

/// A session without a password on a directory.
fn without_password(stage: &Stage, directory: &Path) -> SessionConfig {
    let mut config = stage.bare();
    config.username("service@example.com").unwrap().state_dir(directory).unwrap();
    config
}

/// Keeps a session on a thread of its own.
fn keep(session: &Session) -> (mpsc::Receiver<Keeper>, thread::JoinHandle<Result<KeepEnd, ErrorCode>>) {
    let (report, reported) = mpsc::channel();
    let session = session.clone();
    let keeping = thread::spawn(move || {
        let goes_on = |keeper: &Keeper| report.send(keeper.clone()).is_ok();
        session.keep(HOUR, goes_on).map_err(|error| error.code())
    });
    (reported, keeping)
}

#[test]
fn a_session_refreshes_itself_while_the_program_does_nothing() {
    for has_store in [false, true] {
        let stage = Stage::new();
        let mut config = stage.service();
        if has_store {
            config.store(Arc::new(MemoryStore::new()));
        }
        let events = reporting(config.keep_alive(HOUR));
        let session = Session::new(&config).unwrap();
        session.login().unwrap();
        let first = session.authorization().unwrap();
        assert!(wait_for(&events, kept).is_own);
        for times in 1..=3 {
            stage.advance(HALF);
            refreshed(&stage, times);
            wait_for(&events, |event| matches!(event, SessionEvent::Refreshed).then_some(()));
        }
        assert!(!session.authorization().unwrap().matches(first.expose()));
        assert_eq!(stage.emulator.stats().of_kind(Kind::SignIn), 1);
        stage.advance(HOUR);
        assert_eq!(wait_for(&events, ended), Ok(KeepEnd::TimeOver));
    }
}

#[test]
fn nothing_is_sent_before_the_first_call() {
    let stage = Stage::new();
    let mut config = stage.service();
    let session = Session::new(config.keep_alive(HOUR)).unwrap();
    stage.advance(DEAD);
    session.settle();
    assert_eq!(stage.emulator.stats().authentication_requests(), 0);
}

#[test]
fn a_closed_session_is_not_kept_alive() {
    let stage = Stage::new();
    let directory = tempfile::tempdir().unwrap();
    let mut config = stage.service();
    let events = reporting(config.state_dir(directory.path().join("state")).unwrap().keep_alive(HOUR));
    let session = Session::new(&config).unwrap();
    session.login().unwrap();
    wait_for(&events, kept);
    let looker = Session::new(&without_password(&stage, &directory.path().join("state"))).unwrap();
    assert!(looker.status().keeper.is_some());
    session.close();
    assert_eq!(looker.status().keeper, None);
    stage.advance(EARLY);
    assert_eq!(stage.emulator.stats().of_kind(Kind::Refresh), 0);
}

#[test]
fn a_session_without_a_password_keeps_what_others_left() {
    let stage = Stage::new();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state");
    let mut config = stage.service();
    let person = Session::new(config.state_dir(&path).unwrap()).unwrap();
    person.login().unwrap();
    person.settle();
    let session = Session::new(&without_password(&stage, &path)).unwrap();
    let (keepers, keeping) = keep(&session);
    let keeper = keepers.recv_timeout(LONGEST_WAIT).unwrap();
    assert!(keeper.is_own);
    assert!(keeper.label.contains(&std::process::id().to_string()), "{keeper:?}");
    let seen = person.status().keeper.expect("another session sees it");
    assert_eq!((seen.label, seen.is_own), (keeper.label, false));
    stage.advance(HALF);
    refreshed(&stage, 1);
    person.logout().unwrap();
    assert_eq!(keeping.join().unwrap(), Ok(KeepEnd::SignedOut));
    assert_eq!(person.status().keeper, None);
}

#[test]
fn a_second_keeper_stands_by_and_takes_over() {
    let stage = Stage::new();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state");
    let mut config = stage.service();
    let person = Session::new(config.state_dir(&path).unwrap()).unwrap();
    person.login().unwrap();
    person.settle();
    let [first, second] = [(), ()].map(|()| Session::new(&without_password(&stage, &path)).unwrap());
    let (first_keepers, first_keeping) = keep(&first);
    assert!(first_keepers.recv_timeout(LONGEST_WAIT).unwrap().is_own);
    let (second_keepers, second_keeping) = keep(&second);
    assert!(!second_keepers.recv_timeout(LONGEST_WAIT).unwrap().is_own);
    first.close();
    assert_eq!(first_keeping.join().unwrap(), Err(ErrorCode::Closed));
    assert!(second_keepers.recv_timeout(LONGEST_WAIT).unwrap().is_own);
    stage.advance(HOUR);
    assert_eq!(second_keeping.join().unwrap(), Ok(KeepEnd::TimeOver));
}

#[test]
fn without_a_session_there_is_nothing_to_keep() {
    let stage = Stage::new();
    let directory = tempfile::tempdir().unwrap();
    let session = Session::new(&without_password(&stage, &directory.path().join("state"))).unwrap();
    let error = session.keep(HOUR, |_| true).unwrap_err();
    assert_eq!(error.code(), ErrorCode::MfaRequired);
    assert!(error.message().contains("sign in again"), "{error}");
}

#[test]
fn a_cancelled_call_keeps_nothing_any_more() {
    let stage = Stage::new();
    let session = Session::new(&stage.service()).unwrap();
    session.login().unwrap();
    let cancel = CancelToken::new();
    let (keepers, keeping) = keep(&session.with_cancel(&cancel));
    keepers.recv_timeout(LONGEST_WAIT).unwrap();
    cancel.trigger();
    assert_eq!(keeping.join().unwrap(), Err(ErrorCode::Cancelled));
    stage.advance(HALF);
    session.settle();
    assert_eq!(stage.emulator.stats().of_kind(Kind::Refresh), 0);
}

#[test]
fn a_caller_may_leave_once_it_knows_the_keeper() {
    let stage = Stage::new();
    let session = Session::new(&stage.service()).unwrap();
    session.login().unwrap();
    assert_eq!(session.keep(HOUR, |_| false).unwrap(), KeepEnd::Left);
}

#[test]
fn one_call_keeps_a_session_at_a_time() {
    let stage = Stage::new();
    let session = Session::new(&stage.service()).unwrap();
    session.login().unwrap();
    let (keepers, keeping) = keep(&session);
    keepers.recv_timeout(LONGEST_WAIT).unwrap();
    assert_eq!(session.keep(HOUR, |_| false).unwrap_err().code(), ErrorCode::Busy);
    // The refused call took nothing from the first one.
    session.logout().unwrap();
    assert_eq!(keeping.join().unwrap(), Ok(KeepEnd::SignedOut));
    session.login().unwrap();
    assert_eq!(session.keep(HOUR, |_| false).unwrap(), KeepEnd::Left);
}
