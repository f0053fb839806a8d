//! Carries out what the coordinator says: threads, HTTP, the store, the person's code.
//!
//! Nothing is decided here. Every input goes through [`Shared::input`]: it hands the input in under the session's lock,
//! polls to the last action, and queues the work. Whichever thread is free does the work:
//!
//! ```text
//!   caller ──► input ──► work queue ──► worker threads: Send, Ask, Read, Write, watch
//!     ▲          │                          │
//!     └── woken ─┴──────── input ◄──────────┘ (the answer, or that it failed)
//! ```
//!
//! A caller that waits reads and writes a local store by itself, so that a token in the record costs no thread. Worker
//! threads are started when there is work for them, and end when nothing is under way. While one of them blocks in a
//! request, another renews the claim.

use std::collections::HashMap;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use plextrac_auth_core::{
    Action, Budget, Call as AuthCall, CallerId, Coordinator, Event, Failure, FailureKind,
    KeepEnd as CoreKeepEnd, OneTimeCode, OperationId, Prompt, RecordKind, Request, RequestId, Response,
    StoredRecord, Time, TransportFailure, Version, Wait, Watch, Write,
};

use zeroize::Zeroizing;

use crate::callback::{self, Callback};
use crate::clock;
use crate::config::Mfa;
use crate::error::{Error, ErrorCode};
use crate::event::{AtomicCounters, SessionEvent};
use crate::exchange::{Exchange, Outline};
use crate::http::{Answer, Call, CallBody, HttpError, HttpErrorKind, TimeLimit, secret_header_value};
use crate::mfa::MfaPrompt;
use crate::session::keep::Kept;
use crate::session::{KeepEnd, Keeper};
use crate::shared::Shared;
use crate::store::{CallLimits, StoreError, StoreErrorKind, Watched};
use crate::sync::{MutexGuard, ThreadBuilder};

/// What the session's lock guards. Held for decisions only, never while anything waits.
pub(crate) struct Inner {
    pub(crate) coordinator: Coordinator,
    pub(crate) closed: bool,
    /// Callers whose call is over and that have not returned yet.
    woken: HashMap<CallerId, Result<(), Error>>,
    work: VecDeque<Work>,
    wait: Wait,
    workers: usize,
    idle_workers: usize,
    /// Callers that wait, and so look at the clock.
    waiting_callers: usize,
    events: VecDeque<SessionEvent>,
    /// What the call that keeps the session alive has not seen yet.
    pub(crate) kept: VecDeque<Kept>,
    /// A call, or the configuration, keeps the session alive.
    pub(crate) is_kept: bool,
    /// When something was handed in last: for when the clock panics.
    latest: Time,
}

/// One thing to do, outside of the lock.
enum Work {
    Send(Request),
    Read(OperationId, RecordKind),
    Write(Write),
    Ask(Prompt),
}

/// Names a piece of work, to say that it failed.
#[derive(Clone, Copy)]
enum WorkId {
    Request(RequestId),
    Operation(OperationId),
    Prompt,
}

/// More than a failure says: what the HTTP client or the callback did.
enum Cause {
    Detail(String),
    Instead(Error),
}

impl Inner {
    pub(crate) fn new(coordinator: Coordinator, now: Time) -> Self {
        Self {
            coordinator,
            closed: false,
            woken: HashMap::new(),
            work: VecDeque::new(),
            wait: Wait::default(),
            workers: 0,
            idle_workers: 0,
            waiting_callers: 0,
            events: VecDeque::new(),
            kept: VecDeque::new(),
            is_kept: false,
            latest: now,
        }
    }

    /// Polls to the last action.
    fn drain(&mut self, budget: &mut Budget, now: Time, cause: Option<&Cause>) {
        loop {
            match self.coordinator.poll(budget, now) {
                Action::Send(request) => self.work.push_back(Work::Send(request)),
                Action::Read { id, record } => self.work.push_back(Work::Read(id, record)),
                Action::Write(write) => self.work.push_back(Work::Write(write)),
                Action::Ask(prompt) => self.work.push_back(Work::Ask(prompt)),
                Action::Wake { caller, result } => {
                    let result = result.map_err(|failure| failed_with(failure, cause));
                    self.woken.insert(caller, result);
                }
                Action::Event(event) => {
                    self.kept.extend(kept(&event));
                    // Nobody may be there to see them.
                    self.kept.drain(..self.kept.len().saturating_sub(LAST_KEPT));
                    self.events.extend(session_events(event, cause, now));
                }
                Action::Wait(wait) => {
                    self.events.extend(waiting(&wait, &self.wait, now));
                    self.wait = wait;
                    return;
                }
                // Ignore unknown actions that do not end the drain.
                _ => {}
            }
        }
    }

