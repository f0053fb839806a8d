//! What leaves the machine: the three requests, and the record that precedes each.

use super::mfa::Challenge;
use super::{CHALLENGE_LIFE, Machine, Settlement};
use crate::budget::{Budget, Ticket};
use crate::credential::OneTimeCode;
use crate::output::Output;
use crate::request::{self, Call, Payload, RequestId};
use crate::table::Trigger;
use crate::time::{Instant, Time};

/// A request that is out.
pub(super) struct OutstandingRequest {
    pub(super) id: RequestId,
    pub(super) call: Call,
    pub(super) sent: Time,
    pub(super) deadline: Instant,
    pub(super) ticket: Ticket,
    /// The place for a second step.
    pub(super) held: Option<Ticket>,
    /// The challenge that a second step answers.
    pub(super) answers: Option<AnsweredChallenge>,
}

/// A challenge while its answer is out. It comes back if the answer is not sent after all.
pub(super) struct AnsweredChallenge {
    /// The server may quote it.
    pub(super) challenge: Challenge,
    /// The code that was handed in, and when; none if it was computed.
    pub(super) submitted: Option<(OneTimeCode, Instant)>,
    /// The TOTP step that was spent before.
    pub(super) step_before: Option<u64>,
}

impl AnsweredChallenge {
    pub(super) const fn is_computed(&self) -> bool {
        self.submitted.is_none()
    }
}

impl Machine {
    pub(super) fn send_sign_in(&mut self, budget: &mut Budget, hold: bool, now: Time) -> Output {
        let Some(credentials) = self.config.credentials.clone() else {
            return Output::Idle;
        };
        let held = hold.then(|| {
            let ticket = Ticket(self.draws.next());
            budget.hold(ticket, now.monotonic + self.config.request_timeout + CHALLENGE_LIFE);
            ticket
        });
        self.send(&Payload::SignIn(&credentials), held, Trigger::SignInSent, budget, now)
    }

    pub(super) fn send_code(&mut self, budget: &mut Budget, now: Time) -> Output {
        let step_before = self.codes.spent_step;
        let Some((code, submitted)) = self.spend_code(now) else {
            return Output::Idle;
        };
        let Some(challenge) = self.codes.challenge.take() else {
            return Output::Idle;
        };
        if let Some(ticket) = challenge.held {
            budget.release(ticket);
        }
        let payload = Payload::Mfa { challenge: &challenge.code, code: &code };
        let output = self.send(&payload, None, Trigger::CodeSent, budget, now);
        if let Some(request) = &mut self.outstanding {
            request.answers = Some(AnsweredChallenge { challenge, submitted, step_before });
        }
        output
    }

    pub(super) fn send_refresh(&mut self, budget: &mut Budget, now: Time) -> Output {
        let Some(token) = self.tokens.in_hand.as_ref().map(|token| token.secret.clone()) else {
            return Output::Idle;
        };
        let scheme = self.config.scheme;
        self.send(&Payload::Refresh { token: &token, scheme }, None, Trigger::RefreshSent, budget, now)
    }

    /// The one place from which a request leaves: counted first, recorded next, sent last.
    fn send(
        &mut self,
        payload: &Payload<'_>,
        held: Option<Ticket>,
        trigger: Trigger,
        budget: &mut Budget,
        now: Time,
    ) -> Output {
        let id = RequestId(self.next_request);
        self.next_request += 1;
        let deadline = now.monotonic + self.config.request_timeout;
        let ticket = Ticket(self.draws.next());
        budget.send(ticket, deadline, now.monotonic);
        self.step_to(trigger);
        let call = payload.call();
        self.outstanding =
            Some(OutstandingRequest { id, call, sent: now, deadline, ticket, held, answers: None });
        let request = request::build(id, &self.config.instance, payload, deadline);
        if self.config.has_store {
            self.keep(now);
            self.outputs.push_back(Output::Send(request));
            return self.outputs.pop_front().unwrap_or(Output::Idle);
        }
        Output::Send(request)
    }

    /// The place for a second step is not needed.
    pub(super) fn release_held(&mut self, request: &OutstandingRequest) {
        if let Some(ticket) = request.held {
            self.settlements.push(Settlement::Release(ticket));
        }
    }
}
