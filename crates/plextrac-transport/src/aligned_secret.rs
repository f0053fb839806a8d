//! A secret that is copied often.

use zeroize::Zeroizing;

/// Where the cache lines of the processors in use begin.
const LINE: usize = 64;

/// A secret that begins at a cache line.
///
/// What the system's allocator gives begins anywhere at 16 bytes. Then every load of a copy crosses from one line into
/// the next, and with a lock being let go right behind it, a copy of a kilobyte takes a third longer.
pub(crate) struct AlignedSecret {
    /// Some spaces, and the secret.
    text: Zeroizing<String>,
    start: usize,
}

impl AlignedSecret {
    pub(crate) fn new(secret: &str) -> Self {
        // All the room at once: a string that grows leaves a copy behind.
        let mut text = Zeroizing::new(String::with_capacity(LINE + secret.len()));
        // Where alignment cannot be had, the secret is as good without.
        let start = Some(text.as_ptr().align_offset(LINE)).filter(|start| *start < LINE).unwrap_or(0);
        text.extend(std::iter::repeat_n(' ', start));
        text.push_str(secret);
        Self { text, start }
    }

    pub(crate) fn expose(&self) -> &str {
        &self.text[self.start..]
    }
}

#[cfg(all(test, not(plextrac_shuttle)))]
mod tests {
    use super::{AlignedSecret, LINE};

    #[test]
    fn it_is_what_was_given_and_begins_at_a_line() {
        for length in [0, 1, 15, 64, 1145] {
            let given = "s\u{e9}".repeat(length);
            let secret = AlignedSecret::new(&given);
            assert_eq!(secret.expose(), given);
            assert_eq!(secret.expose().as_ptr().addr() % LINE, 0);
            assert!(secret.text.len() <= LINE + given.len(), "it never grew");
        }
    }
}
