//! When a token is refreshed, handed out, and given up.

use plextrac_auth_core::table::Phase;
use plextrac_auth_core::{
    Call, Config, Event, FailureKind, ImportedToken, MfaSource, NotUsable, Output, State, WaitReason, Want,
};

use crate::driver::scenario::{fresh, to_active};
use crate::driver::{Driver, Server, World, config, config_with, jwt, ms, reply, secs, totp};

#[test]
fn a_token_of_15_minutes_is_refreshed_between_10_and_11() {
    let world = World::new(Server::plain());
    let mut ages = Vec::new();
    for seed in 0..40 {
        let mut driver = Driver::with_seed(&world, config(), seed);
        driver.want();
        let sent = driver.sent[0].at;
        while driver.count(Call::Refresh) == 0 {
            driver.pass(secs(1));
            driver.want();
        }
        let age = driver.sent[1].at.since(sent);
        assert!(age >= secs(599) && age <= secs(660), "{age:?}");
        ages.push(age);
        driver.pass(secs(120));
    }
    ages.dedup();
    assert!(ages.len() > 20, "drawn anew for each token");
}

#[test]
fn an_unused_session_sends_nothing() {
    let mut driver = to_active(config());
    for _ in 0..1200 {
        driver.pass(secs(1));
        driver.run();
    }
    assert_eq!(driver.sent.len(), 1);
    assert!(matches!(driver.events.last(), Some(Event::SignInNeeded)));
}

#[test]
fn the_old_token_is_used_during_its_refresh() {
    let mut driver = to_active(config());
    let windows = *driver.machine.usable_token(driver.now()).unwrap().windows();
    assert_eq!(windows.ends_at.since(windows.sent), secs(899), "whole seconds: one may be over already");
    assert_eq!(windows.ends_at.since(windows.late_at), secs(60));
    assert_eq!(windows.ends_at.since(windows.unusable_at), secs(10));
    driver.world.pass_until(windows.unusable_at.earlier_by(ms(1)));
    let old = driver.usable().expect("one millisecond before");
    driver.machine.want(Want::default()).unwrap();
    driver.drain();
    assert_eq!(driver.usable(), Some(old));
    assert_eq!(driver.machine.state(driver.now()), State::Refreshing);
    driver.pass(ms(1));
    assert_eq!(driver.usable(), None);
    let refused = driver.machine.authorization(driver.now());
    assert_eq!(refused.unwrap_err(), NotUsable::Expired);
    driver.run();
    assert!(driver.usable().is_some(), "its refresh was still good");
    assert_eq!(driver.count(Call::SignIn), 1);
}

#[test]
fn a_failed_refresh_keeps_the_token_and_is_tried_again() {
    let mut driver = to_active(config());
    let old = driver.usable();
    driver.pass(secs(660));
    driver.world.server.borrow_mut().script.push_back(reply::html(503));
    driver.want();
    assert_eq!(driver.usable(), old);
    assert_eq!(driver.last_failure_kind(), FailureKind::UnexpectedAnswer);
    driver.pass(secs(6));
    driver.want();
    assert_eq!(driver.count(Call::Refresh), 2);
    assert_ne!(driver.usable(), old);
}

#[test]
fn after_a_refused_refresh_the_token_is_used_to_its_end() {
    let mut driver = to_active(config());
    driver.world.server.borrow_mut().refuses_refresh = true;
    let old = driver.usable();
    driver.pass(secs(660));
    driver.want();
    assert_eq!(driver.last_failure_kind(), FailureKind::RefreshRefused);
    for _ in 0..22 {
        driver.pass(secs(10));
        driver.want();
        assert_eq!(driver.usable(), old);
    }
    assert_eq!(driver.count(Call::Refresh), 1, "not asked again while it lives");
    driver.pass(secs(9));
    driver.want();
    assert_eq!((driver.count(Call::Refresh), driver.count(Call::SignIn)), (2, 2));
    assert!(driver.usable().is_some());
}

#[test]
fn a_refused_late_refresh_goes_on_to_a_sign_in() {
    let mut driver = to_active(config());
    driver.pass(secs(880));
    driver.machine.want(Want::default()).unwrap();
    driver.drain();
    assert_eq!(driver.machine.phase(), Phase::Refreshing);
    driver.pass(secs(12));
    driver.hand_in(reply::rejected());
    driver.run();
    assert_eq!(driver.count(Call::SignIn), 2);
    assert!(driver.usable().is_some());
    assert!(!driver.events.iter().any(|event| matches!(event, Event::Failed(_))));
}

#[test]
fn a_want_for_a_fresh_token_refreshes_a_live_one() {
    let mut driver = to_active(config());
    let old = driver.usable();
    driver.want();
    assert_eq!(driver.sent.len(), 1, "control: an ordinary want does not");
    driver.want_fresh();
    assert_eq!(driver.count(Call::Refresh), 1);
    assert_ne!(driver.usable(), old);
}

#[test]
fn an_hour_of_sleep_ends_the_token() {
    let mut driver = to_active(config());
    driver.pass(secs(3600));
    assert_eq!(driver.usable(), None, "before anything was polled");
    driver.want();
    assert!(driver.events.contains(&Event::SignInNeeded));
    assert_eq!((driver.count(Call::SignIn), driver.count(Call::Refresh)), (2, 0));
    assert!(driver.usable().is_some());
}

