//! Where sessions of one account meet: a few small records under opaque names, and locks.
//!
//! A store decides nothing. What is in a record, and when it is read and written, is the business of
//! [`sharing`](crate::sharing) and of the core's machine; so a store can be memory, a directory, or a server.

mod directory;
mod memory;

use std::fmt;
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

pub use directory::DirectoryStore;
pub use memory::MemoryStore;

/// Keeps records for several sessions. Called from flights and never with a lock of the session held; calls may block.
///
/// Names are digests in lower-case hexadecimal with a letter in front; records are at most 64 KiB and hold secrets.
pub trait SessionStore: Send + Sync {
    /// What errors and events call this store. Tells nothing secret.
    fn name(&self) -> String;

    /// 32 random bytes, made once and the same for everybody who uses the store. They key fingerprints and names.
    ///
    /// # Errors
    /// [`StoreError`].
    fn key(&self) -> Result<Zeroizing<[u8; 32]>, StoreError>;

    /// Waits until nobody else holds the lock of that name, and holds it until the value is dropped. A holder that
    /// dies loses it; one that is stopped does not, so nobody waits beyond `deadline`.
    ///
    /// # Errors
    /// [`Busy`](StoreErrorKind::Busy) if somebody else holds it still; another [`StoreError`] if there can be no lock.
    fn lock(&self, name: &str, deadline: Instant) -> Result<Box<dyn StoreLock>, StoreError>;

    /// The record of that name, whole; `None` if there is none.
    ///
    /// # Errors
    /// [`StoreError`].
    fn read(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError>;

    /// Replaces the record of that name: whoever reads sees the old one or the new one, whole.
    ///
    /// # Errors
    /// [`StoreError`].
    fn write(&self, name: &str, record: &[u8]) -> Result<(), StoreError>;

    /// Takes the record of that name away, so that nobody reads it any more. To remove what is not there is no error.
    /// This must work where nothing more can be written, if that is possible at all: who signs out relies on it.
    ///
    /// # Errors
    /// [`StoreError`].
    fn remove(&self, name: &str) -> Result<(), StoreError>;
}

/// A lock that is held until this is dropped.
pub trait StoreLock: Send {}

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
    /// Somebody else could read or change what is in it: nothing is written there.
    Unsafe,
    /// Somebody else has held a lock of it for longer than there was time.
    Busy,
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

/// Between two attempts to get a lock that another process holds.
pub(crate) const SHORTEST_PAUSE: Duration = Duration::from_millis(1);
pub(crate) const LONGEST_PAUSE: Duration = Duration::from_millis(16);

/// Longest record in bytes: two JWTs of 16 KiB and what goes with them.
pub(crate) const MAX_RECORD: usize = 64 * 1024;
