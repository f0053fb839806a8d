//! A store with a clock of its own, and processes of several machines.

use plextrac_auth_core::{
    Action, Budget, Call, Config, Coordinator, FailureKind, FingerprintKey, Need, Seed, StoreConfig,
    StoreTime, StoredRecord, Time, TransportFailure,
};

use crate::driver::{Server, World, config, config_with, secs, totp};
use crate::harness::{LIMITS, PATIENT, Process, Store, pass, pass_unanswered, sends_nothing, store_config};

fn a_seed() -> Seed {
    Seed { draws: 1, key: FingerprintKey::new([7; 32]) }
}

fn on_machine(name: &str) -> Config {
    Config { boot: name.into(), ..config() }
}

#[test]
fn machines_share_a_token_by_the_clock_of_the_store() {
    let (world, store) = (World::new(Server::plain()), Store::new());
    store.borrow_mut().clock = Some(("run-1".into(), 5_000_000));
    let mut a = Process::new(1, &world, &store, on_machine("a"));
    let mut b = Process::new(2, &world, &store, on_machine("b"));
    a.get();
    assert_eq!(store.borrow().account()["tokens"][0]["clock"], "run-1");
    pass(&mut [&mut a], secs(100));
    let caller = b.get();
    assert!(b.is_served(caller) && b.sent.is_empty());
    let (of_a, of_b) = (a.coordinator.usable_token(world.now()), b.coordinator.usable_token(world.now()));
    assert_eq!(of_a.unwrap().windows().ends_at, of_b.unwrap().windows().ends_at);
}

#[test]
fn machines_share_the_budget_by_the_clock_of_the_store() {
    let (world, store) = (World::new(Server::plain()), Store::new());
    store.borrow_mut().clock = Some(("run-1".into(), -900_000));
    let mut a = Process::new(1, &world, &store, on_machine("a"));
    let mut b = Process::new(2, &world, &store, on_machine("b"));
    a.get();
    b.input(|coordinator, now| coordinator.look(LIMITS, now)).unwrap();
    b.run();
    let now = world.mono();
    assert_eq!((a.budget.used(now), b.budget.used(now)), (1, 1));
    assert_eq!(b.budget.used(now + secs(61)), 0);
}

#[test]
fn a_claim_of_another_machine_lapses_on_the_stores_clock() {
    let (world, store) = (World::new(Server::plain()), Store::new());
    store.borrow_mut().clock = Some(("run-1".into(), 77));
    let mut a = Process::new(1, &world, &store, on_machine("a"));
    a.need();
    a.settle();
    drop(a);
    world.pass(secs(21));
    let mut b = Process::new(2, &world, &store, on_machine("b"));
    let caller = b.get();
    assert!(b.is_served(caller));
}

#[test]
fn after_a_failover_the_budget_counts_as_full() {
    let (world, store) = (World::new(Server::with_mfa()), Store::new());
    store.borrow_mut().clock = Some(("run-1".into(), 5_000_000));
    let how = |n| StoreConfig { may_lose_writes: true, ..store_config(n) };
    let with = |name: &str| Config { boot: name.into(), ..config_with(totp()) };
    let mut a = Process::with(1, &world, &store, with("a"), Some(how(1)));
    a.get();
    store.borrow_mut().clock = Some(("run-2".into(), 500));
    let mut b = Process::with(2, &world, &store, with("b"), Some(how(2)));
    let held = b.coordinator.usable_token(world.now()).map(|token| token.generation());
    let caller = b.join(Need::NewerThan(held), LIMITS);
    b.run();
    // The token of the run before is good for one refresh, and that has to wait for the budget.
    assert!(b.sent.is_empty());
    assert_eq!(b.failure(caller), FailureKind::MustWait);
    let patient = b.join(Need::Usable, PATIENT);
    pass(&mut [&mut b], secs(65));
    assert!(b.is_served(patient));
    assert_eq!(b.count(Call::Refresh), 1);
}

#[test]
fn a_failover_while_a_claim_is_held_ends_in_one_attempt() {
    let (world, store) = (World::new(Server::plain()), Store::new());
    store.borrow_mut().clock = Some(("run-1".into(), 0));
    let mut a = Process::new(1, &world, &store, on_machine("a"));
    let mut b = Process::new(2, &world, &store, on_machine("b"));
    let first = a.need();
    a.settle();
    let second = b.need();
    b.settle();
    store.borrow_mut().clock = Some(("run-2".into(), 123));
    pass_unanswered(&mut [&mut a, &mut b], secs(20));
    assert!(b.sent.is_empty(), "the claim is renewed on the new clock");
    a.run();
    pass(&mut [&mut a, &mut b], secs(2));
    assert!(a.is_served(first) && b.is_served(second));
    assert_eq!(b.sent.len(), 0);
}