    /// A read or a write.
    fn take_operation(&mut self) -> Option<Work> {
        let index = self.work.iter().position(|work| matches!(work, Work::Read(..) | Work::Write(_)))?;
        self.work.remove(index)
    }

    /// Whether there is something to do that a thread must wait for.
    fn needs_worker(&self) -> bool {
        let has_timer = self.wait.until.is_some() && !self.coordinator.is_idle();
        !self.work.is_empty() || self.wait.watch.is_some() || (has_timer && self.waiting_callers == 0)
    }
}

impl Shared {
    /// Hands something in, and queues what follows. Every input comes through here.
    pub(crate) fn input<T>(self: &Arc<Self>, input: impl FnOnce(&mut Coordinator, Time) -> T) -> T {
        let now = self.now();
        self.input_at(now, None, input)
    }

    fn input_at<T>(
        self: &Arc<Self>,
        now: Time,
        cause: Option<&Cause>,
        input: impl FnOnce(&mut Coordinator, Time) -> T,
    ) -> T {
        let mut budget = self.budget.lock();
        let mut inner = self.inner.lock();
        // The clock was read before the lock was there: others may have been faster.
        let now = if now.monotonic < inner.latest.monotonic { inner.latest } else { now };
        inner.latest = now;
        if !inner.coordinator.is_drained() {
            // A panic in the middle of an input left actions behind.
            inner.drain(&mut budget, now, None);
        }
        let result = input(&mut inner.coordinator, now);
        inner.drain(&mut budget, now, cause);
        drop(budget);
        self.publish(&inner, now);
        drop(inner);
        self.stop_watch.lock().trigger();
        // A caller that returns finds its events reported.
        self.report_events();
        self.changed.notify_all();
        result
    }

    /// Time has passed.
    fn pass_time(self: &Arc<Self>) {
        self.input(|_, _| ());
    }

    /// Both clocks, and the one for callers' deadlines.
    pub(crate) fn now(&self) -> Time {
        self.clock.now().with_awake(clock::awake_ms())
    }

    /// Waits until the caller's call is over. `leaves` says why it ends early, if it does.
    pub(crate) fn wait_for(
        self: &Arc<Self>,
        caller: CallerId,
        leaves: impl Fn() -> Result<(), Error>,
    ) -> Result<(), Error> {
        loop {
            let mut inner = self.inner.lock();
            if let Some(result) = inner.woken.remove(&caller) {
                return if inner.closed { Err(closed()) } else { result };
            }
            if inner.closed {
                return Err(closed());
            }
            if let Err(error) = leaves() {
                drop(inner);
                let _ = self.input(|coordinator, now| coordinator.leave(caller, now));
                self.inner.lock().woken.remove(&caller);
                self.start_workers();
                return Err(error);
            }
            if self.has_local_store()
                && let Some(work) = inner.take_operation()
            {
                drop(inner);
                self.carry_out(work);
                continue;
            }
            inner.waiting_callers += 1;
            drop(inner);
            self.start_workers();
            let mut inner = self.inner.lock();
            if !inner.woken.contains_key(&caller) && !inner.closed && leaves().is_ok() {
                self.sleep(&mut inner);
            }
            inner.waiting_callers -= 1;
            let is_due = self.is_due(&inner.wait);
            drop(inner);
            if is_due {
                self.pass_time();
            }
        }
    }

    /// Sleeps until something changes or a moment of the coordinator has come.
    fn sleep(&self, inner: &mut MutexGuard<'_, Inner>) {
        match self.time_left(&inner.wait) {
            Some(left) if left.is_zero() => {}
            // The system's clock for waiting stands still while the computer sleeps.
            Some(left) => drop(self.changed.wait_for(inner, left.min(LONGEST_SLEEP))),
            None => self.changed.wait(inner),
        }
    }

    /// How long until the next moment of the coordinator; a slice of that on a clock that jumps.
    fn time_left(&self, wait: &Wait) -> Option<Duration> {
        let now = self.now();
        let monotonic = wait
            .until
            .map(|until| until.since(now.monotonic))
            .map(|left| if self.clock.is_moved_by_hand() { left.min(HAND_MOVED_SLICE) } else { left });
        let awake = wait.awake_until.map(|until| until.since(now.awake));
        [monotonic, awake].into_iter().flatten().min()
    }

