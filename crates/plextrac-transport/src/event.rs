//! What happens to a session, for people and programs: one sink, and counters.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::error::Error;
use crate::session::{KeepEnd, Keeper};

/// An event of a session. It contains no secret.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum SessionEvent {
    /// A sign-in brought a token.
    SignedIn,
    /// A refresh brought a new token.
    Refreshed,
    /// The session now uses the token of another session of this account.
    Adopted,
    /// The token expired, or the server rejects it. The next call signs in.
    SignInNeeded,
    /// The session was signed out.
    SignedOut,
    /// Nothing may be sent for this time.
    Waiting {
        /// How long.
        wait: Duration,
        /// Why, in a few words.
        reason: &'static str,
    },
    /// The credentials were rejected, and this session does not send them again.
    LockedOut,
    /// The server rejected a one-time code from a callback. The attempt asks for another one.
    CodeRefused,
    /// Requests are answered with 401 although their tokens are new. For this time a 401 causes no refresh.
    UnauthorizedMuted {
        /// How long.
        wait: Duration,
    },
    /// The server's clock differs from the local wall clock by more than a TOTP step.
    SkewSeen {
        /// Server minus local, in milliseconds.
        server_ahead_ms: i64,
    },
    /// The store cannot be used. The session continues without sharing.
    NotShared {
        /// Why, and what to do.
        reason: String,
    },
    /// An attempt to get a token failed. There may still be a usable one.
    Failed(Error),
    /// The session is kept alive. Comes again when the keeper, or its end, changes.
    Kept(Keeper),
    /// The session is not kept alive any more. An error says why it cannot go on without a person.
    KeepEnded(Result<KeepEnd, Error>),
}

/// Counts of events since the session was created.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// Sign-in requests sent.
    pub sign_ins_sent: u64,
    /// MFA requests sent.
    pub mfa_sent: u64,
    /// Refresh requests sent.
    pub refreshes_sent: u64,
    /// Tokens received.
    pub tokens_received: u64,
    /// Tokens that came from another session.
    pub tokens_adopted: u64,
    /// Attempts that failed.
    pub failures: u64,
    /// Requests of the program that were answered with 401.
    pub unauthorized: u64,
}

/// Whom to tell.
#[derive(Clone)]
pub(crate) struct EventSink(Arc<dyn Fn(&SessionEvent) + Send + Sync>);

impl EventSink {
    pub(crate) fn new(sink: impl Fn(&SessionEvent) + Send + Sync + 'static) -> Self {
        Self(Arc::new(sink))
    }

    pub(crate) fn tell(&self, event: &SessionEvent) {
        (self.0)(event);
    }
}

/// The live form of [`Counters`].
#[derive(Default)]
pub(crate) struct AtomicCounters {
    pub(crate) sign_ins_sent: AtomicU64,
    pub(crate) mfa_sent: AtomicU64,
    pub(crate) refreshes_sent: AtomicU64,
    pub(crate) tokens_received: AtomicU64,
    pub(crate) tokens_adopted: AtomicU64,
    pub(crate) failures: AtomicU64,
    pub(crate) unauthorized: AtomicU64,
}

impl AtomicCounters {
    pub(crate) fn add(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts an event.
    pub(crate) fn count(&self, event: &SessionEvent) {
        match event {
            SessionEvent::SignedIn | SessionEvent::Refreshed => Self::add(&self.tokens_received),
            SessionEvent::Adopted => Self::add(&self.tokens_adopted),
            SessionEvent::Failed(_) => Self::add(&self.failures),
            _ => {}
        }
    }

    pub(crate) fn read(&self) -> Counters {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counters {
            sign_ins_sent: get(&self.sign_ins_sent),
            mfa_sent: get(&self.mfa_sent),
            refreshes_sent: get(&self.refreshes_sent),
            tokens_received: get(&self.tokens_received),
            tokens_adopted: get(&self.tokens_adopted),
            failures: get(&self.failures),
            unauthorized: get(&self.unauthorized),
        }
    }
}

impl fmt::Display for SessionEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SignedIn => f.write_str("signed in"),
            Self::Refreshed => f.write_str("token refreshed"),
            Self::Adopted => f.write_str("took over the token of another session"),
            Self::SignInNeeded => f.write_str("the token has ended; the next call signs in"),
            Self::SignedOut => f.write_str("signed out"),
            Self::Waiting { wait, reason } => {
                write!(f, "nothing may be sent for {} ms: {reason}", wait.as_millis())
            }
            Self::LockedOut => {
                f.write_str("the credentials were rejected, and this session does not send them again")
            }
            Self::CodeRefused => f.write_str("the server refused the one-time code"),
            Self::UnauthorizedMuted { wait } => write!(
                f,
                "requests are answered with 401 though their tokens are new: for {} ms a 401 renews no token; check the \
                 account's permissions and the paths that answer 401",
                wait.as_millis()
            ),
            Self::SkewSeen { server_ahead_ms } => {
                write!(f, "the server's clock is {server_ahead_ms} ms ahead of this machine's")
            }
            Self::NotShared { reason } => f.write_str(reason),
            Self::Failed(error) => write!(f, "no new token: {error}"),
            Self::Kept(keeper) => write!(
                f,
                "the session is kept alive for {} s by {}",
                keeper.ends_in.as_secs(),
                if keeper.is_own { "this process" } else { &keeper.label }
            ),
            Self::KeepEnded(Ok(KeepEnd::TimeOver)) => {
                f.write_str("the session is not kept alive any more: the time is over")
            }
            Self::KeepEnded(Ok(KeepEnd::SignedOut)) => {
                f.write_str("the session is not kept alive any more: it was signed out")
            }
            Self::KeepEnded(Ok(KeepEnd::Left)) => f.write_str("the session is not kept alive any more"),
            Self::KeepEnded(Err(error)) => write!(f, "the session is not kept alive any more: {error}"),
        }
    }
}
