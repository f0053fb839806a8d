//! A 401 on a request: which token it is about, and whether it starts anything.

use core::time::Duration;

use super::{InputError, Machine};
use crate::output::{Event, Output};
use crate::table::{Phase, Trigger};
use crate::time::Time;
use crate::token::{Generation, Origin};

/// How long recovery is muted: a 401 then starts nothing.
pub const UNAUTHORIZED_MUTED: Duration = Duration::from_secs(60);
/// So many tokens are renewed because of a 401 in [`UNAUTHORIZED_MUTED`] at most: a path that always answers 401 would
/// have each token renewed that other paths accept.
const MOST_RENEWALS: usize = 3;

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
    /// `was_accepted` says whether the API has accepted this token before. A 401 on a token that replaced another one
    /// because of a 401, and that was never accepted, says that new tokens do not help: recovery is muted for a minute.
    /// A driver that does not know passes `false`. Then a token that this machine got counts as accepted when no 401
    /// came for as long as a request may take: the repetition would have had one by then.
    ///
    /// # Errors
    /// [`InputError::MustDrain`].
    pub fn report_unauthorized(
        &mut self,
        generation: Generation,
        was_accepted: bool,
        now: Time,
    ) -> Result<Verdict, InputError> {
        if !self.drained {
            return Err(InputError::MustDrain);
        }
        let Some(token) = self.tokens.in_hand.as_ref().filter(|token| token.generation == generation) else {
            return Ok(Verdict::Replaced);
        };
        if matches!(self.phase, Phase::Suspect | Phase::Reviving) {
            return Ok(Verdict::Renew);
        }
        let at = now.monotonic;
        if self.tokens.muted_until.is_some_and(|until| at < until) {
            return Ok(Verdict::Final);
        }
        let is_newborn = token.replaced_unauthorized_at.is_some_and(|born| at < born + UNAUTHORIZED_MUTED);
        let was_silent =
            token.origin == Origin::Granted && at >= token.windows.sent + self.config.request_timeout;
        self.tokens.renewals.retain(|renewal| at < *renewal + UNAUTHORIZED_MUTED);
        let muted_until = if is_newborn && !was_accepted && !was_silent {
            Some(at + UNAUTHORIZED_MUTED)
        } else {
            let first = self.tokens.renewals.first().filter(|_| self.tokens.renewals.len() >= MOST_RENEWALS);
            first.map(|first| *first + UNAUTHORIZED_MUTED)
        };
        if let Some(until) = muted_until {
            self.take_input()?;
            self.tokens.muted_until = Some(until);
            self.outputs.push_back(Output::Event(Event::UnauthorizedMuted { until }));
            return Ok(Verdict::Final);
        }
        self.take_input()?;
        self.step_to(Trigger::Unauthorized);
        self.tokens.renewals.push(at);
        self.tokens.mark_unauthorized(&self.key);
        Ok(Verdict::Renew)
    }
}
