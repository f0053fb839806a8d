//! The session: one account on one instance, for all threads of a program.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use plextrac_auth_core::{Digits, Generation, InputError, Machine, Secret, State, Verdict, WaitReason, Want};
use serde::Serialize;

use crate::callback::{self, Callback};
use crate::cancel::{CancelToken, TriggerGuard};
use crate::clock;
use crate::config::SessionConfig;
use crate::error::{Error, ErrorCode};
use crate::event::{Counters, Tally};
use crate::flight::{self, Errand, Flight};
use crate::http::{Call, HttpError, HttpErrorKind, secret_header_value};
use crate::live::{Age, LiveToken};
use crate::request::{Request, Response};
use crate::shared::{Inner, Shared};
use crate::sync::{Mutex, MutexGuard};

/// Signs in when a token is needed, and keeps it alive for as long as it is used.
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

/// Where a session stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SessionState {
    /// No token, and nothing under way.
    SignedOut,
    /// A request that may bring a token is out, and there is no usable one.
    SigningIn,
    /// Six digits are needed.
    MfaNeeded,
    /// There is a usable token.
    Active,
    /// There is a usable token, and a refresh is out.
    Refreshing,
    /// A token is wanted and nothing may be sent yet.
    Waiting,
    /// The credentials were rejected and are not sent again.
    Latched,
    /// The session was closed.
    Closed,
}

/// What is known of a session at one moment.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Status {
    /// Where it stands.
    pub state: SessionState,
    /// The instance's base URL.
    pub instance: String,
    /// The user name; none with a ready-made token.
    pub username: Option<String>,
    /// The tenant, if the server said; 0 is a tenant.
    pub tenant_id: Option<i64>,
    /// How long the token lives.
    pub expires_in: Option<Duration>,
    /// How long until a call refreshes it; zero if the next one does.
    pub refresh_in: Option<Duration>,
    /// Authentication requests that count against the budget now, places held for a second step included.
    pub budget_used: u32,
    /// The budget.
    pub budget_per_minute: u32,
    /// How long the instance asked everybody to wait.
    pub instance_wait: Option<Duration>,
    /// The credentials are known to be rejected.
    pub latched: bool,
    /// The server's wall clock minus ours in milliseconds, if an answer told.
    pub server_ahead_ms: Option<i64>,
}

impl Session {
    /// Makes a session. Nothing is sent until a token is needed.
    ///
    /// # Errors
    /// `InvalidArgument` if there is nothing to sign in with, or the URL is `http://` and that is not allowed there.
    pub fn new(config: &SessionConfig) -> Result<Self, Error> {
        let shared = Arc::new(Shared::new(config)?);
        let timeout = shared.timeout;
        Ok(Self { handle: Arc::new(Handle(shared)), cancel: None, timeout })
    }

    /// A handle whose calls end with `Cancelled` when `token` is triggered. A flight that others need goes on.
    #[must_use]
    pub fn with_cancel(&self, token: &CancelToken) -> Self {
        Self { cancel: Some(token.clone()), ..self.clone() }
    }

    /// A handle whose calls may take so long, instead of the configured timeout.
    #[must_use]
    pub fn with_timeout(&self, timeout: Duration) -> Self {
        Self { timeout, ..self.clone() }
    }

    /// Makes sure that there is a usable token: signs in if there is none, and sends nothing if there is one.
    ///
    /// # Errors
    /// `MfaRequired`: go on with [`submit_mfa`](Self::submit_mfa). `Rejected`, `MustWait`, and what the network brings.
    pub fn login(&self) -> Result<(), Error> {
        self.token().map(drop)
    }

    /// Hands in six digits after `MfaRequired`, and waits for the token.
    ///
    /// # Errors
    /// `InvalidArgument` if these are not six digits or were sent before; `WrongState` if none are asked for (a
    /// challenge lives two minutes: sign in again); `Rejected` if they are wrong: the next attempt starts anew.
    pub fn submit_mfa(&self, code: &str) -> Result<(), Error> {
        let digits = Digits::new(code)?;
        let waiter = Waiter::new(self)?;
        let mut inner = self.shared().inner.lock();
        if inner.closed {
            return Err(flight::closed());
        }
        if inner.flight.is_some() {
            return Err(Error::new(
                ErrorCode::WrongState,
                "six digits are not asked for now; a sign-in is under way",
            ));
        }
        let flight = flight::start(self.shared(), &mut inner, Errand::Digits(digits))?;
        let outcome = waiter.wait(&mut inner, &flight);
        drop(inner);
        outcome?;
        self.usable().map(drop).ok_or_else(signed_out_meanwhile)
    }

    /// The value for the `Authorization` header of a request of your own; signs in or refreshes when needed.
    ///
    /// With a live token this takes no lock that a sign-in or refresh can hold, and reads one clock.
    ///
    /// # Errors
    /// As [`login`](Self::login).
    pub fn authorization(&self) -> Result<Secret, Error> {
        self.with_authorization(Secret::new)
    }

