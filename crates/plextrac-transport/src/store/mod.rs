//! Where sessions of one account meet: a few small records under opaque names.
//!
//! A store decides nothing. What is in a record, and when it is read and written, is the core's business. So a store can
//! be memory, a directory, or an engine.

#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
mod contract;
mod directory;
#[cfg(all(test, not(plextrac_shuttle)))]
mod faulty;
mod memory;
mod pauses;

use std::fmt;

use plextrac_auth_core::MAX_RECORD;

pub use contract::{CallLimits, Presence, RecordStore, Watched};
pub use directory::DirectoryStore;
pub use memory::MemoryStore;

/// Why a store cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreError {
    /// Whether it is safe to go on without it.
    pub kind: StoreErrorKind,
    /// What happened, to what, and what to do.
    pub message: String,
}

/// Whether it is safe to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// It cannot be used just now (full, read-only, no locks): sessions go on without sharing.
    Unavailable,
    /// Other users could read or change what is in it: nothing is written there.
    Unsafe,
    /// Another process has held a lock of it for longer than the call could wait.
    Busy,
    /// This program's key does not open the store. Nothing is sent: its records say what must not be sent again.
    WrongKey,
}

impl StoreError {
    pub(crate) fn unavailable(message: impl Into<String>) -> Self {
        Self { kind: StoreErrorKind::Unavailable, message: message.into() }
    }

    pub(crate) fn busy(message: impl Into<String>) -> Self {
        Self { kind: StoreErrorKind::Busy, message: message.into() }
    }

    pub(crate) fn not_safe(message: impl Into<String>) -> Self {
        Self { kind: StoreErrorKind::Unsafe, message: message.into() }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for StoreError {}

fn too_long(record: &[u8]) -> StoreError {
    StoreError::unavailable(format!(
        "a record of {} bytes is too long; at most {MAX_RECORD} are kept",
        record.len()
    ))
}

#[cfg(all(test, not(plextrac_shuttle)))]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn the_memory_store_conforms() {
        let store = MemoryStore::new();
        conformance::check(&|| Arc::new(store.clone()));
    }

    #[test]
    fn the_directory_store_conforms() {
        let parent = tempfile::tempdir().unwrap();
        let directory = parent.path().join("state");
        conformance::check(&|| Arc::new(DirectoryStore::open(&directory).unwrap()));
    }
}
