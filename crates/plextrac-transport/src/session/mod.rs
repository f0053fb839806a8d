//! The session: one account on one instance, for all threads of a program.

mod caller;
pub(crate) mod exchange;
pub(crate) mod keep;
#[cfg(not(plextrac_shuttle))]
pub(crate) mod stream;
mod token;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use plextrac_auth_core::{
    Age, CallerId, ClaimOwner, ClaimedWork, Coordinator, Generation, InputError, Limits, Need, OneTimeCode,
    Secret, State, Time, Verdict,
};
use serde::Serialize;

use self::caller::{Caller, LOOKING};
pub use self::keep::{KeepEnd, Keeper};
use self::token::{no_cookie, signed_out_meanwhile};
use crate::callback;
use crate::cancel::CancelToken;
use crate::clock;
use crate::config::SessionConfig;
use crate::driver::{Inner, closed};
use crate::error::{Error, ErrorCode};
use crate::event::Counters;
use crate::request::Request;
use crate::response::Response;
use crate::shared::Shared;

/// Signs in when a token is needed, and refreshes the token while it is used.
///
/// Cheap to clone; clones are handles to one session, usable from any thread. Dropping the last one closes it.
///
/// ```no_run
/// # fn main() -> Result<(), plextrac_transport::Error> {
/// use plextrac_transport::{Request, Session, SessionConfig};
///
/// let mut config = SessionConfig::new("https://acme.plextrac.com")?;
/// config.password("someone@acme.example", "correct horse")?.totp_secret("GEZDGNBVGY3TQOJQ")?;
/// let session = Session::new(&config)?;
/// let clients = session.request(&Request::get("/api/v1/client/list")?)?;
/// println!("{}", clients.status());
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Session {
    handle: Arc<Handle>,
    cancel: Option<CancelToken>,
    timeout: Duration,
}

/// The state of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SessionState {
    /// There is no token and no request.
    SignedOut,
    /// A request for a token was sent, and there is no usable token.
    SigningIn,
    /// A one-time code is needed.
    MfaNeeded,
    /// There is a usable token.
    Active,
    /// There is a usable token, and a refresh was sent.
    Refreshing,
    /// A token is wanted, and nothing may be sent now.
    Waiting,
    /// The credentials were rejected and are not sent again.
    LockedOut,
    /// The session was closed.
    Closed,
}

/// What is known of a session at one moment.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Status {
    /// The state.
    pub state: SessionState,
    /// The instance's base URL.
    pub instance: String,
    /// The user name. None with an imported token.
    pub username: Option<String>,
    /// The tenant, if the server named one. 0 is a tenant.
    pub tenant_id: Option<i64>,
    /// How long the token lives.
    pub expires_in: Option<Duration>,
    /// How long until a call refreshes it. Zero if the next call does.
    pub refresh_in: Option<Duration>,
    /// Authentication requests that count against the budget now, including places held for a second step.
    pub budget_used: u32,
    /// The budget.
    pub budget_per_minute: u32,
    /// How long the instance asked all clients to wait.
    pub instance_wait: Option<Duration>,
    /// The credentials are known to be rejected.
    pub locked_out: bool,
    /// Some credentials of the account are known to be rejected. Without a password, these may be others.
    pub rejections_known: bool,
    /// The server's clock minus the local wall clock, in milliseconds, if known.
    pub server_ahead_ms: Option<i64>,
    /// The process that keeps the session alive, and until when. None if it is known to have ended.
    pub keeper: Option<Keeper>,
    /// What the store is called that the session shares; none if it shares nothing.
    pub store: Option<String>,
    /// What another process does for the account just now. A process that is known to be gone does nothing.
    pub claim: Option<ForeignClaim>,
}

/// The claim of another process on the account.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ForeignClaim {
    /// Names the process: random, and the same as long as it lives.
    pub owner: ClaimOwner,
    /// What it does.
    pub work: ClaimedWork,
    /// How long ago it renewed the claim, if the store's clock tells.
    pub renewed_ago: Option<Duration>,
}

impl Session {
    /// Makes a session. Nothing is sent until a token is needed.
    ///
    /// # Errors
    /// `InvalidArgument` if there are no credentials, or the URL is `http://` and that is not allowed.
    pub fn new(config: &SessionConfig) -> Result<Self, Error> {
        let shared = Arc::new(Shared::new(config)?);
        let timeout = shared.timeout;
        if let Some(duration) = config.keeps_alive {
            shared.inner.lock().is_kept = true;
            shared.keep(duration, true)?;
        }
        Ok(Self { handle: Arc::new(Handle(shared)), cancel: None, timeout })
    }

