//! The clocks of the one computer that all clients run on, and true time, which only the server knows.

use plextrac_auth_core::Time;

/// True time when a run begins, in milliseconds since 1970.
const BEGIN_UNIX_MS: i64 = 1_700_000_000_000;

/// True time counts milliseconds from the beginning of the run.
pub(crate) struct Clocks {
    pub(crate) true_ms: u64,
    /// Wall clock minus true time.
    pub(crate) wall_ahead_ms: i64,
    /// True time spent suspended.
    slept_ms: u64,
    /// What the monotonic clock says, minus true time.
    monotonic_ahead_ms: i64,
    boot: u32,
}

impl Clocks {
    pub(crate) const fn new(uptime_ms: u64, wall_ahead_ms: i64) -> Self {
        Self { true_ms: 0, wall_ahead_ms, slept_ms: 0, monotonic_ahead_ms: uptime_ms as i64, boot: 1 }
    }

    /// What a client reads.
    pub(crate) const fn time(&self) -> Time {
        let monotonic = self.true_ms as i64 + self.monotonic_ahead_ms;
        Time::from_millis(monotonic as u64, self.true_unix_ms() + self.wall_ahead_ms)
    }

    /// The clock of callers' deadlines and of the network's: it stands still while the computer is suspended.
    pub(crate) const fn awake_ms(&self) -> u64 {
        self.true_ms - self.slept_ms
    }

    pub(crate) const fn true_unix_ms(&self) -> i64 {
        BEGIN_UNIX_MS + self.true_ms as i64
    }

    pub(crate) fn boot(&self) -> String {
        format!("boot-{}", self.boot)
    }

    /// The time until true time `until_ms` is slept.
    pub(crate) const fn suspend(&mut self, until_ms: u64) {
        self.slept_ms += until_ms - self.true_ms;
    }

    /// The monotonic clock begins anew, at `uptime_ms`.
    pub(crate) const fn reboot(&mut self, uptime_ms: u64) {
        self.boot += 1;
        self.monotonic_ahead_ms = uptime_ms as i64 - self.true_ms as i64;
    }
}
