//! The clocks of one machine, and true time, which only the server knows.

use plextrac_auth_core::Time;

/// True time when a run begins, in milliseconds since 1970.
const BEGIN_UNIX_MS: i64 = 1_700_000_000_000;

/// True time as the wall clock of somebody who knows it.
pub(crate) const fn unix_ms(true_ms: u64) -> i64 {
    BEGIN_UNIX_MS + true_ms as i64
}

/// The clocks of one machine. True time counts milliseconds from the beginning of the run.
pub(crate) struct Clocks {
    true_ms: u64,
    /// Wall clock minus true time.
    pub(crate) wall_ahead_ms: i64,
    /// True time spent suspended.
    slept_ms: u64,
    /// What the monotonic clock says, minus true time.
    monotonic_ahead_ms: i64,
    name: usize,
    boot: u32,
    /// A suspend, or a reboot, that is not over.
    asleep: Option<Asleep>,
    /// When the last one was over.
    awake_since_ms: u64,
}

#[derive(Clone, Copy)]
struct Asleep {
    from_ms: u64,
    until_ms: u64,
    /// What the monotonic clock says afterwards, if it begins anew.
    uptime_ms: Option<u64>,
}

impl Clocks {
    pub(crate) const fn new(name: usize, uptime_ms: u64, wall_ahead_ms: i64) -> Self {
        let monotonic_ahead_ms = uptime_ms as i64;
        Self {
            true_ms: 0,
            wall_ahead_ms,
            slept_ms: 0,
            monotonic_ahead_ms,
            name,
            boot: 1,
            asleep: None,
            awake_since_ms: 0,
        }
    }

    pub(crate) const fn time(&self) -> Time {
        let monotonic = self.true_ms as i64 + self.monotonic_ahead_ms;
        let unix = unix_ms(self.true_ms) + self.wall_ahead_ms;
        Time::from_millis(monotonic as u64, unix).with_awake(self.awake_ms())
    }

    /// The clock of callers' deadlines and of the network's: it stands still while the machine is suspended.
    pub(crate) const fn awake_ms(&self) -> u64 {
        self.true_ms - self.slept_ms
    }

    pub(crate) fn boot(&self) -> String {
        format!("machine-{} boot-{}", self.name, self.boot)
    }

    /// For how long from now on the machine does nothing.
    pub(crate) fn asleep_ms(&self) -> u64 {
        self.asleep.map_or(0, |asleep| asleep.until_ms - self.true_ms)
    }

    /// When it stood still last.
    pub(crate) const fn awake_since_ms(&self) -> u64 {
        self.awake_since_ms
    }

    pub(crate) fn advance(&mut self, true_ms: u64) {
        self.true_ms = true_ms;
        let Some(asleep) = self.asleep.take_if(|asleep| true_ms >= asleep.until_ms) else { return };
        self.slept_ms += asleep.until_ms - asleep.from_ms;
        self.awake_since_ms = asleep.until_ms;
        if let Some(uptime_ms) = asleep.uptime_ms {
            self.boot += 1;
            self.monotonic_ahead_ms = uptime_ms as i64 - asleep.until_ms as i64;
        }
    }

    /// The machine is suspended from now on. The monotonic clock goes on.
    pub(crate) const fn suspend(&mut self, lasts_ms: u64) {
        self.sleep(lasts_ms, None);
    }

    /// The machine is off from now on. The monotonic clock begins anew, at `uptime_ms`.
    pub(crate) const fn reboot(&mut self, lasts_ms: u64, uptime_ms: u64) {
        self.sleep(lasts_ms, Some(uptime_ms));
    }

    const fn sleep(&mut self, lasts_ms: u64, uptime_ms: Option<u64>) {
        let from_ms = self.true_ms;
        self.asleep = Some(Asleep { from_ms, until_ms: from_ms + lasts_ms, uptime_ms });
    }
}
