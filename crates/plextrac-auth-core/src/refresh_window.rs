//! How long a token lives, and what is done with it at which age.

use core::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::split_mix::SplitMix64;
use crate::time::{Instant, UnixTime};

/// Assumed when `iat` or `exp` is missing or absurd: a minute less than the documented fifteen.
pub const ASSUMED_LIFE: Duration = Duration::from_secs(14 * 60);

/// A token's windows on the monotonic clock.
///
/// ```text
/// sent ─────────── live ─────────┬── early ──┬── late ──┬─ not handed out ─┐ end
///                          refresh_at     late_at   unusable_at         ends_at
/// ```
/// From `refresh_at` a want refreshes, and nobody waits for it; from `late_at` callers wait for the
/// refresh; from `unusable_at` the token is only good for one refresh; from `ends_at` for nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Windows {
    /// When the request that brought the token went out.
    pub sent: Instant,
    /// From here a want refreshes.
    pub refresh_at: Instant,
    /// From here a caller waits for the refresh.
    pub late_at: Instant,
    /// From here the token is not handed out.
    pub unusable_at: Instant,
    /// The token's end.
    pub ends_at: Instant,
}

/// What is to be done about a token at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Age {
    /// Hand it out.
    Fresh,
    /// Hand it out, and have it refreshed; nobody waits.
    Early,
    /// Wait for its refresh; if that fails, hand it out all the same.
    Late,
    /// Not to be handed out.
    Over,
}

impl Windows {
    /// What is to be done about the token at `now`.
    #[must_use]
    pub fn age(&self, now: Instant) -> Age {
        if now < self.refresh_at {
            Age::Fresh
        } else if now >= self.unusable_at {
            Age::Over
        } else if now >= self.late_at {
            Age::Late
        } else {
            Age::Early
        }
    }

    /// The windows of a token whose request went out at `sent` and that lives for `life`.
    pub(crate) fn new(sent: Instant, life: Duration, draws: &mut SplitMix64) -> Self {
        let ends_at = sent + life;
        let early = sent + (life - (life / 3).min(minutes(5))) + draws.within((life / 15).min(minutes(1)));
        Self {
            sent,
            refresh_at: early,
            late_at: ends_at.earlier_by((life / 10).min(minutes(1))),
            unusable_at: ends_at.earlier_by((life / 50).min(Duration::from_secs(10))),
            ends_at,
        }
    }

    /// The same windows for a token that is to be refreshed at its first use.
    pub(crate) fn due_now(self, now: Instant) -> Self {
        Self { refresh_at: now, late_at: now, ..self }
    }

    /// The token's whole life.
    pub(crate) fn life(&self) -> Duration {
        self.ends_at.since(self.sent)
    }
}

/// The two claims that matter (RFC 7519 §4.1), in seconds. The token is read, never verified.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
pub(crate) struct Claims {
    #[serde(default)]
    iat: Option<f64>,
    #[serde(default)]
    exp: Option<f64>,
}

impl Claims {
    /// Reads a JWT's second part; anything else has no claims.
    pub(crate) fn read(token: &str) -> Self {
        let mut parts = token.split('.');
        let Some(payload) = parts.nth(1).filter(|_| parts.count() == 1) else {
            return Self::default();
        };
        URL_SAFE_NO_PAD
            .decode(payload.trim_end_matches('='))
            .map(Zeroizing::new)
            .ok()
            .and_then(|json| serde_json::from_slice(&json).ok())
            .unwrap_or_default()
    }

    /// `exp − iat − 1 s`: both are whole seconds, so up to one may already be over. Lives of 5 s to 24 h are believed.
    pub(crate) fn life(self) -> Duration {
        match (self.iat, self.exp) {
            (Some(iat), Some(exp)) if (5.0..=86_400.0).contains(&(exp - iat)) => {
                Duration::from_secs_f64(exp - iat) - Duration::from_secs(1)
            }
            _ => ASSUMED_LIFE,
        }
    }

    /// What is left of a token of unknown age: the lesser of its whole life and `exp − unix`.
    pub(crate) fn left(self, unix: UnixTime) -> Duration {
        let whole = self.life();
        match self.exp {
            Some(exp) if exp.is_finite() => {
                let left_ms = exp * 1000.0 - unix.as_millis() as f64;
                // A float to integer cast saturates, so an absurd `exp` stays harmless.
                whole.min(Duration::from_millis(left_ms.max(0.0) as u64))
            }
            _ => whole,
        }
    }
}

const fn minutes(n: u64) -> Duration {
    Duration::from_secs(n * 60)
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::String;

    use super::*;

    fn jwt(claims: &str) -> String {
        format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims))
    }

    #[test]
    fn a_life_outside_5_s_to_a_day_counts_as_14_minutes() {
        for (claims, seconds) in [
            (r#"{"iat":1000,"exp":1900}"#, 899),
            (r#"{"iat":1000,"exp":1005}"#, 4),
            (r#"{"iat":1000,"exp":87400}"#, 86_399),
            (r#"{"iat":1000,"exp":1004}"#, 840),
            (r#"{"iat":1000,"exp":87401}"#, 840),
            (r#"{"iat":1900,"exp":1000}"#, 840),
            (r#"{"exp":1900}"#, 840),
            (r#"{"iat":"1000","exp":1900}"#, 840),
            (r#"{"iat":-1e308,"exp":1e308}"#, 840),
            ("[]", 840),
            ("no json", 840),
        ] {
            assert_eq!(Claims::read(&jwt(claims)).life(), Duration::from_secs(seconds), "{claims}");
        }
        for token in ["", "opaque", "a.b", "a.!.c", "a.b.c.d"] {
            assert_eq!(Claims::read(token).life(), ASSUMED_LIFE, "{token}");
        }
    }

    #[test]
    fn the_windows_of_fifteen_minutes_are_the_documented_ones() {
        let mut draws = SplitMix64::new(7);
        for _ in 0..1000 {
            let windows = Windows::new(Instant::from_millis(0), Duration::from_secs(900), &mut draws);
            assert!((600_000..=660_000).contains(&windows.refresh_at.as_millis()));
            assert_eq!(windows.late_at.as_millis(), 840_000);
            assert_eq!(windows.unusable_at.as_millis(), 890_000);
            assert_eq!(windows.ends_at.as_millis(), 900_000);
        }
    }

    #[test]
    fn the_windows_keep_their_order_whatever_the_life() {
        let mut draws = SplitMix64::new(7);
        for seconds in 4..=86_400 {
            let w = Windows::new(Instant::from_millis(5), Duration::from_secs(seconds), &mut draws);
            assert!(w.sent < w.refresh_at && w.refresh_at < w.late_at, "{w:?}");
            assert!(w.late_at < w.unusable_at && w.unusable_at < w.ends_at, "{w:?}");
        }
    }

    #[test]
    fn a_token_of_unknown_age_lives_until_its_exp_at_most() {
        let claims = Claims::read(&jwt(r#"{"iat":1000,"exp":1900}"#));
        assert_eq!(claims.left(UnixTime::from_millis(1_700_000)), Duration::from_secs(200));
        assert_eq!(claims.left(UnixTime::from_millis(2_000_000)), Duration::ZERO);
        assert_eq!(claims.left(UnixTime::from_millis(0)), Duration::from_secs(899));
    }
}
