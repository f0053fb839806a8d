//! Text that must not be seen: wiped when dropped, redacted when printed.

use alloc::string::String;
use core::fmt;

use zeroize::Zeroizing;

/// A password, token, cookie, challenge or request body.
///
/// Wiped when dropped; `Debug` shows the length alone. Sized once, so that no shorter copy is left
/// behind by a growing buffer.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Copies `text`.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self::from_parts(&[text])
    }

    /// The text itself. Whoever copies it answers for the copy.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Compares in time that depends on the lengths alone.
    #[must_use]
    pub fn matches(&self, other: &str) -> bool {
        let (a, b) = (self.0.as_bytes(), other.as_bytes());
        a.len() == b.len()
            && core::hint::black_box(a.iter().zip(b).fold(0, |seen, (x, y)| seen | (x ^ y))) == 0
    }

    /// Joins `parts` in a buffer allocated once.
    pub(crate) fn from_parts(parts: &[&str]) -> Self {
        let mut text = Zeroizing::new(String::with_capacity(parts.iter().map(|part| part.len()).sum()));
        parts.iter().for_each(|part| text.push_str(part));
        Self(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({} bytes)", self.0.len())
    }
}
