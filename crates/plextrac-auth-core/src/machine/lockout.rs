//! The lockout: rejected credentials are not sent again.
//!
//! They are recognised by fingerprints: user name and password, or these two and the TOTP secret. So another password,
//! or another secret, is tried.

use alloc::vec::Vec;

use super::{InputError, Machine};
use crate::credential::MfaSource;
use crate::fingerprint::Fingerprint;
use crate::record::SharedRecord;
use crate::table::{Phase, Trigger};
use crate::time::Time;

/// So many computed codes rejected in a row lock their secret out: a clock may be wrong once, a secret is wrong always.
const COMPUTED_TRIES: u32 = 2;
/// So many rejected credentials of one account are remembered: the stale passwords of a few scripts.
const MAX_REJECTED: usize = 8;

/// What the server rejected.
#[derive(Default)]
pub(super) struct Lockout {
    /// What was rejected here, until the shared record says so.
    here: Option<Fingerprint>,
    /// What the shared record says was rejected, perhaps other credentials; the last ones first.
    known_rejected: Vec<Fingerprint>,
    /// So many codes that were computed from the secret in hand were rejected in a row, in all processes.
    rejected_codes: u32,
    /// The server accepted the credentials in hand, and the record does not say so yet.
    is_cleared_here: bool,
    /// Another TOTP secret whose codes were rejected, and how often in a row.
    doubted_elsewhere: Option<(Fingerprint, u32)>,
}

impl Lockout {
    /// Everything that is known to be rejected, the last first.
    pub(super) fn rejected(&self) -> Vec<Fingerprint> {
        let known = self.known_rejected.iter().filter(|rejected| Some(**rejected) != self.here);
        self.here.iter().chain(known).copied().take(MAX_REJECTED).collect()
    }
}

impl Machine {
    /// Rejected credentials may be sent again.
    ///
    /// # Errors
    /// [`InputError::MustDrain`].
    pub fn forget_rejection(&mut self, now: Time) -> Result<(), InputError> {
        self.take_input()?;
        self.clear_lockout();
        self.shared.read_again();
        if self.phase == Phase::LockedOut {
            self.step_to(Trigger::LockoutCleared);
        }
        self.keep(now);
        Ok(())
    }

    /// Whether the credentials in hand are known to be rejected.
    #[must_use]
    pub fn is_locked_out(&self) -> bool {
        let known = &self.lockout.known_rejected;
        self.lockout.here.is_some()
            || (!known.is_empty() && self.own_fingerprints().any(|own| known.contains(&own)))
    }

    /// Whether any credentials of the account are known to be rejected, those in hand or others.
    #[must_use]
    pub fn knows_rejections(&self) -> bool {
        self.lockout.here.is_some() || !self.lockout.known_rejected.is_empty()
    }

    /// The password in hand was rejected.
    pub(super) fn lock_out_password(&mut self) {
        self.lockout.here = self.password_fingerprint();
    }

    /// Whether another rejection of a computed code locks its secret out.
    pub(super) const fn is_last_try(&self) -> bool {
        self.lockout.rejected_codes + 1 >= COMPUTED_TRIES
    }

    /// A computed code was rejected. The second one in a row locks out its secret, in whichever process: a command that
    /// starts anew each time would send a wrong code each time.
    pub(super) fn count_rejected_code(&mut self) {
        self.lockout.rejected_codes = self.lockout.rejected_codes.saturating_add(1);
        if self.lockout.rejected_codes >= COMPUTED_TRIES {
            self.lockout.here = self.totp_fingerprint();
            self.step_to(Trigger::LockoutFound);
        }
    }

    /// What was learned here is in the record: another process may have cleared it since.
    pub(super) fn trust_recorded_rejections(&mut self) {
        self.lockout.here = None;
        self.lockout.rejected_codes = 0;
    }

    /// The server accepted the credentials in hand.
    pub(super) fn note_accepted_credentials(&mut self) {
        self.clear_lockout();
        self.lockout.is_cleared_here = true;
    }

    /// Whether the server accepted the credentials in hand after the record was written.
    pub(crate) const fn is_lockout_cleared_here(&self) -> bool {
        self.lockout.is_cleared_here
    }

    /// The record says that the credentials in hand were accepted.
    pub(super) const fn note_clearing_written(&mut self) {
        self.lockout.is_cleared_here = false;
    }

    /// Takes the rejections of the credentials in hand out of a record.
    pub(crate) fn clear_rejections_in(&self, record: &mut SharedRecord) {
        let own: Vec<Fingerprint> = self.own_fingerprints().collect();
        record.rejected.retain(|rejected| !own.contains(rejected));
        record.doubted.take_if(|(secret, _)| own.contains(secret));
    }

    /// What the shared record says.
    pub(super) fn adopt_rejections(&mut self, record: &SharedRecord) {
        self.lockout.known_rejected.clone_from(&record.rejected);
        match record.doubted {
            Some((doubted, count)) if self.totp_fingerprint() == Some(doubted) => {
                self.lockout.rejected_codes = self.lockout.rejected_codes.max(count);
                self.lockout.doubted_elsewhere = None;
            }
            doubted => self.lockout.doubted_elsewhere = doubted,
        }
    }

    /// The TOTP secret whose codes were rejected last, and how often in a row, for the shared record.
    pub(super) fn doubted(&self) -> Option<(Fingerprint, u32)> {
        let own = self.totp_fingerprint().filter(|_| self.lockout.rejected_codes > 0);
        own.map(|secret| (secret, self.lockout.rejected_codes)).or(self.lockout.doubted_elsewhere)
    }

    /// Nothing is known against the credentials in hand; what is known against others stays.
    pub(super) fn clear_lockout(&mut self) {
        let own: Vec<Fingerprint> = self.own_fingerprints().collect();
        self.lockout.known_rejected.retain(|rejected| !own.contains(rejected));
        self.lockout.rejected_codes = 0;
        self.lockout.here = None;
        self.tokens.forget_refusal();
    }

    pub(super) fn own_fingerprints(&self) -> impl Iterator<Item = Fingerprint> {
        self.password_fingerprint().into_iter().chain(self.totp_fingerprint())
    }

    /// Recognises user name and password.
    fn password_fingerprint(&self) -> Option<Fingerprint> {
        let credentials = self.config.credentials.as_ref()?;
        Some(self.key.of(&[credentials.username().as_bytes(), credentials.password().expose().as_bytes()]))
    }

    /// Recognises user name, password and TOTP secret together: with another secret the password is tried anew.
    fn totp_fingerprint(&self) -> Option<Fingerprint> {
        let (credentials, MfaSource::Totp(secret)) = (self.config.credentials.as_ref()?, &self.config.mfa)
        else {
            return None;
        };
        let parts =
            [credentials.username().as_bytes(), credentials.password().expose().as_bytes(), secret.key()];
        Some(self.key.of(&parts))
    }
}