    fn is_due(&self, wait: &Wait) -> bool {
        let now = self.now();
        wait.until.is_some_and(|until| now.monotonic >= until)
            || wait.awake_until.is_some_and(|until| now.awake >= until)
    }

    /// Starts a worker thread if there is work and none is free.
    pub(crate) fn start_workers(self: &Arc<Self>) {
        let mut inner = self.inner.lock();
        if !inner.needs_worker() || inner.idle_workers > 0 {
            return;
        }
        inner.workers += 1;
        inner.idle_workers += 1;
        drop(inner);
        let session = Arc::clone(self);
        let started = ThreadBuilder::new().name("plextrac-worker".into()).spawn(move || session.run_worker());
        if let Err(error) = started {
            let mut inner = self.inner.lock();
            inner.workers -= 1;
            inner.idle_workers -= 1;
            let unstarted = std::mem::take(&mut inner.work);
            drop(inner);
            let sentence = format!("no thread could be started for the sign-in: {error}");
            for work in unstarted {
                self.hand_in_failure(work.id(), Error::new(ErrorCode::Network, sentence.clone()));
            }
        }
    }

    /// A worker's life. A panic in a callback, a store or a clock ends neither the worker nor the session.
    fn run_worker(self: Arc<Self>) {
        loop {
            let mut inner = self.inner.lock();
            if let Some(work) = inner.work.pop_front() {
                inner.idle_workers -= 1;
                drop(inner);
                // This thread is about to block: the claim must be renewed meanwhile, and others may have work.
                if self.store.is_some() || !matches!(work, Work::Send(_)) {
                    self.start_workers();
                }
                let id = work.id();
                if catch_unwind(AssertUnwindSafe(|| self.carry_out(work))).is_err() {
                    let sentence = "a callback, a store or a clock panicked during the sign-in; the session is still usable";
                    self.hand_in_failure(id, Error::new(ErrorCode::Panic, sentence));
                }
                self.inner.lock().idle_workers += 1;
                continue;
            }
            // One thread is enough to look at the clock.
            if !inner.needs_worker() || inner.idle_workers > 1 {
                inner.workers -= 1;
                inner.idle_workers -= 1;
                drop(inner);
                self.changed.notify_all();
                return;
            }
            let watched = catch_unwind(AssertUnwindSafe(|| self.wait_for_change(inner)));
            if watched.is_err() {
                self.pass_time_after_panic();
            }
        }
    }

    /// Waits until there is work, a moment has come, or the watched record has changed.
    fn wait_for_change(self: &Arc<Self>, mut inner: MutexGuard<'_, Inner>) {
        let watch = inner.wait.watch.clone();
        match (watch, &self.store) {
            (Some(watch), Some(attached)) if !watch.is_urgent && attached.store.is_local() => {
                self.watch_at_leisure(inner, &watch);
            }
            (Some(watch), Some(_)) => self.watch(inner, &watch, LONGEST_WATCH),
            _ => {
                self.sleep(&mut inner);
                let is_due = self.is_due(&inner.wait);
                drop(inner);
                if is_due {
                    self.pass_time();
                }
            }
        }
    }

    /// Looks at the record once a second: a look at a directory costs little, and an eager watch of it many looks.
    fn watch_at_leisure(self: &Arc<Self>, inner: MutexGuard<'_, Inner>, watch: &Watch) {
        let Some(attached) = &self.store else { return };
        drop(inner);
        if let Some(owner) = watch.owner.filter(|owner| attached.store.is_gone(*owner)) {
            return self.input(|coordinator, _| coordinator.handle_owner_gone(owner)).unwrap_or(());
        }
        let mut inner = self.inner.lock();
        if inner.wait.watch.as_ref() != Some(watch) || !inner.work.is_empty() {
            return;
        }
        let left = self.time_left(&inner.wait).unwrap_or(LEISURE).min(LEISURE);
        let is_over = self.changed.wait_for(&mut inner, left).timed_out();
        if self.is_due(&inner.wait) {
            drop(inner);
            self.pass_time();
        } else if is_over && inner.wait.watch.as_ref() == Some(watch) {
            self.watch(inner, watch, Duration::ZERO);
        }
    }

