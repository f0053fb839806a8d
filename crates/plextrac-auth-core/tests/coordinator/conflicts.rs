//! Forced interleavings of two processes on one store: whose operation is first decides who sends.

use plextrac_auth_core::{Budget, Call, MfaSource, Need, RecordKind, TransportFailure};

use crate::driver::{Server, World, config, config_with, digits, secs, totp};
use crate::harness::{LIMITS, PATIENT, Process, Store, pass, pass_unanswered};

#[test]
fn a_claim_that_meets_a_conflict_sends_nothing() {
    let (world, store) = (World::new(Server::plain()), Store::new());
    let mut a = Process::new(1, &world, &store, config());
    let caller = a.need();
    a.settle_until("write", RecordKind::Account);
    store.borrow_mut().put(RecordKind::Account, b"{\"version\":1}".to_vec());
    a.step();
    assert!(a.sent.is_empty());
    a.run();
    assert!(a.is_served(caller));
    assert_eq!(a.sent.len(), 1);
    assert_eq!(a.budget.used(world.mono()), 1, "the request that was not sent takes no place");
}

#[test]
fn a_claim_older_than_five_seconds_is_written_anew() {
    let (world, store) = (World::new(Server::plain()), Store::new());
    let mut a = Process::new(1, &world, &store, config());
    a.need();
    a.settle_until("write", RecordKind::Budget);
    world.pass(secs(6));
    a.step();
    assert!(a.sent.is_empty(), "the claim may be over by now");
    a.settle();
    assert_eq!(a.sent.len(), 1);
    assert_eq!(store.borrow().account()["claim"]["at"], world.mono().as_millis());
}

#[test]
fn two_accounts_share_the_last_place_in_the_budget() {
    let (world, accounts) = (World::new(Server::plain()), [Store::new(), Store::new()]);
    let mut a = Process::new(1, &world, &accounts[0], config());
    let mut b = Process::new(2, &world, &accounts[0], config());
    for process in [&mut a, &mut b] {
        process.budget = Budget::new(3).unwrap();
    }
    a.get();
    b.get();
    // One place is left for two refreshes that both found it free.
    let first = a.need_newer();
    a.settle_until("write", RecordKind::Budget);
    let places = accounts[0].borrow().json(RecordKind::Budget);
    assert_eq!(places["places"].as_array().map(Vec::len), Some(1));
    let mut full = places;
    let place = full["places"][0][1].clone();
    for ticket in [1001, 1002] {
        full["places"].as_array_mut().unwrap().push(serde_json::json!([ticket, place]));
    }
    accounts[0].borrow_mut().put(RecordKind::Budget, serde_json::to_vec(&full).unwrap());
    a.settle();
    assert!(a.out.is_none() && a.result(first).is_some(), "the budget is full");
    pass(&mut [&mut a], secs(1));
    a.assert_idle();
    assert!(accounts[0].borrow().account()["claim"].is_null(), "{}", accounts[0].borrow().account());
}

#[test]
fn a_released_place_does_not_come_back_by_a_conflict() {
    let (world, store) = (World::new(Server::with_mfa()), Store::new());
    let mut a = Process::new(1, &world, &store, config_with(totp()));
    a.budget = Budget::new(2).unwrap();
    let caller = a.need();
    a.settle();
    // The sign-in holds a place for its second step, which takes it over.
    a.answer();
    a.settle_until("write", RecordKind::Budget);
    let budget = store.borrow().json(RecordKind::Budget);
    store.borrow_mut().put(RecordKind::Budget, serde_json::to_vec(&budget).unwrap());
    a.run();
    assert!(a.is_served(caller), "{:?}", a.woken);
    assert_eq!((a.count(Call::SignIn), a.count(Call::Mfa)), (1, 1));
    assert_eq!(a.budget.used(world.mono()), 2);
}

#[test]
fn a_conflict_before_a_second_step_keeps_the_challenge() {
    for mfa in [totp(), MfaSource::Asked] {
        let (world, store) = (World::new(Server::with_mfa()), Store::new());
        let mut a = Process::new(1, &world, &store, config_with(mfa));
        let caller = a.join(Need::Usable, PATIENT);
        a.settle();
        a.answer();
        if a.prompt.is_some() {
            a.settle();
            a.input(|coordinator, now| coordinator.handle_code(Some(digits("424242")), now)).unwrap();
        }
        a.settle_until("write", RecordKind::Account);
        store.borrow_mut().edit(|record| record["from_a_newer_version"] = 1.into());
        a.run();
        assert!(a.is_served(caller), "{:?} {:?}", a.woken, a.coordinator);
        assert_eq!((a.count(Call::SignIn), a.count(Call::Mfa)), (1, 1));
    }
}

