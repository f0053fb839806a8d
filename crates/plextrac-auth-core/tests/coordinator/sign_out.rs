//! Signing out, and clearing a rejection, for every process of the account.

use plextrac_auth_core::{Call, FailureKind, Need, RecordKind};

use crate::driver::{Server, World, config, secs};
use crate::harness::{LIMITS, Process, Store, pass};

fn sign_out(process: &mut Process) -> plextrac_auth_core::CallerId {
    process.input(|coordinator, now| coordinator.sign_out(LIMITS, now)).unwrap()
}

#[test]
fn a_program_that_only_signs_out_removes_the_shared_token() {
    let (world, store) = (World::new(Server::plain()), Store::new());
    Process::new(1, &world, &store, config()).get();
    assert!(store.borrow().account()["tokens"][0]["token"].is_string());
    let mut process = Process::new(2, &world, &store, config());
    let caller = sign_out(&mut process);
    process.run();
    assert!(process.is_served(caller));
    assert!(store.borrow().account()["tokens"][0]["token"].is_null(), "{}", store.borrow().account());
    process.assert_idle();
}

#[test]
fn the_refresh_of_another_session_undoes_no_sign_out() {
    let (world, store) = (World::new(Server::plain()), Store::new());
    let mut a = Process::new(1, &world, &store, config());
    let mut b = Process::new(2, &world, &store, config());
    a.get();
    b.get();
    let refreshing = a.need_newer();
    a.settle();
    assert!(a.out.is_some());
    let caller = sign_out(&mut b);
    b.run();
    assert!(b.is_served(caller));
    // The holder meets the change when it renews its claim, or when it stores the answer.
    a.run();
    pass(&mut [&mut a], secs(5));
    assert!(a.result(refreshing).is_some());
    let mut c = Process::new(3, &world, &store, config());
    c.need();
    c.settle();
    assert_eq!(c.count(Call::SignIn), 1, "no token is left: {}", store.borrow().account());
}

#[test]
fn a_sign_out_ends_the_token_of_every_session() {
    let (world, store) = (World::new(Server::plain()), Store::new());
    let mut a = Process::new(1, &world, &store, config());
    let mut b = Process::new(2, &world, &store, config());
    a.get();
    b.get();
    sign_out(&mut a);
    a.run();
    let caller = b.need_newer();
    b.run();
    assert!(b.is_served(caller));
    assert_eq!((b.count(Call::Refresh), b.count(Call::SignIn)), (0, 1));
}

#[test]
fn a_sign_out_ends_an_attempt_that_was_not_sent() {
    let (world, store) = (World::new(Server::plain()), Store::new());
    let mut process = Process::new(1, &world, &store, config());
    let caller = process.need();
    process.settle_until("write", RecordKind::Budget);
    sign_out(&mut process);
    process.run();
    assert_eq!(process.failure(caller), FailureKind::Cancelled);
    assert!(process.sent.is_empty());
    assert!(store.borrow().account()["claim"].is_null());
    process.assert_idle();
}

#[test]
fn a_sign_out_survives_a_conflict() {
    let (world, store) = (World::new(Server::plain()), Store::new());
    let mut a = Process::new(1, &world, &store, config());
    let mut b = Process::new(2, &world, &store, config());
    a.get();
    b.get();
    let caller = sign_out(&mut b);
    assert!(b.operation.is_some());
    // Another process stores a newer token first.
    let refreshed = a.need_newer();
    a.run();
    assert!(a.is_served(refreshed));
    b.run();
    assert!(b.is_served(caller));
    assert_eq!(b.token(), None);
    assert!(store.borrow().account()["tokens"][0]["token"].is_null(), "{}", store.borrow().account());
}

#[test]
fn two_sign_outs_at_once_count_once_each() {
    let (world, store) = (World::new(Server::plain()), Store::new());
    let mut process = Process::new(1, &world, &store, config());
    process.get();
    let callers = [sign_out(&mut process), sign_out(&mut process)];
    process.run();
    assert!(callers.iter().all(|caller| process.is_served(*caller)));
    let again = process.get();
    assert!(process.is_served(again));
    process.assert_idle();
}

#[test]
fn after_a_sign_out_a_call_signs_in_again() {
    let (world, store) = (World::new(Server::plain()), Store::new());
    let mut process = Process::new(1, &world, &store, config());
    process.get();
    sign_out(&mut process);
    let caller = process.join(Need::Usable, LIMITS);
    process.run();
    assert!(process.is_served(caller), "{:?}", process.woken);
    assert_eq!(process.count(Call::SignIn), 2);
    process.assert_idle();
}

#[test]
fn a_sign_out_before_its_start_concerns_no_session() {
    let (world, store) = (World::new(Server::plain()), Store::new());
    let mut a = Process::new(1, &world, &store, config());
    a.get();
    sign_out(&mut a);
    a.run();
    // The second process begins without its store, and finds it again before it sends.
    let mut b = Process::new(2, &world, &store, config());
    let caller = b.need();
    store.borrow_mut().fails(true);
    b.step();
    store.borrow_mut().fails(false);
    b.run();
    assert!(b.is_served(caller), "{:?}", b.woken);
}

#[test]
fn a_sign_out_met_before_a_send_begins_the_attempt_anew() {
    let (world, store) = (World::new(Server::plain()), Store::new());
    let mut a = Process::new(1, &world, &store, config());
    let mut b = Process::new(2, &world, &store, config());
    a.get();
    b.get();
    let caller = b.need_newer();
    b.settle_until("write", RecordKind::Account);
    sign_out(&mut a);
    a.run();
    b.run();
    assert!(b.is_served(caller), "{:?}", b.woken);
    assert_eq!((b.count(Call::Refresh), b.count(Call::SignIn)), (0, 1));
    b.assert_idle();
}
