//! A session's store: the records' names in it, and the session's presence.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use plextrac_auth_core::{ClaimOwner, FingerprintKey, OnStoreFailure, StoreConfig};

use crate::cancel::CancelToken;
use crate::clock::real_now;
use crate::config::SessionConfig;
use crate::record_names::RecordNames;
use crate::seed::random_owner;
use crate::store::{CallLimits, Presence, RecordStore, StoreError, StoreErrorKind};
use crate::sync::{AtomicBool, Mutex};

/// How long opening a store may take.
const OPENING: std::time::Duration = std::time::Duration::from_secs(5);

/// The store, as one session uses it.
pub(crate) struct AttachedStore {
    pub(crate) store: Arc<dyn RecordStore>,
    pub(crate) names: RecordNames,
    owner: ClaimOwner,
    /// Says to others that this process lives; made before the first write.
    presence: Mutex<Option<Presence>>,
    /// That the store fails is reported once, until it works again.
    failed: AtomicBool,
}

impl AttachedStore {
    /// Opens the account's place in the store that is configured, if there is one.
    pub(crate) fn open(
        config: &SessionConfig,
    ) -> Result<Option<(Self, FingerprintKey, StoreConfig)>, StoreError> {
        let Some(store) = &config.store else { return Ok(None) };
        let limits = CallLimits { deadline: real_now() + OPENING, cancel: &CancelToken::new() };
        let key = FingerprintKey::new(*store.key(&limits)?);
        let Some((names, identity)) = RecordNames::of(config, &key) else { return Ok(None) };
        let owner = random_owner()?;
        let mut rules = StoreConfig::new(identity, owner);
        rules.on_failure =
            if config.requires_store { OnStoreFailure::SendNothing } else { store.on_failure() };
        rules.may_lose_writes = store.may_lose_writes();
        let attached = Self {
            store: Arc::clone(store),
            names,
            owner,
            presence: Mutex::new(None),
            failed: AtomicBool::new(false),
        };
        Ok(Some((attached, key, rules)))
    }

    /// Makes this session known to others, before it writes a claim.
    pub(crate) fn announce(&self) -> Result<(), StoreError> {
        let mut presence = self.presence.lock();
        if presence.is_none() {
            *presence = Some(self.store.announce(self.owner)?);
        }
        Ok(())
    }

    /// What is to be reported of a store that fails: once, until it works again.
    pub(crate) fn notice(&self, error: &StoreError) -> Option<String> {
        let is_first = !self.failed.swap(true, Ordering::Relaxed);
        is_first.then(|| match error.kind {
            StoreErrorKind::Unsafe => format!("nothing is shared, it would not be safe: {error}"),
            StoreErrorKind::Unavailable | StoreErrorKind::Busy | StoreErrorKind::WrongKey => {
                format!("nothing is shared for now: {error}")
            }
        })
    }

    pub(crate) fn works(&self) {
        self.failed.store(false, Ordering::Relaxed);
    }
}
