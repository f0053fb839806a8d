//! The one file that reads a clock: for the deadlines of calls.

use std::time::Instant;

#[allow(clippy::disallowed_methods, reason = "this is the file that reads a clock")]
pub(crate) fn now() -> Instant {
    Instant::now()
}
