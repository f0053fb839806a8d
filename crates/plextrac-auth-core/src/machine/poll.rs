//! What comes next: polling, the passing of time, and the gates a request has to pass before it is sent.

use super::{Machine, Settlement};
use crate::budget::{Budget, Closed};
use crate::credential::MfaSource;
use crate::failure::{Failure, FailureKind, TransportFailure};
use crate::output::{Event, Output, WaitReason};
use crate::table::{Phase, Trigger};
use crate::time::{Instant, Time};

/// What stands between a want and its request.
pub(super) enum Gate {
    Open,
    Closed(Instant, WaitReason),
}

impl Machine {
    /// The next output. Poll until [`Output::is_last`]; poll again when something was handed in or the
    /// moment of a [`Output::Wait`] has come. `budget` is the instance's, shared by all its machines.
    pub fn poll(&mut self, budget: &mut Budget, now: Time) -> Output {
        self.settle(budget);
        if self.outputs.is_empty() {
            self.pass_time(now);
            self.settle(budget);
        }
        if self.shared.write_due && !self.shared.is_unread() {
            self.keep(now);
        }
        if self.outputs.is_empty() {
            let output = self.decide(budget, now);
            // In front of what follows from it: a record is kept before its request is sent.
            self.outputs.push_front(output);
        }
        let output = self.outputs.pop_front().unwrap_or(Output::Idle);
        self.drained = output.is_last();
        output
    }

    /// What only time brings: answers that are overdue, challenges and tokens that end.
    fn pass_time(&mut self, now: Time) {
        if let Some(request) = self.outstanding.take_if(|request| now.monotonic >= request.deadline) {
            self.on_failure(&request, TransportFailure::Timeout, now);
        }
        self.end_challenge(now);
        self.end_tokens(now);
    }

    /// The last output of a drain, or a request that ends the drain's wait.
    fn decide(&mut self, budget: &mut Budget, now: Time) -> Output {
        self.is_blocked = false;
        if let Some(request) = &self.outstanding {
            return Output::Wait { until: request.deadline, reason: WaitReason::AnswerOutstanding };
        }
        if self.shared.is_unread() && (self.want.is_some() || self.shared.write_due) {
            self.shared.ask();
            return Output::ReadShared;
        }
        if self.want.is_none() {
            return self.rest(now);
        }
        match self.phase {
            Phase::AwaitingCode => self.decide_code(budget, now),
            Phase::Active => self.decide_active(budget, now),
            Phase::Suspect if self.tokens.holds_imported() && self.tokens.is_refresh_refused() => {
                // That was asked before, perhaps by another session.
                self.tokens.give_up(&self.key);
                self.step_to(Trigger::Expired);
                self.outputs.push_back(Output::Event(Event::SignInNeeded));
                self.decide_sign_in(budget, now)
            }
            Phase::Suspect => self.decide_refresh(budget, now),
            // A request that is out was dealt with above.
            _ => self.decide_sign_in(budget, now),
        }
    }

    /// Nothing is wanted.
    fn rest(&self, now: Time) -> Output {
        match (self.phase, &self.tokens.in_hand, &self.codes.challenge) {
            (Phase::AwaitingCode, _, Some(challenge)) => self.ask_for_code(challenge),
            (Phase::Active, Some(token), _)
                if now.monotonic < token.windows.refresh_at && !token.refresh_refused =>
            {
                Output::Wait { until: token.windows.refresh_at, reason: WaitReason::RefreshDue }
            }
            (Phase::Active, Some(token), _) => {
                Output::Wait { until: token.windows.unusable_at, reason: WaitReason::TokenEnds }
            }
            (Phase::Suspect, Some(token), _) => {
                Output::Wait { until: token.windows.ends_at, reason: WaitReason::TokenEnds }
            }
            _ => Output::Idle,
        }
    }

