//! In the making.

mod cancel;
#[cfg_attr(
    not(test),
    allow(dead_code, unused_imports, reason = "the session that uses it follows")
)]
mod http;

pub use cancel::{CancelToken, TriggerGuard};
pub use http::{CaBundle, ClientCertificate, ProxySetting, Roots};
