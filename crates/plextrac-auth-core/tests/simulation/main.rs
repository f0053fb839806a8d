//! Clients, a server and a shared store in one thread on virtual time: everything follows from a seed.
//!
//! A run draws a world (`plan.rs`): accounts, processes with several callers each, a server with its own idea of
//! time and of a limit, and what goes wrong and when. The clients (`driving.rs`, `caller.rs`) drive the coordinator that
//! `plextrac-transport` drives, and at every step `watch.rs` looks for a broken promise.
//!
//! A run that breaks one is reported by its seed: `PLEXTRAC_SIM_SEED=<seed> cargo test -p plextrac-auth-core --test
//! simulation drawn -- --nocapture` lives through it again and prints what happened. `PLEXTRAC_SIM_SEEDS=<n>` says
//! how many are tried.

#[path = "../driver/mod.rs"]
mod driver;

mod caller;
mod checks;
mod clocks;
mod controls;
mod driving;
mod exchange;
mod limit;
mod mishaps;
mod person;
mod plan;
mod promises;
mod random;
mod record;
mod server;
mod session;
mod store;
mod watch;
mod world;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use plan::Plan;
use watch::Figures;
use world::World;

/// Tried when nothing else is said.
const SEEDS: u64 = 2000;

#[test]
fn whatever_is_drawn_no_promise_is_broken() {
    if let Some(seed) = number("PLEXTRAC_SIM_SEED") {
        let plan = Plan::drawn(seed);
        println!("{plan:#?}");
        let report = World::traced(&plan).run();
        report.trace.iter().for_each(|line| println!("{line}"));
        println!("{:?}", report.figures);
        return assert!(
            report.broken.is_none(),
            "{}",
            broken_seed(seed, &report.broken.unwrap().to_string())
        );
    }
    let seeds = number("PLEXTRAC_SIM_SEEDS").unwrap_or(SEEDS);
    let (next, broken, all) =
        (AtomicU64::new(0), Mutex::new(BTreeMap::new()), Mutex::new(Figures::default()));
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds {
                        return;
                    }
                    let run = catch_unwind(AssertUnwindSafe(|| World::new(&Plan::drawn(seed)).run()));
                    let found = run.map(|report| {
                        all.lock().unwrap().add(&report.figures);
                        report.broken.map(|broken| broken.to_string())
                    });
                    if let Some(found) = found.unwrap_or_else(|_| Some("panicked".into())) {
                        broken.lock().unwrap().insert(seed, found);
                    }
                }
            });
        }
    });
    let broken = broken.into_inner().unwrap();
    let list: String = broken.iter().take(20).map(|(seed, broken)| broken_seed(*seed, broken)).collect();
    assert!(broken.is_empty(), "{} of {seeds} runs broke a promise\n{list}", broken.len());
    let all = all.into_inner().unwrap();
    println!("{seeds} runs: {all:?}");
    if seeds >= SEEDS {
        control_that_everything_was_met(&all);
    }
}

/// Promises that are kept where nothing happens are worth nothing.
fn control_that_everything_was_met(all: &Figures) {
    let counts =
        [all.sign_ins, all.second_steps, all.refreshes, all.rate_limited, all.adopted, all.unauthorized];
    assert!(counts.iter().all(|count| *count > 100), "{counts:?}");
    for ending in [
        "Timeout",
        "MustWait",
        "Cancelled",
        "Network",
        "Rejected",
        "MfaRejected",
        "MfaRequired",
        "UnexpectedAnswer",
        "Store",
        "Left",
    ] {
        assert!(all.failed.contains_key(ending), "no call ended with {ending}: {:?}", all.failed);
    }
}

fn broken_seed(seed: u64, broken: &str) -> String {
    format!(
        "{broken}\n    PLEXTRAC_SIM_SEED={seed} cargo test -p plextrac-auth-core --test simulation drawn -- --nocapture\n"
    )
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is no number: {text}")))
}
