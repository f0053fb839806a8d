//! The record with the data keys, wrapped by each operator's key. Its name is fixed, and it never expires.
//!
//! ```text
//! plextrac-auth key 1
//! 00112233445566778899aabbccddeeff            the epoch: random, made with the record
//! 0123456789abcdef base64…                    the id of an operator's key, and the keys it wraps
//! ```

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::seal::DataKeys;
use crate::store_key::StoreKey;

/// The first line with its end. The script that reads and writes records looks for the epoch right after it.
pub(crate) const HEADER: &str = "plextrac-auth key 1\n";

const EPOCH_LENGTH: usize = 32;

/// A key record, as it stands in the engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeyRecord {
    epoch: String,
    entries: Vec<Entry>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    id: String,
    wrapped: Vec<u8>,
}

/// What came of looking for one's own keys.
pub(crate) enum Found {
    Keys(DataKeys),
    /// Other operators' keys are known. Their ids.
    WrongKey(Vec<String>),
    /// There is an entry for the key, and it does not open.
    Damaged,
}

impl KeyRecord {
    /// A record with new keys for one operator.
    pub(crate) fn make(keys: &DataKeys, key: &StoreKey) -> Option<Self> {
        let mut record = Self { epoch: keys.epoch.clone(), entries: Vec::new() };
        record.add(keys, key)?;
        Some(record)
    }

    /// Reads a record; `None` if it is none of this format.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut lines = str::from_utf8(bytes).ok()?.strip_prefix(HEADER)?.lines();
        let is_hex = |text: &str| text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let epoch = lines.next().filter(|epoch| epoch.len() == EPOCH_LENGTH && is_hex(epoch))?.to_owned();
        let entries = lines
            .map(|line| {
                let (id, wrapped) = line.split_once(' ').filter(|(id, _)| id.len() == 16 && is_hex(id))?;
                Some(Entry { id: id.to_owned(), wrapped: STANDARD.decode(wrapped).ok()? })
            })
            .collect::<Option<Vec<_>>>()?;
        Some(Self { epoch, entries })
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut text = format!("{HEADER}{}\n", self.epoch);
        for entry in &self.entries {
            // Writing to a string does not fail.
            let _ = writeln!(text, "{} {}", entry.id, STANDARD.encode(&entry.wrapped));
        }
        text.into_bytes()
    }

    pub(crate) fn find(&self, key: &StoreKey) -> Found {
        let id = key.id();
        match self.entries.iter().find(|entry| entry.id == id) {
            Some(entry) => match DataKeys::unwrap(key, &self.epoch, &entry.wrapped) {
                Some(keys) => Found::Keys(keys),
                None => Found::Damaged,
            },
            None => Found::WrongKey(self.ids()),
        }
    }

    pub(crate) fn ids(&self) -> Vec<String> {
        self.entries.iter().map(|entry| entry.id.clone()).collect()
    }

    /// Adds an operator's key, or wraps anew for one that is there. `None` if the system gives no random bytes.
    pub(crate) fn add(&mut self, keys: &DataKeys, key: &StoreKey) -> Option<()> {
        let entry = Entry { id: key.id(), wrapped: keys.wrap(key)? };
        self.entries.retain(|known| known.id != entry.id);
        self.entries.push(entry);
        Some(())
    }

    /// Removes an operator's key. Returns whether it was there.
    pub(crate) fn remove(&mut self, id: &str) -> bool {
        let before = self.entries.len();
        self.entries.retain(|entry| entry.id != id);
        self.entries.len() < before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_record_survives_being_written() {
        let (first, second, other) =
            (StoreKey::generate().unwrap(), StoreKey::generate().unwrap(), StoreKey::generate().unwrap());
        let keys = DataKeys::make(&first, None).unwrap();
        let mut record = KeyRecord::make(&keys, &first).unwrap();
        record.add(&keys, &second).unwrap();
        let mut record = KeyRecord::decode(&record.encode()).unwrap();
        for key in [&first, &second] {
            assert!(matches!(record.find(key), Found::Keys(found) if found.names == keys.names));
        }
        assert!(matches!(record.find(&other), Found::WrongKey(ids) if ids == [first.id(), second.id()]));
        assert!(record.remove(&first.id()) && !record.remove(&first.id()));
        assert!(matches!(record.find(&first), Found::WrongKey(_)));
    }

    #[test]
    fn a_damaged_key_record_is_none() {
        let key = StoreKey::generate().unwrap();
        let record = KeyRecord::make(&DataKeys::make(&key, None).unwrap(), &key).unwrap();
        let whole = record.encode();
        for length in 0..HEADER.len() + EPOCH_LENGTH {
            assert_eq!(KeyRecord::decode(&whole[..length]), None);
        }
        assert_eq!(KeyRecord::decode(&whole[..whole.len() - 3]), None);
        let newer = String::from_utf8(whole).unwrap().replace("key 1", "key 2");
        assert_eq!(KeyRecord::decode(newer.as_bytes()), None);
    }
}
