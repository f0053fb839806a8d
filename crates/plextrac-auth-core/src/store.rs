//! What the core knows of a store: the place where the processes of an account meet.
//!
//! A store keeps opaque bytes under opaque names. It has four operations: read a record, write it if its version is
//! still the one that was read, watch it for a change, and tell the time. It needs no locks. What is in a record, and
//! when it is read and written, is the core's business alone.

use alloc::string::String;
use core::fmt;
use core::time::Duration;

use zeroize::Zeroizing;

/// The version of a record. Each write gives the record another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Version(u64);

impl Version {
    /// There is no record.
    pub const ABSENT: Self = Self(0);

    /// From the store's number.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The store's number.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }
}

/// Which of an account's two records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RecordKind {
    /// The account's: claim, tokens, rejections, spent codes.
    Account,
    /// The instance's budget of authentication requests.
    Budget,
}

/// A moment on the clock of a store, in milliseconds. Moments of different clocks are never compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreTime {
    /// Names the clock: the boot and time namespace, or the run of an engine. Empty if it has no name.
    pub clock: String,
    /// Milliseconds since the clock's start.
    pub ms: u64,
}

impl StoreTime {
    /// How long after `earlier` this is; `None` if the clocks differ or have no name.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Option<Duration> {
        let is_same = !self.clock.is_empty() && self.clock == earlier.clock;
        is_same.then(|| Duration::from_millis(self.ms.saturating_sub(earlier.ms)))
    }
}

/// A record as it was read.
#[derive(Clone)]
pub struct StoredRecord {
    /// Its version; [`Version::ABSENT`] if there is none.
    pub version: Version,
    /// Its bytes; empty if there is none.
    pub bytes: Zeroizing<alloc::vec::Vec<u8>>,
    /// What the store's own clock said; `None` for a store that uses the clock of its reader.
    pub time: Option<StoreTime>,
}

impl fmt::Debug for StoredRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoredRecord({:?}, {} bytes)", self.version, self.bytes.len())
    }
}

/// What became of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteOutcome {
    /// The record was replaced and has this version now.
    Written(Version),
    /// The record has another version than the one that was expected; nothing was written.
    Conflict,
}

/// Whether an account goes on when its store fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OnStoreFailure {
    /// It goes on alone: what other processes do is not known for the time being.
    #[default]
    GoOnAlone,
    /// It sends nothing until the store works again; a live token is used until its end.
    SendNothing,
}
