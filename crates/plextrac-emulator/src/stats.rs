//! What the server saw, in numbers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What a request asked for. The order is the order of the tables made from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Kind {
    /// `POST /api/v1/authenticate`
    SignIn,
    /// `POST /api/v1/authenticate/mfa`
    Mfa,
    /// `PUT /api/v1/token/refresh`
    Refresh,
    /// `GET /api/v2/whoami` and `GET /api/v1/user/whoami`
    Whoami,
    /// Any method on `/api/v1/echo` or below it
    Echo,
    /// `GET /api/v1/uploads/{name}`
    Uploads,
    /// `GET /api/v1/` and `GET /api/v2/health/full`
    Health,
    /// A path that only a [`Route`](crate::Route) answers
    Route,
    /// Everything else
    Other,
}

impl Kind {
    pub(crate) fn of(method: &str, path: &str) -> Kind {
        match (reading(method), path) {
            ("POST", "/api/v1/authenticate") => Kind::SignIn,
            ("POST", "/api/v1/authenticate/mfa") => Kind::Mfa,
            ("PUT", "/api/v1/token/refresh") => Kind::Refresh,
            ("GET", "/api/v2/whoami" | "/api/v1/user/whoami") => Kind::Whoami,
            ("GET", "/api/v1/" | "/api/v2/health/full") => Kind::Health,
            (_, "/api/v1/echo") => Kind::Echo,
            (_, path) if path.starts_with("/api/v1/echo/") => Kind::Echo,
            ("GET", path) if path.starts_with("/api/v1/uploads/") => Kind::Uploads,
            _ => Kind::Other,
        }
    }

    /// Is it one of the three calls that the limit of ten a minute is about?
    #[must_use]
    pub fn is_authentication(self) -> bool {
        matches!(self, Kind::SignIn | Kind::Mfa | Kind::Refresh)
    }
}

/// What became of a request. The order is the order of the tables made from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Outcome {
    /// It got what it asked for.
    Ok,
    /// The password was right, and the answer was an MFA challenge.
    Challenge,
    /// Wrong credentials or one-time code, an unknown or disabled user, a used or expired challenge.
    Rejected,
    /// The limit of authentication requests was used up.
    RateLimited,
    /// 401: no token, or one that is not valid.
    Unauthorized,
    /// 403: a valid token without the permission.
    Forbidden,
    /// It could not be understood: no JSON, no body, not HTTP.
    BadRequest,
    /// There is nothing under this method and path.
    NotFound,
    /// A fault answered in the server's place, or spoiled the answer.
    Faulted,
    /// A sign-in to an account that earlier rejections had locked. The client gets the same answer as for
    /// `Rejected`, unless [`locked_status`](crate::EmulatorBuilder::locked_status) is set.
    Locked,
}

/// The number of connections and requests since the start or the last reset. Without any secret; serializes
/// to the JSON of `GET /_emulator/stats`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Stats {
    /// How often a client connected.
    pub connections: Connections,
    /// Requests by kind, then by outcome; what did not occur is absent. Calls of the control API are not
    /// counted.
    pub requests: BTreeMap<Kind, BTreeMap<Outcome, u64>>,
    /// The most authentication requests that arrived in any 60 seconds of the emulator's clock, refused ones
    /// included.
    pub busiest_minute: usize,
}

/// Connections accepted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Connections {
    /// On the HTTP port.
    pub plain: u64,
    /// On the HTTPS port, whether or not the handshake came to an end.
    pub tls: u64,
    /// TLS handshakes that failed, for example because the client did not believe the certificate.
    pub tls_handshakes_failed: u64,
}

impl Stats {
    /// Requests of this kind that came to this outcome.
    #[must_use]
    pub fn count(&self, kind: Kind, outcome: Outcome) -> u64 {
        self.requests.get(&kind).and_then(|outcomes| outcomes.get(&outcome)).copied().unwrap_or(0)
    }

    /// Requests of this kind, whatever became of them.
    #[must_use]
    pub fn of_kind(&self, kind: Kind) -> u64 {
        self.requests.get(&kind).map_or(0, |outcomes| outcomes.values().sum())
    }

    /// Sign-ins, second steps and refreshes together, whatever became of them.
    #[must_use]
    pub fn authentication_requests(&self) -> u64 {
        self.of_kind(Kind::SignIn) + self.of_kind(Kind::Mfa) + self.of_kind(Kind::Refresh)
    }

    pub(crate) fn note(&mut self, kind: Kind, outcome: Outcome) {
        *self.requests.entry(kind).or_default().entry(outcome).or_default() += 1;
    }
}

/// HEAD is a GET whose answer has no body (RFC 9110, 9.3.2); the body is left out where answers are written.
pub(crate) fn reading(method: &str) -> &str {
    if method == "HEAD" { "GET" } else { method }
}
