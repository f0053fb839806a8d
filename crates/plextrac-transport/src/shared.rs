//! What all handles and flights of one session share.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use http::{HeaderName, HeaderValue};
use plextrac_auth_core::table::Phase;
use plextrac_auth_core::{Budget, FingerprintKey, Instant as Moment, Machine, Request, Time};

use crate::budget::{self, SharedBudget};
use crate::callback::{self, Callback};
use crate::cancel::CancelToken;
use crate::clock::{self, Clock};
use crate::config::{Mfa, SessionConfig};
use crate::error::{Error, ErrorCode};
use crate::event::{EventSink, SessionEvent, Tally};
use crate::exchange::ExchangeSink;
use crate::flight::{self, Flight};
use crate::http::HttpClient;
use crate::live::Live;
use crate::seed::random_seed;
use crate::sharing::{Identity, Sharing};
use crate::store::{StoreError, StoreErrorKind};
use crate::sync::{AtomicBool, AtomicU64, Condvar, Mutex};

/// How long closing waits for a request that is out.
const CLOSING_GRACE: Duration = Duration::from_secs(1);

/// How long nothing is sent when another process holds the budget and does not let go of it.
const BUDGET_HELD: Duration = Duration::from_secs(1);

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
    pub(crate) sharing: Option<Sharing>,
    /// Whether a sign-in needs a store that can be written.
    requires_store: bool,
    /// Why nothing is shared, though there is a store.
    pub(crate) not_shared: Option<StoreError>,
    pub(crate) budget: SharedBudget,
    pub(crate) live: Live,
    pub(crate) inner: Mutex<Inner>,
    /// Something about `inner`, or the flight in it, changed.
    pub(crate) changed: Condvar,
    /// Whether there is a flight, for those who take no lock.
    pub(crate) is_flying: AtomicBool,
    /// Before this moment of the monotonic clock, in milliseconds, a want would start nothing.
    pub(crate) quiet_until: AtomicU64,
    /// How long persons were asked for six digits so far, in milliseconds. It counts against no timeout.
    pub(crate) asked_for: AtomicU64,
    /// Ends the program's requests when the session is closed.
    pub(crate) abort_requests: CancelToken,
    /// Ends flights when the session is closed and its grace is over.
    pub(crate) abort_flights: CancelToken,
    pub(crate) tally: Tally,
    events: Option<EventSink>,
    pub(crate) exchanges: Option<ExchangeSink>,
}

/// What the lock guards. Held for decisions only: never while anything waits.
pub(crate) struct Inner {
    pub(crate) machine: Machine,
    pub(crate) flight: Option<Arc<Mutex<Flight>>>,
    /// What the machine said to send, until the flight takes it to do so.
    pub(crate) to_send: Option<Request>,
    pub(crate) closed: bool,
}

