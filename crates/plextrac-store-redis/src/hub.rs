//! What the handles of one process share: connections, data keys, and what was seen of each record.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use plextrac_transport::{CallLimits, StoreTime, StoredRecord, Version, Watched, WriteOutcome};
use zeroize::Zeroizing;

use crate::address::Address;
use crate::clock::now;
use crate::engine::EngineError;
use crate::failure::Failure;
use crate::key_record::{Found, KeyRecord};
use crate::script::{self, NewRecord, Reply, Status};
use crate::seal::{DataKeys, version_of, version_text};
use crate::store_key::{StoreKey, hex, random};
use crate::sync::lock;
use crate::watches::{Seen, Watches};
use crate::worker::Worker;

/// The store's part of one process.
pub(crate) struct Hub {
    prefix: String,
    key: StoreKey,
    worker: Worker,
    watches: Watches,
    keys: Mutex<Option<Arc<DataKeys>>>,
    /// The key of names that this process uses. It never changes: sessions have made their names with it.
    names: Mutex<Option<Zeroizing<[u8; 32]>>>,
    seen: Arc<SeenVersions>,
}

/// What the engine answered so far. It is written on the worker's thread alone, in the order of the answers.
#[derive(Default)]
struct SeenVersions {
    /// The engine's time.
    ms: AtomicU64,
    /// The highest version of each record, and the clock of the engine that had it.
    versions: Mutex<HashMap<String, (String, Version)>>,
}

/// How long the engine keeps a record after its last write.
const ACCOUNT_LIVES: Duration = Duration::from_secs(30 * 24 * 3600);
const BUDGET_LIVES: Duration = Duration::from_secs(24 * 3600);

/// Between two looks of a watch, with and without a subscription.
const LOOKS_EVERY: Duration = Duration::from_secs(5);
const LOOKS_EVERY_ALONE: Duration = Duration::from_millis(500);

/// The key record may change in the middle of a call so often.
const MOST_KEY_CHANGES: usize = 3;

/// A version is the engine's time in milliseconds with so many random bits below it.
const RANDOM_BITS: u32 = 20;

impl Hub {
    pub(crate) fn new(address: &Arc<Address>, key: &StoreKey) -> Result<Self, Failure> {
        let bell = random::<16>().ok_or(Failure::NoRandomBytes)?;
        Ok(Self {
            prefix: address.prefix.clone(),
            key: key.clone(),
            worker: Worker::new(Arc::clone(address)),
            watches: Watches::new(Arc::clone(address), format!("{}bell:{}", address.prefix, hex(&*bell))),
            keys: Mutex::default(),
            names: Mutex::default(),
            seen: Arc::default(),
        })
    }

    /// The data keys; the key record is made if there is none.
    pub(crate) fn keys(&self, limits: &CallLimits<'_>) -> Result<Arc<DataKeys>, Failure> {
        if let Some(keys) = &*lock(&self.keys) {
            return Ok(Arc::clone(keys));
        }
        let mut found = self.swap_keys(Vec::new(), Vec::new(), limits)?;
        if found.is_empty() {
            let names = lock(&self.names).clone();
            let keys = DataKeys::make(&self.key, names).ok_or(Failure::NoRandomBytes)?;
            let record = KeyRecord::make(&keys, &self.key).ok_or(Failure::NoRandomBytes)?;
            found = self.swap_keys(Vec::new(), record.encode(), limits)?;
        }
        let record = KeyRecord::decode(&found).ok_or(Failure::OtherKeyRecord)?;
        let keys = match record.find(&self.key) {
            Found::Keys(keys) => Arc::new(keys),
            Found::WrongKey(ids) => return Err(Failure::WrongKey { own: self.key.id(), known: ids }),
            Found::Damaged => return Err(Failure::DamagedKeyRecord),
        };
        let mut names = lock(&self.names);
        if names.as_ref().is_some_and(|known| *known != keys.names) {
            return Err(Failure::NamesChanged);
        }
        *names = Some(keys.names.clone());
        *lock(&self.keys) = Some(Arc::clone(&keys));
        Ok(keys)
    }

    pub(crate) fn read(&self, name: &str, limits: &CallLimits<'_>) -> Result<StoredRecord, Failure> {
        for _ in 0..MOST_KEY_CHANGES {
            let keys = self.keys(limits)?;
            let name = keys.engine_name(&self.prefix, name);
            let noter = self.watches.noter(&name);
            let cmd = script::read(&self.key_record_name(), &keys.epoch, &name);
            let (seen, record, epoch) = (Arc::clone(&self.seen), name.clone(), keys.epoch.clone());
            let answer = self.worker.run(limits, move |engine, deadline| {
                let reply = engine.run(&cmd, deadline)?;
                let checked = seen.check(&reply, &epoch, &record, version_in(&reply.value));
                Ok((reply, checked))
            })?;
            let Some((reply, clock)) = self.accept(&keys, answer)? else { continue };
            let (version, bytes) = match reply.value.is_empty() {
                true => (Version::ABSENT, Zeroizing::default()),
                false => keys.unseal_record(&name, &reply.value).ok_or(Failure::ChangedRecord)?,
            };
            noter.note(version);
            return Ok(StoredRecord { version, bytes, time: Some(StoreTime { clock, ms: reply.ms }) });
        }
        Err(Failure::KeyRecordKeepsChanging)
    }

