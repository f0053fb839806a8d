//! The call under way on this thread: until when, who may end it, and how far it has come.

use std::cell::{Cell, RefCell};
use std::mem::ManuallyDrop;
use std::net::TcpStream;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{fmt, io};

use super::call::TimeLimit;
use crate::cancel::{CancelToken, interruptible};
// The clock that deadlines are measured on: not the session's, which tests move, as sockets wait in real time.
pub(super) use crate::clock::real_now as now;

/// What a socket must know about the call it works for.
pub(super) struct CallContext {
    deadline: Cell<Instant>,
    /// How long no byte may move, where that is the limit: then the deadline moves with each byte.
    pace: Option<Duration>,
    connect_deadline: Cell<Option<Instant>>,
    tokens: Vec<CancelToken>,
    reused_connection: Cell<bool>,
    requesting: Cell<bool>,
    was_sent: Cell<bool>,
    was_answered: Cell<bool>,
    was_answered_early: Cell<bool>,
}

impl CallContext {
    pub(super) fn new(limit: TimeLimit, tokens: Vec<CancelToken>) -> Rc<Self> {
        let (deadline, pace) = match limit {
            TimeLimit::Whole(deadline) => (deadline, None),
            TimeLimit::Progress(pace) => (after(pace), Some(pace)),
        };
        Rc::new(Self {
            deadline: Cell::new(deadline),
            pace,
            connect_deadline: Cell::new(None),
            tokens,
            reused_connection: Cell::new(true),
            requesting: Cell::new(false),
            was_sent: Cell::new(false),
            was_answered: Cell::new(false),
            was_answered_early: Cell::new(false),
        })
    }

    /// The rest of a call whose answer has begun.
    pub(super) fn resumed(limit: TimeLimit, tokens: Vec<CancelToken>) -> Rc<Self> {
        let context = Self::new(limit, tokens);
        context.requesting.set(true);
        context.was_sent.set(true);
        context.was_answered.set(true);
        context
    }

    /// Makes this the call under way until the guard is dropped.
    pub(super) fn enter(self: &Rc<Self>) -> Entered {
        Entered { previous: CURRENT.with(|current| current.replace(Some(Rc::clone(self)))) }
    }

    /// The call under way on this thread. Without one nothing may block: an error.
    pub(super) fn current() -> io::Result<Rc<Self>> {
        CURRENT
            .with(|current| current.borrow().clone())
            .ok_or_else(|| io::Error::other("no call is under way on this thread"))
    }

    /// How long the call may still take.
    pub(super) fn remaining(&self) -> Result<Duration, Stop> {
        if self.tokens.iter().any(CancelToken::is_triggered) {
            return Err(Stop::Cancelled);
        }
        let deadline = self.deadline.get();
        let until = self.connect_deadline.get().map_or(deadline, |sooner| sooner.min(deadline));
        match until.checked_duration_since(now()) {
            Some(left) if !left.is_zero() => Ok(left),
            _ => Err(Stop::OutOfTime),
        }
    }

    /// A socket is about to wait for the next byte. Where the limit is for progress, it starts anew.
    pub(super) fn await_progress(&self) {
        if let Some(pace) = self.pace {
            self.deadline.set(after(pace));
        }
    }

    /// Moves the call to its deadline.
    #[cfg(test)]
    pub(super) fn let_time_pass(&self) {
        self.deadline.set(now());
    }

    /// How long no byte may move, if that is the limit of this call.
    pub(super) fn pace(&self) -> Option<Duration> {
        self.pace
    }

    /// Blocks on `socket`, so that every token of the call can end it.
    pub(super) fn interruptible<T>(
        &self,
        socket: &Arc<TcpStream>,
        blocking: impl FnOnce() -> T,
    ) -> Result<T, Stop> {
        interruptible(&self.tokens, socket, blocking).map_err(|_| Stop::Cancelled)
    }

    pub(super) fn tokens(&self) -> &[CancelToken] {
        &self.tokens
    }

    /// A (further) attempt of this call starts. What was sent before stays sent.
    pub(super) fn begin_attempt(&self) {
        self.reused_connection.set(true);
        self.requesting.set(false);
        self.was_answered_early.set(false);
        self.connect_deadline.set(None);
        self.await_progress();
    }

    /// The pool had no connection. Until [`connected`](Self::connected) the sooner of both limits holds.
    pub(super) fn connecting(&self, at_most: Duration) {
        self.reused_connection.set(false);
        self.connect_deadline.set(now().checked_add(at_most));
    }

    pub(super) fn connected(&self) {
        self.connect_deadline.set(None);
    }

    /// The time for connecting was over before the time for the call.
    pub(super) fn ran_out_while_connecting(&self) -> bool {
        self.connect_deadline.get().is_some_and(|sooner| sooner < self.deadline.get())
    }

    pub(super) fn is_connecting(&self) -> bool {
        self.connect_deadline.get().is_some()
    }

    /// From here on, what goes out is the request.
    pub(super) fn requesting(&self) {
        self.requesting.set(true);
    }

    pub(super) fn is_requesting(&self) -> bool {
        self.requesting.get()
    }

    /// The system took `count` bytes to send.
    pub(super) fn note_sent(&self, count: usize) {
        if self.requesting.get() && count > 0 {
            self.was_sent.set(true);
        }
    }

    /// `count` bytes of an answer came in.
    pub(super) fn note_received(&self, count: usize) {
        if self.requesting.get() && count > 0 {
            self.was_answered.set(true);
        }
    }

    /// Whether a byte of the request may have reached the server.
    pub(super) fn was_sent(&self) -> bool {
        self.was_sent.get()
    }

    pub(super) fn was_answered(&self) -> bool {
        self.was_answered.get()
    }

    /// The answer came before the body of the request was sent: the rest of the body is dropped.
    pub(super) fn note_answered_early(&self) {
        self.was_answered_early.set(true);
    }

    pub(super) fn was_answered_early(&self) -> bool {
        self.was_answered_early.get()
    }

    /// Whether the connection came from the pool, so that its end tells nothing about the server.
    pub(super) fn reused_connection(&self) -> bool {
        self.reused_connection.get()
    }
}

/// A moment that far from now. A time that no clock can show is as long as any program runs.
fn after(span: Duration) -> Instant {
    const LONG: Duration = Duration::from_secs(30 * 365 * 24 * 60 * 60);
    let now = now();
    now.checked_add(span).unwrap_or(now + LONG)
}

/// Restores what was under way before.
pub(super) struct Entered {
    previous: Option<Rc<CallContext>>,
}

impl Drop for Entered {
    fn drop(&mut self) {
        CURRENT.with(|current| current.replace(self.previous.take()));
    }
}

/// Why a call ends, though its socket would go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    Cancelled,
    OutOfTime,
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cancelled => "the call was cancelled",
            Self::OutOfTime => "the time for the call is over",
        })
    }
}

impl std::error::Error for Stop {}

impl From<Stop> for io::Error {
    // Of kind `Other`: ureq repeats after `Interrupted`, and takes the kinds of a lost connection for the end of a body.
    fn from(stop: Stop) -> Self {
        Self::other(stop)
    }
}

thread_local! {
    /// Never dropped, so that a destructor of the thread's can still make a call. It is empty by then: whoever entered
    /// has left.
    static CURRENT: ManuallyDrop<RefCell<Option<Rc<CallContext>>>> =
        const { ManuallyDrop::new(RefCell::new(None)) };
}
