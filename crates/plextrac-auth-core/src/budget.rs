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

use crate::rate_limit::MAX_WAIT;
use crate::record::Stamp;
use crate::time::{Instant, Time};

/// Requests a minute when nothing else is said: people's browsers share the instance's ten.
pub const DEFAULT_PER_MINUTE: u32 = 6;
/// How long a request counts after its answer came.
pub const COUNTED_AFTER_ANSWER: Duration = Duration::from_secs(61);

/// Names one place in the budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ticket(pub(crate) u64);

/// An exact log of what was sent, the places held for a second step, and the instance's own wait.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    /// Taken by another process: known from its record, and gone when it is gone from there.
    #[serde(skip, default = "foreign")]
    pub(crate) foreign: bool,
}

/// A budget as other processes read it. The limit is not part of it: each process keeps its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BudgetRecord {
    /// When it was written.
    pub stamp: Stamp,
    /// The places that are taken.
    pub places: Vec<Place>,
    /// Until when the instance asked everybody to wait.
    pub wait_until: Option<Instant>,
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
        fits.then_some(Self { per_minute, places: Vec::new(), wait_until: None }).ok_or(OutOfRange)
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

    /// What other processes have to know.
    #[must_use]
    pub fn to_record(&self, boot: &str, now: Time) -> BudgetRecord {
        let places = self.places.iter().filter(|place| place.until > now.monotonic).copied().collect();
        let stamp = Stamp { boot: boot.into(), monotonic: now.monotonic, unix: now.unix };
        BudgetRecord { stamp, places, wait_until: self.wait_until(now.monotonic) }
    }

    /// Takes over what other processes have written; what this one sent itself stays. If the record's clock cannot
    /// be compared with this one, it counts as written when it was first seen here: nothing in it counts shorter.
    ///
    /// Returns whether the record is to be written anew on this clock: until it is, whoever reads it next takes it
    /// for written at that moment, and after a reboot a full budget would never be free again.
    pub fn restore(&mut self, record: Option<&BudgetRecord>, boot: &str, now: Time) -> bool {
        let known = core::mem::take(&mut self.places);
        self.places = known.iter().filter(|place| !place.foreign).copied().collect();
        let Some(record) = record else { return false };
        let now_here = now.monotonic;
        let is_comparable = record.stamp.on_clock(boot, now).is_some();
        for place in &record.places {
            let is_own = self.places.iter().any(|own| own.ticket == place.ticket);
            let until = if is_comparable {
                place.until.min(now_here + LONGEST_PLACE)
            } else {
                let left = place.until.since(record.stamp.monotonic).min(LONGEST_PLACE);
                let seen_before = known.iter().find(|known| known.ticket == place.ticket);
                seen_before.map_or(Instant::NEVER, |seen| seen.until).min(now_here + left)
            };
            if !is_own && until > now_here {
                self.places.push(Place { ticket: place.ticket, until, foreign: true });
            }
        }
        // A wait told on another clock grows by what passed since it was written: the one that is known here is nearer.
        let is_wait_news = is_comparable || self.wait_until(now_here).is_none();
        if let Some(until) = record.wait_until.filter(|_| is_wait_news) {
            let from = if is_comparable { now_here } else { record.stamp.monotonic };
            self.rate_limited(now_here + until.since(from).min(MAX_WAIT));
        }
        !is_comparable
    }

    /// Whether so many places are free.
    pub(crate) fn check(&self, places: u32, now: Instant) -> Result<(), Closed> {
        if let Some(until) = self.wait_until(now) {
            return Err(Closed::RateLimited(until));
        }
        let mut taken: Vec<Instant> =
            self.places.iter().map(|place| place.until).filter(|t| *t > now).collect();
        let may_stay = self.per_minute.saturating_sub(places) as usize;
        if taken.len() <= may_stay {
            return Ok(());
        }
        taken.sort_unstable();
        Err(Closed::Full(taken[taken.len() - may_stay - 1]))
    }

    /// Takes a place for a request whose answer comes by `deadline` at the latest.
    pub(crate) fn send(&mut self, ticket: Ticket, deadline: Instant, now: Instant) {
        self.places.retain(|place| place.until > now && place.ticket != ticket);
        self.places.push(Place { ticket, until: deadline + COUNTED_AFTER_ANSWER, foreign: false });
    }

    /// Holds a place that will be used, or given up, by `until`.
    pub(crate) fn hold(&mut self, ticket: Ticket, until: Instant) {
        self.places.push(Place { ticket, until, foreign: false });
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

/// No request is out for longer than an hour (the longest timeout); what claims more is damaged.
const LONGEST_PLACE: Duration = Duration::from_secs(3600 + 61);

/// What is read was written by somebody else.
const fn foreign() -> bool {
    true
}

impl Default for Budget {
    fn default() -> Self {
        Self { per_minute: DEFAULT_PER_MINUTE, places: Vec::new(), wait_until: None }
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
        assert_eq!(budget.check(1, at(0)), Err(Closed::Full(at(91_000))), "unanswered: until its wait ends");
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
    fn another_process_sees_the_same_budget_on_the_same_clock() {
        let mut budget = Budget::new(2).unwrap();
        budget.send(Ticket(1), at(30_000), at(0));
        budget.answered(Ticket(1), at(500));
        budget.rate_limited(at(9_000));
        let now = Time::from_millis(1_000, 5_000);
        let record = budget.to_record("b1", now);
        let mut other = Budget::new(2).unwrap();
        other.restore(Some(&record), "b1", Time::from_millis(2_000, 0));
        assert_eq!(other.used(at(61_499)), 1);
        assert_eq!(other.used(at(61_500)), 0);
        assert_eq!(other.wait_until(at(2_000)), Some(at(9_000)));
        other.send(Ticket(2), at(40_000), at(2_000));
        other.restore(None, "b1", now);
        assert_eq!(other.used(at(2_000)), 1, "what was sent here stays, the other's record is gone");
    }

    #[test]
    fn a_record_of_another_clock_counts_as_written_now() {
        let mut budget = Budget::new(2).unwrap();
        budget.send(Ticket(1), at(1_000_000), at(970_000));
        budget.rate_limited(at(1_030_000));
        let record = budget.to_record("b1", Time::from_millis(1_000_000, 5_000_000));
        let mut other = Budget::new(2).unwrap();
        other.restore(Some(&record), "b2", Time::from_millis(7_000, 9_999_000));
        assert_eq!(other.used(at(67_999)), 1);
        assert_eq!(other.used(at(68_000)), 0);
        assert_eq!(other.wait_until(at(7_000)), Some(at(37_000)));
    }

    #[test]
    fn a_record_of_another_clock_counts_from_the_first_look_at_it_and_is_to_be_written_anew() {
        let mut budget = Budget::new(2).unwrap();
        budget.send(Ticket(1), at(1_000_000), at(970_000));
        let record = budget.to_record("b1", Time::from_millis(1_000_000, 5_000_000));
        let mut other = Budget::new(2).unwrap();
        let later = Time::from_millis(50_000, 9_999_000);
        assert!(other.restore(Some(&record), "b2", Time::from_millis(7_000, 9_999_000)));
        assert!(other.restore(Some(&record), "b2", later));
        assert_eq!(other.used(at(67_999)), 1);
        assert_eq!(other.used(at(68_000)), 0, "a second look does not begin the minute anew");
        let anew = other.to_record("b2", later);
        assert!(!Budget::default().restore(Some(&anew), "b2", later), "a record on this clock stays as it is");
    }

    #[test]
    fn a_damaged_record_closes_the_budget_for_an_hour_at_most() {
        let stamp = Stamp { boot: "b".into(), monotonic: at(0), unix: crate::time::UnixTime::from_millis(0) };
        let places = alloc::vec![Place { ticket: Ticket(1), until: Instant::NEVER, foreign: true }];
        let record = BudgetRecord { stamp, places, wait_until: Some(Instant::NEVER) };
        let mut budget = Budget::new(2).unwrap();
        budget.restore(Some(&record), "b", Time::from_millis(1, 1));
        assert_eq!(budget.used(at(3_661_001)), 0);
        assert_eq!(budget.wait_until(at(900_001)), None);
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
