//! What the store does with records.

use std::sync::Arc;
use std::time::{Duration, Instant};

use plextrac_store_redis::{RedisOptions, RedisStore};
use plextrac_transport::{
    CallLimits, CancelToken, RecordStore, Version, Watched, WriteOutcome, store_conformance,
};

use crate::harness::{ACCOUNT, BUDGET, LONG, Server, Store, dump, new_key, only_record, wait_for, within};

#[test]
fn the_redis_store_conforms() {
    let (server, key) = (Server::start(), new_key());
    store_conformance::check(&|| {
        Arc::new(RedisStore::open(&server.url(), &key, RedisOptions::default()).unwrap())
    });
}

#[test]
fn nothing_in_the_engine_can_be_read() {
    let server = Server::start();
    let store = Store::open(&server.url(), &new_key());
    let record = b"{\"user\":\"someone@acme.example\",\"token\":\"eyJhbGciOi.secret.token\"}";
    store.put(ACCOUNT, record);
    store.put(BUDGET, b"{\"host\":\"acme.plextrac.com\"}");
    let held = dump(&mut server.client());
    assert_eq!(held.len(), 3, "the keys, an account and a budget");
    for (name, value) in &held {
        for secret in ["someone", "acme", "eyJ", "token", "host", ACCOUNT, BUDGET, &ACCOUNT[1..], "{\""] {
            let is_in = |bytes: &[u8]| bytes.windows(secret.len()).any(|part| part == secret.as_bytes());
            assert!(!is_in(name.as_bytes()) && !is_in(value), "{secret} is in {name}");
        }
    }
    // The control: the search finds what is there.
    assert!(held.iter().any(|(_, value)| value.starts_with(b"plextrac-auth key 1\n")));
}

#[test]
fn records_expire_and_keys_do_not() {
    let server = Server::start();
    let store = Store::open(&server.url(), &new_key());
    store.put(ACCOUNT, b"account");
    let mut client = server.client();
    let account = only_record(&mut client);
    store.put(BUDGET, b"budget");
    let lives = |client: &mut redis::Connection, name: &str| -> i64 {
        redis::cmd("TTL").arg(name).query(client).unwrap()
    };
    let day = 24 * 3600;
    for (name, _) in dump(&mut client) {
        let expected = match &name {
            name if name.ends_with(":keys") => -1,
            name if *name == account => 30 * day,
            _ => day,
        };
        let left = lives(&mut client, &name);
        assert!((expected - 5..=expected).contains(&left), "{name} lives for {left} s, not {expected}");
    }
    // A write begins its life anew.
    let _: () = redis::cmd("EXPIRE").arg(&account).arg(50).query(&mut client).unwrap();
    store.put(ACCOUNT, b"again");
    assert!(lives(&mut client, &account) > 29 * day);
}

#[test]
fn a_record_that_expired_is_absent() {
    let server = Server::start();
    let store = Store::open(&server.url(), &new_key());
    let old = store.put(ACCOUNT, b"account");
    let mut client = server.client();
    let name = only_record(&mut client);
    let _: () = redis::cmd("PEXPIRE").arg(&name).arg(1).query(&mut client).unwrap();
    wait_for(|| store.read(ACCOUNT).version == Version::ABSENT);
    assert_eq!(store.try_write(ACCOUNT, old, b"x"), Ok(WriteOutcome::Conflict));
    assert_ne!(store.put(ACCOUNT, b"account"), old);
}

#[test]
fn an_older_record_that_comes_back_is_noticed() {
    let server = Server::start();
    let key = new_key();
    let store = Store::open(&server.url(), &key);
    store.put(ACCOUNT, b"old");
    let mut client = server.client();
    let name = only_record(&mut client);
    let old: Vec<u8> = redis::cmd("GET").arg(&name).query(&mut client).unwrap();
    let newer = store.put(ACCOUNT, b"new");
    let _: () = redis::cmd("SET").arg(&name).arg(&old).query(&mut client).unwrap();
    let error = store.try_read(ACCOUNT).unwrap_err();
    assert!(error.message.contains("older record"), "{error}");
    // Nor is it overwritten by a process that knows the newer one, or that is given its version.
    assert!(store.try_write(ACCOUNT, newer, b"x").is_err());
    // A process that never saw the newer one cannot know.
    assert_eq!(Store::open(&server.url(), &key).read(ACCOUNT).bytes.as_slice(), b"old");
    // After a newer write everything goes on.
    Store::open(&server.url(), &key).put(ACCOUNT, b"newest");
    assert_eq!(store.read(ACCOUNT).bytes.as_slice(), b"newest");
}

