//! Callers of one process: who starts an attempt, who joins it, and when each is woken.

use plextrac_auth_core::{Call, FailureKind, Limits, Need, RecordKind, TransportFailure};

use crate::driver::{Server, World, config, ms, secs};
use crate::harness::{LIMITS, Process, Store, pass};

#[test]
fn callers_join_the_attempt_that_is_under_way() {
    let world = World::new(Server::plain());
    let mut process = Process::alone(&world, config());
    let callers = [process.need(), process.need(), process.need()];
    process.run();
    assert!(callers.iter().all(|caller| process.is_served(*caller)));
    assert_eq!(process.count(Call::SignIn), 1);
    process.assert_idle();
}

#[test]
fn a_live_token_serves_without_a_request() {
    let world = World::new(Server::plain());
    let mut process = Process::alone(&world, config());
    process.get();
    let second = process.get();
    assert!(process.is_served(second));
    assert_eq!(process.sent.len(), 1);
}

#[test]
fn a_failure_wakes_all_callers_of_the_attempt() {
    let world = World::new(Server::plain());
    let mut process = Process::alone(&world, config());
    let callers = [process.need(), process.need()];
    process.fail(TransportFailure::Connect);
    for caller in callers {
        assert_eq!(process.failure(caller), FailureKind::Network);
    }
    process.assert_idle();
}

#[test]
fn a_token_in_its_refresh_window_is_served_at_once() {
    let world = World::new(Server::plain());
    let mut process = Process::alone(&world, config());
    process.get();
    world.pass(secs(700));
    let caller = process.need();
    assert!(process.is_served(caller), "nobody waits for this refresh");
    process.run();
    assert_eq!(process.count(Call::Refresh), 1);
    process.assert_idle();
}

#[test]
fn a_refresh_that_failed_is_tried_again_in_time() {
    let world = World::new(Server::plain());
    let mut process = Process::alone(&world, config());
    process.get();
    world.pass(secs(700));
    process.need();
    process.fail(TransportFailure::Connect);
    pass(&mut [&mut process], secs(10));
    process.get();
    assert_eq!(process.count(Call::Refresh), 2, "the back-off is over, and the token is still live");
}

#[test]
fn a_caller_that_needs_a_newer_token_waits_for_it() {
    let world = World::new(Server::plain());
    let mut process = Process::alone(&world, config());
    process.get();
    let before = process.token();
    let caller = process.need_newer();
    assert!(process.result(caller).is_none());
    process.run();
    assert!(process.is_served(caller));
    assert_ne!(process.token(), before);
    assert_eq!(process.count(Call::Refresh), 1);
}

#[test]
fn a_caller_that_left_is_not_woken() {
    let world = World::new(Server::plain());
    let mut process = Process::alone(&world, config());
    let (first, second) = (process.need(), process.need());
    process.input(|coordinator, now| coordinator.leave(first, now)).unwrap();
    process.run();
    assert!(process.result(first).is_none() && process.is_served(second));
}

#[test]
fn an_attempt_that_was_sent_goes_on_without_its_callers() {
    let world = World::new(Server::plain());
    let mut process = Process::alone(&world, config());
    let caller = process.need();
    process.input(|coordinator, now| coordinator.leave(caller, now)).unwrap();
    process.run();
    assert!(process.token().is_some());
    process.assert_idle();
}

#[test]
fn a_caller_returns_at_its_deadline() {
    let world = World::new(Server::plain());
    let mut process = Process::alone(&world, config());
    let short = Limits { timeout: secs(2), ..LIMITS };
    let caller = process.join(Need::Usable, short);
    world.pass(secs(2));
    process.drain();
    assert_eq!(process.failure(caller), FailureKind::Timeout);
    process.run();
    assert!(process.token().is_some(), "its attempt goes on for the next call");
}

#[test]
fn an_unsent_attempt_goes_on_when_its_caller_times_out() {
    let (world, store) = (World::new(Server::plain()), Store::new());
    let mut process = Process::new(1, &world, &store, config());
    let short = Limits { timeout: ms(10), ..LIMITS };
    let caller = process.join(Need::Usable, short);
    for _ in 0..4 {
        world.pass(ms(5));
        process.step();
    }
    assert_eq!(process.failure(caller), FailureKind::Timeout);
    process.run();
    let next = process.join(Need::Usable, short);
    assert!(process.is_served(next));
    process.assert_idle();
}

#[test]
fn an_unsent_attempt_ends_when_its_last_caller_leaves() {
    let (world, store) = (World::new(Server::plain()), Store::new());
    let mut process = Process::new(1, &world, &store, config());
    let (first, second) = (process.need(), process.need());
    process.settle_until("write", RecordKind::Budget);
    process.input(|coordinator, now| coordinator.leave(first, now)).unwrap();
    assert!(process.coordinator.is_attempting());
    process.input(|coordinator, now| coordinator.leave(second, now)).unwrap();
    process.run();
    assert!(process.sent.is_empty());
    process.assert_idle();
}
