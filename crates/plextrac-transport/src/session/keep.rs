//! Keeping a session alive while the program does nothing.

use std::sync::Arc;
use std::time::Duration;

use plextrac_auth_core::{ClaimOwner, Keep, Keeper as Found};

use super::caller::Caller;
use super::{Session, cancelled};
use crate::clock;
use crate::driver::{LONGEST_SLEEP, closed};
use crate::error::{Error, ErrorCode};
use crate::shared::Shared;

/// The process that keeps a session alive.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Keeper {
    /// How long it does so from now on.
    pub ends_in: Duration,
    /// Names it for people: its process id and its host, as a rule.
    pub label: String,
    /// Whether it is this session.
    pub is_own: bool,
}

/// Why a session is not kept alive any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeepEnd {
    /// The time that was asked for is over.
    TimeOver,
    /// The account was signed out, here or by another process.
    SignedOut,
    /// The caller did not want to go on.
    Left,
}

impl Session {
    /// Keeps the session alive for `duration`: its token is refreshed in time, though nothing else needs it. Waits until
    /// that is over.
    ///
    /// An account has one keeper. If another process is it, this one extends its time, and takes over when that process
    /// is gone. `goes_on` runs on this thread when it is known which process keeps the session, and when that changes;
    /// if it returns `false`, this call returns.
    ///
    /// # Errors
    /// `MfaRequired` or `Expired` if there is no live session, or it ended and cannot go on without a person: sign in
    /// again. `Rejected` if the password of this session was rejected. `Closed`, `Cancelled`; `Busy` in a
    /// callback, and if another call or [`SessionConfig::keep_alive`](crate::SessionConfig::keep_alive) keeps the session.
    pub fn keep(
        &self,
        duration: Duration,
        mut goes_on: impl FnMut(&Keeper) -> bool,
    ) -> Result<KeepEnd, Error> {
        let _wakes = Caller::new(self)?;
        let shared = self.shared();
        let _keeping = Keeping::begin(shared)?;
        shared.keep(duration, false)?;
        loop {
            let mut inner = shared.inner.lock();
            if inner.closed {
                return Err(closed());
            }
            if self.check_cancelled().is_err() {
                drop(inner);
                self.stop_keeping();
                return Err(cancelled());
            }
            let Some(news) = inner.kept.pop_front() else {
                drop(inner);
                shared.start_workers();
                let mut inner = shared.inner.lock();
                if inner.kept.is_empty() && !inner.closed && self.check_cancelled().is_ok() {
                    // If no thread could be started, the next round tries again.
                    let _ = shared.changed.wait_for(&mut inner, LONGEST_SLEEP);
                }
                continue;
            };
            drop(inner);
            match news {
                Kept::By(found) => {
                    let keeper = shared.living(found);
                    if keeper.is_some_and(|keeper| !goes_on(&keeper)) {
                        self.stop_keeping();
                        return Ok(KeepEnd::Left);
                    }
                }
                Kept::Ended(end) => return end,
            }
        }
    }

    fn stop_keeping(&self) {
        let _ = self.shared().input(|coordinator, _| coordinator.stop_keeping());
        self.shared().start_workers();
    }
}

/// One call keeps a session at a time: each needs the end that is reported.
struct Keeping<'a>(&'a Shared);

impl<'a> Keeping<'a> {
    fn begin(shared: &'a Shared) -> Result<Self, Error> {
        let mut inner = shared.inner.lock();
        if inner.closed {
            return Err(closed());
        }
        if inner.is_kept {
            return Err(Error::new(ErrorCode::Busy, "this session is kept alive already"));
        }
        inner.is_kept = true;
        inner.kept.clear();
        drop(inner);
        Ok(Self(shared))
    }
}

impl Drop for Keeping<'_> {
    fn drop(&mut self) {
        self.0.inner.lock().is_kept = false;
    }
}

/// What the coordinator reports of keeping.
pub(crate) enum Kept {
    By(Found),
    Ended(Result<KeepEnd, Error>),
}

impl Shared {
    /// Has the session kept alive from now on. `waits`: if there is no token, from the next sign-in on.
    pub(crate) fn keep(self: &Arc<Self>, duration: Duration, waits: bool) -> Result<(), Error> {
        let duration = clock::bounded(duration);
        self.input(|coordinator, now| {
            coordinator.keep(Keep { until: now.monotonic + duration, label: label(), waits })
        })?;
        self.start_workers();
        Ok(())
    }

    /// Whether the store knows that the process of this owner is gone.
    pub(crate) fn is_gone(&self, owner: ClaimOwner) -> bool {
        self.store.as_ref().is_some_and(|attached| attached.store.is_gone(owner))
    }

    /// The keeper, unless its process is known to be gone.
    pub(crate) fn living(&self, found: Found) -> Option<Keeper> {
        if found.other.is_some_and(|owner| self.is_gone(owner)) {
            return None;
        }
        let ends_in = found.until.since(self.clock.monotonic());
        Some(Keeper { ends_in, label: found.label, is_own: found.other.is_none() })
    }
}

/// Names this process for people.
fn label() -> String {
    let process = std::process::id();
    match host() {
        Some(host) => format!("process {process} on {host}"),
        None => format!("process {process}"),
    }
}

#[cfg(unix)]
fn host() -> Option<String> {
    let name = rustix::system::uname();
    name.nodename().to_str().ok().filter(|name| !name.is_empty()).map(str::to_owned)
}

#[cfg(not(unix))]
fn host() -> Option<String> {
    std::env::var("COMPUTERNAME").ok()
}
