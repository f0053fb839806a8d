//! A flight: one attempt to get a token, on a thread of its own, for everybody who waits.
//!
//! A flight belongs to the session, not to the caller that started it: it outlives a caller whose time is
//! over, and its result is kept. Its thread ends with it. No lock is held while it waits for the network, a
//! person, or a moment to come.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use plextrac_auth_core::{
    Budget, Call as AuthCall, Digits, Event, Failure, FailureKind, InputError, Instant as Moment, Machine,
    Output, Response, SharedRecord, TransportFailure, Urgency, WaitReason, Want,
};

use crate::account_lock::AccountLock;
use crate::callback::{self, Callback};
use crate::clock::{self, Time};
use crate::config::Mfa;
use crate::error::{Error, ErrorCode};
use crate::event::{SessionEvent, Tally};
use crate::exchange::{Exchange, Outline};
use crate::http::{Call, CallBody, HttpError, HttpErrorKind, TimeLimit, secret_header_value};
use crate::mfa::{MfaCallback, MfaPrompt};
use crate::shared::{Inner, Shared};
use crate::sharing::Kept;
use crate::sync::{AtomicU64, Mutex, ThreadBuilder};

/// What callers see of a flight. All of it is changed under the session's lock.
#[derive(Default)]
pub(crate) struct Flight {
    /// How it ended. `Ok` says that the attempt is over, not that there is a token.
    pub(crate) outcome: Option<Result<(), Error>>,
    /// Callers that wait for it.
    pub(crate) waiters: usize,
    /// A request is, or was, on its way.
    pub(crate) has_sent: bool,
    /// The server refused the code that was sent last.
    pub(crate) is_code_refused: bool,
    /// Nothing may be sent before this moment.
    pub(crate) blocked: Option<(Moment, WaitReason)>,
    /// It gives up, as nobody waits for it any more or the session was signed out. Its outcome is of no use to whoever
    /// comes now.
    pub(crate) is_abandoned: bool,
    /// A person is being asked since then.
    pub(crate) asking_since: Option<Instant>,
    /// How long persons were asked before that.
    pub(crate) asked_for: Duration,
}

impl Flight {
    /// How long persons were asked until `now`; this time counts against no caller's timeout.
    pub(crate) fn person_time(&self, now: Instant) -> Duration {
        self.asked_for
            + self.asking_since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since))
    }
}

/// What a flight is started for.
pub(crate) enum Errand {
    Token(Want),
    Digits(Digits),
}

/// Starts the session's flight. The caller holds the lock.
pub(crate) fn start(
    shared: &Arc<Shared>,
    inner: &mut Inner,
    errand: Errand,
) -> Result<Arc<Mutex<Flight>>, Error> {
    let flight = Arc::new(Mutex::new(Flight::default()));
    let (for_thread, its_session) = (Arc::clone(&flight), Arc::clone(shared));
    ThreadBuilder::new()
        .name("plextrac-flight".into())
        .spawn(move || run(&its_session, &for_thread, errand))
        .map_err(|error| {
            Error::new(ErrorCode::Network, format!("no thread could be started for the sign-in: {error}"))
        })?;
    inner.flight = Some(Arc::clone(&flight));
    shared.is_flying.store(true, Ordering::Release);
    Ok(flight)
}

/// What comes after a drain, once what is [to be sent](Inner::to_send) was sent.
pub(crate) enum Next {
    ReadShared,
    Ask { until: Moment, attempt: u32 },
    Blocked { until: Moment, reason: WaitReason },
    Over,
}

fn run(shared: &Arc<Shared>, flight: &Mutex<Flight>, errand: Errand) {
    let outcome = catch_unwind(AssertUnwindSafe(|| fly(shared, flight, errand))).unwrap_or_else(|_| {
        let sentence = "a callback or this library panicked during the sign-in; the session is still usable";
        Err(Error::new(ErrorCode::Panic, sentence))
    });
    shared.leave_nothing_behind();
    let mut inner = shared.inner.lock();
    let mut ended = flight.lock();
    ended.outcome = Some(outcome);
    ended.blocked = None;
    ended.asking_since = None;
    inner.flight = None;
    shared.is_flying.store(false, Ordering::Release);
    drop((ended, inner));
    shared.changed.notify_all();
}

