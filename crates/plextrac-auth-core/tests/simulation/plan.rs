//! What a run is made of: the world as a seed draws it, or as a named scenario writes it down.

use crate::controls::Broken;
use crate::limit::Window;
use crate::random::Random;

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
    pub(crate) processes: Vec<ProcessPlan>,
    /// Without a store there is one process.
    pub(crate) shares: bool,
    pub(crate) server: ServerPlan,
    pub(crate) mishaps: Vec<(u64, Mishap)>,
    pub(crate) wall_ahead_ms: i64,
    pub(crate) uptime_ms: u64,
    /// From here on everybody who has the right credentials must be served.
    pub(crate) calm_from_ms: Option<u64>,
    pub(crate) broken: Option<Broken>,
}

#[derive(Clone, Debug)]
pub(crate) struct ProcessPlan {
    pub(crate) account: usize,
    pub(crate) knows_password: bool,
    pub(crate) digits: DigitsFrom,
    pub(crate) starts_ms: u64,
    /// In a time namespace of its own: its monotonic clock began so much earlier, and it has another name for the boot.
    pub(crate) clock_apart_ms: u64,
    pub(crate) callers: usize,
    /// Between the end of a call and the next.
    pub(crate) pause_ms: (u64, u64),
    pub(crate) timeout_ms: u64,
    /// How long a call may wait for the budget or a back-off.
    pub(crate) wait_ms: u64,
    /// Of a thousand calls: those that want a new token, look at the status, sign out.
    pub(crate) fresh: u64,
    pub(crate) looks: u64,
    pub(crate) signs_out: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DigitsFrom {
    Totp,
    /// Typed after so long, wrong or not at all in so many of a thousand cases.
    Person {
        takes_ms: (u64, u64),
        wrong: u64,
        gives_up: u64,
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
    Suspend {
        lasts_ms: u64,
    },
    Reboot {
        lasts_ms: u64,
        uptime_ms: u64,
    },
    /// The wall clock is set.
    WallClock {
        ahead_ms: i64,
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
            processes: vec![ProcessPlan::quiet(0)],
            shares: true,
            server: ServerPlan::healthy(),
            mishaps: Vec::new(),
            wall_ahead_ms: 0,
            uptime_ms: HOUR,
            calm_from_ms: None,
            broken: None,
        }
    }

    /// Anything that can happen.
    pub(crate) fn drawn(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let r = &mut random;
        let shares = r.chance(850);
        let accounts: Vec<bool> = (0..r.within((1, 3))).map(|_| r.chance(500)).collect();
        let mut processes: Vec<_> = if shares {
            (0..r.within((1, 6))).map(|_| ProcessPlan::drawn(r, &accounts)).collect()
        } else {
            vec![ProcessPlan::drawn(r, &accounts)]
        };
        if r.chance(80) {
            processes.iter_mut().for_each(|process| process.clock_apart_ms = r.within((0, 50 * HOUR)));
        }
        let busy = r.within((5 * MINUTE, 30 * MINUTE));
        let mut server = ServerPlan::drawn(r);
        let mut mishaps = Vec::new();
        for _ in 0..r.within((0, 6)) {
            mishaps.push((r.within((0, busy)), Mishap::drawn(r, processes.len(), accounts.len(), shares)));
        }
        let wall_ahead_ms = if r.chance(500) { r.signed(5000) } else { r.signed(DAY_MS as u64) };
        // With a wrong clock and a server that does not tell the time, no computed code is right.
        let is_set = mishaps.iter().any(|(_, mishap)| matches!(mishap, Mishap::WallClock { .. }));
        server.sends_date |= is_set || wall_ahead_ms.unsigned_abs() > 5000;
        let asleep: u64 = mishaps.iter().map(|(_, mishap)| mishap.asleep_ms()).sum();
        Self {
            seed: r.next(),
            span_ms: busy + asleep + SETTLING + CALM,
            budget: r.within((2, 8)) as u32,
            accounts,
            processes,
            shares,
            server,
            mishaps,
            wall_ahead_ms,
            uptime_ms: r.within((0, 100 * HOUR)),
            calm_from_ms: Some(busy + asleep),
            broken: None,
        }
    }
}

impl ProcessPlan {
    pub(crate) const fn quiet(account: usize) -> Self {
        Self {
            account,
            knows_password: true,
            digits: DigitsFrom::Totp,
            starts_ms: 0,
            clock_apart_ms: 0,
            callers: 1,
            pause_ms: (10 * SECOND, 10 * SECOND),
            timeout_ms: 30 * SECOND,
            wait_ms: 0,
            fresh: 0,
            looks: 0,
            signs_out: 0,
        }
    }

    fn drawn(r: &mut Random, accounts: &[bool]) -> Self {
        let slowest = r.pick(&[2 * SECOND, 20 * SECOND, MINUTE, MINUTE, 3 * MINUTE, 5 * MINUTE]);
        let person = DigitsFrom::Person {
            takes_ms: r.pick(&[(2 * SECOND, 20 * SECOND), (10 * SECOND, 130 * SECOND)]),
            wrong: 150,
            gives_up: 150,
        };
        Self {
            account: r.within((0, accounts.len() as u64 - 1)) as usize,
            knows_password: !r.chance(80),
            digits: if r.chance(700) { DigitsFrom::Totp } else { person },
            clock_apart_ms: 0,
            starts_ms: if r.chance(500) { 0 } else { r.within((0, 5 * MINUTE)) },
            callers: if slowest == 2 * SECOND { 1 } else { r.pick(&[1, 1, 2, 4, 8]) },
            pause_ms: (slowest / 10, slowest),
            timeout_ms: r.pick(&[10, SECOND, 5 * SECOND, 30 * SECOND, 30 * SECOND, 120 * SECOND]),
            wait_ms: r.pick(&[0, 0, 5 * SECOND, 2 * MINUTE]),
            fresh: r.pick(&[0, 0, 10, 100]),
            looks: r.pick(&[0, 50]),
            signs_out: r.pick(&[0, 0, 0, 10]),
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
            Self::Suspend { lasts_ms } | Self::Reboot { lasts_ms, .. } => *lasts_ms,
            _ => 0,
        }
    }

    fn drawn(r: &mut Random, processes: usize, accounts: usize, shares: bool) -> Self {
        let account = r.within((0, accounts as u64 - 1)) as usize;
        let how = r.pick(&[
            Outage::Unreachable,
            Outage::Silent,
            Outage::ServerError,
            Outage::Html,
            Outage::RateLimited,
        ]);
        let outage = Self::Outage { lasts_ms: r.within((SECOND, 12 * MINUTE)), how };
        let suspend = Self::Suspend { lasts_ms: r.pick(&[SECOND, MINUTE, 14 * MINUTE, HOUR]) };
        let wall_clock = Self::WallClock { ahead_ms: r.signed(DAY_MS as u64) };
        match r.within((0, 11)) {
            0..=2 => outage,
            3..=4 => suspend,
            5 => wall_clock,
            6 => Self::Revoke { account },
            7 if r.chance(300) => Self::PasswordChange { account },
            // What a process without a store has sent is forgotten with it, and its budget is no promise any more.
            8..=9 if shares => Self::Crash {
                process: r.within((0, processes as u64 - 1)) as usize,
                back_after_ms: r.within((0, MINUTE)),
            },
            10..=11 if shares => Self::Reboot {
                lasts_ms: r.within((30 * SECOND, 3 * MINUTE)),
                uptime_ms: r.within((0, MINUTE)),
            },
            _ => outage,
        }
    }
}
