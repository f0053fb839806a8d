//! Reading the body of an answer: to its end, within a limit, leaving no copy behind.

use std::io::{self, Read};

use zeroize::Zeroizing;

/// What is set aside before the first byte has come, at most. More is believed when it arrives.
const BELIEVED_AT_ONCE: usize = 1024 * 1024;
const FIRST_GUESS: usize = 4 * 1024;

pub(super) enum BodyFailure {
    TooLarge,
    Read(io::Error),
}

/// Reads everything. `announced` is the length that the answer's header tells, if it does.
pub(super) fn read_whole(
    reader: &mut impl Read,
    announced: Option<u64>,
    limit: usize,
) -> Result<Zeroizing<Vec<u8>>, BodyFailure> {
    let announced = match announced {
        Some(length) => match usize::try_from(length) {
            Ok(length) if length <= limit => Some(length),
            _ => return Err(BodyFailure::TooLarge),
        },
        None => None,
    };
    // One byte more than may come: the read that finds the end needs a place to read to.
    let most = limit.saturating_add(1);
    let first = announced.map_or(FIRST_GUESS, |length| length.min(BELIEVED_AT_ONCE) + 1);
    let mut body = Zeroizing::new(vec![0; first.min(most)]);
    let mut filled = 0;
    loop {
        if filled == body.len() {
            if filled == most {
                return Err(BodyFailure::TooLarge);
            }
            body = grown(&body, filled.saturating_mul(2).min(most));
        }
        match reader.read(&mut body[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(BodyFailure::Read(error)),
        }
    }
    if filled > limit {
        return Err(BodyFailure::TooLarge);
    }
    body.truncate(filled);
    Ok(body)
}

/// A vector that grows by itself would free its old memory unwiped; the old one is wiped when it is replaced.
fn grown(old: &[u8], size: usize) -> Zeroizing<Vec<u8>> {
    let mut new = Zeroizing::new(vec![0; size]);
    new[..old.len()].copy_from_slice(old);
    new
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8], announced: Option<u64>, limit: usize) -> Option<Vec<u8>> {
        let mut reader = bytes;
        read_whole(&mut reader, announced, limit).ok().map(|body| body.to_vec())
    }

    #[test]
    fn a_body_of_any_length_is_read_whole() {
        for length in [0, 1, FIRST_GUESS - 1, FIRST_GUESS, FIRST_GUESS + 1, 100_000] {
            let bytes: Vec<u8> = (0..length).map(|i| i as u8).collect();
            assert_eq!(read(&bytes, None, 100_000).as_ref(), Some(&bytes), "{length}");
            assert_eq!(read(&bytes, Some(length as u64), 100_000).as_ref(), Some(&bytes), "{length}");
        }
    }

    #[test]
    fn the_limit_itself_is_allowed_and_one_byte_more_is_not() {
        assert!(read(&[1; 10], None, 10).is_some());
        assert!(read(&[1; 11], None, 10).is_none());
        assert!(read(&[], None, 0).is_some());
        assert!(read(&[1], None, 0).is_none());
    }

    #[test]
    fn an_announced_length_over_the_limit_is_refused_unread() {
        struct Unread;
        impl Read for Unread {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                panic!("must not be read")
            }
        }
        let refused = read_whole(&mut Unread, Some(u64::MAX), 1000);
        assert!(matches!(refused, Err(BodyFailure::TooLarge)));
    }
}
