//! Standard output, where a reader that has gone is no reason to panic.

use std::io::{self, Write};

use crate::exit::Failure;
use crate::output_file::OutputFile;

/// Writes the parts one after the other and flushes them. They are not joined first: one may be a secret.
pub(crate) fn write(parts: &[&[u8]]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    written(parts.iter().try_for_each(|part| out.write_all(part)))
}

/// Where an answer goes, part by part.
pub(crate) enum Sink {
    Stdout,
    File(OutputFile),
}

impl Sink {
    pub(crate) fn new(file: Option<OutputFile>) -> Self {
        file.map_or(Self::Stdout, Self::File)
    }

    pub(crate) fn write(&mut self, part: &[u8]) -> Result<(), Failure> {
        match self {
            Self::Stdout => write(&[part]),
            Self::File(file) => file.write(part),
        }
    }

    /// The answer is whole.
    pub(crate) fn finish(self) -> Result<(), Failure> {
        match self {
            Self::Stdout => Ok(()),
            Self::File(file) => file.finish(),
        }
    }
}

/// What came of writing to standard output, once that is flushed.
pub(crate) fn written(outcome: io::Result<()>) -> Result<(), Failure> {
    outcome.and_then(|()| io::stdout().flush()).map_err(|error| match error.kind() {
        io::ErrorKind::BrokenPipe => Failure::ReaderGone,
        _ => Failure::other(format!("standard output cannot be written: {error}")),
    })
}

/// Writes a line, or several, at once.
pub(crate) fn line(text: &str) -> Result<(), Failure> {
    write(&[format!("{text}\n").as_bytes()])
}

/// A message that may quote others, a server or a file name, as one line that says nothing but what it shows: what
/// would steer a terminal, or turn the order of what is read, is written out as `\u{202e}`.
pub(crate) fn one_line(message: &str) -> String {
    let mut line = String::with_capacity(message.len());
    for c in message.chars() {
        match c {
            '\n' | '\r' | '\t' => line.push(' '),
            c if c.is_control() || steers(c) => line.extend(c.escape_unicode()),
            c => line.push(c),
        }
    }
    line
}

/// The characters of Unicode that separate lines, or set the direction of writing (UAX #9 §2).
fn steers(c: char) -> bool {
    matches!(c, '\u{2028}' | '\u{2029}' | '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_one_line_and_steers_no_terminal() {
        assert_eq!(one_line("a\r\nb\tc"), "a  b c");
        assert_eq!(one_line("\x1b[31m \u{9b}0m"), "\\u{1b}[31m \\u{9b}0m");
        assert_eq!(one_line("exe.\u{202e}gpj \u{2066}x\u{2069}"), "exe.\\u{202e}gpj \\u{2066}x\\u{2069}");
        assert_eq!(one_line("Grüße, 東京 שלום"), "Grüße, 東京 שלום");
    }
}
