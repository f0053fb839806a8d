//! Closing a session: what was not sent is not sent, what was sent is waited for, the claim ends.

use plextrac_auth_core::{FailureKind, MfaSource, RecordKind};

use crate::driver::{Server, World, config, config_with, secs, totp};
use crate::harness::{LIMITS, Process, Store, pass};

fn close(process: &mut Process) {
    process.input(|coordinator, now| coordinator.close(now)).unwrap();
}

#[test]
fn an_attempt_that_was_not_sent_ends_with_the_session() {
    for stop_at in
        [("read", RecordKind::Account), ("write", RecordKind::Account), ("write", RecordKind::Budget)]
    {
        let (world, store) = (World::new(Server::plain()), Store::new());
        let mut process = Process::new(1, &world, &store, config());
        let caller = process.need();
        process.settle_until(stop_at.0, stop_at.1);
        close(&mut process);
        assert_eq!(process.failure(caller), FailureKind::Cancelled);
        process.run();
        pass(&mut [&mut process], secs(60));
        assert!(process.sent.is_empty(), "closed at {stop_at:?}");
        assert!(store.borrow().account()["claim"].is_null());
        process.assert_idle();
    }
}

#[test]
fn a_request_that_is_out_brings_its_token_to_the_record() {
    let (world, store) = (World::new(Server::plain()), Store::new());
    let mut process = Process::new(1, &world, &store, config());
    let caller = process.need();
    process.settle();
    close(&mut process);
    assert_eq!(process.failure(caller), FailureKind::Cancelled);
    process.run();
    let record = store.borrow().account();
    assert!(record["claim"].is_null() && record["tokens"][0]["token"].is_string(), "{record}");
    process.assert_idle();
}

#[test]
fn a_closed_session_asks_no_person() {
    for mfa in [MfaSource::Asked, MfaSource::Submitted] {
        let (world, store) = (World::new(Server::with_mfa()), Store::new());
        let mut process = Process::new(1, &world, &store, config_with(mfa));
        process.need();
        process.settle();
        close(&mut process);
        process.run();
        assert!(process.prompt.is_none());
        assert!(store.borrow().account()["claim"].is_null(), "{}", store.borrow().account());
        process.assert_idle();
    }
}

#[test]
fn a_closed_session_ends_the_challenge_of_a_person() {
    let (world, store) = (World::new(Server::with_mfa()), Store::new());
    let mut process = Process::new(1, &world, &store, config_with(MfaSource::Asked));
    let caller = process.get();
    assert!(process.prompt.is_some());
    close(&mut process);
    assert_eq!(process.failure(caller), FailureKind::Cancelled);
    process.run();
    assert!(store.borrow().account()["claim"].is_null(), "{}", store.borrow().account());
    // The callback returns at some time.
    let _ = process.input(|coordinator, now| coordinator.handle_code(None, now));
    process.run();
    process.assert_idle();
}

#[test]
fn a_closed_session_sends_no_second_step() {
    let (world, store) = (World::new(Server::with_mfa()), Store::new());
    let mut process = Process::new(1, &world, &store, config_with(totp()));
    process.need();
    process.settle();
    close(&mut process);
    process.run();
    assert_eq!(process.sent.len(), 1);
    assert!(store.borrow().account()["claim"].is_null());
    process.assert_idle();
}

#[test]
fn a_closed_session_takes_no_calls() {
    let world = World::new(Server::plain());
    let mut process = Process::alone(&world, config());
    close(&mut process);
    let needs = process.input(|c, now| c.need_token(plextrac_auth_core::Need::Usable, LIMITS, now));
    assert_eq!(needs, Err(plextrac_auth_core::InputError::WrongState));
}
