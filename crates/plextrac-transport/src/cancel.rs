//! Ending a blocked call from another thread.
//!
//! Nothing polls. Before a call blocks, it enters its socket in the token. Afterwards it removes the entry:
//!
//! ```text
//!   the caller's thread                            any other thread
//!   ───────────────────                            ────────────────
//!   enter its socket in the token ──┐
//!   recv() … blocked                │   trigger(): set the flag, shut down what is entered
//!   recv() returns ◄────────────────┼── (under the token's mutex)
//!   take the entry back ────────────┘
//!   look at the flag
//! ```
//!
//! A socket is entered only while its owner sits in the system call, and it is shut down under the mutex that
//! guards the entries. So a trigger cannot reach a connection that has gone back to the pool meanwhile.
//!
//! On Linux this ends `connect`, `recv` and `send` at once. Elsewhere `shutdown` is not promised to wake a blocked
//! call: there the sockets wake once a second to look at the flag, and a connection attempt is left when its own
//! time is over.

use std::fmt;
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::sync::{AtomicBool, Mutex};

/// Ends calls that are blocked, from another thread.
///
/// Clones are handles to one token. It can be bound to any number of calls at a time. It stays triggered: every later
/// call bound to it ends at once. All functions may be called from any thread. They block only while they shut down the
/// sockets of the calls bound to it.
#[derive(Clone, Default)]
pub struct CancelToken {
    inner: Arc<Inner>,
}

impl CancelToken {
    /// A token that is not triggered.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Ends all calls bound to this token, now and in future.
    pub fn trigger(&self) {
        let mut wakers = Vec::new();
        {
            let entries = self.inner.entries.lock();
            self.inner.triggered.store(true, Ordering::SeqCst);
            for (_, entry) in &entries.list {
                match entry {
                    // An error means that the peer was faster: then nobody is blocked on it any more.
                    Entry::Socket(socket) => drop(socket.shutdown(Shutdown::Both)),
                    Entry::Waker(waker) => wakers.push(Arc::clone(waker)),
                }
            }
        }
        // Outside of the mutex: a waker takes locks of its own, which its owner may hold while it registers.
        for waker in wakers {
            waker();
        }
    }

    /// Whether [`trigger`](Self::trigger) was called.
    #[must_use]
    pub fn is_triggered(&self) -> bool {
        self.inner.triggered.load(Ordering::SeqCst)
    }

    /// Calls `waker` when the token is triggered, until the guard is dropped. Use it to wait for something other than a
    /// socket. If the token is already triggered, `waker` is called before this returns.
    ///
    /// It runs on the thread that triggers, and may still run after the guard was dropped. So it may only wake its
    /// owner, which then reads [`is_triggered`](Self::is_triggered). To lose no wake-up of a
    /// condition variable, let it take the variable's mutex, and do not hold that mutex while registering.
    #[must_use = "the waker is forgotten when the guard is dropped"]
    pub fn on_trigger(&self, waker: Box<dyn Fn() + Send + Sync>) -> TriggerGuard {
        let waker: Arc<dyn Fn() + Send + Sync> = Arc::from(waker);
        let entered = self.enter(Entry::Waker(Arc::clone(&waker)));
        if entered.is_err() {
            waker();
        }
        TriggerGuard { token: self.clone(), id: entered.ok() }
    }

    /// Adds an entry, unless the token is triggered.
    fn enter(&self, entry: Entry) -> Result<u64, Cancelled> {
        let mut entries = self.inner.entries.lock();
        if self.is_triggered() {
            return Err(Cancelled);
        }
        let id = entries.next_id;
        entries.next_id += 1;
        entries.list.push((id, entry));
        Ok(id)
    }

    fn leave(&self, id: u64) {
        let mut entries = self.inner.entries.lock();
        if let Some(index) = entries.list.iter().position(|(listed, _)| *listed == id) {
            entries.list.swap_remove(index);
        }
    }
}

impl fmt::Debug for CancelToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CancelToken").field("triggered", &self.is_triggered()).finish()
    }
}

/// Keeps a waker registered; see [`CancelToken::on_trigger`].
#[derive(Debug)]
pub struct TriggerGuard {
    token: CancelToken,
    id: Option<u64>,
}

impl Drop for TriggerGuard {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            self.token.leave(id);
        }
    }
}

/// The answer of a call that a [`CancelToken`] ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cancelled;

