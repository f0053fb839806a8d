//! Keeping a session alive while no caller needs it.
//!
//! A keeper refreshes the token when half of its life is over, so that the session survives five minutes without a
//! network. It claims the account for that as every process does, and stays within the budget. Between two refreshes it
//! does nothing but watch the account's record.
//!
//! An account has one keeper, and the record names it. A second one stands by: if its end is later, it writes that into
//! the record, and the first one goes on until then. It takes over when the process of the first one is gone, or when
//! the first one lets the token come into its last minute.
//!
//! ```text
//!  keep ─► read the record ─┬─ no keeper ───► write the entry ──► refresh at half of the life, again and again
//!                           └─ another one ─► stand by ── it is gone, or late ──▲
//! ```

use alloc::string::String;
use core::time::Duration;

use super::output::{Action, Wait, Watch};
use super::{Account, Coordinator};
use crate::claim::ClaimOwner;
use crate::failure::{Failure, FailureKind};
use crate::keeper_entry::KeeperEntry;
use crate::machine::InputError;
use crate::output::Event;
use crate::time::{Instant, Time};
use crate::token::Generation;

/// The session is to be kept alive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keep {
    /// Until when. If the record names a later end, that end counts.
    pub until: Instant,
    /// Names this process for people, such as `process 4711 on build-1`; 128 bytes of it at most.
    pub label: String,
    /// Whether to wait for a token while there is none. Otherwise keeping ends then.
    pub waits: bool,
}

/// The keeper of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keeper {
    /// When it ends.
    pub until: Instant,
    /// Names it for people.
    pub label: String,
    /// Names its session in the store; none if it is this one.
    pub other: Option<ClaimOwner>,
}

/// Why a session is not kept alive any more. A coordinator that [waits](Keep::waits) goes on with the next token, unless
/// the time is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeepEnd {
    /// The time that was asked for is over.
    TimeOver,
    /// The account was signed out, here or by another process.
    SignedOut,
    /// The session ended, and there is no way to go on without a person.
    Failed(Failure),
}

/// What a coordinator knows of its keeping.
pub(super) struct Keeping {
    until: Instant,
    label: String,
    waits: bool,
    stage: Stage,
    /// The keeper that this one stands by for.
    other: Option<ClaimOwner>,
    /// No refresh is begun before.
    not_before: Instant,
    /// The record is not looked at before, if its version is unknown.
    next_look: Instant,
    news: Option<News>,
    reported: Option<Keeper>,
}

/// Where a keeper stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// There is no token; or there is the one with which keeping has ended.
    Waiting(Option<Generation>),
    /// The record is to be read.
    Unread,
    /// The read is due or under way.
    Asked,
    /// The session is kept, or another keeper stands in the record.
    Keeping,
}

/// What came of the last attempt, by this keeper or a caller.
enum News {
    SignedOut,
    Failed(Failure),
}

/// Between two refreshes that start nothing, as another process has claimed the account.
const PAUSE: Duration = Duration::from_secs(1);
/// After a failure that names no time, and between two looks at a record that cannot be read.
const LONG_PAUSE: Duration = Duration::from_secs(10);
/// Two moments that are no further apart are the same: they may have come by way of another clock.
const SAME: Duration = Duration::from_secs(1);

impl Keeping {
    fn new(keep: Keep) -> Self {
        let never = Instant::from_millis(0);
        Self {
            until: keep.until,
            label: keep.label,
            waits: keep.waits,
            stage: Stage::Unread,
            other: None,
            not_before: never,
            next_look: never,
            news: None,
            reported: None,
        }
    }
}

impl Coordinator {
    /// Keeps the session alive: its token is refreshed in time though no caller needs it. Events say
    /// [that it is kept](Event::Kept) and [that it ended](Event::KeepEnded). A second call sets the later end.
    ///
    /// # Errors
    /// [`InputError::WrongState`] if the coordinator was closed; [`InputError::MustDrain`].
    pub fn keep(&mut self, keep: Keep) -> Result<(), InputError> {
        self.take_open_input()?;
        match &mut self.keeping {
            None => self.keeping = Some(Keeping::new(keep)),
            Some(keeping) => {
                keeping.until = keeping.until.max(keep.until);
                keeping.waits |= keep.waits;
                keeping.label = keep.label;
                if keeping.stage == Stage::Keeping {
                    keeping.stage = Stage::Unread;
                }
            }
        }
        Ok(())
    }

