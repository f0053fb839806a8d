//! The operator's key: 32 random bytes that the engine never sees.

use std::fmt;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};
use zeroize::Zeroizing;

use crate::files;
use crate::url_error::StoreUrlError;

/// The key that opens a store. Every program that shares the store has it; the engine never sees it.
///
/// As text it is 44 characters of base64. Keep it in a file that only its user can read, or in a secret of the
/// deployment.
#[derive(Clone)]
pub struct StoreKey(Zeroizing<[u8; 32]>);

impl StoreKey {
    /// Makes a new key.
    ///
    /// # Errors
    /// [`StoreUrlError`] if the system gives no random bytes.
    pub fn generate() -> Result<Self, StoreUrlError> {
        random()
            .map(Self)
            .ok_or_else(|| StoreUrlError::new("the store's key", "the system gives no random bytes"))
    }

    /// Reads a key from base64. White space around it does not count.
    ///
    /// # Errors
    /// [`StoreUrlError`] if it is not base64 of 32 bytes. The error does not repeat the text.
    pub fn from_base64(text: &str) -> Result<Self, StoreUrlError> {
        let text = text.trim();
        let wrong = || {
            StoreUrlError::new(
                "the store's key",
                "it must be 32 bytes in base64, which is 44 characters; make one with `plextrac-auth store-key`",
            )
        };
        // A longer text is refused before it is decoded: the buffer is sized for a key, and does not grow.
        if text.len() != 44 {
            return Err(wrong());
        }
        let mut bytes = Zeroizing::new([0; 33]);
        let length = STANDARD.decode_slice(text, bytes.as_mut_slice()).map_err(|_| wrong())?;
        let key =
            bytes.get(..length).and_then(|bytes| <&[u8; 32]>::try_from(bytes).ok()).ok_or_else(wrong)?;
        Ok(Self(Zeroizing::new(*key)))
    }

    /// Reads a key from a file that holds base64.
    ///
    /// # Errors
    /// [`StoreUrlError`] if the file cannot be read, other users can read it, or it holds no key.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, StoreUrlError> {
        let text = files::read_secret(path.as_ref(), "the store's key file")?;
        Self::from_base64(&text)
    }

    /// The key as base64, to write it into a file.
    #[must_use]
    pub fn to_base64(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(44));
        STANDARD.encode_string(self.0.as_slice(), &mut text);
        text
    }

    /// Recognises the key without showing it: 16 hexadecimal digits. The store's key record names its keys by it.
    #[must_use]
    pub fn id(&self) -> String {
        hex(&self.derive(b"id")[..8])
    }

    /// Another key for one purpose.
    pub(crate) fn derive(&self, purpose: &[u8]) -> Zeroizing<[u8; 32]> {
        digest(self.0.as_slice(), &[b"plextrac-auth store", purpose])
    }
}

impl fmt::Debug for StoreKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoreKey(..)")
    }
}

/// HMAC-SHA-256 over the parts, each led by its length so that no two lists of parts collide.
pub(crate) fn digest(key: &[u8], parts: &[&[u8]]) -> Zeroizing<[u8; 32]> {
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, key));
    for part in parts {
        context.update(&(part.len() as u64).to_le_bytes());
        context.update(part);
    }
    let mut digest = Zeroizing::new([0; 32]);
    digest.copy_from_slice(context.sign().as_ref());
    digest
}

/// Random bytes; `None` if the system gives none.
pub(crate) fn random<const N: usize>() -> Option<Zeroizing<[u8; N]>> {
    let mut bytes = Zeroizing::new([0; N]);
    SystemRandom::new().fill(bytes.as_mut_slice()).ok()?;
    Some(bytes)
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_survives_being_written_as_text() {
        let key = StoreKey::generate().unwrap();
        let text = key.to_base64();
        assert_eq!(text.len(), 44);
        let read = StoreKey::from_base64(&format!("  {}\n", *text)).unwrap();
        assert_eq!(read.to_base64(), text);
        assert_eq!(read.id(), key.id());
        assert_ne!(StoreKey::generate().unwrap().id(), key.id());
    }

    #[test]
    fn a_text_that_is_no_key_is_refused_and_not_repeated() {
        let whole = StoreKey::generate().unwrap().to_base64();
        for text in ["", "secret", &whole[..40], &format!("{}=", *whole), &"A".repeat(44), &"?".repeat(44)] {
            let error = StoreKey::from_base64(text).unwrap_err().to_string();
            assert!(error.contains("32 bytes in base64"), "{error}");
            assert!(text.is_empty() || !error.contains(text), "{error}");
        }
    }

    #[test]
    fn a_key_shows_itself_to_nobody() {
        let key = StoreKey::generate().unwrap();
        assert_eq!(format!("{key:?}"), "StoreKey(..)");
    }
}
