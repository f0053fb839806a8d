//! Outages, rate limits and the budget: how often the server hears from us.

use std::time::Duration;

use plextrac_auth_core::{
    Budget, Call, Event, FailureKind, Instant, Output, TransportFailure, WaitReason, Want,
};

use crate::driver::scenario::to_active;
use crate::driver::{
    Driver, FAILURES, Reply, Server, World, config, config_with, ms, reply, secs, totp, wait_of,
};

#[test]
fn waits_after_failures_double_from_five_seconds_to_a_minute() {
    let mut driver = Driver::alone(Server::plain(), config());
    driver.world.server.borrow_mut().outage = Some(reply::server_error());
    *driver.world.budget.borrow_mut() = Budget::new(60).unwrap();
    for planned in [5, 10, 20, 40, 60, 60, 60] {
        driver.want();
        let told = driver.last_failure().retry_after().unwrap();
        let planned = secs(planned);
        assert!(told >= planned * 4 / 5 && told <= planned * 6 / 5, "{told:?} for {planned:?}");
        let sent = driver.sent.len();
        driver.pass(told - ms(1));
        let last = driver.want_at_once();
        assert!(matches!(last, Output::Wait { reason: WaitReason::BackOff, .. }), "{last:?}");
        assert_eq!((driver.sent.len(), wait_of(&last, driver.now())), (sent, ms(1)));
        driver.pass(ms(1));
    }
    driver.world.server.borrow_mut().outage = None;
    driver.want();
    assert!(driver.usable().is_some());
}

#[test]
fn one_success_ends_the_backing_off() {
    let mut driver = to_active(config());
    for _ in 0..3 {
        driver.world.server.borrow_mut().script.push_back(reply::server_error());
        driver.want_fresh();
        assert!(driver.last_failure().retry_after().unwrap() <= secs(6));
        driver.pass(secs(70));
        driver.want_fresh();
    }
}

#[test]
fn every_network_failure_ends_the_want_and_is_named() {
    for failure in FAILURES {
        let mut driver = Driver::alone(Server::plain().next(Reply::Fails(failure)), config());
        driver.want();
        let kind = match failure {
            TransportFailure::Timeout => FailureKind::Timeout,
            TransportFailure::Tls => FailureKind::Tls,
            TransportFailure::Cancelled => FailureKind::Cancelled,
            TransportFailure::TooLarge => FailureKind::TooLarge,
            _ => FailureKind::Network,
        };
        assert_eq!(driver.last_failure_kind(), kind);
        assert!(!driver.machine.is_wanted());
    }
}

#[test]
fn giving_up_on_purpose_is_no_reason_to_back_off() {
    let cancelled = Reply::Fails(TransportFailure::Cancelled);
    let mut driver = Driver::alone(Server::plain().next(cancelled), config());
    driver.want();
    driver.want();
    assert!(driver.usable().is_some());
}

#[test]
fn an_answer_that_never_comes_is_a_timeout() {
    let mut driver = Driver::alone(Server::plain(), config());
    driver.machine.want(Want::default()).unwrap();
    let last = driver.drain();
    assert_eq!(wait_of(&last, driver.now()), secs(30));
    driver.pass(secs(30));
    driver.drain();
    assert_eq!(driver.last_failure_kind(), FailureKind::Timeout);
    let id = driver.out.take().unwrap().id;
    let late = driver.hand_in_under(id, &reply::token("a.b.c"));
    assert_eq!(late, Err(plextrac_auth_core::InputError::Stale));
}

#[test]
fn ten_minutes_of_outage_cost_twenty_requests_at_most() {
    let mut driver = to_active(config());
    let old = driver.usable();
    driver.pass(secs(400));
    driver.world.server.borrow_mut().outage = Some(reply::html(502));
    let before = driver.sent.len();
    let usable_until = driver.machine.usable_token(driver.now()).unwrap().windows().unusable_at;
    for _ in 0..60_000 {
        driver.pass(ms(10));
        driver.want();
        let is_usable = driver.world.mono() < usable_until;
        assert_eq!(driver.usable(), old.clone().filter(|_| is_usable));
    }
    let sent = driver.sent.len() - before;
    assert!((5..=20).contains(&sent), "{sent}");
    driver.world.server.borrow_mut().outage = None;
    driver.pass(secs(75));
    driver.want();
    assert!(driver.usable().is_some());
}

