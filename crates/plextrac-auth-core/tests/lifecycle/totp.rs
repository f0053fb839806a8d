//! Computed digits: which step, when, and what if the clock is wrong.

use plextrac_auth_core::{Call, Event, FailureKind, Output, WaitReason, Want};

use crate::driver::authenticator;
use crate::driver::{Driver, Server, config, config_with, ms, reply, secs, totp, wait_of};

const DAY_MS: i64 = 86_400_000;

fn driver() -> Driver {
    Driver::alone(Server::with_mfa(), config_with(totp()))
}

#[test]
fn a_totp_secret_signs_in_without_anybody() {
    let mut driver = driver();
    let code = authenticator(driver.world.true_unix_ms());
    driver.want();
    assert_eq!((driver.count(Call::SignIn), driver.count(Call::Mfa)), (1, 1));
    assert_eq!(driver.sent[1].field("token"), code);
    assert!(driver.usable().is_some());
}

#[test]
fn a_step_is_never_spent_twice() {
    let mut driver = driver();
    driver.want();
    driver.machine.sign_out(driver.now()).unwrap();
    driver.drain();
    let last = driver.want();
    assert!(matches!(last, Output::Wait { reason: WaitReason::TotpStep, .. }), "{last:?}");
    assert_eq!(driver.sent.len(), 2, "not even the password goes out before");
    driver.pass(wait_of(&last, driver.now()));
    driver.run();
    assert_eq!(driver.count(Call::Mfa), 2);
    assert_ne!(driver.sent[1].field("token"), driver.sent[3].field("token"));
    assert!(driver.usable().is_some());
}

#[test]
fn near_the_end_of_a_step_the_next_one_is_awaited() {
    let mut driver = driver();
    driver.pass(ms(27_001));
    let last = driver.want();
    assert!(matches!(last, Output::Wait { reason: WaitReason::TotpStep, .. }), "{last:?}");
    assert_eq!(wait_of(&last, driver.now()), ms(2_999));
    assert!(driver.sent.is_empty());
    driver.pass(ms(2_999));
    driver.run();
    assert!(driver.usable().is_some());
}

#[test]
fn a_deadline_that_does_not_allow_it_starts_at_once() {
    let mut driver = driver();
    driver.pass(ms(28_000));
    let deadline = Some(driver.world.mono() + secs(4));
    driver.machine.want(Want { fresh: false, deadline }).unwrap();
    driver.run();
    assert_eq!(driver.count(Call::Mfa), 1);
}

#[test]
fn with_three_seconds_left_the_step_is_used() {
    let mut driver = driver();
    driver.pass(ms(27_000));
    driver.want();
    assert_eq!(driver.count(Call::Mfa), 1);
}

#[test]
fn after_a_used_code_the_code_of_the_next_step_is_sent() {
    let mut driver = driver();
    driver.world.server.borrow_mut().uses_code_of_this_step(driver.world.true_unix_ms());
    let last = driver.want();
    assert!(matches!(last, Output::Wait { reason: WaitReason::TotpStep, .. }), "{last:?}");
    assert!(driver.machine.is_wanted(), "the want goes on");
    assert_eq!(driver.events, [Event::CodeRefused]);
    assert_eq!((driver.count(Call::SignIn), driver.count(Call::Mfa)), (1, 1));
    driver.pass(wait_of(&last, driver.now()));
    driver.run();
    assert!(driver.usable().is_some());
    assert_eq!((driver.count(Call::SignIn), driver.count(Call::Mfa)), (2, 2));
    assert!(!driver.machine.is_locked_out());
}

#[test]
fn a_want_without_the_time_for_another_step_names_the_cause() {
    let mut driver = driver();
    driver.world.server.borrow_mut().uses_code_of_this_step(driver.world.true_unix_ms());
    driver.machine.want(Want { fresh: false, deadline: Some(driver.now().monotonic + secs(30)) }).unwrap();
    driver.run();
    assert!(!driver.machine.is_wanted() && !driver.machine.is_locked_out());
    let failure = driver.last_failure().clone();
    assert_eq!(failure.kind(), FailureKind::MfaRejected);
    assert!(failure.is_retryable());
    for cause in ["another program", "secret", "clock"] {
        assert!(failure.message().contains(cause), "{failure}");
    }
    // The wait that it names suffices.
    driver.pass(failure.retry_after().unwrap());
    driver.want();
    assert!(driver.usable().is_some());
    assert_eq!(driver.count(Call::Mfa), 2);
}

