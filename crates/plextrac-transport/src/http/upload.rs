//! The body of a request that is read while it is sent.

use std::io::{self, Read};
use std::sync::Arc;
use std::{error, fmt};

use super::call_context::CallContext;
use super::error::{HttpError, HttpErrorKind};
use crate::progress::{Progress, ReportProgress, Transfer};
use crate::sync::Mutex;

/// Where the bytes of a request's body come from, and how many there are.
#[derive(Clone)]
pub(crate) struct BodySource {
    length: Option<u64>,
    opener: Opener,
}

type Reader = Box<dyn Read + Send>;

#[derive(Clone)]
enum Opener {
    /// One reader. It is gone when a byte was read from it.
    Once(Arc<Mutex<Option<Reader>>>),
    /// A function that opens the body from its start, each time anew.
    Again(Arc<dyn Fn() -> io::Result<Reader> + Send + Sync>),
}

impl BodySource {
    /// `length` is what `Content-Length` says. Without it the body is sent in chunks.
    pub(crate) fn once(reader: Reader, length: Option<u64>) -> Self {
        Self { length, opener: Opener::Once(Arc::new(Mutex::new(Some(reader)))) }
    }

    pub(crate) fn again(
        open: Arc<dyn Fn() -> io::Result<Reader> + Send + Sync>,
        length: Option<u64>,
    ) -> Self {
        Self { length, opener: Opener::Again(open) }
    }

    pub(crate) fn length(&self) -> Option<u64> {
        self.length
    }

    /// Whether the body is still there from its start.
    pub(crate) fn can_be_sent(&self) -> bool {
        match &self.opener {
            Opener::Once(reader) => reader.lock().is_some(),
            Opener::Again(_) => true,
        }
    }

    /// Starts to send the body.
    pub(super) fn open<'a>(
        &'a self,
        progress: Option<&'a ReportProgress>,
        context: &'a CallContext,
    ) -> Result<Upload<'a>, BodyFailed> {
        let reader = match &self.opener {
            Opener::Once(reader) => reader.lock().take().ok_or(BodyFailed::Spent)?,
            Opener::Again(open) => open().map_err(BodyFailed::Read)?,
        };
        Ok(Upload { source: self, progress, context, reader: Some(reader), done: 0, was_read: false })
    }
}

impl fmt::Debug for BodySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BodySource").field("length", &self.length).finish_non_exhaustive()
    }
}

/// The body on its way out. A reader from which nothing was read goes back to its source.
pub(super) struct Upload<'a> {
    source: &'a BodySource,
    progress: Option<&'a ReportProgress>,
    context: &'a CallContext,
    reader: Option<Reader>,
    done: u64,
    was_read: bool,
}

impl Upload<'_> {
    fn read_source(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.source.length.map(|length| length - self.done);
        let room =
            left.map_or(buffer.len(), |left| buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX)));
        let Some(reader) = &mut self.reader else { return Ok(0) };
        self.was_read = true;
        loop {
            match reader.read(&mut buffer[..room]) {
                Ok(0) if room > 0 && left.is_some() => {
                    let length = self.source.length.unwrap_or_default();
                    return Err(io::Error::other(BodyFailed::Short { done: self.done, length }));
                }
                // A reader that lies about what it has read must not make this panic.
                Ok(count) => return Ok(count.min(room)),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(io::Error::other(BodyFailed::Read(error))),
            }
        }
    }
}

impl Read for Upload<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.context.remaining()?;
        if self.context.was_answered_early() {
            // Nothing of this leaves: the connection drops it. The announced length has to be used up all the same.
            let left = self.source.length.map_or(0, |length| length - self.done);
            let count = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            self.done += count as u64;
            return Ok(count);
        }
        let count = self.read_source(buffer)?;
        self.done += count as u64;
        if let Some(report) = self.progress.filter(|_| count > 0) {
            report(&Progress { transfer: Transfer::Upload, done: self.done, total: self.source.length });
        }
        Ok(count)
    }
}

impl Drop for Upload<'_> {
    fn drop(&mut self) {
        if let (false, Opener::Once(place)) = (self.was_read, &self.source.opener) {
            *place.lock() = self.reader.take();
        }
    }
}

/// The program's side of an exchange failed, not the network's.
#[derive(Debug)]
pub(super) enum BodyFailed {
    /// The reader was used up by an earlier attempt.
    Spent,
    /// The reader failed.
    Read(io::Error),
    /// The reader ended before the length that was announced.
    Short { done: u64, length: u64 },
}

impl BodyFailed {
    pub(super) fn explain(&self) -> HttpError {
        let (kind, message) = match self {
            Self::Spent => (
                HttpErrorKind::Request,
                "the body of the request was read before and cannot be read again; make a new request, or give a function that opens the body anew".to_owned(),
            ),
            Self::Read(error) => (
                HttpErrorKind::Body,
                format!("the body of the request cannot be read: {error}; the request was given up"),
            ),
            Self::Short { done, length } => (
                HttpErrorKind::Body,
                format!(
                    "the body of the request ended after {done} of {length} bytes, and the request was given up; give the right length, or none"
                ),
            ),
        };
        HttpError::new(kind, message)
    }
}

impl fmt::Display for BodyFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.explain().fmt(f)
    }
}

impl error::Error for BodyFailed {}
