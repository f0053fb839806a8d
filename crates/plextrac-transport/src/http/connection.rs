//! A connection as ureq uses it: a channel with buffers.

use std::fmt;
use std::io::{self, ErrorKind, Read, Write};

use ureq::unversioned::transport::{Buffers, NextTimeout, Transport};

use super::buffers::WipedBuffers;
use super::call_context::CallContext;
use super::tls::Channel;

/// The timeouts that ureq hands in are not used: they are made from its settings, which have none. The deadline is
/// that of the call under way.
pub(super) struct Connection {
    channel: Channel,
    buffers: WipedBuffers,
    /// How many parts of the request under way were sent.
    parts: u32,
    /// The server answered before it had the whole request. The rest of it is dropped, and so is the connection then.
    is_cut_short: bool,
}

/// A request of up to so many parts is sent whole: its head, and what of its body fits into the buffer twice.
const SENT_UNASKED: u32 = 3;

impl Connection {
    pub(super) fn new(channel: Channel) -> Self {
        Self { channel, buffers: WipedBuffers::new(), parts: 0, is_cut_short: false }
    }

    fn send(&mut self, amount: usize) -> io::Result<()> {
        if self.parts >= SENT_UNASKED && !self.is_cut_short {
            self.is_cut_short = self.is_answered()?;
        }
        self.parts = self.parts.saturating_add(1);
        if self.is_cut_short {
            CallContext::current()?.note_answered_early();
            return Ok(());
        }
        // A TLS channel reports a failed write only when it is flushed.
        let sent = self.channel.write_all(self.buffers.queued(amount)).and_then(|()| self.channel.flush());
        match sent {
            // What it answered before it hung up says why.
            Err(error) if self.parts > 1 && hung_up(&error) && self.is_answered().unwrap_or(false) => {
                self.is_cut_short = true;
                CallContext::current()?.note_answered_early();
                Ok(())
            }
            sent => sent,
        }
    }

    /// Bytes of the answer have come. What TLS sends besides, such as session tickets, is none of it.
    fn received(&mut self, count: usize) -> io::Result<()> {
        self.buffers.input_appended(count);
        CallContext::current()?.note_received(count);
        Ok(())
    }

    /// Whether the server has begun to answer, before the request is sent. Waits for nothing.
    fn is_answered(&mut self) -> io::Result<bool> {
        while self.channel.has_input()? {
            let free = self.buffers.input_append_buf();
            // A head that fills the buffer is judged by those who parse it.
            let read = if free.is_empty() { Ok(0) } else { self.channel.read_alone(free) };
            match read {
                Ok(0) => return Ok(true),
                Ok(count) => self.received(count)?,
                // What came before the connection broke is an answer all the same.
                Err(_) if self.buffers.begins_final_answer() => return Ok(true),
                Err(error) => return Err(error),
            }
        }
        Ok(self.buffers.begins_final_answer())
    }
}

/// The server ended the connection, in order or not.
fn hung_up(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::BrokenPipe
            | ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted
            | ErrorKind::WriteZero
    )
}

impl Transport for Connection {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, _: NextTimeout) -> Result<(), ureq::Error> {
        CallContext::current()?.requesting();
        let sent = self.send(amount);
        self.buffers.wipe_output(amount);
        sent.map_err(|error| lost(error).into())
    }

    fn await_input(&mut self, _: NextTimeout) -> Result<bool, ureq::Error> {
        self.parts = 0;
        let free = self.buffers.input_append_buf();
        if free.is_empty() {
            return Err(io::Error::other(LineTooLong).into());
        }
        let read = if self.is_cut_short { self.channel.read_alone(free) } else { self.channel.read(free) };
        let count = read.map_err(lost)?;
        self.received(count)?;
        Ok(count > 0)
    }

    fn is_open(&mut self) -> bool {
        // ureq asks when it puts a connection into the pool, and again when it takes it out. The second answer
        // includes the first, so the first costs no system call.
        let going_into_the_pool = CallContext::current().is_ok_and(|context| context.is_requesting());
        !self.is_cut_short && (going_into_the_pool || self.channel.is_quiet())
    }

    fn is_tls(&self) -> bool {
        matches!(self.channel, Channel::Tls(_))
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("tls", &self.is_tls()).finish_non_exhaustive()
    }
}

/// A connection that broke, as opposed to one that the peer has ended in order.
///
/// ureq takes the kinds of error that stand for it as the end of a body whose length was not told: a cut answer would
/// pass for a whole one. So they are carried as another kind.
#[derive(Debug)]
pub(super) struct Lost(io::Error);

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Lost {}

fn lost(error: io::Error) -> io::Error {
    match error.kind() {
        ErrorKind::UnexpectedEof
        | ErrorKind::ConnectionAborted
        | ErrorKind::ConnectionReset
        | ErrorKind::BrokenPipe
        | ErrorKind::WriteZero
        | ErrorKind::NotConnected => io::Error::other(Lost(error)),
        _ => error,
    }
}

/// A line of the answer, such as the head of a chunk, that does not fit into the buffer.
#[derive(Debug)]
pub(super) struct LineTooLong;

impl fmt::Display for LineTooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a line of the answer is too long")
    }
}

impl std::error::Error for LineTooLong {}
