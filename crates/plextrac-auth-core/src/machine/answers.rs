//! What an answer, or its absence, changes.

use core::time::Duration;

use super::sending::OutstandingRequest;
use super::{Machine, Settlement};
use crate::answer::{self, Answer, Granted};
use crate::credential::MfaSource;
use crate::failure::{Failure, FailureKind, Refused, TransportFailure, quotable};
use crate::output::{Event, Output};
use crate::request::Call;
use crate::response::Response;
use crate::secret::Secret;
use crate::table::{Phase, Trigger};
use crate::time::Time;
use crate::token::Token;

impl Machine {
    pub(super) fn on_response(&mut self, request: OutstandingRequest, response: &Response<'_>, now: Time) {
        self.settlements.push(Settlement::Answered(request.ticket, now.monotonic));
        // The record still counts this request as unanswered.
        self.shared.is_unshared = true;
        self.note_server_clock(response, now);
        self.notice_expiry(now);
        let answer = answer::classify(request.call, response, now.unix);
        if !matches!(answer, Answer::Challenge(_)) {
            self.release_held(&request);
        }
        match (answer, request.call) {
            (Answer::Token(granted), _) => self.on_granted(granted, &request, now),
            (Answer::Challenge(code), Call::SignIn) => self.take_challenge(code, request.held, now),
            (Answer::Challenge(_), _) => {
                self.on_trouble(
                    None,
                    now,
                    Failure::unusable(answer::Unusable::Malformed).with_status(response.status),
                );
            }
            (Answer::Rejected { server_text, is_json }, _) => {
                self.on_rejected(
                    &request,
                    server_text.as_ref().map(Secret::expose),
                    is_json,
                    response.status,
                    now,
                );
            }
            (Answer::RateLimited { wait }, _) => self.on_rate_limited(&request, wait, response.status, now),
            (Answer::Unusable { what, retry_after }, _) => {
                self.on_trouble(retry_after, now, Failure::unusable(what).with_status(response.status));
            }
        }
    }

    pub(super) fn on_failure(&mut self, request: &OutstandingRequest, failure: TransportFailure, now: Time) {
        self.settlements.push(Settlement::Answered(request.ticket, now.monotonic));
        self.shared.is_unshared = true;
        self.release_held(request);
        self.notice_expiry(now);
        if failure == TransportFailure::Cancelled {
            // Giving up on purpose says nothing about the server.
            self.step_to(Trigger::Failed);
            return self.end_want(failure.into());
        }
        self.on_trouble(None, now, failure.into());
        if matches!(failure, TransportFailure::Connect | TransportFailure::Tls) {
            self.backoff.keep_local();
        }
    }

    fn on_granted(&mut self, granted: Granted, request: &OutstandingRequest, now: Time) {
        let tenant_id = granted.tenant_id.or(self.tokens.in_hand.as_ref().and_then(|token| token.tenant_id));
        let mut token = Token::granted(granted, request.sent.monotonic, &mut self.draws);
        token.tenant_id = tenant_id;
        self.step_to(Trigger::Granted);
        self.backoff.succeeded();
        self.want = None;
        self.config.ignore_shared_token = false;
        self.shared.set_aside = None;
        // A refresh says nothing about the password.
        if request.call != Call::Refresh {
            self.note_accepted_credentials();
        }
        if request.call == Call::SignIn {
            self.codes.are_needed = Some(false);
        }
        let generation = self.tokens.put(token, &self.key);
        self.keep(now);
        self.outputs.push_back(Output::Event(match request.call {
            Call::SignIn | Call::Mfa => Event::SignedIn { generation },
            Call::Refresh => Event::TokenReplaced { generation },
        }));
    }

    fn on_rejected(
        &mut self,
        request: &OutstandingRequest,
        server_text: Option<&str>,
        is_json: bool,
        status: u16,
        now: Time,
    ) {
        let answered = request.answers.as_ref();
        let challenge = answered.map_or("", |answered| answered.challenge.code.expose());
        let text = server_text.and_then(|text| self.quotable(text, challenge));
        let is_computed = answered.is_some_and(super::sending::AnsweredChallenge::is_computed);
        let refused = match request.call {
            Call::SignIn => Refused::Password,
            Call::Mfa if is_computed => Refused::ComputedCode { locks_out: self.is_last_try() },
            Call::Mfa => Refused::Code,
            Call::Refresh => Refused::Refresh,
        };
        let failure = Failure::rejected(refused, text.as_deref(), is_json).with_status(status);
        let was_usable = self.phase == Phase::Refreshing;
        self.step_to(Trigger::Refused);
        match refused {
            Refused::Password => {
                self.lock_out_password();
                self.keep(now);
                self.end_want(failure);
            }
            Refused::Code => {
                let given = self.want.as_ref().map_or(0, |pending| pending.codes_given);
                let may_ask_again = matches!(self.config.mfa, MfaSource::Asked) && given < 2;
                if may_ask_again {
                    self.outputs.push_back(Output::Event(Event::CodeRefused));
                } else {
                    self.end_want(failure);
                }
                self.look_again();
            }
            Refused::ComputedCode { locks_out } => {
                self.count_rejected_code();
                self.keep(now);
                if locks_out {
                    self.end_want(failure);
                } else if self.may_try_next_step(now) {
                    self.outputs.push_back(Output::Event(Event::CodeRefused));
                } else {
                    let wait = self.until_next_step(now).unwrap_or_default();
                    self.end_want(failure.with_next_attempt(wait));
                }
            }
            Refused::Refresh => {
                if self.tokens.note_refused_refresh() {
                    self.keep(now);
                }
                if was_usable {
                    self.end_want(failure);
                } else {
                    // The token is dead, and the want that stands goes on to a sign-in.
                    self.tokens.give_up(&self.key);
                    self.outputs.push_back(Output::Event(Event::SignInNeeded));
                }
            }
        }
    }

    fn on_rate_limited(&mut self, request: &OutstandingRequest, wait: Duration, status: u16, now: Time) {
        self.settlements.push(Settlement::RateLimited(request.ticket, now.monotonic + wait, now.monotonic));
        self.step_to(Trigger::Failed);
        let sentence = "the instance limits the authentication requests of all clients together; nothing is sent before the time it asks for";
        let failure = Failure::new(FailureKind::MustWait, sentence).with_status(status);
        self.end_want(failure.with_retry_after(Some(wait)));
    }

    /// Neither yes nor no: the next attempt waits for its back-off, and a usable token stays.
    fn on_trouble(&mut self, asked_wait: Option<Duration>, now: Time, failure: Failure) {
        self.backoff.failed(asked_wait, now.monotonic, &mut self.draws);
        self.keep(now);
        self.step_to(Trigger::Failed);
        let wait = self.backoff.until(now.monotonic).map(|until| until.since(now.monotonic));
        self.end_want(failure.with_retry_after(wait));
    }

    fn note_server_clock(&mut self, response: &Response<'_>, now: Time) {
        let Some(date) = response.date() else { return };
        if let Some(server_ahead_ms) = self.server_clock.note(date, now) {
            self.outputs.push_back(Output::Event(Event::SkewSeen { server_ahead_ms }));
        }
    }

    /// The server's text, unless it repeats something that was sent.
    fn quotable(&self, text: &str, challenge: &str) -> Option<alloc::string::String> {
        let credentials = self.config.credentials.as_ref();
        let sent = [
            credentials.map_or("", |credentials| credentials.username()),
            credentials.map_or("", |credentials| credentials.password().expose()),
            self.tokens.in_hand.as_ref().map_or("", |token| token.secret.expose()),
            challenge,
        ];
        quotable(text, &sent)
    }
}
