//! Reproducible draws from a seed that comes from outside: refresh points, jitter and tickets.

use core::time::Duration;

use crate::time::millis;

/// SplitMix64 (Steele, Lea and Flood 2014): well spread from any seed; nothing secret depends on it.
#[derive(Clone, Debug)]
pub(crate) struct SplitMix64(u64);

impl SplitMix64 {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Somewhere in `0..=span`, in whole milliseconds.
    pub(crate) fn within(&mut self, span: Duration) -> Duration {
        Duration::from_millis(self.next() % millis(span).saturating_add(1).max(1))
    }

    /// `span` ± 20 %.
    pub(crate) fn around(&mut self, span: Duration) -> Duration {
        span * 4 / 5 + self.within(span * 2 / 5)
    }
}
