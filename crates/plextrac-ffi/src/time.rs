//! The two clocks, for programs that drive a machine.

use plextrac_transport::{Clock, SystemClock, Time};

/// What the two clocks say at one moment.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct plextrac_time {
    /// Milliseconds since an arbitrary start. Must never go back, and must go on while the computer
    /// sleeps (`CLOCK_BOOTTIME` on Linux): lives and waits are measured by it.
    pub monotonic_ms: u64,
    /// Milliseconds since 1970-01-01 UTC. May be wrong: it is compared with the server's, and chooses
    /// six digits.
    pub unix_ms: i64,
}

/// What the system's clocks say now. A program with clocks of its own, or a test, fills in the
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
