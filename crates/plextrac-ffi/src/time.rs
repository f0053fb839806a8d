//! The two clocks, for programs that drive a machine.

use plextrac_transport::{Clock, SystemClock, Time};

/// The time of two clocks at one moment.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct plextrac_time {
    /// Milliseconds since an arbitrary start. It must never go back, and must continue while the
    /// computer sleeps (`CLOCK_BOOTTIME` on Linux). It measures lives and waits.
    pub monotonic_ms: u64,
    /// Milliseconds since 1970-01-01 UTC. It may be wrong: it is compared with the server's clock.
    /// It selects the one-time code.
    pub unix_ms: i64,
}

/// The current time of the system's clocks. A program with its own clocks, or a test, fills in the
/// structure itself.
#[unsafe(no_mangle)]
pub extern "C" fn plextrac_time_now() -> plextrac_time {
    let now = SystemClock.now();
    plextrac_time { monotonic_ms: now.monotonic.as_millis(), unix_ms: now.unix.as_millis() }
}

impl From<plextrac_time> for Time {
    fn from(time: plextrac_time) -> Self {
        Self::from_millis(time.monotonic_ms, time.unix_ms)
    }
}
