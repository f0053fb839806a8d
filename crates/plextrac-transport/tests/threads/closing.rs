//! Ending a session while others are in it.

use std::sync::Arc;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use plextrac_emulator::{Fault, Kind, Target};
use plextrac_transport::{ErrorCode, MemoryStore, Session, SessionState};
use zeroize::Zeroizing;

use crate::stage::{EARLY, LONGEST_WAIT, Stage, call, call_each};

#[test]
fn closing_wakes_callers_and_waits_a_second_for_a_sign_in() {
    let stage = Stage::new();
    let session = Session::new(&stage.service()).unwrap();
    let held = stage.emulator.hold(Target::SignIn);
    let handle = session.clone();
    let callers = call_each(8, move |_| handle.login().unwrap_err().code());
    callers.iter().for_each(|caller| caller.await_sleep());
    stage.await_requests(Kind::SignIn, 1);
    let closing = session.clone();
    let closing = call(move || {
        let began = Instant::now();
        closing.close();
        began.elapsed()
    });
    // Nobody waits for the grace but the one who closes.
    for caller in callers {
        assert_eq!(caller.join(), ErrorCode::Closed);
    }
    let took = closing.join();
    println!("closing with a sign-in that is not answered took {took:?}");
    assert!(took < Duration::from_secs(5), "{took:?}");
    held.release();
    assert_eq!(session.login().unwrap_err().code(), ErrorCode::Closed);
}

#[test]
fn a_late_sign_in_does_not_open_a_closed_session() {
    let stage = Stage::new();
    let session = Session::new(&stage.service()).unwrap();
    let held = stage.emulator.hold(Target::SignIn);
    let handle = session.clone();
    let caller = call(move || handle.login().unwrap_err().code());
    stage.await_requests(Kind::SignIn, 1);
    caller.await_sleep();
    let closing = session.clone();
    let closing = call(move || closing.close());
    assert_eq!(caller.join(), ErrorCode::Closed);
    closing.await_sleep();
    held.release();
    closing.join();
    assert_eq!(session.state(), SessionState::Closed);
    assert_eq!(session.expires_in(), None);
    for caller in call_each(2, move |_| {
        [
            session.authorization().unwrap_err().code(),
            session.with_authorization(|_| ()).unwrap_err().code(),
            session.cookie().unwrap_err().code(),
            session.get("/api/v2/whoami").unwrap_err().code(),
            session.refresh().unwrap_err().code(),
            session.logout().unwrap_err().code(),
            session.submit_mfa("123456").unwrap_err().code(),
            session.forget_rejection().unwrap_err().code(),
            session.report_unauthorized("x").unwrap_err().code(),
        ]
    }) {
        assert_eq!(caller.join(), [ErrorCode::Closed; 9]);
    }
    assert_eq!((stage.authentications(), stage.seen(Kind::Whoami)), (1, 0));
}

#[test]
fn closing_ends_requests_that_wait_for_headers_or_body() {
    for in_body in [false, true] {
        let stage = Stage::new();
        let session = stage.signed_in(Duration::ZERO);
        let _held = (!in_body).then(|| stage.emulator.hold(Target::Api));
        if in_body {
            stage.emulator.fault(Fault::on(Target::Api).slow_body(Duration::from_secs(3600)));
        }
        let handle = session.clone();
        let caller = call(move || handle.get("/api/v2/whoami").unwrap_err().code());
        stage.await_requests(Kind::Whoami, 1);
        let began = Instant::now();
        session.close();
        assert_eq!(caller.join(), ErrorCode::Closed, "in the body: {in_body}");
        println!("closing ended a request after {:?}", began.elapsed());
    }
}

#[test]
fn closing_ends_a_wait_for_the_budget_and_sends_nothing() {
    let stage = Stage::new();
    let mut config = stage.service();
    config.auth_budget(2).unwrap().wait(Duration::from_secs(600)).timeout(Duration::from_secs(600)).unwrap();
    let session = Session::new(&config).unwrap();
    session.login().unwrap();
    session.refresh().unwrap();
    let handle = session.clone();
    let caller = call(move || handle.refresh().unwrap_err().code());
    caller.await_sleep();
    let began = Instant::now();
    session.close();
    assert!(began.elapsed() < Duration::from_millis(900), "there is nothing to give a second to");
    assert_eq!(caller.join(), ErrorCode::Closed);
    assert_eq!(stage.authentications(), 2);
}

#[test]
fn closing_does_not_wait_for_a_person() {
    let stage = Stage::new();
    let mut config = stage.analyst();
    let (asks, asked) = mpsc::channel();
    let (answers, answer) = mpsc::channel::<()>();
    let answer = std::sync::Mutex::new(answer);
    config.mfa_callback(move |_| {
        asks.send(()).unwrap();
        answer.lock().unwrap().recv_timeout(LONGEST_WAIT).unwrap();
        Some(Zeroizing::new("123456".to_owned()))
    });
    let session = Session::new(&config).unwrap();
    let handle = session.clone();
    let caller = call(move || handle.login().unwrap_err().code());
    asked.recv_timeout(LONGEST_WAIT).unwrap();
    let began = Instant::now();
    session.close();
    assert!(began.elapsed() < Duration::from_millis(900), "it waited for the person");
    assert_eq!(caller.join(), ErrorCode::Closed);
    answers.send(()).unwrap();
    drop(session);
    assert_eq!(stage.seen(Kind::Mfa), 0);
}

#[test]
fn closing_twice_and_from_many_threads_is_closing_once() {
    let stage = Stage::new();
    let session = stage.signed_in(Duration::ZERO);
    let handle = session.clone();
    call_each(8, move |_| handle.close()).into_iter().for_each(|caller| caller.join());
    session.close();
    assert_eq!(session.login().unwrap_err().code(), ErrorCode::Closed);
}

#[test]
fn dropping_the_last_handle_waits_for_a_refresh() {
    let stage = Stage::new();
    let store = Arc::new(MemoryStore::new());
    let mut config = stage.service();
    config.store(store);
    let session = Session::new(&config).unwrap();
    session.login().unwrap();
    stage.advance(EARLY);
    let held = stage.emulator.hold(Target::Refresh);
    session.authorization().unwrap();
    stage.await_requests(Kind::Refresh, 1);
    let dropping = call(move || drop(session));
    dropping.await_sleep();
    held.release();
    dropping.join();
    let next = Session::new(&config).unwrap();
    let status = next.status();
    assert!(status.refresh_in.unwrap() > Duration::from_secs(500), "the new token is in the store");
    next.login().unwrap();
    assert_eq!((stage.seen(Kind::SignIn), stage.seen(Kind::Refresh)), (1, 1));
}

#[test]
fn a_dropped_handle_ends_nothing_while_another_lives() {
    let stage = Stage::new();
    let session = Session::new(&stage.service()).unwrap();
    let held = stage.emulator.hold(Target::SignIn);
    let handle = session.clone();
    let caller = call(move || handle.login());
    caller.await_sleep();
    drop(session);
    held.release();
    caller.join().unwrap();
}
