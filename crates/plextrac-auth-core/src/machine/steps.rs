//! What comes next: polling, the passing of time, and the gates a request has to pass before it is sent.

use core::time::Duration;

use super::{Challenge, Machine, Settlement, SharedView};
use crate::budget::{Budget, Closed};
use crate::credential::{Digits, MfaSource};
use crate::failure::{Failure, FailureKind, TransportFailure};
use crate::output::{Event, Output, WaitReason};
use crate::table::{Phase, Trigger};
use crate::time::{Instant, Time};
use crate::totp::TotpSecret;

/// A step that has less than this left is not begun: the six digits would arrive in the next one.
const STEP_MARGIN: Duration = Duration::from_secs(3);
/// Digits handed in are not sent later than this: they would be of a step gone by, and rejections lock accounts.
const DIGITS_KEPT: Duration = Duration::from_secs(30);

/// What stands between a want and its request.
enum Gate {
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
        if self.keep_due && self.shared_view == SharedView::Read {
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
        if let Some(flight) = self.flight.take_if(|flight| now.monotonic >= flight.deadline) {
            self.on_failure(&flight, TransportFailure::Timeout, now);
        }
        if self.phase == Phase::AwaitingDigits
            && self.challenge.as_ref().is_none_or(|challenge| now.monotonic >= challenge.until)
        {
            self.drop_challenge();
            self.step_to(Trigger::ChallengeDropped);
            if self.want.as_ref().is_some_and(|standing| standing.knows_challenge) {
                self.end_want(Failure::new(
                    FailureKind::MfaRequired,
                    "six digits were needed, and came too late",
                ));
            }
        }
        self.notice_expiry(now);
        let Some(windows) = self.token.as_ref().map(|token| token.windows) else {
            return;
        };
        if self.phase == Phase::Suspect && now.monotonic >= windows.ends_at {
            self.token = None;
            self.step_to(Trigger::Expired);
            self.outputs.push_back(Output::Event(Event::SignInNeeded));
        }
    }

    /// A token that reached its hand-out limit is good for one refresh. An answer may come before a poll has seen that.
    pub(super) fn notice_expiry(&mut self, now: Time) {
        let is_over = self.token.as_ref().is_some_and(|token| now.monotonic >= token.windows.unusable_at);
        if is_over && matches!(self.phase, Phase::Active | Phase::Refreshing) {
            self.step_to(Trigger::Expiring);
        }
    }

