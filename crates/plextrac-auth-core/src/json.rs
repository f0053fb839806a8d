//! JSON that holds secrets: written into a buffer that never grows, read without a copy that nobody wipes.
//!
//! `serde_json` without std has no writer for a buffer of ours, and its own buffer leaves unwiped pieces behind when it
//! grows. So objects are written here. Reading is `serde_json`'s work: the values of an object are borrowed from the
//! input as raw JSON, and each is parsed by itself. One value that makes no sense therefore costs no other value.

use alloc::borrow::Cow;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use serde::Deserialize;
use serde_json::value::RawValue;
use zeroize::Zeroizing;

/// Writes one JSON value into a buffer of a fixed capacity, which is wiped when it is dropped.
pub(crate) struct JsonWriter {
    bytes: Zeroizing<Vec<u8>>,
    needs_comma: bool,
}

impl JsonWriter {
    /// A writer for at most `capacity` bytes.
    pub(crate) fn new(capacity: usize) -> Self {
        Self { bytes: Zeroizing::new(Vec::with_capacity(capacity)), needs_comma: false }
    }

    /// The JSON text.
    pub(crate) fn finish(self) -> Zeroizing<Vec<u8>> {
        self.bytes
    }

    /// The value of the next field is written by the next call.
    pub(crate) fn name(&mut self, name: &str) {
        self.string(name);
        self.bytes.push(b':');
        self.needs_comma = false;
    }

    pub(crate) fn begin_object(&mut self) {
        self.open(b'{');
    }

    pub(crate) fn end_object(&mut self) {
        self.close(b'}');
    }

    pub(crate) fn begin_array(&mut self) {
        self.open(b'[');
    }

    pub(crate) fn end_array(&mut self) {
        self.close(b']');
    }

    /// A string (RFC 8259 §7) with the escapes that are required and no others.
    pub(crate) fn string(&mut self, text: &str) {
        self.value(b"\"");
        for &byte in text.as_bytes() {
            match byte {
                b'"' | b'\\' => self.bytes.extend([b'\\', byte]),
                0..0x20 => {
                    self.bytes.extend([b'\\', b'u', b'0', b'0', hex_digit(byte >> 4), hex_digit(byte & 15)]);
                }
                _ => self.bytes.push(byte),
            }
        }
        self.bytes.push(b'"');
    }

    pub(crate) fn hex(&mut self, bytes: &[u8]) {
        self.value(b"\"");
        for &byte in bytes {
            self.bytes.extend([hex_digit(byte >> 4), hex_digit(byte & 15)]);
        }
        self.bytes.push(b'"');
    }

    pub(crate) fn unsigned(&mut self, number: u64) {
        self.value(alloc::format!("{number}").as_bytes());
    }

    pub(crate) fn signed(&mut self, number: i64) {
        self.value(alloc::format!("{number}").as_bytes());
    }

    pub(crate) fn boolean(&mut self, value: bool) {
        self.value(if value { b"true" } else { b"false" });
    }

    /// JSON that was read before and is kept as it was.
    pub(crate) fn raw(&mut self, json: &[u8]) {
        self.value(json);
    }

    fn open(&mut self, bracket: u8) {
        self.value(&[bracket]);
        self.needs_comma = false;
    }

    fn close(&mut self, bracket: u8) {
        self.bytes.push(bracket);
        self.needs_comma = true;
    }

    fn value(&mut self, bytes: &[u8]) {
        if self.needs_comma {
            self.bytes.push(b',');
        }
        self.bytes.extend_from_slice(bytes);
        self.needs_comma = true;
    }
}

/// The fields of an object, each as raw JSON that is borrowed from the input.
#[derive(Default)]
pub(crate) struct JsonObject<'a>(BTreeMap<Cow<'a, str>, &'a RawValue>);

impl<'a> JsonObject<'a> {
    /// `None` if this is no JSON object.
    pub(crate) fn parse(json: &'a [u8]) -> Option<Self> {
        serde_json::from_slice(json).ok().map(Self)
    }

    /// Takes a field out. `None` if it is absent or of another type.
    pub(crate) fn take<T: Deserialize<'a>>(&mut self, name: &str) -> Option<T> {
        self.0.remove(name).and_then(|raw| serde_json::from_str(raw.get()).ok())
    }

    /// Takes an object out. `None` if the field is absent or no object.
    pub(crate) fn take_object(&mut self, name: &str) -> Option<Self> {
        self.0.remove(name).and_then(|raw| Self::parse(raw.get().as_bytes()))
    }

    /// Takes the elements of an array out, each as raw JSON. Empty if the field is absent or no array.
    pub(crate) fn take_array(&mut self, name: &str) -> Vec<&'a RawValue> {
        self.take(name).unwrap_or_default()
    }

    /// What was not taken out, to be written back as it was.
    pub(crate) fn rest(self) -> RawFields {
        let keep = |(name, raw): (Cow<'a, str>, &RawValue)| {
            (name.into_owned(), Zeroizing::new(raw.get().as_bytes().to_vec()))
        };
        RawFields(self.0.into_iter().map(keep).collect())
    }
}

/// Fields that this version of the format does not know. A newer version may need them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RawFields(Vec<(String, Zeroizing<Vec<u8>>)>);

impl RawFields {
    pub(crate) fn write(&self, json: &mut JsonWriter) {
        for (name, raw) in &self.0 {
            json.name(name);
            json.raw(raw);
        }
    }

    /// The most bytes that [`write`](Self::write) adds.
    pub(crate) fn size(&self) -> usize {
        self.0.iter().map(|(name, raw)| 6 * name.len() + raw.len() + 4).sum()
    }
}

/// Bytes of a hexadecimal string of exactly that length.
pub(crate) fn from_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.as_bytes();
    if digits.len() != 2 * N {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
    }
    Some(bytes)
}

const fn hex_digit(nibble: u8) -> u8 {
    b"0123456789abcdef"[nibble as usize]
}

const fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}
