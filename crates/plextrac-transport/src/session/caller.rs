//! A caller: a thread that waits for a token, for its own code, or for a change to be written down.

use std::sync::Arc;
use std::time::Duration;

use plextrac_auth_core::{CallerId, Coordinator, InputError, Limits, Time};

use super::Session;
use crate::callback::{self, Callback};
use crate::cancel::TriggerGuard;
use crate::driver::closed;
use crate::error::{Error, ErrorCode};

/// The caller. Its cancel token wakes it.
pub(super) struct Caller<'a> {
    session: &'a Session,
    _wakes: Option<TriggerGuard>,
}

impl<'a> Caller<'a> {
    /// A caller that needs a token.
    ///
    /// # Errors
    /// `Busy` in a callback of this session: it must not wait for the attempt that waits for it.
    pub(super) fn new(session: &'a Session) -> Result<Self, Error> {
        if callback::running_for(session.shared()) == Some(Callback::Mfa) {
            return Err(busy(
                "an MFA callback called the session that waits for it; return the one-time code instead",
            ));
        }
        Self::without_token(session)
    }

    /// A caller that needs no token: it waits for the store alone.
    ///
    /// # Errors
    /// `Busy` in an event sink of this session.
    pub(super) fn without_token(session: &'a Session) -> Result<Self, Error> {
        if callback::running_for(session.shared()) == Some(Callback::Events) {
            return Err(busy("an event sink cannot wait for its session: return, and call the session then"));
        }
        let wakes = session.cancel.as_ref().map(|token| {
            let shared = Arc::clone(session.shared());
            token.on_trigger(Box::new(move || {
                // With the lock taken, a caller that looked before the trigger sleeps by now.
                drop(shared.inner.lock());
                shared.changed.notify_all();
            }))
        });
        Ok(Self { session, _wakes: wakes })
    }

    /// Hands a call in, and waits until it is over.
    pub(super) fn call(
        &self,
        input: impl FnOnce(&mut Coordinator, Limits, Time) -> Result<CallerId, InputError>,
    ) -> Result<(), Error> {
        let shared = self.session.shared();
        if shared.inner.lock().closed {
            return Err(closed());
        }
        self.session.check_cancelled()?;
        let limits = Limits { timeout: self.session.timeout, wait: shared.wait };
        let caller =
            shared.input(|coordinator, now| input(coordinator, limits, now)).map_err(
                |error| match error {
                    InputError::WrongState if shared.inner.lock().closed => closed(),
                    error => error.into(),
                },
            )?;
        shared.wait_for(caller, || self.session.check_cancelled())
    }
}

/// No call of the store takes longer than this when nobody waits for a token.
pub(super) const LOOKING: Duration = Duration::from_secs(5);

fn busy(sentence: &str) -> Error {
    Error::new(ErrorCode::Busy, sentence)
}
