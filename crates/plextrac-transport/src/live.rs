//! The token that is handed out: published by whoever drives the machine, read by everybody.

use std::sync::Arc;

use http::HeaderValue;
use plextrac_auth_core::{Generation, Machine, Secret, Windows};

use crate::clock::Time;
use crate::http::secret_header_value;
use crate::sync::RwLock;

/// A token in the forms in which it is used.
pub(crate) struct LiveToken {
    pub(crate) generation: Generation,
    pub(crate) authorization: Secret,
    pub(crate) header: HeaderValue,
    pub(crate) cookie: Option<Secret>,
    pub(crate) tenant_id: Option<i64>,
    pub(crate) windows: Windows,
}

/// What is to be done about a token at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Age {
    /// Hand it out.
    Fresh,
    /// Hand it out, and have it refreshed; nobody waits.
    Early,
    /// Wait for its refresh; if that fails, hand it out all the same.
    Late,
    /// Not to be handed out.
    Over,
}

impl LiveToken {
    pub(crate) fn age(&self, now: Time) -> Age {
        let (now, windows) = (now.monotonic, &self.windows);
        if now < windows.refresh_at {
            Age::Fresh
        } else if now >= windows.unusable_at {
            Age::Over
        } else if now >= windows.late_at {
            Age::Late
        } else {
            Age::Early
        }
    }

    /// The machine's token as it is now, if it may be handed out.
    fn of(machine: &Machine, now: Time) -> Option<Self> {
        let token = machine.usable_token(now)?;
        let authorization = machine.authorization(now).ok()?;
        // The core lets only header-safe tokens pass.
        let header = secret_header_value(authorization.expose()).ok()?;
        Some(Self {
            generation: token.generation(),
            header,
            authorization,
            cookie: token.cookie().cloned(),
            tenant_id: token.tenant_id(),
            windows: *token.windows(),
        })
    }
}

/// The slot. Its lock is held for a pointer's time only, never across anything that waits.
#[derive(Default)]
pub(crate) struct Live(RwLock<Option<Arc<LiveToken>>>);

impl Live {
    /// The token, whatever its age.
    pub(crate) fn get(&self) -> Option<Arc<LiveToken>> {
        self.0.read().clone()
    }

    /// Publishes what the machine has, unless it is published already.
    pub(crate) fn publish(&self, machine: &Machine, now: Time) {
        let held = machine.usable_token(now).map(plextrac_auth_core::Token::generation);
        let published = self.0.read().as_ref().map(|live| live.generation);
        if held != published {
            let live = LiveToken::of(machine, now).map(Arc::new);
            *self.0.write() = live;
        }
    }

    pub(crate) fn clear(&self) {
        *self.0.write() = None;
    }
}