impl Shared {
    pub(crate) fn new(config: &SessionConfig) -> Result<Self, Error> {
        let mut machine_config = config.machine_config()?;
        let http = HttpClient::new(&config.http).map_err(|error| Error::invalid(error.to_string()))?;
        let now = config.clock.now();
        let mut seed = random_seed()?;
        let (sharing, not_shared) = match sharing(config) {
            Ok(sharing) => (sharing, None),
            Err(error) if error.kind == StoreErrorKind::Unsafe || config.requires_store => {
                return Err(Error::new(ErrorCode::Store, error.to_string()));
            }
            Err(error) => {
                if let Some(sink) = &config.events {
                    sink.tell(&SessionEvent::NotShared { reason: format!("nothing is shared: {error}") });
                }
                (None, Some(error))
            }
        };
        let sharing = sharing.map(|(sharing, key)| {
            seed.key = key;
            machine_config.has_store = true;
            sharing.boot().clone_into(&mut machine_config.boot);
            sharing
        });
        let machine = Machine::new(machine_config, seed, now);
        let live = Live::default();
        live.publish(&machine, now);
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
            sharing,
            requires_store: config.requires_store,
            not_shared,
            budget: budget::of_instance(&config.instance, &config.clock, config.auth_budget),
            live,
            inner: Mutex::new(Inner { machine, flight: None, to_send: None, closed: false }),
            changed: Condvar::new(),
            is_flying: AtomicBool::new(false),
            quiet_until: AtomicU64::new(0),
            asked_for: AtomicU64::new(0),
            abort_requests: CancelToken::new(),
            abort_flights: CancelToken::new(),
            tally: Tally::default(),
            events: config.events.clone(),
            exchanges: config.exchanges.clone(),
        })
    }

    /// Whether a want would start nothing now: a wait that the machine told is not over.
    pub(crate) fn is_quiet(&self, now: Moment) -> bool {
        now.as_millis() < self.quiet_until.load(Ordering::Relaxed)
    }

    /// Lends the budget: this process's, brought up to date with that of others and written back if there is a store.
    /// Its lock comes before the session's, and the store's before both.
    pub(crate) fn with_budget<T>(&self, spend: impl FnOnce(&mut Budget) -> T) -> T {
        let Some(sharing) = &self.sharing else { return spend(&mut self.budget.lock()) };
        // What fails is told when the lock is let go.
        let lock = sharing.lock_budget();
        let read = sharing.read_budget();
        let record = read.as_ref().ok();
        let mut budget = self.budget.lock();
        let now = self.clock.now();
        let is_outdated =
            record.as_ref().is_some_and(|record| budget.restore(record.as_ref(), sharing.boot(), now));
        if lock.as_ref().is_err_and(|error| error.kind == StoreErrorKind::Busy) {
            // Its holder stopped in the middle, and would overwrite what is written now. To go on alone would be to go
            // over the limit together with all others who do.
            budget.shut(now.monotonic + BUDGET_HELD);
        }
        let before = budget.clone();
        let spent = spend(&mut budget);
        let is_to_write = is_outdated || *budget != before || sharing.owes_budget.load(Ordering::Relaxed);
        // Whoever has no lock could overwrite what its holder is about to write, and does it the next time.
        let changed = (is_to_write && lock.is_ok()).then(|| budget.to_record(sharing.boot(), now));
        drop(budget);
        let written = changed.map_or(Ok(()), |changed| sharing.write_budget(&changed));
        sharing.owes_budget.store(is_to_write && (lock.is_err() || written.is_err()), Ordering::Relaxed);
        self.or_notice(lock.map(drop));
        self.or_notice(read);
        self.or_notice(written);
        spent
    }

    /// Whether a request that carries a password or a code may be sent: what becomes of it can be written down, or need
    /// not be.
    pub(crate) fn check_store(&self) -> Result<(), Error> {
        match &self.sharing {
            _ if !self.requires_store => Ok(()),
            Some(sharing) if sharing.is_written() => Ok(()),
            Some(sharing) => Err(unusable(&sharing.name())),
            None => Err(unusable("the store")),
        }
    }

    /// A store that fails costs nobody a session: it is said once, and sharing goes on when it works again.
    pub(crate) fn or_notice<T>(&self, result: Result<T, StoreError>) -> Option<T> {
        result
            .map_err(|error| {
                if let Some(reason) = self.sharing.as_ref().and_then(|sharing| sharing.notice(&error)) {
                    self.tell(&SessionEvent::NotShared { reason });
                }
            })
            .ok()
    }

    /// Tells the program and the log, once this thread holds no lock of the store; none of this process may be held.
    /// A sink that panics has told so by itself; it is no reason to lose a token.
    pub(crate) fn tell(&self, event: &SessionEvent) {
        if callback::is_put_off(event) {
            return;
        }
        log::debug!(target: "plextrac", "{}: {event}", self.base_url);
        if let Some(sink) = &self.events {
            drop(callback::run(Callback::Events, self, || sink.tell(event)));
        }
    }

    /// Hands out what the machine has. The caller holds the session's lock.
    pub(crate) fn publish(&self, inner: &Inner, now: Time) {
        // What lands after the session was closed is kept for others, if anywhere.
        if !inner.closed {
            self.live.publish(&inner.machine, now);
        }
    }

    /// Wakes every caller with "closed", leaves a request that is out one second to be answered, then aborts it.
    pub(crate) fn close(&self) {
        let grace_ends = clock::real_now() + CLOSING_GRACE;
        let mut inner = self.inner.lock();
        inner.closed = true;
        self.live.clear();
        self.changed.notify_all();
        let is_outside = callback::running_for(self).is_none();
        let flight = inner.flight.clone().filter(|_| is_outside);
        let is_unanswered = inner.machine.phase() == Phase::AwaitingDigits;
        drop(inner);
        self.abort_requests.trigger();
        if let Some(flight) = flight {
            self.await_end(&flight, grace_ends);
        }
        self.abort_flights.trigger();
        if is_unanswered && is_outside && self.sharing.is_some() {
            // What digits may come now are of no use any more, and others need not wait for them.
            flight::abandon(self, CLOSING_GRACE);
        }
    }

    fn await_end(&self, flight: &Mutex<Flight>, until: Instant) {
        let mut inner = self.inner.lock();
        loop {
            let seen = flight.lock();
            // A person who is being asked is not waited for.
            if seen.outcome.is_some() || !seen.has_sent || seen.asking_since.is_some() {
                return;
            }
            drop(seen);
            if self.changed.wait_until(&mut inner, until).timed_out() {
                return;
            }
        }
    }
}

fn unusable(store: &str) -> Error {
    let sentence =
        "cannot be used, so no sign-in was sent: if the server rejected it, no other session would know";
    Error::new(ErrorCode::Store, format!("{store} {sentence}"))
}

/// The account's place in the store.
fn sharing(config: &SessionConfig) -> Result<Option<(Sharing, FingerprintKey)>, StoreError> {
    let Some(store) = &config.store else { return Ok(None) };
    let identity = match (&config.token, &config.username) {
        (Some(token), user) => Identity::Token { token, user: user.as_deref() },
        (None, Some(user)) => Identity::User(user),
        (None, None) => return Ok(None),
    };
    Sharing::new(Arc::clone(store), config.clock.boot(), &config.instance, identity, config.http.verify)
        .map(Some)
}
