//! Where answers wait: for real time to pass, for a test to let them go, or for the end.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use crate::fault::Target;
use crate::stats::Kind;

/// Everything that keeps an answer back goes through here, so that stopping the server wakes it all.
#[derive(Default)]
pub(crate) struct Gate {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    closing: bool,
    next_hold: u64,
    holds: Vec<(u64, Target)>,
}

impl Gate {
    /// Waits this long in real time. False when the server stops meanwhile.
    pub(crate) fn pause(&self, real_time: Duration) -> bool {
        let mut state = self.state.lock();
        if real_time.is_zero() {
            return !state.closing;
        }
        let Some(deadline) = Instant::now().checked_add(real_time) else {
            self.changed.wait_while(&mut state, |state| !state.closing);
            return false;
        };
        self.changed.wait_while_until(&mut state, |state| !state.closing, deadline);
        !state.closing
    }

    /// Waits while a test holds answers of this sort. False when the server stops meanwhile.
    pub(crate) fn wait_while_held(&self, kind: Kind, path: &str) -> bool {
        let mut state = self.state.lock();
        self.changed.wait_while(&mut state, |state| {
            !state.closing && state.holds.iter().any(|(_, target)| target.matches(kind, path))
        });
        !state.closing
    }

    pub(crate) fn close(&self) {
        self.state.lock().closing = true;
        self.changed.notify_all();
    }

    pub(crate) fn hold(self: &Arc<Gate>, target: Target) -> Held {
        let mut state = self.state.lock();
        let id = state.next_hold;
        state.next_hold += 1;
        state.holds.push((id, target));
        Held { gate: Arc::clone(self), id }
    }
}

/// Answers of one sort are kept back as long as this lives; see [`Emulator::hold`](crate::Emulator::hold).
#[must_use = "the answers are released when this is dropped"]
pub struct Held {
    gate: Arc<Gate>,
    id: u64,
}

impl Held {
    /// Lets the answers go; the same as dropping it.
    pub fn release(self) {}
}

impl Drop for Held {
    fn drop(&mut self) {
        self.gate.state.lock().holds.retain(|(id, _)| *id != self.id);
        self.gate.changed.notify_all();
    }
}

impl std::fmt::Debug for Held {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Held").finish_non_exhaustive()
    }
}
