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
use crate::record::{CLOCKS_AGREE, Stamp};
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
    waits: Vec<Place>,
    /// Places that this process gave up: a record that still has them is older.
    released: Vec<Place>,
    shut_until: Option<Instant>,
}

/// One place that is taken, or a wait that was asked for in answer to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    pub(crate) ticket: Ticket,
    /// The place is free again from here, or the wait is over.
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
    /// The waits that the instance asked everybody for.
    pub waits: Vec<Place>,
    /// Nothing may be sent before: what was sent is not known, because the store may have lost writes.
    #[serde(default)]
    pub shut_until: Option<Instant>,
}

impl BudgetRecord {
    /// The same record on another clock: `moves` gives the stamp and a moment beside it on that clock.
    pub(crate) fn moved(
        mut self,
        moves: impl Fn(&Stamp, Option<Instant>) -> (Stamp, Option<Instant>),
    ) -> Self {
        let stamp = self.stamp.clone();
        for place in self.places.iter_mut().chain(&mut self.waits) {
            place.until = moves(&stamp, Some(place.until)).1.unwrap_or(place.until);
        }
        self.shut_until = self.shut_until.and_then(|until| moves(&stamp, Some(until)).1);
        Self { stamp: moves(&stamp, None).0, ..self }
    }
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
            waits: Vec::new(),
            released: Vec::new(),
            shut_until: None,
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
        self.waits.iter().map(|wait| wait.until).filter(|until| *until > now).max()
    }

    /// Nothing may be sent before this moment: what other processes send cannot be known for now. A shorter wait never
    /// replaces a longer one.
    pub fn shut(&mut self, until: Instant) {
        self.shut_until = self.shut_until.max(Some(until));
    }

    /// What other processes have to know.
    #[must_use]
    pub fn to_record(&self, boot: &str, now: Time) -> BudgetRecord {
        let stamp = Stamp { boot: boot.into(), monotonic: now.monotonic, unix: now.unix };
        let lasting = |all: &[Place]| all.iter().filter(|one| one.until > now.monotonic).copied().collect();
        let shut_until = self.shut_until.filter(|until| *until > now.monotonic);
        BudgetRecord { stamp, places: lasting(&self.places), waits: lasting(&self.waits), shut_until }
    }

    /// Takes over what other processes have written; what this one sent itself stays. If the record's clock cannot
    /// be compared with this one, it counts as written when it was first seen here: nothing in it counts shorter.
    ///
    /// Returns whether the record is to be written anew on this clock: until it is, whoever reads it next takes it
    /// for written at that moment, and after a reboot a full budget would never be free again.
    pub fn restore(&mut self, record: Option<&BudgetRecord>, boot: &str, now: Time) -> bool {
        let Some(record) = record else {
            self.places.retain(|place| !place.foreign);
            self.waits.retain(|wait| !wait.foreign);
            return false;
        };
        let clock = match record.stamp.on_clock(boot, now) {
            Some(_) if record.stamp.is_of(boot) => TheirClock::IsOurs,
            Some(_) => TheirClock::AgreesWithOurs,
            None => TheirClock::Unknown { written: record.stamp.monotonic },
        };
        self.released.retain(|place| place.until > now.monotonic);
        let is_taken = |place: &&Place| self.released.iter().all(|released| released.ticket != place.ticket);
        let places: Vec<Place> = record.places.iter().filter(is_taken).copied().collect();
        take_over(&mut self.places, &places, LONGEST_PLACE, clock, now.monotonic);
        take_over(&mut self.waits, &record.waits, MAX_WAIT, clock, now.monotonic);
        if let Some(until) = record.shut_until {
            let left = match clock {
                TheirClock::Unknown { written } => until.since(written),
                TheirClock::IsOurs | TheirClock::AgreesWithOurs => until.since(now.monotonic),
            };
            self.shut(now.monotonic + left.min(LONGEST_SHUT));
        }
        matches!(clock, TheirClock::Unknown { .. })
    }

    /// Whether more places are taken than the limit allows: another process was faster.
    pub(crate) fn is_over(&self, now: Instant) -> bool {
        self.used(now) > self.per_minute
    }

    /// Whether so many places are free.
    pub(crate) fn check(&self, places: u32, now: Instant) -> Result<(), Closed> {
        if let Some(until) = self.wait_until(now) {
            return Err(Closed::RateLimited(until));
        }
        if let Some(until) = self.shut_until.filter(|until| *until > now) {
            return Err(Closed::Full(until));
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
        self.released.retain(|place| place.ticket != ticket);
        self.places.push(Place { ticket, until, foreign: false });
    }

    /// The answer to a request came, or its wait was ended, at `at`.
    pub(crate) fn answered(&mut self, ticket: Ticket, at: Instant) {
        if let Some(place) = self.places.iter_mut().find(|place| place.ticket == ticket) {
            place.until = place.until.min(at + COUNTED_AFTER_ANSWER);
        }
    }

    /// Whether a place is still held: a computer that slept through the answer holds none any more.
    pub(crate) fn is_held(&self, ticket: Ticket, now: Instant) -> bool {
        self.places.iter().any(|place| place.ticket == ticket && place.until > now)
    }

    /// A held place is not needed.
    pub(crate) fn release(&mut self, ticket: Ticket) {
        self.released.extend(self.places.extract_if(.., |place| place.ticket == ticket));
    }

    /// The instance answered a request by saying to wait; a shorter wait never replaces a longer one.
    pub(crate) fn rate_limited(&mut self, ticket: Ticket, until: Instant, now: Instant) {
        self.waits.retain(|wait| wait.until > now);
        self.waits.push(Place { ticket, until, foreign: false });
    }
}

