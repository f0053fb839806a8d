//! A session with the store, against one without: a token in hand, and a sign-in.
#![allow(clippy::print_stdout, clippy::unwrap_used, missing_docs, reason = "a benchmark reports on stdout")]
#![allow(dead_code, reason = "the helpers are those of the tests")]

#[path = "../tests/engine/harness.rs"]
mod harness;
#[path = "../../plextrac-transport/benches/paired/mod.rs"]
mod paired;

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use harness::{Server, new_key};
use plextrac_emulator::Emulator;
use plextrac_store_redis::{RedisOptions, RedisStore, StoreKey};
use plextrac_transport::{Session, SessionConfig};

/// Each has an instance of its own, so that no budget ends the measurement.
const SIGN_INS: usize = 61;

fn main() {
    let (server, key) = (Server::start(), new_key());
    let emulator = Emulator::builder().token_padding(700).start().unwrap();
    let (with, without) = (session(&emulator, Some((&server, &key))), session(&emulator, None));
    for threads in [1, 2] {
        let lend = |session: &Session| {
            black_box(session.with_authorization(|token| black_box(token).len()).unwrap());
        };
        paired::compare(threads, 200_000 / threads as u32, || lend(&with), || lend(&without))
            .print(&format!("token in hand, with the store, {threads} thread(s)"), 1.1);
    }
    let mut pairs: Vec<(f64, f64)> = (0..SIGN_INS)
        .map(|_| {
            let [one, other] = [(); 2].map(|()| Emulator::start().unwrap());
            let shared = time(|| session(&one, Some((&server, &key))));
            (shared, time(|| session(&other, None)))
        })
        // The first one warms up.
        .skip(1)
        .collect();
    pairs.sort_by(|a, b| (a.0 / a.1).total_cmp(&(b.0 / b.1)));
    let (shared, alone) = pairs[pairs.len() / 2];
    println!(
        "sign-in on HTTP and a new connection to the store {shared:.0} us, alone {alone:.0} us, ratio {:.2} ({:.2} to {:.2})",
        shared / alone,
        pairs[0].0 / pairs[0].1,
        pairs[pairs.len() - 1].0 / pairs[pairs.len() - 1].1
    );
}

/// A session that has signed in.
fn session(emulator: &Emulator, store: Option<(&Server, &StoreKey)>) -> Session {
    let mut config = SessionConfig::new(&emulator.url()).unwrap();
    config.proxy("").unwrap().password("service@example.com", "service-password").unwrap();
    if let Some((server, key)) = store {
        config.store(Arc::new(RedisStore::open(&server.url(), key, RedisOptions::default()).unwrap()));
    }
    let session = Session::new(&config).unwrap();
    session.login().unwrap();
    session
}

/// In microseconds, without what closing takes.
fn time<T>(work: impl FnOnce() -> T) -> f64 {
    let begun = Instant::now();
    let made = work();
    let took: Duration = begun.elapsed();
    drop(made);
    took.as_secs_f64() * 1e6
}
