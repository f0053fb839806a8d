//! What a machine knows of the sessions that share its account, and what they have to know of it.

use alloc::boxed::Box;

use super::{InputError, Machine};
use crate::output::{Event, Output};
use crate::record::{SharedRecord, SharedToken, Stamp};
use crate::table::{Phase, Trigger};
use crate::time::{Instant, Time, millis};
use crate::token::Token;

/// The shared record as it was last seen and written.
#[derive(Default)]
pub(super) struct SharedView {
    look: Look,
    /// Others read something that does not hold any more. They are to read better after another look at the record.
    pub(super) write_due: bool,
    /// Something was learned here that the record does not say yet.
    pub(super) is_unshared: bool,
    /// Others' token. This machine does not use it, and leaves it in the record while it has none of its own.
    pub(super) set_aside: Option<SharedToken>,
}

/// Whether the shared record was looked at for the want that stands.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Look {
    Unread,
    Asked,
    #[default]
    Read,
}

impl SharedView {
    /// Whether the record has to be read before anything is decided.
    pub(super) fn is_unread(&self) -> bool {
        self.look != Look::Read
    }

    /// The driver is asked to read the record.
    pub(super) fn ask(&mut self) {
        self.look = Look::Asked;
    }

    /// What was read, and is not handed in yet, is older than this input.
    pub(super) fn read_again(&mut self) {
        if self.look == Look::Asked {
            self.look = Look::Unread;
        }
    }
}

impl Machine {
    /// What the shared record says, after [`Output::ReadShared`]; `None` if there is none.
    ///
    /// # Errors
    /// [`InputError::WrongState`] if it was not asked for; [`InputError::MustDrain`].
    pub fn handle_shared(&mut self, record: Option<&SharedRecord>, now: Time) -> Result<(), InputError> {
        self.check(self.shared.look == Look::Asked)?;
        self.shared.look = Look::Read;
        if let Some(record) = record {
            self.adopt(record, now);
        }
        Ok(())
    }

    /// What the shared record says, though it was not asked for: to say where the account stands, or, with the
    /// account's record locked, before it is changed by [`sign_out`](Self::sign_out) or
    /// [`forget_rejection`](Self::forget_rejection). Brings nothing to be sent: a want that stands asks for a look of
    /// its own, so this may come from another thread than the one that serves the want.
    ///
    /// # Errors
    /// [`InputError::WrongState`] if the machine was not made with a store; [`InputError::MustDrain`].
    pub fn look_at(&mut self, record: Option<&SharedRecord>, now: Time) -> Result<(), InputError> {
        self.check(self.config.has_store)?;
        if let Some(record) = record {
            self.adopt(record, now);
        }
        Ok(())
    }

    /// What the shared record said is too old to decide by.
    pub(super) fn look_again(&mut self) {
        if self.config.has_store {
            self.shared.look = Look::Unread;
        }
    }

    /// Asks the driver to write what this machine knows to the shared record.
    pub(super) fn keep(&mut self, now: Time) {
        if !self.config.has_store {
            return;
        }
        self.shared.write_due = false;
        self.outputs.push_back(Output::Keep(Box::new(self.shared_record(now))));
    }

    /// Takes over what others wrote.
    fn adopt(&mut self, record: &SharedRecord, now: Time) {
        if !self.shared.is_unshared {
            self.trust_recorded_rejections();
            self.restore_backoff(record.backoff.as_ref(), now);
        }
        self.adopt_rejections(record);
        self.codes.spent_step = self.codes.spent_step.max(record.totp_step);
        self.codes.are_needed = record.needs_mfa.or(self.codes.are_needed);
        self.server_clock.adopt(record.server_ahead_ms);
        self.tokens.adopt(&record.refused, &record.issued);
        if self.config.ignore_shared_token {
            self.shared.set_aside.clone_from(&record.token);
            return;
        }
        let Some(shared) = &record.token else { return };
        if !self.tokens.is_news(&shared.token, &self.key) {
            return;
        }
        if let Some((token, is_doubtful)) = shared.to_token(&self.config.boot, now, &mut self.draws) {
            self.adopt_token(token, is_doubtful, now);
        }
    }

    /// Another session's token takes the place of the one in hand, if it is better. One that is not handed out any more
    /// is good for a refresh, as one of doubtful age is.
    fn adopt_token(&mut self, token: Token, is_doubtful: bool, now: Time) {
        let is_doubtful = is_doubtful || now.monotonic >= token.windows.unusable_at;
        // Of an imported token, the end is known by two clocks that may disagree.
        let is_newer =
            self.tokens.in_hand.as_ref().is_none_or(|held| {
                self.tokens.holds_imported() || token.windows.ends_at > held.windows.ends_at
            });
        let fits = match self.phase {
            Phase::Active => !is_doubtful && is_newer,
            // A doubtful token is no better than the one in hand, or than a challenge that waits for its code.
            Phase::Suspect | Phase::AwaitingCode => !is_doubtful,
            Phase::SignedOut | Phase::LockedOut => true,
            Phase::Authenticating | Phase::Verifying | Phase::Refreshing | Phase::Reviving => false,
        };
        if !fits || now.monotonic >= token.windows.ends_at {
            return;
        }
        self.drop_challenge();
        self.step_to(if is_doubtful { Trigger::AdoptedDoubtful } else { Trigger::Adopted });
        let replaces_unauthorized = core::mem::take(&mut self.tokens.replaces_unauthorized);
        let generation = self.tokens.put(token, &self.key);
        // The adopted token was not made because of the 401; should it get one too, a refresh follows.
        self.tokens.replaces_unauthorized = replaces_unauthorized && is_doubtful;
        if !is_doubtful {
            if let Some(pending) = &mut self.want {
                pending.want.fresh = false;
            }
            self.outputs.push_back(Output::Event(Event::Adopted { generation }));
        }
    }

    /// A moment of the monotonic clock, past or to come, on both clocks.
    pub(super) fn stamp(&self, moment: Instant, now: Time) -> Stamp {
        let ahead = if moment > now.monotonic {
            i64::try_from(millis(moment.since(now.monotonic))).unwrap_or(i64::MAX)
        } else {
            -i64::try_from(millis(now.monotonic.since(moment))).unwrap_or(i64::MAX)
        };
        Stamp { boot: self.config.boot.clone(), monotonic: moment, unix: now.unix.offset(ahead) }
    }
}
