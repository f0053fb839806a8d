//! The token in hand.

use core::time::Duration;

use crate::answer::Granted;
use crate::credential::ImportedToken;
use crate::refresh_window::{Claims, Windows};
use crate::secret::Secret;
use crate::split_mix::SplitMix64;
use crate::time::{Instant, Time};

/// Counts the tokens a machine has held; a 401 is about one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Generation(pub u64);

/// Where a token came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Origin {
    /// The server gave it to this machine.
    Granted,
    /// Another session of the account got it.
    Adopted,
    /// It was handed in: of unknown age, and refreshed at its first use.
    Imported,
}

/// One token: what is sent, what it came with, and its windows.
#[derive(Clone, Debug)]
pub struct Token {
    pub(crate) generation: Generation,
    pub(crate) origin: Origin,
    pub(crate) secret: Secret,
    pub(crate) cookie: Option<Secret>,
    pub(crate) tenant_id: Option<i64>,
    pub(crate) windows: Windows,
    /// It replaced one that was answered with 401, at this moment.
    pub(crate) replaced_unauthorized_at: Option<Instant>,
    /// The server refused to refresh it: it is used to its end and not refreshed again by itself.
    pub(crate) refresh_refused: bool,
    /// Its age is unknown, or the server does not take it: no other session is to hand it out.
    pub(crate) is_doubtful: bool,
}

impl Token {
    /// Which one it is.
    #[must_use]
    pub const fn generation(&self) -> Generation {
        self.generation
    }

    /// Where it came from.
    #[must_use]
    pub const fn origin(&self) -> Origin {
        self.origin
    }

    /// The JWT.
    #[must_use]
    pub const fn secret(&self) -> &Secret {
        &self.secret
    }

    /// The other JWT, for `GET /api/v1/uploads/{name}`, if the server gave one.
    #[must_use]
    pub const fn cookie(&self) -> Option<&Secret> {
        self.cookie.as_ref()
    }

    /// The tenant, if the server said; 0 is a tenant.
    #[must_use]
    pub const fn tenant_id(&self) -> Option<i64> {
        self.tenant_id
    }

    /// What is done with it at which age.
    #[must_use]
    pub const fn windows(&self) -> &Windows {
        &self.windows
    }

    /// A token that came in answer to a request sent at `sent`.
    pub(crate) fn granted(granted: Granted, sent: Instant, draws: &mut SplitMix64) -> Self {
        let life = Claims::read(granted.token.expose()).life();
        let windows = Windows::new(sent, life, draws);
        Self::new(Origin::Granted, granted.token, granted.cookie, granted.tenant_id, windows)
    }

    /// An imported token, due for a refresh at its first use. `true` if it is past its `exp` by the
    /// local clock: doubtful, since that clock may be wrong.
    pub(crate) fn imported(token: &ImportedToken, now: Time, draws: &mut SplitMix64) -> (Self, bool) {
        let claims = Claims::read(token.secret().expose());
        let left = claims.left(now.unix);
        let is_past = left < Duration::from_secs(1);
        let windows = Windows::new(now.monotonic, if is_past { claims.life() } else { left }, draws);
        let mut token =
            Self::new(Origin::Imported, token.secret().clone(), None, None, windows.due_now(now.monotonic));
        token.is_doubtful = is_past;
        (token, is_past)
    }

    pub(crate) const fn new(
        origin: Origin,
        secret: Secret,
        cookie: Option<Secret>,
        tenant_id: Option<i64>,
        windows: Windows,
    ) -> Self {
        let generation = Generation(0);
        Self {
            generation,
            origin,
            secret,
            cookie,
            tenant_id,
            windows,
            replaced_unauthorized_at: None,
            refresh_refused: false,
            is_doubtful: false,
        }
    }
}
