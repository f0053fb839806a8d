//! What is wrong with a store's address or key.

use std::fmt;

/// A store's URL, or a file that it names, cannot be used. It names the part that is wrong and repeats nothing secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreUrlError {
    part: &'static str,
    reason: String,
}

impl StoreUrlError {
    pub(crate) fn new(part: &'static str, reason: impl Into<String>) -> Self {
        Self { part, reason: reason.into() }
    }

    /// The part that is wrong, such as `scheme`, `port` or `password-file`.
    #[must_use]
    pub const fn part(&self) -> &'static str {
        self.part
    }
}

impl fmt::Display for StoreUrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.part, self.reason)
    }
}

impl std::error::Error for StoreUrlError {}
