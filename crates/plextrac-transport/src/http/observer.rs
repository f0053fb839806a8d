//! What a program may see of each exchange: everything but bodies and secrets.

use std::fmt;
use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue};

/// A step of an HTTP exchange. Bodies are not in it. Of a URL the query is left out, and of a header whose value may be
/// a secret, the value.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HttpEvent {
    /// A request is sent.
    Request {
        /// Its method.
        method: String,
        /// Its URL, with `[hidden]` in place of a query.
        url: String,
        /// Its headers, besides those that every request has.
        headers: Vec<(String, String)>,
    },
    /// The head of an answer has come.
    Response {
        /// Its status.
        status: u16,
        /// Its headers.
        headers: Vec<(String, String)>,
    },
    /// There was no answer.
    Failed {
        /// What happened, and what to do.
        message: String,
    },
}

/// What stands in the place of a secret.
const HIDDEN: &str = "[hidden]";

/// Headers whose values are shown, if they do not come from the settings of a session. Any other value may be a secret:
/// gateways make up names of their own.
const SHOWN: &[&str] = &[
    "accept",
    "accept-ranges",
    "age",
    "allow",
    "cache-control",
    "cf-ray",
    "connection",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-length",
    "content-range",
    "content-type",
    "date",
    "etag",
    "expires",
    "keep-alive",
    "last-modified",
    "ratelimit-limit",
    "ratelimit-remaining",
    "ratelimit-reset",
    "retry-after",
    "server",
    "strict-transport-security",
    "transfer-encoding",
    "vary",
    "via",
    "x-cache",
    "x-powered-by",
    "x-ratelimit-limit",
    "x-ratelimit-pathlimit",
    "x-ratelimit-pathremaining",
    "x-ratelimit-pathreset",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
    "x-request-id",
];

#[derive(Clone)]
pub(crate) struct HttpObserver(Arc<dyn Fn(&HttpEvent) + Send + Sync>);

impl HttpObserver {
    pub(crate) fn new(observe: impl Fn(&HttpEvent) + Send + Sync + 'static) -> Self {
        Self(Arc::new(observe))
    }

    pub(super) fn request(&self, method: &http::Method, url: &str, headers: &[(HeaderName, HeaderValue)]) {
        let headers = headers.iter().map(|(name, value)| shown(name, value)).collect();
        let url = match url.split_once('?') {
            Some((before, _)) => format!("{before}?{HIDDEN}"),
            None => url.to_owned(),
        };
        (self.0)(&HttpEvent::Request { method: method.to_string(), url, headers });
    }

    pub(super) fn response(&self, status: u16, headers: &HeaderMap) {
        let headers = headers.iter().map(|(name, value)| shown(name, value)).collect();
        (self.0)(&HttpEvent::Response { status, headers });
    }

    pub(super) fn failed(&self, message: String) {
        (self.0)(&HttpEvent::Failed { message });
    }
}

impl fmt::Debug for HttpObserver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HttpObserver")
    }
}

fn shown(name: &HeaderName, value: &HeaderValue) -> (String, String) {
    let is_shown = !value.is_sensitive() && SHOWN.contains(&name.as_str());
    let value =
        if is_shown { String::from_utf8_lossy(value.as_bytes()).into_owned() } else { HIDDEN.to_owned() };
    (name.to_string(), value)
}

#[cfg(test)]
mod tests {
    use http::header::{CONTENT_TYPE, SET_COOKIE};

    use super::*;
    use crate::http::secret_header_value;

    #[test]
    fn a_value_that_may_be_a_secret_is_hidden() {
        let plain = HeaderValue::from_static("text/plain");
        let hidden = |name: &HeaderName, value: &HeaderValue| shown(name, value).1 == HIDDEN;
        assert!(!hidden(&CONTENT_TYPE, &plain), "control");
        assert!(hidden(&CONTENT_TYPE, &secret_header_value("text/plain").unwrap()));
        for name in [SET_COOKIE, http::header::LOCATION, HeaderName::from_static("x-gate")] {
            assert!(hidden(&name, &plain), "{name}");
        }
    }

    #[test]
    fn the_list_of_shown_names_can_be_read() {
        assert!(
            SHOWN.is_sorted() && SHOWN.iter().all(|name| HeaderName::from_bytes(name.as_bytes()).is_ok())
        );
        assert!(SHOWN.iter().all(|name| !["auth", "cookie", "token"].iter().any(|word| name.contains(word))));
    }
}