fn fly(shared: &Arc<Shared>, flight: &Mutex<Flight>, errand: Errand) -> Result<(), Error> {
    // Held from the look at the shared record until what follows from it is written down; never while waiting for a
    // person or for a moment to come.
    let mut lock: Option<AccountLock<'_>> = None;
    let mut next = match errand {
        Errand::Token(want) => shared.want(want)?,
        Errand::Digits(digits) => shared.step(|machine, now| machine.submit_digits(digits, now))?,
    };
    loop {
        if let Some(request) = shared.take_request()? {
            flight.lock().has_sent = true;
            next = exchange(shared, &request)?;
            // After an accepted code nothing is left to do. After a refused one the machine goes on to the next sign-in.
            let goes_on = !matches!(next, Next::Over) || shared.inner.lock().to_send.is_some();
            let is_refused = request.call == AuthCall::Mfa && goes_on;
            flight.lock().is_code_refused = is_refused;
            if is_refused {
                shared.tell(&SessionEvent::CodeRefused);
            }
            continue;
        }
        next = match next {
            Next::Over => return Ok(()),
            Next::ReadShared => {
                if lock.is_none() {
                    match shared.lock_account_for(|inner| is_needed(inner, flight))? {
                        Some(locked) => lock = Some(locked),
                        // Nobody waits for what could be done with it.
                        None => return Ok(()),
                    }
                }
                shared.read_shared()?
            }
            Next::Ask { until, attempt } => {
                lock = None;
                match &shared.mfa {
                    Mfa::Callback(callback) => ask(shared, flight, callback, until, attempt)?,
                    // With a TOTP secret the machine never asks.
                    Mfa::Submitted | Mfa::Totp(_) => return Err(mfa_required()),
                }
            }
            Next::Blocked { until, reason } => {
                lock = None;
                hold_until(shared, flight, until, reason)?;
                shared.step(|_, _| Ok(()))?
            }
        };
    }
}

/// Whether anybody waits for a flight that has sent nothing yet.
fn is_needed(inner: &Inner, flight: &Mutex<Flight>) -> Result<(), Error> {
    let mut seen = flight.lock();
    if inner.closed {
        return Err(closed());
    }
    if seen.waiters == 0 && !seen.has_sent {
        seen.is_abandoned = true;
    }
    if seen.is_abandoned { Err(signed_out()) } else { Ok(()) }
}

fn exchange(shared: &Shared, request: &plextrac_auth_core::Request) -> Result<Next, Error> {
    Tally::add(match request.call {
        AuthCall::SignIn => &shared.tally.sign_ins_sent,
        AuthCall::Mfa => &shared.tally.mfa_sent,
        AuthCall::Refresh => &shared.tally.refreshes_sent,
    });
    let began = clock::real_now();
    let sent = send(shared, request);
    report(shared, request, sent.as_ref().ok(), began);
    match sent {
        Ok(answer) => {
            let headers: Vec<(&str, &[u8])> =
                answer.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
            let response = Response { status: answer.status, headers: &headers, body: &answer.body };
            shared.step(|machine, now| machine.handle_response(request.id, &response, now))
        }
        Err(error) => {
            let failure = transport_failure(error.kind());
            shared.step_because(|machine, now| machine.handle_failure(request.id, failure, now), Some(&error))
        }
    }
}

/// Reports the outline to the program, if it wants it.
fn report(
    shared: &Shared,
    request: &plextrac_auth_core::Request,
    answer: Option<&crate::http::Answer>,
    began: Instant,
) {
    let Some(sink) = &shared.exchanges else { return };
    let exchange = Exchange {
        method: request.method,
        path: request.path,
        answer: answer.map(|answer| Outline::of(answer.status, &answer.headers, &answer.body)),
        took: clock::real_now().saturating_duration_since(began),
    };
    // A sink that panics is no reason to lose a token.
    drop(callback::run(Callback::Events, shared, || (sink.0)(&exchange)));
}

fn send(shared: &Shared, request: &plextrac_auth_core::Request) -> Result<crate::http::Answer, HttpError> {
    let mut headers = shared.headers.clone();
    for (name, value) in &request.headers {
        // The core hands out header-safe values only.
        if let (Ok(name), Ok(value)) = (name.parse(), secret_header_value(value.expose())) {
            headers.push((name, value));
        }
    }
    let time_left = request.deadline.since(shared.clock.now().monotonic);
    shared.http.call(&Call {
        method: request.method.parse().unwrap_or(http::Method::POST),
        url: &request.url,
        headers: &headers,
        body: request.body.as_ref().map(|body| CallBody::Bytes(body.expose())),
        limit: TimeLimit::Whole(clock::real_now() + time_left),
        body_limit: plextrac_auth_core::MAX_BODY,
        cancel: &[&shared.abort_flights],
    })
}

