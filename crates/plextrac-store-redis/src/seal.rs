//! The data keys, and what is sealed and named with them.
//!
//! Two keys do all work, and the engine sees neither. The sealing key is random, drawn anew whenever the key record is
//! made. The name key turns the sessions' names into the engine's key names, and is what sessions key their
//! fingerprints with. It comes from the first operator's key, so that programs that start after the engine lost
//! everything still find each other. Both are wrapped by each operator's key in the key record.

use plextrac_transport::Version;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use zeroize::Zeroizing;

use crate::store_key::{StoreKey, digest, hex, random};

/// A tag of AES-GCM.
const TAG_LENGTH: usize = 16;

/// Hexadecimal digits of a version in front of a record.
pub(crate) const VERSION_LENGTH: usize = 16;

/// The keys of one key record.
#[derive(Clone)]
pub(crate) struct DataKeys {
    /// Names the key record: random, 32 hexadecimal digits. Another record has another one.
    pub(crate) epoch: String,
    sealing: Zeroizing<[u8; 32]>,
    pub(crate) names: Zeroizing<[u8; 32]>,
}

impl DataKeys {
    /// New keys. `names` is what this process used before, if the engine lost its key record.
    pub(crate) fn make(key: &StoreKey, names: Option<Zeroizing<[u8; 32]>>) -> Option<Self> {
        let names = names.unwrap_or_else(|| key.derive(b"names"));
        Some(Self { epoch: hex(random::<16>()?.as_slice()), sealing: random()?, names })
    }

    /// Both keys, sealed with an operator's key.
    pub(crate) fn wrap(&self, key: &StoreKey) -> Option<Vec<u8>> {
        let mut content = Zeroizing::new(Vec::with_capacity(64));
        content.extend_from_slice(self.sealing.as_slice());
        content.extend_from_slice(self.names.as_slice());
        seal(&key.derive(b"wrap"), &[b"keys", self.epoch.as_bytes()], &content)
    }

    pub(crate) fn unwrap(key: &StoreKey, epoch: &str, wrapped: &[u8]) -> Option<Self> {
        let content = unseal(&key.derive(b"wrap"), &[b"keys", epoch.as_bytes()], wrapped)?;
        let (sealing, names) = content.split_at_checked(32)?;
        Some(Self {
            epoch: epoch.to_owned(),
            sealing: Zeroizing::new(sealing.try_into().ok()?),
            names: Zeroizing::new(names.try_into().ok()?),
        })
    }

    /// The engine's name for a record: a keyed digest.
    pub(crate) fn engine_name(&self, prefix: &str, name: &str) -> String {
        let digest = digest(self.names.as_slice(), &[b"record", name.as_bytes()]);
        format!("{prefix}{}", hex(&digest[..16]))
    }

    /// What the engine keeps of a record: the version, in clear, and the sealed bytes. `None` if the system gives no
    /// random bytes.
    pub(crate) fn seal_record(&self, name: &str, version: Version, record: &[u8]) -> Option<Vec<u8>> {
        let version = version_text(version);
        let sealed =
            seal(&self.sealing, &[self.epoch.as_bytes(), name.as_bytes(), version.as_bytes()], record)?;
        Some([version.as_bytes(), &sealed].concat())
    }

    /// The record of that name; `None` if it was changed, or sealed under other keys or another name.
    pub(crate) fn unseal_record(&self, name: &str, kept: &[u8]) -> Option<(Version, Zeroizing<Vec<u8>>)> {
        let (version, sealed) = kept.split_at_checked(VERSION_LENGTH)?;
        let record = unseal(&self.sealing, &[self.epoch.as_bytes(), name.as_bytes(), version], sealed)?;
        Some((version_of(version)?, record))
    }
}

/// A version as it stands in front of a record: 16 hexadecimal digits; nothing for an absent record.
pub(crate) fn version_text(version: Version) -> String {
    match version {
        Version::ABSENT => String::new(),
        version => format!("{:016x}", version.number()),
    }
}

/// The version that stands in front of a record; absent if there is none.
pub(crate) fn version_of(text: &[u8]) -> Option<Version> {
    if text.is_empty() {
        return Some(Version::ABSENT);
    }
    let text = str::from_utf8(text).ok().filter(|text| text.len() == VERSION_LENGTH)?;
    u64::from_str_radix(text, 16).ok().filter(|number| *number != 0).map(Version::new)
}