#[test]
fn a_record_that_was_changed_or_moved_is_an_error() {
    let server = Server::start();
    let store = Store::open(&server.url(), &new_key());
    store.put(ACCOUNT, b"account");
    let mut client = server.client();
    let account = only_record(&mut client);
    let kept: Vec<u8> = redis::cmd("GET").arg(&account).query(&mut client).unwrap();
    store.put(BUDGET, b"budget");
    let budget = dump(&mut client).into_iter().map(|(name, _)| name);
    let budget = budget.into_iter().find(|name| *name != account && !name.ends_with(":keys")).unwrap();

    let _: () = redis::cmd("SET").arg(&budget).arg(&kept).query(&mut client).unwrap();
    let fresh = Store(store.0.clone());
    assert!(fresh.try_read(BUDGET).is_err(), "a record of another name");
    let mut newer = kept.clone();
    newer[0] = b'f';
    let _: () = redis::cmd("SET").arg(&account).arg(&newer).query(&mut client).unwrap();
    let error = store.try_read(ACCOUNT).unwrap_err();
    assert!(error.message.contains("changed by another program"), "a newer version was made up: {error}");
    for garbage in [&kept[..5], b"", &[0; 100]] {
        let _: () = redis::cmd("SET").arg(&account).arg(garbage).query(&mut client).unwrap();
        if !garbage.is_empty() {
            assert!(store.try_read(ACCOUNT).is_err(), "{garbage:?}");
        }
    }
}

#[test]
fn every_read_tells_the_engines_time() {
    let server = Server::start();
    let store = Store::open(&server.url(), &new_key());
    let first = store.read(ACCOUNT).time.unwrap();
    let (seconds, micros): (u64, u64) = redis::cmd("TIME").query(&mut server.client()).unwrap();
    let second = store.read(ACCOUNT).time.unwrap();
    assert_eq!(first.clock, second.clock);
    assert!((first.ms..=second.ms).contains(&(seconds * 1000 + micros / 1000)));
    assert!(!first.clock.is_empty());
}

#[test]
fn a_restart_and_a_flush_begin_a_new_clock() {
    let mut server = Server::start();
    let store = Store::open(&server.url(), &new_key());
    let key = store.key().unwrap();
    store.put(ACCOUNT, b"lost");
    let clock = |store: &Store| store.read(ACCOUNT).time.unwrap().clock;
    let first = clock(&store);
    server.restart();
    let second = clock(&store);
    assert_ne!(second, first);
    assert_eq!(store.read(ACCOUNT).version, Version::ABSENT);
    store.put(ACCOUNT, b"after the restart");
    let _: () = redis::cmd("FLUSHALL").query(&mut server.client()).unwrap();
    assert_ne!(clock(&store), second);
    assert_eq!(store.read(ACCOUNT).version, Version::ABSENT);
    assert_eq!(store.key().unwrap(), key, "sessions keep their names");
    store.put(ACCOUNT, b"after the flush");
    assert_eq!(store.read(ACCOUNT).bytes.as_slice(), b"after the flush");
}

#[test]
fn a_renewal_wakes_nobody_and_a_write_does() {
    let server = Server::start();
    let key = new_key();
    let (holder, waiter) = (Store::open(&server.url(), &key), Store::open(&server.url(), &key));
    let first = holder.put(ACCOUNT, b"claim");
    let mut client = server.client();
    let channel = only_record(&mut client);
    let mut version = first;
    std::thread::scope(|scope| {
        let watching = scope.spawn(|| {
            let began = Instant::now();
            (waiter.watch(ACCOUNT, first, Duration::from_secs(2)), began.elapsed())
        });
        wait_for(|| {
            let (_, count): (String, i64) =
                redis::cmd("PUBSUB").arg("NUMSUB").arg(&channel).query(&mut client).unwrap();
            count == 1
        });
        for _ in 0..5 {
            let renewed = within(LONG, |limits| holder.0.renew(ACCOUNT, version, b"renewed", limits));
            version = match renewed.unwrap() {
                WriteOutcome::Written(version) => version,
                WriteOutcome::Conflict => panic!("a conflict"),
            };
        }
        let (ended, took) = watching.join().unwrap();
        // The look that follows a subscription may find the first renewal; no notice does.
        assert!(ended == Watched::Over && took >= Duration::from_secs(2), "{ended:?} after {took:?}");
        let watching = scope.spawn(|| {
            let began = Instant::now();
            (waiter.watch(ACCOUNT, version, LONG), began.elapsed())
        });
        std::thread::park_timeout(Duration::from_millis(50));
        holder.put(ACCOUNT, b"token");
        let (ended, took) = watching.join().unwrap();
        assert_eq!(ended, Watched::Changed);
        assert!(took < Duration::from_secs(2), "the notice came after {took:?}");
    });
}

