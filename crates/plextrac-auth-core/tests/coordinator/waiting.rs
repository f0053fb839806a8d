//! How long a caller waits: its timeout, its wait limit, the last minute of a token.

use plextrac_auth_core::{Budget, Call, FailureKind, Limits, Need};

use crate::driver::{Server, World, config, ms, reply, secs};
use crate::harness::{LIMITS, PATIENT, Process, Store, pass};

#[test]
fn a_full_budget_ends_a_call_without_a_wait_limit_at_once() {
    let (world, store) = (World::new(Server::plain()), Store::new());
    let mut process = Process::new(1, &world, &store, config());
    process.budget = Budget::new(2).unwrap();
    process.get();
    process.need_newer();
    process.run();
    let caller = process.need_newer();
    process.run();
    assert_eq!(process.failure(caller), FailureKind::MustWait);
    let Some(Err(failure)) = process.result(caller) else { panic!() };
    assert!(failure.retry_after().is_some());
    assert_eq!(process.sent.len(), 2);
    process.assert_idle();
}

#[test]
fn a_caller_that_may_wait_is_served_when_there_is_room() {
    let (world, store) = (World::new(Server::plain()), Store::new());
    let mut process = Process::new(1, &world, &store, config());
    process.budget = Budget::new(2).unwrap();
    process.get();
    process.need_newer();
    process.run();
    let held = process.coordinator.usable_token(world.now()).map(|token| token.generation());
    let patient = process.join(Need::NewerThan(held), PATIENT);
    let impatient = process.join(Need::NewerThan(held), LIMITS);
    process.run();
    assert_eq!(process.failure(impatient), FailureKind::MustWait);
    assert!(process.result(patient).is_none());
    pass(&mut [&mut process], secs(65));
    assert!(process.is_served(patient));
    process.assert_idle();
}

#[test]
fn a_rate_limit_of_another_process_is_kept() {
    let (world, store) = (World::new(Server::plain().next(reply::rate_limited(20))), Store::new());
    let mut a = Process::new(1, &world, &store, config());
    let mut b = Process::new(2, &world, &store, config());
    let first = a.get();
    assert_eq!(a.failure(first), FailureKind::MustWait);
    let second = b.get();
    assert_eq!(b.failure(second), FailureKind::MustWait);
    let patient = b.join(Need::Usable, PATIENT);
    b.run();
    pass(&mut [&mut a, &mut b], secs(19));
    assert!(b.sent.is_empty());
    pass(&mut [&mut a, &mut b], secs(3));
    assert!(b.is_served(patient));
}

#[test]
fn a_back_off_of_another_process_is_kept() {
    let (world, store) = (World::new(Server::plain().next(reply::server_error())), Store::new());
    let mut a = Process::new(1, &world, &store, config());
    let mut b = Process::new(2, &world, &store, config());
    a.get();
    let second = b.get();
    assert_eq!(b.failure(second), FailureKind::MustWait);
    assert!(b.sent.is_empty());
    b.assert_idle();
}

#[test]
fn a_caller_waits_five_seconds_for_another_refresh() {
    let (world, store) = (World::new(Server::plain()), Store::new());
    let mut a = Process::new(1, &world, &store, config());
    let mut b = Process::new(2, &world, &store, config());
    a.get();
    b.get();
    // The token's last minute.
    pass(&mut [&mut a, &mut b], secs(845));
    a.need();
    a.settle();
    assert!(a.out.is_some());
    let caller = b.need();
    b.run();
    assert!(b.result(caller).is_none());
    pass_holding(&mut a, &mut b, 49);
    assert!(b.result(caller).is_none());
    pass_holding(&mut a, &mut b, 2);
    assert!(b.is_served(caller) && b.sent.is_empty());
}

#[test]
fn a_late_token_is_handed_out_before_it_ends() {
    let (world, store) = (World::new(Server::plain()), Store::new());
    let mut a = Process::new(1, &world, &store, config());
    let mut b = Process::new(2, &world, &store, config());
    a.get();
    b.get();
    let unusable = b.coordinator.usable_token(world.now()).unwrap().windows().unusable_at;
    pass(&mut [&mut a, &mut b], unusable.since(world.mono()) - ms(1500));
    a.need();
    a.settle();
    let caller = b.need();
    b.run();
    assert!(b.result(caller).is_none());
    pass_holding(&mut a, &mut b, 15);
    assert!(b.is_served(caller), "{:?}", b.woken);
}

#[test]
fn a_caller_with_a_short_deadline_gets_a_late_token() {
    let (world, store) = (World::new(Server::plain()), Store::new());
    let mut a = Process::new(1, &world, &store, config());
    let mut b = Process::new(2, &world, &store, config());
    a.get();
    b.get();
    pass(&mut [&mut a, &mut b], secs(845));
    a.need();
    a.settle();
    let caller = b.join(Need::Usable, Limits { timeout: secs(1), ..LIMITS });
    b.run();
    pass_holding(&mut a, &mut b, 10);
    assert!(b.is_served(caller));
    assert_eq!(a.count(Call::Refresh), 1);
}

/// Lets time pass in steps of 100 ms while the holder's request stays out.
fn pass_holding(holder: &mut Process, other: &mut Process, steps: u32) {
    crate::harness::pass_unanswered(&mut [holder, other], ms(100) * steps);
}
