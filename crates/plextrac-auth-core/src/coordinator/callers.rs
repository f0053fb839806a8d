//! The callers that wait for a token, each with its own deadline and wait limit.

use alloc::vec::Vec;
use core::time::Duration;

use super::output::CallerId;
use crate::time::{Instant, Time};
use crate::token::Generation;

/// What a caller needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Any usable token.
    Usable,
    /// A usable token other than this one; any token if there was none.
    NewerThan(Option<Generation>),
}

/// How long a caller waits. Both count on the clock that stands still while the computer sleeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How long the whole call may take. The time that a person takes to type a code is added.
    pub timeout: Duration,
    /// How much of that may be spent on waiting for the budget, a rate limit or a back-off.
    pub wait: Duration,
}

/// What a caller waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Token(Need),
    /// It handed a one-time code in.
    Code,
    /// It signed out, or cleared a rejection: other processes have to know.
    Change(Change),
    /// It looks at the records.
    Look,
}

/// What a caller changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    SignOut,
    ForgetRejection,
}

pub(super) struct Caller {
    pub(super) id: CallerId,
    pub(super) purpose: Purpose,
    joined: Instant,
    limits: Limits,
    /// How long persons had been asked when it joined.
    asked_before: Duration,
    /// How many attempts ended while it waited.
    pub(super) attempts: u32,
}

impl Caller {
    /// Until when it waits, if a person takes no more time.
    pub(super) fn deadline(&self, asked: Duration) -> Instant {
        self.joined + self.limits.timeout + asked.saturating_sub(self.asked_before)
    }

    /// Until when it waits for the budget and the like.
    pub(super) fn wait_limit(&self, asked: Duration) -> Instant {
        self.deadline(asked).min(self.joined + self.limits.wait + asked.saturating_sub(self.asked_before))
    }

    pub(super) fn needs_token(&self) -> bool {
        matches!(self.purpose, Purpose::Token(_) | Purpose::Code)
    }

    /// Until when it waits for the refresh of another process.
    pub(super) fn late_wait(&self) -> Instant {
        self.joined + LATE_WAIT
    }
}

/// How long a caller with a token in its last minute waits for the refresh of another process.
pub(super) const LATE_WAIT: Duration = Duration::from_secs(5);

/// All callers, and how long persons were asked so far.
#[derive(Default)]
pub(super) struct Callers {
    pub(super) waiting: Vec<Caller>,
    next: u64,
    asked: Duration,
    asking_since: Option<Instant>,
    /// The driver asks a person, perhaps for a challenge that is over.
    is_prompting: bool,
}

impl Callers {
    pub(super) fn join(&mut self, purpose: Purpose, limits: Limits, now: Time) -> CallerId {
        self.next += 1;
        let id = CallerId(self.next);
        let asked_before = self.asked(now);
        self.waiting.push(Caller { id, purpose, joined: now.awake, limits, asked_before, attempts: 0 });
        id
    }

    /// Takes a caller out. `None` if it was woken already.
    pub(super) fn remove(&mut self, id: CallerId) -> Option<Caller> {
        let index = self.waiting.iter().position(|caller| caller.id == id)?;
        Some(self.waiting.remove(index))
    }

    /// Takes out those that fit.
    pub(super) fn take(&mut self, fits: impl Fn(&Caller) -> bool) -> Vec<Caller> {
        self.waiting.extract_if(.., |caller| fits(caller)).collect()
    }

    /// Whether somebody waits for a token.
    pub(super) fn need_token(&self) -> bool {
        self.waiting.iter().any(Caller::needs_token)
    }

    /// How long persons were asked until now. That time counts against no caller's deadline.
    pub(super) fn asked(&self, now: Time) -> Duration {
        self.asked + self.asking_since.map_or(Duration::ZERO, |since| now.awake.since(since))
    }

    /// Whether a person is asked for a code that is needed. Meanwhile no deadline comes.
    pub(super) const fn is_asking(&self) -> bool {
        self.asking_since.is_some()
    }

    /// Whether the driver asks a person, perhaps for a challenge that is over.
    pub(super) const fn is_prompting(&self) -> bool {
        self.is_prompting
    }

    pub(super) const fn begin_asking(&mut self, now: Time) {
        self.asking_since = Some(now.awake);
        self.is_prompting = true;
    }

    /// The code is not needed any more, though the person may still be asked.
    pub(super) fn stop_asking(&mut self, now: Time) {
        self.asked = self.asked(now);
        self.asking_since = None;
    }

    /// The person answered.
    pub(super) fn end_asking(&mut self, now: Time) {
        self.stop_asking(now);
        self.is_prompting = false;
    }

    /// The latest deadline of those that wait for a token, on the monotonic clock.
    pub(super) fn latest_deadline(&self, now: Time) -> Option<Instant> {
        let asked = self.asked(now);
        let deadlines = self.waiting.iter().filter(|caller| caller.needs_token());
        deadlines.map(|caller| now.monotonic + caller.deadline(asked).since(now.awake)).max()
    }
}
