//! What an answer, or its absence, changes.

use alloc::vec::Vec;
use core::time::Duration;

use super::{CHALLENGE_LIFE, COMPUTED_TRIES, Challenge, Flight, Machine, Settlement};
use crate::answer::{self, Answer, Granted};
use crate::credential::MfaSource;
use crate::failure::{Failure, FailureKind, Refused, TransportFailure, quotable};
use crate::fingerprint::Fingerprint;
use crate::output::{Event, Output};
use crate::record::{SharedRecord, SharedToken};
use crate::request::Call;
use crate::response::Response;
use crate::secret::Secret;
use crate::table::{Phase, Trigger};
use crate::time::Time;
use crate::token::Token;

impl Machine {
    pub(super) fn on_response(&mut self, flight: Flight, response: &Response<'_>, now: Time) {
        self.settlements.push(Settlement::Answered(flight.ticket, now.monotonic));
        self.note_server_clock(response, now);
        self.notice_expiry(now);
        let answer = answer::classify(flight.call, response, now.unix);
        if !matches!(answer, Answer::Challenge(_)) {
            self.settle_hold(&flight);
        }
        match (answer, flight.call) {
            (Answer::Token(granted), _) => self.on_granted(granted, &flight, now),
            (Answer::Challenge(code), Call::SignIn) => self.on_challenge(code, &flight, now),
            (Answer::Challenge(_), _) => {
                self.on_trouble(
                    None,
                    now,
                    Failure::unusable(answer::Unusable::Malformed).with_status(response.status),
                );
            }
            (Answer::Rejected { server_text, is_json }, _) => {
                self.on_rejected(
                    &flight,
                    server_text.as_ref().map(Secret::expose),
                    is_json,
                    response.status,
                    now,
                );
            }
            (Answer::RateLimited { wait }, _) => self.on_rate_limited(&flight, wait, response.status, now),
            (Answer::Unusable { what, retry_after }, _) => {
                self.on_trouble(retry_after, now, Failure::unusable(what).with_status(response.status));
            }
        }
    }

    pub(super) fn on_failure(&mut self, flight: &Flight, failure: TransportFailure, now: Time) {
        self.settlements.push(Settlement::Answered(flight.ticket, now.monotonic));
        self.settle_hold(flight);
        self.notice_expiry(now);
        if failure == TransportFailure::Cancelled {
            // Giving up on purpose says nothing about the server.
            self.step_to(Trigger::Failed);
            return self.end_want(failure.into());
        }
        self.on_trouble(None, now, failure.into());
    }

    pub(super) fn on_shared(&mut self, record: &SharedRecord, now: Time) {
        self.rejected_elsewhere.clone_from(&record.rejected);
        if self.doubt_fingerprint().is_some_and(|doubt| record.rejected.contains(&doubt)) {
            self.computed_rejections = self.computed_rejections.max(1);
        }
        self.totp_step = self.totp_step.max(record.totp_step);
        // Nobody waits for digits longer than a challenge lives; a moment further off is of another clock. What this
        // session told is no news to it.
        self.asked_elsewhere_until = record.asked_until.filter(|until| {
            *until <= now.monotonic + CHALLENGE_LIFE && self.told_asked_until != Some(*until)
        });
        let news: Vec<_> =
            record.issued.iter().filter(|print| !self.issued.contains(print)).copied().collect();
        self.issued.extend(news);
        if self.server_ahead_ms.is_none() {
            self.server_ahead_ms = record.server_ahead_ms;
        }
        self.refused.clone_from(&record.refused);
        let is_refused = self.ready_print.is_some_and(|print| record.refused.contains(&print));
        if is_refused && self.holds_ready_made() {
            self.token.iter_mut().for_each(|token| token.refresh_refused = true);
        }
        if self.config.anew {
            self.set_aside.clone_from(&record.token);
            return;
        }
        let Some(shared) = record.token.as_ref().filter(|shared| self.is_news(shared)) else {
            return;
        };
        let Some((token, is_doubtful)) = shared.to_token(&self.config.boot, now, &mut self.draws) else {
            return;
        };
        let trigger = if is_doubtful { Trigger::AdoptedDoubtful } else { Trigger::Adopted };
        // Of a token that was handed in, the end is known by two clocks that may disagree.
        let is_newer = self.token.as_ref().is_none_or(|held| {
            held.windows.is_due_from_the_start() || token.windows.ends_at > held.windows.ends_at
        });
        let fits = match self.phase {
            Phase::Active => !is_doubtful && is_newer,
            // A doubtful token is no better than the one in hand, or than a challenge that waits for its digits.
            Phase::Suspect | Phase::AwaitingDigits => !is_doubtful,
            Phase::SignedOut | Phase::Latched => true,
            Phase::Authenticating | Phase::Verifying | Phase::Refreshing | Phase::Reviving => false,
        };
        if !fits || now.monotonic >= token.windows.unusable_at {
            return;
        }
        self.drop_challenge();
        self.step_to(trigger);
        let renewing = core::mem::take(&mut self.renewing_after_401);
        let generation = self.take_token(token);
        // The adopted token was not made because of the 401; should it get one too, a refresh follows.
        self.renewing_after_401 = renewing && is_doubtful;
        if !is_doubtful {
            if let Some(standing) = &mut self.want {
                standing.want.fresh = false;
            }
            self.outputs.push_back(Output::Event(Event::Adopted { generation }));
        }
    }

