//! A response whose body is read piece by piece.

use std::fmt;
use std::io::{self, Read, Write};
use std::time::Duration;

use http::HeaderMap;
use zeroize::Zeroizing;

use super::Session;
use super::exchange::request_failed;
use crate::error::{Error, ErrorCode};
use crate::http::{HttpError, Incoming};
use crate::progress::{Progress, ReportProgress, Transfer};
use crate::request::Request;
use crate::response::Response;

/// How much of a body is in memory at a time.
const PART: usize = 32 * 1024;

/// A response whose body is still to be read. HTTP errors are responses as well.
///
/// It keeps the session open. Reading ends with an error if no byte comes within the session's timeout, if the caller's
/// token is triggered, or if the session is closed; each such [`io::Error`] holds an [`Error`].
pub struct StreamedResponse {
    incoming: Incoming,
    session: Session,
    is_idempotent: bool,
    done: u64,
    on_progress: Option<ReportProgress>,
}

impl StreamedResponse {
    pub(super) fn new(incoming: Incoming, session: &Session, request: &Request) -> Self {
        Self {
            incoming,
            session: session.clone(),
            is_idempotent: request.method.is_idempotent(),
            done: 0,
            on_progress: request.on_progress.clone(),
        }
    }

    /// The status code.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.incoming.status()
    }

    /// Whether the status is 2xx.
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status())
    }

    /// The headers.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        self.incoming.headers()
    }

    /// The length of the whole body, if the server announced it.
    #[must_use]
    pub fn length(&self) -> Option<u64> {
        self.incoming.length()
    }

    /// How long the server asks to wait before the next request, by `Retry-After`: from 1 s to 15 min.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        let header = |name| Some((name, self.headers().get(name)?.as_bytes()));
        let headers: Vec<_> = ["retry-after", "date"].into_iter().filter_map(header).collect();
        let response = plextrac_auth_core::Response { status: self.status(), headers: &headers, body: &[] };
        response.retry_after(self.session.shared().clock.now().unix)
    }

    /// Writes the rest of the body, and returns its length. An answer that is cut short is an error.
    ///
    /// # Errors
    /// What the network brings; `Io` if the writer fails.
    pub fn copy_to(&mut self, sink: &mut (impl Write + ?Sized)) -> Result<u64, Error> {
        let mut part = Zeroizing::new(vec![0; PART]);
        let before = self.done;
        loop {
            let count = self.next(&mut part)?;
            if count == 0 {
                sink.flush().map_err(|error| cannot_write(&error))?;
                return Ok(self.done - before);
            }
            sink.write_all(&part[..count]).map_err(|error| cannot_write(&error))?;
        }
    }

    /// Reads the rest of the body into memory, within the session's
    /// [`response_limit`](crate::SessionConfig::response_limit).
    ///
    /// # Errors
    /// What the network brings; `TooLarge` over the limit.
    pub fn into_response(self) -> Result<Response, Error> {
        let Self { incoming, session, is_idempotent, .. } = self;
        let answer = incoming.into_answer(session.shared().response_limit);
        answer.map(Response::from).map_err(|error| failed(&error, is_idempotent, &session))
    }

    /// Status and headers, with an empty body.
    pub(super) fn into_head(self) -> Response {
        Response::without_body(self.incoming.status(), self.incoming.headers().clone())
    }

    fn next(&mut self, buffer: &mut [u8]) -> Result<usize, Error> {
        let count =
            self.incoming.read(buffer).map_err(|error| failed(&error, self.is_idempotent, &self.session))?;
        self.done += count as u64;
        if let Some(report) = self.on_progress.as_ref().filter(|_| count > 0) {
            report(&Progress { transfer: Transfer::Download, done: self.done, total: self.length() });
        }
        Ok(count)
    }
}

impl Read for StreamedResponse {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.next(buffer).map_err(|error| io::Error::new(kind_of(error.code()), error))
    }
}

impl fmt::Debug for StreamedResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StreamedResponse({}, {} body bytes read)", self.status(), self.done)
    }
}

impl Session {
    /// Sends a request and returns when the head of the answer has come. The body is read from the response, and is
    /// not held in memory.
    ///
    /// The timeout is for progress: the call fails if no byte moves for so long, and may take any time otherwise.
    /// Getting a token has a timeout of its own, as with [`login`](Self::login). After a 401 the request is sent once
    /// more, if its body can be read again.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), plextrac_transport::Error> {
    /// # let session: plextrac_transport::Session = unimplemented!();
    /// let request = plextrac_transport::Request::get("/api/v1/client/1/report/2/export/pdf")?;
    /// let mut response = session.stream(&request)?;
    /// if response.is_success() {
    ///     let mut file = std::fs::File::create("report.pdf").expect("a file");
    ///     response.copy_to(&mut file)?;
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// As [`request`](Self::request).
    pub fn stream(&self, request: &Request) -> Result<StreamedResponse, Error> {
        let incoming = self.stream_authorized(request)?;
        Ok(StreamedResponse::new(incoming, self, request))
    }

    /// Like [`stream`](Self::stream), and writes the body of a 2xx answer to `sink`: then the response has no body. The
    /// body of any other answer is in the response, as with [`request`](Self::request).
    ///
    /// # Errors
    /// As [`request`](Self::request); `Io` if the writer fails. A part of the body may have been written then.
    pub fn download(&self, request: &Request, sink: &mut (impl Write + ?Sized)) -> Result<Response, Error> {
        let mut response = self.stream(request)?;
        if !response.is_success() {
            return response.into_response();
        }
        response.copy_to(sink)?;
        Ok(response.into_head())
    }
}

fn failed(error: &HttpError, is_idempotent: bool, session: &Session) -> Error {
    request_failed(error, is_idempotent, &session.shared().abort_requests)
}

fn cannot_write(error: &io::Error) -> Error {
    Error::new(
        ErrorCode::Io,
        format!("the body of the answer cannot be written: {error}; the rest of it is lost"),
    )
}

fn kind_of(code: ErrorCode) -> io::ErrorKind {
    match code {
        ErrorCode::Timeout => io::ErrorKind::TimedOut,
        // Never `Interrupted`: that means "try again".
        _ => io::ErrorKind::Other,
    }
}
