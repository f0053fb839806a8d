//! A claim that another process left in the record: alive, lapsed, or of a process that is gone.

use plextrac_auth_core::{Call, FailureKind, Limits, MfaSource, Need, RecordKind};

use crate::driver::{Server, World, config, config_with, digits, ms, secs, totp};
use crate::harness::{LIMITS, Process, Store, owner, pass, pass_unanswered};

#[test]
fn a_renewed_claim_is_waited_for() {
    let (world, store) = (World::new(Server::plain()), Store::new());
    let mut a = Process::new(1, &world, &store, config());
    let mut b = Process::new(2, &world, &store, config());
    a.need();
    a.settle();
    let caller = b.need();
    pass_unanswered(&mut [&mut a, &mut b], secs(29));
    assert!(b.result(caller).is_none() && b.sent.is_empty());
    pass_unanswered(&mut [&mut a, &mut b], secs(1));
    assert_eq!(b.failure(caller), FailureKind::Timeout);
    b.assert_idle();
}

#[test]
fn only_a_renewed_claim_needs_no_notice() {
    let (world, store) = (World::new(Server::plain()), Store::new());
    let mut a = Process::new(1, &world, &store, config());
    a.need();
    a.settle();
    assert_eq!(a.renewals, 0, "the claim itself is news");
    let written = a.carried_out.len();
    pass_unanswered(&mut [&mut a], secs(29));
    assert_eq!((a.renewals, a.carried_out.len() - written), (9, 9));
    a.run();
    assert!(a.carried_out.len() > written + 9);
    assert_eq!(a.renewals, 9, "the token is news, and so is the end of the claim");
}

#[test]
fn a_claim_whose_work_changes_needs_a_notice() {
    let (world, store) = (World::new(Server::with_mfa()), Store::new());
    let mut a = Process::new(1, &world, &store, config());
    a.need();
    a.run();
    assert_eq!(store.borrow().account()["claim"]["work"], "asking");
    assert_eq!(a.renewals, 0, "that a person is asked is news");
    pass(&mut [&mut a], secs(10));
    assert_eq!(a.renewals, 3);
}

#[test]
fn a_claim_of_two_leases_ago_is_taken_over_at_first_sight() {
    let (world, store) = (World::new(Server::plain()), Store::new());
    let mut a = Process::new(1, &world, &store, config());
    a.need();
    a.settle();
    drop(a);
    world.pass(secs(21));
    let mut b = Process::new(2, &world, &store, config());
    let caller = b.get();
    assert!(b.is_served(caller));
}

#[test]
fn a_claim_of_another_clock_is_watched_for_a_whole_lease() {
    let (world, store) = (World::new(Server::plain()), Store::new());
    let mut a =
        Process::new(1, &world, &store, plextrac_auth_core::Config { boot: "boot-9".into(), ..config() });
    a.need();
    a.settle();
    drop(a);
    world.pass(secs(600));
    let mut b = Process::new(2, &world, &store, config());
    let caller = b.need();
    pass(&mut [&mut b], secs(9));
    assert!(b.sent.is_empty());
    pass(&mut [&mut b], secs(3));
    assert!(b.is_served(caller), "{:?}", b.coordinator);
}

#[test]
fn a_process_that_is_gone_frees_the_account_at_once() {
    let (world, store) = (World::new(Server::plain()), Store::new());
    let mut a = Process::new(1, &world, &store, config());
    a.need();
    a.settle();
    drop(a);
    let mut b = Process::new(2, &world, &store, config());
    let caller = b.join(Need::Usable, crate::harness::PATIENT);
    b.settle();
    let watch = b.wait.watch.clone().expect("the record is watched");
    assert_eq!(watch.owner, Some(owner(1)));
    b.input(|coordinator, _| coordinator.handle_owner_gone(owner(7))).unwrap();
    b.run();
    assert!(b.sent.is_empty(), "that was another owner");
    b.input(|coordinator, _| coordinator.handle_owner_gone(owner(1))).unwrap();
    // What is left is the back-off of an attempt that got no answer.
    pass(&mut [&mut b], secs(6));
    assert!(b.is_served(caller));
}

#[test]
fn an_observer_that_slept_ends_no_live_claim() {
    let (world, store) = (World::new(Server::plain()), Store::new());
    let mut a =
        Process::new(1, &world, &store, plextrac_auth_core::Config { boot: "boot-9".into(), ..config() });
    let mut b = Process::new(2, &world, &store, config());
    a.need();
    a.settle();
    let caller = b.join(Need::Usable, Limits { timeout: secs(600), ..LIMITS });
    b.settle();
    // Both are suspended, and the observer is awake first.
    world.pass(secs(60));
    for _ in 0..3 {
        pass_unanswered(&mut [&mut b], ms(500));
    }
    assert!(b.sent.is_empty());
    a.fail(plextrac_auth_core::TransportFailure::Timeout);
    a.run();
    assert!(b.result(caller).is_none());
}

