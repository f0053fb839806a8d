//! What a driver hands in. After each the outputs are drained by polling; an input that does not fit
//! changes nothing and says so.

use core::fmt;

use super::{Machine, SharedView, Standing, UNAUTHORIZED_MUTED};
use crate::credential::Digits;
use crate::failure::{Failure, FailureKind, TransportFailure};
use crate::output::{Event, Output};
use crate::record::SharedRecord;
use crate::request::RequestId;
use crate::response::Response;
use crate::table::{Phase, Trigger};
use crate::time::{Instant, Time};
use crate::token::Generation;

/// A token is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Want {
    /// A new token is wanted even if the one in hand is live.
    pub fresh: bool,
    /// Nobody waits longer than this; none: as long as it takes.
    pub deadline: Option<Instant>,
}

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
    /// These digits were sent already; a server may refuse a code it has seen (RFC 6238 §5.2).
    DigitsSpent,
}

/// What a 401 means for the request that got it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The token it carried was replaced meanwhile: want one and send the request once more.
    Replaced,
    /// The token it carried is not handed out any more: want one and send the request once more.
    Renew,
    /// A fresh token did not help: the 401 is the caller's.
    Final,
}

impl Machine {
    /// A token is wanted. Wants add up; one attempt serves them all.
    ///
    /// # Errors
    /// [`InputError::MustDrain`].
    pub fn want(&mut self, want: Want) -> Result<(), InputError> {
        self.take_input()?;
        let standing = self.want.get_or_insert(Standing::new(want));
        standing.want.fresh |= want.fresh;
        standing.want.deadline = match (standing.want.deadline, want.deadline) {
            (Some(a), Some(b)) => Some(a.max(b)),
            _ => None,
        };
        self.forget_shared();
        Ok(())
    }

    /// Nobody wants a token any more. What was sent stays sent, and its answer is kept.
    ///
    /// # Errors
    /// [`InputError::WrongState`] if no want stands; [`InputError::MustDrain`].
    pub fn withdraw(&mut self) -> Result<(), InputError> {
        self.check(self.want.is_some())?;
        self.want = None;
        self.blocked = false;
        // By the next want they would be of a step long gone.
        self.digits = None;
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
        let flight = self.take_flight(id)?;
        self.on_response(flight, response, now);
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
        let flight = self.take_flight(id)?;
        self.on_failure(&flight, failure, now);
        Ok(())
    }

    /// Six digits for the challenge in hand.
    ///
    /// # Errors
    /// [`InputError::WrongState`] without a challenge, or if it is over two minutes old: sign in again;
    /// [`InputError::DigitsSpent`] if these were sent before; [`InputError::MustDrain`].
    pub fn submit_digits(&mut self, digits: Digits, now: Time) -> Result<(), InputError> {
        let is_open = self.challenge.as_ref().is_some_and(|challenge| now.monotonic < challenge.until);
        if !self.drained {
            return Err(InputError::MustDrain);
        }
        if self.phase != Phase::AwaitingDigits || !is_open {
            return Err(InputError::WrongState);
        }
        if self.were_spent(&digits, now.monotonic) {
            return Err(InputError::DigitsSpent);
        }
        self.take_input()?;
        self.digits = Some((digits, now.monotonic));
        // A person took a while: another session may have a token by now.
        self.forget_shared();
        self.want.get_or_insert(Standing::new(Want::default())).digits_given += 1;
        Ok(())
    }

    /// Nobody will give six digits: the challenge is dropped.
    ///
    /// # Errors
    /// [`InputError::WrongState`] without a challenge; [`InputError::MustDrain`].
    pub fn abandon_mfa(&mut self) -> Result<(), InputError> {
        self.check(self.phase == Phase::AwaitingDigits)?;
        self.drop_challenge();
        self.step_to(Trigger::ChallengeDropped);
        // Or others would wait for an answer that nobody gives. What they wrote meanwhile is not overwritten.
        self.keep_due = self.config.has_store;
        self.forget_shared();
        self.end_want(Failure::new(
            FailureKind::MfaRequired,
            "six digits are needed, and whoever was asked gave none",
        ));
        Ok(())
    }