#[test]
fn a_holder_that_lost_its_claim_sends_no_second_step() {
    let (world, store) = (World::new(Server::with_mfa()), Store::new());
    let mut a = Process::new(1, &world, &store, config_with(totp()));
    let mut b = Process::new(2, &world, &store, config_with(totp()));
    let first = a.join(Need::Usable, PATIENT);
    a.settle();
    // The first process stands still. The second takes the account over.
    let second = b.need();
    for _ in 0..120 {
        if b.out.is_some() {
            break;
        }
        pass_unanswered(&mut [&mut b], secs(1) / 10);
    }
    assert!(b.out.is_some() && a.out.is_some());
    a.answer();
    a.settle();
    assert!(a.out.is_none(), "the account is the other process's: {:?}", a.sent.len());
    b.run();
    pass(&mut [&mut a, &mut b], secs(2));
    assert!(
        b.is_served(second) && a.is_served(first),
        "{:?} {:?} {:?} {:?}",
        a.woken,
        b.woken,
        a.coordinator,
        b.coordinator
    );
    assert_eq!((a.count(Call::Mfa), b.count(Call::Mfa)), (0, 1));
}

#[test]
fn a_holder_that_lost_its_claim_keeps_the_newer_token() {
    let (world, store) = (World::new(Server::plain()), Store::new());
    let mut a = Process::new(1, &world, &store, config());
    let mut b = Process::new(2, &world, &store, config());
    a.get();
    b.get();
    pass(&mut [&mut a, &mut b], secs(700));
    a.need();
    a.settle();
    assert!(a.out.is_some());
    // The first process stands still for a while; its request fails.
    let second = b.need_newer();
    pass(&mut [&mut b], secs(25));
    assert!(b.is_served(second));
    let newer = b.token();
    // First its renewal, then the failure of its request.
    a.drain();
    a.settle();
    a.fail(TransportFailure::Timeout);
    a.run();
    assert_eq!(store.borrow().account()["tokens"][0]["token"].as_str(), newer.as_deref());
    assert_eq!(a.token(), newer);
}

#[test]
fn the_claims_of_two_sessions_follow_each_other() {
    let (world, store) = (World::new(Server::plain()), Store::new());
    let mut processes: Vec<_> = (1..=4).map(|n| Process::new(n, &world, &store, config())).collect();
    let callers: Vec<_> = processes.iter_mut().map(|process| process.join(Need::Usable, LIMITS)).collect();
    // Everybody reads, then everybody writes, one operation after the other.
    for _ in 0..200 {
        for process in &mut processes {
            process.step();
        }
    }
    let out = processes.iter().filter(|process| process.out.is_some()).count();
    assert_eq!(out, 1);
    for process in &mut processes {
        process.run();
    }
    let mut all: Vec<&mut Process> = processes.iter_mut().collect();
    pass(&mut all, secs(2));
    for (process, caller) in processes.iter().zip(callers) {
        assert!(process.is_served(caller));
        process.assert_idle();
    }
    assert_eq!(processes.iter().map(|process| process.sent.len()).sum::<usize>(), 1);
}

#[test]
fn a_second_step_uses_its_place_in_a_budget_that_is_over() {
    let (world, store) = (World::new(Server::with_mfa()), Store::new());
    let mut a = Process::new(1, &world, &store, config_with(totp()));
    a.budget = Budget::new(2).unwrap();
    let caller = a.need();
    a.settle();
    // A process without its store sent more than there was room for, and wrote it down later.
    let mut over = store.borrow().json(RecordKind::Budget);
    let place = over["places"][0][1].clone();
    over["places"].as_array_mut().unwrap().push(serde_json::json!([1001, place]));
    store.borrow_mut().put(RecordKind::Budget, serde_json::to_vec(&over).unwrap());
    a.input(|coordinator, now| coordinator.look(LIMITS, now)).unwrap();
    a.settle();
    a.run();
    assert!(a.is_served(caller), "{:?}", a.woken);
    assert_eq!((a.count(Call::SignIn), a.count(Call::Mfa)), (1, 1));
}