    /// The session is not kept alive any more, at least not by this process. There is no event.
    ///
    /// # Errors
    /// [`InputError::MustDrain`].
    pub fn stop_keeping(&mut self) -> Result<(), InputError> {
        self.take_input()?;
        self.end_keeping();
        Ok(())
    }

    /// Which process keeps the session alive, as far as is known. Whether that process lives, only the store can know.
    #[must_use]
    pub fn keeper(&self, now: Time) -> Option<Keeper> {
        if let Some(account) = &self.account {
            let entry = account.record.keeper(&account.config.identity)?;
            let until = entry.ends_at(&account.store_now(now), now)?;
            let other = (entry.owner != account.config.owner).then_some(entry.owner);
            return Some(Keeper { until, label: entry.label.clone(), other });
        }
        let keeping = self.keeping.as_ref().filter(|keeping| keeping.stage == Stage::Keeping)?;
        Some(Keeper { until: keeping.until, label: keeping.label.clone(), other: None })
    }

    /// Keeping ends without an event.
    pub(super) fn end_keeping(&mut self) {
        self.keeping = None;
        self.withdraw_entry();
    }

    /// One step of keeping. Returns whether it changed something that the others have to look at.
    pub(super) fn keep_session(&mut self, now: Time) -> bool {
        let is_stored =
            self.account.as_ref().is_none_or(|account| account.is_settled() && !account.is_look_due);
        let is_busy = !is_stored || self.is_attempting() || self.is_refresh_wanted;
        let generation = self.machine.generation();
        let Some(keeping) = &mut self.keeping else { return false };
        if now.monotonic >= keeping.until {
            return self.finish_keeping(KeepEnd::TimeOver);
        }
        // Before anything is written that would name this keeper again.
        if keeping.news.take_if(|news| matches!(news, News::SignedOut)).is_some() {
            return self.finish_keeping(KeepEnd::SignedOut);
        }
        if is_busy {
            return false;
        }
        if let Some(News::Failed(failure)) = keeping.news.take() {
            return self.weigh_failure(failure, now);
        }
        match keeping.stage {
            Stage::Waiting(ended_with) if generation.is_none() || generation == ended_with => false,
            Stage::Waiting(_) => {
                keeping.stage = Stage::Unread;
                true
            }
            Stage::Unread => {
                keeping.stage = Stage::Asked;
                keeping.next_look = now.monotonic + LONG_PAUSE;
                self.account.iter_mut().for_each(|account| account.is_look_due = true);
                true
            }
            // The record could not be read, or there is none.
            Stage::Asked => {
                keeping.stage = Stage::Keeping;
                true
            }
            Stage::Keeping if generation.is_none() => {
                self.look_again_if_lost(now) || self.go_on_without_token(now)
            }
            Stage::Keeping => {
                self.look_again_if_lost(now) || self.refresh_if_due(now) || self.report_keeper(now)
            }
        }
    }

    /// What was read says who keeps the session.
    pub(super) fn meet_keeper(&mut self, now: Time) {
        let has_token = self.machine.generation().is_some();
        let (Some(account), Some(keeping)) = (&mut self.account, &mut self.keeping) else { return };
        let is_signed_out = matches!(keeping.news, Some(News::SignedOut));
        if is_signed_out || matches!(keeping.stage, Stage::Waiting(_)) {
            return;
        }
        keeping.stage = Stage::Keeping;
        let store_now = account.store_now(now);
        let entry = account.record.keeper(&account.config.identity);
        let entry = entry.and_then(|entry| Some((entry.owner, entry.ends_at(&store_now, now)?)));
        match entry {
            Some((owner, ends)) if owner == account.config.owner => {
                keeping.other = None;
                if ends > keeping.until + SAME {
                    keeping.until = ends;
                }
                account.is_write_due |= keeping.until > ends + SAME;
            }
            Some((owner, ends)) => {
                keeping.other = Some(owner);
                account.is_write_due |= keeping.until > ends + SAME;
            }
            None => {
                keeping.other = None;
                account.is_write_due |= has_token;
            }
        }
    }

