//! A store that all processes of one user share: a directory that is theirs alone.
//!
//! ```text
//! DIR                             0700, owned by the user, not a symbolic link
//! ├── plextrac-auth-key           a line that names this library, and 32 random bytes; made once
//! ├── plextrac-auth-a1f0c…        a record, 0600
//! ├── plextrac-auth-a1f0c….spare  wiped: the next content is written here, then the two exchange their names
//! ├── plextrac-auth-a1f0c….lock   empty, never deleted: held for the moment of a write
//! └── plextrac-auth-o77ab…        locked by the process that works for an account, as long as it lives
//! ```
//!
//! The user may have other files in the directory. The store creates, changes and removes only files whose names begin
//! with `plextrac-auth-`, and never replaces a key file that another program wrote.

mod files;
mod key;
mod lock;
#[cfg(unix)]
mod owner;
mod record;
mod replace;
mod watch;

use std::path::{Path, PathBuf};

use plextrac_auth_core::{ClaimOwner, StoredRecord, Version, WriteOutcome};
use zeroize::Zeroizing;

use self::files::Files;
use super::{CallLimits, Presence, RecordStore, StoreError, Watched};

/// Records in files of a directory. Nothing in it names an account: names are keyed digests.
#[derive(Clone, Debug)]
pub struct DirectoryStore {
    files: Files,
}

impl DirectoryStore {
    /// Opens a directory, and makes it if it is not there.
    ///
    /// # Errors
    /// [`Unsafe`](super::StoreErrorKind::Unsafe) if it is a symbolic link, belongs to another user, or other users may
    /// look into it; [`Unavailable`](super::StoreErrorKind::Unavailable) if it cannot be made or read.
    pub fn open(directory: impl Into<PathBuf>) -> Result<Self, StoreError> {
        Ok(Self { files: Files::open(directory.into())? })
    }

    /// The directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.files.directory()
    }
}

impl RecordStore for DirectoryStore {
    fn name(&self) -> String {
        format!("the state directory {}", self.path().display())
    }

    fn key(&self, limits: &CallLimits<'_>) -> Result<Zeroizing<[u8; 32]>, StoreError> {
        key::read_or_make(&self.files, limits)
    }

    fn read(&self, name: &str, limits: &CallLimits<'_>) -> Result<StoredRecord, StoreError> {
        record::read(&self.files, name, limits)
    }

    fn write(
        &self,
        name: &str,
        expected: Version,
        record: &[u8],
        limits: &CallLimits<'_>,
    ) -> Result<WriteOutcome, StoreError> {
        record::write(&self.files, name, expected, record, limits)
    }

    fn watch(
        &self,
        name: &str,
        known: Version,
        owner: Option<ClaimOwner>,
        limits: &CallLimits<'_>,
    ) -> Result<Watched, StoreError> {
        watch::watch(&self.files, name, known, owner, limits)
    }

    #[cfg(unix)]
    fn announce(&self, owner: ClaimOwner) -> Result<Presence, StoreError> {
        owner::announce(&self.files, owner)
    }

    #[cfg(unix)]
    fn is_gone(&self, owner: ClaimOwner) -> bool {
        owner::is_gone(&self.files, owner)
    }

    fn is_local(&self) -> bool {
        true
    }
}
