//! Single-flight: one attempt serves all callers of an account.
//!
//! A caller that needs a token joins the attempt that is under way, or starts one. The attempt's end wakes them all.

use core::time::Duration;

use super::account::Account;
use super::callers::{Caller, Need, Purpose};
use super::output::Action;
use super::{Coordinator, Position};
use crate::credential::MfaSource;
use crate::failure::{Failure, FailureKind};
use crate::machine::Want;
use crate::output::WaitReason;
use crate::refresh_window::Age;
use crate::time::Time;
use crate::token::Token;

impl Coordinator {
    /// Has the machine want a token if somebody needs one.
    pub(super) fn start_attempt(&mut self, now: Time) -> bool {
        self.abandoned.take_if(|(_, deadline)| now.monotonic >= *deadline);
        let is_needed = self.callers.waiting.iter().any(|caller| matches!(caller.purpose, Purpose::Token(_)));
        if self.is_closed
            || self.machine.is_wanted()
            || self.machine.is_outstanding()
            || self.callers.is_asking()
        {
            return false;
        }
        if self.abandoned.is_some() {
            return false;
        }
        let is_refresh = core::mem::take(&mut self.is_refresh_wanted);
        if !is_needed && !is_refresh {
            return false;
        }
        // An attempt that was joined may have been about something else; the one after it is about this.
        let tired =
            self.callers.take(|caller| matches!(caller.purpose, Purpose::Token(_)) && caller.attempts == 3);
        for caller in tired {
            let result = Err(signed_out_meanwhile());
            self.outputs.push_back(Action::Wake { caller: caller.id, result });
        }
        let held = self.machine.usable_token(now).map(Token::generation);
        let mut fresh = is_refresh && held.is_some() && self.refreshed_early == held;
        for caller in &mut self.callers.waiting {
            if let Purpose::Token(need) = caller.purpose {
                caller.attempts += 1;
                fresh |= held.is_some() && need == Need::NewerThan(held);
            }
        }
        let deadline = self.callers.latest_deadline(now);
        self.input().want(Want { fresh, deadline }).is_ok()
    }

    /// Wakes the callers that have what they need, and those whose time is over.
    pub(super) fn serve_callers(&mut self, now: Time) -> bool {
        let (usable, generation) = (self.machine.usable_token(now).is_some(), self.machine.generation());
        let age = self.machine.usable_token(now).map(|token| token.windows().age(now.monotonic));
        let is_quiet = now.monotonic < self.quiet_until();
        let (is_settled, is_restless) =
            (!self.is_attempting() && is_quiet, !self.is_attempting() && !is_quiet);
        let serves = |need| match need {
            _ if !usable => false,
            Need::NewerThan(held) => generation != held,
            Need::Usable => age != Some(Age::Late) || is_settled,
        };
        let asked = self.callers.asked(now);
        let is_asking = self.callers.is_asking();
        let mut has_woken = false;
        let served = self.callers.take(|caller| match caller.purpose {
            Purpose::Token(need) => serves(need),
            Purpose::Code => usable,
            Purpose::Change(_) | Purpose::Look => false,
        });
        for caller in served {
            has_woken = true;
            let is_early = age == Some(Age::Early) && matches!(caller.purpose, Purpose::Token(Need::Usable));
            self.is_refresh_wanted |= is_early && is_restless;
            self.refresh_after_third(now);
            self.outputs.push_back(Action::Wake { caller: caller.id, result: Ok(()) });
        }
        // A person types for as long as it takes: whatever ends that wakes the callers.
        let late = self.callers.take(|caller| !is_asking && now.awake >= caller.deadline(asked));
        for caller in late {
            has_woken = true;
            // A token that still lives is better than a timeout.
            let is_served = usable && caller.purpose == Purpose::Token(Need::Usable);
            let result = if is_served { Ok(()) } else { Err(self.timed_out()) };
            self.outputs.push_back(Action::Wake { caller: caller.id, result });
        }
        has_woken
    }