    pub(crate) fn write(
        &self,
        name: &str,
        expected: Version,
        record: &[u8],
        is_quiet: bool,
        limits: &CallLimits<'_>,
    ) -> Result<WriteOutcome, Failure> {
        let lives = if name.starts_with('b') { BUDGET_LIVES } else { ACCOUNT_LIVES };
        for _ in 0..MOST_KEY_CHANGES {
            let keys = self.keys(limits)?;
            let name = keys.engine_name(&self.prefix, name);
            let noter = self.watches.noter(&name);
            let version = self.next_version(expected)?;
            let text = version_text(version);
            let new = NewRecord {
                kept: keys.seal_record(&name, version, record).ok_or(Failure::NoRandomBytes)?,
                lives_ms: u64::try_from(lives.as_millis()).unwrap_or(u64::MAX),
                notice: if is_quiet { String::new() } else { text.clone() },
            };
            let cmd =
                script::write(&self.key_record_name(), &keys.epoch, &name, &version_text(expected), &new);
            let (seen, record, epoch) = (Arc::clone(&self.seen), name.clone(), keys.epoch.clone());
            let answer = self.worker.run(limits, move |engine, deadline| {
                let mut reply = engine.run(&cmd, deadline)?;
                // Where a connection broke the script ran twice, and the first run wrote.
                if reply.status == Status::Conflict && reply.value == text.as_bytes() {
                    reply.status = Status::Done;
                }
                let stands = match reply.status {
                    Status::Done => Some(version),
                    _ => version_of(&reply.value),
                };
                let checked = seen.check(&reply, &epoch, &record, stands);
                Ok((reply, checked))
            })?;
            let Some((reply, _)) = self.accept(&keys, answer)? else { continue };
            if reply.status == Status::Conflict {
                return Ok(WriteOutcome::Conflict);
            }
            noter.note(version);
            return Ok(WriteOutcome::Written(version));
        }
        Err(Failure::KeyRecordKeepsChanging)
    }

    pub(crate) fn watch(
        &self,
        name: &str,
        known: Version,
        limits: &CallLimits<'_>,
    ) -> Result<Watched, Failure> {
        let watched = self.watch_record(name, known, limits);
        let is_over = limits.cancel.is_triggered() || now() >= limits.deadline;
        match watched {
            // It was over in the middle of a look.
            Err(Failure::Engine(EngineError::TooLate | EngineError::Cancelled)) if is_over => {
                Ok(Watched::Over)
            }
            watched => watched,
        }
    }

    fn watch_record(&self, name: &str, known: Version, limits: &CallLimits<'_>) -> Result<Watched, Failure> {
        let name = self.keys(limits)?.engine_name(&self.prefix, name);
        let (watch, must_ring) = self.watches.enter(&name);
        let _guard = limits.cancel.on_trigger(watch.waker());
        if must_ring {
            self.ring(limits);
        }
        let is_over = || limits.cancel.is_triggered() || now() >= limits.deadline;
        loop {
            let seen = watch.seen();
            let last = seen.last.map(|last| last.version);
            if seen.is_heard() && last != Some(known) {
                return Ok(Watched::Changed);
            }
            if is_over() {
                return Ok(Watched::Over);
            }
            let looks_at = seen.last.map_or_else(now, |last| last.at + pause(seen));
            // What changed before a subscription began was not heard.
            let is_certain = seen.is_heard() || !seen.is_subscribed && last == Some(known);
            if is_certain && now() < looks_at {
                watch.wait(seen, is_over, looks_at.min(limits.deadline));
                continue;
            }
            if self.look(&name, limits)? != known {
                return Ok(Watched::Changed);
            }
        }
    }

    /// Adds an operator's key, or removes one, by `change`.
    pub(crate) fn change_keys(
        &self,
        limits: &CallLimits<'_>,
        change: impl Fn(&mut KeyRecord, &DataKeys) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        loop {
            lock(&self.keys).take();
            let keys = self.keys(limits)?;
            let found = self.swap_keys(Vec::new(), Vec::new(), limits)?;
            let mut record = KeyRecord::decode(&found).ok_or(Failure::OtherKeyRecord)?;
            if !matches!(record.find(&self.key), Found::Keys(now) if now.epoch == keys.epoch) {
                continue;
            }
            change(&mut record, &keys)?;
            let new = record.encode();
            // Another operator may have changed it meanwhile.
            if self.swap_keys(found, new.clone(), limits)? == new {
                return Ok(());
            }
        }
    }

    /// The ids of the operators' keys that open the store.
    pub(crate) fn key_ids(&self, limits: &CallLimits<'_>) -> Result<Vec<String>, Failure> {
        let found = self.swap_keys(Vec::new(), Vec::new(), limits)?;
        if found.is_empty() {
            return Ok(Vec::new());
        }
        Ok(KeyRecord::decode(&found).ok_or(Failure::OtherKeyRecord)?.ids())
    }

