//! Why a request brought no answer.

use std::error::Error as StdError;
use std::fmt;

use plextrac_auth_core::Failure;

/// Why a request brought no answer. An HTTP error is an answer.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// There is no token to authorize it with.
    NoToken(Failure),
    /// The URL is not one of the account's instance. The token is sent nowhere else. Nothing was sent.
    ForeignUrl,
    /// What reqwest says.
    Http(reqwest::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoToken(failure) => write!(f, "no token: {failure}"),
            Self::ForeignUrl => f.write_str(
                "the URL does not belong to the account's instance; build requests with Account::request",
            ),
            Self::Http(error) => error.fmt(f),
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::NoToken(failure) => Some(failure),
            Self::ForeignUrl => None,
            Self::Http(error) => error.source(),
        }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        Self::NoToken(failure)
    }
}

impl From<reqwest::Error> for Error {
    fn from(error: reqwest::Error) -> Self {
        Self::Http(error)
    }
}
