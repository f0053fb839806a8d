//! Under which names a session's records stand in a store.
//!
//! | record | name from | holds |
//! |---|---|---|
//! | `a…` | instance, user; one of 256 for sessions without a user name | the account: claim, tokens, rejections |
//! | `b…` | instance | the budget |
//!
//! Names are keyed digests: they give away neither instance nor user. Only the server could say whose an imported token
//! is. So it has a place of its own in the record, shared by those that import the same token, and is never taken for
//! the named user's.

use plextrac_auth_core::{Fingerprint, FingerprintKey, Instance, RecordKind, TokenIdentity};

use crate::config::SessionConfig;

/// The names of an account's records.
pub(crate) struct RecordNames {
    account: String,
    budget: String,
}

impl RecordNames {
    /// The names, and which token of the account is the session's. `None` if nothing can be shared: there is neither a
    /// user name nor an imported token.
    pub(crate) fn of(config: &SessionConfig, key: &FingerprintKey) -> Option<(Self, TokenIdentity)> {
        let base = base(&config.instance);
        let imported = config.token.as_ref().map(|token| token.secret().expose().as_bytes());
        let account = match (&config.username, imported) {
            (Some(user), _) => key.of(&[b"account", base, user.as_bytes()]),
            (None, Some(token)) => {
                let digest: Vec<u8> = key.of(&[b"place of a token", base, token]).into();
                key.of(&[b"account of tokens", base, &digest[..1]])
            }
            (None, None) => return None,
        };
        let names = Self { account: name('a', account), budget: name('b', key.of(&[b"budget", base])) };
        let imported = imported.map(|token| key.of(&[b"imported token", token]));
        Some((names, TokenIdentity { imported, verified: config.http.verify }))
    }

    pub(crate) fn get(&self, record: RecordKind) -> &str {
        match record {
            RecordKind::Account => &self.account,
            RecordKind::Budget => &self.budget,
        }
    }
}

fn base(instance: &Instance) -> &[u8] {
    instance.base_url().as_bytes()
}

fn name(kind: char, digest: Fingerprint) -> String {
    let bytes: Vec<u8> = digest.into();
    let mut name = String::with_capacity(33);
    name.push(kind);
    for byte in &bytes[..16] {
        name.push_str(&format!("{byte:02x}"));
    }
    name
}
