//! Answers to requests of the program.

use std::fmt;

use http::HeaderMap;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use crate::error::{Error, ErrorCode};
use crate::exchange::Outline;
use crate::http::Answer;

/// An answer of the instance. It may have any HTTP status.
pub struct Response {
    status: u16,
    headers: HeaderMap,
    body: Zeroizing<Vec<u8>>,
}

impl Response {
    /// The status code.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// Whether the status is 2xx.
    #[must_use]
    pub const fn is_success(&self) -> bool {
        self.status >= 200 && self.status < 300
    }

    /// The headers.
    #[must_use]
    pub const fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The body, byte for byte. Wiped with the response.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The names and kinds of the fields in the answer, without values.
    #[must_use]
    pub fn outline(&self) -> Outline {
        Outline::of(self.status, &self.headers, &self.body)
    }

    /// The body, taken out instead of copied.
    #[must_use]
    pub fn into_body(self) -> Zeroizing<Vec<u8>> {
        self.body
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// `UnexpectedAnswer` if it is not the JSON that `T` wants.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_slice(&self.body).map_err(|error| {
            // serde_json's text names types and places; it can quote a value, which is the program's own.
            let place = format!("line {} column {}", error.line(), error.column());
            Error::new(
                ErrorCode::UnexpectedAnswer,
                format!("the answer is not the JSON that was expected, at {place}"),
            )
        })
    }
}

impl Response {
    /// Of an answer whose body went elsewhere.
    pub(crate) fn without_body(status: u16, headers: HeaderMap) -> Self {
        Self { status, headers, body: Zeroizing::new(Vec::new()) }
    }
}

impl From<Answer> for Response {
    fn from(answer: Answer) -> Self {
        Self { status: answer.status, headers: answer.headers, body: answer.body }
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Response({}, {} body bytes)", self.status, self.body.len())
    }
}
