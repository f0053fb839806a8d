//! Rejected credentials: remembered for every process, and cleared for every process.

use plextrac_auth_core::{Call, CallerId, FailureKind, RecordKind};

use crate::driver::{Server, World, config, config_with, secs, totp};
use crate::harness::{LIMITS, Process, Store, pass};

fn forget_rejection(process: &mut Process) -> CallerId {
    process.input(|coordinator, now| coordinator.forget_rejection(LIMITS, now)).unwrap()
}

fn wrong_password() -> Server {
    let mut server = Server::plain();
    server.password = "another".into();
    server
}

#[test]
fn a_rejected_password_is_sent_by_no_other_process() {
    let (world, store) = (World::new(wrong_password()), Store::new());
    let mut a = Process::new(1, &world, &store, config());
    let mut b = Process::new(2, &world, &store, config());
    let first = a.get();
    assert_eq!(a.failure(first), FailureKind::Rejected);
    let second = b.get();
    assert_eq!(b.failure(second), FailureKind::Rejected);
    assert_eq!(a.sent.len() + b.sent.len(), 1);
    a.assert_idle();
    b.assert_idle();
}

#[test]
fn a_program_that_only_clears_a_rejection_clears_it() {
    let (world, store) = (World::new(wrong_password()), Store::new());
    Process::new(1, &world, &store, config()).get();
    world.server.borrow_mut().password = crate::driver::PASSWORD.into();
    let mut b = Process::new(2, &world, &store, config());
    let caller = forget_rejection(&mut b);
    b.run();
    assert!(b.is_served(caller));
    assert_eq!(store.borrow().account()["rejected"].as_array().map(Vec::len), Some(0));
    let mut c = Process::new(3, &world, &store, config());
    let caller = c.get();
    assert!(c.is_served(caller), "{:?}", c.woken);
}

#[test]
fn a_cleared_rejection_is_not_written_back() {
    let (world, store) = (World::new(wrong_password()), Store::new());
    let mut a = Process::new(1, &world, &store, config());
    a.get();
    let mut b = Process::new(2, &world, &store, config());
    forget_rejection(&mut b);
    b.run();
    world.server.borrow_mut().password = crate::driver::PASSWORD.into();
    // The process that met the rejection may send again, too.
    let caller = a.get();
    assert!(a.is_served(caller), "{:?}", a.woken);
    pass(&mut [&mut a], secs(1));
    assert_eq!(store.borrow().account()["rejected"].as_array().map(Vec::len), Some(0));
    assert_eq!(a.count(Call::SignIn), 2);
}

#[test]
fn a_clearing_survives_a_conflict() {
    let (world, store) = (World::new(wrong_password()), Store::new());
    let mut a = Process::new(1, &world, &store, config());
    let mut b = Process::new(2, &world, &store, config());
    a.get();
    b.get();
    let caller = forget_rejection(&mut a);
    a.settle_until("write", RecordKind::Account);
    store.borrow_mut().edit(|_| {});
    a.run();
    assert!(a.is_served(caller));
    assert_eq!(store.borrow().account()["rejected"].as_array().map(Vec::len), Some(0));
}

#[test]
fn a_clearing_that_the_store_did_not_take_is_made_up_for() {
    let (world, store) = (World::new(wrong_password()), Store::new());
    let mut a = Process::new(1, &world, &store, config());
    a.get();
    store.borrow_mut().fails(true);
    let caller = forget_rejection(&mut a);
    a.run();
    assert_eq!(a.failure(caller), FailureKind::Store);
    store.borrow_mut().fails(false);
    world.server.borrow_mut().password = crate::driver::PASSWORD.into();
    let caller = a.get();
    assert!(a.is_served(caller), "{:?}", a.woken);
    assert_eq!(store.borrow().account()["rejected"].as_array().map(Vec::len), Some(0));
    assert_eq!(store.borrow().account()["rejection_resets"], 1);
}

#[test]
fn a_cleared_rejection_ends_the_doubt_about_a_totp_secret() {
    let (world, store) = (World::new(Server::with_mfa()), Store::new());
    world.server.borrow_mut().uses_code_of_this_step(world.true_unix_ms());
    let mut a = Process::new(1, &world, &store, config_with(totp()));
    a.get();
    assert_eq!(store.borrow().account()["doubted"]["rejections"], 1);
    forget_rejection(&mut a);
    a.run();
    assert!(store.borrow().account()["doubted"].is_null(), "{}", store.borrow().account());
}
