//! How a caller gets its token: the one in hand as a rule, else that of the attempt which it joins or starts.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use plextrac_auth_core::{Age, Need};

use super::Session;
use super::caller::Caller;
use crate::driver::closed;
use crate::error::{Error, ErrorCode};
use crate::live::LiveToken;
use crate::request::Request;

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
            Age::Late if shared.is_quiet(now) && !shared.is_attempting.load(Ordering::Acquire) => Ok(live),
            Age::Late | Age::Over => self.obtain(Need::Usable),
        }
    }

    pub(super) fn token_for(&self, request: &Request) -> Result<Arc<LiveToken>, Error> {
        if request.goes_with_cookie() { self.token_with_cookie() } else { self.token() }
    }

    /// An imported token comes without a cookie; a refresh brings one.
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
        if shared.is_attempting.load(Ordering::Acquire) || shared.is_quiet(now) {
            return;
        }
        if !shared.inner.lock().closed {
            let _ = shared.input(|coordinator, _| coordinator.want_refresh());
            shared.start_workers();
        }
    }

    pub(super) fn obtain(&self, need: Need) -> Result<Arc<LiveToken>, Error> {
        let caller = match Caller::new(self) {
            Ok(caller) => caller,
            // A callback cannot wait for its own attempt, but may use a token that is in hand.
            Err(busy) => return self.serving(need).ok_or(busy),
        };
        caller.call(|coordinator, limits, now| coordinator.need_token(need, limits, now))?;
        self.shared().start_workers();
        self.serving(need)
            .ok_or_else(|| if self.shared().inner.lock().closed { closed() } else { signed_out_meanwhile() })
    }

    pub(super) fn usable(&self) -> Option<Arc<LiveToken>> {
        self.serving(Need::Usable)
    }

    /// A token that serves the need.
    fn serving(&self, need: Need) -> Option<Arc<LiveToken>> {
        let now = self.shared().clock.monotonic();
        let live = self.shared().live.get().filter(|live| live.age(now) != Age::Over)?;
        match need {
            Need::Usable => Some(live),
            Need::NewerThan(held) => Some(live).filter(|live| Some(live.generation) != held),
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