    fn key_record_name(&self) -> String {
        format!("{}keys", self.prefix)
    }

    /// Replaces the key record if it is still `expected`; returns what it is then.
    fn swap_keys(
        &self,
        expected: Vec<u8>,
        new: Vec<u8>,
        limits: &CallLimits<'_>,
    ) -> Result<Vec<u8>, Failure> {
        let (cmd, seen) =
            (script::swap_keys(&self.key_record_name(), &expected, &new), Arc::clone(&self.seen));
        let reply = self.worker.run(limits, move |engine, deadline| {
            let reply = engine.run(&cmd, deadline)?;
            seen.ms.store(reply.ms, Ordering::Relaxed);
            Ok(reply)
        })?;
        Ok(reply.value)
    }

    /// Looks at the version of a record alone. What comes of it is noted also if the caller has left.
    fn look(&self, name: &str, limits: &CallLimits<'_>) -> Result<Version, Failure> {
        let (cmd, noter) = (script::version(name), self.watches.noter(name));
        let version = self.worker.run(limits, move |engine, deadline| {
            let text: Vec<u8> = engine.query(&cmd, deadline)?;
            let version = version_of(&text);
            if let Some(version) = version {
                noter.note(version);
            }
            Ok(version)
        })?;
        version.ok_or(Failure::ChangedRecord)
    }

    /// Wakes the listening thread, so that it subscribes to another record. It wakes by itself within a second.
    fn ring(&self, limits: &CallLimits<'_>) {
        let mut cmd = redis::cmd("PUBLISH");
        cmd.arg(self.watches.bell()).arg("");
        drop(self.worker.run(limits, move |engine, deadline| engine.query::<i64>(&cmd, deadline)));
    }

    /// The answer and the engine's clock; `None` if the key record is another one.
    fn accept(
        &self,
        keys: &Arc<DataKeys>,
        (reply, checked): (Reply, Checked),
    ) -> Result<Option<(Reply, String)>, Failure> {
        if reply.status == Status::OtherKeys {
            let mut known = lock(&self.keys);
            known.take_if(|known| known.epoch == keys.epoch);
            return Ok(None);
        }
        match checked {
            Checked::Known(clock) => Ok(Some((reply, clock))),
            Checked::NewClock(clock) => {
                self.watches.restart();
                Ok(Some((reply, clock)))
            }
            Checked::Replayed => Err(Failure::Replayed),
        }
    }

    /// A version that the record never had: the engine's time, and random bits.
    fn next_version(&self, expected: Version) -> Result<Version, Failure> {
        let bits = random::<4>().ok_or(Failure::NoRandomBytes)?;
        let bits = u64::from(u32::from_le_bytes(*bits) >> (u32::BITS - RANDOM_BITS));
        let ms = self.seen.ms.load(Ordering::Relaxed).min(u64::MAX >> (RANDOM_BITS + 1));
        let by_time = (ms << RANDOM_BITS) | bits;
        let next = expected.number().checked_add(1 + bits).ok_or(Failure::ChangedRecord)?;
        Ok(Version::new(by_time.max(next)))
    }
}

/// What the version of an answer says.
enum Checked {
    Known(String),
    /// The engine is another one, or lost its key record: what it had acknowledged may be gone.
    NewClock(String),
    /// The same engine had a higher version before.
    Replayed,
}

impl SeenVersions {
    fn check(&self, reply: &Reply, epoch: &str, name: &str, version: Option<Version>) -> Checked {
        self.ms.store(reply.ms, Ordering::Relaxed);
        let clock = clock_id(&reply.run, epoch);
        let mut versions = lock(&self.versions);
        let known = versions.get(name);
        let is_new_clock = known.is_some_and(|(known, _)| *known != clock);
        if reply.status == Status::OtherKeys {
            return Checked::Known(clock);
        }
        // A record that is gone expired, or was flushed: a first use.
        let Some(version) = version.filter(|version| *version != Version::ABSENT) else {
            return if is_new_clock { Checked::NewClock(clock) } else { Checked::Known(clock) };
        };
        if known.is_some_and(|(_, known)| !is_new_clock && version < *known) {
            return Checked::Replayed;
        }
        versions.insert(name.to_owned(), (clock.clone(), version));
        if is_new_clock { Checked::NewClock(clock) } else { Checked::Known(clock) }
    }
}

/// Names the engine's clock: another one after a failover, a restart, or the loss of the key record.
fn clock_id(run: &str, epoch: &str) -> String {
    let short = |text: &str| text.chars().take(16).collect::<String>();
    format!("{}.{}", short(run), short(epoch))
}

fn version_in(kept: &[u8]) -> Option<Version> {
    version_of(kept.get(..crate::seal::VERSION_LENGTH).unwrap_or(kept))
}

const fn pause(seen: Seen) -> Duration {
    if seen.is_subscribed { LOOKS_EVERY } else { LOOKS_EVERY_ALONE }
}
