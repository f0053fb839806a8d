//! The store through which runs on several machines share their sessions: `--store`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use plextrac_transport::RecordStore;

use crate::exit::Failure;
use crate::settings::StoreSettings;

/// Opens the store. Nothing is sent to it.
#[cfg(feature = "redis")]
pub(crate) fn open(settings: &StoreSettings) -> Result<Arc<dyn RecordStore>, Failure> {
    let store = open_redis(settings)?;
    IS_USED.store(true, Ordering::Relaxed);
    Ok(Arc::new(store))
}

#[cfg(not(feature = "redis"))]
pub(crate) fn open(_: &StoreSettings) -> Result<Arc<dyn RecordStore>, Failure> {
    Err(Failure::usage(
        "this plextrac-auth was built without the feature redis and has no shared store; leave --store and \
         PLEXTRAC_STORE out, or build it with the feature",
    ))
}

/// The store, to change its keys.
#[cfg(feature = "redis")]
pub(crate) fn open_redis(settings: &StoreSettings) -> Result<plextrac_store_redis::RedisStore, Failure> {
    use crate::args::StoreDown;
    use plextrac_store_redis::{RedisOptions, RedisStore};
    use plextrac_transport::OnStoreFailure;
    let key = key(settings)?;
    let mut options = RedisOptions::default();
    if settings.down.as_ref().is_some_and(|choice| choice.value == StoreDown::Alone) {
        options.on_failure = OnStoreFailure::GoOnAlone;
    }
    RedisStore::open(&settings.url.value, &key, options)
        .map_err(|error| Failure::usage(format!("the URL of the store cannot be used: {error}")))
}

/// The key that the settings name.
#[cfg(feature = "redis")]
pub(crate) fn key(settings: &StoreSettings) -> Result<plextrac_store_redis::StoreKey, Failure> {
    use plextrac_store_redis::StoreKey;
    let wrong = |error: plextrac_store_redis::StoreUrlError| Failure::usage(error.to_string());
    match (&settings.key_file, &settings.key) {
        (Some(path), _) => StoreKey::from_file(&path.value).map_err(wrong),
        (None, Some(key)) => StoreKey::from_base64(key).map_err(wrong),
        (None, None) => Err(Failure::usage(
            "the store needs a key: set --store-key-file, PLEXTRAC_STORE_KEY_FILE or PLEXTRAC_STORE_KEY; `plextrac-auth \
             store-key --output FILE` makes one for all machines",
        )),
    }
}

/// Whether this URL of a store may hold a password. One that is not percent-encoded can stand anywhere in front of the
/// last `@`.
pub(crate) fn may_hold_password(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.rsplit_once('@').is_some_and(|(userinfo, _)| userinfo.contains(':'))
}

/// Whether this run uses a shared store. Its failures are those of a network.
pub(crate) fn is_used() -> bool {
    IS_USED.load(Ordering::Relaxed)
}

static IS_USED: AtomicBool = AtomicBool::new(false);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_in_a_url_is_found() {
        for url in ["redis://:word@e", "redis://user:word@e", "redis://user:a/b?c#d@e", "user:word@e"] {
            assert!(may_hold_password(url), "{url}");
        }
        for url in ["redis://e", "redis://e:6379/0", "rediss://user@e:6379/0?password-file=/etc/word"] {
            assert!(!may_hold_password(url), "{url}");
        }
    }
}
