//! The server's wall clock: how far it is ahead of ours.

use crate::time::{Time, UnixTime};

/// A difference up to this is left alone: `Date` is cut to seconds and the answer was on its way for a while. It is
/// one TOTP step.
const TOLERATED_MS: u64 = 30_000;

/// Server's wall clock minus ours, once an answer or the shared record named it.
#[derive(Default)]
pub(super) struct ServerClock {
    ahead_ms: Option<i64>,
}

impl ServerClock {
    pub(super) const fn ahead_ms(&self) -> Option<i64> {
        self.ahead_ms
    }

    /// The `Date` of an answer. Returns the difference if it is large and news.
    pub(super) fn note(&mut self, date: UnixTime, now: Time) -> Option<i64> {
        // `Date` is cut to whole seconds: half a second later is the best guess.
        let ahead = date.as_millis().saturating_add(500).saturating_sub(now.unix.as_millis());
        let was_known = self.ahead_ms.is_some_and(|known| known.abs_diff(ahead) <= TOLERATED_MS);
        self.ahead_ms = Some(ahead);
        (ahead.unsigned_abs() > TOLERATED_MS && !was_known).then_some(ahead)
    }

    /// What another session measured. An own measurement is newer.
    pub(super) fn adopt(&mut self, ahead_ms: Option<i64>) {
        self.ahead_ms = self.ahead_ms.or(ahead_ms);
    }

    /// Our wall clock, corrected by the server's where they are far apart.
    pub(super) fn corrected(&self, now: Time) -> UnixTime {
        match self.ahead_ms {
            Some(ahead) if ahead.unsigned_abs() > TOLERATED_MS => now.unix.offset(ahead),
            _ => now.unix,
        }
    }
}
