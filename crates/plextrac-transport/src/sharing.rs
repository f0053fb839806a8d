//! What a session writes down for others of its account and instance, under which names, and how it is read.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use plextrac_auth_core::{
    BudgetRecord, Fingerprint, FingerprintKey, Instance, Instant as Moment, ReadyToken, Secret, SharedRecord,
    SharedToken, Stamp, Time,
};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::clock::real_now;
use crate::store::{MAX_RECORD, SessionStore, StoreError, StoreErrorKind, StoreLock};

/// So many locks, and records of what was rejected, have sessions that were handed a token and no user name.
const TOKEN_LOCKS: u8 = 16;

/// The budget's lock is held for as long as two small files take, unless its holder is stopped in the middle.
const BUDGET_PATIENCE: Duration = Duration::from_secs(1);

/// A session's view of its store.
///
/// | record | name from | holds |
/// |---|---|---|
/// | `t…` | instance, user, token that was handed in, whether certificates are checked | the token |
/// | `a…` | instance, user (one for all without) | what was rejected, TOTP step, clock, who is being asked |
/// | `b…` | instance | the budget |
///
/// Whose a token is that was handed in, only the server could say. So what it was refreshed to is shared with those who
/// were handed the same one, and never taken for the named user's.
pub(crate) struct Sharing {
    store: Arc<dyn SessionStore>,
    boot: String,
    token: String,
    account: String,
    budget: String,
    /// Another process held the budget's lock for longer than it takes to spend.
    budget_is_held: AtomicBool,
    /// What is known of the budget here was not written down.
    pub(crate) owes_budget: AtomicBool,
    /// That the store fails is said once.
    failed: AtomicBool,
}

/// Who shares.
#[derive(Clone, Copy)]
pub(crate) enum Identity<'a> {
    /// Sessions of one user.
    User(&'a str),
    /// Sessions that were handed the same token; the user is who signs in when it has ended.
    Token { token: &'a ReadyToken, user: Option<&'a str> },
}

/// What became of a record that was to be written down.
#[must_use]
pub(crate) struct Kept {
    /// The token, or that there is none any more.
    pub(crate) token: Result<(), StoreError>,
    /// What else is known of the account.
    pub(crate) account: Result<(), StoreError>,
}

impl Sharing {
    /// Names the records, and gives the key for fingerprints.
    pub(crate) fn new(
        store: Arc<dyn SessionStore>,
        boot: String,
        instance: &Instance,
        identity: Identity<'_>,
        verify: bool,
    ) -> Result<(Self, FingerprintKey), StoreError> {
        let key = FingerprintKey::new(*store.key()?);
        let base = instance.base_url().as_bytes();
        let trust: &[u8] = if verify { b"verified" } else { b"unverified" };
        let (token, account) = match identity {
            Identity::User(user) => {
                let user = user.as_bytes();
                (key.of(&[b"token", base, user, trust]), key.of(&[b"account", base, user]))
            }
            Identity::Token { token, user } => {
                let token = token.secret().expose().as_bytes();
                let account = match user {
                    Some(user) => key.of(&[b"account", base, user.as_bytes()]),
                    // A few for all of them: a lock's file stays for ever, and tokens come and go.
                    None => {
                        let digest: Vec<u8> = key.of(&[b"lock of a token", base, token]).into();
                        key.of(&[b"account of tokens", base, &[digest[0] % TOKEN_LOCKS]])
                    }
                };
                let user = user.unwrap_or("").as_bytes();
                (key.of(&[b"token from a token", base, user, token, trust]), account)
            }
        };
        let sharing = Self {
            token: name('t', token),
            account: name('a', account),
            budget: name('b', key.of(&[b"budget", base])),
            store,
            boot,
            budget_is_held: AtomicBool::new(false),
            owes_budget: AtomicBool::new(false),
            failed: AtomicBool::new(false),
        };
        Ok((sharing, key))
    }

    pub(crate) fn boot(&self) -> &str {
        &self.boot
    }

    /// The lock under which the account's record is read, decided on and written, network included.
    pub(crate) fn lock_account(&self, deadline: Instant) -> Result<Box<dyn StoreLock>, StoreError> {
        self.store.lock(&self.account, deadline)
    }

    /// The lock under which the budget is read, spent and written.
    pub(crate) fn lock_budget(&self) -> Result<Box<dyn StoreLock>, StoreError> {
        // Once is enough to find out that its holder has stopped.
        let patience =
            if self.budget_is_held.load(Ordering::Relaxed) { Duration::ZERO } else { BUDGET_PATIENCE };
        let lock = self.store.lock(&self.budget, real_now() + patience);
        let is_held = lock.as_ref().is_err_and(|error| error.kind == StoreErrorKind::Busy);
        self.budget_is_held.store(is_held, Ordering::Relaxed);
        lock
    }

