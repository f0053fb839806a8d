//! What a fleet may cost its instance and its store, and how soon each process has its token.

use plextrac_fleet_simulation::{Behaviour, Control, Mfa, Mishap, Plan, Report, StoreModel, run};

/// A thousand processes on a hundred machines, on one engine.
fn thousand() -> Plan {
    Plan::new(1000, 100, StoreModel::ENGINE)
}

fn seconds(n: u64) -> u64 {
    n * 1000
}

/// Every process has a token, and no password was sent in vain.
fn assert_served(report: &Report, plan: &Plan) {
    assert_eq!(report.served, u64::from(plan.clients), "{report:#?}");
    assert_eq!((report.rejected, report.repeated_codes, report.rate_limited), (0, 0, 0), "{report:#?}");
}

/// A token reaches everybody who waits within 200 ms of its arrival in the store. The way to the store and back, and its
/// queue, are part of that.
fn assert_prompt(report: &Report) {
    assert!(report.longest_lag_ms <= 200, "{report:#?}");
}

/// Operations follow from changes and from calls, not from how long a call waits.
fn assert_few_operations(report: &Report, plan: &Plan, most: u64) {
    let each = report.operations_per_change(plan);
    assert!(each <= most as f64, "{each} operations for each process and change: {report:#?}");
    assert!(report.most_of_one_client <= 3 * most, "{report:#?}");
}

#[test]
fn a_cold_start_costs_one_sign_in() {
    for (clients, machines) in [(10, 1), (100, 10), (1000, 100), (1000, 1)] {
        let plan = Plan::new(clients, machines, StoreModel::ENGINE);
        let report = run(&plan);
        assert_served(&report, &plan);
        assert_eq!((report.requests(), report.sign_ins), (1, 1));
        assert_prompt(&report);
        assert_few_operations(&report, &plan, 5);
    }
}

#[test]
fn a_run_follows_from_its_seed() {
    let plan = Plan { mishaps: vec![(300, Mishap::KillHolder)], ..thousand() };
    assert_eq!(run(&plan), run(&plan));
    assert_ne!(run(&plan), run(&Plan { seed: 2, ..plan }));
}

#[test]
fn an_hour_costs_one_request_for_each_token_life() {
    let plan = Plan { span_ms: seconds(3600), people_per_minute: 3, ..thousand() };
    let report = run(&plan);
    assert_served(&report, &plan);
    assert_eq!(report.sign_ins, 1);
    assert_eq!(report.refreshes + 1, report.changes, "each request brings a token");
    assert!((4..=6).contains(&report.refreshes), "{report:#?}");
    assert!(report.busiest_minute <= u64::from(plan.budget) && report.people_refused == 0, "{report:#?}");
    assert!(report.failures.is_empty() && report.longest_later_call_ms == 0, "{report:#?}");
    assert_few_operations(&report, &plan, 3);
}

#[test]
fn thirty_accounts_keep_one_budget() {
    let plan = Plan {
        accounts: 30,
        span_ms: seconds(1200),
        wait_ms: (seconds(1200), seconds(1200)),
        people_per_minute: 3,
        ..Plan::new(300, 30, StoreModel::ENGINE)
    };
    let report = run(&plan);
    assert_served(&report, &plan);
    assert_eq!(report.sign_ins, 30);
    assert!(report.busiest_minute <= u64::from(plan.budget), "{report:#?}");
    assert!(report.busiest_minute_of_all <= u64::from(plan.places), "{report:#?}");
    let broken = run(&Plan { control: Some(Control::ForgetsBudget), ..plan });
    assert!(broken.busiest_minute > 10 && broken.rate_limited > 0, "the control: {broken:#?}");
}

#[test]
fn a_second_step_is_computed_once() {
    let plan = Plan { mfa: Mfa::Totp, ..thousand() };
    let report = run(&plan);
    assert_served(&report, &plan);
    assert_eq!((report.sign_ins, report.second_steps), (1, 1));
    assert_prompt(&report);
    assert_few_operations(&report, &plan, 7);
}

#[test]
fn one_person_is_asked_for_everybody() {
    let plan = Plan {
        mfa: Mfa::Person { types_ms: seconds(60) },
        wait_ms: (seconds(600), seconds(600)),
        ..thousand()
    };
    let report = run(&plan);
    assert_served(&report, &plan);
    assert_eq!((report.sign_ins, report.second_steps), (1, 1));
    assert_prompt(&report);
    // One read for each lease of 10 s. A renewed claim wakes nobody.
    assert_few_operations(&report, &plan, 12);
    let plan = Plan { control: Some(Control::Polls), ..Plan { clients: 100, ..plan } };
    let broken = run(&plan);
    assert!(broken.operations_per_change(&plan) > 300.0, "the control: {broken:#?}");
}

