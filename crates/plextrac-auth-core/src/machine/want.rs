//! What callers want, and how urgent it is.

use super::Machine;
use crate::refresh_window::Age;
use crate::time::{Instant, Time};

/// A token is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Want {
    /// A new token is wanted even if the one in hand is live.
    pub fresh: bool,
    /// Nobody waits longer than this; none: as long as it takes.
    pub deadline: Option<Instant>,
}

/// How much depends on the request that would serve a want.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    /// Nothing is wanted, or the token in hand serves.
    Served,
    /// The token in hand serves for now, and its refresh is due.
    Due,
    /// Callers wait for the refresh, and get the token in hand if no new one comes in time.
    Late,
    /// There is none that would serve.
    Pressing,
}

/// A want that is not served yet.
pub(super) struct PendingWant {
    pub(super) want: Want,
    /// Codes handed in for it so far.
    pub(super) codes_given: u32,
    /// It was asked for a code: it ends with the challenge. A later want begins another sign-in.
    pub(super) knows_challenge: bool,
    /// A computed code was rejected, and the next step's is tried. That happens once.
    pub(super) is_second_try: bool,
}

impl PendingWant {
    pub(super) const fn new(want: Want) -> Self {
        Self { want, codes_given: 0, knows_challenge: false, is_second_try: false }
    }

    /// Wants add up: one attempt serves them all, as late as the last of them may wait.
    pub(super) fn add(&mut self, want: Want) {
        self.want.fresh |= want.fresh;
        self.want.deadline = match (self.want.deadline, want.deadline) {
            (Some(a), Some(b)) => Some(a.max(b)),
            _ => None,
        };
    }
}

impl Machine {
    /// Whether a want stands that is neither served nor ended.
    #[must_use]
    pub const fn is_wanted(&self) -> bool {
        self.want.is_some()
    }

    /// How much depends on what would be sent for the want that stands. If a driver cannot have the shared record for
    /// itself just now, it need not wait for the record while no caller waits for the token.
    #[must_use]
    pub fn urgency(&self, now: Time) -> Urgency {
        let Some(pending) = &self.want else { return Urgency::Served };
        let Some(token) = self.usable_token(now).filter(|_| !pending.want.fresh) else {
            return Urgency::Pressing;
        };
        match token.windows.age(now.monotonic) {
            _ if token.refresh_refused => Urgency::Served,
            Age::Fresh => Urgency::Served,
            Age::Early => Urgency::Due,
            Age::Late | Age::Over => Urgency::Late,
        }
    }
}