#[test]
fn two_rejected_computed_codes_lock_their_secret_out() {
    let mut driver = driver();
    // Codes of another time are all wrong.
    driver.world.server.borrow_mut().ahead_ms = 600_000;
    let last = driver.want();
    driver.pass(wait_of(&last, driver.now()));
    driver.run();
    assert_eq!(driver.last_failure_kind(), FailureKind::MfaRejected);
    assert!(!driver.last_failure().is_retryable(), "{}", driver.last_failure());
    assert!(driver.machine.is_locked_out() && !driver.machine.is_wanted());
    for _ in 0..20 {
        driver.pass(secs(60));
        driver.want();
        assert_eq!(driver.last_failure_kind(), FailureKind::Rejected);
    }
    assert_eq!(driver.count(Call::Mfa), 2);
    driver.world.server.borrow_mut().ahead_ms = 0;
    driver.machine.forget_rejection(driver.now()).unwrap();
    driver.drain();
    driver.want();
    assert!(driver.usable().is_some());
}

#[test]
fn digits_typed_by_a_person_do_not_count_as_computed_ones() {
    let mut driver = driver();
    let mut other = Driver::new(&driver.world, config());
    for code in ["111111", "222222"] {
        driver.pass(secs(120));
        driver.machine.want(Want::default()).unwrap();
        driver.drain();
        driver.world.server.borrow_mut().script.push_back(reply::rate_limited(5));
        other.want();
        let last = driver.hand_in(reply::challenge("challenge-0"));
        assert!(matches!(last, Output::Wait { reason: WaitReason::RateLimited, .. }), "{last:?}");
        driver.submit(code);
        driver.pass(secs(5));
        driver.run();
        assert_eq!(driver.sent.last().unwrap().field("token"), code);
        assert_eq!(driver.last_failure_kind(), FailureKind::MfaRejected);
    }
    assert!(!driver.machine.is_locked_out());
}

#[test]
fn a_clock_that_is_days_off_is_corrected_by_the_servers_date() {
    for ahead in [-DAY_MS, -3_600_000, 3_600_000, DAY_MS] {
        let mut driver = driver();
        driver.world.server.borrow_mut().sends_date = true;
        driver.world.set_wall_clock_ahead(ahead);
        driver.want();
        assert!(driver.usable().is_some(), "{ahead} ms: the first answer's Date told the step");
        assert_eq!(driver.count(Call::Mfa), 1);
        let seen = driver.events.iter().find_map(|event| match event {
            Event::SkewSeen { server_ahead_ms } => Some(*server_ahead_ms),
            _ => None,
        });
        let off = seen.unwrap() + ahead;
        assert!(off.abs() <= 1_000, "seen within a second: {off}");
    }
}

#[test]
fn a_clock_that_is_right_within_a_step_is_left_alone() {
    let mut driver = driver();
    driver.world.server.borrow_mut().sends_date = true;
    driver.world.set_wall_clock_ahead(20_000);
    driver.want();
    assert!(!driver.events.iter().any(|event| matches!(event, Event::SkewSeen { .. })));
    assert!(driver.machine.server_ahead_ms().unwrap().abs() > 15_000, "known all the same");
}

#[test]
fn a_wall_clock_that_goes_back_spends_no_step_twice() {
    let mut driver = driver();
    let sign_in = |driver: &mut Driver| {
        let last = driver.want_at_once();
        driver.machine.sign_out(driver.now()).unwrap();
        driver.drain();
        last
    };
    sign_in(&mut driver);
    driver.world.set_wall_clock_ahead(-DAY_MS);
    sign_in(&mut driver);
    driver.world.set_wall_clock_ahead(0);
    let last = sign_in(&mut driver);
    assert!(matches!(last, Output::Wait { reason: WaitReason::TotpStep, .. }), "{last:?}");
    let codes: Vec<String> =
        driver.sent.iter().filter(|sent| sent.call == Call::Mfa).map(|sent| sent.field("token")).collect();
    assert!(codes.len() == 2 && codes[0] != codes[1], "{codes:?}");
}

#[test]
fn a_memory_far_ahead_of_the_clock_is_not_waited_for() {
    let mut driver = driver();
    driver.world.set_wall_clock_ahead(DAY_MS);
    driver.want();
    driver.machine.sign_out(driver.now()).unwrap();
    driver.drain();
    driver.world.set_wall_clock_ahead(0);
    driver.pass(secs(60));
    driver.want();
    assert!(driver.usable().is_some());
}
