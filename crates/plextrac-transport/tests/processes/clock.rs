//! The system's clock, which a test can move on for one process.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use plextrac_transport::{Clock, SystemClock, Time};

#[derive(Clone, Default)]
pub(crate) struct Moved(Arc<AtomicU64>);

impl Moved {
    pub(crate) fn by(ahead: Duration) -> Self {
        let clock = Self::default();
        clock.advance(ahead);
        clock
    }

    pub(crate) fn advance(&self, by: Duration) {
        self.0.fetch_add(u64::try_from(by.as_millis()).unwrap(), Ordering::SeqCst);
    }
}

impl Clock for Moved {
    fn now(&self) -> Time {
        let (now, ahead) = (SystemClock.now(), self.0.load(Ordering::SeqCst));
        let unix = now.unix.as_millis() + i64::try_from(ahead).unwrap();
        Time::from_millis(now.monotonic.as_millis() + ahead, unix)
    }

    fn boot(&self) -> String {
        SystemClock.boot()
    }
}
