//! Why a call did not do what was asked.

use std::fmt;
use std::time::Duration;

use plextrac_auth_core::{CredentialError, Failure, FailureKind, InputError, InstanceError};

/// What happened, to what, and what to do next.
///
/// Cheap to clone: one error serves all callers that waited for it. It contains no secret, and nothing else that was
/// in a request.
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    code: ErrorCode,
    message: String,
    http_status: Option<u16>,
    retry_after: Option<Duration>,
    retryable: bool,
}

/// The class of an error, for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorCode {
    /// Invalid argument. Nothing was changed.
    InvalidArgument,
    /// The call does not fit the state of the session.
    WrongState,
    /// A callback called the session that waits for the callback.
    Busy,
    /// The session was closed.
    Closed,
    /// The session was created before a `fork`, and cannot be used in the child.
    Forked,
    /// A callback, or this library, panicked. The session is still usable.
    Panic,
    /// The caller cancelled the call.
    Cancelled,
    /// The call reached its time limit.
    Timeout,
    /// A one-time code is needed. Send it with `submit_mfa`.
    MfaRequired,
    /// The server rejected the credentials, the one-time code or the refresh.
    Rejected,
    /// Nothing may be sent now. [`Error::retry_after`] returns how long to wait.
    MustWait,
    /// There is no token yet.
    NotReady,
    /// The token has expired, and there are no credentials to get another one.
    Expired,
    /// The server could not be reached, or the connection broke.
    Network,
    /// The TLS handshake failed, or the certificate is not trusted.
    Tls,
    /// The answer is an HTML page, a redirect or the wrong JSON.
    UnexpectedAnswer,
    /// The answer exceeds the size limit.
    TooLarge,
    /// A reader or writer of the program failed while a body was sent or received.
    Io,
    /// The shared state is not safe to use, or a change could not be written for other processes.
    Store,
    /// Not available on this system.
    Unsupported,
}

impl Error {
    /// The class.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        self.0.code
    }

    /// The message, without status and wait.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The HTTP status of the answer that caused the error, if there was one.
    #[must_use]
    pub fn http_status(&self) -> Option<u16> {
        self.0.http_status
    }

    /// How long to wait before another attempt, counted from now, if known.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// Whether the same call may succeed later without a change.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.0.retryable
    }

    pub(crate) fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        use ErrorCode as C;
        let retryable = matches!(
            code,
            C::Busy
                | C::Cancelled
                | C::Timeout
                | C::MustWait
                | C::NotReady
                | C::Network
                | C::UnexpectedAnswer
        );
        Self(Box::new(Inner {
            code,
            message: message.into(),
            http_status: None,
            retry_after: None,
            retryable,
        }))
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidArgument, message)
    }

    pub(crate) fn not_retryable(mut self) -> Self {
        self.0.retryable = false;
        self
    }

    /// Takes the place of the sentence, which knows the class alone: a cause names the server, and what to do.
    pub(crate) fn because(mut self, cause: &str) -> Self {
        cause.clone_into(&mut self.0.message);
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        if let Some(status) = self.0.http_status {
            write!(f, " (HTTP {status})")?;
        }
        if let Some(wait) = self.0.retry_after {
            write!(f, "; wait {} s", wait.as_millis().div_ceil(1000))?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {self}", self.0.code)
    }
}

impl std::error::Error for Error {}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        use ErrorCode as C;
        use FailureKind as K;
        let code = match failure.kind() {
            K::Rejected | K::MfaRejected | K::RefreshRefused => C::Rejected,
            K::MfaRequired => C::MfaRequired,
            K::SignInNeeded => C::Expired,
            K::MustWait => C::MustWait,
            K::Network => C::Network,
            K::Tls => C::Tls,
            K::Timeout => C::Timeout,
            K::Cancelled => C::Cancelled,
            K::TooLarge => C::TooLarge,
            K::Store => C::Store,
            _ => C::UnexpectedAnswer,
        };
        Self(Box::new(Inner {
            code,
            message: failure.message().to_owned(),
            http_status: failure.http_status(),
            retry_after: failure.retry_after(),
            retryable: failure.is_retryable(),
        }))
    }
}

impl From<InstanceError> for Error {
    fn from(error: InstanceError) -> Self {
        Self::invalid(error.to_string())
    }
}

impl From<CredentialError> for Error {
    fn from(error: CredentialError) -> Self {
        Self::invalid(error.to_string())
    }
}

impl From<InputError> for Error {
    fn from(error: InputError) -> Self {
        let code = match error {
            InputError::CodeSpent => ErrorCode::InvalidArgument,
            _ => ErrorCode::WrongState,
        };
        Self::new(code, error.to_string())
    }
}
