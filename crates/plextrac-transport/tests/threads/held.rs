//! Another process holds the account's lock, as one does whose refresh is not answered.

use std::fs::File;
use std::path::Path;
use std::sync::{Arc, OnceLock, mpsc};
use std::time::Duration;

use plextrac_emulator::Kind;
use plextrac_transport::{CancelToken, ErrorCode, MemoryStore, Session, SessionConfig, SessionEvent};

use crate::stage::{EARLY, LATE, PATIENCE, Stage, call, private_directory};

/// Accounts of one directory, each with the shared token of a session that is gone.
fn shared(stage: &Stage, directory: &Path) -> SessionConfig {
    let mut config = stage.service();
    config.state_dir(directory).unwrap().timeout(Duration::from_secs(3600)).unwrap();
    Session::new(&config).unwrap().login().unwrap();
    config
}

/// A kernel's lock belongs to the open file, so another one of this process is as good as another process.
fn hold_account(directory: &Path) -> File {
    hold(directory, 'a')
}

fn hold(directory: &Path, kind: char) -> File {
    let mut files = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let is_lock = |path: &std::path::PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap();
        name.starts_with(&format!("plextrac-auth-{kind}")) && name.ends_with(".lock")
    };
    let lock = File::open(files.find(is_lock).unwrap()).unwrap();
    lock.lock().unwrap();
    lock
}

#[test]
fn a_live_token_is_used_though_the_accounts_lock_is_held() {
    let stage = Stage::new();
    let directory = private_directory();
    let config = shared(&stage, directory.path());
    let held = hold_account(directory.path());
    for age in [Duration::ZERO, EARLY] {
        stage.advance(age);
        let session = Session::new(&config).unwrap();
        let handle = session.clone();
        // With an hour of time, whoever waits for the lock waits for too long.
        let caller = call(move || {
            let answer = handle.get("/api/v2/whoami").unwrap().status();
            handle.settle();
            answer
        });
        assert_eq!(caller.join_soon(), 200);
        assert_eq!(session.counters().tokens_adopted, 1);
    }
    assert_eq!(stage.authentications(), 1, "whose refresh is due is refreshed by the lock's holder");
    // In its last minute callers wait for the refresh, and after a while they use what there is.
    stage.advance(LATE - EARLY);
    let session = Session::new(&config).unwrap();
    assert_eq!(call(move || session.get("/api/v2/whoami").unwrap().status()).join_soon(), 200);
    let hasty = Session::new(&config).unwrap().with_timeout(Duration::from_millis(50));
    hasty.authorization().unwrap();
    drop(held);
    Session::new(&config).unwrap().login().unwrap();
    assert_eq!(stage.seen(Kind::Refresh), 1);
}

#[test]
fn who_signs_out_or_forgets_a_rejection_is_called_away_from_the_lock_by_cancel_and_close() {
    let stage = Stage::new();
    let directory = private_directory();
    let config = shared(&stage, directory.path());
    let _held = hold_account(directory.path());
    for change in [Session::logout, Session::forget_rejection] {
        let (session, cancel) = (Session::new(&config).unwrap(), CancelToken::new());
        let bound = session.with_cancel(&cancel);
        let caller = call(move || change(&bound).unwrap_err().code());
        caller.await_sleep();
        cancel.trigger();
        assert_eq!(caller.join_soon(), ErrorCode::Cancelled);

        let handle = session.clone();
        let caller = call(move || change(&handle).unwrap_err().code());
        caller.await_sleep();
        session.close();
        assert_eq!(caller.join_soon(), ErrorCode::Closed);

        let hasty = Session::new(&config).unwrap().with_timeout(Duration::from_millis(10));
        assert_eq!(change(&hasty).unwrap_err().code(), ErrorCode::Timeout);
    }
}