    /// A handle whose calls end with `Cancelled` when `token` is triggered. An attempt that others need continues.
    #[must_use]
    pub fn with_cancel(&self, token: &CancelToken) -> Self {
        Self { cancel: Some(token.clone()), ..self.clone() }
    }

    /// A handle whose calls have this time limit, instead of the configured timeout. [`Duration::MAX`] sets no limit.
    #[must_use]
    pub fn with_timeout(&self, timeout: Duration) -> Self {
        Self { timeout: clock::bounded(timeout), ..self.clone() }
    }

    /// Signs in if there is no usable token. If there is one, it sends nothing.
    ///
    /// # Errors
    /// `MfaRequired`: call [`submit_mfa`](Self::submit_mfa). `Rejected`, `MustWait`, and errors of the network.
    pub fn login(&self) -> Result<(), Error> {
        self.token().map(drop)
    }

    /// Sends a one-time code after `MfaRequired`, and waits for the token.
    ///
    /// # Errors
    /// `InvalidArgument` if it is not six digits or was sent before; `WrongState` if no code is needed (a challenge lives
    /// two minutes: sign in again); `Rejected` if it is wrong: the next attempt starts with the password.
    pub fn submit_mfa(&self, code: &str) -> Result<(), Error> {
        let code = OneTimeCode::new(code)?;
        Caller::new(self)?.call(|coordinator, limits, now| coordinator.submit_code(code, limits, now))?;
        self.shared().start_workers();
        self.usable().map(drop).ok_or_else(signed_out_meanwhile)
    }

    /// The value for the `Authorization` header of your own request. Signs in or refreshes if needed.
    ///
    /// With a live token this takes no lock that a sign-in or refresh can hold, and reads one clock.
    ///
    /// # Errors
    /// As [`login`](Self::login).
    pub fn authorization(&self) -> Result<Secret, Error> {
        self.with_authorization(Secret::new)
    }

    /// Lends the header value instead of copying it. `use_it` runs on this thread, and may call this session.
    /// Such a call is slower.
    ///
    /// # Errors
    /// As [`login`](Self::login).
    pub fn with_authorization<T>(&self, use_it: impl FnOnce(&str) -> T) -> Result<T, Error> {
        self.check_cancelled()?;
        let shared = self.shared();
        let now = shared.clock.monotonic();
        let mut use_it = Some(use_it);
        let lent = shared.live.lend(|token| match token.age(now) {
            Age::Fresh => use_it.take().map(|use_it| use_it(token.authorization())),
            Age::Early | Age::Late | Age::Over => None,
        });
        match (lent.flatten(), use_it) {
            (Some(result), _) => Ok(result),
            (None, Some(use_it)) => self.with_obtained(use_it),
            (None, None) => unreachable!("it is taken only to make a result"),
        }
    }

    /// Out of line, so that the path of a live token is short.
    #[cold]
    fn with_obtained<T>(&self, use_it: impl FnOnce(&str) -> T) -> Result<T, Error> {
        Ok(use_it(self.token()?.authorization.expose()))
    }

    /// The value of the `token` cookie for `GET /api/v1/uploads/{name}`, which needs it instead of `Authorization`.
    ///
    /// # Errors
    /// As [`login`](Self::login); `Unsupported` if the server sent none.
    pub fn cookie(&self) -> Result<Secret, Error> {
        let token = self.token_with_cookie()?;
        token.cookie.clone().ok_or_else(no_cookie)
    }

    /// Reports that your own request, with `rejected` as its `Authorization`, was answered with 401. Only this token is
    /// dropped. If this returns `true`, get the [`authorization`](Self::authorization) again and send the request once
    /// more. If it returns `false`, a new token was already tried, and the 401 is the answer.
    ///
    /// # Errors
    /// `Closed`.
    pub fn report_unauthorized(&self, rejected: &str) -> Result<bool, Error> {
        let inner = self.shared().inner.lock();
        let generation = inner.coordinator.machine().generation_of(rejected);
        if inner.closed {
            return Err(closed());
        }
        drop(inner);
        match generation {
            Some(generation) => {
                let live = self.shared().live.get().filter(|live| live.generation == generation);
                let was_accepted = live.is_some_and(|live| live.was_accepted());
                Ok(self.report(generation, was_accepted)? != Verdict::Final)
            }
            None => Ok(true),
        }
    }

