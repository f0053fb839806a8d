//! A 401 on a request: which token it is about, and whether it starts anything.

use core::time::Duration;

use super::{InputError, Machine};
use crate::table::{Phase, Trigger};
use crate::time::Time;
use crate::token::Generation;

/// How long a 401 on a token that replaced one answered with 401 starts nothing.
pub const UNAUTHORIZED_MUTED: Duration = Duration::from_secs(60);

/// What a 401 means for the request that got it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The token it carried was replaced meanwhile: want one and send the request once more.
    Replaced,
    /// The token it carried is not handed out any more: want one and send the request once more.
    Renew,
    /// A fresh token did not help: the 401 is the caller's.
    Final,
}

impl Machine {
    /// A request that carried the token of `generation` was answered with 401. Only that token is
    /// affected; `exp` is a hint, a 401 is the truth. To get another, want one.
    ///
    /// # Errors
    /// [`InputError::MustDrain`].
    pub fn report_unauthorized(&mut self, generation: Generation, now: Time) -> Result<Verdict, InputError> {
        if !self.drained {
            return Err(InputError::MustDrain);
        }
        let Some(token) = self.tokens.in_hand.as_ref().filter(|token| token.generation == generation) else {
            return Ok(Verdict::Replaced);
        };
        if matches!(self.phase, Phase::Suspect | Phase::Reviving) {
            return Ok(Verdict::Renew);
        }
        let is_newborn =
            token.replaced_unauthorized_at.is_some_and(|born| now.monotonic < born + UNAUTHORIZED_MUTED);
        if is_newborn && self.tokens.muted_until.is_none() {
            self.tokens.muted_until = Some(now.monotonic + UNAUTHORIZED_MUTED);
        }
        if self.tokens.muted_until.is_some_and(|until| now.monotonic < until) {
            return Ok(Verdict::Final);
        }
        self.take_input()?;
        self.step_to(Trigger::Unauthorized);
        self.tokens.mark_unauthorized(&self.key);
        Ok(Verdict::Renew)
    }
}