#[test]
fn a_program_with_a_totp_secret_does_not_wait_for_a_person() {
    let (world, store) = (World::new(Server::with_mfa()), Store::new());
    let mut a = Process::new(1, &world, &store, config_with(MfaSource::Asked));
    let mut b = Process::new(2, &world, &store, config_with(totp()));
    let asked = a.get();
    assert!(a.prompt.is_some());
    let caller = b.get();
    assert!(b.is_served(caller));
    // The person types a code for a challenge that is not needed any more.
    a.input(|coordinator, now| coordinator.handle_code(Some(digits("424242")), now)).unwrap();
    a.run();
    pass(&mut [&mut a], secs(1));
    assert!(a.is_served(asked));
    assert_eq!((a.count(Call::Mfa), a.token()), (0, b.token()));
}

#[test]
fn a_process_with_a_person_waits_for_the_other_person() {
    let (world, store) = (World::new(Server::with_mfa()), Store::new());
    let mut a = Process::new(1, &world, &store, config_with(MfaSource::Asked));
    let mut b = Process::new(2, &world, &store, config_with(MfaSource::Asked));
    a.get();
    let impatient = b.get();
    assert_eq!(b.failure(impatient), FailureKind::MustWait);
    let patient = b.join(Need::Usable, crate::harness::PATIENT);
    b.run();
    assert!(b.result(patient).is_none() && b.prompt.is_none());
    a.input(|coordinator, now| coordinator.handle_code(Some(digits("424242")), now)).unwrap();
    a.run();
    pass(&mut [&mut a, &mut b], secs(1));
    assert!(b.is_served(patient) && b.sent.is_empty());
}

#[test]
fn a_process_killed_while_it_asks_delays_others_15_s() {
    let (world, store) = (World::new(Server::with_mfa()), Store::new());
    let mut a = Process::new(1, &world, &store, config_with(MfaSource::Asked));
    a.get();
    assert!(a.prompt.is_some());
    drop(a);
    let mut b = Process::new(2, &world, &store, config_with(MfaSource::Asked));
    b.join(Need::Usable, crate::harness::PATIENT);
    b.run();
    pass(&mut [&mut b], secs(15));
    assert!(b.prompt.is_some(), "{:?} {}", b.coordinator, store.borrow().account());
}

#[test]
fn the_child_of_a_fork_leaves_its_parents_claim_alone() {
    let (world, store) = (World::new(Server::plain()), Store::new());
    let mut process = Process::new(1, &world, &store, config());
    let parents = process.need();
    process.settle();
    let claim = store.borrow().account()["claim"].clone();
    assert!(claim.is_object());
    // From here on this is the child.
    process.input(|coordinator, now| coordinator.handle_fork(owner(9), now));
    let _ = process.input(|coordinator, now| coordinator.leave(parents, now));
    pass_unanswered(&mut [&mut process], secs(8));
    assert_eq!(store.borrow().account()["claim"], claim);
    process.run();
    pass_unanswered(&mut [&mut process], secs(8));
    assert_eq!(store.borrow().account()["claim"], claim, "only the parent ends it");
}

#[test]
fn a_child_waits_for_its_parents_attempt() {
    let (world, store) = (World::new(Server::plain()), Store::new());
    let mut process = Process::new(1, &world, &store, config());
    let caller = process.need();
    process.settle_until("write", RecordKind::Budget);
    // The parent goes on with the write; the child knows nothing of what becomes of it.
    process.operation = None;
    process.input(|coordinator, now| coordinator.handle_fork(owner(9), now));
    process.settle();
    assert!(process.sent.is_empty(), "the parent's claim is alive");
    pass(&mut [&mut process], secs(15));
    assert!(process.is_served(caller), "the claim lapsed");
}

#[test]
fn a_driver_that_blocks_takes_a_long_claim() {
    let (world, store) = (World::new(Server::plain()), Store::new());
    let how = plextrac_auth_core::StoreConfig { cannot_renew: true, ..crate::harness::store_config(1) };
    let mut a = Process::with(1, &world, &store, config(), Some(how));
    let mut b = Process::new(2, &world, &store, config());
    let first = a.need();
    a.settle();
    let caller = b.need();
    // Nobody polls the first process.
    pass(&mut [&mut b], secs(29));
    assert!(b.result(caller).is_none() && b.sent.is_empty());
    a.run();
    assert!(a.is_served(first));
}
