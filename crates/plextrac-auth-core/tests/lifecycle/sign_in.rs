//! From nothing to a token: with and without MFA, and the places in the budget that takes.

use std::rc::Rc;
use std::time::Duration;

use plextrac_auth_core::table::Phase;
use plextrac_auth_core::{
    Budget, Call, Config, Event, FailureKind, ImportedToken, Instant, MfaSource, Output, Scheme, State, Time,
    TransportFailure, WaitReason, Want,
};

use crate::driver::scenario::{to_authenticating, to_awaiting_digits};
use crate::driver::{Driver, Reply, Server, World, config, config_with, ms, reply, secs, totp, wait_of};

#[test]
fn a_sign_in_without_mfa_is_one_request() {
    let mut driver = Driver::alone(Server::plain(), config());
    assert!(matches!(driver.want(), Output::Wait { reason: WaitReason::RefreshDue, .. }));
    assert!(matches!(driver.events[..], [Event::SignedIn { .. }]));
    assert_eq!(driver.sent.len(), 1);
    let token = driver.machine.usable_token(driver.now()).unwrap();
    assert_eq!(token.tenant_id(), Some(0), "zero is a tenant");
    assert!(token.cookie().unwrap().expose().starts_with("c."));
    assert_eq!(driver.machine.state(driver.now()), State::Active);
}

#[test]
fn the_header_value_is_raw_or_bearer_as_configured() {
    for (scheme, prefix) in [(Scheme::Raw, ""), (Scheme::Bearer, "Bearer ")] {
        let config = Config { scheme, ..config() };
        let mut driver = Driver::alone(Server::plain(), config);
        driver.want();
        let (token, now) = (driver.usable().unwrap(), driver.now());
        let value = driver.machine.authorization(now).unwrap();
        assert_eq!(value.expose(), format!("{prefix}{token}"));
        assert_eq!(driver.machine.generation_of(value.expose()), Some(driver.generation()));
        assert_eq!(driver.machine.generation_of("other"), None);
        driver.want_fresh();
        assert_eq!(driver.sent[1].authorization.as_deref(), Some(value.expose()));
    }
}

#[test]
fn submitted_digits_answer_the_challenge() {
    let mut driver = Driver::alone(Server::with_mfa(), config());
    assert!(matches!(driver.want(), Output::NeedCode { attempt: 1, .. }));
    assert_eq!(driver.machine.state(driver.now()), State::MfaNeeded);
    driver.submit("424242");
    assert_eq!((driver.count(Call::SignIn), driver.count(Call::Mfa)), (1, 1));
    let step_2 = &driver.sent[1];
    assert_eq!((step_2.field("code").as_str(), step_2.field("token").as_str()), ("challenge-1", "424242"));
    assert!(driver.usable().is_some());
}

#[test]
fn later_wants_learn_without_a_request_that_a_code_is_needed() {
    let mut driver = Driver::alone(Server::with_mfa(), config());
    driver.want_at_once();
    for _ in 0..119 {
        driver.pass(secs(1));
        assert!(matches!(driver.want_at_once(), Output::NeedCode { attempt: 1, .. }));
    }
    assert_eq!(driver.sent.len(), 1);
    driver.pass(secs(1));
    assert!(matches!(driver.want_at_once(), Output::NeedCode { attempt: 1, .. }));
    assert_eq!(driver.count(Call::SignIn), 2, "the challenge was too old");
}

#[test]
fn a_wrong_submitted_code_ends_the_want() {
    let mut driver = Driver::alone(Server::with_mfa(), config());
    driver.want();
    driver.submit("111111");
    assert_eq!(driver.last_failure_kind(), FailureKind::MfaRejected);
    assert!(!driver.machine.is_wanted() && !driver.machine.is_locked_out());
    assert!(matches!(driver.want(), Output::NeedCode { attempt: 1, .. }));
    driver.submit("424242");
    assert_eq!((driver.count(Call::SignIn), driver.count(Call::Mfa)), (2, 2));
    assert!(driver.usable().is_some());
}

#[test]
fn a_callback_is_asked_twice_at_most() {
    let mut driver = Driver::alone(Server::with_mfa(), config_with(MfaSource::Asked));
    driver.want();
    assert!(matches!(driver.submit("111111"), Output::NeedCode { attempt: 2, .. }));
    assert_eq!((driver.count(Call::SignIn), driver.count(Call::Mfa)), (2, 1));
    driver.submit("222222");
    assert_eq!(driver.last_failure_kind(), FailureKind::MfaRejected);
    assert!(!driver.machine.is_wanted());
    assert_eq!((driver.count(Call::SignIn), driver.count(Call::Mfa)), (2, 2));
}