    /// Lends the header value instead of copying it. `use_it` runs on this thread, and may call this session: it then
    /// takes the slower way.
    ///
    /// # Errors
    /// As [`login`](Self::login).
    pub fn with_authorization<T>(&self, use_it: impl FnOnce(&str) -> T) -> Result<T, Error> {
        let shared = self.shared();
        let now = shared.clock.monotonic();
        let mut use_it = Some(use_it);
        let lent = shared.live.lend(|token| match token.age(now) {
            Age::Fresh => use_it.take().map(|use_it| use_it(token.authorization.expose())),
            Age::Early | Age::Late | Age::Over => None,
        });
        match (lent.flatten(), use_it) {
            (Some(result), _) => Ok(result),
            (None, Some(use_it)) => Ok(use_it(self.token()?.authorization.expose())),
            (None, None) => unreachable!("it is taken only to make a result"),
        }
    }

    /// The value of the `token` cookie for `GET /api/v1/uploads/{name}`, which goes without `Authorization`.
    ///
    /// # Errors
    /// As [`login`](Self::login); `Unsupported` if the server gave none.
    pub fn cookie(&self) -> Result<Secret, Error> {
        let token = self.token_with_cookie()?;
        token.cookie.clone().ok_or_else(no_cookie)
    }

    /// A request of your own, with `rejected` as its `Authorization`, was answered with 401. Only that token is
    /// given up; ask for [`authorization`](Self::authorization) and send the request once more. Returns whether that
    /// can help: `false` says that a fresh token was tried already, and the 401 is the answer.
    ///
    /// # Errors
    /// `Closed`.
    pub fn report_unauthorized(&self, rejected: &str) -> Result<bool, Error> {
        let shared = self.shared();
        let inner = shared.inner.lock();
        let generation = inner.machine.generation_of(rejected);
        if inner.closed {
            return Err(flight::closed());
        }
        drop(inner);
        match generation {
            Some(generation) => Ok(self.report(generation)? != Verdict::Final),
            None => Ok(true),
        }
    }

    /// Gets a new token now, even if the one in hand is live.
    ///
    /// # Errors
    /// As [`login`](Self::login). The token in hand stays if the refresh fails.
    pub fn refresh(&self) -> Result<(), Error> {
        let held = self.shared().live.get().map(|live| live.generation);
        self.obtain(Need::NewerThan(held)).map(drop)
    }

    /// Sends a request with the session's token. After a 401 it gets one new token and sends the request once more.
    ///
    /// HTTP errors are responses. Redirects are not followed. `GET /api/v1/uploads/…` goes with the cookie and
    /// without `Authorization`.
    ///
    /// # Errors
    /// What getting a token brings (see [`login`](Self::login)); `Timeout`, `Cancelled`, `Network`, `Tls`, `TooLarge`.
    pub fn request(&self, request: &Request) -> Result<Response, Error> {
        let began = clock::real_now();
        let asked_for = || Duration::from_millis(self.shared().asked_for.load(Ordering::Relaxed));
        let asked_before = asked_for();
        let token = self.token_for(request)?;
        let ends = began + self.timeout + (asked_for() - asked_before);
        let response = self.send(request, &token, ends)?;
        if response.status() != 401 {
            return Ok(response);
        }
        Tally::add(&self.shared().tally.unauthorized);
        if self.report(token.generation)? == Verdict::Final {
            return Ok(response);
        }
        let left = ends.saturating_duration_since(clock::real_now());
        let asked_before = asked_for();
        let token = self.with_timeout(left).token_for(request)?;
        let response = self.send(request, &token, ends + (asked_for() - asked_before))?;
        if response.status() == 401 {
            self.report(token.generation)?;
        }
        Ok(response)
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

    /// Allows rejected credentials to be sent again.
    ///
    /// # Errors
    /// `Closed`.
    pub fn forget_rejection(&self) -> Result<(), Error> {
        self.change_account(|machine, now| machine.forget_rejection(now))
    }

    /// Forgets the token. There is no call for this in PlexTrac's API: the token itself lives on to its end.
    /// Budget, latch and TOTP memory stay.
    ///
    /// # Errors
    /// `Closed`.
    pub fn logout(&self) -> Result<(), Error> {
        self.change_account(|machine, now| machine.sign_out(now))?;
        // Whoever comes from now on has no part in what was under way.
        if let Some(flight) = &self.shared().inner.lock().flight {
            flight.lock().is_abandoned = true;
        }
        self.shared().changed.notify_all();
        Ok(())
    }

    /// Ends the session: every caller returns with `Closed`, and so does every later call. Waits at most one second
    /// for an authentication request that is out. Calling it again does nothing.
    pub fn close(&self) {
        self.shared().close();
    }

    /// Waits until nothing of this session is under way, at most for its timeout. A program that is about to end calls
    /// this, so that a refresh that nobody waits for is not given up on the way.
    pub fn settle(&self) {
        let shared = self.shared();
        if callback::running_for(shared).is_some() {
            return;
        }
        let ends = clock::real_now() + self.timeout;
        let mut inner = shared.inner.lock();
        while inner.flight.is_some() && !inner.closed {
            if shared.changed.wait_until(&mut inner, ends).timed_out() {
                return;
            }
        }
    }

    /// Where the session stands.
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

    /// The tenant of the token in hand, if the server said; 0 is a tenant.
    #[must_use]
    pub fn tenant_id(&self) -> Option<i64> {
        self.shared().live.get()?.tenant_id
    }

    /// Everything that can be said without sending anything.
    #[must_use]
    pub fn status(&self) -> Status {
        let shared = self.shared();
        shared.look();
        let now = shared.clock.monotonic();
        let budget = shared.with_budget(|budget| budget.clone());
        let live = shared.live.get().filter(|live| live.age(now) != Age::Over);
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
            latched: inner.machine.is_latched(),
            server_ahead_ms: inner.machine.server_ahead_ms(),
        }
    }

