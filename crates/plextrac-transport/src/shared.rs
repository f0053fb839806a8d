//! What all handles and flights of one session share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use http::{HeaderName, HeaderValue};
use plextrac_auth_core::{Credentials, Instant as Moment, Machine};

use crate::budget::{self, SharedBudget};
use crate::cancel::CancelToken;
use crate::clock::{self, Clock};
use crate::config::{Mfa, SessionConfig};
use crate::error::Error;
use crate::event::{EventSink, SessionEvent, Tally};
use crate::flight::{self, Flight};
use crate::http::HttpClient;
use crate::live::Live;
use crate::seed::random_seed;
use crate::sync::{Condvar, Mutex};

/// How long closing waits for a request that is out.
const CLOSING_GRACE: Duration = Duration::from_secs(1);

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
    pub(crate) budget: SharedBudget,
    pub(crate) live: Live,
    pub(crate) inner: Mutex<Inner>,
    /// Something about `inner`, or the flight in it, changed.
    pub(crate) changed: Condvar,
    /// Whether there is a flight, for those who take no lock.
    pub(crate) is_flying: AtomicBool,
    /// Before this moment of the monotonic clock, in milliseconds, a want would start nothing.
    pub(crate) quiet_until: AtomicU64,
    /// Ends the program's requests when the session is closed.
    pub(crate) abort_requests: CancelToken,
    /// Ends flights when the session is closed and its grace is over.
    pub(crate) abort_flights: CancelToken,
    pub(crate) tally: Tally,
    events: Option<EventSink>,
}

/// What the lock guards. Held for decisions only: never while anything waits.
pub(crate) struct Inner {
    pub(crate) machine: Machine,
    pub(crate) flight: Option<Arc<Mutex<Flight>>>,
    pub(crate) closed: bool,
}

impl Shared {
    pub(crate) fn new(config: &SessionConfig) -> Result<Self, Error> {
        let machine_config = config.machine_config()?;
        let http = HttpClient::new(&config.http).map_err(|error| Error::invalid(error.to_string()))?;
        let now = config.clock.now();
        let machine = Machine::new(machine_config, random_seed()?, now);
        let live = Live::default();
        live.publish(&machine, now);
        Ok(Self {
            base_url: config.instance.base_url().to_owned(),
            username: config
                .credentials
                .as_ref()
                .map(|credentials| Credentials::username(credentials).to_owned()),
            mfa: config.mfa.clone(),
            headers: config.headers.clone(),
            timeout: config.timeout,
            wait: config.wait,
            response_limit: config.response_limit,
            clock: Arc::clone(&config.clock),
            http,
            budget: budget::of_instance(&config.instance, &config.clock, config.auth_budget),
            live,
            inner: Mutex::new(Inner {
                machine,
                flight: None,
                closed: false,
            }),
            changed: Condvar::new(),
            is_flying: AtomicBool::new(false),
            quiet_until: AtomicU64::new(0),
            abort_requests: CancelToken::new(),
            abort_flights: CancelToken::new(),
            tally: Tally::default(),
            events: config.events.clone(),
        })
    }

    /// Whether a want would start nothing now: a wait that the machine told is not over.
    pub(crate) fn is_quiet(&self, now: Moment) -> bool {
        now.as_millis() < self.quiet_until.load(Ordering::Relaxed)
    }

    /// Tells the program and the log. No lock may be held.
    pub(crate) fn tell(&self, event: &SessionEvent) {
        log::debug!(target: "plextrac", "{}: {event}", self.base_url);
        if let Some(sink) = &self.events {
            sink.tell(event);
        }
    }

    /// Wakes every caller with "closed", leaves a request that is out one second to be answered, then aborts it.
    pub(crate) fn close(&self) {
        let grace_ends = clock::real_now() + CLOSING_GRACE;
        let mut inner = self.inner.lock();
        inner.closed = true;
        self.live.clear();
        self.changed.notify_all();
        let flight = inner.flight.clone().filter(|_| !flight::is_in_callback_of(self));
        drop(inner);
        self.abort_requests.trigger();
        if let Some(flight) = flight {
            self.await_end(&flight, grace_ends);
        }
        self.abort_flights.trigger();
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
