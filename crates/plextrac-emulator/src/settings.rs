//! What an instance is set up with, and which values make no sense.

use std::io;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::accounts::Account;
use crate::limit::RetryAfter;
use crate::routes::{self, Route};

/// More permissions than any token carries, and an answer above what clients accept.
const MAX_PADDING: usize = 1024 * 1024;

/// The longest fixed `Retry-After`: a day.
const MAX_RETRY_AFTER: u32 = 24 * 60 * 60;

/// The fields of whoami that come from the account.
const ACCOUNT_FIELDS: [&str; 3] = ["username", "tenantId", "mfa_enabled"];

#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) accounts: Vec<Account>,
    pub(crate) limit_per_minute: u32,
    pub(crate) refresh_counts: bool,
    pub(crate) retry_after: RetryAfter,
    pub(crate) token_life: Duration,
    pub(crate) token_padding: usize,
    pub(crate) challenge_life: Duration,
    pub(crate) challenge_tenant_id: bool,
    pub(crate) lock_after: Option<u32>,
    pub(crate) rejection_status: u16,
    pub(crate) locked_status: Option<u16>,
    pub(crate) whoami_fields: Map<String, Value>,
    pub(crate) routes: Vec<Route>,
    pub(crate) sign_in_delay: Duration,
    pub(crate) refresh_delay: Duration,
    pub(crate) path_prefix: String,
    pub(crate) keep_requests: usize,
    pub(crate) max_body: usize,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            accounts: Vec::new(),
            limit_per_minute: 10,
            refresh_counts: true,
            retry_after: RetryAfter::UntilFree,
            token_life: Duration::from_secs(15 * 60),
            token_padding: 0,
            challenge_life: Duration::from_secs(5 * 60),
            challenge_tenant_id: false,
            lock_after: Some(10),
            rejection_status: 401,
            locked_status: None,
            whoami_fields: Map::new(),
            routes: Vec::new(),
            sign_in_delay: Duration::ZERO,
            refresh_delay: Duration::ZERO,
            path_prefix: String::new(),
            keep_requests: 10_000,
            max_body: 64 * 1024 * 1024,
        }
    }
}

impl Settings {
    /// # Errors
    /// `InvalidInput`: the first value that makes no sense, and which values are possible.
    pub(crate) fn check(&self) -> io::Result<()> {
        if self.token_life < Duration::from_secs(1) {
            return Err(invalid("a token lives for one second at least"));
        }
        if self.token_padding > MAX_PADDING {
            return Err(invalid("the padding of a token is 1 MiB at most"));
        }
        if !is_path(&self.path_prefix) {
            return Err(invalid(
                "the path prefix must be a path as it stands in a URL, without query, fragment or dot segments",
            ));
        }
        if self.lock_after == Some(0) {
            return Err(invalid("an account cannot lock after 0 rejections: use 1 or more, or never lock"));
        }
        check_rejection("a rejected sign-in", self.rejection_status)?;
        if let Some(status) = self.locked_status {
            check_rejection("a sign-in to a locked account", status)?;
        }
        if let RetryAfter::Seconds(seconds) = self.retry_after
            && !(1..=MAX_RETRY_AFTER).contains(&seconds)
        {
            return Err(invalid(format!(
                "Retry-After cannot be {seconds} seconds: use 1 to {MAX_RETRY_AFTER} (the fault rate_limited \
                 sends any text)"
            )));
        }
        if let Some(name) = ACCOUNT_FIELDS.iter().find(|name| self.whoami_fields.contains_key(**name)) {
            return Err(invalid(format!("the whoami field {name:?} comes from the account: leave it out")));
        }
        routes::check(&self.routes)
    }
}

pub(crate) fn invalid(why: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, why.into())
}

/// Is this a path as it stands in a URL? An empty one is.
pub(crate) fn is_path(path: &str) -> bool {
    path.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"<>\\^`{|}?#".contains(&byte))
        && !path.split('/').any(|segment| matches!(segment, "." | ".."))
}

/// Clients read a rejection from the status or from the body. Other statuses say something else: 204, 205 and 304
/// have no body, 3xx is a redirect, 429 is a rate limit and 5xx an outage.
fn check_rejection(what: &str, status: u16) -> io::Result<()> {
    match status {
        204 | 205 | 429 => {}
        200..=299 | 400..=499 => return Ok(()),
        _ => {}
    }
    Err(invalid(format!(
        "{what} cannot have the status {status}: use 200 to 299 without 204 and 205, or 400 to 499 without 429"
    )))
}
