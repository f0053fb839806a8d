//! The buffers of one connection: sized once, never moved, and wiped as soon as a byte has been used.

use ureq::unversioned::transport::Buffers;
use zeroize::Zeroize;

/// The longest head of an answer that is read, in bytes.
pub(super) const LONGEST_ANSWER_HEAD: usize = 32 * 1024;

/// The longest URL, and the longest header, that can be sent, in bytes.
pub(super) const LONGEST_REQUEST_LINE: usize = 32 * 1024;

/// More than the longest head, so that ureq sees that a head is too long before the buffer is full: a full buffer
/// would read nothing more, which looks like a server that has hung up.
const INPUT: usize = LONGEST_ANSWER_HEAD + 1024;

/// A header has to fit as a whole, with its name and the request line beside it.
const OUTPUT: usize = LONGEST_REQUEST_LINE + 1024;

pub(super) struct WipedBuffers {
    input: Box<[u8]>,
    consumed: usize,
    filled: usize,
    /// Input has come since the last look, or that used some of it: another look may be worth it.
    progress: bool,
    /// The part behind the input may hold a part of a request's body.
    scratch_used: bool,
    output: Box<[u8]>,
}

impl WipedBuffers {
    pub(super) fn new() -> Self {
        Self {
            input: vec![0; INPUT].into_boxed_slice(),
            consumed: 0,
            filled: 0,
            progress: false,
            scratch_used: false,
            output: vec![0; OUTPUT].into_boxed_slice(),
        }
    }

    pub(super) fn queued(&self, amount: usize) -> &[u8] {
        &self.output[..amount]
    }

    /// Wipes what was sent, and what it was made from.
    pub(super) fn wipe_output(&mut self, amount: usize) {
        self.output[..amount].zeroize();
        if std::mem::take(&mut self.scratch_used) {
            // No part is longer than what it becomes on the wire.
            let end = (self.filled + amount).min(self.input.len());
            self.input[self.filled..end].zeroize();
        }
    }

    /// Whether the input is the start of an answer other than an interim one (RFC 9110 §15.2).
    pub(super) fn begins_final_answer(&self) -> bool {
        matches!(self.input(), [b'H', b'T', b'T', b'P', b'/', _, b'.', _, b' ', b'2'..=b'9', ..])
    }

    /// Moves what is unconsumed to the front, so that all free space is behind it.
    fn compact(&mut self) {
        if self.consumed > 0 {
            self.input.copy_within(self.consumed..self.filled, 0);
            let kept = self.filled - self.consumed;
            self.input[kept..self.filled].zeroize();
            self.consumed = 0;
            self.filled = kept;
        }
    }
}

impl Buffers for WipedBuffers {
    fn output(&mut self) -> &mut [u8] {
        &mut self.output
    }

    fn input(&self) -> &[u8] {
        &self.input[self.consumed..self.filled]
    }

    fn input_append_buf(&mut self) -> &mut [u8] {
        self.compact();
        &mut self.input[self.filled..]
    }

    fn input_appended(&mut self, amount: usize) {
        self.filled += amount;
        // Not looked at yet. It may have come while the request was sent.
        self.progress = amount > 0;
    }

    fn input_consume(&mut self, amount: usize) {
        self.progress = amount > 0;
        let end = self.consumed + amount;
        self.input[self.consumed..end].zeroize();
        self.consumed = end;
        if self.consumed == self.filled {
            self.consumed = 0;
            self.filled = 0;
        }
    }

    // ureq asks for the scratch space before each part of a body, and uses it for those of unknown length.
    fn tmp_and_output(&mut self) -> (&mut [u8], &mut [u8]) {
        self.scratch_used = true;
        (&mut self.input[self.filled..], &mut self.output)
    }

    fn can_use_input(&self) -> bool {
        self.progress && self.consumed < self.filled
    }
}

impl Drop for WipedBuffers {
    fn drop(&mut self) {
        let used = if self.scratch_used { self.input.len() } else { self.filled };
        self.input[..used].zeroize();
        self.output.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn receive(buffers: &mut WipedBuffers, bytes: &[u8]) {
        buffers.input_append_buf()[..bytes.len()].copy_from_slice(bytes);
        buffers.input_appended(bytes.len());
    }

    fn holds(buffers: &WipedBuffers, needle: &[u8]) -> bool {
        let all = [&buffers.input, &buffers.output];
        all.iter().any(|buffer| buffer.windows(needle.len()).any(|window| window == needle))
    }

    #[test]
    fn input_is_wiped_when_consumed() {
        let mut buffers = WipedBuffers::new();
        receive(&mut buffers, b"secret and the rest");
        assert!(holds(&buffers, b"secret"));
        buffers.input_consume(6);
        assert!(!holds(&buffers, b"secret"));
        assert_eq!(buffers.input(), b" and the rest");
    }

    #[test]
    fn no_second_copy_is_left_when_the_rest_moves_to_the_front() {
        let mut buffers = WipedBuffers::new();
        receive(&mut buffers, b"head: secret");
        buffers.input_consume(6);
        receive(&mut buffers, b"!");
        assert_eq!(buffers.input(), b"secret!");
        buffers.input_consume(7);
        assert!(!holds(&buffers, b"sec") && !holds(&buffers, b"ret"));
    }

    #[test]
    fn output_is_wiped_once_it_has_been_sent() {
        let mut buffers = WipedBuffers::new();
        buffers.output()[..6].copy_from_slice(b"secret");
        assert_eq!(buffers.queued(6), b"secret");
        buffers.wipe_output(6);
        assert!(!holds(&buffers, b"secret"));
    }

    #[test]
    fn scratch_space_is_wiped_once_what_was_made_from_it_is_sent() {
        let mut buffers = WipedBuffers::new();
        receive(&mut buffers, b"answer");
        let (scratch, output) = buffers.tmp_and_output();
        scratch[..6].copy_from_slice(b"secret");
        output[..11].copy_from_slice(b"6\r\nsecret\r\n");
        assert!(holds(&buffers, b"secret"), "control");
        buffers.wipe_output(11);
        assert!(!holds(&buffers, b"secret"));
        assert_eq!(buffers.input(), b"answer");
    }

    #[test]
    fn an_answer_is_final_unless_its_status_is_interim() {
        for (input, is_final) in [
            ("HTTP/1.1 200 OK", true),
            ("HTTP/1.0 413 x", true),
            ("HTTP/1.1 100 Continue", false),
            ("HTTP/1.1 ", false),
            ("", false),
            ("SSH-2.0-x 4", false),
        ] {
            let mut buffers = WipedBuffers::new();
            receive(&mut buffers, input.as_bytes());
            assert_eq!(buffers.begins_final_answer(), is_final, "{input}");
            assert_eq!(buffers.can_use_input(), !input.is_empty(), "{input}");
        }
    }

    #[test]
    fn the_whole_buffer_is_free_again_after_everything_was_consumed() {
        let mut buffers = WipedBuffers::new();
        receive(&mut buffers, &[1; 100]);
        buffers.input_consume(40);
        assert_eq!(buffers.input_append_buf().len(), INPUT - 60);
        buffers.input_consume(60);
        assert_eq!(buffers.input_append_buf().len(), INPUT);
    }
}
