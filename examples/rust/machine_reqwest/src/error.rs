//! Why there is no token, and why there is no answer.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use plextrac_auth_core::{Failure, WaitReason};

/// Why there is no token. All tasks that waited for one flight are told the same. Holds nothing that was in a request.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum NoToken {
    /// The attempt failed; [`Failure::is_retryable`] tells whether another may do better.
    Failed(Failure),
    /// Nothing may be sent yet, and nothing was.
    MustWait {
        /// For so long.
        wait: Duration,
        /// Why.
        reason: WaitReason,
    },
    /// The runtime ended the flight.
    Ended,
}

/// Why a request brought no answer. An HTTP error is an answer.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// It could not be authorized.
    NoToken(NoToken),
    /// The URL is not one of the account's instance: the token goes nowhere else. Nothing was sent.
    ForeignUrl,
    /// What reqwest says.
    Http(reqwest::Error),
}

impl fmt::Display for NoToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(failure) => failure.fmt(f),
            Self::MustWait { wait, reason } => {
                write!(f, "{}; try again in {} s", reason.as_str(), wait.as_millis().div_ceil(1000))
            }
            Self::Ended => f.write_str("the sign-in was ended with the runtime it ran on; start another"),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoToken(why) => write!(f, "no token: {why}"),
            Self::ForeignUrl => f.write_str(
                "the URL does not belong to the account's instance; build requests with Account::request",
            ),
            Self::Http(error) => error.fmt(f),
        }
    }
}

impl StdError for NoToken {}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::NoToken(why) => Some(why),
            Self::ForeignUrl => None,
            Self::Http(error) => error.source(),
        }
    }
}

impl From<NoToken> for Error {
    fn from(why: NoToken) -> Self {
        Self::NoToken(why)
    }
}

impl From<reqwest::Error> for Error {
    fn from(error: reqwest::Error) -> Self {
        Self::Http(error)
    }
}
