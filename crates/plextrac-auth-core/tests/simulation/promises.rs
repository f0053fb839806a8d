//! The promises with their figures: one scenario each, over a few seeds.

use std::cell::Cell;

use crate::plan::{CALM, DAY_MS, HOUR, MINUTE, Mishap, Outage, Plan, ProcessPlan, RetryAfter, SECOND};
use crate::watch::Figures;
use crate::world::World;

/// Lives through a plan so often, under another seed each time, and hands each run's figures to `check`.
fn live(times: u64, plan: impl Fn(u64) -> Plan, check: impl Fn(&Figures)) {
    for seed in 0..times {
        let report = World::new(&plan(seed)).run();
        if let Some(broken) = report.broken {
            panic!("{broken} (seed {seed})");
        }
        check(&report.figures);
    }
}

fn demand(process: ProcessPlan) -> ProcessPlan {
    ProcessPlan { callers: 8, pause_ms: (0, SECOND), wait_ms: 2 * MINUTE, timeout_ms: 2 * MINUTE, ..process }
}

#[test]
fn eight_processes_of_eight_threads_meet_no_rate_limit() {
    const SPAN_S: u64 = 300;
    for budget in [6, 10] {
        let plan = |seed| {
            let mut plan = Plan::quiet(seed);
            plan.budget = budget;
            plan.span_ms = SPAN_S * SECOND;
            plan.accounts = vec![false; 4];
            // Everybody wants a new token all the time: more than any budget allows.
            plan.processes =
                (0..8).map(|n| ProcessPlan { fresh: 1000, ..demand(ProcessPlan::quiet(n % 4)) }).collect();
            plan
        };
        live(20, plan, |figures| {
            assert_eq!(figures.rate_limited, 0);
            // What the budget says for so many minutes, whatever is lost to the extra second and to answers on their way.
            let places = u64::from(budget) * SPAN_S / 60;
            let used = figures.authentication_requests() as f64 / places as f64;
            println!(
                "budget {budget}: {} of {places} requests, {used:.3}",
                figures.authentication_requests()
            );
            assert!(used >= 0.95, "{used} of the budget");
        });
    }
}

/// When a token that came at the beginning is not handed out any more.
const TOKEN_OVER: u64 = 14 * MINUTE + 49 * SECOND;

#[test]
fn ten_minutes_of_outage_cost_no_call_its_live_token() {
    let kinds = [Outage::Unreachable, Outage::Silent, Outage::ServerError, Outage::Html, Outage::RateLimited];
    for how in kinds {
        // It ends before the token does, or the token ends in the middle of it.
        for begins in [4 * MINUTE, 9 * MINUTE + 30 * SECOND] {
            let plan = |seed| {
                let mut plan = Plan::quiet(seed);
                plan.span_ms = TOKEN_OVER.max(begins + 10 * MINUTE);
                // 100 calls a second.
                plan.processes =
                    vec![ProcessPlan { callers: 10, pause_ms: (100, 100), ..ProcessPlan::quiet(0) }];
                plan.server.retry_after = RetryAfter::Absent;
                plan.mishaps = vec![(begins, Mishap::Outage { lasts_ms: 10 * MINUTE, how })];
                plan
            };
            let most = Cell::new(0);
            live(3, plan, |figures| {
                most.set(most.get().max(figures.attempts - 1));
                assert!(figures.calls > 80_000, "{} calls", figures.calls);
                let is_served = figures.first_failure_ms.is_none_or(|first| first >= TOKEN_OVER);
                assert!(is_served, "a call failed {:?} ms after the beginning", figures.first_failure_ms);
            });
            println!("{how:?} from {} s on: {} requests at most", begins / 1000, most.get());
            assert!(most.get() <= 20, "{} requests in an outage", most.get());
        }
    }
}

#[test]
fn an_hour_of_suspend_sends_no_dead_token_and_costs_one_sign_in() {
    let plan = |seed| {
        let mut plan = Plan::quiet(seed);
        plan.span_ms = 2 * HOUR;
        plan.mishaps =
            vec![(20 * MINUTE + seed * 37 * SECOND, Mishap::Suspend { machine: 0, lasts_ms: HOUR })];
        plan
    };
    live(20, plan, |figures| {
        assert_eq!(figures.expired_sent, 0);
        // One at the beginning and, since the token ended in the hour, one after it. Refreshes are ten minutes apart.
        assert_eq!(figures.sign_ins, 2);
        assert!(figures.refreshes <= 6, "{} refreshes", figures.refreshes);
        assert!(figures.failed.is_empty(), "{:?}", figures.failed);
    });
}

