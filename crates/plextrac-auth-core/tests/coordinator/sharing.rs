//! Processes on one store.

use plextrac_auth_core::{Call, RecordKind};

use crate::driver::{Server, World, config, secs};
use crate::harness::{Process, Store, pass};

#[test]
fn a_process_announces_its_attempt_before_it_sends() {
    let (world, store) = (World::new(Server::plain()), Store::new());
    let mut process = Process::new(1, &world, &store, config());
    let caller = process.need();
    process.settle();
    assert!(process.out.is_some());
    assert_eq!(store.borrow().account()["claim"]["work"], "sign-in");
    process.run();
    assert!(process.is_served(caller));
    assert!(store.borrow().account()["claim"].is_null(), "{}", store.borrow().account());
    process.assert_idle();
}

#[test]
fn a_second_process_adopts_the_token() {
    let (world, store) = (World::new(Server::plain()), Store::new());
    let mut a = Process::new(1, &world, &store, config());
    let mut b = Process::new(2, &world, &store, config());
    a.get();
    let caller = b.get();
    assert!(b.is_served(caller));
    assert_eq!(b.sent.len(), 0);
    assert_eq!(a.token(), b.token());
    b.assert_idle();
}

#[test]
fn a_second_process_waits_for_the_holder_of_the_claim() {
    let (world, store) = (World::new(Server::plain()), Store::new());
    let mut a = Process::new(1, &world, &store, config());
    let mut b = Process::new(2, &world, &store, config());
    let first = a.need();
    a.settle();
    let second = b.need();
    b.settle();
    assert!(b.sent.is_empty() && b.wait.watch.is_some());
    a.run();
    assert!(a.is_served(first));
    pass(&mut [&mut b], secs(1));
    assert!(b.is_served(second));
    assert_eq!(b.sent.len(), 0);
}

#[test]
fn of_two_processes_that_announce_at_once_one_sends() {
    let (world, store) = (World::new(Server::plain()), Store::new());
    let mut a = Process::new(1, &world, &store, config());
    let mut b = Process::new(2, &world, &store, config());
    let (first, second) = (a.need(), b.need());
    a.settle_until("write", RecordKind::Account);
    b.settle_until("write", RecordKind::Account);
    b.settle();
    a.settle();
    assert!(a.sent.is_empty() && b.out.is_some(), "the write of the first met a conflict");
    b.run();
    pass(&mut [&mut a, &mut b], secs(1));
    assert!(a.is_served(first) && b.is_served(second));
    assert_eq!(a.count(Call::SignIn) + b.count(Call::SignIn), 1);
    a.assert_idle();
    b.assert_idle();
}

#[test]
fn a_killed_holder_frees_the_account_within_fifteen_seconds() {
    let (world, store) = (World::new(Server::plain()), Store::new());
    let mut a = Process::new(1, &world, &store, config());
    let mut b = Process::new(2, &world, &store, config());
    a.need();
    a.settle();
    drop(a);
    let second = b.need();
    pass(&mut [&mut b], secs(15));
    assert!(b.is_served(second));
    b.assert_idle();
}

#[test]
fn a_refresh_in_its_window_is_left_to_the_holder() {
    let (world, store) = (World::new(Server::plain()), Store::new());
    let mut a = Process::new(1, &world, &store, config());
    let mut b = Process::new(2, &world, &store, config());
    a.get();
    b.get();
    pass(&mut [&mut a, &mut b], secs(700));
    a.need();
    a.settle();
    let caller = b.get();
    assert!(b.is_served(caller) && b.sent.is_empty());
    // The holder is killed: the other process refreshes, long before the token ends.
    drop(a);
    for _ in 0..20 {
        pass(&mut [&mut b], secs(1));
        b.get();
    }
    assert_eq!(b.count(Call::Refresh), 1);
}
