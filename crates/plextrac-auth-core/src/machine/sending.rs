//! What leaves the machine: the three requests, and the record that precedes each.

use core::time::Duration;

use super::{CHALLENGE_LIFE, Flight, MAX_ISSUED, Machine, SecondStep};
use crate::budget::{Budget, Ticket};
use crate::credential::{Digits, MfaSource};
use crate::output::Output;
use crate::record::{SharedRecord, SharedToken, Stamp};
use crate::request::{self, Payload, RequestId};
use crate::table::Trigger;
use crate::time::{Instant, Time, millis};

/// How long digits that were sent are not sent again: their step, and one to each side.
const DIGITS_SPENT: Duration = Duration::from_secs(90);

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

    pub(super) fn send_digits(&mut self, budget: &mut Budget, now: Time) -> Output {
        let (digits, is_computed) = match (self.digits.take(), &self.config.mfa) {
            (Some((digits, _)), _) => (digits, false),
            (None, MfaSource::Totp(secret)) => {
                let step = secret.step_at(self.corrected_unix(now));
                self.totp_step = Some(step);
                (secret.digits(step), true)
            }
            (None, _) => return Output::Idle,
        };
        let Some(challenge) = self.challenge.take() else {
            return Output::Idle;
        };
        if let Some(ticket) = challenge.held {
            budget.release(ticket);
        }
        self.spend(&digits, now);
        let output = self.send(
            &Payload::Mfa { challenge: &challenge.code, digits: &digits },
            None,
            Trigger::DigitsSent,
            budget,
            now,
        );
        if let Some(flight) = &mut self.flight {
            flight.second_step = Some(SecondStep { challenge: challenge.code, is_computed });
        }
        output
    }

    fn spend(&mut self, digits: &Digits, now: Time) {
        let print = self.key.of(&[digits.secret().expose().as_bytes()]);
        self.spent_digits.retain(|(_, until)| now.monotonic < *until);
        self.spent_digits.push((print, now.monotonic + DIGITS_SPENT));
    }

    pub(super) fn send_refresh(&mut self, budget: &mut Budget, now: Time) -> Output {
        let Some(token) = self.token.as_ref().map(|token| token.secret.clone()) else {
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
        self.flight =
            Some(Flight { id, call: payload.call(), sent: now, deadline, ticket, held, second_step: None });
        let request = request::build(id, &self.config.instance, payload, deadline);
        if self.config.has_store {
            self.keep(now);
            self.outputs.push_back(Output::Send(request));
            return self.outputs.pop_front().unwrap_or(Output::Idle);
        }
        Output::Send(request)
    }

    /// Asks the driver to write what this machine knows to the shared record.
    pub(super) fn keep(&mut self, now: Time) {
        if !self.config.has_store {
            return;
        }
        let token = self.token.as_ref().map(|token| SharedToken {
            token: token.secret.clone(),
            cookie: token.cookie.clone(),
            tenant_id: token.tenant_id,
            life_ms: millis(token.windows.life()),
            born_of_401: token.born_of_401,
            stamp: if token.is_doubtful {
                Stamp::UNKNOWN
            } else {
                self.stamp(self.at(token.windows.sent, now))
            },
        });
        let token = token.or_else(|| self.set_aside.clone());
        self.keep_due = false;
        let is_asking = !matches!(self.config.mfa, MfaSource::Totp(_));
        let asked = self.challenge.as_ref().map(|challenge| challenge.until).filter(|_| is_asking);
        // What was told stays known when it holds no more: the record may still say so.
        self.told_asked_until = asked.or(self.told_asked_until);
        self.outputs.push_back(Output::Keep(SharedRecord {
            token,
            rejected: self.rejected(),
            totp_step: self.totp_step,
            refused: self.refused.iter().take(MAX_ISSUED).copied().collect(),
            issued: self.issued.iter().take(MAX_ISSUED).copied().collect(),
            server_ahead_ms: self.server_ahead_ms,
            asked_until: asked.or(self.asked_elsewhere_until),
        }));
    }

    /// Both clocks at a past moment of the monotonic one.
    fn at(&self, moment: Instant, now: Time) -> Time {
        let ago = i64::try_from(millis(now.monotonic.since(moment))).unwrap_or(i64::MAX);
        Time { monotonic: moment, unix: now.unix.offset(-ago) }
    }
}
