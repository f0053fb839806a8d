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
    /// The last look at the input used some of it, so that another look may be worth it.
    progress: bool,
    output: Box<[u8]>,
}

impl WipedBuffers {
    pub(super) fn new() -> Self {
        Self {
            input: vec![0; INPUT].into_boxed_slice(),
            consumed: 0,
            filled: 0,
            progress: false,
            output: vec![0; OUTPUT].into_boxed_slice(),
        }
    }

    pub(super) fn queued(&self, amount: usize) -> &[u8] {
        &self.output[..amount]
    }

    pub(super) fn wipe_output(&mut self, amount: usize) {
        self.output[..amount].zeroize();
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

    // The scratch space is for bodies of unknown length alone, which are never sent here.
    fn tmp_and_output(&mut self) -> (&mut [u8], &mut [u8]) {
        (&mut self.input[self.filled..], &mut self.output)
    }

    fn can_use_input(&self) -> bool {
        self.progress && self.consumed < self.filled
    }
}

impl Drop for WipedBuffers {
    fn drop(&mut self) {
        self.input[..self.filled].zeroize();
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
    fn the_whole_buffer_is_free_again_after_everything_was_consumed() {
        let mut buffers = WipedBuffers::new();
        receive(&mut buffers, &[1; 100]);
        buffers.input_consume(40);
        assert_eq!(buffers.input_append_buf().len(), INPUT - 60);
        buffers.input_consume(60);
        assert_eq!(buffers.input_append_buf().len(), INPUT);
    }
}
