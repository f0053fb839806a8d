//! What a machine gives its driver: owned values, one for each poll.

use alloc::boxed::Box;

use crate::coordinator::{KeepEnd, Keeper};
use crate::failure::Failure;
use crate::record::SharedRecord;
use crate::request::Request;
use crate::time::Instant;
use crate::token::Generation;

/// The answer to a poll. Poll on until [`Output::is_last`].
#[derive(Debug)]
#[non_exhaustive]
pub enum Output {
    /// Send this request, now.
    Send(Request),
    /// Hand in what the shared record says, then poll on. Only from a machine made with a store.
    ReadShared,
    /// Write this to the shared record before anything that follows. Only from a machine made with a store.
    Keep(Box<SharedRecord>),
    /// Something happened.
    Event(Event),
    /// The password was right: hand in a one-time code before `until`. `attempt` is 1 at first, 2 after a wrong one.
    NeedCode {
        /// The challenge is dropped then.
        until: Instant,
        /// Counts within one want.
        attempt: u32,
    },
    /// Nothing until then, and why.
    Wait {
        /// The next moment at which a poll (or a want, for a refresh that is due) does something.
        until: Instant,
        /// Why.
        reason: WaitReason,
    },
    /// Nothing at all until something is handed in.
    Idle,
}

impl Output {
    /// Whether the machine is drained: nothing more comes until time passes or something is handed in.
    #[must_use]
    pub const fn is_last(&self) -> bool {
        matches!(self, Self::NeedCode { .. } | Self::Wait { .. } | Self::Idle | Self::ReadShared)
    }
}

/// Why there is nothing to do until a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WaitReason {
    /// A request is out; its answer is waited for until then.
    AnswerOutstanding,
    /// The token is live; from then on a want refreshes it.
    RefreshDue,
    /// The token is live and cannot be refreshed any more; it ends then.
    TokenEnds,
    /// The places in the budget are taken until then.
    Budget,
    /// The instance answered with a rate limit.
    RateLimited,
    /// The last attempt failed; the next may be made then.
    BackOff,
    /// The TOTP step was spent, or is nearly over; the next begins then.
    TotpStep,
    /// Another session of the account is asking a person for a one-time code.
    AskedElsewhere,
}

impl WaitReason {
    /// Whether a want stands and may not be served before that moment.
    #[must_use]
    pub const fn is_blocked(self) -> bool {
        match self {
            Self::Budget | Self::RateLimited | Self::BackOff | Self::TotpStep | Self::AskedElsewhere => true,
            Self::AnswerOutstanding | Self::RefreshDue | Self::TokenEnds => false,
        }
    }

    /// The reason in a few words.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AnswerOutstanding => "an answer is outstanding",
            Self::RefreshDue => "the token is live until its refresh is due",
            Self::TokenEnds => "the token is live until it ends",
            Self::Budget => "the budget of authentication requests has no room for it now",
            Self::RateLimited => "the instance limits authentication requests",
            Self::BackOff => "the last attempt failed",
            Self::TotpStep => "the next TOTP step has to begin first",
            Self::AskedElsewhere => "another session is asking for a one-time code",
        }
    }
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A sign-in brought a token.
    SignedIn {
        /// Which.
        generation: Generation,
    },
    /// A refresh brought a new token.
    TokenReplaced {
        /// Which.
        generation: Generation,
    },
    /// Another session's token was taken over from the shared record.
    Adopted {
        /// Which.
        generation: Generation,
    },
    /// The token ended; the next want signs in.
    SignInNeeded,
    /// The user signed out.
    SignedOut,
    /// The server's wall clock is more than a TOTP step from ours; by so many milliseconds it is ahead.
    SkewSeen {
        /// Server minus local.
        server_ahead_ms: i64,
    },
    /// The server refused the one-time code, and the attempt goes on with the next sign-in.
    CodeRefused,
    /// A 401 starts nothing until then: a new token did not help, or too many were renewed because of a 401.
    UnauthorizedMuted {
        /// When the next 401 renews the token again.
        until: Instant,
    },
    /// The want ended without a new token. A usable one may still be in hand.
    Failed(Failure),
    /// The session is kept alive: by this process, or by another one that this process stands by for. Comes again
    /// when that, or the end, changes.
    Kept(Keeper),
    /// The session is not kept alive any more.
    KeepEnded(KeepEnd),
}
