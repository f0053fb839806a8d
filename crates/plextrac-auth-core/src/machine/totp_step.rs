//! TOTP steps: no step is spent twice, and none is begun that is nearly over.

use core::time::Duration;

use super::Machine;
use super::poll::Gate;
use crate::credential::MfaSource;
use crate::output::WaitReason;
use crate::time::{Instant, Time};
use crate::totp::TotpSecret;

/// A step that has less than this left is not begun: its code would arrive in the next one.
const STEP_MARGIN: Duration = Duration::from_secs(3);
/// A memory of a step further ahead than this says that the clock was wrong when it was made; waiting for it could take
/// days.
const MOST_STEPS_AHEAD: u64 = 10;

impl Machine {
    /// Whether it is wise to begin a sign-in, as far as its second step is concerned.
    pub(super) fn code_gate(&self, now: Time) -> Gate {
        let MfaSource::Totp(secret) = &self.config.mfa else {
            return Gate::Open;
        };
        if self.codes.are_needed == Some(false) {
            return Gate::Open;
        }
        if let Some(until) = self.next_free_step(secret, now) {
            return Gate::Closed(until, WaitReason::TotpStep);
        }
        let unix = self.server_clock.corrected(now);
        let left = secret.until_step(secret.step_at(unix) + 1, unix);
        let next_begins = now.monotonic + left;
        if left < STEP_MARGIN && self.may_wait_for_step(next_begins) {
            return Gate::Closed(next_begins, WaitReason::TotpStep);
        }
        Gate::Open
    }

    /// A computed code was rejected: another program used the code of its step, perhaps. Whether the want that stands
    /// goes on with the next step's. It does once, if its deadline allows.
    pub(super) fn may_try_next_step(&mut self, now: Time) -> bool {
        let next_begins = now.monotonic + self.until_next_step(now).unwrap_or_default();
        let may_wait = self.may_wait_for_step(next_begins);
        let pending = self.want.as_mut().filter(|pending| may_wait && !pending.is_second_try);
        pending.map(|pending| pending.is_second_try = true).is_some()
    }

    /// How long until a step begins that was not spent, if codes are computed.
    pub(super) fn until_next_step(&self, now: Time) -> Option<Duration> {
        let MfaSource::Totp(secret) = &self.config.mfa else { return None };
        Some(self.next_free_step(secret, now).map_or(Duration::ZERO, |begins| begins.since(now.monotonic)))
    }

    /// Whether the want that stands waits for a step, and for its code's answer.
    fn may_wait_for_step(&self, begins: Instant) -> bool {
        self.want.as_ref().is_none_or(|pending| {
            pending.want.deadline.is_none_or(|deadline| begins + STEP_MARGIN < deadline)
        })
    }

    /// When a step begins that was not spent; `None`: the one of this moment was not.
    pub(super) fn next_free_step(&self, secret: &TotpSecret, now: Time) -> Option<Instant> {
        let unix = self.server_clock.corrected(now);
        let step = secret.step_at(unix);
        let spent = self.codes.spent_step.filter(|spent| *spent >= step && *spent - step <= MOST_STEPS_AHEAD);
        let mut free = spent.map_or(step, |spent| spent + 1);
        // A clock that went back and came forward again has lost that memory, but the codes are known.
        while self.was_spent(&secret.code(free), now.monotonic) {
            free += 1;
        }
        (free > step).then(|| now.monotonic + secret.until_step(free, unix))
    }
}