#[test]
fn a_store_that_is_not_there_names_itself() {
    let port = crate::harness::free_port();
    let store = Store::open(&format!("redis://:hunter2@127.0.0.1:{port}"), &new_key());
    let began = Instant::now();
    let error = store.try_read(ACCOUNT).unwrap_err();
    assert!(began.elapsed() < Duration::from_secs(5));
    assert!(
        error.message.contains(&format!("127.0.0.1:{port}")) && error.message.contains("check"),
        "{error}"
    );
    assert!(!error.message.contains("hunter2") && !format!("{:?}", store.0).contains("hunter2"));
}

#[test]
fn a_watch_that_is_cancelled_at_any_moment_is_over() {
    let server = Server::start();
    for delay in 0..40 {
        // A new store: it is cancelled while it connects, reads its keys, looks, or waits.
        let (store, cancel) = (Store::open(&server.url(), &new_key()), CancelToken::new());
        let _: () = redis::cmd("FLUSHALL").query(&mut server.client()).unwrap();
        let limits = CallLimits { deadline: Instant::now() + LONG, cancel: &cancel };
        std::thread::scope(|scope| {
            let watching = scope.spawn(|| store.0.watch(ACCOUNT, Version::ABSENT, None, &limits));
            std::thread::park_timeout(Duration::from_micros(100 * delay));
            cancel.trigger();
            assert_eq!(watching.join().unwrap(), Ok(Watched::Over));
        });
        assert!(Instant::now() < limits.deadline);
    }
}

#[cfg(unix)]
#[test]
fn watches_with_short_limits_keep_the_connection() {
    use rustix::process::{Pid, Signal, kill_process};
    let server = Server::start();
    let store = Store::open(&server.url(), &new_key());
    let version = store.put(ACCOUNT, b"account");
    let mut client = server.client();
    let mut connections = || -> u64 {
        let stats: String = redis::cmd("INFO").arg("stats").query(&mut client).unwrap();
        let line = stats.lines().find_map(|line| line.strip_prefix("total_connections_received:"));
        line.unwrap().parse().unwrap()
    };
    let before = connections();
    let process = Pid::from_raw(i32::try_from(server.process()).unwrap()).unwrap();
    // The engine answers later than the watches end.
    kill_process(process, Signal::STOP).unwrap();
    for _ in 0..20 {
        assert_eq!(store.watch(ACCOUNT, version, Duration::from_millis(5)), Watched::Over);
    }
    kill_process(process, Signal::CONT).unwrap();
    assert_eq!(store.read(ACCOUNT).version, version);
    let new = connections() - before;
    assert!(new <= 1, "{new} connections were opened, and one is for notices");
}

#[cfg(unix)]
#[test]
fn a_stopped_engine_keeps_no_call_beyond_its_limits() {
    use rustix::process::{Pid, Signal, kill_process};
    let server = Server::start();
    let store = Store::open(&server.url(), &new_key());
    let version = store.put(ACCOUNT, b"account");
    let process = Pid::from_raw(i32::try_from(server.process()).unwrap()).unwrap();
    kill_process(process, Signal::STOP).unwrap();
    let limit = Duration::from_millis(300);
    let began = Instant::now();
    let error = within(limit, |limits| store.0.read(ACCOUNT, limits)).unwrap_err();
    assert!(began.elapsed() >= limit && began.elapsed() < limit + Duration::from_secs(2));
    assert!(error.message.contains("did not answer in time"), "{error}");

    let cancel = CancelToken::new();
    let limits = CallLimits { deadline: Instant::now() + LONG, cancel: &cancel };
    let began = Instant::now();
    std::thread::scope(|scope| {
        let calls = [
            scope.spawn(|| store.0.read(ACCOUNT, &limits).is_err()),
            scope.spawn(|| store.0.write(ACCOUNT, version, b"x", &limits).is_err()),
            scope.spawn(|| store.0.watch(ACCOUNT, version, None, &limits) == Ok(Watched::Over)),
        ];
        std::thread::park_timeout(Duration::from_millis(50));
        cancel.trigger();
        assert!(calls.into_iter().all(|call| call.join().unwrap()));
    });
    assert!(began.elapsed() < Duration::from_secs(5), "the cancel ended them");
    kill_process(process, Signal::CONT).unwrap();
    // Whether the cancelled write reached the engine nobody knows.
    assert!(store.read(ACCOUNT).version >= version);
}