    fn decide_active(&mut self, budget: &mut Budget, now: Time) -> Output {
        let fresh = self.want.as_ref().is_some_and(|pending| pending.want.fresh);
        let is_due = !self.tokens.is_refresh_refused()
            && self.tokens.in_hand.as_ref().is_some_and(|token| now.monotonic >= token.windows.refresh_at);
        if !fresh && !is_due {
            self.want = None;
            return self.rest(now);
        }
        self.decide_refresh(budget, now)
    }

    fn decide_refresh(&mut self, budget: &mut Budget, now: Time) -> Output {
        if let Some(until) = self.backoff.until(now.monotonic) {
            return self.blocked(until, WaitReason::BackOff);
        }
        if let Gate::Closed(until, reason) = budget_gate(budget, 1, now) {
            return self.blocked(until, reason);
        }
        self.send_refresh(budget, now)
    }

    fn decide_sign_in(&mut self, budget: &mut Budget, now: Time) -> Output {
        if self.config.credentials.is_none() {
            let sentence =
                "the token has ended, and there is no password to get another with; hand in a new one";
            return self.end_with(Failure::new(FailureKind::SignInNeeded, sentence));
        }
        if self.is_locked_out() {
            if self.phase == Phase::SignedOut {
                self.step_to(Trigger::LockoutFound);
            }
            let sentence = "these credentials were rejected before, and this session does not send them again until they \
                            change or you allow it: repeated failures lock accounts";
            return self.end_with(Failure::new(FailureKind::Rejected, sentence));
        }
        if self.phase == Phase::LockedOut {
            self.step_to(Trigger::LockoutCleared);
        }
        if self.codes.are_needed == Some(true) && matches!(self.config.mfa, MfaSource::Unavailable) {
            let sentence = "the account needs a one-time code, and there is no person to ask and no TOTP secret; nothing was sent";
            return self.end_with(Failure::new(FailureKind::MfaRequired, sentence));
        }
        if let Some(until) = self.backoff.until(now.monotonic) {
            return self.blocked(until, WaitReason::BackOff);
        }
        if let Gate::Closed(until, reason) = self.code_gate(now) {
            return self.blocked(until, reason);
        }
        let places = if self.codes.are_needed == Some(false) { 1 } else { 2 };
        if let Gate::Closed(until, reason) = budget_gate(budget, places, now) {
            return self.blocked(until, reason);
        }
        self.send_sign_in(budget, places == 2, now)
    }

    /// A want stands and is not served before `until`. What has come by then is seen by a new look.
    pub(super) fn blocked(&mut self, until: Instant, reason: WaitReason) -> Output {
        self.is_blocked = true;
        self.look_again();
        Output::Wait { until, reason }
    }

    /// The want that stands ends without a new token.
    pub(super) fn end_want(&mut self, failure: Failure) {
        self.want = None;
        self.outputs.push_back(Output::Event(Event::Failed(failure)));
    }

    pub(super) fn end_with(&mut self, failure: Failure) -> Output {
        self.want = None;
        Output::Event(Event::Failed(failure))
    }

    /// The budget learns what came since the last poll.
    fn settle(&mut self, budget: &mut Budget) {
        for settlement in self.settlements.drain(..) {
            match settlement {
                Settlement::Answered(ticket, at) => budget.answered(ticket, at),
                Settlement::Hold(ticket, until) => budget.hold(ticket, until),
                Settlement::Release(ticket) => budget.release(ticket),
                Settlement::RateLimited(ticket, until, at) => budget.rate_limited(ticket, until, at),
            }
        }
    }
}

pub(super) fn budget_gate(budget: &Budget, places: u32, now: Time) -> Gate {
    let closed = match (places, budget.wait_until(now.monotonic)) {
        // The place for the second step is held already; the instance's own wait counts all the same.
        (0, Some(until)) => Err(Closed::RateLimited(until)),
        (0, None) => Ok(()),
        (places, _) => budget.check(places, now.monotonic),
    };
    match closed {
        Ok(()) => Gate::Open,
        Err(Closed::Full(until)) => Gate::Closed(until, WaitReason::Budget),
        Err(Closed::RateLimited(until)) => Gate::Closed(until, WaitReason::RateLimited),
    }
}
