//! Text and bytes, in from C and out to it.

use std::ffi::{CStr, c_char};
use std::fmt;

use zeroize::Zeroizing;

use crate::plextrac_error;

/// Text or bytes that belong to the library: a view into a handle. A NUL follows the last byte and
/// does not count. `data` is NULL only if there was no handle or no value.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct plextrac_str {
    /// The first byte.
    pub data: *const c_char,
    /// The number of bytes, without the NUL that follows.
    pub len: usize,
}

/// The length that says "up to the NUL"; `PLEXTRAC_NTS` in C.
pub(crate) const NUL_TERMINATED: usize = usize::MAX;

impl plextrac_str {
    pub(crate) const fn of_static(text: &'static CStr) -> Self {
        Self { data: text.as_ptr(), len: text.count_bytes() }
    }
}

/// Bytes of the library with a NUL behind them. All are wiped when they are dropped, because
/// some hold a secret.
#[derive(Clone)]
pub(crate) struct Text(Zeroizing<Vec<u8>>);

impl Text {
    pub(crate) fn new(bytes: &[u8]) -> Self {
        let mut text = Zeroizing::new(Vec::with_capacity(bytes.len() + 1));
        text.extend_from_slice(bytes);
        text.push(0);
        Self(text)
    }

    /// Takes the bytes over, if there is room for the NUL behind them.
    pub(crate) fn from_bytes(mut bytes: Zeroizing<Vec<u8>>) -> Self {
        if bytes.len() == bytes.capacity() {
            // Growing in place would free the old buffer unwiped.
            return Self::new(&bytes);
        }
        bytes.push(0);
        Self(bytes)
    }

    pub(crate) fn view(&self) -> plextrac_str {
        plextrac_str { data: self.0.as_ptr().cast(), len: self.0.len() - 1 }
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Text({} bytes)", self.0.len() - 1)
    }
}

/// Bytes that C passed; `(NULL, 0)` is empty.
///
/// # Safety
/// `data` is NULL, or as long as `len` says and unchanged for `'a`; with
/// [`NUL_TERMINATED`], up to its NUL.
pub(crate) unsafe fn bytes<'a>(
    data: *const c_char,
    len: usize,
    name: &'static str,
) -> Result<&'a [u8], plextrac_error> {
    if data.is_null() && len == 0 {
        return Ok(&[]);
    }
    if data.is_null() {
        return Err(plextrac_error::null(name));
    }
    if len == NUL_TERMINATED {
        // SAFETY: a NUL ends it, as the caller promises.
        return Ok(unsafe { CStr::from_ptr(data) }.to_bytes());
    }
    if isize::try_from(len).is_err() {
        return Err(plextrac_error::invalid(format!(
            "the length of {name} is more than there can be; a negative number, perhaps"
        )));
    }
    // SAFETY: it is that long, as the caller promises.
    Ok(unsafe { std::slice::from_raw_parts(data.cast(), len) })
}

/// The same for text, which must be UTF-8.
///
/// # Safety
/// As for [`bytes`].
pub(crate) unsafe fn text<'a>(
    data: *const c_char,
    len: usize,
    name: &'static str,
) -> Result<&'a str, plextrac_error> {
    // SAFETY: as the caller promises.
    let bytes = unsafe { bytes(data, len, name) }?;
    std::str::from_utf8(bytes).map_err(|_| plextrac_error::invalid(format!("{name} is not UTF-8")))
}

/// The longest path in bytes. No system takes a longer one.
const LONGEST_PATH: usize = 4096;

/// A text that may be handed to the system as a path. There a NUL would end it: what was looked at and what was meant
/// would be two files.
pub(crate) fn path<'a>(text: &'a str, name: &str) -> Result<&'a str, plextrac_error> {
    if text.len() > LONGEST_PATH {
        return Err(plextrac_error::invalid(format!(
            "{name} is {} bytes long; a path has {LONGEST_PATH} at most",
            text.len()
        )));
    }
    match text.find('\0') {
        None => Ok(text),
        Some(at) => Err(plextrac_error::invalid(format!(
            "{name} has a NUL at byte {at} of {}, which no path can have; is its length that of a buffer?",
            text.len()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use std::ptr;

    use super::*;

    fn read(data: *const c_char, len: usize) -> Result<Vec<u8>, plextrac_error> {
        unsafe { bytes(data, len, "name") }.map(<[u8]>::to_vec)
    }

    #[test]
    fn a_length_counts_bytes_and_the_largest_means_to_nul() {
        let data = c"abc".as_ptr();
        assert_eq!(read(data, 2).unwrap(), b"ab");
        assert_eq!(read(data, 4).unwrap(), b"abc\0");
        assert_eq!(read(data, NUL_TERMINATED).unwrap(), b"abc");
        assert_eq!(read(data, 0).unwrap(), b"");
        assert_eq!(read(ptr::null(), 0).unwrap(), b"");
    }

    #[test]
    fn null_with_a_length_and_an_impossible_length_are_errors() {
        for (data, len) in
            [(ptr::null(), 1), (ptr::null(), NUL_TERMINATED), (c"abc".as_ptr(), usize::MAX - 1)]
        {
            let error = read(data, len).unwrap_err();
            assert!(format!("{error:?}").contains("name"), "{error:?}");
        }
    }

    #[test]
    fn text_that_is_not_utf8_is_refused_and_not_repeated() {
        let error = unsafe { text(c"abc\xff".as_ptr(), 4, "name") }.unwrap_err();
        let shown = format!("{error:?}");
        assert!(shown.contains("name") && !shown.contains("abc"), "{shown}");
    }

    #[test]
    fn a_nul_follows_what_is_shown_and_does_not_count() {
        let mut roomy = Zeroizing::new(Vec::with_capacity(8));
        roomy.extend_from_slice(b"abc");
        let full = Zeroizing::new(b"abc".to_vec().into_boxed_slice().into_vec());
        for shown in [Text::new(b"abc"), Text::from_bytes(roomy), Text::from_bytes(full)] {
            let view = shown.view();
            assert_eq!(view.len, 3);
            assert_eq!(unsafe { CStr::from_ptr(view.data) }, c"abc");
        }
    }
}
