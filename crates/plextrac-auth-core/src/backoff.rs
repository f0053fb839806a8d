//! When an account may try again after an attempt that brought neither yes nor no.

use core::time::Duration;

use crate::split_mix::SplitMix64;
use crate::time::Instant;

/// 5, 10, 20, 40, then 60 s, each ± 20 %, remembered across calls until something succeeds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Backoff {
    failures: u32,
    until: Option<Instant>,
    /// No request of the last attempt reached the server. Other processes may have another network, or another CA file.
    is_local: bool,
}

impl Backoff {
    /// An attempt failed. If the server asked for a wait, the next attempt waits at least as long.
    pub(crate) fn failed(&mut self, asked_wait: Option<Duration>, now: Instant, draws: &mut SplitMix64) {
        let planned = Duration::from_secs((5_u64 << self.failures.min(4)).min(60));
        self.failures = self.failures.saturating_add(1);
        self.until = Some(now + draws.around(planned).max(asked_wait.unwrap_or_default()));
        self.is_local = false;
    }

    /// The last attempt failed before its request reached the server.
    pub(crate) const fn keep_local(&mut self) {
        self.is_local = true;
    }

    /// Whether other processes need not wait.
    pub(crate) const fn is_local(&self) -> bool {
        self.is_local
    }

    /// Credentials go out. Until the answer comes the attempt counts as failed. A process that takes over from one that
    /// was killed may try at once; the one after that waits.
    pub(crate) fn count_unanswered(&mut self, now: Instant) {
        let planned = match self.failures {
            0 => Duration::ZERO,
            failures => Duration::from_secs((5_u64 << (failures - 1).min(4)).min(60)),
        };
        self.failures = self.failures.saturating_add(1);
        self.until = Some(now + planned);
        self.is_local = false;
    }

    /// What another process wrote down. No back-off is longer than the longest.
    pub(crate) fn restored(failures: u32, until: Instant, now: Instant) -> Self {
        Self { failures, until: Some(until.min(now + LONGEST)), is_local: false }
    }

    /// How many attempts failed in a row, and from when on the next may be made; none if none failed.
    pub(crate) fn pending(&self, now: Instant) -> Option<(u32, Instant)> {
        let is_shared = self.failures > 0 && !self.is_local;
        is_shared.then(|| (self.failures, self.until.unwrap_or(now)))
    }

    pub(crate) fn succeeded(&mut self) {
        *self = Self::default();
    }

    /// The moment from which an attempt may be made, if that is not now.
    pub(crate) fn until(&self, now: Instant) -> Option<Instant> {
        self.until.filter(|until| *until > now)
    }
}

/// As long as the longest wait that an instance may ask for.
const LONGEST: Duration = crate::rate_limit::MAX_WAIT;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_from_five_seconds_to_a_minute_within_a_fifth() {
        let (mut backoff, mut draws, now) =
            (Backoff::default(), SplitMix64::new(1), Instant::from_millis(1000));
        for seconds in [5, 10, 20, 40, 60, 60, 60] {
            backoff.failed(None, now, &mut draws);
            let waited = backoff.until(now).unwrap().since(now);
            let planned = Duration::from_secs(seconds);
            assert!(waited >= planned * 4 / 5 && waited <= planned * 6 / 5, "{waited:?} for {planned:?}");
        }
        backoff.succeeded();
        assert_eq!(backoff.until(now), None);
        backoff.failed(Some(Duration::from_secs(300)), now, &mut draws);
        assert_eq!(backoff.until(now).unwrap().since(now), Duration::from_secs(300));
    }
}
