//! What callers, the program and HTTP hand in. After each, poll to the last action.

use super::Coordinator;
use super::callers::{Change, Limits, Need, Purpose};
use super::output::{Action, CallerId};
use crate::credential::OneTimeCode;
use crate::failure::{Failure, FailureKind, TransportFailure};
use crate::machine::{InputError, Machine, Verdict, Want};
use crate::request::RequestId;
use crate::response::Response;
use crate::time::Time;
use crate::token::Generation;

impl Coordinator {
    /// A caller needs a token. It joins the attempt that is under way, or starts one.
    ///
    /// # Errors
    /// [`InputError::WrongState`] if the coordinator was closed; [`InputError::MustDrain`].
    pub fn need_token(&mut self, need: Need, limits: Limits, now: Time) -> Result<CallerId, InputError> {
        self.take_open_input()?;
        Ok(self.callers.join(Purpose::Token(need), limits, now))
    }

    /// The program wants a token and waits as no caller: the events say what comes of it. The want stands until then,
    /// whether callers stay or leave. Nothing is sent if the token is live and its refresh not due.
    ///
    /// # Errors
    /// [`InputError::WrongState`] if the coordinator was closed; [`InputError::MustDrain`].
    pub fn want(&mut self) -> Result<(), InputError> {
        self.take_open_input()?;
        self.is_wanted_by_program = true;
        self.input().want(Want::default())
    }

    /// A refresh is due that nobody waits for. Does nothing if an attempt is under way.
    ///
    /// # Errors
    /// [`InputError::WrongState`] if the coordinator was closed; [`InputError::MustDrain`].
    pub fn want_refresh(&mut self) -> Result<(), InputError> {
        self.take_open_input()?;
        self.is_refresh_wanted = !self.is_attempting();
        Ok(())
    }

    /// A caller leaves. An attempt that has sent a request goes on without it.
    ///
    /// # Errors
    /// [`InputError::Stale`] if the caller was woken already; [`InputError::MustDrain`].
    pub fn leave(&mut self, caller: CallerId, now: Time) -> Result<(), InputError> {
        if !self.is_drained {
            return Err(InputError::MustDrain);
        }
        let left = self.callers.remove(caller).ok_or(InputError::Stale)?;
        self.is_drained = false;
        if left.needs_token() {
            self.withdraw_if_unneeded(now);
        }
        Ok(())
    }

    /// A caller hands in a one-time code, and waits for the token.
    ///
    /// # Errors
    /// [`InputError::CodeNotAskedFor`] if no code is needed, or the challenge is over: sign in again;
    /// [`InputError::CodeSpent`] if this code was sent before; [`InputError::WrongState`] if the coordinator was closed;
    /// [`InputError::MustDrain`].
    pub fn submit_code(
        &mut self,
        code: OneTimeCode,
        limits: Limits,
        now: Time,
    ) -> Result<CallerId, InputError> {
        if !self.is_drained {
            return Err(InputError::MustDrain);
        }
        if self.is_closed {
            return Err(InputError::WrongState);
        }
        if self.callers.is_prompting() {
            return Err(InputError::CodeNotAskedFor);
        }
        self.hand_in(|machine| machine.submit_code(code, now))?;
        Ok(self.callers.join(Purpose::Code, limits, now))
    }

    /// The program hands in a one-time code and waits as no caller: the events say what comes of it. It answers an
    /// [`Action::Ask`] too; a code that is refused here leaves that question open.
    ///
    /// # Errors
    /// As [`submit_code`](Self::submit_code).
    pub fn provide_code(&mut self, code: OneTimeCode, now: Time) -> Result<(), InputError> {
        if self.is_drained && self.is_closed {
            return Err(InputError::WrongState);
        }
        let is_answer = self.callers.is_prompting();
        let taken = self.hand_in(|machine| machine.submit_code(code, now));
        if matches!(taken, Ok(()) | Err(InputError::CodeNotAskedFor)) {
            self.callers.end_asking(now);
        }
        self.is_wanted_by_program |= taken.is_ok() && !is_answer;
        taken
    }

    /// No one-time code will come: the challenge is dropped, and the attempt ends. It answers an [`Action::Ask`] too.
    ///
    /// # Errors
    /// [`InputError::WrongState`] if no code is needed; [`InputError::MustDrain`].
    pub fn decline_code(&mut self, now: Time) -> Result<(), InputError> {
        let taken = self.hand_in(Machine::abandon_mfa);
        if taken != Err(InputError::MustDrain) {
            self.callers.end_asking(now);
        }
        taken
    }

