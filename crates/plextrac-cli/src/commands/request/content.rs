//! The bytes of a request's body, and where they come from.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use plextrac_transport::Request;
use serde::de::IgnoredAny;
use zeroize::Zeroizing;

use crate::exit::Failure;

/// What is read ahead of a pipe. If it ends sooner, its length is known, and it can be sent again.
const READ_AHEAD: u64 = 1 << 20;

/// The longest JSON that comes through a pipe: it is checked before it is sent, and so it is in memory.
const LONGEST_JSON: u64 = 256 << 20;

/// Pieces, one after the other.
pub(super) struct Content(Vec<Piece>);

pub(super) enum Piece {
    Bytes(Zeroizing<Vec<u8>>),
    /// A file is opened when it is sent.
    File {
        path: PathBuf,
        length: u64,
    },
    /// What can be read once.
    Pipe(Box<dyn Read + Send + Sync>),
}

impl Content {
    pub(super) fn of(pieces: Vec<Piece>) -> Self {
        Self(pieces)
    }

    /// `--data`: text as it is, `@FILE`, or standard input for `-` (and `@-`, as curl has it).
    pub(super) fn data(argument: &str, stdin_is_taken: bool) -> Result<Self, Failure> {
        Ok(Self(vec![piece(argument, stdin_is_taken)?]))
    }

    /// `--json`, likewise; what is not JSON is refused.
    pub(super) fn json(argument: &str, stdin_is_taken: bool) -> Result<Self, Failure> {
        let mut piece = piece(argument, stdin_is_taken)?;
        if let Piece::Pipe(pipe) = piece {
            piece = Piece::Bytes(bounded(pipe, LONGEST_JSON).map_err(Failure::usage)?);
        }
        // What is not JSON would reach the server as no body at all, or worse.
        let checked = match &piece {
            Piece::File { path, .. } => {
                let file = File::open(path).map_err(|error| cannot_read(path, &error))?;
                serde_json::from_reader::<_, IgnoredAny>(BufReader::new(file))
            }
            Piece::Bytes(bytes) => serde_json::from_slice::<IgnoredAny>(bytes),
            Piece::Pipe(_) => Ok(IgnoredAny),
        };
        checked.map_err(|error| {
            Failure::usage(format!(
                "the argument of --json is not JSON, at line {} column {}; nothing was sent (--data sends any bytes)",
                error.line(),
                error.column()
            ))
        })?;
        Ok(Self(vec![piece]))
    }

    /// Whether it is still there after it was sent.
    pub(super) fn can_be_sent_again(&self) -> bool {
        !self.0.iter().any(|piece| matches!(piece, Piece::Pipe(_)))
    }

    pub(super) fn put_into(self, request: &mut Request, content_type: &str) -> Result<(), Failure> {
        if let [Piece::Bytes(bytes)] = self.0.as_slice() {
            request.body(content_type, bytes)?;
        } else if self.can_be_sent_again() {
            let length = self.0.iter().map(Piece::length).sum();
            request.body_source(content_type, Some(length), move || chain(&self.0))?;
        } else {
            let pieces = self.0.into_iter().map(Piece::into_reader).collect::<io::Result<_>>();
            let pieces =
                pieces.map_err(|error| Failure::other(format!("the body cannot be read: {error}")))?;
            request.body_reader(content_type, None, Chain(pieces))?;
        }
        Ok(())
    }
}

impl Piece {
    /// A file; or, if it is a pipe or a device, what comes out of it.
    pub(super) fn file(path: &Path) -> Result<Self, Failure> {
        let file = File::open(path).map_err(|error| cannot_read(path, &error))?;
        let metadata = file.metadata().map_err(|error| cannot_read(path, &error))?;
        if metadata.is_dir() {
            return Err(cannot_read(path, &io::ErrorKind::IsADirectory.into()));
        }
        match metadata.len() {
            // Some files of the kernel say that they are empty.
            length @ 1.. if metadata.is_file() => Ok(Self::File { path: path.to_owned(), length }),
            _ => Self::ahead(file).map_err(|error| cannot_read(path, &error)),
        }
    }

