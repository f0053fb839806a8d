//! The store, as sessions use it.

use std::fmt;
use std::mem;
use std::sync::{Arc, Mutex};

use plextrac_transport::{
    CallLimits, ClaimOwner, MAX_RECORD, OnStoreFailure, RecordStore, StoreError, StoredRecord, Version,
    Watched, WriteOutcome, fork,
};
use zeroize::Zeroizing;

use crate::address::Address;
use crate::failure::Failure;
use crate::hub::Hub;
use crate::store_key::StoreKey;
use crate::sync::lock;
use crate::url_error::StoreUrlError;

/// How a store behaves.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct RedisOptions {
    /// Whether sessions go on alone when the engine fails. By default they send nothing: a thousand machines on their
    /// own would lock the account out.
    pub on_failure: OnStoreFailure,
}

impl Default for RedisOptions {
    fn default() -> Self {
        Self { on_failure: OnStoreFailure::SendNothing }
    }
}

/// A store on Redis or Valkey. Clones share their connections.
///
/// A process has one connection for calls and one for notices. They are opened when they are first needed, and opened
/// again after an error and after a fork.
#[derive(Clone)]
pub struct RedisStore(Arc<Inner>);

struct Inner {
    address: Arc<Address>,
    key: StoreKey,
    options: RedisOptions,
    /// The process that has it, and its part. A forked child makes its own.
    hub: Mutex<Option<(u32, Arc<Hub>)>>,
}

impl RedisStore {
    /// Names the engine, and how to reach and open it. Opens no connection. The documentation of this crate has the
    /// URLs.
    ///
    /// # Errors
    /// [`StoreUrlError`] names the part that is wrong: of the URL, or of a file that it names.
    pub fn open(url: &str, key: &StoreKey, options: RedisOptions) -> Result<Self, StoreUrlError> {
        let address = Arc::new(Address::parse(url)?);
        Ok(Self(Arc::new(Inner { address, key: key.clone(), options, hub: Mutex::default() })))
    }

    /// Lets another operator's key open the store, from now on. This is the first step of a rotation.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn add_key(&self, new: &StoreKey, limits: &CallLimits<'_>) -> Result<(), StoreError> {
        self.with_hub(|hub| {
            hub.change_keys(limits, |record, keys| record.add(keys, new).ok_or(Failure::NoRandomBytes))
        })
    }

    /// Lets an operator's key open the store no more. This is the last step of a rotation: when every program has the
    /// new key. A program that runs with the old key goes on until it starts again. It does not help after a leak: the key
    /// that seals the records stays the same.
    ///
    /// # Errors
    /// [`StoreError`], also if the key is the one that this store was opened with, or is not known.
    pub fn remove_key(&self, old: &StoreKey, limits: &CallLimits<'_>) -> Result<(), StoreError> {
        let (own, id) = (self.0.key.id(), old.id());
        self.with_hub(|hub| {
            hub.change_keys(limits, |record, _| {
                if id == own {
                    return Err(if record.ids().len() == 1 { Failure::LastKey } else { Failure::OwnKey });
                }
                match record.remove(&id) {
                    true => Ok(()),
                    false => Err(Failure::UnknownKey { id: id.clone() }),
                }
            })
        })
    }

    /// The ids of the operators' keys that open the store; none if it was never used. See [`StoreKey::id`].
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn key_ids(&self, limits: &CallLimits<'_>) -> Result<Vec<String>, StoreError> {
        self.with_hub(|hub| hub.key_ids(limits))
    }

    fn with_hub<T>(&self, call: impl FnOnce(&Hub) -> Result<T, Failure>) -> Result<T, StoreError> {
        self.hub().and_then(|hub| call(&hub)).map_err(|failure| failure.of(&self.name()))
    }

    /// This process's part.
    fn hub(&self) -> Result<Arc<Hub>, Failure> {
        // A forked child finds this lock free, but not those of its parent's part.
        let _undivided = fork::undivided();
        let mut hub = lock(&self.0.hub);
        let process = std::process::id();
        if let Some((owner, hub)) = &*hub
            && *owner == process
        {
            return Ok(Arc::clone(hub));
        }
        let new = Arc::new(Hub::new(&self.0.address, &self.0.key)?);
        let before = hub.replace((process, Arc::clone(&new)));
        // Its threads are the parent's, and its locks may be taken.
        mem::forget(before);
        Ok(new)
    }
}

impl RecordStore for RedisStore {
    fn name(&self) -> String {
        self.0.address.name()
    }

    fn key(&self, limits: &CallLimits<'_>) -> Result<Zeroizing<[u8; 32]>, StoreError> {
        self.with_hub(|hub| Ok(hub.keys(limits)?.names.clone()))
    }

    fn read(&self, name: &str, limits: &CallLimits<'_>) -> Result<StoredRecord, StoreError> {
        self.with_hub(|hub| hub.read(name, limits))
    }

    fn write(
        &self,
        name: &str,
        expected: Version,
        record: &[u8],
        limits: &CallLimits<'_>,
    ) -> Result<WriteOutcome, StoreError> {
        self.put(name, expected, record, false, limits)
    }

    fn renew(
        &self,
        name: &str,
        expected: Version,
        record: &[u8],
        limits: &CallLimits<'_>,
    ) -> Result<WriteOutcome, StoreError> {
        self.put(name, expected, record, true, limits)
    }

    fn watch(
        &self,
        name: &str,
        known: Version,
        _: Option<ClaimOwner>,
        limits: &CallLimits<'_>,
    ) -> Result<Watched, StoreError> {
        self.with_hub(|hub| hub.watch(name, known, limits))
    }

    fn on_failure(&self) -> OnStoreFailure {
        self.0.options.on_failure
    }

    fn may_lose_writes(&self) -> bool {
        true
    }
}

impl RedisStore {
    fn put(
        &self,
        name: &str,
        expected: Version,
        record: &[u8],
        is_quiet: bool,
        limits: &CallLimits<'_>,
    ) -> Result<WriteOutcome, StoreError> {
        self.with_hub(|hub| {
            if record.len() > MAX_RECORD {
                return Err(Failure::TooLong { bytes: record.len() });
            }
            hub.write(name, expected, record, is_quiet, limits)
        })
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // A forked child must not touch its parent's part: its threads are not here, and its locks may be taken.
        let hub = self.hub.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner);
        if hub.as_ref().is_some_and(|(owner, _)| *owner != std::process::id()) {
            mem::forget(hub.take());
        }
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RedisStore").field(&self.name()).finish()
    }
}
