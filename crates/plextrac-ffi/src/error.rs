//! Why a call did not do what was asked.

use std::fmt;
use std::time::Duration;

use plextrac_auth_core::{CredentialError, InputError, NotUsable};

use crate::handle::{self, Boxed, Handle};
use crate::status::{self, *};
use crate::text::Text;
use crate::{out, plextrac_str};

/// What happened, to what, and what to do next. Holds nothing that was in a request.
#[derive(Clone)]
pub struct plextrac_error(Box<Detail>);

/// Boxed, so that the calls that succeed carry no room for it around: with that, copying the header value out took as
/// long again.
#[derive(Clone)]
struct Detail {
    status: i32,
    message: Text,
    http_status: Option<u16>,
    retry_after: Option<Duration>,
    is_retryable: bool,
}

impl Handle for plextrac_error {
    type Ownership = Boxed;
}

/// The status that the call returned.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_error_status(error: *const plextrac_error) -> i32 {
    guarded!(or PLEXTRAC_INVALID_ARGUMENT => shared error; { error.0.status })
}

/// The message, in English. Valid as long as the error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_error_message(error: *const plextrac_error) -> plextrac_str {
    guarded!(or out::Empty::EMPTY => shared error; { error.0.message.view() })
}

/// The HTTP status of the answer that caused the error. False if there was none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_error_http_status(error: *const plextrac_error, out: *mut u16) -> bool {
    guarded!(or false => shared error, out out; {
        error.0.http_status.map(|status| out.set(status)).is_some()
    })
}

/// How many milliseconds to wait before another attempt, counted from the return of the call. False
/// if that is not known.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_error_retry_after_ms(error: *const plextrac_error, out: *mut u64) -> bool {
    guarded!(or false => shared error, out out; {
        error.0.retry_after.map(|wait| out.set(millis(wait))).is_some()
    })
}

/// Whether the same call may succeed later without a change.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_error_is_retryable(error: *const plextrac_error) -> bool {
    guarded!(or false => shared error; { error.0.is_retryable })
}

/// Frees an error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_error_free(error: *mut plextrac_error) {
    // SAFETY: the manual says that a handle is freed once, and by its own function.
    unsafe { handle::free(error) };
}

impl plextrac_error {
    pub(crate) fn new(status: i32, message: &str) -> Self {
        Self(Box::new(Detail {
            status,
            message: Text::new(message.as_bytes()),
            http_status: None,
            retry_after: None,
            is_retryable: false,
        }))
    }

    pub(crate) fn invalid(message: impl AsRef<str>) -> Self {
        Self::new(PLEXTRAC_INVALID_ARGUMENT, message.as_ref())
    }

    #[cold]
    pub(crate) fn null(parameter: &str) -> Self {
        Self::invalid(format!("{parameter} is NULL"))
    }

    pub(crate) fn unknown_number(parameter: &str, number: i32) -> Self {
        Self::invalid(format!("{number} is no value for {parameter}; use a constant of the header"))
    }

    pub(crate) fn panicked() -> Self {
        let sentence =
            "a bug in libplextrac was caught; a handle that took part can no longer be used: free it";
        Self::new(PLEXTRAC_PANIC, sentence)
    }

    #[cold]
    pub(crate) fn poisoned(parameter: &str) -> Self {
        let sentence =
            format!("a bug was caught in an earlier call with {parameter}: free it and make another");
        Self::new(PLEXTRAC_PANIC, &sentence)
    }

    #[cold]
    pub(crate) fn forked(parameter: &str) -> Self {
        let sentence = format!(
            "{parameter} was made before a fork and belongs to the parent: make another in this process"
        );
        Self::new(PLEXTRAC_FORKED, &sentence)
    }

    pub(crate) const fn status(&self) -> i32 {
        self.0.status
    }

    pub(crate) const fn message(&self) -> &Text {
        &self.0.message
    }
}

impl From<plextrac_transport::Error> for plextrac_error {
    fn from(error: plextrac_transport::Error) -> Self {
        Self(Box::new(Detail {
            status: status::of(error.code()),
            message: Text::new(error.to_string().as_bytes()),
            http_status: error.http_status(),
            retry_after: error.retry_after(),
            is_retryable: error.is_retryable(),
        }))
    }
}

impl From<CredentialError> for plextrac_error {
    fn from(error: CredentialError) -> Self {
        Self::invalid(error.to_string())
    }
}

impl From<InputError> for plextrac_error {
    fn from(error: InputError) -> Self {
        let status = match error {
            InputError::MustDrain => PLEXTRAC_MUST_DRAIN,
            InputError::Stale => PLEXTRAC_STALE,
            InputError::CodeSpent => PLEXTRAC_INVALID_ARGUMENT,
            _ => PLEXTRAC_WRONG_STATE,
        };
        Self::new(status, &error.to_string())
    }
}

impl From<NotUsable> for plextrac_error {
    fn from(error: NotUsable) -> Self {
        match error {
            NotUsable::NotReady => Self::new(PLEXTRAC_NOT_READY, "there is no token yet: want one and poll"),
            NotUsable::Expired => Self::new(PLEXTRAC_EXPIRED, "the token has ended: want another and poll"),
        }
    }
}

impl fmt::Debug for plextrac_error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let view = self.0.message.view();
        // SAFETY: the view is of our own message, which is borrowed.
        let message = unsafe { std::slice::from_raw_parts(view.data.cast::<u8>(), view.len) };
        write!(f, "{}: {}", self.0.status, String::from_utf8_lossy(message))
    }
}

/// Whole milliseconds, rounded up, so that a wait of this length is long enough.
pub(crate) fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

/// The status of an outcome. The detail goes to `err`, unless that is NULL.
///
/// # Safety
/// `err` is NULL or may be written to.
#[inline(always)]
pub(crate) unsafe fn report(outcome: Result<(), plextrac_error>, err: *mut *mut plextrac_error) -> i32 {
    match outcome {
        Ok(()) => PLEXTRAC_OK,
        // SAFETY: as the caller promises.
        Err(error) => unsafe { report_error(error, err) },
    }
}

/// # Safety
/// As for [`report`].
#[cold]
unsafe fn report_error(error: plextrac_error, err: *mut *mut plextrac_error) -> i32 {
    let status = error.0.status;
    if !err.is_null() {
        // SAFETY: not NULL, and as the caller promises.
        unsafe { err.write(handle::give(error)) };
    }
    status
}
