//! The store that several machines share.

use std::sync::Arc;

use plextrac_transport::RecordStore;

use crate::plextrac_error;

#[cfg(feature = "redis")]
pub(crate) fn open(url: &str, key: &str) -> Result<Arc<dyn RecordStore>, plextrac_error> {
    use plextrac_store_redis::{RedisOptions, RedisStore, StoreKey, StoreUrlError};
    let wrong = |error: StoreUrlError| plextrac_error::invalid(error.to_string());
    let key = StoreKey::from_base64(key).map_err(wrong)?;
    Ok(Arc::new(RedisStore::open(url, &key, RedisOptions::default()).map_err(wrong)?))
}

#[cfg(not(feature = "redis"))]
pub(crate) fn open(_: &str, _: &str) -> Result<Arc<dyn RecordStore>, plextrac_error> {
    Err(plextrac_error::new(
        crate::status::PLEXTRAC_UNSUPPORTED,
        "this library was built without the feature redis and has no shared store; use a state directory, or build it \
         with the feature",
    ))
}
