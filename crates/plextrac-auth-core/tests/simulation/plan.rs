//! What a run is made of: the world as a seed draws it, or as a named scenario writes it down.

use plextrac_auth_core::OnStoreFailure;

use crate::controls::Broken;
use crate::limit::Window;
use crate::random::Random;
use crate::watch::Promise;

pub(crate) const SECOND: u64 = 1000;
pub(crate) const MINUTE: u64 = 60 * SECOND;
pub(crate) const HOUR: u64 = 60 * MINUTE;
pub(crate) const DAY_MS: i64 = 24 * HOUR as i64;

/// When nothing goes wrong any more, outages and waits that were told last for so long.
const SETTLING: u64 = 15 * MINUTE;
/// And then for so long everybody is served who can be.
pub(crate) const CALM: u64 = 20 * MINUTE;

#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) span_ms: u64,
    /// Authentication requests a minute, as the clients have it.
    pub(crate) budget: u32,
    /// Whether each account has MFA.
    pub(crate) accounts: Vec<bool>,
    pub(crate) machines: Vec<MachinePlan>,
    pub(crate) processes: Vec<ProcessPlan>,
    /// Without a store there is one process.
    pub(crate) store: Option<StorePlan>,
    pub(crate) server: ServerPlan,
    pub(crate) mishaps: Vec<(u64, Mishap)>,
    /// From here on everybody who has the right credentials must be served.
    pub(crate) calm_from_ms: Option<u64>,
    pub(crate) broken: Option<Broken>,
    /// Only this promise is looked at. A control goes on after another one was broken.
    pub(crate) only: Option<Promise>,
}

/// A computer, or a time namespace of its own on one: other clocks, and another name for the boot.
#[derive(Clone, Debug)]
pub(crate) struct MachinePlan {
    pub(crate) uptime_ms: u64,
    /// Wall clock minus true time.
    pub(crate) wall_ahead_ms: i64,
}

