//! The accounts that can sign in: passwords, one-time codes, locked and disabled accounts.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::io;
use std::time::Duration;

use totp_rs::{Builder, Secret, Totp};

use crate::clock::Now;
use crate::tokens::unguessable;

/// A user of the emulated instance. `Debug` shows neither the password nor the seed.
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    /// What the user signs in with, commonly an e-mail address. Compared byte for byte.
    pub username: String,
    /// The password, compared byte for byte.
    pub password: String,
    /// The TOTP secret in base32 (RFC 4648). An account that has one needs a one-time code to sign in.
    pub totp_secret: Option<String>,
    /// The tenant the user belongs to. Zero is a tenant like any other (docs/protocol.md, "The token").
    pub tenant_id: i64,
}

impl Account {
    /// An account without MFA in tenant 0.
    #[must_use]
    pub fn new(username: impl Into<String>, password: impl Into<String>) -> Account {
        Account { username: username.into(), password: password.into(), totp_secret: None, tenant_id: 0 }
    }

    /// Gives this account MFA. The secret is base32; spaces, lower case and padding are accepted.
    #[must_use]
    pub fn with_totp(mut self, base32: impl Into<String>) -> Account {
        self.totp_secret = Some(base32.into());
        self
    }

    /// Puts the account into a tenant.
    #[must_use]
    pub fn with_tenant(mut self, tenant_id: i64) -> Account {
        self.tenant_id = tenant_id;
        self
    }

    /// The default account without MFA: `service@example.com` with the password `service-password`.
    #[must_use]
    pub fn service() -> Account {
        Account::new("service@example.com", "service-password")
    }

    /// The default account with MFA: `analyst@example.com` with the password `analyst-password` and the seed
    /// of RFC 6238, appendix B (`GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ`).
    #[must_use]
    pub fn analyst() -> Account {
        Account::new("analyst@example.com", "analyst-password").with_totp("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account")
            .field("username", &self.username)
            .field("mfa", &self.totp_secret.is_some())
            .field("tenant_id", &self.tenant_id)
            .finish_non_exhaustive()
    }
}

/// The result of a sign-in step. The client learns much less (docs/protocol.md, "Failures").
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Both tokens are due to this account.
    SignedIn(Account),
    /// The password was right. The one-time code is wanted under this challenge.
    Challenge { code: String, tenant_id: i64 },
    /// Something was wrong.
    Rejected,
    /// The account was locked by what went before.
    Locked,
}

/// All accounts, the challenges they were given, and what they have done wrong.
pub(crate) struct Accounts {
    standings: BTreeMap<String, Standing>,
    challenges: HashMap<String, Challenge>,
    challenge_life_ms: u64,
    lock_after: Option<u32>,
}

struct Standing {
    account: Account,
    totp: Option<Totp>,
    rejections: u32,
    disabled: bool,
    used_steps: HashSet<u64>,
}

struct Challenge {
    username: String,
    given_ms: u64,
}

impl Accounts {
    /// # Errors
    /// `InvalidInput` when a user name occurs twice or a seed is not base32.
    pub(crate) fn new(
        accounts: &[Account],
        challenge_life: Duration,
        lock_after: Option<u32>,
    ) -> io::Result<Accounts> {
        let mut standings = BTreeMap::new();
        for account in accounts {
            let standing = Standing {
                account: account.clone(),
                totp: totp_of(account)?,
                rejections: 0,
                disabled: false,
                used_steps: HashSet::new(),
            };
            if standings.insert(account.username.clone(), standing).is_some() {
                return Err(invalid(account, "is given twice; give every account a user name of its own"));
            }
        }
        Ok(Accounts {
            standings,
            challenges: HashMap::new(),
            challenge_life_ms: u64::try_from(challenge_life.as_millis()).unwrap_or(u64::MAX),
            lock_after,
        })
    }