#[test]
fn a_code_that_waited_too_long_is_asked_for_again() {
    let mut driver = to_awaiting_digits(config());
    let mut other = Driver::new(&driver.world, config());
    driver.world.server.borrow_mut().script.push_back(reply::rate_limited(40));
    other.want();
    let last = driver.submit("424242");
    assert!(matches!(last, Output::Wait { reason: WaitReason::RateLimited, .. }), "{last:?}");
    driver.pass(wait_of(&last, driver.now()));
    assert!(matches!(driver.run(), Output::NeedCode { .. }));
    assert_eq!(driver.count(Call::Mfa), 0);
    driver.submit("424242");
    assert_eq!(driver.count(Call::Mfa), 1);
}

#[test]
fn the_code_of_a_withdrawn_want_is_not_sent_for_the_next() {
    let mut driver = to_awaiting_digits(config());
    driver.world.server.borrow_mut().script.push_back(reply::rate_limited(5));
    Driver::new(&driver.world, config()).want();
    driver.submit("424242");
    driver.machine.withdraw().unwrap();
    driver.drain();
    driver.pass(secs(10));
    assert!(matches!(driver.want(), Output::NeedCode { .. }));
    assert_eq!(driver.count(Call::Mfa), 0);
}

#[test]
fn no_code_is_sent_twice_not_even_with_another_between() {
    let mut driver = Driver::alone(Server::with_mfa(), config());
    for code in ["111111", "222222"] {
        driver.want();
        driver.submit(code);
    }
    driver.want();
    let now = driver.now();
    let again = driver.machine.submit_code(crate::driver::digits("111111"), now);
    assert_eq!(again, Err(plextrac_auth_core::InputError::CodeSpent));
}

#[test]
fn an_abandoned_challenge_ends_the_want() {
    let mut driver = to_awaiting_digits(config());
    driver.machine.abandon_mfa().unwrap();
    driver.drain();
    assert_eq!(driver.last_failure_kind(), FailureKind::MfaRequired);
    assert_eq!(driver.machine.state(driver.now()), State::SignedOut);
}

#[test]
fn a_sign_in_holds_a_second_place_while_it_may_need_it() {
    let used = |driver: &Driver| driver.world.budget.borrow().used(driver.world.mono());
    type Outcome = fn(&mut Driver);
    let outcomes: [(&str, Outcome); 5] = [
        ("a token", |d| {
            let token = crate::driver::scenario::granted(d);
            d.hand_in(token);
        }),
        ("a failure", |d| {
            d.hand_in(Reply::Fails(TransportFailure::Connect));
        }),
        ("a rejection", |d| {
            d.hand_in(reply::rejected());
        }),
        ("an abandoned challenge", |d| {
            d.hand_in(reply::challenge("c"));
            d.machine.abandon_mfa().unwrap();
            d.drain();
        }),
        ("signing out", |d| {
            let now = d.now();
            d.machine.sign_out(now).unwrap();
            d.drain();
        }),
    ];
    for (name, happens) in outcomes {
        let mut driver = to_authenticating(config());
        assert_eq!(used(&driver), 2, "one sent, one held");
        happens(&mut driver);
        assert_eq!(used(&driver), 1, "{name}: what was sent counts, what was held does not");
    }
    let mut driver = to_awaiting_digits(config());
    assert_eq!(used(&driver), 2, "a challenge keeps the place");
    driver.submit("424242");
    assert_eq!(used(&driver), 2, "and the digits take it");
}

#[test]
fn two_places_are_needed_unless_the_last_sign_in_needed_no_mfa() {
    let world = World::new(Server::plain());
    *world.budget.borrow_mut() = Budget::new(2).unwrap();
    let (mut first, mut second) = (Driver::new(&world, config()), Driver::new(&world, config()));
    first.want();
    first.machine.sign_out(first.now()).unwrap();
    first.drain();
    let last = second.want();
    assert!(matches!(last, Output::Wait { reason: WaitReason::Budget, .. }), "one place is free: {last:?}");
    assert_eq!(wait_of(&last, second.now()), secs(61), "until the first answer has counted");
    assert!(second.sent.is_empty());
    first.want();
    assert_eq!(first.sent.len(), 2, "this account is known to need one");
    assert_eq!(second.machine.state(second.now()), State::Waiting);
}

