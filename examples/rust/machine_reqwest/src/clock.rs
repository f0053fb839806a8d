//! The two clocks and the one timer, and the one file that reads them.

use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use plextrac_auth_core::Time;

/// Reads the time and waits. Called from any task.
pub trait Clock: Send + Sync {
    /// What both clocks say now; the monotonic one includes suspend and never goes back.
    fn now(&self) -> Time;

    /// Ends when so much time has passed.
    fn sleep(&self, span: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>>;
}

/// The system's clocks, and tokio's timer.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Time {
        // CLOCK_BOOTTIME counts suspend: a token does not live longer because a laptop slept.
        let monotonic = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
        let monotonic_ms =
            monotonic.tv_sec.unsigned_abs() * 1000 + monotonic.tv_nsec.unsigned_abs() / 1_000_000;
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Time::from_millis(monotonic_ms, i64::try_from(unix.as_millis()).unwrap_or(i64::MAX))
    }

    fn sleep(&self, span: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(tokio::time::sleep(span))
    }
}
