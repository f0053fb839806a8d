//! What every [`RecordStore`] must do, as a test that any store can run.
//!
//! ```
//! use std::sync::Arc;
//! use plextrac_transport::{MemoryStore, RecordStore, store_conformance};
//!
//! let store = MemoryStore::new();
//! store_conformance::check(&|| Arc::new(store.clone()) as Arc<dyn RecordStore>);
//! ```

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use plextrac_auth_core::{ClaimOwner, MAX_RECORD, StoredRecord, Version, WriteOutcome};

use super::{CallLimits, Presence, RecordStore, Watched};
use crate::cancel::CancelToken;
use crate::clock::real_now;

/// Checks a store. `open` returns a handle to the store; every call must return a handle to the same store.
///
/// The handles stand for different processes: threads use them at the same time. So a store that processes share should
/// return handles that have nothing else in common, each with a connection of its own. The store need not be empty: the
/// check uses names that it draws at random. It takes a few seconds.
///
/// # Panics
/// If the store breaks a rule. The message names the rule.
pub fn check(open: &(dyn Fn() -> Arc<dyn RecordStore> + Sync)) {
    let suite = Suite { open };
    suite.what_was_never_written_is_absent();
    suite.what_was_written_is_read_by_every_handle();
    suite.a_write_on_another_version_changes_nothing();
    suite.a_renewal_is_a_write();
    suite.a_version_never_comes_again();
    suite.names_are_separate();
    suite.records_have_any_size_up_to_the_limit();
    suite.the_key_is_one();
    suite.concurrent_writers_lose_nothing();
    suite.readers_see_whole_records();
    suite.a_watch_ends_when_the_record_changes();
    suite.a_watch_ends_at_once_if_the_record_has_changed_before();
    suite.a_watch_ends_at_its_deadline();
    suite.a_watch_ends_when_it_is_cancelled();
    suite.a_watch_blocks_no_other_call();
    suite.an_owner_that_lives_is_not_gone();
    suite.an_owner_that_comes_back_is_not_gone();
}

/// One call may take so long; a store that is slower cannot be used.
const CALL: Duration = Duration::from_secs(10);

/// So long a watch that nothing ends is watched.
const QUIET: Duration = Duration::from_millis(300);

/// A watch that ends for a reason ends so long after it at the latest.
const PROMPT: Duration = Duration::from_secs(5);

struct Suite<'a> {
    open: &'a (dyn Fn() -> Arc<dyn RecordStore> + Sync),
}

