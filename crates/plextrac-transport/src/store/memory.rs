//! A store for the sessions of one process, and for tests.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use plextrac_auth_core::{ClaimOwner, StoredRecord, Version, WriteOutcome};
use zeroize::Zeroizing;

use super::{CallLimits, MAX_RECORD, Presence, RecordStore, StoreError, Watched, too_long};
use crate::clock::real_now;
use crate::sync::{Condvar, Mutex};

/// Records in memory. Clones share them.
#[derive(Clone, Default)]
pub struct MemoryStore(Arc<Shelves>);

#[derive(Default)]
struct Shelves {
    content: Mutex<Content>,
    /// A record was written, or an owner is gone.
    changed: Condvar,
}

#[derive(Default)]
struct Content {
    key: Option<Zeroizing<[u8; 32]>>,
    records: HashMap<String, Record>,
    /// The version that was given last. One number for all records: none has the same version twice.
    last_version: u64,
    /// The owners whose presence was dropped last.
    gone: VecDeque<ClaimOwner>,
}

struct Record {
    version: Version,
    bytes: Zeroizing<Vec<u8>>,
}

/// So many owners are remembered as gone. The claim of an earlier one ends with its lease.
const MAX_GONE: usize = 64;

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl RecordStore for MemoryStore {
    fn name(&self) -> String {
        "memory".into()
    }

    fn key(&self, _: &CallLimits<'_>) -> Result<Zeroizing<[u8; 32]>, StoreError> {
        let mut content = self.0.content.lock();
        if content.key.is_none() {
            content.key = Some(random_key()?);
        }
        Ok(content.key.clone().unwrap_or_default())
    }

    fn read(&self, name: &str, _: &CallLimits<'_>) -> Result<StoredRecord, StoreError> {
        let content = self.0.content.lock();
        let bytes = content.records.get(name).map(|record| record.bytes.clone()).unwrap_or_default();
        Ok(StoredRecord { version: content.version(name), bytes, time: None })
    }

    fn write(
        &self,
        name: &str,
        expected: Version,
        record: &[u8],
        _: &CallLimits<'_>,
    ) -> Result<WriteOutcome, StoreError> {
        if record.len() > MAX_RECORD {
            return Err(too_long(record));
        }
        let mut content = self.0.content.lock();
        if content.version(name) != expected {
            return Ok(WriteOutcome::Conflict);
        }
        let version = content.put(name, record);
        self.0.changed.notify_all();
        Ok(WriteOutcome::Written(version))
    }

    fn watch(
        &self,
        name: &str,
        known: Version,
        owner: Option<ClaimOwner>,
        limits: &CallLimits<'_>,
    ) -> Result<Watched, StoreError> {
        let shelves = Arc::clone(&self.0);
        let _guard = limits.cancel.on_trigger(Box::new(move || {
            // Under the mutex: between the last look at the token and the sleep no wake-up is lost.
            drop(shelves.content.lock());
            shelves.changed.notify_all();
        }));
        let mut content = self.0.content.lock();
        loop {
            if content.version(name) != known {
                return Ok(Watched::Changed);
            }
            if owner.is_some_and(|owner| content.gone.contains(&owner)) {
                return Ok(Watched::OwnerGone);
            }
            if limits.cancel.is_triggered() || real_now() >= limits.deadline {
                return Ok(Watched::Over);
            }
            self.0.changed.wait_until(&mut content, limits.deadline);
        }
    }

    fn announce(&self, owner: ClaimOwner) -> Result<Presence, StoreError> {
        self.0.content.lock().gone.retain(|gone| *gone != owner);
        Ok(Presence::new(Present { shelves: Arc::clone(&self.0), owner }))
    }

    fn is_gone(&self, owner: ClaimOwner) -> bool {
        self.0.content.lock().gone.contains(&owner)
    }

    fn is_local(&self) -> bool {
        true
    }
}

impl Content {
    fn version(&self, name: &str) -> Version {
        self.records.get(name).map_or(Version::ABSENT, |record| record.version)
    }

    fn put(&mut self, name: &str, bytes: &[u8]) -> Version {
        self.last_version += 1;
        let version = Version::new(self.last_version);
        self.records.insert(name.to_owned(), Record { version, bytes: Zeroizing::new(bytes.to_vec()) });
        version
    }
}

/// The owner's process is this one, so it is gone when this is dropped.
struct Present {
    shelves: Arc<Shelves>,
    owner: ClaimOwner,
}

impl Drop for Present {
    fn drop(&mut self) {
        let mut content = self.shelves.content.lock();
        content.gone.push_back(self.owner);
        if content.gone.len() > MAX_GONE {
            content.gone.pop_front();
        }
        self.shelves.changed.notify_all();
    }
}

pub(super) fn random_key() -> Result<Zeroizing<[u8; 32]>, StoreError> {
    let mut key = Zeroizing::new([0; 32]);
    getrandom::fill(key.as_mut_slice()).map_err(no_random_bytes)?;
    Ok(key)
}

pub(super) fn no_random_bytes(error: getrandom::Error) -> StoreError {
    StoreError::unavailable(format!("the system gives no random bytes: {error}"))
}
