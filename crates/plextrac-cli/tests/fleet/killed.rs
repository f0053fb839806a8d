//! The process that signs in is killed, at points spread over its whole life. Another one goes on.

use std::io::Read;
use std::thread;
use std::time::{Duration, Instant};

use plextrac_emulator::{Emulator, Kind, Recorded};
use plextrac_store_redis::StoreKey;

use crate::child;
use crate::engine::{Engine, PASSWORD};

const KILLS: usize = 200;
/// An instance has so many accounts; the budget belongs to the instance.
const ACCOUNTS: usize = 10;
/// The instance takes so long to answer a sign-in, so that many kills meet one under way.
const SIGNING_IN: Duration = Duration::from_millis(150);
/// A kill comes at the latest so long after the start.
const LATEST: Duration = Duration::from_millis(500);
/// Others have the token so long after the kill.
const GO_ON_WITHIN: Duration = Duration::from_secs(15);

/// What came of one kill.
struct Outcome {
    /// The process had its token already.
    was_done: bool,
    took: Duration,
    sign_ins: usize,
}

pub(crate) fn others_go_on_when_a_holder_is_killed() {
    let engine = Engine::start();
    let url = engine.url().replace("://", &format!("://fleet:{PASSWORD}@"));
    let key = StoreKey::generate().unwrap();
    let emulators: Vec<Emulator> = (0..KILLS).step_by(ACCOUNTS).map(|_| emulator()).collect();
    let outcomes: Vec<Outcome> = thread::scope(|scope| {
        let threads: Vec<_> = (0..KILLS)
            .map(|index| {
                let (emulator, url, key) = (&emulators[index / ACCOUNTS], &url, &key);
                let after = LATEST * u32::try_from(index).unwrap() / u32::try_from(KILLS).unwrap();
                scope.spawn(move || kill_one(emulator, &username(index % ACCOUNTS), url, key, after))
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let slowest = outcomes.iter().map(|outcome| outcome.took).max().unwrap();
    let under_way = outcomes.iter().filter(|outcome| outcome.sign_ins == 2).count();
    let done = outcomes.iter().filter(|outcome| outcome.was_done).count();
    println!(
        "{KILLS} kills: {under_way} with a sign-in under way, {done} after the end; others had the token within {} ms",
        slowest.as_millis()
    );
    assert!(slowest <= GO_ON_WITHIN, "{slowest:?}");
    assert!(under_way > 0 && under_way < KILLS, "the points are spread");
    for outcome in &outcomes {
        // A takeover may repeat a password that got no answer, and nothing else.
        assert!((1..=2).contains(&outcome.sign_ins), "{} sign-ins", outcome.sign_ins);
        assert!(!outcome.was_done || outcome.sign_ins == 1, "a token that was there was not used");
    }
    for emulator in &emulators {
        assert_eq!(emulator.stats().of_kind(Kind::Refresh), 0);
        assert!(
            emulator.requests().iter().all(|request| request.status == Some(200) || request.status.is_none())
        );
    }
}

fn kill_one(emulator: &Emulator, username: &str, store: &str, key: &StoreKey, after: Duration) -> Outcome {
    let mut first = child::start(&emulator.url(), username, store, key);
    // The point of the kill is what this test is about.
    thread::sleep(after);
    first.kill().unwrap();
    let killed = Instant::now();
    first.wait().unwrap();
    let mut printed = String::new();
    first.stdout.take().unwrap().read_to_string(&mut printed).unwrap();
    let second = child::start(&emulator.url(), username, store, key).wait_with_output().unwrap();
    let took = killed.elapsed();
    assert!(second.status.success(), "{}", String::from_utf8_lossy(&second.stderr));
    if !printed.is_empty() {
        assert_eq!(printed.as_bytes(), second.stdout);
    }
    let is_of_user = |request: &&Recorded| {
        request.kind == Kind::SignIn && String::from_utf8_lossy(&request.body).contains(username)
    };
    let sign_ins = emulator.requests().iter().filter(is_of_user).count();
    Outcome { was_done: !printed.is_empty(), took, sign_ins }
}

fn username(index: usize) -> String {
    format!("user-{index}@example.com")
}

fn emulator() -> Emulator {
    let mut builder =
        Emulator::builder().limit_per_minute(1000).sign_in_delay(SIGNING_IN).keep_requests(1000);
    for index in 0..ACCOUNTS {
        builder = builder.account(child::account(&username(index)));
    }
    builder.start().unwrap()
}
