//! The one clock the server decides by, and the hands that move it.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;

/// The clock of an [`Emulator`](crate::Emulator): real time, plus whatever a test has added to it.
///
/// Every decision of the server reads it: the sliding limit and the life of a challenge by [`monotonic_ms`],
/// tokens, TOTP steps and the `Date` header by [`unix_ms`]. Clones share the hands, so the same clock can be
/// given to a client in the same process, and to a second emulator ([`EmulatorBuilder::clock`]).
///
/// All methods may be called from any thread; none blocks.
///
/// [`monotonic_ms`]: EmulatorClock::monotonic_ms
/// [`unix_ms`]: EmulatorClock::unix_ms
/// [`EmulatorBuilder::clock`]: crate::EmulatorBuilder::clock
#[derive(Clone, Debug)]
pub struct EmulatorClock {
    hands: Arc<Mutex<Hands>>,
}

impl EmulatorClock {
    /// A clock that runs with real time; its monotonic side starts at zero.
    #[must_use]
    pub fn new() -> EmulatorClock {
        EmulatorClock::starting(None)
    }

    /// A clock that stands still until it is advanced; its monotonic side is zero.
    #[must_use]
    pub fn frozen() -> EmulatorClock {
        EmulatorClock::starting(Some(0))
    }

    fn starting(frozen_at_ms: Option<u64>) -> EmulatorClock {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        EmulatorClock {
            hands: Arc::new(Mutex::new(Hands {
                started: Instant::now(),
                started_unix_ms: i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX),
                frozen_at_ms,
                advanced_ms: 0,
                unix_offset_ms: 0,
            })),
        }
    }

    /// Milliseconds since the clock was made. Never goes back, and knows nothing of the wall clock's offset.
    #[must_use]
    pub fn monotonic_ms(&self) -> u64 {
        self.hands.lock().monotonic_ms()
    }

    /// The server's wall clock: milliseconds since 1970, with the offset of
    /// [`set_unix_offset_ms`](EmulatorClock::set_unix_offset_ms).
    #[must_use]
    pub fn unix_ms(&self) -> i64 {
        let hands = self.hands.lock();
        hands.true_unix_ms().saturating_add(hands.unix_offset_ms)
    }

    /// What a right wall clock shows: [`unix_ms`](EmulatorClock::unix_ms) without the server's offset. A
    /// client whose clock is right while the server's is wrong reads this one.
    #[must_use]
    pub fn true_unix_ms(&self) -> i64 {
        self.hands.lock().true_unix_ms()
    }

    /// Moves both sides forward. Fractions of a millisecond are dropped.
    pub fn advance(&self, by: Duration) {
        let mut hands = self.hands.lock();
        let by_ms = u64::try_from(by.as_millis()).unwrap_or(u64::MAX);
        hands.advanced_ms = hands.advanced_ms.saturating_add(by_ms);
    }

    /// Makes the server's wall clock wrong by this many milliseconds; zero makes it right again. The
    /// monotonic side stays. Tokens that are alive are judged by the new wall clock from now on, as on a
    /// server whose clock was set.
    pub fn set_unix_offset_ms(&self, offset_ms: i64) {
        self.hands.lock().unix_offset_ms = offset_ms;
    }

    /// Stops real time from flowing in: from now on only [`advance`](EmulatorClock::advance) moves the clock.
    pub fn freeze(&self) {
        let mut hands = self.hands.lock();
        hands.frozen_at_ms = Some(hands.elapsed_ms());
    }

    /// Both sides in one reading, so that one request is judged at one moment.
    pub(crate) fn now(&self) -> Now {
        let hands = self.hands.lock();
        Now {
            monotonic_ms: hands.monotonic_ms(),
            unix_ms: hands.true_unix_ms().saturating_add(hands.unix_offset_ms),
        }
    }
}

impl Default for EmulatorClock {
    fn default() -> EmulatorClock {
        EmulatorClock::new()
    }
}

/// One reading of both sides of the clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Now {
    pub(crate) monotonic_ms: u64,
    pub(crate) unix_ms: i64,
}

impl Now {
    /// The wall clock in whole seconds, as tokens and TOTP count them; never before 1970.
    pub(crate) fn unix_s(self) -> u64 {
        u64::try_from(self.unix_ms / 1000).unwrap_or(0)
    }

    /// The value of a `Date` header (RFC 9110, 5.6.7), which cannot say more than the year 9999.
    pub(crate) fn http_date(self) -> String {
        const LAST_SECOND_OF_9999: u64 = 253_402_300_799;
        let seconds = self.unix_s().min(LAST_SECOND_OF_9999);
        httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(seconds))
    }
}

#[derive(Debug)]
struct Hands {
    started: Instant,
    started_unix_ms: i64,
    frozen_at_ms: Option<u64>,
    advanced_ms: u64,
    unix_offset_ms: i64,
}

impl Hands {
    fn elapsed_ms(&self) -> u64 {
        self.frozen_at_ms
            .unwrap_or_else(|| u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX))
    }

    fn monotonic_ms(&self) -> u64 {
        self.elapsed_ms().saturating_add(self.advanced_ms)
    }

    fn true_unix_ms(&self) -> i64 {
        let since_start = i64::try_from(self.monotonic_ms()).unwrap_or(i64::MAX);
        self.started_unix_ms.saturating_add(since_start)
    }
}