    /// Whether a token, with or without `Bearer ` before it, is the current token or an earlier one, of this session or
    /// of another session that shares the account. Nothing is sent.
    #[must_use]
    pub fn knows_token(&self, token: &str) -> bool {
        self.shared().inner.lock().coordinator.machine().knows_token(token)
    }

    /// Gets a new token now, even if the current one is live. A session without a token uses a shared one.
    ///
    /// # Errors
    /// As [`login`](Self::login). The current token stays if the refresh fails.
    pub fn refresh(&self) -> Result<(), Error> {
        let held = self.shared().live.get().map(|live| live.generation);
        self.obtain(Need::NewerThan(held)).map(drop)
    }

    /// Sends a request with the session's token. After a 401 it gets one new token and sends the request once more.
    ///
    /// An answer with any status is a response. Redirects are not followed. `GET /api/v1/uploads/…` is sent with the
    /// cookie and without `Authorization`.
    ///
    /// # Errors
    /// Those of [`login`](Self::login); `Timeout`, `Cancelled`, `Network`, `Tls`, `TooLarge`.
    pub fn request(&self, request: &Request) -> Result<Response, Error> {
        self.send_authorized(request)
    }

    /// `GET path`.
    ///
    /// # Errors
    /// As [`Request::new`] and [`request`](Self::request).
    pub fn get(&self, path: &str) -> Result<Response, Error> {
        self.request(&Request::get(path)?)
    }

    /// `POST path` with a value as JSON.
    ///
    /// # Errors
    /// As [`Request::new`], [`Request::json`] and [`request`](Self::request).
    pub fn post_json<T: Serialize + ?Sized>(&self, path: &str, value: &T) -> Result<Response, Error> {
        let mut request = Request::new("POST", path)?;
        request.json(value)?;
        self.request(&request)
    }

    /// Allows rejected credentials to be sent again. Repeated failures lock accounts.
    ///
    /// # Errors
    /// `Closed`, `Cancelled`; `Timeout` if another process keeps a lock for too long; `Store` if this session forgets it,
    /// but it could not be written for other sessions; `Busy` in an event sink.
    pub fn forget_rejection(&self) -> Result<(), Error> {
        self.change(
            "the rejection is forgotten by this session, but not by others of the account",
            |coordinator, limits, now| coordinator.forget_rejection(limits, now),
        )
    }

    /// Forgets the token. PlexTrac has no call for this: the token itself stays valid until it expires. The budget, the
    /// lockout and the last TOTP step are still remembered.
    ///
    /// # Errors
    /// `Closed`, `Cancelled`; `Timeout` if another process keeps a lock for too long; `Store` if this session forgets the
    /// token, but others can still find it; `Busy` in an event sink.
    pub fn logout(&self) -> Result<(), Error> {
        self.change(
            "this session is signed out, but others can still find the token",
            |coordinator, limits, now| coordinator.sign_out(limits, now),
        )
    }

    /// Ends the session. Every current and every later call returns `Closed`. Waits at most one second for an
    /// authentication request that was sent. Calling it again does nothing.
    pub fn close(&self) {
        self.shared().close();
    }

    /// Waits until this session has no current work, at most for its timeout. Call it before the program ends, so that a
    /// refresh in the background can complete.
    pub fn settle(&self) {
        let shared = self.shared();
        if callback::running_for(shared).is_some() {
            return;
        }
        shared.wait_until(clock::real_now() + self.timeout, Coordinator::is_settled);
    }

