//! What sessions of one account tell each other through a store.

use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use serde::{Deserialize, Serialize};

use crate::credential::{is_cookie, is_token};
use crate::fingerprint::Fingerprint;
use crate::refresh_window::{ASSUMED_LIFE, Windows};
use crate::secret::Secret;
use crate::split_mix::SplitMix64;
use crate::time::{Instant, Time, UnixTime};
use crate::token::{Origin, Token};

/// Everything that is shared. The store decides where each part lives.
#[derive(Clone, Debug, Default)]
pub struct SharedRecord {
    /// The newest token.
    pub token: Option<SharedToken>,
    /// Recognises credentials that were rejected, the last ones first: scripts may have different ones.
    pub rejected: Vec<Fingerprint>,
    /// The last TOTP step that was spent.
    pub totp_step: Option<u64>,
    /// Recognises imported tokens whose refresh was refused, the newest first.
    pub refused: Vec<Fingerprint>,
    /// Recognises the last tokens that sessions of the account had, the newest first.
    pub issued: Vec<Fingerprint>,
    /// The server's wall clock minus this machine's, if an answer had a `Date`.
    pub server_ahead_ms: Option<i64>,
    /// Counts the sign-outs of this identity. A token that is older than the last one is dropped.
    pub sign_outs: u64,
    /// Counts how often rejections were cleared. A rejection that is older than the last one is dropped.
    pub rejection_resets: u64,
    /// A TOTP secret whose codes were rejected, and how often in a row.
    pub doubted: Option<(Fingerprint, u32)>,
    /// Attempts failed; the next may be made from this moment on.
    pub backoff: Option<SharedBackoff>,
    /// Whether the account's last sign-in needed a one-time code.
    pub needs_mfa: Option<bool>,
}

/// A back-off that all processes of an account keep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedBackoff {
    /// How many attempts failed in a row.
    pub failures: u32,
    /// Nothing is sent before.
    pub until: Stamp,
}

/// A token with the moment it was asked for, on both clocks.
#[derive(Clone, Debug)]
pub struct SharedToken {
    /// The JWT.
    pub token: Secret,
    /// The cookie JWT.
    pub cookie: Option<Secret>,
    /// The tenant.
    pub tenant_id: Option<i64>,
    /// Its life, from `stamp` on, in milliseconds.
    pub life_ms: u64,
    /// It replaced one that was answered with 401, at this moment.
    pub replaced_unauthorized_at: Option<Instant>,
    /// When it was asked for.
    pub stamp: Stamp,
}

/// A moment that another process can read: both clocks, and which boot the monotonic one belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// Names the boot (and time namespace); empty where the system has no such name.
    pub boot: String,
    /// The monotonic clock.
    pub monotonic: Instant,
    /// The wall clock.
    pub unix: UnixTime,
}

/// Two clocks agree if they are not further apart on how long ago something was.
pub(crate) const CLOCKS_AGREE: Duration = Duration::from_secs(5);

impl Stamp {
    /// A moment that nobody can place: what bears it is good for one refresh.
    pub(crate) const UNKNOWN: Self =
        Self { boot: String::new(), monotonic: Instant::NEVER, unix: UnixTime::from_millis(0) };

    /// The stamped moment on this process's monotonic clock, if that can be known: the same boot, or two
    /// clocks that agree within 5 s on how long ago it was.
    ///
    /// By two clocks that agree it is known to within those 5 s.
    #[must_use]
    pub fn on_clock(&self, boot: &str, now: Time) -> Option<Instant> {
        if now.monotonic < self.monotonic {
            return None;
        }
        if self.is_of(boot) {
            return Some(self.monotonic);
        }
        self.is_unstepped(now).then_some(self.monotonic)
    }

    /// Whether the wall clock has gone on since then as the monotonic one has: what was said of it still holds.
    #[must_use]
    pub fn is_unstepped(&self, now: Time) -> bool {
        let elapsed = now.monotonic.as_millis().checked_sub(self.monotonic.as_millis());
        let by_wall_clock = now.unix.as_millis().checked_sub(self.unix.as_millis());
        let (Some(elapsed), Some(by_wall_clock)) =
            (elapsed.and_then(|elapsed| i64::try_from(elapsed).ok()), by_wall_clock)
        else {
            return false;
        };
        Duration::from_millis(elapsed.abs_diff(by_wall_clock)) <= CLOCKS_AGREE
    }

    /// Whether it is of the boot of that name.
    #[must_use]
    pub fn is_of(&self, boot: &str) -> bool {
        !boot.is_empty() && boot == self.boot
    }
}

impl SharedToken {
    /// The token as this process sees it; `true` if its age is unknown, so that it is good for one refresh
    /// only. `None` if no server can have given it: a record is believed no more than an answer.
    pub(crate) fn to_token(&self, boot: &str, now: Time, draws: &mut SplitMix64) -> Option<(Token, bool)> {
        if !is_token(self.token.expose()) {
            return None;
        }
        let cookie = self.cookie.clone().filter(|cookie| is_cookie(cookie.expose()));
        let life = Duration::from_millis(self.life_ms);
        let believed = Duration::from_secs(1)..=Duration::from_secs(86_400);
        let life = if believed.contains(&life) { life } else { ASSUMED_LIFE };
        let sent = self.stamp.on_clock(boot, now);
        let windows = Windows::new(sent.unwrap_or(now.monotonic), life, draws);
        let mut token = Token::new(Origin::Adopted, self.token.clone(), cookie, self.tenant_id, windows);
        token.is_doubtful = sent.is_none();
        token.replaced_unauthorized_at = self.replaced_unauthorized_at.filter(|_| sent.is_some());
        Some((token, sent.is_none()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp() -> Stamp {
        Stamp {
            boot: "b1".into(),
            monotonic: Instant::from_millis(10_000),
            unix: UnixTime::from_millis(1_000_000),
        }
    }

    #[test]
    fn on_the_same_boot_the_monotonic_clock_alone_counts() {
        let day = 86_400_000;
        assert_eq!(
            stamp().on_clock("b1", Time::from_millis(15_000, 1_000_000 - day)),
            Some(Instant::from_millis(10_000))
        );
        assert_eq!(
            stamp().on_clock("b1", Time::from_millis(9_000, 1_000_000)),
            None,
            "a moment to come is none"
        );
    }

    #[test]
    fn on_another_boot_the_clocks_must_agree_within_5_s() {
        assert!(stamp().on_clock("b2", Time::from_millis(20_000, 1_015_000)).is_some());
        assert!(stamp().on_clock("b2", Time::from_millis(20_000, 1_015_001)).is_none());
        assert!(stamp().on_clock("", Time::from_millis(20_000, 1_010_000)).is_some());
        assert!(stamp().on_clock("b2", Time::from_millis(20_000, 900_000)).is_none());
    }
}
