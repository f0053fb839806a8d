//! What a run came to.

use std::collections::{BTreeMap, VecDeque};

/// The figures of a run. Times are virtual milliseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// So many clients had a token at some time. For cron: so many runs.
    pub served: u64,
    /// When the last client had its first token.
    pub all_served_ms: Option<u64>,
    /// Passwords that were sent.
    pub sign_ins: u64,
    /// Second steps that were sent.
    pub second_steps: u64,
    /// Refreshes that were sent.
    pub refreshes: u64,
    /// Authentication requests of the fleet in the busiest 60 s.
    pub busiest_minute: u64,
    /// The same with those of people.
    pub busiest_minute_of_all: u64,
    /// Requests of the fleet that were answered with 429.
    pub rate_limited: u64,
    /// Sign-ins of people that were answered with 429.
    pub people_refused: u64,
    /// Passwords that were rejected.
    pub rejected: u64,
    /// Codes that were sent a second time.
    pub repeated_codes: u64,
    /// Tokens that arrived in a store.
    pub changes: u64,
    /// Reads that the store carried out.
    pub reads: u64,
    /// Writes that the store carried out, those with a conflict included.
    pub writes: u64,
    /// Writes that met a conflict.
    pub conflicts: u64,
    /// Subscriptions.
    pub watches: u64,
    /// Notices to subscribers.
    pub notices: u64,
    /// Reads, writes and subscriptions in the busiest second.
    pub busiest_second: u64,
    /// The most reads, writes and subscriptions of one client between two changes.
    pub most_of_one_client: u64,
    /// The longest time that an operation waited in the store, in milliseconds.
    pub longest_queue_ms: u64,
    /// Operations that got no answer within the time limit.
    pub lost_operations: u64,
    /// From the arrival of a token in the store to the client that waited for it, in milliseconds: the middle one.
    pub median_lag_ms: u64,
    /// The same: 99 of 100 are not longer.
    pub lag_99_ms: u64,
    /// The same: the longest.
    pub longest_lag_ms: u64,
    /// The longest call of a client that had a token before.
    pub longest_later_call_ms: u64,
    /// Calls that ended without a token, by the kind of failure.
    pub failures: BTreeMap<String, u64>,
    /// Steps of the simulation.
    pub events: u64,
    /// The longest drain of a coordinator, in actions.
    pub longest_drain: u64,
}

impl Report {
    /// Authentication requests of the fleet.
    #[must_use]
    pub const fn requests(&self) -> u64 {
        self.sign_ins + self.second_steps + self.refreshes
    }

    /// Reads, writes and subscriptions for each process and each token that it could see.
    #[must_use]
    pub fn operations_per_change(&self, plan: &crate::Plan) -> f64 {
        let stores = if plan.store == crate::StoreModel::Directories { plan.machines } else { 1 };
        let seen = self.changes as f64 / f64::from(plan.accounts * stores);
        self.operations() as f64 / f64::from(plan.clients) / seen.max(1.0)
    }

    /// Reads, writes and subscriptions.
    #[must_use]
    pub const fn operations(&self) -> u64 {
        self.reads + self.writes + self.watches
    }
}

/// The most events in any window of a length.
pub(crate) struct Busiest {
    window: u64,
    last: VecDeque<u64>,
    pub(crate) most: u64,
}

impl Busiest {
    pub(crate) const fn new(window: u64) -> Self {
        Self { window, last: VecDeque::new(), most: 0 }
    }

    pub(crate) fn count(&mut self, at: u64) {
        while self.last.front().is_some_and(|first| first + self.window <= at) {
            self.last.pop_front();
        }
        self.last.push_back(at);
        self.most = self.most.max(self.last.len() as u64);
    }
}

/// The most events in a whole second: a count, because there are too many for a list.
#[derive(Default)]
pub(crate) struct BusiestSecond {
    second: u64,
    count: u64,
    pub(crate) most: u64,
}

impl BusiestSecond {
    pub(crate) fn count(&mut self, at_us: u64) {
        let second = at_us / 1_000_000;
        self.count = if second == self.second { self.count + 1 } else { 1 };
        self.second = second;
        self.most = self.most.max(self.count);
    }
}