    fn watch(self: &Arc<Self>, inner: MutexGuard<'_, Inner>, watch: &Watch, longest: Duration) {
        let Some(attached) = &self.store else { return };
        let left = self.time_left(&inner.wait).unwrap_or(longest).min(longest);
        // From here on every input ends the watch.
        let stop = crate::cancel::CancelToken::new();
        *self.stop_watch.lock() = stop.clone();
        drop(inner);
        let limits = CallLimits { deadline: clock::real_now() + left, cancel: &stop };
        let name = attached.names.get(RecordKind::Account);
        match attached.store.watch(name, watch.version, watch.owner, &limits) {
            Ok(Watched::Changed) => {
                self.input(|coordinator, _| coordinator.handle_record_changed()).unwrap_or(())
            }
            Ok(Watched::OwnerGone) => {
                if let Some(owner) = watch.owner {
                    self.input(|coordinator, _| coordinator.handle_owner_gone(owner)).unwrap_or(());
                }
            }
            Ok(Watched::Over) => {
                let is_due = self.is_due(&self.inner.lock().wait);
                if is_due {
                    self.pass_time();
                }
            }
            Err(error) => {
                self.notice(&error);
                // The record is read again after a pause, for as long as somebody waits for it.
                let mut inner = self.inner.lock();
                self.changed.wait_for(&mut inner, WATCH_PAUSE);
                drop(inner);
                self.input(|coordinator, _| coordinator.handle_record_changed()).unwrap_or(());
            }
        }
    }

    fn carry_out(self: &Arc<Self>, work: Work) {
        match work {
            Work::Send(request) => self.send(&request),
            Work::Read(id, record) => self.read(id, record),
            Work::Write(write) => self.write(&write),
            Work::Ask(prompt) => self.ask(prompt),
        }
    }

    /// Says that a piece of work failed, whatever has happened to the clock.
    fn hand_in_failure(self: &Arc<Self>, id: WorkId, error: Error) {
        let now = catch_unwind(AssertUnwindSafe(|| self.now())).unwrap_or_else(|_| self.inner.lock().latest);
        let message = error.message().to_owned();
        let cause = Cause::Instead(error);
        self.input_at(now, Some(&cause), |coordinator, now| {
            let _ = match id {
                WorkId::Request(id) => coordinator.handle_failure(id, TransportFailure::Other, now),
                WorkId::Operation(id) => coordinator.handle_store_failed(id, &message, now),
                WorkId::Prompt => coordinator.handle_code(None, now),
            };
        });
    }

    fn pass_time_after_panic(self: &Arc<Self>) {
        let now = self.inner.lock().latest;
        self.input_at(now, None, |_, _| ());
    }

    fn send(self: &Arc<Self>, request: &Request) {
        AtomicCounters::add(match request.call {
            AuthCall::SignIn => &self.tally.sign_ins_sent,
            AuthCall::Mfa => &self.tally.mfa_sent,
            AuthCall::Refresh => &self.tally.refreshes_sent,
        });
        let began = clock::real_now();
        let sent = self.exchange(request);
        self.report_exchange(request, sent.as_ref().ok(), began);
        match sent {
            Ok(answer) => {
                let headers: Vec<(&str, &[u8])> =
                    answer.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
                let response = Response { status: answer.status, headers: &headers, body: &answer.body };
                let _ =
                    self.input(|coordinator, now| coordinator.handle_response(request.id, &response, now));
            }
            Err(error) => {
                let failure = transport_failure(error.kind());
                let cause = Cause::Detail(error.to_string());
                let _ = self.input_at(self.now(), Some(&cause), |coordinator, now| {
                    coordinator.handle_failure(request.id, failure, now)
                });
            }
        }
    }

    /// Reports the outline of an exchange to the program, if it wants it.
    fn report_exchange(&self, request: &Request, answer: Option<&Answer>, began: Instant) {
        let Some(sink) = &self.exchanges else { return };
        let exchange = Exchange {
            method: request.method,
            path: request.path,
            answer: answer.map(|answer| Outline::of(answer.status, &answer.headers, &answer.body)),
            took: clock::real_now().saturating_duration_since(began),
        };
        // A sink that panics is no reason to lose a token.
        drop(callback::run(Callback::Events, self, || (sink.0)(&exchange)));
    }

