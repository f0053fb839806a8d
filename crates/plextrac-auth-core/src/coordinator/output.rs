//! What a coordinator gives its driver: owned values, one for each poll.

use alloc::vec::Vec;
use core::fmt;

use zeroize::Zeroizing;

use crate::claim::ClaimOwner;
use crate::failure::Failure;
use crate::output::{Event, WaitReason};
use crate::request::Request;
use crate::store::{RecordKind, Version};
use crate::time::Instant;

/// Names one caller of one coordinator; never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CallerId(pub u64);

/// Names one store operation of one coordinator; never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OperationId(pub u64);

/// The answer to a poll. Poll on until [`Action::is_last`].
#[derive(Debug)]
#[non_exhaustive]
pub enum Action {
    /// Send this request now. Hand in the answer, or how the request failed, under its id.
    Send(Request),
    /// Read a record. Hand in what came of it under this id.
    Read {
        /// The operation.
        id: OperationId,
        /// Which record.
        record: RecordKind,
    },
    /// Write a record if it still has this version. Hand in what came of it under the operation's id.
    Write(Write),
    /// Ask the person, or the program's callback, for a one-time code. Hand in the code, or that there is none.
    Ask(Prompt),
    /// The caller's call is over. `Ok`: [`Coordinator::usable_token`](super::Coordinator::usable_token) has its token.
    Wake {
        /// The caller.
        caller: CallerId,
        /// What its call came to.
        result: Result<(), Failure>,
    },
    /// Something happened.
    Event(Event),
    /// Nothing until one of its moments has come, its record has changed, or something is handed in.
    Wait(Wait),
}

impl Action {
    /// Whether the coordinator is drained: nothing more comes until time passes or something is handed in.
    #[must_use]
    pub const fn is_last(&self) -> bool {
        matches!(self, Self::Wait(_))
    }
}

/// Write these bytes if the record still has this version.
pub struct Write {
    /// The operation.
    pub id: OperationId,
    /// Which record.
    pub record: RecordKind,
    /// The version that the record must have.
    pub expected: Version,
    /// The bytes. They hold secrets.
    pub bytes: Zeroizing<Vec<u8>>,
    /// Nothing but the time of the claim is new, so no process that watches the record needs a notice.
    pub is_renewal: bool,
}

impl fmt::Debug for Write {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Write({:?}, {:?} at {:?}, {} bytes)",
            self.id,
            self.record,
            self.expected,
            self.bytes.len()
        )
    }
}

/// A question for a one-time code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prompt {
    /// A code that comes later is not sent.
    pub until: Instant,
    /// 1 at first, 2 after a wrong code. There is no third.
    pub attempt: u32,
}

/// Until when nothing happens by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wait {
    /// On the monotonic clock.
    pub until: Option<Instant>,
    /// On the clock that stands still while the computer sleeps.
    pub awake_until: Option<Instant>,
    /// Poll when the account's record has another version than this one.
    pub watch: Option<Watch>,
    /// What is waited for, if it is no caller's deadline and no code.
    pub reason: Option<WaitReason>,
}

/// The account's record is watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watch {
    /// The version that is known. Call
    /// [`handle_record_changed`](super::Coordinator::handle_record_changed) when there is another.
    pub version: Version,
    /// The holder of the claim, or else the keeper that this session stands by for. Call
    /// [`handle_owner_gone`](super::Coordinator::handle_owner_gone) if the store knows that its process is gone.
    pub owner: Option<ClaimOwner>,
    /// A caller or an attempt waits for the change. Otherwise a second's delay does no harm.
    pub is_urgent: bool,
}

impl Wait {
    pub(super) fn no_later_than(&mut self, moment: Instant) {
        self.until = Some(self.until.map_or(moment, |until| until.min(moment)));
    }

    pub(super) fn no_later_than_awake(&mut self, moment: Instant) {
        self.awake_until = Some(self.awake_until.map_or(moment, |until| until.min(moment)));
    }
}
