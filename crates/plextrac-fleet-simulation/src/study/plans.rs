//! The plans that the document names.

use plextrac_fleet_simulation::{Behaviour, Mfa, Mishap, Plan, StoreModel};

/// A plan for so many clients on so many machines.
type PlanOf = fn(u32, u32) -> Plan;

/// What is run for fleets of every size, on one engine.
pub(crate) fn growth() -> Vec<(&'static str, PlanOf)> {
    vec![
        ("cold start", |clients, machines| engine(clients, machines)),
        ("a person types for 20 s", |clients, machines| Plan {
            mfa: Mfa::Person { types_ms: 20_000 },
            wait_ms: (600_000, 600_000),
            ..engine(clients, machines)
        }),
        ("the holder is killed", |clients, machines| Plan {
            mishaps: vec![(400, Mishap::KillHolder)],
            ..engine(clients, machines)
        }),
        ("failover in the sign-in", |clients, machines| Plan {
            mishaps: vec![(600, Mishap::Failover { down_ms: 1000, loses_ms: 100 })],
            wait_ms: (120_000, 120_000),
            span_ms: 300_000,
            ..engine(clients, machines)
        }),
    ]
}

/// An hour beside people who sign in three times a minute.
pub(crate) fn hour_with_people(clients: u32, machines: u32, store: StoreModel) -> Plan {
    Plan { span_ms: 3_600_000, people_per_minute: 3, ..Plan::new(clients, machines, store) }
}

/// What goes wrong, with 1,000 clients on 100 machines and one engine.
pub(crate) fn mishaps() -> Vec<(&'static str, Plan)> {
    let patient = || Plan { wait_ms: (600_000, 600_000), span_ms: 1_500_000, ..engine(1000, 100) };
    let failover = Mishap::Failover { down_ms: 2000, loses_ms: 1000 };
    vec![
        ("nothing", engine(1000, 100)),
        ("codes are computed", Plan { mfa: Mfa::Totp, ..engine(1000, 100) }),
        ("an answer takes 20 s", Plan { answer_ms: 20_000, ..engine(1000, 100) }),
        (
            "a wrong password, 5 minutes",
            Plan { is_password_right: false, span_ms: 300_000, ..engine(1000, 100) },
        ),
        ("30 accounts", Plan { accounts: 30, ..patient() }),
        (
            "3 of 10 machines cut off for 20 s",
            with(engine(1000, 100), 300, Mishap::Partition { lasts_ms: 20_000, percent: 30 }),
        ),
        (
            "failover in the sign-in, codes computed",
            with(Plan { mfa: Mfa::Totp, ..patient() }, 600, failover),
        ),
        ("failover when refreshes are due", with(patient(), 625_000, failover)),
        (
            "an engine without data after 5 minutes",
            with(patient(), 300_000, Mishap::Failover { down_ms: 2000, loses_ms: 3_600_000 }),
        ),
        (
            "all restart after 5 minutes",
            with(Plan { span_ms: 600_000, ..engine(1000, 100) }, 300_000, Mishap::RestartAll),
        ),
        (
            "cron, every minute, half an hour",
            Plan { behaviour: Behaviour::Cron { every_ms: 60_000 }, span_ms: 1_800_000, ..engine(1000, 100) },
        ),
    ]
}

const fn engine(clients: u32, machines: u32) -> Plan {
    Plan::new(clients, machines, StoreModel::ENGINE)
}

fn with(plan: Plan, at_ms: u64, mishap: Mishap) -> Plan {
    Plan { mishaps: vec![(at_ms, mishap)], ..plan }
}
