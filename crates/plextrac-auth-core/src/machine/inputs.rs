//! What a driver hands in. After each the outputs are drained by polling; an input that does not fit
//! changes nothing and says so.

use core::fmt;

use super::sending::OutstandingRequest;
use super::{Machine, PendingWant, Settlement, Want};
use crate::failure::{Failure, FailureKind, TransportFailure};
use crate::output::{Event, Output};
use crate::request::RequestId;
use crate::response::Response;
use crate::table::Trigger;
use crate::time::Time;

/// Why an input was not taken. Nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InputError {
    /// The outputs of the last input were not polled to the end.
    MustDrain,
    /// No request of that id is out: it was answered, given up, or never sent. Harmless.
    Stale,
    /// This does not fit where the machine stands.
    WrongState,
    /// A one-time code was given, and none is asked for: no sign-in has come so far, or its challenge is over.
    CodeNotAskedFor,
    /// This code was sent already; a server may refuse a code it has seen (RFC 6238 §5.2).
    CodeSpent,
}

impl Machine {
    /// A token is wanted. Wants add up; one attempt serves them all.
    ///
    /// # Errors
    /// [`InputError::MustDrain`].
    pub fn want(&mut self, want: Want) -> Result<(), InputError> {
        self.take_input()?;
        self.want.get_or_insert(PendingWant::new(want)).add(want);
        self.look_again();
        Ok(())
    }

    /// Nobody wants a token any more. What was sent stays sent, and its answer is kept.
    ///
    /// # Errors
    /// [`InputError::WrongState`] if no want stands; [`InputError::MustDrain`].
    pub fn withdraw(&mut self) -> Result<(), InputError> {
        self.check(self.want.is_some())?;
        self.want = None;
        self.is_blocked = false;
        self.drop_submitted_code();
        Ok(())
    }

    /// The answer to a request.
    ///
    /// # Errors
    /// [`InputError::Stale`] if it is not the one that is out; [`InputError::MustDrain`].
    pub fn handle_response(
        &mut self,
        id: RequestId,
        response: &Response<'_>,
        now: Time,
    ) -> Result<(), InputError> {
        let request = self.take_outstanding(id)?;
        self.on_response(request, response, now);
        Ok(())
    }

    /// A request brought no answer.
    ///
    /// # Errors
    /// [`InputError::Stale`] if it is not the one that is out; [`InputError::MustDrain`].
    pub fn handle_failure(
        &mut self,
        id: RequestId,
        failure: TransportFailure,
        now: Time,
    ) -> Result<(), InputError> {
        let request = self.take_outstanding(id)?;
        self.on_failure(&request, failure, now);
        Ok(())
    }

    /// The request was not sent after all: the record that announces it could not be written, or the write took too
    /// long. It leaves no trace: its places in the budget are free again, its code counts as unused, nothing failed. The
    /// want still stands, and what the shared record says is read again before anything is decided.
    ///
    /// # Errors
    /// [`InputError::Stale`] if it is not the one that is out; [`InputError::MustDrain`].
    pub fn handle_not_sent(&mut self, id: RequestId, now: Time) -> Result<(), InputError> {
        let request = self.take_outstanding(id)?;
        self.release_held(&request);
        self.settlements.push(Settlement::Release(request.ticket));
        self.step_to(Trigger::NotSent);
        if let Some(answered) = request.answers {
            self.restore_challenge(answered);
        }
        self.notice_expiry(now);
        self.look_again();
        Ok(())
    }

    /// Drops token and cookie. Budget, lockout and TOTP memory stay; the answer to a request that is out is not used.
    ///
    /// # Errors
    /// [`InputError::MustDrain`].
    pub fn sign_out(&mut self, now: Time) -> Result<(), InputError> {
        self.take_input()?;
        if let Some(request) = self.outstanding.take() {
            self.release_held(&request);
        }
        self.drop_challenge();
        self.tokens.in_hand = None;
        self.tokens.replaces_unauthorized = false;
        self.shared.set_aside = None;
        self.shared.read_again();
        self.step_to(Trigger::SignOut);
        if self.want.is_some() {
            self.end_want(Failure::new(FailureKind::Cancelled, "the session was signed out"));
        }
        self.outputs.push_back(Output::Event(Event::SignedOut));
        self.keep(now);
        Ok(())
    }

    /// Every input but a stale one passes here.
    pub(super) fn take_input(&mut self) -> Result<(), InputError> {
        if !self.drained {
            return Err(InputError::MustDrain);
        }
        self.drained = false;
        Ok(())
    }

    /// The same for an input that fits some states only.
    pub(super) fn check(&mut self, fits: bool) -> Result<(), InputError> {
        if self.drained && !fits {
            return Err(InputError::WrongState);
        }
        self.take_input()
    }

    pub(super) fn take_outstanding(&mut self, id: RequestId) -> Result<OutstandingRequest, InputError> {
        if !self.drained {
            return Err(InputError::MustDrain);
        }
        let request = self.outstanding.take_if(|request| request.id == id).ok_or(InputError::Stale)?;
        self.drained = false;
        Ok(request)
    }
}

impl fmt::Display for InputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MustDrain => "poll until the last output before handing in anything",
            Self::Stale => "no request of that id is out, and no caller of that id waits",
            Self::WrongState => "this does not fit the state the machine is in",
            Self::CodeNotAskedFor => {
                "no one-time code is asked for now; sign in first, and give the code within two minutes of being asked"
            }
            Self::CodeSpent => "this one-time code was sent already; wait for the next one",
        })
    }
}

impl core::error::Error for InputError {}