fn ask(
    shared: &Arc<Shared>,
    flight: &Mutex<Flight>,
    callback: &MfaCallback,
    until: Moment,
    attempt: u32,
) -> Result<Next, Error> {
    let prompt = MfaPrompt {
        attempt,
        time_left: until.since(shared.clock.now().monotonic),
        username: shared.username.clone().unwrap_or_default(),
        instance: shared.base_url.clone(),
    };
    note_asking(shared, flight, true);
    let answer = callback::run(Callback::Mfa, shared, || callback(&prompt));
    note_asking(shared, flight, false);
    let digits = match answer {
        Ok(Some(code)) => Digits::new(&code).map_err(Error::from),
        Ok(None) => Err(mfa_required()),
        Err(_) => Err(Error::new(ErrorCode::Panic, "the MFA callback panicked; the session is still usable")),
    };
    match digits {
        Ok(digits) => match shared.step(|machine, now| machine.submit_digits(digits, now)) {
            // The challenge lapsed, which the machine tells when it is polled; or the session was signed out.
            Err(error) if error.code() == ErrorCode::WrongState => {
                shared.step(|_, _| Ok(())).and(Err(signed_out()))
            }
            Err(error) if error.code() == ErrorCode::InvalidArgument => {
                abandon(shared, shared.timeout);
                Err(digits_refused_before())
            }
            next => next,
        },
        Err(error) => {
            abandon(shared, shared.timeout);
            Err(error)
        }
    }
}

/// The challenge is of no use without digits; the want goes with it. Others who share the account are told that
/// nobody is being asked any more.
pub(crate) fn abandon(shared: &Shared, patience: Duration) {
    let _ = shared.step(|machine, _| machine.abandon_mfa());
    if shared.sharing.is_some() {
        let _lock = shared.lock_account(patience);
        let _ = shared.read_shared();
    }
}

fn note_asking(shared: &Shared, flight: &Mutex<Flight>, begins: bool) {
    let now = clock::real_now();
    let inner = shared.inner.lock();
    let mut flight = flight.lock();
    let asked_for = flight.person_time(now);
    shared.asked_for.fetch_add(millis(asked_for.saturating_sub(flight.asked_for)), Ordering::Relaxed);
    flight.asked_for = asked_for;
    flight.asking_since = begins.then_some(now);
    drop((inner, flight));
    shared.changed.notify_all();
}

/// Waits for `until` as long as anybody waits for the flight.
fn hold_until(
    shared: &Shared,
    flight: &Mutex<Flight>,
    until: Moment,
    reason: WaitReason,
) -> Result<(), Error> {
    let wait = until.since(shared.clock.now().monotonic);
    if flight.lock().waiters > 0 {
        shared.tell(&SessionEvent::Waiting { wait, reason: reason.as_str() });
    }
    let mut looks_at = clock::real_now() + LOOK_EVERY;
    let mut inner = shared.inner.lock();
    flight.lock().blocked = Some((until, reason));
    shared.changed.notify_all();
    loop {
        let left = until.since(shared.clock.now().monotonic);
        let is_closed = inner.closed;
        let mut seen = flight.lock();
        // Who joins an abandoned flight waits for its end, and then for the next one.
        if is_closed || seen.is_abandoned || seen.waiters == 0 {
            seen.is_abandoned = true;
            drop((seen, inner));
            // Nobody waits for it any more, so the want is not left standing.
            drop(shared.step(|machine, _| machine.withdraw()));
            return Err(if is_closed { closed() } else { must_wait(left, reason) });
        }
        drop(seen);
        // Another thread's input may have moved the machine on.
        if left.is_zero() || inner.to_send.is_some() {
            flight.lock().blocked = None;
            return Ok(());
        }
        let slice = if shared.clock.is_moved_by_hand() { left.min(HAND_MOVED_SLICE) } else { left };
        let slice = if shared.sharing.is_some() { slice.min(LOOK_EVERY) } else { slice };
        shared.changed.wait_for(&mut inner, slice);
        // By the clock: whoever else looks, all the time perhaps, wakes this thread as well.
        if shared.sharing.is_some() && clock::real_now() >= looks_at {
            looks_at = clock::real_now() + LOOK_EVERY;
            drop(inner);
            shared.look();
            inner = shared.inner.lock();
            if inner.machine.urgency(shared.clock.now()) == Urgency::Served {
                flight.lock().blocked = None;
                return Ok(());
            }
        }
    }
}