#[test]
fn a_wall_clock_that_jumps_a_day_costs_no_token() {
    let day = 86_400_000;
    let mut driver = to_active(config());
    for (ahead, span) in [(day, 300), (-day, 250), (0, 100)] {
        driver.world.set_wall_clock_ahead(ahead);
        driver.pass(secs(span));
        driver.want();
        assert!(driver.usable().is_some());
    }
    assert_eq!((driver.count(Call::SignIn), driver.count(Call::Refresh)), (1, 1));
}

#[test]
fn eight_hours_of_one_want_a_minute_cost_one_sign_in_with_mfa() {
    for mfa in [MfaSource::Asked, totp()] {
        let mut driver = Driver::alone(Server::with_mfa(), config_with(mfa));
        driver.want();
        if driver.machine.phase() == Phase::AwaitingCode {
            driver.submit("424242");
        }
        let mut unusable = 0;
        for second in 1..=8 * 3600 {
            driver.pass(secs(1));
            if second % 60 == 0 {
                driver.want();
            }
            unusable += u32::from(driver.usable().is_none());
        }
        assert_eq!(unusable, 0, "seconds without a token");
        assert_eq!((driver.count(Call::SignIn), driver.count(Call::Mfa)), (1, 1));
        let refreshes = driver.count(Call::Refresh);
        assert!((40..=60).contains(&refreshes), "{refreshes}");
        assert!(!driver.events.iter().any(|event| matches!(event, Event::Failed(_))));
    }
}

#[test]
fn a_life_that_makes_no_sense_counts_as_fourteen_minutes() {
    for token in ["opaque", "e30.e30.c2ln", &jwt(0, 1, 1), &jwt(0, 90_000, 1)] {
        let mut driver = Driver::alone(Server::plain().next(reply::token(token)), config());
        driver.want();
        let windows = *driver.machine.usable_token(driver.now()).unwrap().windows();
        assert_eq!(windows.ends_at.since(windows.sent), secs(840), "{token}");
    }
}

#[test]
fn an_imported_token_is_refreshed_at_its_first_use() {
    let mut driver = ready(300, Server::plain(), true);
    let given = driver.usable();
    assert!(given.is_some());
    driver.want();
    assert_eq!((driver.count(Call::Refresh), driver.count(Call::SignIn)), (1, 0));
    assert_ne!(driver.usable(), given);
}

#[test]
fn an_imported_token_lives_no_longer_than_its_exp() {
    let mut driver = ready(300, Server::plain(), false);
    driver.world.server.borrow_mut().outage = Some(reply::server_error());
    driver.want();
    driver.pass(secs(289));
    assert!(driver.usable().is_some());
    driver.pass(secs(12));
    assert_eq!(driver.usable(), None);
    driver.run();
    driver.want();
    assert_eq!(driver.last_failure_kind(), FailureKind::SignInNeeded, "there is no password");
}

#[test]
fn an_imported_token_past_its_exp_is_good_for_one_refresh() {
    let mut driver = ready(-10, Server::plain(), false);
    assert_eq!(driver.usable(), None);
    driver.want();
    assert_eq!(driver.count(Call::Refresh), 1);
    assert!(driver.usable().is_some(), "the local clock was wrong");

    let mut refusing = Server::plain();
    refusing.refuses_refresh = true;
    let mut driver = ready(-10, refusing, false);
    for _ in 0..10 {
        driver.want();
        assert_eq!(driver.usable(), None);
        assert_eq!(driver.last_failure_kind(), FailureKind::SignInNeeded);
    }
    assert_eq!(driver.sent.len(), 1);
}

#[test]
fn an_opaque_imported_token_is_used_to_its_assumed_end() {
    let world = World::new(Server::plain());
    world.server.borrow_mut().refuses_refresh = true;
    let mut driver = Driver::new(&world, with_token("opaque", false));
    for _ in 0..13 {
        let last = driver.want();
        assert!(matches!(last, Output::Wait { reason: WaitReason::TokenEnds, .. }), "{last:?}");
        assert_eq!(driver.usable().as_deref(), Some("opaque"));
        driver.pass(secs(60));
    }
    assert_eq!(driver.count(Call::Refresh), 1);
    driver.pass(secs(61));
    driver.want();
    assert_eq!(driver.last_failure_kind(), FailureKind::SignInNeeded);
}

#[test]
fn a_refresh_that_is_out_serves_a_want_for_a_fresh_token() {
    let mut driver = to_active(config());
    driver.machine.want(fresh()).unwrap();
    driver.drain();
    driver.machine.want(fresh()).unwrap();
    driver.run();
    assert_eq!(driver.count(Call::Refresh), 1);
    assert!(!driver.machine.is_wanted());
}

/// A session made from a token that has so many seconds left.
fn ready(left_s: i64, server: Server, has_password: bool) -> Driver {
    let world = World::new(server);
    let token = jwt(world.true_unix_ms() + (left_s - 900) * 1000, 900, 0);
    Driver::new(&world, with_token(&token, has_password))
}

fn with_token(token: &str, has_password: bool) -> Config {
    let mut config = config();
    config.token = Some(ImportedToken::new(token).unwrap());
    config.credentials = config.credentials.filter(|_| has_password);
    config
}
