//! The second step of a sign-in: the challenge in hand, and the one-time code that answers it.

use alloc::vec::Vec;
use core::time::Duration;

use super::poll::{Gate, budget_gate};
use super::sending::AnsweredChallenge;
use super::{InputError, Machine, PendingWant, Settlement, Want};
use crate::budget::{Budget, Ticket};
use crate::credential::{MfaSource, OneTimeCode};
use crate::failure::{Failure, FailureKind};
use crate::fingerprint::Fingerprint;
use crate::output::{Output, WaitReason};
use crate::secret::Secret;
use crate::table::{Phase, Trigger};
use crate::time::{Instant, Time};

/// How long a challenge is believed to live; nothing is documented, so a person is asked at once.
pub const CHALLENGE_LIFE: Duration = Duration::from_secs(120);
/// A code that was handed in is not sent later than this: its step would be over, and rejections lock accounts.
const CODE_KEPT: Duration = Duration::from_secs(30);
/// How long a code that was sent is not sent again: its step, and one to each side.
const CODE_SPENT: Duration = Duration::from_secs(90);

/// The challenge, the codes for it, and what was spent.
#[derive(Default)]
pub(super) struct OneTimeCodes {
    pub(super) challenge: Option<Challenge>,
    /// A code that was handed in and not sent yet, and when it was.
    submitted: Option<(OneTimeCode, Instant)>,
    /// Codes that were sent, each not to be sent again until a moment.
    spent: Vec<(Fingerprint, Instant)>,
    /// The last TOTP step whose code was sent, here or elsewhere.
    pub(super) spent_step: Option<u64>,
    /// Whether the account's last sign-in needed a code.
    pub(super) are_needed: Option<bool>,
}

/// The password was right; this answers for it in the second step.
pub(super) struct Challenge {
    pub(super) code: Secret,
    pub(super) until: Instant,
    /// The place in the budget for the second step.
    pub(super) held: Option<Ticket>,
}

impl Machine {
    /// A one-time code for the challenge in hand.
    ///
    /// # Errors
    /// [`InputError::CodeNotAskedFor`] without a challenge, or if it is over two minutes old: sign in again;
    /// [`InputError::CodeSpent`] if it was sent before; [`InputError::MustDrain`].
    pub fn submit_code(&mut self, code: OneTimeCode, now: Time) -> Result<(), InputError> {
        let is_open = self.codes.challenge.as_ref().is_some_and(|challenge| now.monotonic < challenge.until);
        if !self.drained {
            return Err(InputError::MustDrain);
        }
        if self.phase != Phase::AwaitingCode || !is_open {
            return Err(InputError::CodeNotAskedFor);
        }
        if self.was_spent(&code, now.monotonic) {
            return Err(InputError::CodeSpent);
        }
        self.take_input()?;
        self.codes.submitted = Some((code, now.monotonic));
        // A person took a while: another session may have a token by now.
        self.look_again();
        self.want.get_or_insert(PendingWant::new(Want::default())).codes_given += 1;
        Ok(())
    }

    /// No code will be handed in: the challenge is dropped.
    ///
    /// # Errors
    /// [`InputError::WrongState`] without a challenge; [`InputError::MustDrain`].
    pub fn abandon_mfa(&mut self) -> Result<(), InputError> {
        self.check(self.phase == Phase::AwaitingCode)?;
        self.drop_challenge();
        self.step_to(Trigger::ChallengeDropped);
        // Other sessions wait for this answer. What they wrote meanwhile is read before it is overwritten.
        self.shared.write_due = self.config.has_store;
        self.look_again();
        self.end_want(Failure::new(
            FailureKind::MfaRequired,
            "a one-time code is needed, and none was given",
        ));
        Ok(())
    }

    /// Whether a sign-in needs nobody: no code at all, or one that is computed.
    pub(crate) fn can_sign_in_alone(&self) -> bool {
        let has_code = self.needs_no_code() || matches!(self.config.mfa, MfaSource::Totp(_));
        self.config.credentials.is_some() && has_code && !self.is_locked_out()
    }

    /// Whether the account is known to sign in without a one-time code.
    pub(crate) fn needs_no_code(&self) -> bool {
        self.codes.are_needed == Some(false)
    }

    pub(super) fn take_challenge(&mut self, code: Secret, held: Option<Ticket>, now: Time) {
        self.codes.are_needed = Some(true);
        self.codes.challenge = Some(Challenge { code, until: now.monotonic + CHALLENGE_LIFE, held });
        self.step_to(Trigger::Challenged);
        self.keep(now);
    }

    pub(super) fn drop_challenge(&mut self) {
        self.codes.submitted = None;
        if let Some(ticket) = self.codes.challenge.take().and_then(|challenge| challenge.held) {
            self.settlements.push(Settlement::Release(ticket));
        }
    }

