//! A store for the sessions of one process, and for tests.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use zeroize::Zeroizing;

use super::{SessionStore, StoreError, StoreLock};
use crate::sync::{Condvar, Mutex};

/// Records in memory. Clones share them.
#[derive(Clone, Default)]
pub struct MemoryStore(Arc<Shelves>);

#[derive(Default)]
struct Shelves {
    content: Mutex<Content>,
    unlocked: Condvar,
}

#[derive(Default)]
struct Content {
    key: Option<Zeroizing<[u8; 32]>>,
    records: HashMap<String, Zeroizing<Vec<u8>>>,
    locked: Vec<String>,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl SessionStore for MemoryStore {
    fn name(&self) -> String {
        "memory".into()
    }

    fn key(&self) -> Result<Zeroizing<[u8; 32]>, StoreError> {
        let mut content = self.0.content.lock();
        if content.key.is_none() {
            content.key = Some(random_key()?);
        }
        Ok(content.key.clone().unwrap_or_default())
    }

    fn lock(&self, name: &str, deadline: Instant) -> Result<Box<dyn StoreLock>, StoreError> {
        let mut content = self.0.content.lock();
        while content.locked.iter().any(|locked| locked == name) {
            if self.0.unlocked.wait_until(&mut content, deadline).timed_out() {
                return Err(StoreError::busy("another session of this process holds the lock"));
            }
        }
        content.locked.push(name.to_owned());
        Ok(Box::new(Held { shelves: Arc::clone(&self.0), name: name.to_owned() }))
    }

    fn read(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        Ok(self.0.content.lock().records.get(name).cloned())
    }

    fn write(&self, name: &str, record: &[u8]) -> Result<(), StoreError> {
        self.0.content.lock().records.insert(name.to_owned(), Zeroizing::new(record.to_vec()));
        Ok(())
    }

    fn remove(&self, name: &str) -> Result<(), StoreError> {
        self.0.content.lock().records.remove(name);
        Ok(())
    }
}

struct Held {
    shelves: Arc<Shelves>,
    name: String,
}

impl StoreLock for Held {}

impl Drop for Held {
    fn drop(&mut self) {
        self.shelves.content.lock().locked.retain(|locked| *locked != self.name);
        self.shelves.unlocked.notify_all();
    }
}

pub(super) fn random_key() -> Result<Zeroizing<[u8; 32]>, StoreError> {
    let mut key = Zeroizing::new([0; 32]);
    getrandom::fill(key.as_mut_slice())
        .map_err(|error| StoreError::unavailable(format!("the system gives no random bytes: {error}")))?;
    Ok(key)
}
