//! The two clocks, and the one file that reads them.

use std::sync::Arc;
use std::time::Duration;

pub use plextrac_auth_core::{Instant, Time};

/// A source of the time. It is called from any thread, on every call. It must be quick and must not block.
///
/// A closure that returns [`Time`] is a clock, so tests can move it:
///
/// ```
/// use std::sync::Arc;
/// use plextrac_transport::{Clock, Time};
/// let frozen: Arc<dyn Clock> = Arc::new(|| Time::from_millis(5_000, 1_700_000_000_000));
/// assert_eq!(frozen.now().monotonic.as_millis(), 5_000);
/// ```
pub trait Clock: Send + Sync {
    /// The current time of both clocks. The monotonic clock must include suspend and never go back.
    fn now(&self) -> Time;

    /// The monotonic clock alone: all that a call needs that finds a live token.
    fn monotonic(&self) -> Instant {
        self.now().monotonic
    }

    /// Names the boot, and time namespace, that the monotonic clock counts from, so that other processes can tell
    /// whether theirs is the same. Empty if unknown: then both clocks have to agree.
    fn boot(&self) -> String {
        String::new()
    }

    /// Whether this clock may jump at any moment without a notification. Waits on such a clock read it every few
    /// milliseconds. Waits on the system's clock do not.
    fn is_moved_by_hand(&self) -> bool {
        true
    }
}

impl<F: Fn() -> Time + Send + Sync> Clock for F {
    fn now(&self) -> Time {
        self()
    }
}

/// The system's clocks: `CLOCK_BOOTTIME` (which counts suspend) on Linux and Android, the system's
/// monotonic clock elsewhere; the wall clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl SystemClock {
    /// The one instance that sessions share unless given another clock.
    pub(crate) fn shared() -> Arc<dyn Clock> {
        static SHARED: std::sync::OnceLock<Arc<dyn Clock>> = std::sync::OnceLock::new();
        SHARED.get_or_init(|| Arc::new(Self)).clone()
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Time {
        Time::from_millis(monotonic_ms(), unix_ms())
    }

    fn monotonic(&self) -> Instant {
        Instant::from_millis(monotonic_ms())
    }

    fn boot(&self) -> String {
        boot()
    }

    fn is_moved_by_hand(&self) -> bool {
        false
    }
}

/// The longest time that a caller can set, 100 years: [`Duration::MAX`] cannot be added to a moment.
const LONGEST_SPAN: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// A time that a caller sets, short enough to be added to a moment. Every setter of a time that has no limit of its own
/// uses it.
pub(crate) fn bounded(span: Duration) -> Duration {
    span.min(LONGEST_SPAN)
}

/// For deadlines of callers and of the network: time in which this process could do something.
#[allow(clippy::disallowed_methods, reason = "this is the file that reads clocks")]
pub(crate) fn real_now() -> std::time::Instant {
    std::time::Instant::now()
}

/// Milliseconds since an arbitrary start in which the computer was awake, for callers' deadlines.
pub(crate) fn awake_ms() -> u64 {
    static START: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
    u64::try_from(START.get_or_init(real_now).elapsed().as_millis()).unwrap_or(u64::MAX)
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn monotonic_ms() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    (now.tv_sec as u64).saturating_mul(1000) + now.tv_nsec as u64 / 1_000_000
}

/// Containers share the kernel's boot, and may have time namespaces of their own.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn boot() -> String {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let namespace = std::fs::read_link("/proc/self/ns/time").unwrap_or_default();
    match boot.trim() {
        "" => String::new(),
        boot => format!("{boot} {}", namespace.display()),
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn boot() -> String {
    String::new()
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
#[allow(clippy::disallowed_methods, reason = "this is the file that reads clocks")]
fn monotonic_ms() -> u64 {
    static START: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
    let start = *START.get_or_init(std::time::Instant::now);
    // Far enough from zero that "five minutes before the first call" is a moment.
    3_600_000 + u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX / 2)
}

#[allow(clippy::disallowed_methods, reason = "this is the file that reads clocks")]
fn unix_ms() -> i64 {
    use std::time::{SystemTime, UNIX_EPOCH};
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_millis()).unwrap_or(i64::MAX),
        Err(before) => -i64::try_from(before.duration().as_millis()).unwrap_or(i64::MAX),
    }
}
