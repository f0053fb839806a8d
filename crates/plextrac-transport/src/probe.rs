//! A request to an instance without a sign-in, to find problems of a connection.

use std::time::Duration;

use crate::cancel::CancelToken;
use crate::clock;
use crate::config::SessionConfig;
use crate::error::Error;
use crate::http::{Call, HttpClient, TimeLimit};
use crate::request::Request;
use crate::response::Response;
use crate::session::exchange::request_failed;

/// The answer of an instance to a request without credentials.
#[derive(Debug)]
#[non_exhaustive]
pub struct Probe {
    /// The answer, with any status.
    pub response: Response,
    /// From the name's resolution to the last byte.
    pub took: Duration,
    /// The server's clock minus the local wall clock, in milliseconds, from its `Date`, which has whole seconds.
    pub server_ahead_ms: Option<i64>,
}

/// Sends `GET path` the way sessions of `config` would, with its headers but with neither token nor credentials.
/// It is not an authentication request: it does not count against the budget and cannot lock an account.
///
/// `/api/v1/` and `/api/v2/health/full` answer without a token (docs/protocol.md, "Endpoints").
///
/// # Errors
/// `InvalidArgument` for a path that is none, or `http://` where it is not allowed; what the network brings.
pub fn probe(config: &SessionConfig, path: &str) -> Result<Probe, Error> {
    config.check_way()?;
    let request = Request::get(path)?;
    let http = HttpClient::new(&config.http).map_err(|error| Error::invalid(error.to_string()))?;
    let never = CancelToken::new();
    let began = clock::real_now();
    let answer = http
        .call(&Call {
            method: request.method.clone(),
            url: &format!("{}{}", config.base_url(), request.path),
            headers: &config.headers,
            body: None,
            limit: TimeLimit::Whole(began + config.timeout),
            body_limit: config.response_limit.min(plextrac_auth_core::MAX_BODY),
            cancel: &[&never],
        })
        .map_err(|error| request_failed(&error, true, &never))?;
    let took = clock::real_now() - began;
    let date = answer.headers.get(http::header::DATE).map(http::HeaderValue::as_bytes);
    let dated = plextrac_auth_core::Response {
        status: answer.status,
        headers: &[("date", date.unwrap_or_default())],
        body: &[],
    };
    let here = config.clock.now().unix.as_millis();
    let server_ahead_ms = dated.date().map(|there| there.as_millis().saturating_sub(here));
    Ok(Probe { response: Response::from(answer), took, server_ahead_ms })
}
