//! One exchange, as the caller sees it: what is asked, and what comes back.

use std::fmt;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::InvalidHeaderValue;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use zeroize::Zeroizing;

use super::upload::BodySource;
use crate::cancel::CancelToken;
use crate::progress::ReportProgress;

/// A request, and the limits within which it must be answered.
pub(crate) struct Call<'a> {
    /// Any but CONNECT.
    pub(crate) method: Method,
    /// Absolute, `http://` or `https://`, without user name and fragment.
    pub(crate) url: &'a str,
    /// Sent as they are, besides `Host`, `User-Agent`, `Accept` and `Content-Length`, which are made here. Those that
    /// frame a message or concern the connection are refused.
    pub(crate) headers: &'a [(HeaderName, HeaderValue)],
    /// Sent byte for byte. Without one, POST, PUT and PATCH say `Content-Length: 0`.
    pub(crate) body: Option<CallBody<'a>>,
    /// How long it may take.
    pub(crate) limit: TimeLimit,
    /// The most bytes of an answer's body that are taken into memory.
    pub(crate) body_limit: usize,
    /// Each of them ends the call when it is triggered.
    pub(crate) cancel: &'a [&'a CancelToken],
}

/// The body of a request.
#[derive(Clone, Copy)]
pub(crate) enum CallBody<'a> {
    /// In memory.
    Bytes(&'a [u8]),
    /// Read while it is sent.
    Source(&'a BodySource, Option<&'a ReportProgress>),
}

impl CallBody<'_> {
    /// Whether it is still there from its start.
    pub(crate) fn can_be_sent(self) -> bool {
        match self {
            Self::Bytes(_) => true,
            Self::Source(source, _) => source.can_be_sent(),
        }
    }
}

/// The time limit of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TimeLimit {
    /// The end of the whole call, name lookup and reading of the answer included.
    Whole(Instant),
    /// How long no byte may move. The whole call may take any time.
    Progress(Duration),
}

/// What a server answered, whatever its status: redirects are not followed, and 4xx and 5xx are no errors here.
pub(crate) struct Answer {
    /// The status code; 1xx are skipped.
    pub(crate) status: u16,
    /// The header, in the order of the server.
    pub(crate) headers: HeaderMap,
    /// The whole body as it came, no content coding undone.
    pub(crate) body: Zeroizing<Vec<u8>>,
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer")
            .field("status", &self.status)
            .field("body_len", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// A header value whose only copy is wiped when the last clone is dropped, and which `Debug` does not show.
///
/// # Errors
/// Bytes that a header cannot carry, such as a line break.
pub(crate) fn secret_header_value(secret: &str) -> Result<HeaderValue, InvalidHeaderValue> {
    let owned = Bytes::from_owner(Zeroizing::new(secret.as_bytes().to_vec()));
    let mut value = HeaderValue::from_maybe_shared(owned)?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_header_value_is_not_shown() {
        let value = secret_header_value("hunter2").unwrap();
        assert_eq!(value.as_bytes(), b"hunter2");
        assert!(!format!("{value:?}").contains("hunter2"));
    }

    #[test]
    fn a_secret_with_a_line_break_is_no_header_value() {
        assert!(secret_header_value("a\r\nX: b").is_err());
    }
}
