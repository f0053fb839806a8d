//! Asking for six digits.

use std::sync::Arc;
use std::time::Duration;

use zeroize::Zeroizing;

/// What a callback is told when it is asked for six digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MfaPrompt {
    /// 1, or 2 after wrong digits. There is no third.
    pub attempt: u32,
    /// How long the challenge is believed to live; digits that come later are not sent.
    pub time_left: Duration,
    /// Whose digits.
    pub username: String,
    /// Where.
    pub instance: String,
}

/// Returns six digits, or `None` to give up.
pub(crate) type MfaCallback = Arc<dyn Fn(&MfaPrompt) -> Option<Zeroizing<String>> + Send + Sync>;
