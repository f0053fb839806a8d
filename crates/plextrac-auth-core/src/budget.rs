//! The budget of authentication requests: one per instance, for all accounts of it.
//!
//! An instance allows ten such requests a minute to everybody together, and nobody knows whether its
//! window is fixed or sliding or from which moment it counts. So a request counts from the moment it
//! goes out until 61 s after its answer came (or could no longer come), whatever the answer was, and
//! is never given back: any window of 60 s, wherever the server puts it, then holds at most the limit.

use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use serde::{Deserialize, Serialize};

use crate::time::Instant;

/// Requests a minute when nothing else is said: people's browsers share the instance's ten.
pub const DEFAULT_PER_MINUTE: u32 = 6;
/// How long a request counts after its answer came.
pub const COUNTED_AFTER_ANSWER: Duration = Duration::from_secs(61);

/// Names one place in the budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ticket(pub(crate) u64);

/// An exact log of what was sent, the places held for a second step, and the instance's own wait.
#[derive(Clone, Debug)]
pub struct Budget {
    per_minute: u32,
    places: Vec<Place>,
    wait_until: Option<Instant>,
}

/// One place that is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    pub(crate) ticket: Ticket,
    /// The place is free again from here.
    pub(crate) until: Instant,
}

/// The limit asked for is not between 2 and 60.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfRange;

/// Why nothing may be sent now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Closed {
    /// All places are taken; the first moment at which enough may be free.
    Full(Instant),
    /// The instance answered with a rate limit; its wait ends here.
    RateLimited(Instant),
}

impl Budget {
    /// A budget of so many authentication requests in any minute: 2 (a sign-in with MFA) to 60.
    ///
    /// # Errors
    /// [`OutOfRange`] for any other number.
    pub fn new(per_minute: u32) -> Result<Self, OutOfRange> {
        let fits = (2..=60).contains(&per_minute);
        fits.then_some(Self {
            per_minute,
            places: Vec::new(),
            wait_until: None,
        })
        .ok_or(OutOfRange)
    }

    /// The limit.
    #[must_use]
    pub const fn per_minute(&self) -> u32 {
        self.per_minute
    }

    /// Lowers the limit: where several ask for different ones, the lowest holds. A higher one changes nothing.
    pub fn lower_to(&mut self, per_minute: u32) {
        self.per_minute = self.per_minute.min(per_minute.max(2));
    }

    /// How many places are taken at `now`, those held for a second step included.
    #[must_use]
    pub fn used(&self, now: Instant) -> u32 {
        self.places.iter().filter(|place| place.until > now).count() as u32
    }

    /// Until when the instance asked to wait, if it did and that is not over.
    #[must_use]
    pub fn wait_until(&self, now: Instant) -> Option<Instant> {
        self.wait_until.filter(|until| *until > now)
    }

    /// Whether so many places are free.
    pub(crate) fn check(&self, places: u32, now: Instant) -> Result<(), Closed> {
        if let Some(until) = self.wait_until(now) {
            return Err(Closed::RateLimited(until));
        }
        let mut taken: Vec<Instant> = self
            .places
            .iter()
            .map(|place| place.until)
            .filter(|t| *t > now)
            .collect();
        let may_stay = self.per_minute.saturating_sub(places) as usize;
        if taken.len() <= may_stay {
            return Ok(());
        }
        taken.sort_unstable();
        Err(Closed::Full(taken[taken.len() - may_stay - 1]))
    }

    /// Takes a place for a request whose answer comes by `deadline` at the latest.
    pub(crate) fn send(&mut self, ticket: Ticket, deadline: Instant, now: Instant) {
        self.places
            .retain(|place| place.until > now && place.ticket != ticket);
        self.places.push(Place {
            ticket,
            until: deadline + COUNTED_AFTER_ANSWER,
        });
    }

    /// Holds a place that will be used, or given up, by `until`.
    pub(crate) fn hold(&mut self, ticket: Ticket, until: Instant) {
        self.places.push(Place { ticket, until });
    }

    /// The answer to a request came, or its wait was ended, at `at`.
    pub(crate) fn answered(&mut self, ticket: Ticket, at: Instant) {
        if let Some(place) = self.places.iter_mut().find(|place| place.ticket == ticket) {
            place.until = place.until.min(at + COUNTED_AFTER_ANSWER);
        }
    }