/// How often a flight that waits for a moment looks whether another process has a token by then.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A clock that tests move tells nobody when it jumps.
const HAND_MOVED_SLICE: Duration = Duration::from_millis(5);

/// What a drain brought.
struct Drained {
    next: Next,
    /// When a want would start something, if nothing is under way and none is blocked.
    rests_until: Option<Moment>,
    events: Vec<Event>,
    records: Vec<SharedRecord>,
}

fn drain(inner: &mut Inner, budget: &mut Budget, now: Time, quiet_until: &AtomicU64) -> Drained {
    let (mut events, mut records, mut rests_until) = (Vec::new(), Vec::new(), None);
    let next = loop {
        match inner.machine.poll(budget, now) {
            // Whichever thread brought the machine to it, the flight sends it.
            Output::Send(request) => inner.to_send = Some(request),
            Output::Keep(record) => records.push(record),
            Output::Event(event) => events.push(event),
            Output::ReadShared => break Next::ReadShared,
            Output::NeedDigits { until, attempt } => break Next::Ask { until, attempt },
            Output::Wait { until, reason } => {
                if reason.is_blocked() {
                    quiet_until.store(until.as_millis(), Ordering::Relaxed);
                    break Next::Blocked { until, reason };
                }
                rests_until = (reason != WaitReason::AnswerOutstanding).then_some(until);
                break Next::Over;
            }
            output if output.is_last() => break Next::Over,
            // Outputs added later that are no last ones are of no use to this driver.
            _ => {}
        }
    };
    Drained { next, rests_until, events, records }
}

/// What an input came to.
struct Stepped {
    next: Next,
    rests_until: Option<Moment>,
    /// What became of the record that was to be kept, if one was.
    kept: Option<Kept>,
    /// What ended the want that stood.
    failed: Option<Error>,
}

impl Stepped {
    fn next(self) -> Result<Next, Error> {
        self.failed.map_or(Ok(self.next), Err)
    }
}

impl Shared {
    /// Hands one input to the machine, and does everything that follows but what the returned value says.
    pub(crate) fn step(
        &self,
        input: impl FnOnce(&mut Machine, Time) -> Result<(), InputError>,
    ) -> Result<Next, Error> {
        self.step_because(input, None)
    }

    /// The same for whoever is no flight: a want that ends by this is the flight's to tell. Returns what became of the
    /// record that was to be kept, if one was.
    pub(crate) fn change(
        &self,
        input: impl FnOnce(&mut Machine, Time) -> Result<(), InputError>,
    ) -> Result<Option<Kept>, Error> {
        self.drained_after(input, None).map(|stepped| stepped.kept)
    }

    /// Brings what is known of the account up to date with what others wrote down. A flight goes on undisturbed.
    pub(crate) fn look(&self) {
        if self.sharing.is_some() {
            let record = self.recorded();
            let _ = self.change(|machine, now| machine.look_at(record.as_ref(), now));
        }
    }

    fn want(&self, want: Want) -> Result<Next, Error> {
        self.decided_after(|machine, _| machine.want(want))
    }

    /// For an input after which the machine decides what comes of the want: nothing, perhaps, until a moment.
    fn decided_after(
        &self,
        input: impl FnOnce(&mut Machine, Time) -> Result<(), InputError>,
    ) -> Result<Next, Error> {
        let stepped = self.drained_after(input, None)?;
        if let Some(until) = stepped.rests_until {
            self.quiet_until.store(until.as_millis(), Ordering::Relaxed);
        }
        stepped.next()
    }

    /// The shared record, handed to the machine that asked for it.
    fn read_shared(&self) -> Result<Next, Error> {
        let record = self.recorded();
        self.decided_after(|machine, now| machine.handle_shared(record.as_ref(), now)).map_err(|error| {
            // It does not want to know any more.
            if error.code() == ErrorCode::WrongState { signed_out() } else { error }
        })
    }

    fn recorded(&self) -> Option<SharedRecord> {
        let read = self.sharing.as_ref().map(|sharing| sharing.read(self.clock.now()));
        read.and_then(|read| self.or_notice(read))
    }