#[test]
fn after_a_rate_limit_the_next_sign_in_is_sent_once() {
    let mut driver = Driver::alone(Server::plain().next(reply::rate_limited(90)), config());
    driver.want();
    let answered = driver.world.mono();
    assert_eq!(driver.last_failure_kind(), FailureKind::MustWait);
    assert_eq!(driver.last_failure().retry_after(), Some(secs(90)));
    for _ in 0..89 {
        driver.pass(secs(1));
        let last = driver.want_at_once();
        assert!(matches!(last, Output::Wait { reason: WaitReason::RateLimited, .. }), "{last:?}");
    }
    assert_eq!(driver.sent.len(), 1);
    let last = driver.want();
    driver.pass(wait_of(&last, driver.now()));
    driver.run();
    assert_eq!(driver.sent.len(), 2);
    assert_eq!(driver.sent[1].at.since(answered), secs(90));
    driver.want();
    assert_eq!(driver.sent.len(), 2);
}

#[test]
fn a_rate_limit_without_a_time_holds_all_for_61_seconds() {
    let world = World::new(Server::plain().next(reply::json(429, "")));
    let (mut first, mut second) = (Driver::new(&world, config()), Driver::new(&world, config()));
    first.want();
    let last = second.want();
    assert!(matches!(last, Output::Wait { reason: WaitReason::RateLimited, .. }), "{last:?}");
    assert_eq!(wait_of(&last, second.now()), secs(61));
    assert!(second.sent.is_empty());
}

#[test]
fn a_rate_limit_keeps_a_usable_token() {
    let mut driver = to_active(config());
    let old = driver.usable();
    driver.world.server.borrow_mut().script.push_back(reply::rate_limited(30));
    driver.want_fresh();
    assert_eq!(driver.usable(), old);
    assert!(old.is_some());
}

#[test]
fn a_server_that_asks_for_patience_gets_it() {
    let busy = reply::html(503).with_header("Retry-After", "300");
    let mut driver = Driver::alone(Server::plain().next(busy), config());
    driver.want();
    assert_eq!(driver.last_failure().retry_after(), Some(secs(300)));
    driver.pass(secs(299));
    let last = driver.want();
    assert_eq!(wait_of(&last, driver.now()), secs(1));
}

#[test]
fn two_accounts_together_never_pass_the_budget() {
    let world = World::new(Server::with_mfa());
    let mut plain = Driver::new(&world, config());
    let mut computed = Driver::new(&world, config_with(totp()));
    for second in 0..1200 {
        world.server.borrow_mut().needs_mfa = false;
        plain.want_at_once();
        world.server.borrow_mut().needs_mfa = true;
        computed.want_at_once();
        if second % 3 == 0 {
            plain.machine.sign_out(plain.now()).unwrap();
            plain.drain();
            computed.machine.sign_out(computed.now()).unwrap();
            computed.drain();
        }
        world.pass(secs(1));
    }
    let mut sent: Vec<Instant> = plain.sent.iter().chain(&computed.sent).map(|sent| sent.at).collect();
    sent.sort_unstable();
    assert!(sent.len() > 60, "the budget is used: {}", sent.len());
    let most = busiest_minute(&sent);
    assert_eq!(most, 6, "requests in the busiest minute");
    assert!(plain.count(Call::SignIn) > 5 && computed.count(Call::Mfa) > 5, "and nobody starves");
}

#[test]
fn a_want_that_must_wait_stands_until_it_is_served() {
    let world = World::new(Server::plain());
    *world.budget.borrow_mut() = Budget::new(2).unwrap();
    let (mut first, mut second) = (Driver::new(&world, config()), Driver::new(&world, config()));
    first.want();
    let mut last = second.want();
    for _ in 0..5 {
        if second.usable().is_some() {
            break;
        }
        second.pass(wait_of(&last, second.now()));
        last = second.run();
    }
    assert!(second.events.iter().any(|event| matches!(event, Event::SignedIn { .. })));
}

/// The most requests in any span of 60 s.
fn busiest_minute(sent: &[Instant]) -> usize {
    let minute = |from: &Instant| {
        sent.iter().filter(|at| *at >= from && **at < *from + Duration::from_secs(60)).count()
    };
    sent.iter().map(minute).max().unwrap_or(0)
}