    /// What the record is to say of the session's keeper.
    pub(super) fn keeper_to_write(&self, now: Time) -> Option<KeeperEntry> {
        let account = self.account.as_ref().filter(|account| !account.owes_sign_out)?;
        let (own, store_now) = (account.config.owner, account.store_now(now));
        let known = account.record.keeper(&account.config.identity).cloned();
        let known = known.filter(|entry| entry.ends_at(&store_now, now).is_some());
        let keeping = self.keeping.as_ref().filter(|keeping| !matches!(keeping.stage, Stage::Waiting(_)));
        match keeping {
            None => known.filter(|entry| entry.owner != own),
            Some(keeping) if keeping.stage != Stage::Keeping => known,
            Some(keeping) if keeping.other.is_some() => known.map(|mut entry| {
                if entry.ends_at(&store_now, now).is_some_and(|ends| keeping.until > ends + SAME) {
                    entry.set_until(keeping.until, &store_now, now);
                }
                entry
            }),
            Some(keeping) => Some(KeeperEntry::new(own, &keeping.label, keeping.until, &store_now, now)),
        }
    }

    /// The store knows that the process of this session is gone.
    pub(super) fn keeper_is_gone(&mut self, owner: ClaimOwner) {
        let (Some(account), Some(keeping)) = (&mut self.account, &mut self.keeping) else { return };
        if keeping.other == Some(owner) {
            keeping.other = None;
            account.is_write_due = true;
        }
    }

    /// An event may end what is kept, or say when to go on.
    pub(super) fn note_for_keeper(&mut self, event: &Event) {
        let Some(keeping) = &mut self.keeping else { return };
        if matches!(keeping.stage, Stage::Waiting(_)) {
            return;
        }
        match event {
            Event::SignedOut => keeping.news = Some(News::SignedOut),
            Event::Failed(failure) if !matches!(keeping.news, Some(News::SignedOut)) => {
                keeping.news = Some(News::Failed(failure.clone()));
            }
            // Before it gives up it looks whether another process has a token.
            Event::SignInNeeded if keeping.stage == Stage::Keeping => keeping.stage = Stage::Unread,
            Event::SignedIn { .. } | Event::TokenReplaced { .. } | Event::Adopted { .. } => {
                keeping.news.take_if(|news| matches!(news, News::Failed(_)));
            }
            _ => {}
        }
    }

    /// The budget, a rate limit or a back-off has no place for a refresh before that moment.
    pub(super) fn note_blocked_for_keeper(&mut self, until: Instant) {
        if let Some(keeping) = &mut self.keeping {
            keeping.not_before = keeping.not_before.max(until);
        }
    }

    /// When there is something to do for what is kept, and what is watched meanwhile.
    pub(super) fn wait_for_keeper(&self, wait: &mut Wait, now: Time) {
        let Some(keeping) = &self.keeping else { return };
        wait.no_later_than(keeping.until);
        let is_stored = self.account.as_ref().is_none_or(Account::is_settled);
        if keeping.stage != Stage::Keeping || self.is_attempting() || !is_stored {
            return;
        }
        wait.no_later_than(self.refresh_due(keeping, now));
        let Some(account) = &self.account else { return };
        match (account.version, &mut wait.watch) {
            (None, _) => wait.no_later_than(keeping.next_look),
            (Some(version), none @ None) => {
                *none = Some(Watch { version, owner: keeping.other, is_urgent: false });
            }
            (Some(_), Some(watch)) => watch.owner = watch.owner.or(keeping.other),
        }
    }

    /// The record could not be read, or written: it is tried again.
    fn look_again_if_lost(&mut self, now: Time) -> bool {
        let is_lost = self.account.as_ref().is_some_and(|account| account.version.is_none());
        let Some(keeping) = &mut self.keeping else { return false };
        let is_due = is_lost && now.monotonic >= keeping.next_look;
        if is_due {
            keeping.stage = Stage::Unread;
        }
        is_due
    }

    fn refresh_if_due(&mut self, now: Time) -> bool {
        let held = self.machine.usable_token(now).map(crate::token::Token::generation);
        let due = self.keeping.as_ref().map(|keeping| self.refresh_due(keeping, now));
        let Some(keeping) = self.keeping.as_mut().filter(|_| due.is_some_and(|due| now.monotonic >= due))
        else {
            return false;
        };
        keeping.not_before = now.monotonic + PAUSE;
        if keeping.other.is_some() {
            // The other keeper is too late: this one takes over.
            keeping.other = None;
            self.account.iter_mut().for_each(|account| account.is_write_due = true);
        }
        self.refreshed_early = held;
        self.is_refresh_wanted = true;
        true
    }