    /// What is to be sent now. A request that must not be sent stays, for [`leave_nothing_behind`](Self::leave_nothing_behind).
    fn take_request(&self) -> Result<Option<plextrac_auth_core::Request>, Error> {
        let mut inner = self.inner.lock();
        if inner.to_send.as_ref().is_some_and(|request| request.call != AuthCall::Refresh) {
            self.check_store()?;
        }
        Ok(inner.to_send.take())
    }

    /// What a flight began and does not end must not stand in the way of the next.
    fn leave_nothing_behind(&self) {
        let unsent = self.inner.lock().to_send.take();
        if let Some(unsent) = unsent {
            let _ =
                self.step(|machine, now| machine.handle_failure(unsent.id, TransportFailure::Cancelled, now));
        }
        let is_wanted = self.inner.lock().machine.is_wanted();
        if is_wanted {
            let _ = self.step(|machine, _| machine.withdraw());
        }
    }

    /// Changes the machine and writes nothing down.
    pub(crate) fn change_here(
        &self,
        change: impl FnOnce(&mut Machine, Time) -> Result<(), InputError>,
    ) -> Result<(), InputError> {
        let mut budget = self.budget.lock();
        let mut inner = self.inner.lock();
        let now = self.clock.now();
        if !inner.machine.is_drained() {
            drop(drain(&mut inner, &mut budget, now, &self.quiet_until));
        }
        let changed = change(&mut inner.machine, now);
        drop(drain(&mut inner, &mut budget, now, &self.quiet_until));
        self.publish(&inner, now);
        self.changed.notify_all();
        changed
    }

    /// `cause` is what the HTTP client said, if the input is that it failed.
    fn step_because(
        &self,
        input: impl FnOnce(&mut Machine, Time) -> Result<(), InputError>,
        cause: Option<&HttpError>,
    ) -> Result<Next, Error> {
        self.drained_after(input, cause)?.next()
    }

    fn drained_after(
        &self,
        input: impl FnOnce(&mut Machine, Time) -> Result<(), InputError>,
        cause: Option<&HttpError>,
    ) -> Result<Stepped, Error> {
        let (drained, before) = self.with_budget(|budget| {
            let mut inner = self.inner.lock();
            let now = self.clock.now();
            // A 401 that was reported, or a panic, leaves outputs behind.
            let before =
                (!inner.machine.is_drained()).then(|| drain(&mut inner, budget, now, &self.quiet_until));
            let drained =
                input(&mut inner.machine, now).map(|()| drain(&mut inner, budget, now, &self.quiet_until));
            self.publish(&inner, now);
            (drained, before)
        });
        self.changed.notify_all();
        if let Some(before) = before {
            let _ = self.keep(&before.records);
            drop(self.tell_all(before.events, None));
        }
        let drained = drained.map_err(|error| match error {
            // The session was signed out, or the clock jumped past the request's deadline, while it was out.
            InputError::Stale => signed_out(),
            error => error.into(),
        })?;
        let kept = self.keep(&drained.records);
        let failed = self.tell_all(drained.events, cause);
        Ok(Stepped { next: drained.next, rests_until: drained.rests_until, kept, failed })
    }

    /// Writes down what is to be kept. What a store could not do is told, and returned for whoever relies on it.
    fn keep(&self, records: &[SharedRecord]) -> Option<Kept> {
        // Each is the whole record; the last one says it all.
        let (Some(sharing), Some(record)) = (&self.sharing, records.last()) else { return None };
        let kept = sharing.keep(record, self.clock.now());
        self.or_notice(kept.account.clone().and(kept.token.clone()));
        Some(kept)
    }

    /// Tells what happened; returns the failure that ended the want, if one did.
    fn tell_all(&self, events: Vec<Event>, cause: Option<&HttpError>) -> Option<Error> {
        let mut failed = None;
        for event in events {
            let event = match event {
                Event::SignedIn { .. } => {
                    Tally::add(&self.tally.tokens_received);
                    SessionEvent::SignedIn
                }
                Event::TokenReplaced { .. } => {
                    Tally::add(&self.tally.tokens_received);
                    SessionEvent::Refreshed
                }
                Event::Adopted { .. } => {
                    Tally::add(&self.tally.tokens_adopted);
                    SessionEvent::Adopted
                }
                Event::SignInNeeded => SessionEvent::SignInNeeded,
                Event::SignedOut => SessionEvent::SignedOut,
                Event::SkewSeen { server_ahead_ms } => SessionEvent::SkewSeen { server_ahead_ms },
                Event::Failed(failure) => {
                    Tally::add(&self.tally.failures);
                    if failure.kind() == FailureKind::Rejected {
                        self.tell(&SessionEvent::Latched);
                    }
                    let error = failed_with(failure, cause);
                    failed = Some(error.clone());
                    SessionEvent::Failed(error)
                }
                _ => continue,
            };
            self.tell(&event);
        }
        failed
    }
}