    /// What others wrote down. A record that makes no sense is as good as none.
    pub(crate) fn read(&self, now: Time) -> Result<SharedRecord, StoreError> {
        let account: AccountRecord = self.read_record(&self.account)?.unwrap_or_default();
        let is_same_clock =
            account.stamp.as_ref().is_some_and(|stamp| stamp.on_clock(&self.boot, now).is_some());
        Ok(SharedRecord {
            token: self.read_token()?,
            rejected: account.rejected,
            doubted: account.doubted,
            totp_step: account.totp_step,
            refused: account.refused,
            issued: account.issued,
            server_ahead_ms: account
                .server_ahead_ms
                .filter(|_| account.stamp.as_ref().is_some_and(|stamp| stamp.is_unstepped(now))),
            asked_until: account.asked_until.filter(|_| is_same_clock),
        })
    }

    /// Writes down what the machine said to keep.
    pub(crate) fn keep(&self, record: &SharedRecord, now: Time) -> Kept {
        let account = AccountRecord {
            rejected: record.rejected.clone(),
            doubted: record.doubted,
            totp_step: record.totp_step,
            refused: record.refused.clone(),
            issued: record.issued.clone(),
            server_ahead_ms: record.server_ahead_ms,
            asked_until: record.asked_until,
            stamp: Some(Stamp { boot: self.boot.clone(), monotonic: now.monotonic, unix: now.unix }),
        };
        // Neither is left out because the other failed.
        let account = self.write_record(&self.account, &account);
        let token = match &record.token {
            Some(shared) => self.write_record(
                &self.token,
                &TokenRecord {
                    token: shared.token.expose(),
                    cookie: shared.cookie.as_ref().map(Secret::expose),
                    tenant_id: shared.tenant_id,
                    life_ms: shared.life_ms,
                    born_of_401: shared.born_of_401,
                    stamp: shared.stamp.clone(),
                },
            ),
            None => self.store.remove(&self.token),
        };
        Kept { token, account }
    }

    pub(crate) fn read_budget(&self) -> Result<Option<BudgetRecord>, StoreError> {
        self.read_record(&self.budget)
    }

    pub(crate) fn write_budget(&self, record: &BudgetRecord) -> Result<(), StoreError> {
        self.write_record(&self.budget, record)
    }

    /// The store, for people.
    pub(crate) fn name(&self) -> String {
        self.store.name()
    }

    /// Whether the last records, the account's and the budget's, were written.
    pub(crate) fn is_written(&self) -> bool {
        !self.failed.load(Ordering::Relaxed) && !self.owes_budget.load(Ordering::Relaxed)
    }

    /// What is to be said of a failing store: once, until it works again.
    pub(crate) fn notice(&self, error: &StoreError) -> Option<String> {
        let is_first = !self.failed.swap(true, Ordering::Relaxed);
        is_first.then(|| match error.kind {
            StoreErrorKind::Unsafe => format!("nothing is shared, it would not be safe: {error}"),
            StoreErrorKind::Unavailable | StoreErrorKind::Busy => {
                format!("nothing is shared for now: {error}")
            }
        })
    }

    fn read_token(&self) -> Result<Option<SharedToken>, StoreError> {
        let Some(bytes) = self.store.read(&self.token)? else { return Ok(None) };
        // Borrowed from the wiped buffer; a token with escapes is none that a header could carry.
        let record: Option<TokenRecord<'_>> = serde_json::from_slice(&bytes).ok().flatten();
        Ok(record.map(|record| SharedToken {
            token: Secret::new(record.token),
            cookie: record.cookie.map(Secret::new),
            tenant_id: record.tenant_id,
            life_ms: record.life_ms,
            born_of_401: record.born_of_401,
            stamp: record.stamp,
        }))
    }

    fn read_record<T: for<'a> Deserialize<'a>>(&self, name: &str) -> Result<Option<T>, StoreError> {
        let bytes = self.store.read(name)?;
        Ok(bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
    }

    fn write_record<T: Serialize>(&self, name: &str, record: &T) -> Result<(), StoreError> {
        // As large as a record may be, so that it never grows and leaves nothing behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_RECORD));
        serde_json::to_writer(&mut *bytes, record)
            .map_err(|error| StoreError::unavailable(format!("a record cannot be written: {error}")))?;
        self.store.write(name, &bytes)?;
        self.failed.store(false, Ordering::Relaxed);
        Ok(())
    }
}

#[derive(Default, Serialize, Deserialize)]
struct AccountRecord {
    rejected: Vec<Fingerprint>,
    #[serde(default)]
    doubted: Option<(Fingerprint, u32)>,
    totp_step: Option<u64>,
    #[serde(default)]
    refused: Vec<Fingerprint>,
    #[serde(default)]
    issued: Vec<Fingerprint>,
    #[serde(default)]
    server_ahead_ms: Option<i64>,
    asked_until: Option<Moment>,
    stamp: Option<Stamp>,
}

#[derive(Serialize, Deserialize)]
struct TokenRecord<'a> {
    token: &'a str,
    cookie: Option<&'a str>,
    tenant_id: Option<i64>,
    life_ms: u64,
    #[serde(default)]
    born_of_401: Option<Moment>,
    stamp: Stamp,
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