impl Suite<'_> {
    fn what_was_never_written_is_absent(&self) {
        let record = self.handle().read(&name());
        assert_eq!(
            record.version,
            Version::ABSENT,
            "a record that was never written must have Version::ABSENT"
        );
        assert!(record.bytes.is_empty(), "a record that was never written must have no bytes");
    }

    fn what_was_written_is_read_by_every_handle(&self) {
        let (writer, reader, name) = (self.handle(), self.handle(), name());
        let mut expected = Version::ABSENT;
        let every_byte: Vec<u8> = (0..=255).collect();
        for content in [b"first".as_slice(), &every_byte, b"first"] {
            expected = writer.must_write(&name, expected, content);
            for handle in [&writer, &reader] {
                let record = handle.read(&name);
                assert_eq!(
                    record.version, expected,
                    "a read must return the version that the last write returned"
                );
                assert_eq!(
                    record.bytes.as_slice(),
                    content,
                    "a read must return the bytes that were written last"
                );
            }
        }
    }

    fn a_write_on_another_version_changes_nothing(&self) {
        let (first, second, name) = (self.handle(), self.handle(), name());
        let foreign = first.must_write(&self::name(), Version::ABSENT, b"of another name");
        assert_eq!(
            first.write(&name, foreign, b"x"),
            WriteOutcome::Conflict,
            "a write that expects a version must be a conflict if there is no record"
        );
        assert_eq!(first.read(&name).version, Version::ABSENT, "a conflict must not make a record");
        let old = first.must_write(&name, Version::ABSENT, b"old");
        let new = second.must_write(&name, old, b"new");
        for stale in [Version::ABSENT, old] {
            assert_eq!(
                first.write(&name, stale, b"stale"),
                WriteOutcome::Conflict,
                "a write that expects a version which the record has no longer must be a conflict"
            );
        }
        let record = second.read(&name);
        assert_eq!(record.version, new, "a conflict must not change the version");
        assert_eq!(record.bytes.as_slice(), b"new", "a conflict must not change the record");
    }

    fn a_renewal_is_a_write(&self) {
        let (first, second, name) = (self.handle(), self.handle(), name());
        let old = first.must_write(&name, Version::ABSENT, b"claimed");
        let renewed = first.renew(&name, old, b"renewed");
        let WriteOutcome::Written(new) = renewed else {
            panic!("a renewal that expects the current version must not be a conflict")
        };
        assert_ne!(new, old, "a renewal must give the record a new version");
        let record = second.read(&name);
        assert_eq!(record.version, new, "a read must return the version that the last renewal returned");
        assert_eq!(record.bytes.as_slice(), b"renewed", "a renewal must be read as it was written");
        assert_eq!(
            second.renew(&name, old, b"stale"),
            WriteOutcome::Conflict,
            "a renewal that expects an old version must be a conflict"
        );
    }

    fn a_version_never_comes_again(&self) {
        let (store, name) = (self.handle(), name());
        let mut versions = vec![Version::ABSENT];
        for number in 0..100_u8 {
            // The same two contents again and again: the version must not be made of the content alone.
            let last = versions[versions.len() - 1];
            let version = store.must_write(&name, last, &[number % 2]);
            assert!(
                !versions.contains(&version),
                "a write must return a version that the record never had before"
            );
            versions.push(version);
        }
    }

    fn names_are_separate(&self) {
        let (store, names) = (self.handle(), [name(), name()]);
        let first = store.must_write(&names[0], Version::ABSENT, b"one");
        assert_eq!(
            store.read(&names[1]).version,
            Version::ABSENT,
            "a write must not make a record of another name"
        );
        store.must_write(&names[1], Version::ABSENT, b"two");
        let record = store.read(&names[0]);
        assert_eq!(record.version, first, "a write must not change the version of another record");
        assert_eq!(record.bytes.as_slice(), b"one", "a write must not change a record of another name");
    }

    fn records_have_any_size_up_to_the_limit(&self) {
        let (store, name) = (self.handle(), name());
        let mut version = Version::ABSENT;
        for size in [0, 1, 4_096, MAX_RECORD, 0, 7] {
            let content = pattern(size);
            version = store.must_write(&name, version, &content);
            assert_ne!(version, Version::ABSENT, "a record of {size} bytes is not an absent one");
            let record = store.read(&name);
            assert_eq!(
                record.version, version,
                "a record of {size} bytes must have the version of its write"
            );
            assert!(*record.bytes == content, "a record of {size} bytes must be read as it was written");
        }
        let refused = store.try_write(&name, version, &pattern(MAX_RECORD + 1));
        assert!(refused.is_err(), "a record of more than {MAX_RECORD} bytes must be refused: {refused:?}");
        let record = store.read(&name);
        assert_eq!(
            (record.version, record.bytes.len()),
            (version, 7),
            "a refused record must change nothing"
        );
    }

    fn the_key_is_one(&self) {
        let keys: Vec<_> = thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| self.handle().key())).collect();
            threads.into_iter().map(|thread| thread.join().expect("a thread that reads the key")).collect()
        });
        assert!(keys.iter().all(|key| *key == keys[0]), "every handle must return the same key");
        assert!(keys[0].iter().any(|byte| *byte != keys[0][0]), "the key must be random");
        assert_eq!(self.handle().key(), keys[0], "the key must stay the same");
    }

    fn concurrent_writers_lose_nothing(&self) {
        const WRITERS: u64 = 8;
        const EACH: u64 = 40;
        let (name, versions) = (name(), Mutex::new(Vec::new()));
        thread::scope(|scope| {
            for _ in 0..WRITERS {
                scope.spawn(|| {
                    let store = self.handle();
                    for _ in 0..EACH {
                        let version = store.increment(&name);
                        versions.lock().expect("no writer failed").push(version);
                    }
                });
            }
        });
        let count = count_in(&self.handle().read(&name));
        assert_eq!(count, WRITERS * EACH, "a write on the current version must not be lost");
        let mut versions = versions.into_inner().expect("no writer failed");
        versions.sort();
        versions.dedup();
        assert_eq!(versions.len() as u64, WRITERS * EACH, "two writes must not return the same version");
    }

    fn readers_see_whole_records(&self) {
        let (name, over) = (name(), AtomicBool::new(false));
        let seen = Mutex::new(HashMap::new());
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    let store = self.handle();
                    while !over.load(Ordering::SeqCst) {
                        let record = store.read(&name);
                        assert!(
                            record.version == Version::ABSENT || *record.bytes == pattern(record.bytes.len()),
                            "a reader must see the old record or the new one, and no mixture"
                        );
                        let size = record.bytes.len();
                        let known =
                            *seen.lock().expect("no reader failed").entry(record.version).or_insert(size);
                        assert_eq!(known, size, "one version must stand for one content");
                    }
                });
            }
            let _over = Finally(&over);
            let (store, mut version) = (self.handle(), Version::ABSENT);
            for number in 0..100 {
                version = store.must_write(&name, version, &pattern(number * 613 % (MAX_RECORD + 1)));
            }
        });
    }

    fn a_watch_ends_when_the_record_changes(&self) {
        let name = name();
        let mut version = Version::ABSENT;
        for _ in 0..3 {
            let watch = self.watch(&name, version);
            version = self.handle().must_write(&name, version, b"changed");
            let ended = watch.ended(PROMPT);
            assert_eq!(ended, Some(Watched::Changed), "a watch must end when the record has another version");
        }
    }

    fn a_watch_ends_at_once_if_the_record_has_changed_before(&self) {
        let (store, name) = (self.handle(), name());
        let old = store.must_write(&name, Version::ABSENT, b"old");
        store.must_write(&name, old, b"new");
        for known in [Version::ABSENT, old] {
            let ended = self.watch(&name, known).ended(PROMPT);
            assert_eq!(
                ended,
                Some(Watched::Changed),
                "a watch must end at once if the record has another version already"
            );
        }
    }

    fn a_watch_ends_at_its_deadline(&self) {
        let (store, name) = (self.handle(), name());
        let version = store.must_write(&name, Version::ABSENT, b"stays");
        let began = real_now();
        let ended = store.watch(&name, version, None, QUIET);
        assert!(ended != Watched::OwnerGone, "a watch without an owner must not say that the owner is gone");
        if ended == Watched::Over {
            assert!(began.elapsed() >= QUIET, "a watch must not say that the limits ended before they did");
        }
        assert!(began.elapsed() < QUIET + PROMPT, "a watch must end at its deadline");
    }

    fn a_watch_ends_when_it_is_cancelled(&self) {
        let (store, name) = (self.handle(), name());
        let version = store.must_write(&name, Version::ABSENT, b"stays");
        let watch = self.watch(&name, version);
        watch.cancel.trigger();
        assert!(watch.ended(PROMPT).is_some(), "a watch must end when its token is triggered");
        let watch = self.watch_with(&name, version, watch.cancel);
        assert!(watch.ended(PROMPT).is_some(), "a watch must end at once if its token was triggered before");
    }

    fn a_watch_blocks_no_other_call(&self) {
        let (name, other) = (name(), self::name());
        let store = self.handle();
        let watch = Watch::start(store.clone(), &name, Version::ABSENT, CancelToken::new());
        let began = real_now();
        store.must_write(&other, Version::ABSENT, b"meanwhile");
        store.read(&name);
        assert!(began.elapsed() < CALL, "a watch must not block reads and writes of its handle");
        watch.cancel.trigger();
        assert!(watch.ended(PROMPT).is_some(), "a watch must end when its token is triggered");
    }

    fn an_owner_that_lives_is_not_gone(&self) {
        let (holder, observer, name) = (self.handle(), self.handle(), name());
        let version = holder.must_write(&name, Version::ABSENT, b"claimed");
        let [owner, never_announced] = [(), ()].map(|()| ClaimOwner::new(random()));
        let presence = holder.announce(owner);
        for handle in [&holder, &observer] {
            for owner in [owner, never_announced] {
                let ended = handle.watch(&name, version, Some(owner), QUIET);
                assert!(
                    ended != Watched::OwnerGone,
                    "an owner whose presence lives, or that was never announced, must not be gone"
                );
            }
        }
        let is_known = presence.is_known();
        let watch = thread::scope(|scope| {
            let watch = scope.spawn(|| observer.watch(&name, version, Some(owner), PROMPT));
            thread::park_timeout(QUIET / 10);
            drop(presence);
            watch.join().expect("a thread that watches")
        });
        assert_eq!(
            watch == Watched::OwnerGone,
            is_known,
            "a watch must end when the owner's presence is dropped, if the store says that it knows"
        );
    }

    fn an_owner_that_comes_back_is_not_gone(&self) {
        let (holder, observer, name, owner) =
            (self.handle(), self.handle(), name(), ClaimOwner::new(random()));
        drop(holder.announce(owner));
        let _presence = holder.announce(owner);
        let ended = observer.watch(&name, Version::ABSENT, Some(owner), QUIET);
        assert!(ended != Watched::OwnerGone, "an owner that was announced again must not be gone");
    }

    fn handle(&self) -> Handle {
        Handle((self.open)())
    }

    fn watch(&self, name: &str, known: Version) -> Watch {
        self.watch_with(name, known, CancelToken::new())
    }

    fn watch_with(&self, name: &str, known: Version, cancel: CancelToken) -> Watch {
        Watch::start(self.handle(), name, known, cancel)
    }
}

