//! A 401 on a request: which token it is about, and what it starts.

use plextrac_auth_core::{Call, Event, Generation, NotUsable, Verdict};

use crate::driver::scenario::{to_active, to_refreshing};
use crate::driver::{Driver, Server, config, reply, secs};

#[test]
fn a_token_that_died_early_costs_one_refresh() {
    let mut driver = to_active(config());
    let old = driver.usable();
    assert_eq!(driver.unauthorized(), Verdict::Renew);
    assert_eq!(driver.usable(), None, "not handed out any more");
    assert_eq!(driver.machine.authorization(driver.now()).unwrap_err(), NotUsable::Expired);
    driver.want();
    assert_eq!((driver.count(Call::SignIn), driver.count(Call::Refresh)), (1, 1));
    assert!(driver.usable().is_some() && driver.usable() != old);
}

#[test]
fn only_a_refused_refresh_leads_to_a_sign_in() {
    for (answer, signs_in) in [
        (reply::rejected(), true),
        (reply::json(401, "Unauthorized"), true),
        (reply::json(401, ""), true),
        (reply::html(401), false),
        (reply::server_error(), false),
        (reply::rate_limited(5), false),
    ] {
        let mut driver = to_active(config());
        driver.unauthorized();
        driver.world.server.borrow_mut().script.push_back(answer.clone());
        driver.want();
        assert_eq!(driver.count(Call::SignIn) == 2, signs_in, "{answer:?}");
        assert_eq!(driver.count(Call::Refresh), 1);
        driver.pass(secs(10));
        driver.want();
        assert!(driver.usable().is_some(), "{answer:?}");
    }
}

#[test]
fn a_401_on_a_token_that_was_replaced_starts_nothing() {
    let mut driver = to_active(config());
    let old = driver.generation();
    driver.want_fresh();
    let (new, sent) = (driver.usable(), driver.sent.len());
    let now = driver.now();
    assert_eq!(driver.machine.report_unauthorized(old, false, now), Ok(Verdict::Replaced));
    driver.want();
    assert_eq!((driver.usable(), driver.sent.len()), (new, sent));
}

#[test]
fn a_401_while_the_refresh_is_out_waits_for_its_answer() {
    let mut driver = to_refreshing(config());
    assert_eq!(driver.unauthorized(), Verdict::Renew);
    assert_eq!(driver.usable(), None);
    let now = driver.now();
    assert_eq!(
        driver.machine.report_unauthorized(Generation(1), false, now),
        Ok(Verdict::Renew),
        "said once more"
    );
    driver.want();
    assert_eq!(driver.count(Call::Refresh), 1);
    assert!(driver.usable().is_some());
}

#[test]
fn a_second_401_in_a_row_mutes_recovery_for_a_minute() {
    let mut driver = to_active(config());
    driver.unauthorized();
    driver.want();
    driver.pass(secs(20));
    assert_eq!(driver.unauthorized(), Verdict::Final);
    let sent = driver.sent.len();
    for _ in 0..59 {
        driver.pass(secs(1));
        assert_eq!(driver.unauthorized(), Verdict::Final);
        driver.want();
        assert!(driver.usable().is_some(), "a token for all other endpoints");
    }
    assert_eq!(driver.sent.len(), sent);
    driver.pass(secs(1));
    assert_eq!(driver.unauthorized(), Verdict::Renew);
}

#[test]
fn a_token_that_was_accepted_is_renewed_though_it_is_new() {
    let mut driver = to_active(config());
    driver.unauthorized_after(true);
    driver.want();
    for _ in 0..2 {
        driver.pass(secs(10));
        assert_eq!(driver.unauthorized_after(true), Verdict::Renew);
        driver.want();
        assert!(driver.usable().is_some());
    }
    assert_eq!(driver.count(Call::Refresh), 3);
    driver.pass(secs(10));
    assert_eq!(driver.unauthorized_after(true), Verdict::Final, "three in a minute are the most");
    assert_eq!(muted(&driver), [29], "until the first of them is a minute ago; three refreshes took a while");
    driver.pass(secs(29));
    assert_eq!(driver.unauthorized_after(true), Verdict::Final);
    driver.pass(secs(1));
    assert_eq!(driver.unauthorized_after(true), Verdict::Renew);
}

#[test]
fn muting_is_reported_once_and_lasts_though_other_paths_work() {
    let mut driver = to_active(config());
    driver.unauthorized();
    driver.want();
    for _ in 0..10 {
        assert_eq!(driver.unauthorized(), Verdict::Final);
        driver.pass(secs(1));
        assert_eq!(driver.unauthorized_after(true), Verdict::Final, "another path accepts the token");
    }
    assert_eq!(muted(&driver), [50], "once, ten seconds ago");
    assert_eq!(driver.count(Call::Refresh), 1);
}

/// A driver that reports no acceptance: the repetition of the request would have met a 401 by then.
#[test]
fn a_token_without_a_401_for_a_while_counts_as_accepted() {
    let mut driver = to_active(config());
    driver.unauthorized();
    driver.want();
    driver.pass(config().request_timeout);
    assert_eq!(driver.unauthorized(), Verdict::Renew);
}

/// For how many seconds recovery was muted, each time.
fn muted(driver: &Driver) -> Vec<u64> {
    let muted_at = driver.now().monotonic;
    let muted = driver.events.iter().filter_map(|event| match event {
        Event::UnauthorizedMuted { until } => Some(until.since(muted_at).as_secs()),
        _ => None,
    });
    muted.collect()
}

#[test]
fn a_401_on_a_token_that_worked_for_a_minute_is_a_new_one() {
    let mut driver = to_active(config());
    driver.unauthorized();
    driver.want();
    driver.pass(secs(60));
    assert_eq!(driver.unauthorized(), Verdict::Renew);
}

#[test]
fn a_path_that_always_answers_401_costs_a_refresh_a_minute() {
    let mut driver = to_active(config());
    let mut final_answers = 0;
    for _ in 0..600 {
        driver.want();
        if driver.unauthorized() == Verdict::Renew {
            driver.want();
            assert_eq!(driver.unauthorized(), Verdict::Final, "the one repetition is answered 401 too");
        }
        final_answers += 1;
        driver.pass(secs(1));
    }
    assert_eq!(final_answers, 600);
    assert_eq!(driver.count(Call::SignIn), 1);
    let refreshes = driver.count(Call::Refresh);
    assert!((5..=11).contains(&refreshes), "{refreshes}");
}

#[test]
fn a_server_that_refuses_all_tokens_causes_no_loop() {
    let mut server = Server::plain();
    server.refuses_refresh = true;
    let mut driver = Driver::alone(server, config());
    for _ in 0..600 {
        driver.want_at_once();
        if driver.usable().is_some() && driver.unauthorized() == Verdict::Renew {
            driver.want_at_once();
        }
        driver.pass(secs(1));
    }
    assert!(driver.sent.len() <= 24, "one refresh and one sign-in a minute: {}", driver.sent.len());
    assert!(driver.events.contains(&Event::SignInNeeded), "control: it was refused");
}
