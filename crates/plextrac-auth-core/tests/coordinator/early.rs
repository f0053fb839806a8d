//! Programs that run once and often, as from cron.

use plextrac_auth_core::{Call, Config, FailureKind, ImportedToken, MfaSource};

use crate::driver::{Server, World, config, jwt, secs};
use crate::harness::{Process, Store};

fn runs_once() -> Config {
    Config { refreshes_early: true, ..config() }
}

#[test]
fn a_run_refreshes_when_a_third_of_the_life_is_over() {
    let (world, store) = (World::new(Server::plain()), Store::new());
    let mut first = Process::new(1, &world, &store, runs_once());
    first.get();
    world.pass(secs(290));
    let mut early = Process::new(2, &world, &store, runs_once());
    let caller = early.get();
    assert!(early.is_served(caller));
    assert!(early.sent.is_empty());
    world.pass(secs(15));
    let mut due = Process::new(3, &world, &store, runs_once());
    let caller = due.need();
    due.settle();
    assert!(due.is_served(caller), "the live token is returned at once");
    due.run();
    assert_eq!(due.count(Call::Refresh), 1);
    due.assert_idle();
    let mut other = Process::new(4, &world, &store, runs_once());
    other.get();
    assert!(other.sent.is_empty(), "the token is new");
}

#[test]
fn runs_of_cron_ask_once_in_eight_hours() {
    for minutes in [1_u64, 5, 10, 12] {
        let (world, store) = (World::new(Server::plain()), Store::new());
        let (mut sign_ins, mut refreshes) = (0, 0);
        for number in 0..8 * 60 / minutes {
            let name = (number % 250) as u8 + 1;
            let mut process = Process::new(name, &world, &store, runs_once());
            let caller = process.get();
            assert!(process.is_served(caller));
            process.assert_idle();
            sign_ins += process.count(Call::SignIn);
            refreshes += process.count(Call::Refresh);
            world.pass(secs(minutes * 60));
        }
        assert_eq!(sign_ins, 1, "every {minutes} minutes");
        assert!(refreshes > 30, "every {minutes} minutes: {refreshes}");
    }
}

#[test]
fn without_a_source_of_codes_nothing_is_sent() {
    let (world, store) = (World::new(Server::with_mfa()), Store::new());
    let without = || Config { mfa: MfaSource::Unavailable, ..config() };
    for (number, sign_ins) in [(1, 1), (2, 0), (3, 0)] {
        let mut process = Process::new(number, &world, &store, without());
        let caller = process.get();
        assert_eq!(process.failure(caller), FailureKind::MfaRequired);
        assert_eq!(process.count(Call::SignIn), sign_ins);
        process.assert_idle();
        world.pass(secs(60));
    }
}

#[test]
fn the_quiet_period_of_an_imported_token_ends_with_it() {
    for store in [true, false] {
        let (world, shared) = (World::new(Server::plain()), Store::new());
        // It lives for eight hours, and cannot be refreshed.
        world.server.borrow_mut().refuses_refresh = true;
        let token = jwt(world.true_unix_ms(), 8 * 3600, 0);
        let config = Config { token: Some(ImportedToken::new(&token).unwrap()), ..config() };
        let how = store.then(|| crate::harness::store_config(1));
        let mut process = Process::with(1, &world, &shared, config, how);
        process.get();
        process.get();
        world.server.borrow_mut().refuses_refresh = false;
        let held = process.coordinator.usable_token(process.now()).unwrap();
        let generation = held.generation();
        assert!(process.coordinator.quiet_until() > process.now().monotonic + secs(3600));
        // The server does not take it any more. The next one lives for 15 minutes.
        process.input(|coordinator, now| coordinator.report_unauthorized(generation, false, now)).unwrap();
        let before = process.count(Call::Refresh);
        for _ in 0..120 {
            let caller = process.get();
            assert!(process.is_served(caller), "{:?}", process.woken);
            world.pass(secs(60));
        }
        let refreshes = process.count(Call::Refresh) - before;
        assert_eq!(process.count(Call::SignIn), 1);
        assert!((10..=12).contains(&refreshes), "{refreshes}");
    }
}
