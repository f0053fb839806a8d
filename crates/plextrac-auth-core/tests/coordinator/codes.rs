//! One-time codes: asked for by a callback, submitted by a caller, computed.

use plextrac_auth_core::{Call, FailureKind, InputError, MfaSource};

use crate::driver::{Server, World, config_with, digits, secs, totp};
use crate::harness::{LIMITS, Process, Store, pass};

const RIGHT: &str = "424242";

fn type_code(process: &mut Process, code: &str) {
    process.prompt = None;
    process.input(|coordinator, now| coordinator.handle_code(Some(digits(code)), now)).unwrap();
}

#[test]
fn a_person_is_asked_once_for_all_callers() {
    for store in [true, false] {
        let (world, shared) = (World::new(Server::with_mfa()), Store::new());
        let how = store.then(|| crate::harness::store_config(1));
        let mut process = Process::with(1, &world, &shared, config_with(MfaSource::Asked), how);
        let callers = [process.need(), process.need()];
        process.run();
        assert_eq!(process.prompt.map(|prompt| prompt.attempt), Some(1));
        let late = process.need();
        type_code(&mut process, RIGHT);
        process.run();
        assert!(callers.iter().all(|caller| process.is_served(*caller)) && process.is_served(late));
        assert_eq!(process.count(Call::Mfa), 1);
        process.assert_idle();
    }
}

#[test]
fn after_a_wrong_code_the_person_is_asked_once_more() {
    let (world, store) = (World::new(Server::with_mfa()), Store::new());
    let mut process = Process::new(1, &world, &store, config_with(MfaSource::Asked));
    let caller = process.get();
    type_code(&mut process, "111111");
    process.run();
    assert_eq!(process.prompt.map(|prompt| prompt.attempt), Some(2));
    type_code(&mut process, "222222");
    process.run();
    assert_eq!(process.failure(caller), FailureKind::MfaRejected);
    assert!(process.prompt.is_none());
    process.assert_idle();
}

#[test]
fn a_person_that_gives_up_ends_the_attempt_and_the_claim() {
    let (world, store) = (World::new(Server::with_mfa()), Store::new());
    let mut process = Process::new(1, &world, &store, config_with(MfaSource::Asked));
    let caller = process.get();
    assert_eq!(store.borrow().account()["claim"]["work"], "asking");
    process.input(|coordinator, now| coordinator.handle_code(None, now)).unwrap();
    process.run();
    assert_eq!(process.failure(caller), FailureKind::MfaRequired);
    assert!(store.borrow().account()["claim"].is_null());
    process.assert_idle();
}

#[test]
fn the_time_of_a_person_counts_against_no_deadline() {
    let (world, store) = (World::new(Server::with_mfa()), Store::new());
    let mut process = Process::new(1, &world, &store, config_with(MfaSource::Asked));
    let caller = process.get();
    pass(&mut [&mut process], secs(110));
    assert!(process.result(caller).is_none());
    type_code(&mut process, RIGHT);
    process.run();
    assert!(process.is_served(caller));
    process.assert_idle();
}

#[test]
fn a_challenge_that_lapsed_ends_the_attempt() {
    let (world, store) = (World::new(Server::with_mfa()), Store::new());
    let mut process = Process::new(1, &world, &store, config_with(MfaSource::Asked));
    let caller = process.get();
    pass(&mut [&mut process], secs(121));
    assert_eq!(process.failure(caller), FailureKind::MfaRequired);
    assert!(store.borrow().account()["claim"].is_null());
    // The callback has not returned. A new caller does not wait longer than it asked for.
    let late = process.need();
    process.run();
    pass(&mut [&mut process], secs(31));
    assert!(process.result(late).is_some(), "{:?}", process.coordinator);
    // Its code serves the challenge of the new caller, which is open still.
    process.prompt = None;
    process.input(|coordinator, now| coordinator.handle_code(Some(digits(RIGHT)), now)).unwrap();
    process.run();
    assert!(process.token().is_some());
    process.assert_idle();
}

#[test]
fn without_a_callback_a_caller_submits_the_code() {
    let (world, store) = (World::new(Server::with_mfa()), Store::new());
    let mut process = Process::new(1, &world, &store, config_with(MfaSource::Submitted));
    let caller = process.get();
    assert_eq!(process.failure(caller), FailureKind::MfaRequired);
    pass(&mut [&mut process], secs(60));
    assert_eq!(store.borrow().account()["claim"]["work"], "asking");
    let submitted = process.input(|c, now| c.submit_code(digits(RIGHT), LIMITS, now)).unwrap();
    process.run();
    assert!(process.is_served(submitted), "{:?}", process.woken);
    process.assert_idle();
}

#[test]
fn a_submitted_code_that_is_wrong_fails_its_caller() {
    let (world, store) = (World::new(Server::with_mfa()), Store::new());
    let mut process = Process::new(1, &world, &store, config_with(MfaSource::Submitted));
    process.get();
    let submitted = process.input(|c, now| c.submit_code(digits("111111"), LIMITS, now)).unwrap();
    process.run();
    assert_eq!(process.failure(submitted), FailureKind::MfaRejected);
    let again = process.input(|c, now| c.submit_code(digits("111111"), LIMITS, now));
    assert_eq!(again.unwrap_err(), InputError::CodeNotAskedFor);
    process.assert_idle();
}

#[test]
fn a_challenge_without_a_callback_lapses() {
    let (world, store) = (World::new(Server::with_mfa()), Store::new());
    let mut process = Process::new(1, &world, &store, config_with(MfaSource::Submitted));
    process.get();
    pass(&mut [&mut process], secs(121));
    assert!(store.borrow().account()["claim"].is_null());
    process.assert_idle();
}

#[test]
fn two_processes_spend_each_totp_step_once() {
    let (world, store) = (World::new(Server::with_mfa()), Store::new());
    let mut a = Process::new(1, &world, &store, config_with(totp()));
    let mut b = Process::new(2, &world, &store, config_with(totp()));
    a.get();
    assert!(store.borrow().account()["totp_step"].is_u64());
    a.input(|coordinator, now| coordinator.sign_out(LIMITS, now)).unwrap();
    a.run();
    let caller = b.join(plextrac_auth_core::Need::Usable, crate::harness::PATIENT);
    b.run();
    assert!(b.sent.is_empty(), "this step is spent");
    pass(&mut [&mut a, &mut b], secs(31));
    assert!(b.is_served(caller));
    let codes: Vec<String> = a
        .sent
        .iter()
        .chain(&b.sent)
        .filter(|sent| sent.call == Call::Mfa)
        .map(|sent| sent.field("token"))
        .collect();
    assert_eq!(codes.len(), 2);
    assert_ne!(codes[0], codes[1]);
}

#[test]
fn an_accepted_code_ends_the_doubt_about_its_secret() {
    let (world, store) = (World::new(Server::with_mfa()), Store::new());
    world.server.borrow_mut().uses_code_of_this_step(world.true_unix_ms());
    let mut process = Process::new(1, &world, &store, config_with(totp()));
    process.get();
    assert_eq!(store.borrow().account()["doubted"]["rejections"], 1);
    pass(&mut [&mut process], secs(30));
    let caller = process.need();
    process.settle();
    process.answer();
    process.settle();
    // Another process writes the record before this one can write that its code was accepted.
    store.borrow_mut().edit(|_| ());
    process.run();
    assert_eq!(process.count(Call::Mfa), 2);
    assert!(process.is_served(caller), "{:?}", process.woken);
    assert!(store.borrow().account()["doubted"].is_null(), "{}", store.borrow().account());
}
