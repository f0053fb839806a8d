//! Looking at the records without sending anything.

use plextrac_auth_core::CallerId;

use crate::driver::{Server, World, config, secs};
use crate::harness::{LIMITS, Process, Store, pass};

fn look(process: &mut Process) -> CallerId {
    process.input(|coordinator, now| coordinator.look(LIMITS, now)).unwrap()
}

#[test]
fn a_look_finds_the_token_of_another_process() {
    let (world, store) = (World::new(Server::plain()), Store::new());
    let mut a = Process::new(1, &world, &store, config());
    a.get();
    let mut b = Process::new(2, &world, &store, config());
    let caller = look(&mut b);
    b.run();
    assert!(b.is_served(caller) && b.sent.is_empty());
    assert_eq!(b.token(), a.token());
    assert_eq!(b.budget.used(world.mono()), a.budget.used(world.mono()));
    b.assert_idle();
}

#[test]
fn a_look_returns_while_another_process_works() {
    let (world, store) = (World::new(Server::plain()), Store::new());
    let mut a = Process::new(1, &world, &store, config());
    let mut b = Process::new(2, &world, &store, config());
    a.need();
    a.settle();
    let waiting = b.need();
    b.settle();
    let caller = look(&mut b);
    b.settle();
    assert!(b.is_served(caller) && b.result(waiting).is_none());
}

#[test]
fn each_look_reads_the_records_anew() {
    let (world, store) = (World::new(Server::plain()), Store::new());
    let mut a = Process::new(1, &world, &store, config());
    let mut b = Process::new(2, &world, &store, config());
    look(&mut b);
    b.run();
    assert_eq!(b.token(), None);
    a.get();
    let caller = look(&mut b);
    b.run();
    assert!(b.is_served(caller));
    assert_eq!(b.token(), a.token());
}

#[test]
fn an_attempt_reads_the_record_anew_after_a_long_time() {
    let (world, store) = (World::new(Server::plain()), Store::new());
    let mut a = Process::new(1, &world, &store, config());
    let mut b = Process::new(2, &world, &store, config());
    a.get();
    look(&mut b);
    b.run();
    pass(&mut [&mut a, &mut b], secs(700));
    a.need();
    a.run();
    let caller = b.need();
    b.run();
    pass(&mut [&mut b], secs(2));
    assert!(b.is_served(caller) && b.sent.is_empty());
    assert_eq!(b.token(), a.token());
}