fn failed_with(failure: Failure, cause: Option<&HttpError>) -> Error {
    let error = Error::from(failure);
    match cause {
        Some(cause) => error.with_detail(&cause.to_string()),
        None => error,
    }
}

pub(crate) fn transport_failure(kind: HttpErrorKind) -> TransportFailure {
    match kind {
        HttpErrorKind::Timeout => TransportFailure::Timeout,
        HttpErrorKind::Cancelled => TransportFailure::Cancelled,
        HttpErrorKind::Resolve | HttpErrorKind::Connect | HttpErrorKind::Proxy => TransportFailure::Connect,
        HttpErrorKind::Tls => TransportFailure::Tls,
        HttpErrorKind::TooLarge => TransportFailure::TooLarge,
        HttpErrorKind::Closed | HttpErrorKind::Protocol | HttpErrorKind::Request | HttpErrorKind::Body => {
            TransportFailure::Other
        }
    }
}

pub(crate) fn must_wait(wait: Duration, reason: WaitReason) -> Error {
    let sentence = format!("nothing may be sent yet: {}", reason.as_str());
    Error::new(ErrorCode::MustWait, sentence).with_retry_after(wait)
}

/// The server refused the code of this attempt, and the next one is not possible yet.
pub(crate) fn code_refused(wait: Duration, reason: WaitReason) -> Error {
    let sentence = format!(
        "the server refused the one-time code: it was mistyped, is out of date, or was used before; the next attempt has \
         to wait: {}",
        reason.as_str()
    );
    Error::new(ErrorCode::Rejected, sentence).with_retry_after(wait)
}

pub(crate) fn closed() -> Error {
    Error::new(ErrorCode::Closed, "the session was closed")
}

pub(crate) fn signed_out() -> Error {
    Error::new(ErrorCode::Cancelled, "the session was signed out while this was under way; call again")
}

fn digits_refused_before() -> Error {
    let sentence = "the callback gave six digits that the server refused before; they are not sent again";
    Error::new(ErrorCode::Rejected, sentence)
}

pub(crate) fn mfa_required() -> Error {
    Error::new(
        ErrorCode::MfaRequired,
        "the password was right, and six digits are needed: submit them within two minutes, or set a TOTP secret or a callback",
    )
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(all(test, not(plextrac_shuttle)))]
mod tests {
    use plextrac_emulator::{Emulator, Fault, Target};

    use super::*;
    use crate::{Session, SessionConfig};

    #[test]
    fn a_blocked_flight_that_was_abandoned_ends_though_somebody_joined_it_since() {
        let emulator = Emulator::start().unwrap();
        emulator.fault(Fault::on(Target::SignIn).rate_limited(Some("20")));
        let mut config = SessionConfig::new(&emulator.url()).unwrap();
        config.proxy("").unwrap().password("service@example.com", "service-password").unwrap();
        let session = Session::new(config.wait(Duration::from_secs(25))).unwrap();
        assert_eq!(session.login().unwrap_err().code(), ErrorCode::MustWait);

        std::thread::scope(|scope| {
            let caller = scope.spawn(|| session.login());
            let shared = session.shared();
            let limit = clock::real_now() + Duration::from_secs(10);
            let mut inner = shared.inner.lock();
            let flight = loop {
                let flight = inner.flight.clone();
                if let Some(flight) = flight.filter(|flight| flight.lock().blocked.is_some()) {
                    break flight;
                }
                assert!(!shared.changed.wait_until(&mut inner, limit).timed_out(), "no flight is blocked");
            };
            // As signing out leaves it, with somebody who joins before the flight's thread wakes up.
            flight.lock().is_abandoned = true;
            flight.lock().waiters += 1;
            shared.changed.notify_all();
            while flight.lock().outcome.is_none() {
                assert!(
                    !shared.changed.wait_until(&mut inner, limit).timed_out(),
                    "the flight goes on waiting"
                );
            }
            drop(inner);
            session.close();
            caller.join().unwrap().unwrap_err();
        });
    }
}