    /// When the token is refreshed. The server may refuse that: then it is used to its end.
    fn refresh_due(&self, keeping: &Keeping, now: Time) -> Instant {
        let due = match self.machine.usable_token(now) {
            Some(token) if token.refresh_refused => token.windows.unusable_at,
            Some(token) if keeping.other.is_some() => token.windows.late_at,
            Some(token) => (token.windows.sent + token.windows.life() / 2).min(token.windows.refresh_at),
            None => now.monotonic,
        };
        due.max(keeping.not_before)
    }

    /// There is no token. The session signs in by itself if it needs no person for that.
    fn go_on_without_token(&mut self, now: Time) -> bool {
        let can_sign_in = self.machine.can_sign_in_alone();
        let Some(keeping) = &mut self.keeping else { return false };
        if keeping.reported.is_none() && keeping.waits {
            keeping.stage = Stage::Waiting(None);
            return true;
        }
        if !can_sign_in || keeping.reported.is_none() {
            let failure = self.sign_in_needed("there is no live token any more");
            return self.finish_keeping(KeepEnd::Failed(failure));
        }
        let is_due = now.monotonic >= keeping.not_before;
        if is_due {
            keeping.not_before = now.monotonic + PAUSE;
            self.is_refresh_wanted = true;
        }
        is_due
    }

    /// An attempt failed. Another one may succeed, or none does without a person.
    fn weigh_failure(&mut self, failure: Failure, now: Time) -> bool {
        let can_sign_in = self.machine.can_sign_in_alone();
        let Some(keeping) = &mut self.keeping else { return false };
        let failure = match failure.kind() {
            FailureKind::RefreshRefused | FailureKind::SignInNeeded if can_sign_in => return true,
            FailureKind::RefreshRefused => self.sign_in_needed("the server refuses to refresh the token"),
            FailureKind::SignInNeeded => self.sign_in_needed("the token has ended"),
            FailureKind::MfaRejected if !failure.is_retryable() => failure,
            FailureKind::Rejected | FailureKind::MfaRequired => failure,
            _ => {
                let pause = failure.retry_after().unwrap_or(LONG_PAUSE);
                keeping.not_before = keeping.not_before.max(now.monotonic + pause);
                return true;
            }
        };
        self.finish_keeping(KeepEnd::Failed(failure))
    }

    fn sign_in_needed(&self, why: &str) -> Failure {
        if self.machine.needs_no_code() {
            let sentence = alloc::format!("{why}, so the session cannot be kept: sign in again");
            Failure::new(FailureKind::SignInNeeded, sentence)
        } else {
            let sentence = alloc::format!(
                "{why}, so the session cannot be kept: a new sign-in may need a one-time code; sign in again"
            );
            Failure::new(FailureKind::MfaRequired, sentence)
        }
    }

    fn finish_keeping(&mut self, end: KeepEnd) -> bool {
        let generation = self.machine.generation();
        let Some(keeping) = &mut self.keeping else { return false };
        let was_reported = keeping.reported.take().is_some();
        if keeping.waits && end != KeepEnd::TimeOver {
            keeping.stage = Stage::Waiting(generation);
            keeping.other = None;
        } else {
            self.keeping = None;
        }
        self.withdraw_entry();
        let is_news = was_reported || self.keeping.is_none();
        if is_news {
            self.outputs.push_back(Action::Event(Event::KeepEnded(end)));
        }
        true
    }

    /// The record does not name this session as its keeper any more.
    fn withdraw_entry(&mut self) {
        if let Some(account) = &mut self.account {
            let own = account.config.owner;
            let entry = account.record.keeper(&account.config.identity);
            account.is_write_due |= entry.is_some_and(|entry| entry.owner == own);
        }
    }

    fn report_keeper(&mut self, now: Time) -> bool {
        let Some(keeping) = &self.keeping else { return false };
        let own = Keeper { until: keeping.until, label: keeping.label.clone(), other: None };
        let keeper = if keeping.other.is_some() { self.keeper(now).unwrap_or(own) } else { own };
        let is_known = keeping.reported.as_ref().is_some_and(|reported| {
            let apart = reported.until.since(keeper.until).max(keeper.until.since(reported.until));
            reported.other == keeper.other && apart <= SAME
        });
        if is_known {
            return false;
        }
        if let Some(keeping) = &mut self.keeping {
            keeping.reported = Some(keeper.clone());
        }
        self.outputs.push_back(Action::Event(Event::Kept(keeper)));
        true
    }
}