#[derive(Clone, Debug)]
pub(crate) struct StorePlan {
    /// It has a clock of its own, and carries out what it was sent even if the sender is gone.
    pub(crate) is_engine: bool,
    pub(crate) latency_ms: (u64, u64),
    /// Of a thousand operations: those that take seconds, that fail.
    pub(crate) slow: u64,
    pub(crate) fails: u64,
    /// Of a thousand notices of a change: those that get lost.
    pub(crate) loses_notices: u64,
    /// Whether its users know that it may lose what it acknowledged.
    pub(crate) may_lose_writes: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct ProcessPlan {
    pub(crate) account: usize,
    pub(crate) machine: usize,
    pub(crate) knows_password: bool,
    pub(crate) digits: DigitsFrom,
    pub(crate) starts_ms: u64,
    pub(crate) on_store_failure: OnStoreFailure,
    pub(crate) callers: usize,
    /// Between the end of a call and the next.
    pub(crate) pause_ms: (u64, u64),
    pub(crate) timeout_ms: u64,
    /// How long a call may wait for the budget or a back-off.
    pub(crate) wait_ms: u64,
    /// Of a thousand calls: those that want a new token, look at the status, sign out, clear a rejection.
    pub(crate) fresh: u64,
    pub(crate) looks: u64,
    pub(crate) signs_out: u64,
    pub(crate) clears: u64,
    /// Of a thousand calls that wait: those that are given up before their time.
    pub(crate) leaves: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DigitsFrom {
    Totp,
    /// Typed after so long, wrong or not at all in so many of a thousand cases.
    Person {
        takes_ms: (u64, u64),
        wrong: u64,
        gives_up: u64,
        /// Without a callback: the program submits the code, once a call has said that one is needed.
        submits: bool,
    },
}

#[derive(Clone, Debug)]
pub(crate) struct ServerPlan {
    pub(crate) window: Window,
    pub(crate) places: usize,
    pub(crate) retry_after: RetryAfter,
    pub(crate) life_s: i64,
    /// Each replica's clock minus true time.
    pub(crate) replicas_ahead_ms: Vec<i64>,
    pub(crate) sends_date: bool,
    /// Authentication requests of people's browsers come so often.
    pub(crate) others_every_ms: Option<u64>,
    pub(crate) latency_ms: (u64, u64),
    /// Of a thousand authentication requests: those that take up to a minute, are lost, lose their answer, meet an error.
    pub(crate) slow: u64,
    pub(crate) lost: u64,
    pub(crate) unanswered: u64,
    pub(crate) errors: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RetryAfter {
    Seconds,
    Date,
    ResetHeader,
    Absent,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outage {
    /// No connection.
    Unreachable,
    /// Requests vanish.
    Silent,
    ServerError,
    /// A page for people.
    Html,
    /// 429, whoever asks.
    RateLimited,
}

#[derive(Clone, Debug)]
pub(crate) enum Mishap {
    Outage {
        lasts_ms: u64,
        how: Outage,
    },
    /// kill -9, and a new start after a while.
    Crash {
        process: usize,
        back_after_ms: u64,
    },
    /// The process closes its session and ends, and starts again after a while.
    Quit {
        process: usize,
        back_after_ms: u64,
    },
    /// The process is stopped, and goes on later. Its clocks go on meanwhile.
    Pause {
        process: usize,
        lasts_ms: u64,
    },
    /// The process goes on as the child of a fork; the parent ends at once.
    Fork {
        process: usize,
    },
    Suspend {
        machine: usize,
        lasts_ms: u64,
    },
    Reboot {
        machine: usize,
        lasts_ms: u64,
        uptime_ms: u64,
    },
    /// The wall clock is set.
    WallClock {
        machine: usize,
        ahead_ms: i64,
    },
    /// Every operation of the store fails.
    StoreOutage {
        lasts_ms: u64,
    },
    /// Another run of the engine begins, without what was written lately.
    Failover {
        lost_ms: u64,
    },
    /// Every token of the account is revoked.
    Revoke {
        account: usize,
    },
    /// The password the clients know is not the right one any more.
    PasswordChange {
        account: usize,
    },
}

impl Plan {
    /// One process and one caller on a healthy server, every ten seconds.
    pub(crate) fn quiet(seed: u64) -> Self {
        Self {
            seed,
            span_ms: HOUR,
            budget: 6,
            accounts: vec![false],
            machines: vec![MachinePlan { uptime_ms: HOUR, wall_ahead_ms: 0 }],
            processes: vec![ProcessPlan::quiet(0)],
            store: Some(StorePlan::directory()),
            server: ServerPlan::healthy(),
            mishaps: Vec::new(),
            calm_from_ms: None,
            broken: None,
            only: None,
        }
    }

    /// Anything that can happen.
    pub(crate) fn drawn(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let r = &mut random;
        let store = r.chance(850).then(|| StorePlan::drawn(r));
        let accounts: Vec<bool> = (0..r.within((1, 3))).map(|_| r.chance(500)).collect();
        let is_engine = store.as_ref().is_some_and(|store| store.is_engine);
        let machines = match store {
            Some(_) if is_engine => r.within((1, 3)),
            // A directory that several machines, or several time namespaces, have in common.
            Some(_) if r.chance(80) => 3,
            _ => 1,
        };
        let most = if store.is_some() { 6 } else { 1 };
        let processes: Vec<_> = (0..r.within((1, most)))
            .map(|_| ProcessPlan::drawn(r, &accounts, machines, store.as_ref()))
            .collect();
        let busy = r.within((5 * MINUTE, 30 * MINUTE));
        let mut server = ServerPlan::drawn(r);
        let mut mishaps = Vec::new();
        for _ in 0..r.within((0, 6)) {
            let numbers = (processes.len(), accounts.len(), machines);
            mishaps.push((r.within((0, busy)), Mishap::drawn(r, numbers, store.as_ref())));
        }
        let machines: Vec<_> = (0..machines).map(|_| MachinePlan::drawn(r)).collect();
        // With a wrong clock and a server that does not tell the time, no computed code is right.
        let is_set = mishaps.iter().any(|(_, mishap)| matches!(mishap, Mishap::WallClock { .. }));
        server.sends_date |=
            is_set || machines.iter().any(|machine| machine.wall_ahead_ms.unsigned_abs() > 5000);
        let asleep: u64 = mishaps.iter().map(|(_, mishap)| mishap.asleep_ms()).sum();
        Self {
            seed: r.next(),
            span_ms: busy + asleep + SETTLING + CALM,
            budget: r.within((2, 8)) as u32,
            accounts,
            machines,
            processes,
            store,
            server,
            mishaps,
            calm_from_ms: Some(busy + asleep),
            broken: None,
            only: None,
        }
    }
}

impl MachinePlan {
    fn drawn(r: &mut Random) -> Self {
        let wall_ahead_ms = if r.chance(700) { r.signed(5000) } else { r.signed(DAY_MS as u64) };
        Self { uptime_ms: r.within((0, 100 * HOUR)), wall_ahead_ms }
    }
}

impl StorePlan {
    pub(crate) const fn directory() -> Self {
        Self {
            is_engine: false,
            latency_ms: (0, 3),
            slow: 0,
            fails: 0,
            loses_notices: 0,
            may_lose_writes: false,
        }
    }

    fn drawn(r: &mut Random) -> Self {
        let is_engine = r.chance(350);
        let faults = r.pick(&[0, 0, 0, 10, 100]);
        Self {
            is_engine,
            latency_ms: if is_engine { (1, r.pick(&[5, 50, 300])) } else { (0, r.pick(&[3, 3, 30])) },
            slow: faults,
            fails: r.pick(&[0, 0, 0, 10, 100]),
            loses_notices: r.pick(&[0, 0, 300, 1000]),
            may_lose_writes: is_engine && r.chance(700),
        }
    }
}

impl ProcessPlan {
    pub(crate) const fn quiet(account: usize) -> Self {
        Self {
            account,
            machine: 0,
            knows_password: true,
            digits: DigitsFrom::Totp,
            starts_ms: 0,
            on_store_failure: OnStoreFailure::GoOnAlone,
            callers: 1,
            pause_ms: (10 * SECOND, 10 * SECOND),
            timeout_ms: 30 * SECOND,
            wait_ms: 0,
            fresh: 0,
            looks: 0,
            signs_out: 0,
            clears: 0,
            leaves: 0,
        }
    }

    fn drawn(r: &mut Random, accounts: &[bool], machines: u64, store: Option<&StorePlan>) -> Self {
        let slowest = r.pick(&[2 * SECOND, 20 * SECOND, MINUTE, MINUTE, 3 * MINUTE, 5 * MINUTE]);
        let person = DigitsFrom::Person {
            takes_ms: r.pick(&[(2 * SECOND, 20 * SECOND), (10 * SECOND, 130 * SECOND)]),
            wrong: 150,
            gives_up: 150,
            submits: r.chance(300),
        };
        let digits = if r.chance(700) { DigitsFrom::Totp } else { person };
        let shortest = match digits {
            // If the call ends before the answer, the program does not learn that a code is needed.
            DigitsFrom::Person { submits: true, .. } => 30 * SECOND,
            // One that ends before the store answers learns nothing.
            _ if store.is_some_and(|store| store.latency_ms.1 > 3) => SECOND,
            _ => 10,
        };
        Self {
            account: r.within((0, accounts.len() as u64 - 1)) as usize,
            knows_password: !r.chance(80),
            digits,
            machine: r.within((0, machines - 1)) as usize,
            on_store_failure: if r.chance(700) {
                OnStoreFailure::GoOnAlone
            } else {
                OnStoreFailure::SendNothing
            },
            starts_ms: if r.chance(500) { 0 } else { r.within((0, 5 * MINUTE)) },
            callers: if slowest == 2 * SECOND { 1 } else { r.pick(&[1, 1, 2, 4, 8]) },
            pause_ms: (slowest / 10, slowest),
            timeout_ms: r
                .pick(&[10, SECOND, 5 * SECOND, 30 * SECOND, 30 * SECOND, 120 * SECOND])
                .max(shortest),
            wait_ms: r.pick(&[0, 0, 5 * SECOND, 2 * MINUTE]),
            fresh: r.pick(&[0, 0, 10, 100]),
            looks: r.pick(&[0, 50]),
            signs_out: r.pick(&[0, 0, 0, 10]),
            clears: r.pick(&[0, 0, 0, 5]),
            leaves: r.pick(&[0, 0, 100]),
        }
    }
}

impl ServerPlan {
    pub(crate) fn healthy() -> Self {
        Self {
            window: Window::Sliding,
            places: 10,
            retry_after: RetryAfter::Seconds,
            life_s: 900,
            replicas_ahead_ms: vec![0],
            sends_date: true,
            others_every_ms: None,
            latency_ms: (50, 300),
            slow: 0,
            lost: 0,
            unanswered: 0,
            errors: 0,
        }
    }

    fn drawn(r: &mut Random) -> Self {
        let faults = r.pick(&[0, 0, 20, 150]);
        // The last seconds in which no token is handed out cover replicas that are so far apart.
        let replicas = r.within((1, 4));
        Self {
            window: if r.chance(500) { Window::Sliding } else { Window::Fixed(r.within((0, MINUTE - 1))) },
            places: 10,
            retry_after: r.pick(&[
                RetryAfter::Seconds,
                RetryAfter::Date,
                RetryAfter::ResetHeader,
                RetryAfter::Absent,
            ]),
            life_s: r.pick(&[900, 900, 900, 300, 3600]),
            replicas_ahead_ms: (0..replicas).map(|_| r.signed(1500)).collect(),
            sends_date: r.chance(700),
            others_every_ms: r.chance(200).then(|| r.within((5 * SECOND, 30 * SECOND))),
            latency_ms: (10, r.pick(&[50, 500, 3000])),
            slow: faults,
            lost: faults,
            unanswered: faults,
            errors: faults,
        }
    }
}

impl Mishap {
    /// How long the computer does nothing because of it.
    const fn asleep_ms(&self) -> u64 {
        match self {
            Self::Suspend { lasts_ms, .. } | Self::Reboot { lasts_ms, .. } => *lasts_ms,
            _ => 0,
        }
    }

    fn drawn(
        r: &mut Random,
        (processes, accounts, machines): (usize, usize, u64),
        store: Option<&StorePlan>,
    ) -> Self {
        let account = r.within((0, accounts as u64 - 1)) as usize;
        let machine = r.within((0, machines - 1)) as usize;
        let process = r.within((0, processes as u64 - 1)) as usize;
        let how = r.pick(&[
            Outage::Unreachable,
            Outage::Silent,
            Outage::ServerError,
            Outage::Html,
            Outage::RateLimited,
        ]);
        let outage = Self::Outage { lasts_ms: r.within((SECOND, 12 * MINUTE)), how };
        let suspend = Self::Suspend { machine, lasts_ms: r.pick(&[SECOND, MINUTE, 14 * MINUTE, HOUR]) };
        let back_after_ms = r.within((0, MINUTE));
        match r.within((0, 17)) {
            0..=2 => outage,
            3..=4 => suspend,
            5 => Self::WallClock { machine, ahead_ms: r.signed(DAY_MS as u64) },
            6 => Self::Revoke { account },
            7 if r.chance(300) => Self::PasswordChange { account },
            8..=9 => {
                Self::Pause { process, lasts_ms: r.pick(&[SECOND, 8 * SECOND, 25 * SECOND, 2 * MINUTE]) }
            }
            // What a process without a store has sent is forgotten with it, and its budget is no promise any more.
            10..=11 if store.is_some() => Self::Crash { process, back_after_ms },
            12 if store.is_some() => Self::Quit { process, back_after_ms },
            13 if store.is_some() => Self::Fork { process },
            14 if store.is_some() => Self::StoreOutage { lasts_ms: r.within((SECOND, 5 * MINUTE)) },
            15 if store.is_some_and(|store| store.is_engine) => {
                Self::Failover { lost_ms: r.within((0, SECOND)) }
            }
            16..=17 if store.is_some() => Self::Reboot {
                machine,
                lasts_ms: r.within((30 * SECOND, 3 * MINUTE)),
                uptime_ms: r.within((0, MINUTE)),
            },
            _ => outage,
        }
    }
}
