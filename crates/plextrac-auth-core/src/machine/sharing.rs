//! What a machine knows of the processes that share its account, and what they have to know of it.

use super::{InputError, Machine};
use crate::backoff::Backoff;
use crate::credential::MfaSource;
use crate::output::{Event, Output};
use crate::record::{SharedBackoff, SharedRecord, SharedToken, Stamp};
use crate::request::{Call, RequestId};
use crate::table::{Phase, Trigger};
use crate::time::{Instant, Time, millis};
use crate::token::Generation;

impl Machine {
    /// What other processes have to know.
    pub(crate) fn shared_record(&self, now: Time) -> SharedRecord {
        let token = self.tokens.in_hand.as_ref().map(|token| SharedToken {
            token: token.secret.clone(),
            cookie: token.cookie.clone(),
            tenant_id: token.tenant_id,
            life_ms: millis(token.windows.life()),
            replaced_unauthorized_at: token.replaced_unauthorized_at,
            stamp: if token.is_doubtful { Stamp::UNKNOWN } else { self.stamp(token.windows.sent, now) },
        });
        SharedRecord {
            token: token.or_else(|| self.shared.set_aside.clone()),
            rejected: self.lockout.rejected(),
            totp_step: self.codes.spent_step,
            refused: self.tokens.refused(),
            issued: self.tokens.issued(),
            server_ahead_ms: self.server_clock.ahead_ms(),
            sign_outs: 0,
            rejection_resets: 0,
            doubted: self.doubted(),
            backoff: self.shared_backoff(now),
            needs_mfa: self.codes.are_needed,
        }
    }

    /// Takes out what a clearing of this session's rejections takes out.
    pub(crate) fn clear_in(&self, record: &mut SharedRecord) {
        self.clear_rejections_in(record);
        record.refused.retain(|refused| Some(*refused) != self.tokens.imported());
    }

    /// Whether a token is known to be dead here.
    pub(crate) fn gave_up(&self, token: &SharedToken) -> bool {
        self.tokens.is_dead(&token.token, &self.key)
    }

    /// Whether the record does not say yet what was learned here.
    pub(crate) const fn is_unshared(&self) -> bool {
        self.shared.is_unshared
    }

    /// What was learned here is in the record now. From here on the record decides.
    pub(crate) const fn note_shared_written(&mut self) {
        self.shared.is_unshared = false;
        self.note_clearing_written();
    }

    /// Another process signed out: its count is newer than the token in hand.
    pub(crate) fn sign_out_elsewhere(&mut self, _now: Time) -> Result<(), InputError> {
        self.take_input()?;
        let had_token = self.tokens.in_hand.is_some();
        if let Some(request) = self.outstanding.take() {
            self.release_held(&request);
            self.end_want(crate::failure::Failure::new(
                crate::failure::FailureKind::Cancelled,
                "the account was signed out by another session while this was under way; call again",
            ));
        }
        self.drop_challenge();
        self.tokens.in_hand = None;
        self.tokens.replaces_unauthorized = false;
        self.shared.set_aside = None;
        self.look_again();
        self.step_to(Trigger::SignOut);
        if had_token {
            self.outputs.push_back(Output::Event(Event::SignedOut));
        }
        Ok(())
    }

    /// Another process cleared what was rejected.
    pub(crate) fn forget_rejection_elsewhere(&mut self) -> Result<(), InputError> {
        self.take_input()?;
        self.clear_lockout();
        self.look_again();
        if self.phase == Phase::LockedOut {
            self.step_to(Trigger::LockoutCleared);
        }
        Ok(())
    }

    /// The call that is out.
    pub(crate) fn outstanding_call(&self) -> Option<Call> {
        self.outstanding.as_ref().map(|request| request.call)
    }

    /// The request that is out, and until when its answer is waited for.
    pub(crate) fn outstanding(&self) -> Option<(RequestId, Instant)> {
        self.outstanding.as_ref().map(|request| (request.id, request.deadline))
    }

    /// Whether a request is out.
    pub(crate) const fn is_outstanding(&self) -> bool {
        self.outstanding.is_some()
    }

    /// Until when a challenge waits for its code.
    pub(crate) fn challenge_until(&self) -> Option<Instant> {
        self.codes.challenge.as_ref().map(|challenge| challenge.until)
    }

    /// Which token is in hand.
    pub(crate) fn generation(&self) -> Option<Generation> {
        self.tokens.in_hand.as_ref().map(|token| token.generation)
    }

    /// The step of this moment, if codes are computed.
    pub(crate) fn current_totp_step(&self, now: Time) -> Option<u64> {
        match &self.config.mfa {
            MfaSource::Totp(secret) => Some(secret.step_at(self.server_clock.corrected(now))),
            MfaSource::Asked | MfaSource::Submitted | MfaSource::Unavailable => None,
        }
    }

    /// The coordinator polls to the end by itself. In between it may hand in more than one input.
    pub(crate) const fn allow_input(&mut self) {
        self.drained = true;
    }

    /// The back-off of all processes. While credentials are out it counts them as unanswered: a process that is killed
    /// again and again does not send a wrong password without end.
    fn shared_backoff(&self, now: Time) -> Option<SharedBackoff> {
        let carries_credentials =
            self.outstanding.as_ref().is_some_and(|request| matches!(request.call, Call::SignIn | Call::Mfa));
        let mut backoff = self.backoff.clone();
        if carries_credentials {
            backoff.count_unanswered(now.monotonic);
        }
        let (failures, until) = backoff.pending(now.monotonic)?;
        Some(SharedBackoff { failures, until: self.stamp(until, now) })
    }

    pub(super) fn restore_backoff(&mut self, shared: Option<&SharedBackoff>, now: Time) {
        if self.outstanding.is_some() || (shared.is_none() && self.backoff.is_local()) {
            return;
        }
        self.backoff = shared.map_or_else(Backoff::default, |shared| {
            // Of another clock it counts from now on, and no longer than a back-off is.
            let is_ours = shared.until.is_of(&self.config.boot) || shared.until.boot == self.config.boot;
            let until = if is_ours { shared.until.monotonic } else { now.monotonic };
            Backoff::restored(shared.failures, until, now.monotonic)
        });
    }
}
