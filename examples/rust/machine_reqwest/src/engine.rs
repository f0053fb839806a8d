//! What all accounts of one instance share: the HTTP client, the budget, the clock.

use std::error::Error as StdError;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use plextrac_auth_core::{Budget, MAX_BODY, Request, Response, Time, TransportFailure};
use reqwest::header::HeaderMap;
use reqwest::{ClientBuilder, Method, redirect};

use crate::clock::Clock;

/// Sends for any number of accounts of one instance. Cheap to clone; clones share everything.
#[derive(Clone)]
pub struct Engine {
    shared: Arc<Shared>,
}

struct Shared {
    http: reqwest::Client,
    budget: Mutex<Budget>,
    clock: Box<dyn Clock>,
}

/// An answer, read to its end.
pub(crate) struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Engine {
    /// Of one instance. `http` brings certificates, proxy and extra headers. Redirects are switched off: neither a
    /// password nor a token follows one.
    ///
    /// # Errors
    /// What reqwest says, for example of a certificate.
    pub fn new(http: ClientBuilder, budget: Budget, clock: impl Clock + 'static) -> reqwest::Result<Self> {
        let http = http.redirect(redirect::Policy::none()).build()?;
        let shared = Shared { http, budget: Mutex::new(budget), clock: Box::new(clock) };
        Ok(Self { shared: Arc::new(shared) })
    }

    pub(crate) fn http(&self) -> &reqwest::Client {
        &self.shared.http
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.shared.clock
    }

    pub(crate) fn now(&self) -> Time {
        self.shared.clock.now()
    }

    pub(crate) fn budget(&self) -> MutexGuard<'_, Budget> {
        // A budget is whole between any two of its calls.
        self.shared.budget.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One authentication request and its answer.
    pub(crate) async fn exchange(&self, request: &Request) -> Result<Answer, TransportFailure> {
        let method = Method::from_bytes(request.method.as_bytes()).map_err(|_| TransportFailure::Other)?;
        let timeout = request.deadline.since(self.now().monotonic);
        let mut builder = self.shared.http.request(method, &request.url).timeout(timeout);
        for (name, value) in &request.headers {
            builder = builder.header(*name, value.expose());
        }
        if let Some(body) = &request.body {
            builder = builder.body(body.expose().to_vec());
        }
        let mut response = builder.send().await.map_err(|error| failure_of(&error))?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| failure_of(&error))? {
            if body.len() + chunk.len() > MAX_BODY {
                return Err(TransportFailure::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        let (status, headers) = (response.status().as_u16(), std::mem::take(response.headers_mut()));
        Ok(Answer { status, headers, body })
    }
}

impl Answer {
    /// Lends the answer in the core's own terms.
    pub(crate) fn lend<T>(&self, to: impl FnOnce(&Response<'_>) -> T) -> T {
        let headers: Vec<_> =
            self.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        to(&Response { status: self.status, headers: &headers, body: &self.body })
    }
}

fn failure_of(error: &reqwest::Error) -> TransportFailure {
    if error.is_timeout() {
        TransportFailure::Timeout
    } else if is_tls(error) {
        TransportFailure::Tls
    } else if error.is_connect() {
        TransportFailure::Connect
    } else {
        TransportFailure::Other
    }
}

/// A handshake that failed is a failure to connect for reqwest; rustls is somewhere among the causes.
fn is_tls(error: &reqwest::Error) -> bool {
    std::iter::successors(error.source(), |&cause| cause_of(cause)).any(|cause| cause.is::<rustls::Error>())
}

/// What an `io::Error` wraps is not its source.
fn cause_of<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a (dyn StdError + 'static)> {
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(wrapped) => Some(wrapped),
        None => error.source(),
    }
}
