//! Standard output, where a reader that has gone is no reason to panic.

use std::io::{self, Write};

use crate::exit::Failure;

/// Writes the parts one after the other and flushes them. They are not joined first: one may be a secret.
pub(crate) fn write(parts: &[&[u8]]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    parts.iter().try_for_each(|part| out.write_all(part)).and_then(|()| out.flush()).map_err(|error| {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Failure::ReaderGone,
            _ => Failure::other(format!("standard output cannot be written: {error}")),
        }
    })
}

/// Writes one line.
pub(crate) fn line(text: &str) -> Result<(), Failure> {
    write(&[text.as_bytes(), b"\n"])
}