/// A random nonce, the sealed bytes and their tag. `parts` are authenticated with them.
fn seal(key: &[u8; 32], parts: &[&[u8]], content: &[u8]) -> Option<Vec<u8>> {
    let nonce = *random::<NONCE_LEN>()?;
    let mut sealed = Vec::with_capacity(NONCE_LEN + content.len() + TAG_LENGTH);
    sealed.extend_from_slice(&nonce);
    sealed.extend_from_slice(content);
    let tag = aead(key)?
        .seal_in_place_separate_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(joined(parts)),
            &mut sealed[NONCE_LEN..],
        )
        .ok()?;
    sealed.extend_from_slice(tag.as_ref());
    Some(sealed)
}

fn unseal(key: &[u8; 32], parts: &[&[u8]], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (nonce, sealed) = sealed.split_at_checked(NONCE_LEN)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    let mut content = Zeroizing::new(sealed.to_vec());
    let length = aead(key)?.open_in_place(nonce, Aad::from(joined(parts)), &mut content).ok()?.len();
    content.truncate(length);
    Some(content)
}

fn aead(key: &[u8; 32]) -> Option<LessSafeKey> {
    Some(LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).ok()?))
}

/// The parts, each led by its length so that no two lists of parts are the same.
fn joined(parts: &[&[u8]]) -> Vec<u8> {
    parts.iter().flat_map(|part| [(part.len() as u64).to_le_bytes().as_slice(), part].concat()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_opens_only_under_its_name_version_and_key() {
        let key = StoreKey::generate().unwrap();
        let keys = DataKeys::make(&key, None).unwrap();
        let kept = keys.seal_record("name", Version::new(7), b"secret").unwrap();
        let (version, record) = keys.unseal_record("name", &kept).unwrap();
        assert_eq!((version, record.as_slice()), (Version::new(7), b"secret".as_slice()));
        assert!(keys.unseal_record("other", &kept).is_none());
        assert!(DataKeys::make(&key, None).unwrap().unseal_record("name", &kept).is_none());
        for index in 0..kept.len() {
            let mut changed = kept.clone();
            changed[index] ^= 1;
            assert!(keys.unseal_record("name", &changed).is_none(), "byte {index}");
            assert!(keys.unseal_record("name", &kept[..index]).is_none(), "{index} bytes");
        }
        assert!(!kept.windows(6).any(|bytes| bytes == b"secret"));
        assert_ne!(keys.seal_record("name", Version::new(7), b"secret").unwrap(), kept, "each nonce is new");
    }

    #[test]
    fn wrapped_keys_open_with_their_operators_key_alone() {
        let (key, other) = (StoreKey::generate().unwrap(), StoreKey::generate().unwrap());
        let keys = DataKeys::make(&key, None).unwrap();
        let wrapped = keys.wrap(&other).unwrap();
        let unwrapped = DataKeys::unwrap(&other, &keys.epoch, &wrapped).unwrap();
        assert_eq!((&unwrapped.sealing, &unwrapped.names), (&keys.sealing, &keys.names));
        assert!(DataKeys::unwrap(&key, &keys.epoch, &wrapped).is_none());
        assert!(DataKeys::unwrap(&other, "another epoch", &wrapped).is_none());
        assert!(DataKeys::unwrap(&other, &keys.epoch, b"").is_none());
    }

    #[test]
    fn keys_that_are_made_anew_keep_the_names() {
        let key = StoreKey::generate().unwrap();
        let (first, second) = (DataKeys::make(&key, None).unwrap(), DataKeys::make(&key, None).unwrap());
        assert_eq!(first.names, second.names);
        assert_ne!(first.sealing, second.sealing);
        assert_ne!(first.epoch, second.epoch);
        let kept = DataKeys::make(&StoreKey::generate().unwrap(), Some(first.names.clone())).unwrap();
        assert_eq!(kept.engine_name("p:", "a1"), first.engine_name("p:", "a1"));
    }

    #[test]
    fn a_version_survives_being_written_as_text() {
        for number in [0, 1, 0xabc, u64::MAX] {
            let version = Version::new(number);
            assert_eq!(version_of(version_text(version).as_bytes()), Some(version));
        }
        for text in ["0", "0000000000000000", "000000000000000g", "00000000000000001"] {
            assert_eq!(version_of(text.as_bytes()), None, "{text}");
        }
    }
}