#[test]
fn a_token_from_before_the_boot_lives_no_longer() {
    let (world, store) = (World::new(Server::plain()), Store::new());
    store.borrow_mut().clock = Some(("run-1".into(), 5_000_000));
    let mut a = Process::new(1, &world, &store, on_machine("a"));
    a.get();
    let ends = a.coordinator.usable_token(world.now()).unwrap().windows().ends_at;
    let left = ends.since(world.mono());
    // The token was issued 400 s before this machine booted.
    let ahead_ms = 5_000_000 + world.mono().as_millis() as i64 + 400_000;
    let store_time = StoreTime { clock: "run-1".into(), ms: ahead_ms as u64 };
    let now = Time::from_millis(0, world.true_unix_ms());
    let mut coordinator = Coordinator::new(on_machine("b"), a_seed(), Some(store_config(2)), now);
    let mut budget = Budget::default();
    coordinator.look(LIMITS, now).unwrap();
    let Action::Read { id, record } = coordinator.poll(&mut budget, now) else { panic!() };
    assert!(coordinator.poll(&mut budget, now).is_last());
    let stored = StoredRecord { time: Some(store_time), ..store.borrow().read(record, world.now()) };
    coordinator.handle_read(id, stored, now).unwrap();
    coordinator.poll(&mut budget, now);
    let token = coordinator.usable_token(now).expect("the token is taken over");
    assert_eq!(token.windows().ends_at.since(now.monotonic), left - secs(400));
}

#[test]
fn after_a_failover_one_totp_step_counts_as_spent() {
    let (world, store) = (World::new(Server::with_mfa()), Store::new());
    store.borrow_mut().clock = Some(("run-1".into(), 5_000_000));
    let how = |n| StoreConfig { may_lose_writes: true, ..store_config(n) };
    let mut a = Process::with(1, &world, &store, config_with(totp()), Some(how(1)));
    a.get();
    a.input(|coordinator, now| coordinator.sign_out(LIMITS, now)).unwrap();
    a.run();
    pass(&mut [&mut a], secs(200));
    store.borrow_mut().clock = Some(("run-2".into(), 900));
    let caller = a.join(Need::Usable, PATIENT);
    a.run();
    assert!(a.out.is_none(), "this step may be spent");
    pass(&mut [&mut a], secs(100));
    assert!(a.is_served(caller), "{:?}", a.wait);
}

#[test]
fn a_read_that_took_a_suspend_tells_no_time() {
    let (world, store) = (World::new(Server::plain()), Store::new());
    store.borrow_mut().clock = Some(("run-1".into(), 5_000_000));
    let mut a = Process::new(1, &world, &store, on_machine("a"));
    let mut b = Process::new(2, &world, &store, on_machine("b"));
    a.get();
    let caller = b.join(Need::Usable, PATIENT);
    b.step_late(secs(300));
    b.run();
    assert!(b.is_served(caller));
    let of = |process: &Process| process.coordinator.usable_token(world.now()).unwrap().windows().ends_at;
    assert_eq!(of(&a), of(&b));
}

#[test]
fn a_store_that_never_tells_the_time_fails() {
    let (world, store) = (World::new(Server::plain()), Store::new());
    store.borrow_mut().clock = Some(("run-1".into(), 5_000_000));
    let mut process = Process::with(1, &world, &store, on_machine("a"), Some(sends_nothing(1)));
    let caller = process.need();
    for _ in 0..3 {
        process.step_late(secs(3));
    }
    assert_eq!(process.failure(caller), FailureKind::Store);
    process.run();
    process.assert_idle();
}

#[test]
fn after_a_failover_a_newer_token_of_others_is_kept() {
    let (world, store) = (World::new(Server::plain()), Store::new());
    store.borrow_mut().clock = Some(("run-1".into(), 5_000_000));
    let how = |n| StoreConfig { may_lose_writes: true, ..store_config(n) };
    let mut a = Process::with(1, &world, &store, on_machine("a"), Some(how(1)));
    let mut b = Process::with(2, &world, &store, on_machine("b"), Some(how(2)));
    a.get();
    b.get();
    pass(&mut [&mut a, &mut b], secs(100));
    b.need_newer();
    b.run();
    let newer = b.token();
    pass(&mut [&mut a, &mut b], secs(550));
    // Nobody can tell the age of the newer token any more. The process with the older one fails to refresh it.
    store.borrow_mut().clock = Some(("run-2".into(), 900));
    a.join(Need::Usable, PATIENT);
    for _ in 0..20 {
        a.settle();
        if a.out.is_some() {
            break;
        }
        pass(&mut [&mut b], secs(10));
        a.join(Need::Usable, PATIENT);
    }
    a.fail(TransportFailure::Connect);
    a.run();
    assert_eq!(store.borrow().account()["tokens"][0]["token"].as_str(), newer.as_deref());
}
