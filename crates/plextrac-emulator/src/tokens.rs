//! The JWTs an instance has given out, and which of them are still good.

use std::collections::HashMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

use crate::accounts::Account;

/// Above this many the table is swept of what has expired, so that a long run stays small.
const SWEEP_ABOVE: usize = 4096;

/// What a token opens. The two are not interchangeable (docs/protocol.md, "The token").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    /// The `Authorization` header.
    Header,
    /// The `token` cookie of the uploads endpoint.
    Cookie,
}

/// The two JWTs of one sign-in or refresh.
pub(crate) struct Pair {
    pub(crate) token: String,
    pub(crate) cookie: String,
}

/// Every token alive, by its text: what is not in the table is not valid. The signature is therefore random
/// bytes that nobody checks, which also makes a token impossible to guess.
pub(crate) struct Tokens {
    life: Duration,
    padding: usize,
    live: HashMap<String, Entry>,
}

struct Entry {
    username: String,
    opens: Use,
    exp_s: u64,
}

impl Tokens {
    pub(crate) fn new(life: Duration, padding: usize) -> Tokens {
        Tokens { life, padding, live: HashMap::new() }
    }

    /// Two new tokens. Those given out before stay good until their own expiry.
    pub(crate) fn issue(&mut self, account: &Account, unix_s: u64) -> Pair {
        if self.live.len() > SWEEP_ABOVE {
            self.live.retain(|_, entry| entry.exp_s > unix_s);
        }
        Pair {
            token: self.issue_one(account, unix_s, Use::Header),
            cookie: self.issue_one(account, unix_s, Use::Cookie),
        }
    }

    /// The user a token belongs to, unless it is unknown, expired, revoked, or opens something else.
    pub(crate) fn owner(&self, token: &str, opens: Use, unix_s: u64) -> Option<&str> {
        let entry = self.live.get(token)?;
        (entry.opens == opens && unix_s < entry.exp_s).then_some(entry.username.as_str())
    }

    pub(crate) fn revoke_all(&mut self) {
        self.live.clear();
    }

    pub(crate) fn revoke_of(&mut self, username: &str) {
        self.live.retain(|_, entry| entry.username != username);
    }

    fn issue_one(&mut self, account: &Account, iat_s: u64, opens: Use) -> String {
        let exp_s = iat_s.saturating_add(self.life.as_secs());
        let mut claims = json!({
            "username": account.username,
            "tenantId": account.tenant_id,
            "iat": iat_s,
            "exp": exp_s,
        });
        if opens == Use::Cookie {
            claims["use"] = json!("cookie");
        }
        if self.padding > 0 {
            claims["permissions"] = json!("x".repeat(self.padding));
        }
        let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"JWT"}"#);
        let payload = URL_SAFE_NO_PAD.encode(claims.to_string());
        let signature = URL_SAFE_NO_PAD.encode(random_bytes());
        let token = format!("{header}.{payload}.{signature}");
        self.live.insert(token.clone(), Entry { username: account.username.clone(), opens, exp_s });
        token
    }
}

/// A name nobody can guess, for the challenge of a sign-in with MFA.
pub(crate) fn unguessable() -> String {
    URL_SAFE_NO_PAD.encode(random_bytes())
}

fn random_bytes() -> [u8; 32] {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}
