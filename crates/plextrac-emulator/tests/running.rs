//! Starting, serving many at once, and stopping.

mod client;

use std::io::ErrorKind;
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use client::{AUTHENTICATE, Client, JSON, WHOAMI};
use plextrac_emulator::{Account, Emulator, EmulatorBuilder, EmulatorClock, Fault, Kind, Outcome, Target};

#[test]
fn dropping_it_ends_every_connection_at_once() {
    let emulator = Emulator::builder().sign_in_delay(Duration::from_secs(3600)).start().unwrap();
    let idle = Client::plain(&emulator);
    let mut half = Client::plain(&emulator);
    half.send("POST /api/v1/auth");
    let mut slow = Client::tls(&emulator, "localhost", emulator.ca_pem()).unwrap();
    slow.send_request("POST", AUTHENTICATE, &[JSON], b"{}");
    emulator.fault(Fault::on(Target::Path("/api/v2".into())).stall());
    let mut stalled = Client::plain(&emulator);
    stalled.send_request("GET", WHOAMI, &[], b"");
    let _held = emulator.hold(Target::Path("/api/v1/".into()));
    let mut held = Client::plain(&emulator);
    held.send_request("GET", "/api/v1/", &[], b"");
    assert!(emulator.wait_for(Duration::from_secs(10), |seen| seen.len() == 3));

    let begun = Instant::now();
    drop(emulator);
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    for mut client in [idle, half, slow, stalled, held] {
        assert_eq!(client.rest(), b"");
    }
}

#[test]
fn settings_that_would_serve_nobody_are_refused_at_the_start() {
    let refused = |builder: EmulatorBuilder| {
        let error = builder.start().expect_err("it started");
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        error.to_string()
    };
    let builder = Emulator::builder;
    for life in [Duration::ZERO, Duration::from_millis(999)] {
        assert!(refused(builder().token_life(life)).contains("one second at least"));
    }
    for padding in [1024 * 1024 + 1, usize::MAX] {
        assert!(refused(builder().token_padding(padding)).contains("1 MiB at most"));
    }
    for prefix in ["/a?b", "/a#b", "a b", "/ä", "/a\r\nb", "/a/../b", "/.", "a\\b"] {
        assert!(refused(builder().path_prefix(prefix)).contains("path prefix"), "{prefix}");
    }
    let emulator = builder()
        .token_life(Duration::from_secs(1))
        .token_padding(1024 * 1024)
        .path_prefix("/a%20b/c.d")
        .start();
    assert_eq!(
        Client::plain(&emulator.unwrap()).sign_in(&Account::service()).status,
        404,
        "not below the prefix"
    );
}

#[test]
fn many_clients_at_once_stay_under_the_limit_together() {
    let emulator = Emulator::builder().frozen_clock().start().unwrap();
    let (statuses, answers) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..32 {
            let statuses = statuses.clone();
            let emulator = &emulator;
            scope.spawn(move || {
                statuses.send(Client::plain(emulator).sign_in(&Account::service()).status).unwrap();
            });
        }
    });
    drop(statuses);
    let statuses: Vec<u16> = answers.iter().collect();
    assert_eq!(statuses.iter().filter(|&&status| status == 200).count(), 10);
    assert_eq!(statuses.iter().filter(|&&status| status == 429).count(), 22);
    assert_eq!(emulator.stats().count(Kind::SignIn, Outcome::RateLimited), 22);
    assert_eq!(emulator.stats().connections.plain, 32);
}

#[test]
fn hundreds_of_clients_connect_at_once() {
    // Linux tries again after a second when the queue of a listener is full.
    let less_than_a_second_try = Duration::from_millis(900);
    let emulator = Emulator::start().unwrap();
    let address = emulator.url().replace("http://", "").parse().unwrap();
    let connected: Vec<_> =
        (0..300).map(|_| TcpStream::connect_timeout(&address, less_than_a_second_try)).collect();
    assert!(connected.iter().all(Result::is_ok));
}

#[test]
fn a_port_that_is_taken_is_named_in_the_error() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    for ports in [(port, 0), (0, port)] {
        let error = Emulator::builder().bind(ports.0, ports.1).start().unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse);
        assert!(error.to_string().contains(&port.to_string()));
    }
}

#[test]
fn a_port_asked_for_is_the_port_listened_on() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let emulator = Emulator::builder().bind(port, 0).start().unwrap();
    assert_eq!(emulator.url(), format!("http://127.0.0.1:{port}"));
}

#[test]
fn real_time_flows_unless_it_is_frozen() {
    let clock = EmulatorClock::new();
    let before = clock.monotonic_ms();
    while clock.monotonic_ms() == before {
        thread::yield_now();
    }
    clock.freeze();
    let frozen = clock.monotonic_ms();
    let real = Instant::now();
    while real.elapsed() < Duration::from_millis(3) {
        thread::yield_now();
    }
    assert_eq!(clock.monotonic_ms(), frozen);
    clock.advance(Duration::from_millis(7));
    assert_eq!(clock.monotonic_ms(), frozen + 7);
}

#[test]
fn two_emulators_can_share_a_clock() {
    let clock = EmulatorClock::new();
    let one = Emulator::builder().clock(clock.clone()).frozen_clock().start().unwrap();
    let other = Emulator::builder().clock(clock).start().unwrap();
    one.clock().advance(Duration::from_secs(60));
    assert_eq!(other.clock().monotonic_ms(), one.clock().monotonic_ms());
}

#[test]
fn requests_are_returned_whole_and_as_many_as_are_kept() {
    let emulator = Emulator::builder().frozen_clock().keep_requests(2).start().unwrap();
    emulator.clock().advance(Duration::from_secs(3));
    let mut client = Client::plain(&emulator);
    for query in ["1", "2", "3"] {
        client.request("GET", &format!("/api/v1/?q={query}"), &[("X-Mine", "yes")], b"body");
    }
    let seen = emulator.requests();
    assert_eq!(seen.iter().map(|r| r.path.as_str()).collect::<Vec<_>>(), ["/api/v1/?q=2", "/api/v1/?q=3"]);
    let last = &seen[1];
    assert_eq!((last.connection, last.tls, last.method.as_str()), (1, false, "GET"));
    assert_eq!((last.header("x-mine"), last.body.as_slice()), (Some("yes"), b"body".as_slice()));
    assert_eq!((last.kind, last.outcome, last.status), (Kind::Health, Outcome::Ok, Some(200)));
    assert!(last.monotonic_ms >= 3000);
    assert!(!emulator.wait_for(Duration::ZERO, |seen| seen.len() > 2));
}

#[test]
fn the_longest_duration_is_a_wait_without_a_limit() {
    let emulator = Emulator::start().unwrap();
    assert!(emulator.wait_for(Duration::MAX, <[_]>::is_empty));
}