    /// Whether the token in hand is the one that was handed in.
    pub(super) fn holds_ready_made(&self) -> bool {
        self.token.as_ref().is_some_and(|token| token.windows.is_due_from_the_start())
    }

    /// Whoever is handed the same token next need not try to refresh it.
    fn tell_refused_token(&mut self, now: Time) {
        let print = self.ready_print.filter(|print| !self.refused.contains(print));
        if let Some(print) = print.filter(|_| self.holds_ready_made()) {
            self.refused.insert(0, print);
            self.keep(now);
        }
    }

    pub(super) fn give_up_token(&mut self) {
        self.dead = self.token.take().map(|token| self.token_fingerprint(&token.secret));
    }

    /// Neither the token in hand nor one that is known to be dead.
    fn is_news(&self, shared: &SharedToken) -> bool {
        let held = self.token.as_ref();
        !held.is_some_and(|held| held.secret.matches(shared.token.expose()))
            && (self.dead.is_none() || self.dead != Some(self.token_fingerprint(&shared.token)))
    }

    pub(super) fn token_fingerprint(&self, token: &Secret) -> Fingerprint {
        self.key.of(&[token.expose().as_bytes()])
    }

    pub(super) fn settle_hold(&mut self, flight: &Flight) {
        if let Some(ticket) = flight.held {
            self.settlements.push(Settlement::Release(ticket));
        }
    }

    fn on_granted(&mut self, granted: Granted, flight: &Flight, now: Time) {
        let tenant_id = granted.tenant_id.or(self.token.as_ref().and_then(|token| token.tenant_id));
        let mut token = Token::granted(granted, flight.sent.monotonic, &mut self.draws);
        token.tenant_id = tenant_id;
        self.step_to(Trigger::Granted);
        self.backoff.succeeded();
        self.want = None;
        self.config.anew = false;
        self.set_aside = None;
        // A refresh says nothing about the password.
        if flight.call != Call::Refresh {
            self.clear_latch();
        }
        if flight.call == Call::SignIn {
            self.needs_mfa = Some(false);
        }
        let generation = self.take_token(token);
        self.keep(now);
        self.outputs.push_back(Output::Event(match flight.call {
            Call::SignIn | Call::Mfa => Event::SignedIn { generation },
            Call::Refresh => Event::TokenReplaced { generation },
        }));
    }

    fn on_challenge(&mut self, code: Secret, flight: &Flight, now: Time) {
        self.needs_mfa = Some(true);
        self.challenge = Some(Challenge { code, until: now.monotonic + CHALLENGE_LIFE, held: flight.held });
        self.step_to(Trigger::Challenged);
        self.keep(now);
    }

