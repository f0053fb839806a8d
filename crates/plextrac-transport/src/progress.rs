//! How far a streamed body has come.

use std::sync::Arc;

/// How far the body of a request or of a response has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// Which way the bytes go.
    pub transfer: Transfer,
    /// How many bytes of the body were read so far: from the program's reader, or from the network. A body that is sent
    /// once more after a 401 starts again at its first byte.
    pub done: u64,
    /// How many there will be, if that is known.
    pub total: Option<u64>,
}

impl Progress {
    /// What a report says.
    #[must_use]
    pub const fn new(transfer: Transfer, done: u64, total: Option<u64>) -> Self {
        Self { transfer, done, total }
    }
}

/// A direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transfer {
    /// To the server.
    Upload,
    /// From the server.
    Download,
}

/// Called after each part, on the thread that makes the call.
pub(crate) type ReportProgress = Arc<dyn Fn(&Progress) + Send + Sync>;