    /// Standard input, unless the password comes from there.
    pub(super) fn stdin(is_taken: bool) -> Result<Self, Failure> {
        if is_taken {
            return Err(Failure::usage(
                "standard input cannot bring both the password and the data; put one of them elsewhere",
            ));
        }
        Self::ahead(io::stdin())
            .map_err(|error| Failure::usage(format!("standard input cannot be read: {error}")))
    }

    fn ahead(mut reader: impl Read + Send + Sync + 'static) -> io::Result<Self> {
        let mut start = Zeroizing::new(Vec::new());
        let count = reader.by_ref().take(READ_AHEAD).read_to_end(&mut start)?;
        if (count as u64) < READ_AHEAD {
            return Ok(Self::Bytes(start));
        }
        Ok(Self::Pipe(Box::new(io::Cursor::new(start.to_vec()).chain(reader))))
    }

    /// Of what can be sent again.
    fn length(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::File { length, .. } => *length,
            Self::Pipe(_) => 0,
        }
    }

    fn into_reader(self) -> io::Result<Box<dyn Read + Send>> {
        match self {
            Self::Pipe(pipe) => Ok(pipe),
            other => other.open(),
        }
    }

    /// From its start. A file that has grown ends where it ended before.
    fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        match self {
            Self::Bytes(bytes) => Ok(Box::new(io::Cursor::new(bytes.to_vec()))),
            Self::File { path, length } => Ok(Box::new(File::open(path)?.take(*length))),
            Self::Pipe(_) => Err(io::Error::other("it can be read once")),
        }
    }
}

/// Readers, one after the other.
struct Chain(VecDeque<Box<dyn Read + Send>>);

fn chain(pieces: &[Piece]) -> io::Result<Chain> {
    pieces.iter().map(Piece::open).collect::<io::Result<_>>().map(Chain)
}

impl Read for Chain {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(first) = self.0.front_mut() {
            let count = first.read(buffer)?;
            if count > 0 || buffer.is_empty() {
                return Ok(count);
            }
            self.0.pop_front();
        }
        Ok(0)
    }
}

fn piece(argument: &str, stdin_is_taken: bool) -> Result<Piece, Failure> {
    match argument.strip_prefix('@') {
        _ if matches!(argument, "-" | "@-") => Piece::stdin(stdin_is_taken),
        Some(path) => Piece::file(Path::new(path)),
        None => Ok(Piece::Bytes(Zeroizing::new(argument.as_bytes().to_vec()))),
    }
}

/// All that comes of a reader that may never end, unless that is more than `most` bytes.
fn bounded(reader: impl Read, most: u64) -> Result<Zeroizing<Vec<u8>>, String> {
    let mut bytes = Zeroizing::new(Vec::new());
    let count = reader
        .take(most + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| format!("the JSON cannot be read: {error}"))?;
    if count as u64 > most {
        return Err(format!(
            "the JSON that comes through a pipe is longer than {} MiB, and nothing was sent; put it into a file: @FILE",
            most >> 20
        ));
    }
    Ok(bytes)
}

fn cannot_read(path: &Path, error: &io::Error) -> Failure {
    Failure::usage(format!("{} cannot be read: {error}; nothing was sent", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endless_input_is_refused() {
        let refused = bounded(io::repeat(b'x'), 3 << 20).unwrap_err();
        assert!(refused.contains("longer than 3 MiB, and nothing was sent"), "{refused}");
        assert_eq!(bounded(&b"1234"[..], 4).unwrap().as_slice(), b"1234");
        assert!(bounded(&b"12345"[..], 4).is_err());
    }

    #[test]
    fn a_short_pipe_can_be_sent_again_and_a_long_one_is_whole() {
        for (length, is_short) in [(0, true), (READ_AHEAD - 1, true), (READ_AHEAD, false), (3 << 20, false)] {
            let piece = Piece::ahead(io::repeat(b'x').take(length)).unwrap();
            assert_eq!(matches!(piece, Piece::Bytes(_)), is_short, "{length}");
            let mut bytes = Vec::new();
            piece.into_reader().unwrap().read_to_end(&mut bytes).unwrap();
            assert_eq!(bytes.len() as u64, length);
        }
    }
}
