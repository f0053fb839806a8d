//! Everything the server saw, request by request.

use std::collections::VecDeque;
use std::fmt;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use crate::stats::{Kind, Outcome};

/// One request as it arrived. It holds what the client sent, secrets included: it never leaves the process,
/// and `Debug` shows only the names of headers and the length of the body.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Recorded {
    /// Counts the connections accepted on both ports, from 1. Requests with the same number shared a
    /// connection.
    pub connection: u64,
    /// Did it come over TLS?
    pub tls: bool,
    /// The method as sent.
    pub method: String,
    /// The request target as sent, prefix and query included.
    pub path: String,
    /// Names as sent and values, in the order they came. Bytes that are not UTF-8 are replaced.
    pub headers: Vec<(String, String)>,
    /// The body, with chunks put together.
    pub body: Vec<u8>,
    /// What it asked for.
    pub kind: Kind,
    /// What became of it.
    pub outcome: Outcome,
    /// The status that was to be sent; `None` when a fault sent no status at all.
    pub status: Option<u16>,
    /// When it was judged, on [`EmulatorClock::monotonic_ms`](crate::EmulatorClock::monotonic_ms).
    pub monotonic_ms: u64,
}

impl Recorded {
    /// The first value of a header, whatever the case of its name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        crate::wire::header(&self.headers, name)
    }
}

impl fmt::Debug for Recorded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("Recorded")
            .field("connection", &self.connection)
            .field("tls", &self.tls)
            .field("method", &self.method)
            .field("path", &self.path)
            .field("header_names", &names)
            .field("body_bytes", &self.body.len())
            .field("kind", &self.kind)
            .field("outcome", &self.outcome)
            .field("status", &self.status)
            .field("monotonic_ms", &self.monotonic_ms)
            .finish()
    }
}

/// The latest requests, and a way to wait for one.
pub(crate) struct Journal {
    keep: usize,
    requests: Mutex<VecDeque<Recorded>>,
    arrived: Condvar,
}

impl Journal {
    pub(crate) fn new(keep: usize) -> Journal {
        Journal { keep, requests: Mutex::new(VecDeque::new()), arrived: Condvar::new() }
    }

    /// Keeps a request if any are kept. The caller makes it only then, so that not keeping costs nothing.
    pub(crate) fn note(&self, make: impl FnOnce() -> Recorded) {
        if self.keep == 0 {
            return;
        }
        let mut requests = self.requests.lock();
        if requests.len() == self.keep {
            requests.pop_front();
        }
        requests.push_back(make());
        self.arrived.notify_all();
    }

    pub(crate) fn all(&self) -> Vec<Recorded> {
        self.requests.lock().iter().cloned().collect()
    }

    pub(crate) fn clear(&self) {
        self.requests.lock().clear();
    }

    pub(crate) fn wait_for(&self, time_limit: Duration, mut enough: impl FnMut(&[Recorded]) -> bool) -> bool {
        // None: a time that is too long to have an end.
        let deadline = Instant::now().checked_add(time_limit);
        let mut requests = self.requests.lock();
        loop {
            if enough(requests.make_contiguous()) {
                return true;
            }
            match deadline {
                None => self.arrived.wait(&mut requests),
                Some(deadline) if self.arrived.wait_until(&mut requests, deadline).timed_out() => {
                    return enough(requests.make_contiguous());
                }
                Some(_) => {}
            }
        }
    }
}