#[test]
fn a_wrong_wall_clock_changes_nothing() {
    let with = |seed: u64, ahead_ms: i64, steps_ms: &[i64]| {
        let mut plan = Plan::quiet(seed);
        plan.accounts = vec![true];
        plan.machines[0].wall_ahead_ms = ahead_ms;
        let step = |(n, ahead_ms): (usize, &i64)| {
            let at_ms = (7 + 12 * n as u64) * MINUTE + seed * 11 * SECOND;
            (at_ms, Mishap::WallClock { machine: 0, ahead_ms: *ahead_ms })
        };
        plan.mishaps = steps_ms.iter().enumerate().map(step).collect();
        plan
    };
    let right = Cell::new(0);
    live(20, |seed| with(seed, 0, &[]), |figures| right.set(right.get() + figures.authentication_requests()));
    for (ahead_ms, steps_ms) in [
        (DAY_MS, vec![]),
        (-DAY_MS, vec![]),
        (0, vec![DAY_MS, 0]),
        (0, vec![-DAY_MS, DAY_MS]),
        (DAY_MS, vec![0, -DAY_MS, 0]),
    ] {
        let wrong = Cell::new(0);
        live(
            20,
            |seed| with(seed, ahead_ms, &steps_ms),
            |figures| {
                assert_eq!((figures.expired_sent, figures.sign_ins, figures.second_steps), (0, 1, 1));
                assert!(figures.failed.is_empty(), "{:?}", figures.failed);
                wrong.set(wrong.get() + figures.authentication_requests());
            },
        );
        println!("{ahead_ms} {steps_ms:?}: {} requests, {} with a right clock", wrong.get(), right.get());
        assert!(
            wrong.get() <= right.get(),
            "{} requests and {} with a right clock",
            wrong.get(),
            right.get()
        );
    }
}

#[test]
fn twenty_processes_with_one_totp_secret_repeat_no_step() {
    let plan = |seed| {
        let mut plan = Plan::quiet(seed);
        plan.accounts = vec![true];
        plan.budget = 10;
        // Everybody signs out now and then, so that everybody signs in.
        plan.processes = vec![
            ProcessPlan {
                signs_out: 200,
                pause_ms: (SECOND, MINUTE),
                wait_ms: 2 * MINUTE,
                timeout_ms: 2 * MINUTE,
                ..ProcessPlan::quiet(0)
            };
            20
        ];
        plan
    };
    live(20, plan, |figures| {
        println!("{} codes, {} repeated", figures.second_steps, figures.repeated_codes);
        assert!(figures.second_steps >= 60, "{} codes prove little", figures.second_steps);
        assert_eq!(figures.repeated_codes, 0);
    });
}

#[test]
fn eight_hours_cost_one_sign_in_and_no_401() {
    let plan = |seed| {
        let mut plan = Plan::quiet(seed);
        plan.accounts = vec![true];
        plan.span_ms = 8 * HOUR;
        plan.processes[0].pause_ms = (MINUTE, MINUTE);
        plan
    };
    live(20, plan, |figures| {
        println!("{} refreshes for {} requests", figures.refreshes, figures.calls);
        assert_eq!((figures.sign_ins, figures.second_steps, figures.unauthorized), (1, 1, 0));
        assert!(figures.refreshes <= 60, "{} refreshes", figures.refreshes);
        assert!(figures.served >= 479 && figures.failed.is_empty(), "{:?}", figures.failed);
    });
}

#[test]
fn a_full_budget_of_the_boot_before_is_free_again() {
    let plan = |seed| {
        let mut plan = Plan::quiet(seed);
        plan.budget = 2;
        plan.processes[0].signs_out = 500;
        plan.processes[0].pause_ms = (SECOND, SECOND);
        plan.mishaps =
            vec![(MINUTE, Mishap::Reboot { machine: 0, lasts_ms: 30 * SECOND, uptime_ms: SECOND })];
        // None of them lives for long enough to see a place become free.
        for n in 5..66 {
            plan.mishaps.push((n * 20 * SECOND, Mishap::Crash { process: 0, back_after_ms: SECOND }));
        }
        plan.calm_from_ms = Some(MINUTE);
        plan.span_ms = 2 * MINUTE + CALM;
        plan
    };
    live(20, plan, |figures| assert!(figures.served > 0));
}

#[test]
fn the_stale_passwords_of_several_scripts_are_sent_once_each() {
    let plan = |seed| {
        let mut plan = Plan::quiet(seed);
        plan.processes = vec![ProcessPlan::quiet(0); 4];
        plan.processes[0].knows_password = false;
        plan.processes[2].knows_password = false;
        plan.mishaps = vec![(0, Mishap::PasswordChange { account: 0 })];
        // Each script runs again and again, and knows nothing of its earlier runs.
        for n in 1..40 {
            let crash = Mishap::Crash { process: n % 4, back_after_ms: SECOND };
            plan.mishaps.push((n as u64 * MINUTE, crash));
        }
        plan
    };
    live(20, plan, |figures| assert_eq!(figures.sign_ins, 2));
}