    /// A code that waits is of a step long gone by the next want.
    pub(super) fn drop_submitted_code(&mut self) {
        self.codes.submitted = None;
    }

    /// A challenge ends by itself.
    pub(super) fn end_challenge(&mut self, now: Time) {
        let is_over = self.codes.challenge.as_ref().is_none_or(|challenge| now.monotonic >= challenge.until);
        if self.phase != Phase::AwaitingCode || !is_over {
            return;
        }
        let has_code = self.codes.submitted.is_some() || matches!(self.config.mfa, MfaSource::Totp(_));
        self.drop_challenge();
        self.step_to(Trigger::ChallengeDropped);
        if self.want.as_ref().is_some_and(|pending| pending.knows_challenge) {
            self.end_want(if has_code {
                code_not_sent(None)
            } else {
                Failure::new(FailureKind::MfaRequired, "a one-time code was needed, and came too late")
            });
        }
    }

    /// A challenge that ends before its code may be sent.
    fn end_unsent_challenge(&mut self, wait: Option<Duration>) -> Output {
        self.drop_challenge();
        self.step_to(Trigger::ChallengeDropped);
        self.end_with(code_not_sent(wait))
    }

    /// What a challenge waits for: a code, the next TOTP step, a place in the budget.
    pub(super) fn decide_code(&mut self, budget: &mut Budget, now: Time) -> Output {
        self.codes.submitted.take_if(|(_, given)| now.monotonic >= *given + CODE_KEPT);
        let Some(challenge) = &self.codes.challenge else {
            return Output::Idle;
        };
        if let Some(pending) = &mut self.want {
            pending.knows_challenge = true;
        }
        if self.codes.submitted.is_none() {
            let MfaSource::Totp(secret) = &self.config.mfa else {
                return self.ask_for_code(challenge);
            };
            if let Some(until) = self.next_free_step(secret, now) {
                return self.blocked(until.min(challenge.until), WaitReason::TotpStep);
            }
        }
        let is_held = challenge.held.is_some_and(|held| budget.is_held(held, now.monotonic));
        let places = if is_held { 0 } else { 1 };
        match budget_gate(budget, places, now) {
            Gate::Open => self.send_code(budget, now),
            // Such a wait becomes no shorter.
            Gate::Closed(until, WaitReason::RateLimited) if until >= challenge.until => {
                self.end_unsent_challenge(Some(until.since(now.monotonic)))
            }
            Gate::Closed(until, reason) => self.blocked(until.min(challenge.until), reason),
        }
    }

    pub(super) fn ask_for_code(&self, challenge: &Challenge) -> Output {
        let given = self.want.as_ref().map_or(0, |pending| pending.codes_given);
        Output::NeedCode { until: challenge.until, attempt: given + 1 }
    }

    /// The code to send for the challenge in hand; with it the code that was handed in, unless this one was computed. From
    /// here on it is spent.
    pub(super) fn spend_code(&mut self, now: Time) -> Option<(OneTimeCode, Option<(OneTimeCode, Instant)>)> {
        let submitted = self.codes.submitted.take();
        let code = match (&submitted, &self.config.mfa) {
            (Some((code, _)), _) => code.clone(),
            (None, MfaSource::Totp(secret)) => {
                let step = secret.step_at(self.server_clock.corrected(now));
                self.codes.spent_step = Some(step);
                secret.code(step)
            }
            (None, _) => return None,
        };
        let print = self.code_fingerprint(&code);
        self.codes.spent.retain(|(_, until)| now.monotonic < *until);
        self.codes.spent.push((print, now.monotonic + CODE_SPENT));
        Some((code, submitted))
    }

    /// A code was not sent after all: it and its challenge are as they were before.
    pub(super) fn restore_challenge(&mut self, answered: AnsweredChallenge) {
        if let Some(ticket) = answered.challenge.held {
            self.settlements.push(Settlement::Hold(ticket, answered.challenge.until));
        }
        self.codes.spent.pop();
        self.codes.spent_step = answered.step_before;
        self.codes.challenge = Some(answered.challenge);
        self.codes.submitted = answered.submitted;
    }

    /// Whether a code was sent so lately that it is not sent again.
    pub(super) fn was_spent(&self, code: &OneTimeCode, now: Instant) -> bool {
        let mut spent = self.codes.spent.iter().filter(|(_, until)| now < *until).peekable();
        if spent.peek().is_none() {
            return false;
        }
        let print = self.code_fingerprint(code);
        spent.any(|(spent, _)| *spent == print)
    }

    fn code_fingerprint(&self, code: &OneTimeCode) -> Fingerprint {
        self.key.of(&[code.secret().expose().as_bytes()])
    }
}

fn code_not_sent(wait: Option<Duration>) -> Failure {
    let sentence = "the one-time code could not be sent before its challenge ended; sign in again";
    Failure::new(FailureKind::MustWait, sentence).with_retry_after(wait)
}