/// No request is out for longer than an hour (the longest timeout); what claims more is damaged.
const LONGEST_PLACE: Duration = Duration::from_secs(3600 + 61);

/// The budget counts as full for no longer than a request counts; what claims more is damaged.
const LONGEST_SHUT: Duration = COUNTED_AFTER_ANSWER;

/// What is known of the clock of those who wrote a record.
#[derive(Clone, Copy)]
enum TheirClock {
    IsOurs,
    /// To within a few seconds, by which a place could seem to be free too early.
    AgreesWithOurs,
    /// It said this when they wrote.
    Unknown {
        written: Instant,
    },
}

/// Puts what others told in the place of what they told before. What is over here is remembered for as long as they
/// tell it, or two processes whose clocks cannot be compared would begin each other's waits anew for ever.
fn take_over(all: &mut Vec<Place>, told: &[Place], longest: Duration, clock: TheirClock, now: Instant) {
    let known = core::mem::take(all);
    all.extend(known.iter().filter(|known| !known.foreign));
    for told in told {
        let until = match clock {
            TheirClock::IsOurs => told.until.min(now + longest),
            TheirClock::AgreesWithOurs => told.until.min(now + longest) + CLOCKS_AGREE,
            TheirClock::Unknown { written } => {
                let seen_before = known.iter().find(|known| known.ticket == told.ticket);
                let left = told.until.since(written).min(longest);
                seen_before.map_or(Instant::NEVER, |seen| seen.until).min(now + left)
            }
        };
        if all.iter().all(|own| own.ticket != told.ticket) {
            all.push(Place { ticket: told.ticket, until, foreign: true });
        }
    }
}

/// What is read was written by somebody else.
const fn foreign() -> bool {
    true
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            per_minute: DEFAULT_PER_MINUTE,
            places: Vec::new(),
            waits: Vec::new(),
            released: Vec::new(),
            shut_until: None,
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
    fn the_instances_wait_is_never_shortened() {
        let mut budget = Budget::default();
        budget.rate_limited(Ticket(1), at(5_000), at(0));
        budget.rate_limited(Ticket(2), at(2_000), at(0));
        assert_eq!(budget.check(1, at(4_999)), Err(Closed::RateLimited(at(5_000))));
        assert_eq!(budget.check(1, at(5_000)), Ok(()));
    }

    #[test]
    fn another_process_sees_the_same_budget_on_the_same_clock() {
        let mut budget = Budget::new(2).unwrap();
        budget.send(Ticket(1), at(30_000), at(0));
        budget.answered(Ticket(1), at(500));
        budget.rate_limited(Ticket(1), at(9_000), at(500));
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
    fn a_place_of_another_clock_counts_some_seconds_longer() {
        let mut budget = Budget::new(2).unwrap();
        budget.send(Ticket(1), at(30_000), at(0));
        let record = budget.to_record("b1", Time::from_millis(1_000, 1_000_000));
        let mut other = Budget::new(2).unwrap();
        assert!(!other.restore(Some(&record), "b2", Time::from_millis(12_000, 1_008_000)));
        assert_eq!((other.used(at(95_999)), other.used(at(96_000))), (1, 0));
    }

    #[test]
    fn a_record_of_another_clock_counts_as_written_now() {
        let mut budget = Budget::new(2).unwrap();
        budget.send(Ticket(1), at(1_000_000), at(970_000));
        budget.rate_limited(Ticket(1), at(1_030_000), at(970_000));
        let record = budget.to_record("b1", Time::from_millis(1_000_000, 5_000_000));
        let mut other = Budget::new(2).unwrap();
        other.restore(Some(&record), "b2", Time::from_millis(7_000, 9_999_000));
        assert_eq!(other.used(at(67_999)), 1);
        assert_eq!(other.used(at(68_000)), 0);
        assert_eq!(other.wait_until(at(7_000)), Some(at(37_000)));
    }

    #[test]
    fn a_record_of_another_clock_counts_from_the_first_look() {
        let mut budget = Budget::new(2).unwrap();
        budget.send(Ticket(1), at(1_000_000), at(970_000));
        let record = budget.to_record("b1", Time::from_millis(1_000_000, 5_000_000));
        let mut other = Budget::new(2).unwrap();
        let later = Time::from_millis(50_000, 9_999_000);
        assert!(other.restore(Some(&record), "b2", Time::from_millis(7_000, 9_999_000)));
        assert!(other.restore(Some(&record), "b2", later));
        assert_eq!(other.used(at(67_999)), 1);
        assert_eq!(other.used(at(68_000)), 0, "a second look does not begin the minute anew");
        assert!(other.restore(Some(&record), "b2", Time::from_millis(70_000, 9_999_000)));
        assert_eq!(other.used(at(70_000)), 0, "nor does one after the minute");
        let anew = other.to_record("b2", later);
        assert!(
            !Budget::default().restore(Some(&anew), "b2", later),
            "a record on this clock stays as it is"
        );
    }

    #[test]
    fn a_damaged_record_closes_the_budget_for_an_hour_at_most() {
        let stamp = Stamp { boot: "b".into(), monotonic: at(0), unix: crate::time::UnixTime::from_millis(0) };
        let places = alloc::vec![Place { ticket: Ticket(1), until: Instant::NEVER, foreign: true }];
        let record = BudgetRecord { stamp, waits: places.clone(), places, shut_until: None };
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
