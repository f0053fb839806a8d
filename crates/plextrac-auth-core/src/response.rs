//! An HTTP answer as the driver hands it in.

use core::time::Duration;

use crate::http_date;
use crate::rate_limit;
use crate::time::UnixTime;

/// Status, headers and body of one answer, borrowed from the driver's HTTP stack.
#[derive(Clone, Copy)]
pub struct Response<'a> {
    /// The status code.
    pub status: u16,
    /// Name and value of each header line, in order; names in any case.
    pub headers: &'a [(&'a str, &'a [u8])],
    /// The whole body, decoded from any transfer coding.
    pub body: &'a [u8],
}

impl Response<'_> {
    /// The first value of a header, if it is text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let (_, value) = self.headers.iter().find(|(found, _)| found.eq_ignore_ascii_case(name))?;
        core::str::from_utf8(value).ok()
    }

    /// How long `Retry-After` asks to wait (RFC 9110 §10.2.3), within [`MIN_WAIT`](crate::MIN_WAIT) and
    /// [`MAX_WAIT`](crate::MAX_WAIT). A date is read against this answer's `Date`, or else against `now`.
    #[must_use]
    pub fn retry_after(&self, now: UnixTime) -> Option<Duration> {
        rate_limit::retry_after(self, now)
    }

    /// The server's wall clock by its `Date`, to the second.
    #[must_use]
    pub fn date(&self) -> Option<UnixTime> {
        self.header("date").and_then(http_date::parse)
    }
}

impl core::fmt::Debug for Response<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Response({}, {} headers, {} bytes)", self.status, self.headers.len(), self.body.len())
    }
}
