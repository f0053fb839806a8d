//! A store that fails: sessions that go on alone, and sessions that send nothing.

use plextrac_auth_core::{FailureKind, MfaSource};

use crate::driver::{Server, World, config, config_with, secs};
use crate::harness::{LIMITS, Process, Store, pass, sends_nothing, store_config};

#[test]
fn without_its_store_a_session_goes_on_alone() {
    for (reads, writes) in [(true, true), (false, true), (true, false)] {
        let (world, store) = (World::new(Server::plain()), Store::new());
        let mut process = Process::with(1, &world, &store, config(), Some(store_config(1)));
        (store.borrow_mut().fails_reads, store.borrow_mut().fails_writes) = (reads, writes);
        let caller = process.get();
        assert!(process.is_served(caller), "reads fail: {reads}, writes fail: {writes}");
        pass(&mut [&mut process], secs(60));
        process.assert_idle();
    }
}

#[test]
fn without_its_store_a_session_may_send_nothing() {
    for (reads, writes) in [(true, true), (false, true), (true, false)] {
        let (world, store) = (World::new(Server::plain()), Store::new());
        let mut process = Process::with(1, &world, &store, config(), Some(sends_nothing(1)));
        (store.borrow_mut().fails_reads, store.borrow_mut().fails_writes) = (reads, writes);
        let caller = process.get();
        assert_eq!(process.failure(caller), FailureKind::Store);
        assert!(process.sent.is_empty());
        process.assert_idle();
        store.borrow_mut().fails(false);
        let again = process.get();
        assert!(process.is_served(again));
        process.assert_idle();
    }
}

#[test]
fn a_store_that_fails_while_a_claim_is_held() {
    for how in [store_config(1), sends_nothing(1)] {
        let (world, store) = (World::new(Server::plain()), Store::new());
        let mut process = Process::with(1, &world, &store, config(), Some(how));
        let caller = process.need();
        process.settle();
        store.borrow_mut().fails(true);
        // Longer than it takes to renew the claim.
        crate::harness::pass_unanswered(&mut [&mut process], secs(5));
        process.run();
        assert!(process.is_served(caller), "what was sent is still waited for");
        process.assert_idle();
    }
}

#[test]
fn a_sign_out_that_the_store_does_not_take_says_so() {
    let (world, store) = (World::new(Server::plain()), Store::new());
    let mut process = Process::new(1, &world, &store, config());
    process.get();
    store.borrow_mut().fails(true);
    let caller = process.input(|coordinator, now| coordinator.sign_out(LIMITS, now)).unwrap();
    process.run();
    assert_eq!(process.failure(caller), FailureKind::Store);
    assert_eq!(process.token(), None);
    process.assert_idle();
}

#[test]
fn a_store_that_fails_slowly_ends_no_attempt() {
    let (world, store) = (World::new(Server::plain()), Store::new());
    let mut process = Process::new(1, &world, &store, config());
    store.borrow_mut().fails(true);
    let caller = process.need();
    for _ in 0..10 {
        // Longer than a claim counts as fresh.
        world.pass(secs(6));
        process.step();
    }
    process.run();
    assert!(process.out.is_none() && !process.sent.is_empty(), "{:?}", process.carried_out);
    assert!(process.result(caller).is_some());
    process.assert_idle();
}

#[test]
fn a_person_that_gives_up_without_a_store_ends_quietly() {
    let (world, store) = (World::new(Server::with_mfa()), Store::new());
    let config = config_with(MfaSource::Asked);
    let mut process = Process::with(1, &world, &store, config, Some(sends_nothing(1)));
    let caller = process.get();
    assert!(process.prompt.is_some());
    store.borrow_mut().fails(true);
    process.input(|coordinator, now| coordinator.handle_code(None, now)).unwrap();
    process.run();
    assert_eq!(process.failure(caller), FailureKind::MfaRequired);
    process.assert_idle();
}