    /// The last output of a drain, or a request that ends the drain's wait.
    fn decide(&mut self, budget: &mut Budget, now: Time) -> Output {
        self.blocked = false;
        if let Some(flight) = &self.flight {
            return Output::Wait { until: flight.deadline, reason: WaitReason::AnswerOutstanding };
        }
        if self.shared_view != SharedView::Read && (self.want.is_some() || self.keep_due) {
            self.shared_view = SharedView::Asked;
            return Output::ReadShared;
        }
        if self.want.is_none() {
            return self.rest(now);
        }
        match self.phase {
            Phase::AwaitingDigits => self.decide_digits(budget, now),
            Phase::Active => self.decide_active(budget, now),
            Phase::Suspect if self.holds_ready_made() && self.is_refresh_refused() => {
                // That was asked before, perhaps by another session.
                self.give_up_token();
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
        match (self.phase, &self.token, &self.challenge) {
            (Phase::AwaitingDigits, _, Some(challenge)) => self.need_digits(challenge),
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

    fn need_digits(&self, challenge: &Challenge) -> Output {
        let given = self.want.as_ref().map_or(0, |standing| standing.digits_given);
        Output::NeedDigits { until: challenge.until, attempt: given + 1 }
    }

    fn decide_active(&mut self, budget: &mut Budget, now: Time) -> Output {
        let fresh = self.want.as_ref().is_some_and(|standing| standing.want.fresh);
        let is_due = !self.is_refresh_refused()
            && self.token.as_ref().is_some_and(|token| now.monotonic >= token.windows.refresh_at);
        if !fresh && !is_due {
            self.want = None;
            return self.rest(now);
        }
        self.decide_refresh(budget, now)
    }

    fn is_refresh_refused(&self) -> bool {
        self.token.as_ref().is_some_and(|token| token.refresh_refused)
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

    fn decide_digits(&mut self, budget: &mut Budget, now: Time) -> Output {
        self.digits.take_if(|(_, given)| now.monotonic >= *given + DIGITS_KEPT);
        let Some(challenge) = &self.challenge else {
            return Output::Idle;
        };
        if let Some(standing) = &mut self.want {
            standing.knows_challenge = true;
        }
        if self.digits.is_none() {
            let MfaSource::Totp(secret) = &self.config.mfa else {
                return self.need_digits(challenge);
            };
            let unix = self.corrected_unix(now);
            let step = secret.step_at(unix);
            let next = self.free_step(secret, step, now.monotonic);
            if next > step {
                let until = now.monotonic + secret.until_step(next, unix);
                return self.blocked(until.min(challenge.until), WaitReason::TotpStep);
            }
        }
        let is_held = challenge.held.is_some_and(|held| budget.is_held(held, now.monotonic));
        let places = if is_held { 0 } else { 1 };
        if let Gate::Closed(until, reason) = budget_gate(budget, places, now) {
            return self.blocked(until, reason);
        }
        self.send_digits(budget, now)
    }

    fn decide_sign_in(&mut self, budget: &mut Budget, now: Time) -> Output {
        if self.config.credentials.is_none() {
            let sentence =
                "the token has ended, and there is no password to get another with; hand in a new one";
            return self.end_with(Failure::new(FailureKind::SignInNeeded, sentence));
        }
        if self.is_latched() {
            if self.phase == Phase::SignedOut {
                self.step_to(Trigger::LatchFound);
            }
            let sentence = "these credentials were rejected before, and this session does not send them again until they \
                            change or you allow it: repeated failures lock accounts";
            return self.end_with(Failure::new(FailureKind::Rejected, sentence));
        }
        if self.phase == Phase::Latched {
            self.step_to(Trigger::Forgiven);
        }
        if let Some(until) = self.backoff.until(now.monotonic) {
            return self.blocked(until, WaitReason::BackOff);
        }
        if let Gate::Closed(until, reason) = self.mfa_gate(now) {
            return self.blocked(until, reason);
        }
        let places = if self.needs_mfa == Some(false) { 1 } else { 2 };
        if let Gate::Closed(until, reason) = budget_gate(budget, places, now) {
            return self.blocked(until, reason);
        }
        self.send_sign_in(budget, places == 2, now)
    }

    /// Whether it is wise to begin a sign-in whose second step needs six digits.
    fn mfa_gate(&self, now: Time) -> Gate {
        let MfaSource::Totp(secret) = &self.config.mfa else {
            let asked_elsewhere = self.asked_elsewhere_until.filter(|until| *until > now.monotonic);
            return asked_elsewhere
                .map_or(Gate::Open, |until| Gate::Closed(until, WaitReason::AskedElsewhere));
        };
        if self.needs_mfa == Some(false) {
            return Gate::Open;
        }
        let unix = self.corrected_unix(now);
        let step = secret.step_at(unix);
        let next = self.free_step(secret, step, now.monotonic);
        if next > step {
            return Gate::Closed(now.monotonic + secret.until_step(next, unix), WaitReason::TotpStep);
        }
        let left = secret.until_step(step + 1, unix);
        let next_begins = now.monotonic + left;
        let is_allowed = self.want.as_ref().is_none_or(|standing| {
            standing.want.deadline.is_none_or(|deadline| next_begins + STEP_MARGIN < deadline)
        });
        if left < STEP_MARGIN && is_allowed {
            return Gate::Closed(next_begins, WaitReason::TotpStep);
        }
        Gate::Open
    }

    /// The first step from `step` on that was not spent. A memory far ahead of the clock says that the clock
    /// was wrong when it was made; waiting for it could take days.
    fn free_step(&self, secret: &TotpSecret, step: u64, now: Instant) -> u64 {
        let spent = self.totp_step.filter(|spent| *spent >= step && *spent - step <= 10);
        let mut free = spent.map_or(step, |spent| spent + 1);
        // A clock that went back and came forward again has lost that memory, but the digits are known.
        while self.were_spent(&secret.digits(free), now) {
            free += 1;
        }
        free
    }

    /// Whether these digits were sent so lately that they are not sent again.
    pub(super) fn were_spent(&self, digits: &Digits, now: Instant) -> bool {
        let mut spent = self.spent_digits.iter().filter(|(_, until)| now < *until).peekable();
        if spent.peek().is_none() {
            return false;
        }
        let print = self.key.of(&[digits.secret().expose().as_bytes()]);
        spent.any(|(spent, _)| *spent == print)
    }

    /// A want stands and is not served before `until`. What has come by then is seen by a new look.
    fn blocked(&mut self, until: Instant, reason: WaitReason) -> Output {
        self.blocked = true;
        self.forget_shared();
        Output::Wait { until, reason }
    }

    /// What the shared record said is too old to decide by.
    pub(super) fn forget_shared(&mut self) {
        self.shared_view = if self.config.has_store { SharedView::Unread } else { SharedView::Read };
    }

    /// The want that stands ends without a new token.
    pub(super) fn end_want(&mut self, failure: Failure) {
        self.want = None;
        self.outputs.push_back(Output::Event(Event::Failed(failure)));
    }

    fn end_with(&mut self, failure: Failure) -> Output {
        self.want = None;
        Output::Event(Event::Failed(failure))
    }

    /// Tells the budget what came since the last poll.
    fn settle(&mut self, budget: &mut Budget) {
        for settlement in self.settlements.drain(..) {
            match settlement {
                Settlement::Answered(ticket, at) => budget.answered(ticket, at),
                Settlement::Release(ticket) => budget.release(ticket),
                Settlement::RateLimited(ticket, until, at) => budget.rate_limited(ticket, until, at),
            }
        }
    }
}

fn budget_gate(budget: &Budget, places: u32, now: Time) -> Gate {
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
