//! Sessions that share an account through the engine. Each has a store of its own, as if it were a machine.

use std::collections::HashMap;
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

use plextrac_emulator::{Emulator, Kind};
use plextrac_store_redis::{RedisOptions, RedisStore, StoreKey};
use plextrac_transport::{Clock, ErrorCode, OnStoreFailure, Session, SessionConfig, Time};

use crate::failover::Fleet;
use crate::harness::{LONG, Server, new_key, wait_for};

/// Sessions of a cold start.
const SESSIONS: usize = 32;
/// So long after the first session every session has the token.
const SPREADS_WITHIN: Duration = Duration::from_millis(200);

fn config(emulator: &Emulator, url: &str, key: &StoreKey) -> SessionConfig {
    let mut config = SessionConfig::new(&emulator.url()).unwrap();
    let clock = emulator.clock();
    let clock: Arc<dyn Clock> =
        Arc::new(move || Time::from_millis(clock.monotonic_ms() + 3_600_000, clock.true_unix_ms()));
    config.proxy("").unwrap().clock(clock);
    config.store(Arc::new(RedisStore::open(url, key, RedisOptions::default()).unwrap()));
    config
}

fn service(emulator: &Emulator, url: &str, key: &StoreKey) -> SessionConfig {
    let mut config = config(emulator, url, key);
    config.password("service@example.com", "service-password").unwrap();
    config
}

/// How often the engine was asked for each command.
fn commands(server: &Server) -> HashMap<String, u64> {
    let stats: String = redis::cmd("INFO").arg("commandstats").query(&mut server.client()).unwrap();
    let count = |line: &str| {
        let (name, rest) = line.strip_prefix("cmdstat_")?.split_once(":calls=")?;
        Some((name.to_owned(), rest.split(',').next()?.parse().ok()?))
    };
    stats.lines().filter_map(count).collect()
}

