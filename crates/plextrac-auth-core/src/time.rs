//! The two clocks every call is given.
//!
//! The monotonic clock measures lives, waits and deadlines; it must include the time a machine was
//! suspended. The wall clock may be wrong by days: it chooses TOTP steps and is compared with the
//! server's `Date`, nothing else.

use core::fmt;
use core::ops::Add;
use core::time::Duration;

use serde::{Deserialize, Serialize};

/// What the two clocks say at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Time {
    /// Time since an arbitrary start, suspend included. Never goes back.
    pub monotonic: Instant,
    /// Wall clock. May jump, and may be wrong.
    pub unix: UnixTime,
    /// Time since an arbitrary start in which the computer was awake: callers' deadlines count on it.
    pub awake: Instant,
}

impl Time {
    /// From milliseconds since an arbitrary start, and milliseconds since 1970. The computer never slept.
    #[must_use]
    pub const fn from_millis(monotonic_ms: u64, unix_ms: i64) -> Self {
        Self { monotonic: Instant(monotonic_ms), unix: UnixTime(unix_ms), awake: Instant(monotonic_ms) }
    }

    /// The same moment, with a clock of its own for callers' deadlines.
    #[must_use]
    pub const fn with_awake(self, awake_ms: u64) -> Self {
        Self { awake: Instant(awake_ms), ..self }
    }
}

/// A point on the monotonic clock, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Instant(u64);

impl Instant {
    /// The point that never comes.
    pub const NEVER: Self = Self(u64::MAX);

    /// From milliseconds since the clock's start.
    #[must_use]
    pub const fn from_millis(ms: u64) -> Self {
        Self(ms)
    }

    /// Milliseconds since the clock's start.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// How long after `earlier` this is; zero if it is before.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }

    /// The point `span` before this one; the clock's start at the earliest.
    #[must_use]
    pub fn earlier_by(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(millis(span)))
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    /// Saturates at [`Instant::NEVER`].
    fn add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(millis(span)))
    }
}

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ms", self.0)
    }
}

/// A point on the wall clock, in milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UnixTime(i64);

impl UnixTime {
    /// From milliseconds since 1970.
    #[must_use]
    pub const fn from_millis(ms: i64) -> Self {
        Self(ms)
    }

    /// Milliseconds since 1970.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Moved by so many milliseconds, saturating.
    #[must_use]
    pub const fn offset(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }
}

/// A span in whole milliseconds, saturating: spans in this crate are at most a day, callers' may be anything.
pub(crate) fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