/// Runs `blocking`, a system call on `socket`, so that any of the tokens can end it.
///
/// A triggered token wins over whatever the call returned: a socket that was shut down looks like one that the peer
/// closed, and must not pass for it.
pub(crate) fn interruptible<T>(
    tokens: &[CancelToken],
    socket: &Arc<TcpStream>,
    blocking: impl FnOnce() -> T,
) -> Result<T, Cancelled> {
    let Some((token, others)) = tokens.split_first() else {
        return Ok(blocking());
    };
    let id = token.enter(Entry::Socket(Arc::clone(socket)))?;
    let guard = TriggerGuard { token: token.clone(), id: Some(id) };
    let returned = interruptible(others, socket, blocking);
    drop(guard);
    if token.is_triggered() { Err(Cancelled) } else { returned }
}

#[derive(Default)]
struct Inner {
    triggered: AtomicBool,
    entries: Mutex<Entries>,
}

#[derive(Default)]
struct Entries {
    next_id: u64,
    list: Vec<(u64, Entry)>,
}

enum Entry {
    Socket(Arc<TcpStream>),
    Waker(Arc<dyn Fn() + Send + Sync>),
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::net::TcpListener;
    use std::sync::atomic::AtomicUsize;
    use std::sync::mpsc;
    use std::thread;

    use super::*;

    fn connected_pair() -> (Arc<TcpStream>, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        (Arc::new(near), listener.accept().unwrap().0)
    }

    fn counter() -> (Arc<AtomicUsize>, Box<dyn Fn() + Send + Sync>) {
        let calls = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&calls);
        (
            calls,
            Box::new(move || {
                counted.fetch_add(1, Ordering::SeqCst);
            }),
        )
    }

    #[test]
    fn a_token_stays_triggered_and_its_clones_are_the_same_token() {
        let token = CancelToken::new();
        let clone = token.clone();
        assert!(!clone.is_triggered());
        token.trigger();
        token.trigger();
        assert!(clone.is_triggered());
    }

    #[test]
    fn either_of_two_tokens_ends_a_blocked_read() {
        for index in 0..2 {
            let (near, _far) = connected_pair();
            let tokens = [CancelToken::new(), CancelToken::new()];
            let bound = tokens.clone();
            let (about_to_read, reading) = mpsc::channel();
            let reader = thread::spawn(move || {
                interruptible(&bound, &near, || {
                    about_to_read.send(()).unwrap();
                    (&*near).read(&mut [0; 1])
                })
                .map(drop)
            });
            reading.recv().unwrap();
            tokens[index].trigger();
            assert_eq!(reader.join().unwrap(), Err(Cancelled));
        }
    }

    #[test]
    fn a_socket_is_left_alone_once_its_owner_has_returned() {
        let (near, mut far) = connected_pair();
        let token = CancelToken::new();
        let bound = [token.clone()];
        assert_eq!(interruptible(&bound, &near, || 7), Ok(7));
        token.trigger();
        std::io::Write::write_all(&mut far, b"x").unwrap();
        assert_eq!((&*near).read(&mut [0; 1]).unwrap(), 1);
    }

    #[test]
    fn nothing_is_started_under_a_triggered_token() {
        let (near, _far) = connected_pair();
        let token = CancelToken::new();
        token.trigger();
        let result = interruptible(&[CancelToken::new(), token], &near, || panic!("must not be called"));
        assert_eq!(result, Err::<(), _>(Cancelled));
    }

    #[test]
    fn a_waker_is_called_once_on_trigger() {
        let token = CancelToken::new();
        let (calls, waker) = counter();
        let _guard = token.on_trigger(waker);
        assert_eq!(calls.load(Ordering::SeqCst), 0);
        token.trigger();
        assert_eq!(calls.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn a_waker_is_called_at_once_on_a_triggered_token() {
        let token = CancelToken::new();
        token.trigger();
        let (calls, waker) = counter();
        let _guard = token.on_trigger(waker);
        assert_eq!(calls.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn a_waker_whose_guard_is_dropped_is_not_called() {
        let token = CancelToken::new();
        let (calls, waker) = counter();
        let (others, other_waker) = counter();
        let dropped = token.on_trigger(waker);
        let _kept = token.on_trigger(other_waker);
        drop(dropped);
        token.trigger();
        assert_eq!((calls.load(Ordering::SeqCst), others.load(Ordering::SeqCst)), (0, 1));
    }
}