    /// How often what happened since the session was made.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.shared().tally.read()
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.handle.0
    }

    fn state_of(&self, inner: &Inner) -> SessionState {
        if inner.closed {
            return SessionState::Closed;
        }
        match inner.machine.state(self.shared().clock.now()) {
            State::SigningIn => SessionState::SigningIn,
            State::MfaNeeded => SessionState::MfaNeeded,
            State::Active => SessionState::Active,
            State::Refreshing => SessionState::Refreshing,
            State::Waiting => SessionState::Waiting,
            State::Latched => SessionState::Latched,
            _ => SessionState::SignedOut,
        }
    }

    /// A usable token: the one in hand, as a rule.
    fn token(&self) -> Result<Arc<LiveToken>, Error> {
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

    fn token_for(&self, request: &Request) -> Result<Arc<LiveToken>, Error> {
        if request.goes_with_cookie() { self.token_with_cookie() } else { self.token() }
    }

    /// A ready-made token comes without a cookie; a refresh brings one.
    fn token_with_cookie(&self) -> Result<Arc<LiveToken>, Error> {
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

    fn obtain(&self, need: Need) -> Result<Arc<LiveToken>, Error> {
        let waiter = match Waiter::new(self) {
            Ok(waiter) => waiter,
            // A callback cannot wait for its own flight, but may use a token that is in hand.
            Err(busy) => return self.satisfying(need).ok_or(busy),
        };
        // A flight that was joined may have been about something else; the one after it is about this.
        for _ in 0..3 {
            match self.attempt(need, &waiter) {
                Ok(Some(live)) => return Ok(live),
                Ok(None) => {}
                Err(error) => return self.satisfying_late(need).ok_or(error),
            }
        }
        Err(signed_out_meanwhile())
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

    fn usable(&self) -> Option<Arc<LiveToken>> {
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

    fn report(&self, generation: Generation) -> Result<Verdict, Error> {
        let shared = self.shared();
        let mut inner = shared.inner.lock();
        if inner.closed {
            return Err(flight::closed());
        }
        let now = shared.clock.now();
        let verdict = inner.machine.report_unauthorized(generation, now);
        shared.publish(&inner, now);
        drop(inner);
        match verdict {
            Ok(verdict) => Ok(verdict),
            // Another caller's report is not polled yet; it was about this token, or about one before it.
            Err(InputError::MustDrain) => Ok(Verdict::Renew),
            Err(error) => Err(error.into()),
        }
    }

    /// Changes what is known of the account, here and for those who share it.
    fn change_account(
        &self,
        change: impl Fn(&mut Machine, clock::Time) -> Result<(), InputError>,
    ) -> Result<(), Error> {
        let shared = self.shared();
        if shared.inner.lock().closed {
            return Err(flight::closed());
        }
        if callback::running_for(shared) == Some(Callback::Events) {
            return Err(busy("an event sink cannot change the account: return, and change it then"));
        }
        if shared.sharing.is_some() {
            // First here, so that a flight of this session ends and lets go of the account's lock.
            let _ = shared.change_here(&change);
        }
        let _lock = shared.lock_account(self.timeout)?;
        shared.look();
        shared.change(change).map(drop)
    }

    fn send(&self, request: &Request, token: &LiveToken, ends: Instant) -> Result<Response, Error> {
        let shared = self.shared();
        let mut headers = shared.headers.clone();
        // A request's own header takes the place of the session's.
        headers.retain(|(name, _)| request.headers.iter().all(|(own, _)| own != name));
        headers.extend(request.headers.iter().cloned());
        if request.goes_with_cookie() {
            let cookie = token.cookie.as_ref().ok_or_else(no_cookie)?;
            let value = zeroize::Zeroizing::new(format!("token={}", cookie.expose()));
            let value = secret_header_value(&value).map_err(|_| no_cookie())?;
            headers.push((http::header::COOKIE, value));
        } else {
            headers.push((http::header::AUTHORIZATION, token.header.clone()));
        }
        let url = format!("{}{}", shared.base_url, request.path);
        let tokens: &[&CancelToken] = match &self.cancel {
            Some(cancel) => &[&shared.abort_requests, cancel],
            None => &[&shared.abort_requests],
        };
        let call = Call {
            method: request.method.clone(),
            url: &url,
            headers: &headers,
            body: request.body.as_ref().map(|body| body.as_slice()),
            deadline: ends,
            body_limit: shared.response_limit,
            cancel: tokens,
        };
        let answer = shared.http.call(&call);
        answer.map(Response::from).map_err(|error| request_failed(&error, request, &shared.abort_requests))
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

/// The last handle closes the session; flights hold what is behind it, not this.
struct Handle(Arc<Shared>);

impl Drop for Handle {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// What a caller needs.
#[derive(Clone, Copy)]
enum Need {
    Usable,
    /// A token other than this one.
    NewerThan(Option<Generation>),
}

/// One caller, with its own deadline.
struct Waiter<'a> {
    session: &'a Session,
    began: Instant,
    _wakes: Option<TriggerGuard>,
}

impl<'a> Waiter<'a> {
    fn new(session: &'a Session) -> Result<Self, Error> {
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
        let wakes = session.cancel.as_ref().map(|token| {
            let shared = Arc::clone(session.shared());
            token.on_trigger(Box::new(move || {
                // Taking the lock makes sure that whoever looked at the token before it was triggered sleeps by now.
                drop(shared.inner.lock());
                shared.changed.notify_all();
            }))
        });
        Ok(Self { session, began: clock::real_now(), _wakes: wakes })
    }

    fn check_cancelled(&self) -> Result<(), Error> {
        if self.session.cancel.as_ref().is_some_and(CancelToken::is_triggered) {
            return Err(Error::new(ErrorCode::Cancelled, "the call was cancelled"));
        }
        Ok(())
    }

    fn want(&self, need: Need) -> Want {
        let left = (self.began + self.session.timeout).saturating_duration_since(clock::real_now());
        let deadline = self.session.shared().clock.monotonic() + left;
        Want { fresh: matches!(need, Need::NewerThan(Some(_))), deadline: Some(deadline) }
    }

    fn wait(&self, inner: &mut MutexGuard<'_, Inner>, flight: &Mutex<Flight>) -> Result<(), Error> {
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
            let ends = self.began + self.session.timeout + seen.person_time(now);
            if let Some((until, reason)) = seen.blocked.filter(|_| !seen.is_abandoned) {
                let wait = until.since(shared.clock.monotonic());
                let allowed = match reason {
                    WaitReason::TotpStep => ends,
                    _ => ends.min(self.began + shared.wait),
                };
                // A wait that is over by now is noticed by the flight as well.
                if !wait.is_zero() && now + wait > allowed {
                    return Err(flight::must_wait(wait, reason));
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

/// What the network says of a request of the program itself.
pub(crate) fn request_failed(error: &HttpError, request: &Request, closing: &CancelToken) -> Error {
    if closing.is_triggered() {
        return flight::closed();
    }
    let code = match error.kind() {
        HttpErrorKind::Timeout => ErrorCode::Timeout,
        HttpErrorKind::Cancelled => ErrorCode::Cancelled,
        HttpErrorKind::Tls => ErrorCode::Tls,
        HttpErrorKind::TooLarge => ErrorCode::TooLarge,
        HttpErrorKind::Request => ErrorCode::InvalidArgument,
        HttpErrorKind::Protocol => ErrorCode::UnexpectedAnswer,
        HttpErrorKind::Resolve | HttpErrorKind::Connect | HttpErrorKind::Proxy | HttpErrorKind::Closed => {
            ErrorCode::Network
        }
    };
    let told = Error::new(code, error.to_string());
    // Of a request that may have arrived, nobody knows whether the server acted on it (RFC 9110 §9.2.2).
    if error.was_sent() && !request.method.is_idempotent() { told.not_retryable() } else { told }
}

fn busy(sentence: &str) -> Error {
    Error::new(ErrorCode::Busy, sentence)
}

fn no_cookie() -> Error {
    Error::new(
        ErrorCode::Unsupported,
        "the server gave no cookie with this token, so this endpoint cannot be used",
    )
}

fn signed_out_meanwhile() -> Error {
    Error::new(ErrorCode::NotReady, "there is no token: the session was signed out meanwhile; call again")
}
