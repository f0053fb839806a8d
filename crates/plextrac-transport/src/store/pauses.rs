//! Pauses between two looks at something that another process changes.

use std::sync::Arc;
use std::time::Duration;

use super::CallLimits;
use crate::cancel::TriggerGuard;
use crate::clock::real_now;
use crate::sync::{Condvar, Mutex};

/// Pauses that grow, up to a longest one. A cancel token and the deadline end them.
pub(super) struct Pauses<'a> {
    limits: &'a CallLimits<'a>,
    next: Duration,
    longest: Duration,
    bell: Arc<Bell>,
    _guard: TriggerGuard,
}

#[derive(Default)]
struct Bell {
    mutex: Mutex<()>,
    rung: Condvar,
}

impl<'a> Pauses<'a> {
    pub(super) fn new(limits: &'a CallLimits<'a>, shortest: Duration, longest: Duration) -> Self {
        let bell = Arc::new(Bell::default());
        let ringing = Arc::clone(&bell);
        let guard = limits.cancel.on_trigger(Box::new(move || {
            // Under the mutex: between the last look at the token and the sleep no wake-up is lost.
            drop(ringing.mutex.lock());
            ringing.rung.notify_all();
        }));
        Self { limits, next: shortest, longest, bell, _guard: guard }
    }

    /// Sleeps; false if the limits had ended before, or the token was triggered meanwhile.
    pub(super) fn sleep(&mut self) -> bool {
        let left = self.limits.deadline.saturating_duration_since(real_now());
        let mut asleep = self.bell.mutex.lock();
        if left.is_zero() || self.limits.cancel.is_triggered() {
            return false;
        }
        self.bell.rung.wait_for(&mut asleep, self.next.min(left));
        self.next = (self.next * 2).min(self.longest);
        !self.limits.cancel.is_triggered()
    }
}