#[test]
fn a_wrong_password_is_sent_once() {
    let plan = Plan { is_password_right: false, span_ms: seconds(60), ..thousand() };
    let report = run(&plan);
    assert_eq!((report.requests(), report.rejected, report.served), (1, 1, 0), "{report:#?}");
    assert!(report.failures["Rejected"] > 5000, "everybody calls again: {report:#?}");
}

#[test]
fn a_killed_holder_is_replaced_within_15_s() {
    for seed in 1..=3 {
        let plan = Plan { seed, mishaps: vec![(300, Mishap::KillHolder)], ..thousand() };
        let report = run(&plan);
        assert_served(&report, &plan);
        assert_eq!(report.sign_ins, 2, "that of the killed process, and one more");
        assert!(report.all_served_ms.is_some_and(|ms| ms < seconds(15)), "{report:#?}");
        assert_few_operations(&report, &plan, 8);
    }
}

#[test]
fn a_failover_exceeds_no_budget() {
    let short = [(300, 100), (700, 100), (700, seconds(5)), (900, 100)];
    for (at_ms, down_ms) in short.into_iter().chain([(seconds(620), 100), (seconds(660), seconds(5))]) {
        let plan = Plan {
            mfa: Mfa::Totp,
            wait_ms: (seconds(120), seconds(120)),
            span_ms: at_ms + seconds(200),
            people_per_minute: 3,
            mishaps: vec![(at_ms, Mishap::Failover { down_ms, loses_ms: 200 })],
            ..Plan::new(300, 30, StoreModel::ENGINE)
        };
        let report = run(&plan);
        assert_served(&report, &plan);
        assert!(report.busiest_minute <= u64::from(plan.budget), "{report:#?}");
        assert!(report.all_served_ms.is_some_and(|ms| ms < seconds(150)), "{report:#?}");
        assert!(report.most_of_one_client <= 40, "{report:#?}");
    }
}

#[test]
fn an_engine_that_lost_everything_doubles_the_budget() {
    let lost = Mishap::Failover { down_ms: 1000, loses_ms: seconds(3600) };
    let plan = Plan {
        accounts: 30,
        wait_ms: (seconds(600), seconds(600)),
        ..Plan::new(300, 30, StoreModel::ENGINE)
    };
    let plan = Plan { span_ms: seconds(1200), mishaps: vec![(seconds(60), lost)], ..plan };
    let report = run(&plan);
    assert_served(&report, &plan);
    assert!(report.busiest_minute <= 2 * u64::from(plan.budget), "{report:#?}");
}

#[test]
fn machines_that_were_cut_off_go_on_by_themselves() {
    let cut_off = Mishap::Partition { lasts_ms: seconds(20), percent: 30 };
    let plan = Plan { mishaps: vec![(300, cut_off)], ..thousand() };
    let report = run(&plan);
    assert_served(&report, &plan);
    assert!(report.requests() <= 2, "{report:#?}");
    assert!(report.lost_operations > 100, "the control: they are cut off");
    assert!(report.all_served_ms.is_some_and(|ms| ms < seconds(35)), "{report:#?}");
}

#[test]
fn a_restart_of_everything_costs_no_request() {
    let plan =
        Plan { span_ms: seconds(400), mishaps: vec![(seconds(300), Mishap::RestartAll)], ..thousand() };
    let report = run(&plan);
    assert_served(&report, &plan);
    assert_eq!(report.requests(), 1);
    assert!(report.all_served_ms.is_some_and(|ms| ms <= seconds(301) + 10), "{report:#?}");
}

#[test]
fn programs_that_cron_starts_sign_in_once() {
    let behaviour = Behaviour::Cron { every_ms: seconds(60) };
    let plan = Plan { behaviour, span_ms: seconds(900), ..thousand() };
    let report = run(&plan);
    assert_eq!((report.sign_ins, report.rate_limited), (1, 0), "{report:#?}");
    assert_eq!(report.served, 15_000);
    assert!(report.failures.is_empty(), "{report:#?}");
    assert!(report.operations() <= 3 * report.served, "{report:#?}");
}

#[test]
fn control_directories_of_many_machines_exceed_the_limit() {
    let plan = |machines| Plan::new(1000, machines, StoreModel::Directories);
    let one = run(&plan(1));
    assert_eq!((one.requests(), one.served), (1, 1000));
    let many = run(&Plan { people_per_minute: 3, ..plan(50) });
    assert!(many.busiest_minute > 10 && many.rate_limited > 0, "{many:#?}");
    assert!(many.people_refused > 0, "people are locked out: {many:#?}");
}