#[test]
fn an_event_sink_may_use_another_session_of_the_account() {
    let stage = Stage::new();
    let mut config = stage.service();
    config.store(Arc::new(MemoryStore::new())).timeout(Duration::from_secs(3600)).unwrap();
    let other = Session::new(&config).unwrap();
    let (tell, told) = mpsc::channel();
    let first: Arc<OnceLock<Session>> = Arc::default();
    config.on_event(move |event| {
        if matches!(event, SessionEvent::SignedIn | SessionEvent::SignedOut) {
            // Both need the account's lock: no token is in hand after signing out.
            tell.send(other.logout().and_then(|()| other.login()).map(|()| event.to_string())).unwrap();
        }
    });
    first.set(Session::new(&config).unwrap()).unwrap();
    let session = first.get().unwrap().clone();
    call(move || session.login()).join_soon().unwrap();
    told.recv_timeout(PATIENCE).unwrap().unwrap();
    assert_eq!(stage.authentications(), 2);
    let session = first.get().unwrap().clone();
    call(move || session.logout()).join_soon().unwrap();
    told.recv_timeout(PATIENCE).unwrap().unwrap();
}

#[test]
fn a_flight_that_waits_for_the_lock_ends_with_the_last_who_waits_for_it() {
    let stage = Stage::new();
    let directory = private_directory();
    let config = shared(&stage, directory.path());
    Session::new(&config).unwrap().logout().unwrap();
    for leave in [CancelToken::trigger as fn(&CancelToken), |_| {}] {
        let held = hold_account(directory.path());
        let (session, cancel) = (Session::new(&config).unwrap(), CancelToken::new());
        let bound = session.with_cancel(&cancel);
        let caller = call(move || bound.login().unwrap_err().code());
        caller.await_sleep();
        leave(&cancel);
        if !cancel.is_triggered() {
            session.close();
        }
        assert!(matches!(caller.join_soon(), ErrorCode::Cancelled | ErrorCode::Closed));
        let handle = session.clone();
        call(move || handle.settle()).join_soon();
        drop(held);
        assert_eq!(session.counters().sign_ins_sent, 0);
    }
    assert_eq!(stage.authentications(), 1);
}

#[test]
fn who_waits_for_a_moment_takes_the_token_that_another_session_gets_meanwhile() {
    let stage = Stage::new();
    let mut config = stage.analyst();
    config.store(Arc::new(MemoryStore::new()));
    let (ask, asked) = mpsc::channel();
    let (answers, answer) = mpsc::channel::<String>();
    let answer = std::sync::Mutex::new(answer);
    config.mfa_callback(move |_| {
        ask.send(()).unwrap();
        answer.lock().unwrap().recv_timeout(PATIENCE).ok().map(Into::into)
    });
    let first = Session::new(&config).unwrap();
    let first = call(move || first.login());
    asked.recv_timeout(PATIENCE).unwrap();
    config.wait(Duration::from_secs(1800)).timeout(Duration::from_secs(3600)).unwrap();
    let session = Session::new(&config).unwrap();
    let handle = session.clone();
    let second = call(move || handle.login());
    second.await_sleep();
    // Whoever looks wakes the one who waits.
    let (stop, stopped) = mpsc::channel::<()>();
    let looking = call(move || {
        while stopped.try_recv().is_err() {
            drop(session.status());
            std::thread::yield_now();
        }
    });
    answers.send(stage.digits()).unwrap();
    first.join().unwrap();
    // It was told to wait for two minutes.
    second.join_soon().unwrap();
    stop.send(()).unwrap();
    looking.join();
    assert_eq!((stage.seen(Kind::SignIn), stage.seen(Kind::Mfa)), (1, 1));
}

#[test]
fn nothing_is_sent_while_another_process_holds_the_budget() {
    let stage = Stage::new();
    let directory = private_directory();
    let config = shared(&stage, directory.path());
    let held = hold(directory.path(), 'b');
    let session = Session::new(&config).unwrap();
    session.login().unwrap();
    let error = session.refresh().unwrap_err();
    assert_eq!(error.code(), ErrorCode::MustWait, "{error}");
    assert_eq!(error.retry_after(), Some(Duration::from_secs(1)));
    assert_eq!(stage.authentications(), 1);
    drop(held);
    stage.advance(Duration::from_secs(1));
    session.refresh().unwrap();
    assert_eq!(stage.authentications(), 2);
}
