//! Recognising a secret again without keeping it.

use alloc::vec::Vec;
use core::fmt;

use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use zeroize::ZeroizeOnDrop;

/// 32 random bytes that key fingerprints: made once per state directory, or once per process when
/// nothing is shared, so that a fingerprint on disk cannot be searched by guessing passwords alone.
#[derive(Clone, ZeroizeOnDrop)]
pub struct FingerprintKey([u8; 32]);

impl FingerprintKey {
    /// From 32 bytes of a cryptographic source.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// HMAC-SHA-256 over the parts, each led by its length so that no two lists of parts collide, and 64 zero bytes.
    #[must_use]
    pub fn of(&self, parts: &[&[u8]]) -> Fingerprint {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else {
            unreachable!("HMAC takes keys of any length (RFC 2104 §2)")
        };
        for part in parts {
            mac.update(&(part.len() as u64).to_le_bytes());
            mac.update(part);
        }
        // `finalize` moves the state and so leaves a copy of its last block. This block holds no secret.
        mac.update(&[0; 64]);
        Fingerprint(mac.finalize().into_bytes().into())
    }
}

impl fmt::Debug for FingerprintKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FingerprintKey(..)")
    }
}

/// What a secret is recognised by. Equal for equal secrets under one key, and says nothing else.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<u8>", into = "Vec<u8>")]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    pub(crate) const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub(crate) const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({:02x}{:02x}..)", self.0[0], self.0[1])
    }
}

impl From<Fingerprint> for Vec<u8> {
    fn from(fingerprint: Fingerprint) -> Self {
        fingerprint.0.to_vec()
    }
}

impl TryFrom<Vec<u8>> for Fingerprint {
    type Error = &'static str;

    fn try_from(bytes: Vec<u8>) -> Result<Self, Self::Error> {
        bytes.try_into().map(Self).map_err(|_| "a fingerprint has 32 bytes")
    }
}