    fn exchange(&self, request: &Request) -> Result<Answer, HttpError> {
        let mut headers = self.headers.clone();
        for (name, value) in &request.headers {
            // The core hands out header-safe values only.
            if let (Ok(name), Ok(mut value)) = (name.parse(), secret_header_value(value.expose())) {
                value.set_sensitive(name != http::header::ACCEPT && name != http::header::CONTENT_TYPE);
                headers.push((name, value));
            }
        }
        let time_left = request.deadline.since(self.clock.now().monotonic);
        self.http.call(&Call {
            method: request.method.parse().unwrap_or(http::Method::POST),
            url: &request.url,
            headers: &headers,
            body: request.body.as_ref().map(|body| CallBody::Bytes(body.expose())),
            limit: TimeLimit::Whole(clock::real_now() + time_left),
            body_limit: plextrac_auth_core::MAX_BODY,
            cancel: &[&self.abort_attempts],
        })
    }

    fn read(self: &Arc<Self>, id: OperationId, record: RecordKind) {
        let Some(attached) = &self.store else { return };
        let read = attached.store.read(attached.names.get(record), &self.store_limits());
        match self.noticed(read) {
            Ok(stored) => {
                let _ = self.input(|coordinator, now| coordinator.handle_read(id, stored, now));
            }
            // Nobody believes a record that others could have written. It makes way for one of our own.
            Err(error) if error.kind == StoreErrorKind::Unsafe => {
                let absent =
                    StoredRecord { version: Version::ABSENT, bytes: Zeroizing::default(), time: None };
                let _ = self.input(|coordinator, now| coordinator.handle_read(id, absent, now));
            }
            Err(error) => self.hand_in_store_failure(id, &error),
        }
    }

    fn write(self: &Arc<Self>, write: &Write) {
        let Some(attached) = &self.store else { return };
        let announced = attached.announce();
        let written = announced.and_then(|()| {
            let name = attached.names.get(write.record);
            let limits = self.store_limits();
            match write.is_renewal {
                true => attached.store.renew(name, write.expected, &write.bytes, &limits),
                false => attached.store.write(name, write.expected, &write.bytes, &limits),
            }
        });
        match self.noticed(written) {
            Ok(outcome) => {
                let _ = self.input(|coordinator, now| coordinator.handle_written(write.id, outcome, now));
            }
            Err(error) => self.hand_in_store_failure(write.id, &error),
        }
    }

    fn hand_in_store_failure(self: &Arc<Self>, id: OperationId, error: &StoreError) {
        let _ = self.input(|coordinator, now| coordinator.handle_store_failed(id, &error.message, now));
    }

    fn store_limits(&self) -> CallLimits<'_> {
        CallLimits { deadline: clock::real_now() + STORE_TIMEOUT, cancel: &self.abort_attempts }
    }

    fn ask(self: &Arc<Self>, prompt: Prompt) {
        // With another source of codes the coordinator never asks.
        let Mfa::Callback(callback) = &self.mfa else {
            return self.hand_in_failure(WorkId::Prompt, no_code());
        };
        let shown = MfaPrompt {
            attempt: prompt.attempt,
            time_left: prompt.until.since(self.clock.now().monotonic),
            username: self.username.clone().unwrap_or_default(),
            instance: self.base_url.clone(),
        };
        let code = match callback::run(Callback::Mfa, self, || callback(&shown)) {
            Ok(Some(code)) => OneTimeCode::new(&code).map_err(Error::from),
            Ok(None) => Err(no_code()),
            Err(_) => {
                Err(Error::new(ErrorCode::Panic, "the MFA callback panicked; the session is still usable"))
            }
        };
        match code {
            // A code that comes too late, or was refused before, ends in what the coordinator says to the callers.
            Ok(code) => {
                let _ = self.input(|coordinator, now| coordinator.handle_code(Some(code), now));
            }
            Err(error) => self.hand_in_failure(WorkId::Prompt, error),
        }
    }

    /// Reports what happened, under no lock.
    fn report_events(&self) {
        loop {
            let Some(event) = self.inner.lock().events.pop_front() else { return };
            self.tally.count(&event);
            self.tell(&event);
        }
    }

    /// Waits until nothing is under way, or the moment has come.
    pub(crate) fn wait_until(self: &Arc<Self>, ends: Instant, is_over: impl Fn(&Coordinator) -> bool) {
        self.start_workers();
        let mut inner = self.inner.lock();
        while !is_over(&inner.coordinator) {
            if self.changed.wait_until(&mut inner, ends).timed_out() {
                return;
            }
        }
    }
}

