//! The lock of an account in the store: who waits for it, for how long, and what is put off while it is held.

use std::sync::atomic::Ordering;
use std::time::Duration;

use plextrac_auth_core::Urgency;

use crate::callback;
use crate::clock;
use crate::error::{Error, ErrorCode};
use crate::shared::{Inner, Shared};
use crate::store::{LONGEST_PAUSE, SHORTEST_PAUSE, StoreErrorKind, StoreLock};

/// The account's lock, if there is one to be had. What happens under it is told when it is let go: a sink may use
/// another session of the account.
pub(crate) struct AccountLock<'a> {
    shared: &'a Shared,
    lock: Option<Box<dyn StoreLock>>,
}

impl Drop for AccountLock<'_> {
    fn drop(&mut self) {
        self.lock = None;
        for event in callback::take_put_off() {
            self.shared.tell(&event);
        }
    }
}

impl Shared {
    /// The account's lock; an empty one where there is nothing to lock, or no lock to be had.
    ///
    /// # Errors
    /// `Timeout` if another holds it for longer than `patience`. Whoever does may be about to get what is wanted here:
    /// to go on without it would be to get it twice.
    pub(crate) fn lock_account(&self, patience: Duration) -> Result<AccountLock<'_>, Error> {
        let Some(sharing) = &self.sharing else { return Ok(self.account_lock(None)) };
        match sharing.lock_account(clock::real_now() + patience) {
            Err(busy) if busy.kind == StoreErrorKind::Busy => {
                Err(Error::new(ErrorCode::Timeout, busy.to_string()))
            }
            locked => {
                let lock = self.or_notice(locked);
                Ok(self.account_lock(lock))
            }
        }
    }

    fn account_lock(&self, lock: Option<Box<dyn StoreLock>>) -> AccountLock<'_> {
        callback::put_off();
        AccountLock { shared: self, lock }
    }

    /// The same, for whoever may be called away from waiting for it: what that brings is returned.
    pub(crate) fn lock_account_while(
        &self,
        patience: Duration,
        goes_on: impl Fn(&Inner) -> Result<(), Error>,
    ) -> Result<AccountLock<'_>, Error> {
        let ends = clock::real_now() + patience;
        let mut pause = SHORTEST_PAUSE;
        loop {
            let busy = match self.lock_account(Duration::ZERO) {
                Err(busy) => busy,
                locked => return locked,
            };
            let mut inner = self.inner.lock();
            goes_on(&inner)?;
            let now = clock::real_now();
            if now >= ends {
                return Err(busy);
            }
            self.changed.wait_until(&mut inner, ends.min(now + pause));
            drop(inner);
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// How long another that holds the account's lock is waited for; not at all if nobody waits for what could be done
    /// with it. A live token that others wrote down is taken over without it, and one whose refresh is due is refreshed
    /// by whoever holds it.
    fn patience_with_others(&self) -> Option<Duration> {
        self.look();
        let inner = self.inner.lock();
        let now = self.clock.now();
        let urgency = inner.machine.urgency(now);
        let token_left = inner
            .machine
            .usable_token(now)
            .map_or(Duration::ZERO, |token| token.windows().unusable_at.since(now.monotonic));
        drop(inner);
        match urgency {
            Urgency::Served | Urgency::Due => None,
            // Whoever holds it for longer has stopped, and the callers have a token that does for now.
            Urgency::Late => Some(self.timeout.min(HELD_LONG).min(token_left.saturating_sub(HANDING_OUT))),
            Urgency::Pressing => Some(self.timeout),
        }
    }

    /// The lock for what a machine wants; none if another has it, and nobody waits for what could be done with it.
    pub(crate) fn lock_account_for(
        &self,
        is_needed: impl Fn(&Inner) -> Result<(), Error>,
    ) -> Result<Option<AccountLock<'_>>, Error> {
        if let Ok(lock) = self.lock_account(Duration::ZERO) {
            return Ok(Some(lock));
        }
        let Some(patience) = self.patience_with_others() else {
            self.be_quiet_for(HELD_ELSEWHERE);
            return Ok(None);
        };
        let locked = self.lock_account_while(patience, is_needed);
        locked.map(Some).inspect_err(|_| self.be_quiet_for(HELD_LONG))
    }

    /// Has a want that a token in hand serves start nothing for so long.
    fn be_quiet_for(&self, long: Duration) {
        let until = self.clock.now().monotonic + long;
        self.quiet_until.store(until.as_millis(), Ordering::Relaxed);
    }
}

/// How long nothing is tried after a lock was found held that is not worth waiting for.
const HELD_ELSEWHERE: Duration = Duration::from_secs(1);

/// How long a lock is waited for while the token in hand still lives: as long as a slow refresh takes. And how long it is
/// not asked for again after that.
const HELD_LONG: Duration = Duration::from_secs(5);

/// So much is left of a token's time when it is handed out because there was none newer.
const HANDING_OUT: Duration = Duration::from_millis(200);
