//! What all handles and worker threads of one session share.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use http::{HeaderName, HeaderValue};
use plextrac_auth_core::{Coordinator, Instant as Moment, OnStoreFailure};

use crate::attached_store::AttachedStore;
use crate::budget::{self, SharedBudget};
use crate::callback::{self, Callback};
use crate::cancel::CancelToken;
use crate::clock::{self, Clock, Time};
use crate::config::{Mfa, SessionConfig};
use crate::driver::Inner;
use crate::error::{Error, ErrorCode};
use crate::event::{AtomicCounters, EventSink, SessionEvent};
use crate::exchange::ExchangeSink;
use crate::http::HttpClient;
use crate::live::Live;
use crate::seed::random_seed;
use crate::store::{StoreError, StoreErrorKind};
use crate::sync::{AtomicBool, AtomicU64, Condvar, Mutex};

/// How long closing waits for a request that is out.
const CLOSING_GRACE: Duration = Duration::from_secs(1);
/// How long closing waits for the end of the claim to be written, once the request was given up.
const CLOSING_WRITE: Duration = Duration::from_millis(250);

/// Everything behind the handles.
pub(crate) struct Shared {
    pub(crate) base_url: String,
    pub(crate) username: Option<String>,
    pub(crate) mfa: Mfa,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) timeout: Duration,
    pub(crate) wait: Duration,
    pub(crate) response_limit: usize,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) http: HttpClient,
    pub(crate) store: Option<AttachedStore>,
    /// Why nothing is shared, though there is a store.
    pub(crate) not_shared: Option<StoreError>,
    pub(crate) budget: SharedBudget,
    pub(crate) live: Live,
    pub(crate) inner: Mutex<Inner>,
    /// Something in `inner` changed.
    pub(crate) changed: Condvar,
    /// Ends the watch of the record that is under way.
    pub(crate) stop_watch: Mutex<CancelToken>,
    /// Whether there is an attempt, for those who take no lock.
    pub(crate) is_attempting: AtomicBool,
    /// Before this moment of the monotonic clock, in milliseconds, a refresh would not be started.
    pub(crate) quiet_until: AtomicU64,
    /// Ends the program's requests when the session is closed.
    pub(crate) abort_requests: CancelToken,
    /// Ends attempts when the session is closed and its grace is over.
    pub(crate) abort_attempts: CancelToken,
    pub(crate) tally: AtomicCounters,
    events: Option<EventSink>,
    pub(crate) exchanges: Option<ExchangeSink>,
}

impl Shared {
    pub(crate) fn new(config: &SessionConfig) -> Result<Self, Error> {
        let mut machine_config = config.machine_config()?;
        let http = HttpClient::new(&config.http).map_err(|error| Error::invalid(error.to_string()))?;
        let now = config.clock.now().with_awake(clock::awake_ms());
        let mut seed = random_seed()?;
        let (attached, not_shared) = match AttachedStore::open(config) {
            Ok(attached) => (attached, None),
            Err(error) if stops_the_session(&error, config) => {
                return Err(Error::new(ErrorCode::Store, error.to_string()));
            }
            Err(error) => {
                if let Some(sink) = &config.events {
                    sink.tell(&SessionEvent::NotShared { reason: format!("nothing is shared: {error}") });
                }
                (None, Some(error))
            }
        };
        let (store, rules) = match attached {
            Some((store, key, rules)) => {
                seed.key = key;
                machine_config.boot = config.clock.boot();
                (Some(store), Some(rules))
            }
            None => (None, None),
        };
        let coordinator = Coordinator::new(machine_config, seed, rules, now);
        let live = Live::default();
        live.publish(coordinator.machine(), now);
        Ok(Self {
            base_url: config.instance.base_url().to_owned(),
            username: config.username.clone(),
            mfa: config.mfa.clone(),
            headers: config.headers.clone(),
            timeout: config.timeout,
            wait: config.wait,
            response_limit: config.response_limit,
            clock: Arc::clone(&config.clock),
            http,
            store,
            not_shared,
            budget: budget::of_instance(&config.instance, &config.clock, config.auth_budget),
            live,
            inner: Mutex::new(Inner::new(coordinator, now)),
            changed: Condvar::new(),
            stop_watch: Mutex::default(),
            is_attempting: AtomicBool::new(false),
            quiet_until: AtomicU64::new(0),
            abort_requests: CancelToken::new(),
            abort_attempts: CancelToken::new(),
            tally: AtomicCounters::default(),
            events: config.events.clone(),
            exchanges: config.exchanges.clone(),
        })
    }

    /// Whether a refresh would not be started now.
    pub(crate) fn is_quiet(&self, now: Moment) -> bool {
        now.as_millis() < self.quiet_until.load(Ordering::Relaxed)
    }

    /// Whether a caller may read and write the store by itself.
    pub(crate) fn has_local_store(&self) -> bool {
        self.store.as_ref().is_some_and(|attached| attached.store.is_local())
    }

    /// Passes a result of the store on, and reports that it failed: once, until it works again.
    pub(crate) fn noticed<T>(&self, result: Result<T, StoreError>) -> Result<T, StoreError> {
        match &result {
            Ok(_) => self.store.iter().for_each(AttachedStore::works),
            Err(error) => self.notice(error),
        }
        result
    }

    pub(crate) fn notice(&self, error: &StoreError) {
        if let Some(reason) = self.store.as_ref().and_then(|attached| attached.notice(error)) {
            self.tell(&SessionEvent::NotShared { reason });
        }
    }

    /// Reports an event to the program and the log. No lock of the session may be held. A sink that panics has
    /// reported that by itself; it is no reason to lose a token.
    pub(crate) fn tell(&self, event: &SessionEvent) {
        log::debug!(target: "plextrac", "{}: {event}", self.base_url);
        if let Some(sink) = &self.events {
            drop(callback::run(Callback::Events, self, || sink.tell(event)));
        }
    }

    /// Hands out what the machine has. The caller holds the session's lock.
    pub(crate) fn publish(&self, inner: &Inner, now: Time) {
        let coordinator = &inner.coordinator;
        self.quiet_until.store(coordinator.quiet_until().as_millis(), Ordering::Relaxed);
        self.is_attempting.store(coordinator.is_attempting(), Ordering::Release);
        // A token that comes after the session was closed is kept for others, if anywhere.
        if !inner.closed {
            self.live.publish(coordinator.machine(), now);
        }
    }

    /// Wakes every caller with "closed", leaves a request that is out one second to be answered, then aborts it.
    pub(crate) fn close(self: &Arc<Self>) {
        let grace_ends = clock::real_now() + CLOSING_GRACE;
        let mut inner = self.inner.lock();
        let is_first = !inner.closed;
        inner.closed = true;
        self.live.clear();
        drop(inner);
        if is_first {
            let _ = self.input(|coordinator, now| coordinator.close(now));
        }
        self.abort_requests.trigger();
        if callback::running_for(self).is_none() {
            self.wait_until(grace_ends, Coordinator::is_idle);
            self.abort_attempts.trigger();
            self.wait_until(clock::real_now() + CLOSING_WRITE, Coordinator::is_idle);
        } else {
            self.abort_attempts.trigger();
            self.start_workers();
        }
    }
}

/// Whether a session is not made, rather than going on without its store.
fn stops_the_session(error: &StoreError, config: &SessionConfig) -> bool {
    let goes_on = config.store.as_ref().is_some_and(|store| store.on_failure() == OnStoreFailure::GoOnAlone);
    matches!(error.kind, StoreErrorKind::Unsafe | StoreErrorKind::WrongKey)
        || config.requires_store
        || !goes_on
}
