//! Randomness, and the one file that gets it from the system.

use plextrac_auth_core::{ClaimOwner, FingerprintKey, Seed};

use crate::error::{Error, ErrorCode};
use crate::store::StoreError;

/// What a new machine is seeded with, by a driver of its own as well.
///
/// # Errors
/// `Unsupported` if the system gives no random bytes.
pub fn random_seed() -> Result<Seed, Error> {
    let (mut draws, mut key) = ([0; 8], [0; 32]);
    getrandom::fill(&mut draws).and_then(|()| getrandom::fill(&mut key)).map_err(|error| {
        Error::new(ErrorCode::Unsupported, format!("the system gives no random bytes: {error}"))
    })?;
    Ok(Seed { draws: u64::from_le_bytes(draws), key: FingerprintKey::new(key) })
}

/// A name for a session in the claims that it writes.
pub(crate) fn random_owner() -> Result<ClaimOwner, StoreError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)
        .map_err(|error| StoreError::unavailable(format!("the system gives no random bytes: {error}")))?;
    Ok(ClaimOwner::new(bytes))
}