impl Work {
    const fn id(&self) -> WorkId {
        match self {
            Self::Send(request) => WorkId::Request(request.id),
            Self::Read(id, _) => WorkId::Operation(*id),
            Self::Write(write) => WorkId::Operation(write.id),
            Self::Ask(_) => WorkId::Prompt,
        }
    }
}

/// A clock that tests move notifies nobody when it jumps.
const HAND_MOVED_SLICE: Duration = Duration::from_millis(5);
/// How long a call of the store may take.
const STORE_TIMEOUT: Duration = Duration::from_secs(5);
/// Between two looks at the clock, which a suspend may have moved.
pub(crate) const LONGEST_SLEEP: Duration = Duration::from_secs(10);
/// Between two looks at a record whose change nothing waits for.
const LEISURE: Duration = Duration::from_secs(1);
/// So much of what is reported of keeping waits for the call that keeps.
const LAST_KEPT: usize = 16;
/// A watch is begun again after this time at the latest.
const LONGEST_WATCH: Duration = Duration::from_secs(60);
/// Between two watches of a store that fails.
const WATCH_PAUSE: Duration = Duration::from_millis(500);

/// An attempt begins to wait for a moment.
fn waiting(wait: &Wait, before: &Wait, now: Time) -> Option<SessionEvent> {
    let reason = wait.reason.filter(|reason| reason.is_blocked())?;
    let is_news = (wait.until, wait.reason) != (before.until, before.reason);
    is_news.then(|| SessionEvent::Waiting {
        wait: wait.until.map_or(Duration::ZERO, |until| until.since(now.monotonic)),
        reason: reason.as_str(),
    })
}

/// What the call that keeps the session alive sees of an event.
fn kept(event: &Event) -> Option<Kept> {
    match event {
        Event::Kept(keeper) => Some(Kept::By(keeper.clone())),
        Event::KeepEnded(end) => Some(Kept::Ended(keep_end(end.clone()))),
        _ => None,
    }
}

fn keep_end(end: CoreKeepEnd) -> Result<KeepEnd, Error> {
    match end {
        CoreKeepEnd::TimeOver => Ok(KeepEnd::TimeOver),
        CoreKeepEnd::SignedOut => Ok(KeepEnd::SignedOut),
        CoreKeepEnd::Failed(failure) => Err(Error::from(failure)),
    }
}

/// What a program sees of an event.
fn session_events(event: Event, cause: Option<&Cause>, now: Time) -> Vec<SessionEvent> {
    vec![match event {
        Event::SignedIn { .. } => SessionEvent::SignedIn,
        Event::TokenReplaced { .. } => SessionEvent::Refreshed,
        Event::Adopted { .. } => SessionEvent::Adopted,
        Event::SignInNeeded => SessionEvent::SignInNeeded,
        Event::SignedOut => SessionEvent::SignedOut,
        Event::CodeRefused => SessionEvent::CodeRefused,
        Event::SkewSeen { server_ahead_ms } => SessionEvent::SkewSeen { server_ahead_ms },
        Event::UnauthorizedMuted { until } => {
            SessionEvent::UnauthorizedMuted { wait: until.since(now.monotonic) }
        }
        Event::Kept(keeper) => SessionEvent::Kept(Keeper {
            ends_in: keeper.until.since(now.monotonic),
            label: keeper.label,
            is_own: keeper.other.is_none(),
        }),
        Event::KeepEnded(end) => SessionEvent::KeepEnded(keep_end(end)),
        Event::Failed(failure) => {
            let is_rejection = failure.kind() == FailureKind::Rejected;
            let failed = SessionEvent::Failed(failed_with(failure, cause));
            return if is_rejection { vec![SessionEvent::LockedOut, failed] } else { vec![failed] };
        }
        _ => return Vec::new(),
    }]
}

fn failed_with(failure: Failure, cause: Option<&Cause>) -> Error {
    match cause {
        Some(Cause::Detail(detail)) => Error::from(failure).because(detail),
        Some(Cause::Instead(error)) => error.clone(),
        None => Error::from(failure),
    }
}

fn transport_failure(kind: HttpErrorKind) -> TransportFailure {
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

pub(crate) fn closed() -> Error {
    Error::new(ErrorCode::Closed, "the session was closed")
}

fn no_code() -> Error {
    Error::new(
        ErrorCode::MfaRequired,
        "the password was right, and a one-time code is needed: submit it within two minutes, or set a TOTP secret or a callback",
    )
}
