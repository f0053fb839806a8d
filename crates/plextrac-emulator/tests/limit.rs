//! Ten authentication requests a minute, whoever sends them and whatever becomes of them.

mod client;

use std::time::Duration;

use client::{Client, MFA, WHOAMI, frozen};
use plextrac_emulator::{Account, Emulator, Fault, Kind, Outcome, RetryAfter, Target};

#[test]
fn the_three_calls_share_ten_places_failed_ones_included() {
    let (emulator, mut client) = frozen();
    let token = client.sign_in(&Account::service()).text("token");
    client.sign_in(&Account::analyst());
    client.verify("unknown", "000000");
    client.request("POST", MFA, &[], b"");
    for _ in 0..3 {
        client.refresh(&token);
        client.sign_in_with("nobody@example.com", "wrong");
    }
    let reply = client.refresh(&token);
    assert_eq!(reply.status, 429);
    assert_eq!(client.sign_in(&Account::service()).status, 429);
    assert_eq!(client.get(WHOAMI, &token).status, 200, "other calls are not limited");
    assert_eq!(emulator.stats().count(Kind::Refresh, Outcome::RateLimited), 1);
    assert_eq!(emulator.stats().authentication_requests(), 12);
    assert_eq!(emulator.stats().busiest_minute, 12);
}

#[test]
fn retry_after_says_in_seconds_when_a_place_is_free() {
    let emulator = Emulator::builder().frozen_clock().limit_per_minute(2).start().unwrap();
    let mut client = Client::plain(&emulator);
    let advance = |ms| emulator.clock().advance(Duration::from_millis(ms));
    client.sign_in(&Account::service());
    advance(10_000);
    client.sign_in(&Account::service());
    advance(4_500);
    let refused = client.sign_in(&Account::service());
    assert_eq!((refused.status, refused.header("retry-after")), (429, Some("46")));
    advance(45_499);
    assert_eq!(client.sign_in(&Account::service()).header("retry-after"), Some("1"));
    advance(1);
    assert_eq!(client.sign_in(&Account::service()).status, 200, "the first has left the window");
    assert_eq!(client.sign_in(&Account::service()).header("retry-after"), Some("10"), "the second has not");
}

#[test]
fn what_is_refused_takes_no_place() {
    let emulator = Emulator::builder().frozen_clock().limit_per_minute(1).start().unwrap();
    let mut client = Client::plain(&emulator);
    for _ in 0..60 {
        client.sign_in(&Account::service());
        emulator.clock().advance(Duration::from_secs(1));
    }
    assert_eq!(client.sign_in(&Account::service()).status, 200);
    assert_eq!(emulator.stats().count(Kind::SignIn, Outcome::Ok), 2);
}

#[test]
fn retry_after_can_be_left_out() {
    let emulator = Emulator::builder().limit_per_minute(0).retry_after(RetryAfter::Absent).start().unwrap();
    let reply = Client::plain(&emulator).sign_in(&Account::service());
    assert_eq!((reply.status, reply.header("retry-after")), (429, None));
}

#[test]
fn refreshes_can_be_free() {
    let emulator = Emulator::builder().limit_per_minute(1).refresh_counts(false).start().unwrap();
    let mut client = Client::plain(&emulator);
    let token = client.sign_in(&Account::service()).text("token");
    assert_eq!(client.refresh(&token).status, 200);
    assert_eq!(client.sign_in(&Account::service()).status, 429);
}

#[test]
fn only_a_request_that_the_instance_sees_counts() {
    let emulator = Emulator::builder().frozen_clock().limit_per_minute(1).start().unwrap();
    emulator.fault(Fault::on(Target::SignIn).html(503));
    emulator.fault(Fault::on(Target::SignIn).lose_answer());
    let mut client = Client::plain(&emulator);
    assert_eq!(client.sign_in(&Account::service()).status, 503);
    client.send_request("POST", client::AUTHENTICATE, &[client::JSON], br#"{"username":"a","password":"b"}"#);
    assert!(client.reply().is_err());
    assert_eq!(Client::plain(&emulator).sign_in(&Account::service()).status, 429);
    assert_eq!(emulator.stats().busiest_minute, 3, "everything that arrived is seen");
}
