//! What an account's record says, as far as promises look at it.

use serde::Deserialize;

#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) claim: Option<Claim>,
    pub(crate) token: Option<String>,
    pub(crate) sign_outs: u64,
    pub(crate) resets: u64,
    /// As hexadecimal digits.
    pub(crate) rejected: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Claim {
    pub(crate) owner: String,
    pub(crate) work: String,
}

#[derive(Deserialize)]
struct Fields {
    claim: Option<Claim>,
    #[serde(default)]
    rejection_resets: u64,
    #[serde(default)]
    rejected: Option<Vec<String>>,
    #[serde(default)]
    tokens: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    sign_outs: u64,
    token: Option<String>,
}

impl Seen {
    pub(crate) fn read(bytes: &[u8]) -> Self {
        let Ok(fields) = serde_json::from_slice::<Fields>(bytes) else { return Self::default() };
        // All sessions here have the account's own identity.
        let entry = fields.tokens.into_iter().next();
        let (sign_outs, token) = entry.map_or((0, None), |entry| (entry.sign_outs, entry.token));
        Self {
            claim: fields.claim,
            token,
            sign_outs,
            resets: fields.rejection_resets,
            rejected: fields.rejected.unwrap_or_default(),
        }
    }
}
