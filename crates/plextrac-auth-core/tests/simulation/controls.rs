//! Controls: clients that break one rule each, and are caught. A promise that finds nothing here looks at nothing.

use crate::plan::{HOUR, MINUTE, Mishap, Outage, Plan, ProcessPlan, SECOND};
use crate::watch::Promise;
use crate::world::World;

/// How a client is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Broken {
    // Drivers.
    IgnoresBudget,
    IgnoresAge,
    DropsTokens,
    WaitsForEver,
    PollsInCircles,
    LosesOperations,
    // Stores.
    TakesEveryWrite,
    ForgetsClaims,
    ForgetsCodes,
    ForgetsRejections,
    ForgetsResets,
    ForgetsSignOuts,
    KeepsDeadClaims,
}

/// A world in which every promise is put to the test.
fn hard_world(seed: u64, broken: Option<Broken>) -> Plan {
    let mut plan = Plan::quiet(seed);
    plan.broken = broken;
    plan.accounts = vec![true, false, false];
    // One account's users sign out all the time; the other's token lives and is refreshed.
    let process = |n: usize| ProcessPlan {
        callers: 3,
        signs_out: 20 * (1 - n as u64 % 2),
        ..ProcessPlan::quiet(n % 2)
    };
    plan.processes = (0..6).map(process).collect();
    // Its calls end before a request does that gets no answer.
    plan.processes[1].timeout_ms = 7 * SECOND;
    // Two know a wrong password. One of them allows it to be sent again, now and then.
    let is_wrong = ProcessPlan { knows_password: false, signs_out: 20, ..ProcessPlan::quiet(2) };
    plan.processes.push(ProcessPlan { callers: 6, clears: 200, ..is_wrong.clone() });
    plan.processes[5] = is_wrong;
    if broken == Some(Broken::ForgetsResets) {
        // A rejection is written while another process clears it, if the store is slow.
        plan.store.as_mut().unwrap().latency_ms = (0, 2 * SECOND);
    }
    plan.span_ms = 90 * MINUTE;
    plan.calm_from_ms = Some(HOUR);
    plan.mishaps = vec![
        (9 * MINUTE, Mishap::Outage { lasts_ms: 8 * MINUTE, how: Outage::ServerError }),
        (25 * MINUTE, Mishap::Crash { process: 5, back_after_ms: SECOND }),
        (40 * MINUTE, Mishap::Outage { lasts_ms: 8 * MINUTE, how: Outage::Silent }),
        // Every process begins anew with the record of the boot before.
        (30 * MINUTE + seed * SECOND, Mishap::Reboot { machine: 0, lasts_ms: MINUTE, uptime_ms: SECOND }),
    ];
    // While no request is answered, claims last long: these processes are killed while they have one.
    let crash = |n: usize| Mishap::Crash { process: n % 3 * 2, back_after_ms: SECOND };
    plan.mishaps.extend((0..20).map(|n| (40 * MINUTE + n as u64 * 17 * SECOND, crash(n))));
    plan
}

/// What is found in ten worlds: breaches of the given promise, or of any.
fn found(broken: Option<Broken>, only: Option<Promise>) -> Vec<String> {
    let breach = |seed| {
        let mut plan = hard_world(seed, broken);
        plan.only = only;
        let report = World::new(&plan).run();
        report.broken.map(|broken| format!("world {seed}: {broken}"))
    };
    (0..10).filter_map(breach).collect()
}

#[test]
fn a_client_that_keeps_every_rule_is_found_to_break_none() {
    assert_eq!(found(None, None), Vec::<String>::new());
}

#[test]
fn each_broken_client_is_caught_by_its_promise() {
    for (broken, promise) in [
        (Broken::IgnoresBudget, Promise::Budget),
        (Broken::IgnoresAge, Promise::NoExpiredToken),
        (Broken::DropsTokens, Promise::TokenKept),
        (Broken::WaitsForEver, Promise::Deadline),
        (Broken::PollsInCircles, Promise::NoBusyLoop),
        (Broken::LosesOperations, Promise::Idle),
        (Broken::TakesEveryWrite, Promise::OneFlight),
        (Broken::ForgetsClaims, Promise::Announced),
        (Broken::ForgetsCodes, Promise::CodeOnce),
        (Broken::ForgetsRejections, Promise::RejectedOnce),
        (Broken::ForgetsResets, Promise::ClearedKept),
        (Broken::ForgetsSignOuts, Promise::SignOutKept),
        (Broken::KeepsDeadClaims, Promise::Freed),
    ] {
        assert!(!found(Some(broken), Some(promise)).is_empty(), "{broken:?} is not caught by {promise:?}");
    }
}