/// Signs in with all sessions at once. Returns how long after the first of them each session had the token, and what the
/// engine was asked. The first one is the one that signed in: it has the token before it is in the engine.
fn cold_start(sign_in_takes: Duration) -> (Vec<Duration>, HashMap<String, u64>) {
    let (server, key) = (Server::start(), new_key());
    let emulator = Emulator::builder().sign_in_delay(sign_in_takes).start().unwrap();
    let barrier = Barrier::new(SESSIONS);
    let mut finished: Vec<_> = std::thread::scope(|scope| {
        let start = || {
            let config = service(&emulator, &server.url(), &key);
            barrier.wait();
            let session = Session::new(&config).unwrap();
            let token = session.authorization().unwrap();
            (Instant::now(), token.expose().to_owned())
        };
        let threads: Vec<_> = (0..SESSIONS).map(|_| scope.spawn(start)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(emulator.stats().of_kind(Kind::SignIn), 1);
    finished.sort();
    assert!(finished.iter().all(|(_, token)| *token == finished[0].1), "they have one token");
    let waited = finished.iter().map(|(at, _)| *at - finished[0].0).collect();
    (waited, commands(&server))
}

#[test]
fn a_cold_start_of_many_signs_in_once() {
    for takes in [Duration::from_millis(500), Duration::from_millis(2500)] {
        let (waited, commands) = cold_start(takes);
        let (scripts, looks) = (commands["eval"], commands["getrange"]);
        println!(
            "{SESSIONS} sessions, the sign-in takes {takes:?}: after the first one half has the token in {:?}, all in \
             {:?}; {scripts} scripts, {looks} looks (also in scripts), {} subscriptions, {} notices",
            waited[SESSIONS / 2],
            waited[SESSIONS - 1],
            commands["subscribe"],
            commands["publish"],
        );
        assert!(waited[SESSIONS - 1] <= SPREADS_WITHIN, "{waited:?}");
        assert_eq!(
            commands["subscribe"],
            2 * (SESSIONS as u64 - 1),
            "a bell and a record for each that waits"
        );
        // A session that waits reads now and then. Looks by the millisecond would be hundreds for each.
        assert!(scripts + looks <= 25 * SESSIONS as u64, "{scripts} scripts, {looks} looks");
    }
}

#[test]
fn a_rejected_password_is_sent_once_by_all() {
    let (server, key) = (Server::start(), new_key());
    let emulator = Emulator::start().unwrap();
    for _ in 0..5 {
        let mut config = config(&emulator, &server.url(), &key);
        config.password("service@example.com", "wrong").unwrap();
        let error = Session::new(&config).unwrap().authorization().unwrap_err();
        assert_eq!(error.code(), ErrorCode::Rejected, "{error}");
    }
    assert_eq!(emulator.stats().of_kind(Kind::SignIn), 1);
}

#[test]
fn a_live_token_is_used_while_the_engine_is_down() {
    let (mut server, key) = (Server::start(), new_key());
    let emulator = Emulator::start().unwrap();
    let config = service(&emulator, &server.url(), &key);
    let session = Session::new(&config).unwrap();
    session.authorization().unwrap();
    server.kill();
    assert_eq!(session.get("/api/v2/whoami").unwrap().status(), 200);
    // Its end comes, and nothing is sent.
    let before = emulator.stats();
    emulator.clock().advance(Duration::from_secs(3600));
    let error = session.authorization().unwrap_err();
    assert_eq!(error.code(), ErrorCode::Store);
    assert!(error.message().contains(&format!("127.0.0.1:{}", server.port)), "{error}");
    assert!(error.message().contains("nothing was sent"), "{error}");
    let new = service(&emulator, &server.url(), &key);
    let error = Session::new(&new).expect_err("no session without its store");
    assert_eq!(error.code(), ErrorCode::Store, "{error}");
    let sent = |kind| emulator.stats().of_kind(kind) - before.of_kind(kind);
    assert_eq!((sent(Kind::SignIn), sent(Kind::Refresh)), (0, 0));
    // It comes back without its data, and the session goes on by itself.
    server.restart();
    let mut error = None;
    wait_for(|| {
        error = session.authorization().err();
        error.is_none()
    });
    assert_eq!(sent(Kind::SignIn), 1);
}

#[test]
fn a_small_fleet_may_go_on_alone() {
    let (mut server, key) = (Server::start(), new_key());
    let emulator = Emulator::start().unwrap();
    let mut config = service(&emulator, &server.url(), &key);
    let mut options = RedisOptions::default();
    options.on_failure = OnStoreFailure::GoOnAlone;
    config.store(Arc::new(RedisStore::open(&server.url(), &key, options).unwrap()));
    server.kill();
    Session::new(&config).unwrap().authorization().unwrap();
    assert_eq!(emulator.stats().of_kind(Kind::SignIn), 1);
}

#[test]
fn after_a_lost_write_no_code_is_sent_in_the_same_step() {
    let mut fleet = Fleet::start();
    let (url, key) = (fleet.url(), new_key());
    let emulator = Emulator::start().unwrap();
    let analyst = |timeout| {
        let mut config = config(&emulator, &url, &key);
        config.password("analyst@example.com", "analyst-password").unwrap();
        config.totp_secret("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ").unwrap();
        config.timeout(timeout).unwrap();
        config
    };
    // The replica knows the account, from a sign-in with another step.
    let first = Session::new(&analyst(LONG)).unwrap();
    first.authorization().unwrap();
    first.logout().unwrap();
    first.settle();
    drop(first);
    emulator.clock().advance(Duration::from_secs(90));
    let sent = || (emulator.stats().of_kind(Kind::SignIn), emulator.stats().of_kind(Kind::Mfa));
    assert_eq!(sent(), (1, 1));
    fleet.lose(|| {
        let session = Session::new(&analyst(LONG)).unwrap();
        session.authorization().unwrap();
        session.settle();
    });
    assert_eq!(sent(), (2, 2));

    // The Sentinels need a moment.
    let mut session = None;
    wait_for(|| {
        session = Session::new(&analyst(Duration::from_secs(2))).ok();
        session.is_some()
    });
    let session = session.unwrap();
    // It waits for the next step by itself, and says so of the budget.
    let error = session.authorization().unwrap_err();
    assert!(matches!(error.code(), ErrorCode::MustWait | ErrorCode::Timeout), "{error}");
    assert_eq!(sent(), (2, 2), "neither the budget nor the step is known");
}
