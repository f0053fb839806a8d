//! One caller that waits for a flight, with its own deadline.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use plextrac_auth_core::{WaitReason, Want};

use super::Session;
use super::token::Need;
use crate::callback::{self, Callback};
use crate::cancel::TriggerGuard;
use crate::clock;
use crate::error::{Error, ErrorCode};
use crate::flight::{self, Flight};
use crate::shared::Inner;
use crate::sync::{Mutex, MutexGuard};

/// The caller. It may leave before the flight lands; the flight goes on.
pub(super) struct Waiter<'a> {
    session: &'a Session,
    began: Instant,
    /// How long persons were asked by then, in milliseconds.
    asked_before: u64,
    leaving: Leaving<'a>,
}

/// What calls a caller away: its cancel token wakes it.
pub(super) struct Leaving<'a> {
    session: &'a Session,
    _wakes: Option<TriggerGuard>,
}

impl<'a> Leaving<'a> {
    pub(super) fn new(session: &'a Session) -> Self {
        let wakes = session.cancel.as_ref().map(|token| {
            let shared = Arc::clone(session.shared());
            token.on_trigger(Box::new(move || {
                // Taking the lock makes sure that whoever looked at the token before it was triggered sleeps by now.
                drop(shared.inner.lock());
                shared.changed.notify_all();
            }))
        });
        Self { session, _wakes: wakes }
    }

    pub(super) fn check_cancelled(&self) -> Result<(), Error> {
        self.session.check_cancelled()
    }
}

impl<'a> Waiter<'a> {
    pub(super) fn new(session: &'a Session) -> Result<Self, Error> {
        match callback::running_for(session.shared()) {
            Some(Callback::Mfa) => {
                return Err(busy(
                    "a callback called back into the sign-in that waits for it; return the six digits instead",
                ));
            }
            Some(Callback::Events) => {
                return Err(busy("an event sink cannot wait for a token: return, and ask for it then"));
            }
            None => {}
        }
        Ok(Self {
            session,
            began: clock::real_now(),
            asked_before: session.shared().asked_for.load(Ordering::Relaxed),
            leaving: Leaving::new(session),
        })
    }

    pub(super) fn check_cancelled(&self) -> Result<(), Error> {
        self.leaving.check_cancelled()
    }

    /// Whether the call may take as long as this error says that nothing may be sent.
    pub(super) fn may_wait_for(&self, error: &Error) -> bool {
        let wait = error.retry_after().filter(|_| error.code() == ErrorCode::MustWait);
        let shared = self.session.shared();
        let asked = shared.asked_for.load(Ordering::Relaxed).saturating_sub(self.asked_before);
        let took = clock::real_now().saturating_duration_since(self.began);
        let allowed = self.session.timeout.min(shared.wait).saturating_add(Duration::from_millis(asked));
        wait.is_some_and(|wait| took.saturating_add(wait) <= allowed)
    }

    pub(super) fn want(&self, need: Need) -> Want {
        let left = (self.began + self.session.timeout).saturating_duration_since(clock::real_now());
        let deadline = self.session.shared().clock.monotonic() + left;
        Want { fresh: matches!(need, Need::NewerThan(Some(_))), deadline: Some(deadline) }
    }

    pub(super) fn wait(
        &self,
        inner: &mut MutexGuard<'_, Inner>,
        flight: &Mutex<Flight>,
    ) -> Result<(), Error> {
        let came_late = {
            let mut joined = flight.lock();
            joined.waiters += 1;
            joined.is_abandoned
        };
        let outcome = self.wait_on(inner, flight, came_late);
        let mut left = flight.lock();
        left.waiters -= 1;
        if left.waiters == 0 {
            self.session.shared().changed.notify_all();
        }
        // What it gave up on was another caller's wait; this caller's may be longer, or over.
        if came_late && left.outcome.is_some() { Ok(()) } else { outcome }
    }

    fn wait_on(
        &self,
        inner: &mut MutexGuard<'_, Inner>,
        flight: &Mutex<Flight>,
        came_late: bool,
    ) -> Result<(), Error> {
        let shared = self.session.shared();
        loop {
            if inner.closed {
                return Err(flight::closed());
            }
            let seen = flight.lock();
            if let Some(outcome) = &seen.outcome {
                return outcome.clone();
            }
            if seen.is_abandoned && !came_late {
                return Err(flight::signed_out());
            }
            self.check_cancelled()?;
            let now = clock::real_now();
            let asked = seen.person_time(now);
            let ends = self.began + self.session.timeout + asked;
            if let Some((until, reason)) = seen.blocked.filter(|_| !seen.is_abandoned) {
                let wait = until.since(shared.clock.monotonic());
                let allowed = match reason {
                    WaitReason::TotpStep => ends,
                    _ => ends.min(self.began + shared.wait + asked),
                };
                // A wait that is over by now is noticed by the flight as well.
                // A moment that never comes is too far from now to be a moment of this clock.
                let is_too_long = now.checked_add(wait).is_none_or(|over| over > allowed);
                if !wait.is_zero() && is_too_long {
                    return Err(match seen.is_code_refused {
                        true => flight::code_refused(wait, reason),
                        false => flight::must_wait(wait, reason),
                    });
                }
            }
            if now >= ends {
                let sentence =
                    "no token came in time; the attempt goes on, and its result is kept for the next call";
                return Err(Error::new(ErrorCode::Timeout, sentence));
            }
            let is_asking = seen.asking_since.is_some();
            drop(seen);
            if is_asking {
                // A person types for as long as it takes; whatever ends that wakes us.
                shared.changed.wait(inner);
            } else {
                shared.changed.wait_until(inner, ends);
            }
        }
    }
}

pub(super) fn busy(sentence: &str) -> Error {
    Error::new(ErrorCode::Busy, sentence)
}
