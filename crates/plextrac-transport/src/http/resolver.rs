//! Finding the addresses of a host, in a way that can be left at any time.
//!
//! The system's lookup cannot be interrupted, so it runs on a thread of its own, which is left behind if the caller
//! has to go. Their number is limited: if the name server is silent, further questions wait in a queue. A thread
//! answers what is queued, and ends when nothing is.

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Weak};
use std::thread;

use ureq::config::Config;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

use super::call_context::{CallContext, Stop};
use crate::sync::Mutex;

/// Asks for the addresses of a host; blocks for as long as it likes.
pub(super) type LookupFn = dyn Fn(&str, u16) -> io::Result<Vec<SocketAddr>> + Send + Sync;

/// The most lookups that one client has under way. A silent name server keeps each for about ten seconds.
const MOST_LOOKUPS: usize = 16;

pub(super) struct Lookup {
    shared: Arc<Shared>,
}

impl Lookup {
    /// Asks the operating system: hosts file, name servers, whatever it is set up for.
    pub(super) fn system() -> Self {
        Self::with(Box::new(|host, port| Ok((host, port).to_socket_addrs()?.collect())))
    }

    pub(super) fn with(look_up: Box<LookupFn>) -> Self {
        Self { shared: Arc::new(Shared { look_up, queue: Mutex::default() }) }
    }

    /// The addresses of `host`: at once if it is one, else within the time of the call under way.
    pub(super) fn addresses(
        &self,
        host: &str,
        port: u16,
        context: &CallContext,
    ) -> Result<Vec<SocketAddr>, LookupFailure> {
        if let Ok(address) = host.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(address, port)]);
        }
        let (reply, replies) = mpsc::channel();
        let asker = Arc::new(());
        let _guards: Vec<_> = context
            .tokens()
            .iter()
            .map(|token| {
                let reply = reply.clone();
                token.on_trigger(Box::new(move || drop(reply.send(Reply::Cancelled))))
            })
            .collect();
        self.ask(Question { host: host.to_owned(), port, asker: Arc::downgrade(&asker), reply })?;
        match replies.recv_timeout(context.remaining()?) {
            Ok(Reply::Found(found)) => Ok(found?),
            Ok(Reply::Cancelled) => Err(Stop::Cancelled.into()),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => Err(Stop::OutOfTime.into()),
        }
    }

    fn ask(&self, question: Question) -> io::Result<()> {
        let mut queue = self.shared.queue.lock();
        queue.questions.push_back(question);
        if queue.threads < MOST_LOOKUPS {
            let shared = Arc::clone(&self.shared);
            let spawned = thread::Builder::new()
                .name("plextrac-lookup".to_owned())
                .spawn(move || shared.answer_what_is_queued());
            match spawned {
                Ok(_detached) => queue.threads += 1,
                // Those that run will come to it.
                Err(_) if queue.threads > 0 => {}
                Err(error) => {
                    queue.questions.pop_back();
                    return Err(error);
                }
            }
        }
        Ok(())
    }
}

/// Why there are no addresses.
#[derive(Debug)]
pub(super) enum LookupFailure {
    Stopped(Stop),
    NotFound(io::Error),
}

impl From<Stop> for LookupFailure {
    fn from(stop: Stop) -> Self {
        Self::Stopped(stop)
    }
}

impl From<io::Error> for LookupFailure {
    fn from(error: io::Error) -> Self {
        Self::NotFound(error)
    }
}

struct Shared {
    look_up: Box<LookupFn>,
    queue: Mutex<Queue>,
}

#[derive(Default)]
struct Queue {
    threads: usize,
    questions: VecDeque<Question>,
}

struct Question {
    host: String,
    port: u16,
    /// Dead when nobody waits for the answer any more.
    asker: Weak<()>,
    reply: mpsc::Sender<Reply>,
}

enum Reply {
    Found(io::Result<Vec<SocketAddr>>),
    Cancelled,
}

impl Shared {
    fn answer_what_is_queued(&self) {
        while let Some(question) = self.next_question() {
            if question.asker.strong_count() == 0 {
                continue;
            }
            let found = catch_unwind(AssertUnwindSafe(|| (self.look_up)(&question.host, question.port)))
                .unwrap_or_else(|_| Err(io::Error::other("the name lookup panicked")));
            drop(question.reply.send(Reply::Found(found)));
        }
    }

    /// Under one lock with [`Lookup::ask`], so that a question never waits for a thread that has just ended.
    fn next_question(&self) -> Option<Question> {
        let mut queue = self.queue.lock();
        let next = queue.questions.pop_front();
        if next.is_none() {
            queue.threads -= 1;
        }
        next
    }
}

/// What ureq is told instead. It asks before it looks into its pool, so for every request; the addresses are needed
/// only by the [`Dialer`](super::dialer::Dialer), which asks for itself.
#[derive(Debug)]
pub(super) struct AskedLater;

impl Resolver for AskedLater {
    fn resolve(
        &self,
        _uri: &http::Uri,
        _config: &Config,
        _timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        Ok(self.empty())
    }
}