    /// A request that carried the token of `generation` was answered with 401. Only that token is
    /// affected; `exp` is a hint, a 401 is the truth. To get another, want one.
    ///
    /// # Errors
    /// [`InputError::MustDrain`].
    pub fn report_unauthorized(&mut self, generation: Generation, now: Time) -> Result<Verdict, InputError> {
        if !self.drained {
            return Err(InputError::MustDrain);
        }
        let Some(token) = self.token.as_ref().filter(|token| token.generation == generation) else {
            return Ok(Verdict::Replaced);
        };
        if matches!(self.phase, Phase::Suspect | Phase::Reviving) {
            return Ok(Verdict::Renew);
        }
        let is_newborn = token.born_of_401.is_some_and(|born| now.monotonic < born + UNAUTHORIZED_MUTED);
        if is_newborn && self.muted_until.is_none() {
            self.muted_until = Some(now.monotonic + UNAUTHORIZED_MUTED);
        }
        if self.muted_until.is_some_and(|until| now.monotonic < until) {
            return Ok(Verdict::Final);
        }
        self.take_input()?;
        self.step_to(Trigger::Unauthorized);
        self.renewing_after_401 = true;
        if let Some(token) = &mut self.token {
            token.is_doubtful = true;
            self.dead = Some(self.key.of(&[token.secret.expose().as_bytes()]));
        }
        Ok(Verdict::Renew)
    }

    /// What the shared record says, though it was not asked for: to say where the account stands, or, with the
    /// account's record locked, before it is changed by [`sign_out`](Self::sign_out) or
    /// [`forget_rejection`](Self::forget_rejection). Brings nothing to be sent: a want that stands asks for a look of
    /// its own, so this may come from another thread than the one that serves the want.
    ///
    /// # Errors
    /// [`InputError::WrongState`] if the machine was not made with a store; [`InputError::MustDrain`].
    pub fn look_at(&mut self, record: Option<&SharedRecord>, now: Time) -> Result<(), InputError> {
        self.check(self.config.has_store)?;
        if let Some(record) = record {
            self.on_shared(record, now);
        }
        Ok(())
    }

    /// What the shared record says, after [`Output::ReadShared`]; `None` if there is none.
    ///
    /// # Errors
    /// [`InputError::WrongState`] if it was not asked for; [`InputError::MustDrain`].
    pub fn handle_shared(&mut self, record: Option<&SharedRecord>, now: Time) -> Result<(), InputError> {
        self.check(self.shared_view == SharedView::Asked)?;
        self.shared_view = SharedView::Read;
        if let Some(record) = record {
            self.on_shared(record, now);
        }
        Ok(())
    }

    /// Rejected credentials may be sent again.
    ///
    /// # Errors
    /// [`InputError::MustDrain`].
    pub fn forget_rejection(&mut self, now: Time) -> Result<(), InputError> {
        self.take_input()?;
        self.clear_latch();
        self.reread_shared();
        if self.phase == Phase::Latched {
            self.step_to(Trigger::Forgiven);
        }
        self.keep(now);
        Ok(())
    }

    /// Drops token and cookie. Budget, latch and TOTP memory stay; the answer to a request that is out is not used.
    ///
    /// # Errors
    /// [`InputError::MustDrain`].
    pub fn sign_out(&mut self, now: Time) -> Result<(), InputError> {
        self.take_input()?;
        if let Some(flight) = self.flight.take() {
            self.settle_hold(&flight);
        }
        self.drop_challenge();
        self.token = None;
        self.set_aside = None;
        self.renewing_after_401 = false;
        self.reread_shared();
        self.step_to(Trigger::SignOut);
        if self.want.is_some() {
            self.end_want(Failure::new(FailureKind::Cancelled, "the session was signed out"));
        }
        self.outputs.push_back(Output::Event(Event::SignedOut));
        self.keep(now);
        Ok(())
    }

    /// Every input but a stale one passes here.
    fn take_input(&mut self) -> Result<(), InputError> {
        if !self.drained {
            return Err(InputError::MustDrain);
        }
        self.drained = false;
        Ok(())
    }

    /// What was read of the shared record, and is not handed in yet, is older than this input.
    fn reread_shared(&mut self) {
        if self.shared_view == SharedView::Asked {
            self.shared_view = SharedView::Unread;
        }
    }

    fn check(&mut self, fits: bool) -> Result<(), InputError> {
        if self.drained && !fits {
            return Err(InputError::WrongState);
        }
        self.take_input()
    }

    fn take_flight(&mut self, id: RequestId) -> Result<super::Flight, InputError> {
        if !self.drained {
            return Err(InputError::MustDrain);
        }
        let flight = self.flight.take_if(|flight| flight.id == id).ok_or(InputError::Stale)?;
        self.drained = false;
        Ok(flight)
    }
}

impl fmt::Display for InputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MustDrain => "poll until the last output before handing in anything",
            Self::Stale => "no request of that id is out",
            Self::WrongState => "this does not fit the state the machine is in",
            Self::DigitsSpent => "these six digits were sent already; wait for the next ones",
        })
    }
}

impl core::error::Error for InputError {}
