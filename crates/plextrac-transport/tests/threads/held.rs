//! Another session holds the claim on the account, as one does whose refresh is not answered.

use std::path::Path;
use std::sync::{Arc, OnceLock, mpsc};
use std::time::Duration;

use plextrac_emulator::{Held, Kind, Target};
use plextrac_transport::{CancelToken, ErrorCode, MemoryStore, Session, SessionConfig, SessionEvent};

use crate::stage::{Caller, EARLY, LATE, LONGEST_WAIT, Stage, call, private_directory};

/// Accounts of one directory, each with the shared token of a session that is gone.
fn shared(stage: &Stage, directory: &Path) -> SessionConfig {
    let mut config = stage.service();
    config.state_dir(directory).unwrap().timeout(Duration::from_secs(3600)).unwrap();
    Session::new(&config).unwrap().login().unwrap();
    config
}

/// A session whose refresh is out, and is not answered until the first value is dropped.
fn refreshing(stage: &Stage, config: &SessionConfig) -> (Held, Caller<()>) {
    let held = stage.emulator.hold(Target::Refresh);
    let session = Session::new(config).unwrap();
    session.login().unwrap();
    let caller = call(move || session.refresh().unwrap());
    stage.await_requests(Kind::Refresh, 1);
    (held, caller)
}

/// A session that signs in, and whose sign-in is not answered until the first value is dropped.
fn signing_in(stage: &Stage, config: &SessionConfig, number: usize) -> (Held, Caller<()>) {
    let held = stage.emulator.hold(Target::SignIn);
    let session = Session::new(config).unwrap();
    let caller = call(move || session.login().unwrap());
    stage.await_requests(Kind::SignIn, number);
    (held, caller)
}

#[test]
fn a_live_token_is_used_while_another_session_refreshes() {
    let stage = Stage::new();
    let directory = private_directory();
    let config = shared(&stage, directory.path());
    let (held, refresh) = refreshing(&stage, &config);
    for age in [Duration::ZERO, EARLY] {
        stage.advance(age);
        let session = Session::new(&config).unwrap();
        let handle = session.clone();
        // With an hour of time, a caller that waits for the claim waits for too long.
        let caller = call(move || {
            let answer = handle.get("/api/v2/whoami").unwrap().status();
            handle.settle();
            answer
        });
        assert_eq!(caller.join_soon(), 200);
        assert_eq!(session.counters().tokens_adopted, 1);
    }
    assert_eq!(stage.authentications(), 2, "a due refresh is left to the claim's holder");
    // In its last minute callers wait for the refresh, and after a while they use what there is.
    stage.advance(LATE - EARLY);
    let session = Session::new(&config).unwrap();
    assert_eq!(call(move || session.get("/api/v2/whoami").unwrap().status()).join_soon(), 200);
    let hasty = Session::new(&config).unwrap().with_timeout(Duration::from_millis(50));
    hasty.authorization().unwrap();
    assert_eq!(stage.seen(Kind::Refresh), 1);
    drop(held);
    refresh.join_soon();
}

#[test]
fn sign_out_and_forget_wait_for_no_other_session() {
    let stage = Stage::new();
    let directory = private_directory();
    let config = shared(&stage, directory.path());
    let (held, refresh) = refreshing(&stage, &config);
    let session = Session::new(&config).unwrap();
    let handle = session.clone();
    call(move || handle.forget_rejection().unwrap()).join_soon();
    drop(held);
    refresh.join_soon();
    call(move || session.logout().unwrap()).join_soon();
    let status = Session::new(&config).unwrap().status();
    assert_eq!(status.expires_in, None);
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
        if matches!(event, SessionEvent::SignedIn) {
            // No token is in hand after signing out.
            tell.send(other.logout().and_then(|()| other.login()).map(|()| event.to_string())).unwrap();
        }
    });
    first.set(Session::new(&config).unwrap()).unwrap();
    let session = first.get().unwrap().clone();
    call(move || session.login()).join_soon().unwrap();
    told.recv_timeout(LONGEST_WAIT).unwrap().unwrap();
    assert_eq!(stage.authentications(), 2);
}

#[test]
fn an_attempt_that_waits_for_a_claim_ends_with_its_last_caller() {
    let stage = Stage::new();
    let directory = private_directory();
    let config = shared(&stage, directory.path());
    Session::new(&config).unwrap().logout().unwrap();
    let (held, sign_in) = signing_in(&stage, &config, 2);
    for leave in [CancelToken::trigger as fn(&CancelToken), |_| {}] {
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
        assert_eq!(session.counters().sign_ins_sent, 0);
    }
    drop(held);
    sign_in.join_soon();
    assert_eq!(stage.authentications(), 2);
}

#[test]
fn a_caller_takes_the_token_that_the_claims_holder_gets() {
    let stage = Stage::new();
    let directory = private_directory();
    let config = shared(&stage, directory.path());
    Session::new(&config).unwrap().logout().unwrap();
    let (held, sign_in) = signing_in(&stage, &config, 2);
    let session = Session::new(&config).unwrap();
    let caller = call(move || session.login().unwrap());
    caller.await_sleep();
    drop(held);
    sign_in.join_soon();
    caller.join_soon();
    assert_eq!(stage.authentications(), 2);
}

#[test]
fn a_waiting_caller_takes_the_token_of_another_session() {
    let stage = Stage::new();
    let mut config = stage.analyst();
    config.store(Arc::new(MemoryStore::new()));
    let (ask, asked) = mpsc::channel();
    let (answers, answer) = mpsc::channel::<String>();
    let answer = std::sync::Mutex::new(answer);
    config.mfa_callback(move |_| {
        ask.send(()).unwrap();
        answer.lock().unwrap().recv_timeout(LONGEST_WAIT).ok().map(Into::into)
    });
    let first = Session::new(&config).unwrap();
    let first = call(move || first.login());
    asked.recv_timeout(LONGEST_WAIT).unwrap();
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
