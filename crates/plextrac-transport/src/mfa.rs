//! Asking for one-time codes.

use std::sync::Arc;
use std::time::Duration;

use zeroize::Zeroizing;

/// What a callback gets when it is asked for a one-time code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MfaPrompt {
    /// 1, or 2 after a wrong code. There is no third.
    pub attempt: u32,
    /// How long the challenge is probably valid. A later code is not sent.
    pub time_left: Duration,
    /// The user name of the account.
    pub username: String,
    /// The base URL of the instance.
    pub instance: String,
}

/// Returns a one-time code, or `None` to give up.
pub(crate) type MfaCallback = Arc<dyn Fn(&MfaPrompt) -> Option<Zeroizing<String>> + Send + Sync>;