/// A handle of the store, with calls that must succeed.
#[derive(Clone)]
struct Handle(Arc<dyn RecordStore>);

impl Handle {
    fn key(&self) -> [u8; 32] {
        *within(CALL, |limits| self.0.key(limits))
            .unwrap_or_else(|error| panic!("reading the key failed: {error}"))
    }

    fn read(&self, name: &str) -> StoredRecord {
        within(CALL, |limits| self.0.read(name, limits))
            .unwrap_or_else(|error| panic!("a read failed: {error}"))
    }

    fn try_write(
        &self,
        name: &str,
        expected: Version,
        record: &[u8],
    ) -> Result<WriteOutcome, super::StoreError> {
        within(CALL, |limits| self.0.write(name, expected, record, limits))
    }

    fn write(&self, name: &str, expected: Version, record: &[u8]) -> WriteOutcome {
        self.try_write(name, expected, record).unwrap_or_else(|error| panic!("a write failed: {error}"))
    }

    fn renew(&self, name: &str, expected: Version, record: &[u8]) -> WriteOutcome {
        within(CALL, |limits| self.0.renew(name, expected, record, limits))
            .unwrap_or_else(|error| panic!("a renewal failed: {error}"))
    }

    fn must_write(&self, name: &str, expected: Version, record: &[u8]) -> Version {
        match self.write(name, expected, record) {
            WriteOutcome::Written(version) => version,
            WriteOutcome::Conflict => {
                panic!("a write that expects the current version must not be a conflict")
            }
        }
    }

