//! How a caller gets its token: the one in hand as a rule, else that of the flight it joins or starts.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use plextrac_auth_core::{Age, Generation, Want};

use super::Session;
use super::waiter::Waiter;
use crate::error::{Error, ErrorCode};
use crate::flight::{self, Errand};
use crate::live::LiveToken;
use crate::request::Request;

/// What a caller needs.
#[derive(Clone, Copy)]
pub(super) enum Need {
    Usable,
    /// A token other than this one.
    NewerThan(Option<Generation>),
}

impl Session {
    /// A usable token: the one in hand, as a rule.
    pub(super) fn token(&self) -> Result<Arc<LiveToken>, Error> {
        self.check_cancelled()?;
        let shared = self.shared();
        let Some(live) = shared.live.get() else {
            return self.obtain(Need::Usable);
        };
        let now = shared.clock.monotonic();
        match live.age(now) {
            Age::Fresh => Ok(live),
            Age::Early => {
                self.refresh_early();
                Ok(live)
            }
            Age::Late if shared.is_quiet(now) && !shared.is_flying.load(Ordering::Acquire) => Ok(live),
            Age::Late | Age::Over => self.obtain(Need::Usable),
        }
    }

    pub(super) fn token_for(&self, request: &Request) -> Result<Arc<LiveToken>, Error> {
        if request.goes_with_cookie() { self.token_with_cookie() } else { self.token() }
    }

    /// A ready-made token comes without a cookie; a refresh brings one.
    pub(super) fn token_with_cookie(&self) -> Result<Arc<LiveToken>, Error> {
        let token = self.token()?;
        let token = match &token.cookie {
            Some(_) => token,
            None => self.obtain(Need::NewerThan(Some(token.generation)))?,
        };
        if token.cookie.is_some() { Ok(token) } else { Err(no_cookie()) }
    }

    /// Starts a refresh that nobody waits for, unless one is under way or none would be sent.
    fn refresh_early(&self) {
        let shared = self.shared();
        let now = shared.clock.monotonic();
        if shared.is_flying.load(Ordering::Acquire) || shared.is_quiet(now) {
            return;
        }
        let mut inner = shared.inner.lock();
        if inner.closed || inner.flight.is_some() {
            return;
        }
        let want = Want { fresh: false, deadline: Some(now + self.timeout) };
        // A thread that cannot be started costs this caller nothing: the token in hand is live.
        drop(flight::start(shared, &mut inner, Errand::Token(want)));
    }

    pub(super) fn obtain(&self, need: Need) -> Result<Arc<LiveToken>, Error> {
        let waiter = match Waiter::new(self) {
            Ok(waiter) => waiter,
            // A callback cannot wait for its own flight, but may use a token that is in hand.
            Err(busy) => return self.satisfying(need).ok_or(busy),
        };
        // A flight that was joined may have been about something else; the one after it is about this.
        let mut flights_left = 3;
        while flights_left > 0 {
            match self.attempt(need, &waiter) {
                Ok(Some(live)) => return Ok(live),
                Ok(None) => flights_left -= 1,
                // The instance answered this attempt with a rate limit. The next flight waits for its end.
                Err(error) if waiter.may_wait_for(&error) => {}
                Err(error) => return self.satisfying_late(need).ok_or(error),
            }
        }
        self.satisfying_late(need).ok_or_else(signed_out_meanwhile)
    }

    /// Joins the flight, or starts one, and waits for it. `None`: look again.
    fn attempt(&self, need: Need, waiter: &Waiter<'_>) -> Result<Option<Arc<LiveToken>>, Error> {
        let shared = self.shared();
        let mut inner = shared.inner.lock();
        if inner.closed {
            return Err(flight::closed());
        }
        if let Some(live) = self.satisfying(need) {
            return Ok(Some(live));
        }
        waiter.check_cancelled()?;
        let flight = match inner.flight.clone() {
            Some(flight) => flight,
            None => flight::start(shared, &mut inner, Errand::Token(waiter.want(need)))?,
        };
        waiter.wait(&mut inner, &flight)?;
        Ok(None)
    }

    pub(super) fn usable(&self) -> Option<Arc<LiveToken>> {
        let now = self.shared().clock.monotonic();
        self.shared().live.get().filter(|live| live.age(now) != Age::Over)
    }

    /// A token that serves the need without anything being sent.
    fn satisfying(&self, need: Need) -> Option<Arc<LiveToken>> {
        let shared = self.shared();
        let now = shared.clock.monotonic();
        let live = shared.live.get()?;
        let serves = match (need, live.age(now)) {
            (_, Age::Over) => false,
            (Need::NewerThan(held), _) => Some(live.generation) != held,
            (Need::Usable, Age::Late) => shared.is_quiet(now) && !shared.is_flying.load(Ordering::Acquire),
            (Need::Usable, Age::Fresh | Age::Early) => true,
        };
        serves.then_some(live)
    }

    /// What serves when the attempt failed: any token that may be handed out.
    fn satisfying_late(&self, need: Need) -> Option<Arc<LiveToken>> {
        match need {
            Need::Usable => self.usable(),
            Need::NewerThan(_) => None,
        }
    }
}

pub(super) fn no_cookie() -> Error {
    Error::new(
        ErrorCode::Unsupported,
        "the server gave no cookie with this token, so this endpoint cannot be used",
    )
}

pub(super) fn signed_out_meanwhile() -> Error {
    Error::new(ErrorCode::NotReady, "there is no token: the session was signed out meanwhile; call again")
}
