//! The rule of ten authentication requests a minute, as a sliding window.

use std::collections::VecDeque;

/// How long a request counts. That the window slides is an assumption (docs/protocol.md, "Failures"). Of the
/// rules that an instance may have, it is the strictest.
const WINDOW_MS: u64 = 60_000;

/// The `Retry-After` header of the limit's 429.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryAfter {
    /// The seconds until the next request is accepted.
    UntilFree,
    /// Always this number of seconds: 1 to 86,400. A request may be accepted sooner or later than that.
    Seconds(u32),
    /// No header.
    Absent,
}

/// The requests of the last minute: those accepted, and all that arrived.
#[derive(Debug)]
pub(crate) struct Limit {
    per_minute: usize,
    admitted_ms: VecDeque<u64>,
    arrived_ms: VecDeque<u64>,
    busiest_minute: usize,
}

impl Limit {
    pub(crate) fn new(per_minute: u32) -> Limit {
        Limit {
            per_minute: usize::try_from(per_minute).unwrap_or(usize::MAX),
            admitted_ms: VecDeque::new(),
            arrived_ms: VecDeque::new(),
            busiest_minute: 0,
        }
    }

    /// Accepts a request, or returns the milliseconds until one is accepted. Refused requests do not count:
    /// otherwise a client that tries too often would be refused for ever.
    pub(crate) fn admit(&mut self, now_ms: u64) -> Result<(), u64> {
        forget_older_than_the_window(&mut self.admitted_ms, now_ms);
        if self.admitted_ms.len() < self.per_minute {
            self.admitted_ms.push_back(now_ms);
            return Ok(());
        }
        let oldest_ms = self.admitted_ms.front().copied().unwrap_or(now_ms);
        Err(oldest_ms.saturating_add(WINDOW_MS).saturating_sub(now_ms))
    }

    /// Notes an authentication request, whatever becomes of it.
    pub(crate) fn arrived(&mut self, now_ms: u64) {
        forget_older_than_the_window(&mut self.arrived_ms, now_ms);
        self.arrived_ms.push_back(now_ms);
        self.busiest_minute = self.busiest_minute.max(self.arrived_ms.len());
    }

    /// The most requests that arrived in any 60 seconds.
    pub(crate) fn busiest_minute(&self) -> usize {
        self.busiest_minute
    }

    pub(crate) fn reset(&mut self) {
        self.admitted_ms.clear();
        self.arrived_ms.clear();
        self.busiest_minute = 0;
    }
}

fn forget_older_than_the_window(times_ms: &mut VecDeque<u64>, now_ms: u64) {
    while times_ms.front().is_some_and(|&then| now_ms.saturating_sub(then) >= WINDOW_MS) {
        times_ms.pop_front();
    }
}