    /// Step 1: user name and password.
    pub(crate) fn sign_in(&mut self, username: &str, password: &str, now: Now) -> Step {
        let Some(standing) = self.standings.get_mut(username) else {
            return Step::Rejected;
        };
        if standing.locked(self.lock_after) {
            return Step::Locked;
        }
        if standing.disabled {
            return Step::Rejected;
        }
        if standing.account.password != password {
            standing.rejections += 1;
            return Step::Rejected;
        }
        if standing.totp.is_none() {
            standing.rejections = 0;
            return Step::SignedIn(standing.account.clone());
        }
        let life_ms = self.challenge_life_ms;
        self.challenges.retain(|_, challenge| challenge.alive(life_ms, now));
        let code = unguessable();
        self.challenges
            .insert(code.clone(), Challenge { username: username.to_owned(), given_ms: now.monotonic_ms });
        Step::Challenge { code, tenant_id: standing.account.tenant_id }
    }

    /// Step 2: the challenge and the one-time code. The challenge is used up in any case.
    pub(crate) fn verify(&mut self, code: &str, digits: &str, now: Now) -> Step {
        let Some(challenge) = self.challenges.remove(code) else {
            return Step::Rejected;
        };
        if !challenge.alive(self.challenge_life_ms, now) {
            return Step::Rejected;
        }
        let Some(standing) = self.standings.get_mut(&challenge.username) else {
            return Step::Rejected;
        };
        if standing.locked(self.lock_after) {
            return Step::Locked;
        }
        if standing.disabled {
            return Step::Rejected;
        }
        // RFC 6238, 5.2: a step that was accepted once is not accepted again.
        let step = standing.totp.as_ref().and_then(|totp| totp.check(digits, now.unix_s()));
        match step {
            Some(step) if standing.used_steps.insert(step) => {
                standing.rejections = 0;
                Step::SignedIn(standing.account.clone())
            }
            _ => {
                standing.rejections += 1;
                Step::Rejected
            }
        }
    }

    pub(crate) fn get(&self, username: &str) -> Option<&Account> {
        self.standings.get(username).map(|standing| &standing.account)
    }

    /// The one-time code of this moment; `None` for an unknown account or one without MFA.
    pub(crate) fn digits(&self, username: &str, now: Now) -> Option<String> {
        let totp = self.standings.get(username)?.totp.as_ref()?;
        Some(totp.generate(now.unix_s()).to_string())
    }

    /// Disables or enables an account; enabling also unlocks it. False when there is no such account.
    pub(crate) fn set_disabled(&mut self, username: &str, disabled: bool) -> bool {
        let Some(standing) = self.standings.get_mut(username) else {
            return false;
        };
        standing.disabled = disabled;
        if !disabled {
            standing.rejections = 0;
        }
        true
    }

    pub(crate) fn reset(&mut self) {
        self.challenges.clear();
        for standing in self.standings.values_mut() {
            standing.rejections = 0;
            standing.disabled = false;
            standing.used_steps.clear();
        }
    }
}

impl Standing {
    fn locked(&self, lock_after: Option<u32>) -> bool {
        lock_after.is_some_and(|limit| self.rejections >= limit)
    }
}

impl Challenge {
    fn alive(&self, life_ms: u64, now: Now) -> bool {
        now.monotonic_ms.saturating_sub(self.given_ms) < life_ms
    }
}

fn totp_of(account: &Account) -> io::Result<Option<Totp>> {
    let Some(seed) = &account.totp_secret else {
        return Ok(None);
    };
    let base32: String =
        seed.chars().filter(|c| !c.is_whitespace() && *c != '=').map(|c| c.to_ascii_uppercase()).collect();
    let secret = Secret::try_from_base32(&base32)
        .ok()
        .filter(|_| !base32.is_empty())
        .ok_or_else(|| invalid(account, "has a TOTP seed that is not base32 (letters A-Z and digits 2-7)"))?;
    // Not `build`: it refuses seeds under 128 bits, and servers with such seeds exist. Its defaults are
    // SHA-1, six digits, 30 seconds and one step of tolerance, as docs/protocol.md ("Accounts") has it.
    Ok(Some(Builder::new().with_secret(secret).build_noncompliant()))
}

fn invalid(account: &Account, what: &str) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidInput,
        format!("the emulator's account {:?} {what}", account.username),
    )
}