    /// The instance's base URL, normalised and without a final slash. The path of a request follows it.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.shared().base_url
    }

    /// The state of the session.
    #[must_use]
    pub fn state(&self) -> SessionState {
        let inner = self.shared().inner.lock();
        self.state_of(&inner)
    }

    /// How long the token lives, if there is a usable one.
    #[must_use]
    pub fn expires_in(&self) -> Option<Duration> {
        let now = self.shared().clock.monotonic();
        let live = self.shared().live.get().filter(|live| live.age(now) != Age::Over)?;
        Some(live.windows.ends_at.since(now))
    }

    /// The tenant of the current token, if the server named one. 0 is a tenant.
    #[must_use]
    pub fn tenant_id(&self) -> Option<i64> {
        self.shared().live.get()?.tenant_id
    }

    /// Everything that is known without sending anything.
    #[must_use]
    pub fn status(&self) -> Status {
        let shared = self.shared();
        if shared.store.is_some() {
            // What cannot be read is not known; everything else can be said all the same.
            let _ = self.with_timeout(self.timeout.min(LOOKING)).call(Coordinator::look);
        }
        let now = shared.clock.monotonic();
        let budget = shared.budget.lock().clone();
        let live = shared.live.get().filter(|live| live.age(now) != Age::Over);
        // The clock is the program's: it is not called under the lock.
        let moment = shared.clock.now();
        let inner = shared.inner.lock();
        let (found, claim) = (inner.coordinator.keeper(moment), inner.coordinator.claim_elsewhere(moment));
        drop(inner);
        let keeper = found.and_then(|found| shared.living(found));
        let claim = claim
            .filter(|(owner, ..)| !shared.is_gone(*owner))
            .map(|(owner, work, renewed_ago)| ForeignClaim { owner, work, renewed_ago });
        let inner = shared.inner.lock();
        Status {
            state: self.state_of(&inner),
            instance: shared.base_url.clone(),
            username: shared.username.clone(),
            tenant_id: live.as_ref().and_then(|live| live.tenant_id),
            expires_in: live.as_ref().map(|live| live.windows.ends_at.since(now)),
            refresh_in: live.as_ref().map(|live| live.windows.refresh_at.since(now)),
            budget_used: budget.used(now),
            budget_per_minute: budget.per_minute(),
            instance_wait: budget.wait_until(now).map(|until| until.since(now)),
            locked_out: inner.coordinator.machine().is_locked_out(),
            rejections_known: inner.coordinator.machine().knows_rejections(),
            server_ahead_ms: inner.coordinator.machine().server_ahead_ms(),
            keeper,
            store: shared.store.as_ref().map(|attached| attached.store.name()),
            claim,
        }
    }

    /// Counts of events since the session was created.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.shared().tally.read()
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.handle.0
    }

    /// A cancelled call does nothing, even if there is a token.
    fn check_cancelled(&self) -> Result<(), Error> {
        match &self.cancel {
            Some(cancel) if cancel.is_triggered() => Err(cancelled()),
            _ => Ok(()),
        }
    }

    fn state_of(&self, inner: &Inner) -> SessionState {
        if inner.closed {
            return SessionState::Closed;
        }
        match inner.coordinator.machine().state(self.shared().clock.now()) {
            State::SigningIn => SessionState::SigningIn,
            State::MfaNeeded => SessionState::MfaNeeded,
            State::Active => SessionState::Active,
            State::Refreshing => SessionState::Refreshing,
            State::Waiting => SessionState::Waiting,
            State::LockedOut => SessionState::LockedOut,
            _ => SessionState::SignedOut,
        }
    }

    fn report(&self, generation: Generation, was_accepted: bool) -> Result<Verdict, Error> {
        let shared = self.shared();
        if shared.inner.lock().closed {
            return Err(closed());
        }
        let verdict = shared
            .input(|coordinator, now| coordinator.report_unauthorized(generation, was_accepted, now))?;
        shared.start_workers();
        Ok(verdict)
    }

    /// Starts a call that needs no token, and waits until it is complete.
    fn call(
        &self,
        input: impl FnOnce(&mut Coordinator, Limits, Time) -> Result<CallerId, InputError>,
    ) -> Result<(), Error> {
        let result = Caller::without_token(self)?.call(input);
        self.shared().start_workers();
        result
    }

    /// Changes what is known of the account, here and for the sessions that share it.
    fn change(
        &self,
        not_shared: &str,
        input: impl FnOnce(&mut Coordinator, Limits, Time) -> Result<CallerId, InputError>,
    ) -> Result<(), Error> {
        let not_shared = |reason: &str| Error::new(ErrorCode::Store, format!("{not_shared}: {reason}"));
        self.call(input).map_err(|error| match error.code() {
            ErrorCode::Store => not_shared(error.message()),
            _ => error,
        })?;
        // There is a store, and it could not even be opened.
        self.shared().not_shared.as_ref().map_or(Ok(()), |error| Err(not_shared(&error.message)))
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("instance", &self.shared().base_url)
            .field("username", &self.shared().username)
            .field("state", &self.state())
            .finish_non_exhaustive()
    }
}

#[cold]
fn cancelled() -> Error {
    Error::new(ErrorCode::Cancelled, "the call was cancelled")
}

/// The last handle closes the session; worker threads hold what is behind it, not this.
struct Handle(Arc<Shared>);

impl Drop for Handle {
    fn drop(&mut self) {
        self.0.close();
    }
}