    /// The answer to [`Action::Ask`]: a code, or `None` if there is none.
    ///
    /// # Errors
    /// [`InputError::WrongState`] if nobody is asked; [`InputError::CodeNotAskedFor`] if the challenge ended meanwhile;
    /// [`InputError::CodeSpent`] if this code was sent before: the attempt ends; [`InputError::MustDrain`].
    pub fn handle_code(&mut self, code: Option<OneTimeCode>, now: Time) -> Result<(), InputError> {
        if self.is_drained && !self.callers.is_prompting() {
            return Err(InputError::WrongState);
        }
        self.take_input()?;
        self.callers.end_asking(now);
        let Some(code) = code.filter(|_| !self.is_closed) else {
            return self.input().abandon_mfa();
        };
        match self.input().submit_code(code, now) {
            Err(InputError::CodeSpent) => {
                self.input().abandon_mfa()?;
                let sentence = "the code was refused before, and is not sent again";
                self.instead = Some(Failure::new(FailureKind::MfaRejected, sentence));
                Err(InputError::CodeSpent)
            }
            taken => taken,
        }
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
        if self.ends_abandoned(id) {
            return self.take_input();
        }
        self.hand_in(|machine| machine.handle_response(id, response, now))
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
        if self.ends_abandoned(id) {
            return self.take_input();
        }
        self.hand_in(|machine| machine.handle_failure(id, failure, now))
    }

    /// A request of the program that carried the token of `generation` was answered with 401. `was_accepted` says
    /// whether the API has taken that token before.
    ///
    /// # Errors
    /// [`InputError::MustDrain`].
    pub fn report_unauthorized(
        &mut self,
        generation: Generation,
        was_accepted: bool,
        now: Time,
    ) -> Result<Verdict, InputError> {
        self.take_input()?;
        self.input().report_unauthorized(generation, was_accepted, now)
    }

    /// Drops the token, here and for the processes that share the account. The caller is woken when they can know.
    ///
    /// # Errors
    /// [`InputError::WrongState`] if the coordinator was closed; [`InputError::MustDrain`].
    pub fn sign_out(&mut self, limits: Limits, now: Time) -> Result<CallerId, InputError> {
        self.take_open_input()?;
        self.take_back_unsent(now);
        self.abandoned = self.machine.outstanding().or(self.abandoned);
        self.input().sign_out(now)?;
        self.owe(Change::SignOut);
        Ok(self.callers.join(Purpose::Change(Change::SignOut), limits, now))
    }

    /// Allows rejected credentials to be sent again, here and by the processes that share the account.
    ///
    /// # Errors
    /// [`InputError::WrongState`] if the coordinator was closed; [`InputError::MustDrain`].
    pub fn forget_rejection(&mut self, limits: Limits, now: Time) -> Result<CallerId, InputError> {
        self.take_open_input()?;
        self.input().forget_rejection(now)?;
        self.owe(Change::ForgetRejection);
        Ok(self.callers.join(Purpose::Change(Change::ForgetRejection), limits, now))
    }

    /// A caller wants to know what the records say. Nothing is sent.
    ///
    /// # Errors
    /// [`InputError::WrongState`] if the coordinator was closed; [`InputError::MustDrain`].
    pub fn look(&mut self, limits: Limits, now: Time) -> Result<CallerId, InputError> {
        self.take_open_input()?;
        if let Some(account) = &mut self.account {
            account.expect_look();
        }
        Ok(self.callers.join(Purpose::Look, limits, now))
    }

    /// Ends everything that has not been sent, and every caller's wait. A request that is out is still waited for; its
    /// token is kept for other processes.
    ///
    /// # Errors
    /// [`InputError::MustDrain`].
    pub fn close(&mut self, now: Time) -> Result<(), InputError> {
        self.take_input()?;
        self.is_closed = true;
        self.is_refresh_wanted = false;
        self.end_keeping();
        for caller in self.callers.take(|_| true) {
            let closed = Failure::new(FailureKind::Cancelled, "the session was closed");
            self.outputs.push_back(Action::Wake { caller: caller.id, result: Err(closed) });
        }
        self.take_back_unsent(now);
        if self.callers.is_asking() {
            // Its code will come too late.
            self.callers.end_asking(now);
        }
        if self.machine.is_wanted() { self.input().withdraw() } else { Ok(()) }
    }

    /// Hands an input to the machine. If the machine refuses it, nothing has changed.
    fn hand_in(
        &mut self,
        input: impl FnOnce(&mut Machine) -> Result<(), InputError>,
    ) -> Result<(), InputError> {
        if !self.is_drained {
            return Err(InputError::MustDrain);
        }
        input(self.input())?;
        self.is_drained = false;
        Ok(())
    }

    pub(super) fn take_input(&mut self) -> Result<(), InputError> {
        if !self.is_drained {
            return Err(InputError::MustDrain);
        }
        self.is_drained = false;
        Ok(())
    }

    /// Whether this ends a request whose answer is not used.
    fn ends_abandoned(&mut self, id: RequestId) -> bool {
        self.is_drained && self.abandoned.take_if(|(abandoned, _)| *abandoned == id).is_some()
    }

    pub(super) fn take_open_input(&mut self) -> Result<(), InputError> {
        if self.is_drained && self.is_closed {
            return Err(InputError::WrongState);
        }
        self.take_input()
    }
}