    fn on_rejected(
        &mut self,
        flight: &Flight,
        server_text: Option<&str>,
        is_json: bool,
        status: u16,
        now: Time,
    ) {
        let second_step = flight.second_step.as_ref();
        let challenge = second_step.map_or("", |step| step.challenge.expose());
        let text = server_text.and_then(|text| self.quotable(text, challenge));
        let is_computed = second_step.is_some_and(|step| step.is_computed);
        let refused = match flight.call {
            Call::SignIn => Refused::Password,
            Call::Mfa if is_computed => Refused::ComputedDigits,
            Call::Mfa => Refused::Digits,
            Call::Refresh => Refused::Refresh,
        };
        let failure = Failure::rejected(refused, text.as_deref(), is_json).with_status(status);
        let was_usable = self.phase == Phase::Refreshing;
        self.step_to(Trigger::Refused);
        match refused {
            Refused::Password => {
                self.latch = self.password_fingerprint();
                self.keep(now);
                self.end_want(failure);
            }
            Refused::Digits => {
                let given = self.want.as_ref().map_or(0, |standing| standing.digits_given);
                let may_ask_again = matches!(self.config.mfa, MfaSource::Asked) && given < 2;
                if !may_ask_again {
                    self.end_want(failure);
                }
                self.forget_shared();
            }
            Refused::ComputedDigits => {
                self.computed_rejections += 1;
                if self.computed_rejections >= COMPUTED_TRIES {
                    self.latch = self.totp_fingerprint();
                    self.step_to(Trigger::LatchFound);
                } else if let Some(doubt) = self.doubt_fingerprint() {
                    self.rejected_elsewhere.insert(0, doubt);
                }
                self.keep(now);
                self.end_want(failure);
            }
            Refused::Refresh if was_usable => {
                if let Some(token) = &mut self.token {
                    token.refresh_refused = true;
                }
                self.tell_refused_token(now);
                self.end_want(failure);
            }
            // The token is dead, and the want that stands goes on to a sign-in.
            Refused::Refresh => {
                self.tell_refused_token(now);
                self.give_up_token();
                self.outputs.push_back(Output::Event(Event::SignInNeeded));
            }
        }
    }

    fn on_rate_limited(&mut self, flight: &Flight, wait: Duration, status: u16, now: Time) {
        self.settlements.push(Settlement::RateLimited(flight.ticket, now.monotonic + wait, now.monotonic));
        self.step_to(Trigger::Failed);
        let sentence = "the instance limits authentication requests, whoever sends them; nothing is sent before the time it asks for";
        let failure = Failure::new(FailureKind::MustWait, sentence).with_status(status);
        self.end_want(failure.with_retry_after(Some(wait)));
    }

    /// Neither yes nor no: the next attempt waits for its back-off, and a usable token stays.
    fn on_trouble(&mut self, told: Option<Duration>, now: Time, failure: Failure) {
        self.backoff.failed(told, now.monotonic, &mut self.draws);
        self.step_to(Trigger::Failed);
        let wait = self.backoff.until(now.monotonic).map(|until| until.since(now.monotonic));
        self.end_want(failure.with_retry_after(wait));
    }

    fn note_server_clock(&mut self, response: &Response<'_>, now: Time) {
        let Some(date) = response.date() else { return };
        // `Date` is cut to whole seconds: half a second later is the best guess.
        let ahead = date.as_millis().saturating_add(500).saturating_sub(now.unix.as_millis());
        let was_known = self.server_ahead_ms.is_some_and(|known| known.abs_diff(ahead) <= 30_000);
        self.server_ahead_ms = Some(ahead);
        if ahead.unsigned_abs() > 30_000 && !was_known {
            self.outputs.push_back(Output::Event(Event::SkewSeen { server_ahead_ms: ahead }));
        }
    }

    /// The server's text, unless it repeats something that was sent.
    fn quotable(&self, text: &str, challenge: &str) -> Option<alloc::string::String> {
        let credentials = self.config.credentials.as_ref();
        let sent = [
            credentials.map_or("", |credentials| credentials.username()),
            credentials.map_or("", |credentials| credentials.password().expose()),
            self.token.as_ref().map_or("", |token| token.secret.expose()),
            challenge,
        ];
        quotable(text, &sent)
    }
}