    /// Counts in a record, again after each conflict.
    fn increment(&self, name: &str) -> Version {
        loop {
            let record = self.read(name);
            let count = count_in(&record) + 1;
            if let WriteOutcome::Written(version) = self.write(name, record.version, &count.to_le_bytes()) {
                return version;
            }
        }
    }

    fn announce(&self, owner: ClaimOwner) -> Presence {
        self.0.announce(owner).unwrap_or_else(|error| panic!("announcing an owner failed: {error}"))
    }

    fn watch(&self, name: &str, known: Version, owner: Option<ClaimOwner>, limit: Duration) -> Watched {
        within(limit, |limits| self.0.watch(name, known, owner, limits))
            .unwrap_or_else(|error| panic!("a watch failed: {error}"))
    }
}

/// A watch on a thread of its own.
struct Watch {
    cancel: CancelToken,
    result: mpsc::Receiver<Watched>,
}

impl Watch {
    fn start(store: Handle, name: &str, known: Version, cancel: CancelToken) -> Self {
        let (name, bound, (send, result)) = (name.to_owned(), cancel.clone(), mpsc::channel());
        thread::spawn(move || {
            let limits = CallLimits { deadline: real_now() + 2 * PROMPT, cancel: &bound };
            if let Ok(ended) = store.0.watch(&name, known, None, &limits) {
                // Nobody waits for it any more if the check failed.
                let _ = send.send(ended);
            }
        });
        Self { cancel, result }
    }

    fn ended(&self, limit: Duration) -> Option<Watched> {
        self.result.recv_timeout(limit).ok()
    }
}

/// Stops the other threads also when this one panics.
struct Finally<'a>(&'a AtomicBool);

impl Drop for Finally<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

fn within<T>(limit: Duration, call: impl FnOnce(&CallLimits<'_>) -> T) -> T {
    call(&CallLimits { deadline: real_now() + limit, cancel: &CancelToken::new() })
}

fn random() -> [u8; 16] {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).expect("random bytes");
    bytes
}

/// A name like those that sessions use.
fn name() -> String {
    format!("x{:032x}", u128::from_le_bytes(random()))
}

/// A content that says its size: a piece of one, or a mixture of two, is none.
fn pattern(size: usize) -> Vec<u8> {
    (0..size).map(|index| u8::try_from((index + size) % 251).expect("less than 256")).collect()
}

fn count_in(record: &StoredRecord) -> u64 {
    record.bytes.as_slice().try_into().map_or(0, u64::from_le_bytes)
}