    /// Wakes those who waited for an attempt that ended without a token.
    pub(super) fn end_attempt(&mut self, now: Time) -> bool {
        let Some(failure) = self.ended.take() else { return false };
        let usable = self.machine.usable_token(now).is_some();
        let asked = self.callers.asked(now);
        // The instance answered with a rate limit. A caller that may wait for its end stays for the next attempt.
        let wait = failure.retry_after().filter(|_| failure.kind() == FailureKind::MustWait);
        let stays = |caller: &Caller| {
            let may_wait = wait.is_some_and(|wait| now.awake + wait <= caller.wait_limit(asked));
            may_wait && matches!(caller.purpose, Purpose::Token(_))
        };
        for caller in self.callers.take(|caller| caller.needs_token() && !stays(caller)) {
            let is_served = usable && caller.purpose == Purpose::Token(Need::Usable);
            let result = if is_served { Ok(()) } else { Err(failure.clone()) };
            self.outputs.push_back(Action::Wake { caller: caller.id, result });
        }
        for caller in &mut self.callers.waiting {
            caller.attempts = caller.attempts.saturating_sub(1);
        }
        true
    }

    /// An attempt that has sent nothing, or waits for a moment, ends when nobody needs it. (The attempt of a caller whose
    /// time is over goes on: the next caller needs its result.)
    pub(super) fn withdraw_if_unneeded(&mut self, now: Time) -> bool {
        let is_needed = self.callers.need_token() || self.is_refresh_wanted || self.is_wanted_by_program;
        if is_needed || !self.machine.is_wanted() || self.callers.is_asking() {
            return false;
        }
        match self.position {
            Position::Blocked { .. } | Position::ReadShared => {}
            _ if self.is_unsent() => self.take_back_unsent(now),
            _ => return false,
        }
        self.input().withdraw().is_ok()
    }

    /// Wakes those who may not wait so long.
    pub(super) fn refuse_waits(&mut self, wait: Duration, reason: WaitReason, now: Time) -> bool {
        let asked = self.callers.asked(now);
        let usable = self.machine.usable_token(now).is_some();
        let refused = self.callers.take(|caller| {
            let allowed = match reason {
                WaitReason::TotpStep => caller.deadline(asked),
                _ => caller.wait_limit(asked),
            };
            caller.needs_token() && now.awake + wait > allowed
        });
        let has_woken = !refused.is_empty();
        let is_computed = matches!(self.machine.config().mfa, MfaSource::Totp(_));
        for caller in refused {
            let is_served = usable && caller.purpose == Purpose::Token(Need::Usable);
            let error = if self.is_code_refused {
                code_refused(is_computed, wait, reason)
            } else {
                must_wait(wait, reason)
            };
            let result = if is_served { Ok(()) } else { Err(error) };
            self.outputs.push_back(Action::Wake { caller: caller.id, result });
        }
        has_woken
    }

    /// A program that runs once meets no refresh window: it refreshes when a third of the token's life is over, once for
    /// each token.
    fn refresh_after_third(&mut self, now: Time) {
        let Some(token) = self.machine.usable_token(now).filter(|_| self.machine.config().refreshes_early)
        else {
            return;
        };
        let windows = token.windows();
        let is_due = now.monotonic >= windows.sent + windows.ends_at.since(windows.sent) / 3;
        let generation = Some(token.generation());
        if is_due && !self.machine.is_outstanding() && self.refreshed_early != generation {
            self.refreshed_early = generation;
            self.is_refresh_wanted = true;
        }
    }

    fn timed_out(&self) -> Failure {
        let sentence = match self.account.as_ref().and_then(Account::live_claim) {
            Some(_) => {
                "no token came in time; another process works for this account, and its result is kept for the next call"
            }
            None => "no token came in time; the attempt goes on, and its result is kept for the next call",
        };
        Failure::new(FailureKind::Timeout, sentence)
    }
}

fn must_wait(wait: Duration, reason: WaitReason) -> Failure {
    let sentence = alloc::format!("nothing may be sent yet: {}", reason.as_str());
    Failure::new(FailureKind::MustWait, sentence).with_retry_after(Some(wait))
}

/// The server refused the code of this attempt, and the next one is not possible yet.
fn code_refused(is_computed: bool, wait: Duration, reason: WaitReason) -> Failure {
    let cause = if is_computed {
        "another program used the code of this TOTP step, or the TOTP secret or this machine's clock is wrong"
    } else {
        "it was mistyped, is out of date, or was used before"
    };
    let reason = reason.as_str();
    let sentence = alloc::format!(
        "the server refused the one-time code: {cause}; the next attempt has to wait: {reason}"
    );
    Failure::new(FailureKind::MfaRejected, sentence).with_next_attempt(wait)
}

fn signed_out_meanwhile() -> Failure {
    Failure::new(
        FailureKind::Cancelled,
        "there is no token: the session was signed out meanwhile; call again",
    )
}
