//! What a store must do. Anything that can write on a condition can be one: a directory, an engine, a database.

use std::time::Instant;

use plextrac_auth_core::{ClaimOwner, OnStoreFailure, StoredRecord, Version, WriteOutcome};
use zeroize::Zeroizing;

use super::StoreError;
use crate::cancel::CancelToken;

/// Keeps small records for the sessions of an account, wherever they run.
///
/// A store decides nothing: it keeps opaque bytes under opaque names. It needs no locks, only a conditional write. All
/// methods are called from any thread, with no lock of a session held; they may block until `deadline`, and end early
/// when `cancel` is triggered.
///
/// Names are digests in lower-case hexadecimal with a letter in front: `a` for an account, `b` for the budget of an
/// instance. A store may forget an account's record 30 days after its last write, and a budget after a day. Records are at most 64 KiB and hold secrets:
/// wipe every copy.
pub trait RecordStore: Send + Sync {
    /// What errors and events call this store. It holds nothing secret.
    fn name(&self) -> String;

    /// 32 random bytes, made once and the same for everybody who uses the store. They key fingerprints and names.
    ///
    /// # Errors
    /// [`StoreError`].
    fn key(&self, limits: &CallLimits<'_>) -> Result<Zeroizing<[u8; 32]>, StoreError>;

    /// The record of that name, whole, with its version; [`Version::ABSENT`] if there is none.
    ///
    /// # Errors
    /// [`StoreError`].
    fn read(&self, name: &str, limits: &CallLimits<'_>) -> Result<StoredRecord, StoreError>;

    /// Replaces the record of that name if its version is still `expected`. Every reader sees the old record or the new
    /// one, whole. Each write gives the record a version that it never had before.
    ///
    /// # Errors
    /// [`StoreError`]. After an error the record may have been written.
    fn write(
        &self,
        name: &str,
        expected: Version,
        record: &[u8],
        limits: &CallLimits<'_>,
    ) -> Result<WriteOutcome, StoreError>;

    /// Like [`write`](Self::write), where nothing but the time of the claim is new. The store need not end a
    /// [`watch`](Self::watch) for it: on a network each notice costs something.
    ///
    /// # Errors
    /// [`StoreError`], like [`write`](Self::write).
    fn renew(
        &self,
        name: &str,
        expected: Version,
        record: &[u8],
        limits: &CallLimits<'_>,
    ) -> Result<WriteOutcome, StoreError> {
        self.write(name, expected, record, limits)
    }

    /// Waits until the record of that name has another version than `known`, until the process of `owner` is known
    /// to be gone, or until the limits end. It may return [`Watched::Changed`] though nothing changed: the reader reads
    /// again.
    ///
    /// # Errors
    /// [`StoreError`].
    fn watch(
        &self,
        name: &str,
        known: Version,
        owner: Option<ClaimOwner>,
        limits: &CallLimits<'_>,
    ) -> Result<Watched, StoreError>;

    /// Makes the process of `owner` known, before its first claim is written: as long as the result lives, and this
    /// process with it, no other takes `owner` for gone. A store that cannot know does nothing.
    ///
    /// # Errors
    /// [`StoreError`].
    fn announce(&self, _owner: ClaimOwner) -> Result<Presence, StoreError> {
        Ok(Presence::none())
    }

    /// Whether the process of `owner` is known to be gone: it was made known and has ended. A store that cannot know says
    /// `false`.
    fn is_gone(&self, _owner: ClaimOwner) -> bool {
        false
    }

    /// Whether a read or a write takes no longer than one of a small local file: then it may run on a caller's thread.
    fn is_local(&self) -> bool {
        false
    }

    /// Whether sessions go on alone when this store fails.
    fn on_failure(&self) -> OnStoreFailure {
        OnStoreFailure::GoOnAlone
    }

    /// Whether writes that this store acknowledged can be lost, as at the failover of an engine.
    fn may_lose_writes(&self) -> bool {
        false
    }
}

/// How long a call of a store may take.
#[derive(Clone, Copy)]
pub struct CallLimits<'a> {
    /// The latest moment to return.
    pub deadline: Instant,
    /// Ends the call early.
    pub cancel: &'a CancelToken,
}

/// What ended a watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watched {
    /// The record has another version, or may have.
    Changed,
    /// The process of the owner is gone.
    OwnerGone,
    /// The limits ended.
    Over,
}

/// As long as this lives its owner's process is not gone. Dropping it makes the owner gone for others.
pub struct Presence(Option<Box<dyn Send + Sync>>);

impl Presence {
    /// Of a store that cannot know whether a process is gone.
    #[must_use]
    pub const fn none() -> Self {
        Self(None)
    }

    /// Holds what makes the process known.
    #[must_use]
    pub fn new(held: impl Send + Sync + 'static) -> Self {
        Self(Some(Box::new(held)))
    }

    /// Whether the store can know.
    #[must_use]
    pub const fn is_known(&self) -> bool {
        self.0.is_some()
    }
}
