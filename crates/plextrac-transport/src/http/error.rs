//! What can go wrong, said so that a person can act on it. Never: header values, bodies, user names, query strings.

use std::fmt;

/// An exchange that brought no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HttpError {
    kind: HttpErrorKind,
    was_sent: bool,
    message: String,
}

impl HttpError {
    pub(crate) fn new(kind: HttpErrorKind, message: impl Into<String>) -> Self {
        Self { kind, was_sent: false, message: message.into() }
    }

    pub(super) fn sent(mut self, was_sent: bool) -> Self {
        self.was_sent = was_sent;
        self
    }

    /// The class, for programs.
    pub(crate) fn kind(&self) -> HttpErrorKind {
        self.kind
    }

    /// Whether a part of the request may have reached the server. With `false` it certainly has not.
    pub(crate) fn was_sent(&self) -> bool {
        self.was_sent
    }
}

impl fmt::Display for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for HttpError {}

/// Classes of [`HttpError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum HttpErrorKind {
    /// The deadline, or the time for connecting, was over.
    Timeout,
    /// One of the call's tokens was triggered.
    Cancelled,
    /// The host's address could not be found.
    Resolve,
    /// No connection to the host, or to the proxy.
    Connect,
    /// The proxy is not usable, or refused to connect.
    Proxy,
    /// TLS could not be agreed on, or the certificate is not trusted.
    Tls,
    /// The connection ended before the answer did.
    Closed,
    /// The answer was larger than allowed.
    TooLarge,
    /// The answer was not HTTP.
    Protocol,
    /// The request is not one that can be sent.
    Request,
    /// The body of the request could not be read.
    Body,
}

/// Settings that no client can be made from. Nothing was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum HttpSetupError {
    /// A bundle of authorities is damaged.
    BadCaBundle {
        /// As given with it.
        name: String,
        /// What is wrong.
        reason: String,
    },
    /// No authority was given, though only given ones are to be trusted; or a bundle holds none.
    EmptyCaBundle {
        /// As given with it; `None` if there is no bundle at all.
        name: Option<String>,
    },
    /// The client certificate or its key is damaged, or they do not belong together.
    BadClientCertificate {
        /// What is wrong.
        reason: String,
    },
    /// The URL of the proxy is none, or of a kind that is not supported.
    BadProxy {
        /// What is wrong.
        reason: String,
    },
    /// The user agent holds what a header cannot carry.
    BadUserAgent,
}

impl fmt::Display for HttpSetupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadCaBundle { name, reason } => {
                write!(f, "the CA bundle {name} is damaged: {reason}; give a PEM file with CERTIFICATE sections")
            }
            Self::EmptyCaBundle { name: Some(name) } => {
                write!(f, "the CA bundle {name} holds no certificate; give a PEM file with CERTIFICATE sections")
            }
            Self::EmptyCaBundle { name: None } => f.write_str(
                "only the given certification authorities are to be trusted, but none was given; give a CA bundle",
            ),
            Self::BadClientCertificate { reason } => write!(
                f,
                "the client certificate is not usable: {reason}; give its chain and its unencrypted key as PEM"
            ),
            Self::BadProxy { reason } => {
                write!(f, "the proxy is not usable: {reason}; give a URL like http://host:port")
            }
            Self::BadUserAgent => {
                f.write_str("the user agent holds characters that a header cannot carry; use printable ASCII")
            }
        }
    }
}

impl std::error::Error for HttpSetupError {}
