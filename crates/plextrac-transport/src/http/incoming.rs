//! An answer whose head has come and whose body is read piece by piece.

use std::fmt;
use std::io::Read;
use std::rc::Rc;

use http::HeaderMap;
use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::response::Parts;
use ureq::{Body, BodyReader};

use super::body::{BodyFailure, read_whole};
use super::call::{Answer, Call, TimeLimit};
use super::call_context::CallContext;
use super::client::{classify, not_http};
use super::endpoint::Endpoint;
use super::error::{HttpError, HttpErrorKind};
use crate::cancel::CancelToken;

/// The answer of a server. The connection is kept for the next request only if the body is read to its end.
pub(crate) struct Incoming {
    status: u16,
    headers: HeaderMap,
    body: BodyReader<'static>,
    /// The length of the body, if the server announced it.
    length: Option<u64>,
    server: Endpoint,
    limit: TimeLimit,
    tokens: Vec<CancelToken>,
}

impl Incoming {
    pub(super) fn begin(
        head: Parts,
        body: Body,
        server: Endpoint,
        call: &Call<'_>,
        context: &CallContext,
    ) -> Result<Self, HttpError> {
        let is_chunked = head.headers.contains_key(TRANSFER_ENCODING);
        if is_chunked && head.headers.contains_key(CONTENT_LENGTH) {
            let why = "it tells two lengths, by Content-Length and by Transfer-Encoding";
            return Err(not_http(&server, why).sent(true));
        }
        Ok(Self {
            status: head.status.as_u16(),
            headers: head.headers,
            // With a chunked body ureq tells no length; without any body, none or zero.
            length: if is_chunked { None } else { body.content_length() },
            body: body.into_reader(),
            server,
            limit: call.limit,
            tokens: context.tokens().to_vec(),
        })
    }

    pub(crate) fn status(&self) -> u16 {
        self.status
    }

    pub(crate) fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    pub(crate) fn length(&self) -> Option<u64> {
        self.length
    }

    /// The next bytes of the body; none at its end. After an error the rest is lost.
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> Result<usize, HttpError> {
        let context = self.resume();
        let _entered = context.enter();
        let stopped = |stop| super::dialer::stopped(stop, &self.server, &context).sent(true);
        context.remaining().map_err(stopped)?;
        self.body
            .read(buffer)
            .map_err(|error| classify(ureq::Error::from(error), &self.server, &context).sent(true))
    }

    /// The answer with its whole body in memory.
    pub(crate) fn into_answer(mut self, limit: usize) -> Result<Answer, HttpError> {
        let context = self.resume();
        let _entered = context.enter();
        let body = read_whole(&mut self.body, self.length, limit).map_err(|failure| match failure {
            BodyFailure::TooLarge => HttpError::new(
                HttpErrorKind::TooLarge,
                format!("the answer of {} is larger than the {limit} bytes allowed", self.server),
            ),
            BodyFailure::Read(error) => classify(ureq::Error::from(error), &self.server, &context),
        });
        Ok(Answer {
            status: self.status,
            headers: self.headers,
            body: body.map_err(|error| error.sent(true))?,
        })
    }

    /// ureq works on the thread that reads. That may be another than the one that sent the request.
    fn resume(&self) -> Rc<CallContext> {
        CallContext::resumed(self.limit, self.tokens.clone())
    }
}

impl fmt::Debug for Incoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Incoming")
            .field("status", &self.status)
            .field("length", &self.length)
            .finish_non_exhaustive()
    }
}