#[test]
fn a_code_that_waits_for_the_budget_ends_with_its_challenge() {
    let world = World::new(Server::plain());
    *world.budget.borrow_mut() = Budget::new(2).unwrap();
    let mut driver = Driver::new(&world, config_with(totp()));
    driver.want();
    driver.machine.sign_out(driver.now()).unwrap();
    driver.drain();
    world.pass(secs(62));
    // No place is held for a code: the last sign-in needed none. Other accounts take each place that is free, for long.
    world.server.borrow_mut().needs_mfa = true;
    takes_a_place_for_five_minutes(&world);
    let last = driver.want();
    assert!(matches!(last, Output::Wait { reason: WaitReason::Budget, .. }), "{last:?}");
    assert_eq!(wait_of(&last, driver.now()), secs(61), "the place of the sign-in");
    world.pass(secs(61));
    takes_a_place_for_five_minutes(&world);
    let last = driver.drain();
    assert!(matches!(last, Output::Wait { reason: WaitReason::Budget, .. }), "{last:?}");
    assert_eq!(wait_of(&last, driver.now()), secs(59), "no longer than the challenge lives");
    world.pass(secs(59));
    driver.drain();
    assert_eq!((driver.machine.phase(), driver.machine.is_wanted()), (Phase::SignedOut, false));
    assert_eq!(driver.last_failure_kind(), FailureKind::MustWait);
    assert!(driver.last_failure().is_retryable());
    assert_eq!(driver.count(Call::Mfa), 0);
}

fn takes_a_place_for_five_minutes(world: &Rc<World>) {
    let slow = Config { request_timeout: secs(300), token: Some(imported()), ..config() };
    let mut other = Driver::new(world, slow);
    other.machine.want(Want::default()).unwrap();
    other.drain();
    assert_eq!(other.count(Call::Refresh), 1);
}

#[test]
fn a_code_that_a_rate_limit_outlives_ends_at_once() {
    let mut driver = to_awaiting_digits(config());
    let mut other = Driver::new(&driver.world, Config { token: Some(imported()), ..config() });
    driver.world.server.borrow_mut().script.push_back(reply::rate_limited(600));
    other.want();
    driver.submit("424242");
    assert_eq!((driver.machine.phase(), driver.machine.is_wanted()), (Phase::SignedOut, false));
    assert_eq!(driver.last_failure().retry_after(), Some(secs(600)));
    let used = driver.world.budget.borrow().used(driver.now().monotonic);
    assert_eq!(used, 2, "the held place is free again");
    // A limit that ends before the challenge is waited for.
    let mut driver = to_awaiting_digits(config());
    let mut other = Driver::new(&driver.world, Config { token: Some(imported()), ..config() });
    driver.world.server.borrow_mut().script.push_back(reply::rate_limited(20));
    other.want();
    let last = driver.submit("424242");
    assert!(matches!(last, Output::Wait { reason: WaitReason::RateLimited, .. }), "{last:?}");
    driver.pass(secs(20));
    driver.run();
    assert_eq!(driver.count(Call::Mfa), 1);
}

fn imported() -> ImportedToken {
    ImportedToken::new("an.imported.token").unwrap()
}

#[test]
fn one_attempt_serves_all_wants_also_withdrawn_ones() {
    let mut driver = to_authenticating(config());
    for _ in 0..10 {
        driver.machine.want(Want::default()).unwrap();
        driver.drain();
    }
    driver.machine.withdraw().unwrap();
    driver.drain();
    driver.run();
    assert_eq!(driver.sent.len(), 1);
    assert!(driver.usable().is_some());
    driver.pass(ms(1));
    driver.want();
    assert_eq!(driver.sent.len(), 1);
}

#[test]
fn signing_out_drops_the_token_and_the_answer_that_is_out() {
    let mut driver = Driver::alone(Server::plain(), config());
    driver.want();
    driver.machine.want(crate::driver::scenario::fresh()).unwrap();
    driver.drain();
    driver.machine.sign_out(driver.now()).unwrap();
    driver.drain();
    assert_eq!(driver.usable(), None);
    let id = driver.out.take().unwrap().id;
    let late = driver.hand_in_under(id, &reply::token("a.b.c"));
    assert_eq!(late, Err(plextrac_auth_core::InputError::Stale));
    assert_eq!(driver.usable(), None);
}

#[test]
fn the_longest_timeout_and_the_latest_moment_are_taken() {
    let mut config = config();
    config.request_timeout = Duration::MAX;
    let mut driver = Driver::alone(Server::with_mfa(), config);
    driver.machine.want(Want { fresh: false, deadline: Some(Instant::NEVER) }).unwrap();
    driver.run();
    driver.submit("424242");
    assert!(driver.usable().is_some());
    driver.want_fresh();
    assert_eq!(driver.count(Call::Refresh), 1);
    let last_moment = Time::from_millis(u64::MAX, i64::MAX);
    driver.machine.want(Want::default()).unwrap();
    let mut budget = Budget::default();
    let outputs: Vec<Output> = (0..4).map(|_| driver.machine.poll(&mut budget, last_moment)).collect();
    assert!(outputs.iter().any(Output::is_last), "{outputs:?}");
}

#[test]
fn moments_saturate_at_both_ends_of_the_clock() {
    let moment = Instant::from_millis(5);
    assert_eq!(moment + Duration::MAX, Instant::NEVER);
    assert_eq!(Instant::NEVER + Duration::from_millis(1), Instant::NEVER);
    assert_eq!(moment.earlier_by(Duration::MAX), Instant::from_millis(0));
}
