//! Stores that break a rule, to show that the conformance check finds them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use plextrac_auth_core::{ClaimOwner, MAX_RECORD, StoredRecord, Version, WriteOutcome};
use zeroize::Zeroizing;

use super::memory::random_key;
use super::{CallLimits, MemoryStore, Presence, RecordStore, StoreError, Watched, conformance};
use crate::cancel::CancelToken;

/// What a store does wrong, and the sentence that says so.
const FAULTS: [(Fault, &str); 12] = [
    (Fault::LosesWrites, "a read must return the version that the last write returned"),
    (Fault::WritesAnyway, "a write that expects a version"),
    (Fault::RenewsNothing, "a renewal must give the record a new version"),
    (Fault::ComparesThenWrites, "a write on the current version must not be lost"),
    (Fault::VersionOfTheContent, "a version that the record never had before"),
    (Fault::OneRecord, "must not be a conflict"),
    (Fault::CutsRecords, "must be read as it was written"),
    (Fault::TakesAnySize, "must be refused"),
    (Fault::KeyOfTheHandle, "every handle must return the same key"),
    (Fault::IgnoresChanges, "a watch must end when the record has another version"),
    (Fault::IgnoresCancel, "a watch must end when its token is triggered"),
    (Fault::OwnersAreGone, "must not be gone"),
];

#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    LosesWrites,
    WritesAnyway,
    RenewsNothing,
    ComparesThenWrites,
    VersionOfTheContent,
    OneRecord,
    CutsRecords,
    TakesAnySize,
    KeyOfTheHandle,
    IgnoresChanges,
    IgnoresCancel,
    OwnersAreGone,
}

struct Faulty {
    fault: Fault,
    store: MemoryStore,
}

impl Faulty {
    fn has(&self, fault: Fault) -> bool {
        self.fault == fault
    }

    fn name_of<'a>(&self, name: &'a str) -> &'a str {
        if self.has(Fault::OneRecord) { "one" } else { name }
    }
}

impl RecordStore for Faulty {
    fn name(&self) -> String {
        format!("{:?}", self.fault)
    }

    fn key(&self, limits: &CallLimits<'_>) -> Result<Zeroizing<[u8; 32]>, StoreError> {
        if self.has(Fault::KeyOfTheHandle) { random_key() } else { self.store.key(limits) }
    }

    fn read(&self, name: &str, limits: &CallLimits<'_>) -> Result<StoredRecord, StoreError> {
        let mut record = self.store.read(self.name_of(name), limits)?;
        if self.has(Fault::VersionOfTheContent) && record.version != Version::ABSENT {
            record.version = version_of(&record.bytes);
        }
        Ok(record)
    }

    fn write(
        &self,
        name: &str,
        expected: Version,
        record: &[u8],
        limits: &CallLimits<'_>,
    ) -> Result<WriteOutcome, StoreError> {
        let name = self.name_of(name);
        let current = self.store.read(name, limits)?.version;
        match self.fault {
            Fault::LosesWrites => return Ok(WriteOutcome::Written(Version::new(expected.number() + 1))),
            Fault::TakesAnySize if record.len() > MAX_RECORD => return Ok(WriteOutcome::Written(expected)),
            Fault::CutsRecords => {
                return self.store.write(name, expected, &record[..record.len().min(1_000)], limits);
            }
            Fault::WritesAnyway => return self.store.write(name, current, record, limits),
            Fault::ComparesThenWrites if current == expected => {
                thread::park_timeout(Duration::from_millis(1));
                loop {
                    let current = self.store.read(name, limits)?.version;
                    match self.store.write(name, current, record, limits)? {
                        WriteOutcome::Conflict => {}
                        written @ WriteOutcome::Written(_) => return Ok(written),
                    }
                }
            }
            Fault::VersionOfTheContent if self.read(name, limits)?.version == expected => {
                self.store.write(name, current, record, limits)?;
                return Ok(WriteOutcome::Written(version_of(record)));
            }
            _ => {}
        }
        self.store.write(name, expected, record, limits)
    }

    fn renew(
        &self,
        name: &str,
        expected: Version,
        record: &[u8],
        limits: &CallLimits<'_>,
    ) -> Result<WriteOutcome, StoreError> {
        match self.fault {
            Fault::RenewsNothing => Ok(WriteOutcome::Written(expected)),
            _ => self.write(name, expected, record, limits),
        }
    }

    fn watch(
        &self,
        name: &str,
        known: Version,
        owner: Option<ClaimOwner>,
        limits: &CallLimits<'_>,
    ) -> Result<Watched, StoreError> {
        match self.fault {
            Fault::OwnersAreGone if owner.is_some() => Ok(Watched::OwnerGone),
            Fault::IgnoresChanges => self.store.watch("another", Version::ABSENT, owner, limits),
            Fault::IgnoresCancel => {
                let limits = CallLimits { cancel: &CancelToken::new(), ..*limits };
                self.store.watch(name, known, owner, &limits)
            }
            _ => self.store.watch(name, known, owner, limits),
        }
    }

    fn announce(&self, owner: ClaimOwner) -> Result<Presence, StoreError> {
        self.store.announce(owner)
    }
}

/// The same content has the same version again.
fn version_of(record: &[u8]) -> Version {
    Version::new(record.first().map_or(1, |byte| u64::from(*byte) + 2))
}

#[test]
fn the_check_finds_each_store_that_breaks_a_rule() {
    thread::scope(|scope| {
        for (fault, sentence) in FAULTS {
            scope.spawn(move || {
                let store = MemoryStore::new();
                let open = || Arc::new(Faulty { fault, store: store.clone() }) as Arc<dyn RecordStore>;
                let checked = catch_unwind(AssertUnwindSafe(|| conformance::check(&open)));
                let panic = checked.expect_err(&format!("{fault:?} was not found"));
                let message = panic.downcast_ref::<String>().cloned();
                let message = message.or_else(|| panic.downcast_ref::<&str>().map(|&text| text.to_owned()));
                let message = message.unwrap_or_default();
                assert!(message.contains(sentence), "{fault:?}: {message}");
            });
        }
    });
}