    /// A held place is not needed.
    pub(crate) fn release(&mut self, ticket: Ticket) {
        self.places.retain(|place| place.ticket != ticket);
    }

    /// The instance said to wait; a shorter wait never replaces a longer one.
    pub(crate) fn rate_limited(&mut self, until: Instant) {
        self.wait_until = self.wait_until.max(Some(until));
    }
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            per_minute: DEFAULT_PER_MINUTE,
            places: Vec::new(),
            wait_until: None,
        }
    }
}

impl fmt::Display for OutOfRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "a budget is between 2 and 60 authentication requests a minute; a sign-in with MFA needs 2",
        )
    }
}

impl core::error::Error for OutOfRange {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(ms: u64) -> Instant {
        Instant::from_millis(ms)
    }

    #[test]
    fn a_request_counts_until_61_seconds_after_its_answer() {
        let mut budget = Budget::new(2).unwrap();
        budget.send(Ticket(1), at(30_000), at(0));
        budget.send(Ticket(2), at(30_000), at(0));
        assert_eq!(
            budget.check(1, at(0)),
            Err(Closed::Full(at(91_000))),
            "unanswered: until its wait ends"
        );
        budget.answered(Ticket(1), at(500));
        assert_eq!(budget.check(1, at(500)), Err(Closed::Full(at(61_500))));
        assert_eq!(budget.check(2, at(500)), Err(Closed::Full(at(91_000))));
        assert_eq!(budget.check(1, at(61_500)), Ok(()));
    }

    #[test]
    fn a_late_answer_never_lengthens_what_counts() {
        let mut budget = Budget::new(2).unwrap();
        budget.send(Ticket(1), at(30_000), at(0));
        budget.answered(Ticket(1), at(80_000));
        assert_eq!(budget.used(at(90_999)), 1);
        assert_eq!(budget.used(at(91_000)), 0);
    }

    #[test]
    fn the_instances_wait_comes_before_free_places_and_is_never_shortened() {
        let mut budget = Budget::default();
        budget.rate_limited(at(5_000));
        budget.rate_limited(at(2_000));
        assert_eq!(budget.check(1, at(4_999)), Err(Closed::RateLimited(at(5_000))));
        assert_eq!(budget.check(1, at(5_000)), Ok(()));
    }

    #[test]
    fn limits_outside_2_to_60_are_refused() {
        assert!(
            Budget::new(1).is_err()
                && Budget::new(61).is_err()
                && Budget::new(2).is_ok()
                && Budget::new(60).is_ok()
        );
    }

    proptest! {
        /// The reference model counts every send in every window by brute force.
        #[test]
        fn no_window_of_sixty_seconds_holds_more_than_the_limit(
            limit in 2_u32..8,
            steps in prop::collection::vec((0_u64..20_000, 0_u64..30_000, any::<bool>()), 1..120),
        ) {
            let mut budget = Budget::new(limit).unwrap();
            let (mut now, mut arrivals) = (0, Vec::new());
            for (n, (pause, latency, answered)) in steps.into_iter().enumerate() {
                now += pause;
                match budget.check(1, at(now)) {
                    Ok(()) => {
                        let ticket = Ticket(n as u64);
                        budget.send(ticket, at(now + 30_000), at(now));
                        // The server may count it at any moment up to its answer.
                        arrivals.push(now + latency);
                        if answered {
                            budget.answered(ticket, at(now + latency));
                        }
                    }
                    Err(Closed::Full(when)) => {
                        prop_assert!(when > at(now));
                        prop_assert!(budget.check(1, when).is_ok(), "the moment told is the right one");
                        prop_assert!(budget.check(1, at(when.as_millis() - 1)).is_err(), "and not too late");
                    }
                    Err(other) => prop_assert!(false, "{:?}", other),
                }
            }
            for &from in &arrivals {
                let inside = arrivals.iter().filter(|t| (from..from + 60_000).contains(*t)).count();
                prop_assert!(inside <= limit as usize, "{} in the minute from {}", inside, from);
            }
        }
    }
}
