//! The shared records and the account locks, as the directory of `plextrac-transport` keeps them.

use plextrac_auth_core::{BudgetRecord, Fingerprint, Instant, SharedRecord, SharedToken, Stamp, Time};

/// Whoever can hold a lock: a process in one of its lives, and which of its threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Holder {
    pub(crate) process: usize,
    pub(crate) life: u32,
    pub(crate) thread: Thread,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Thread {
    Flight(u64),
    Caller(usize),
}

#[derive(Default)]
pub(crate) struct Store {
    /// JSON: what a process writes is read by another through serde.
    budget: Option<String>,
    accounts: Vec<Account>,
    /// What the last write replaced: a power cut may lose it.
    undo: Option<Undo>,
}

#[derive(Default)]
struct Account {
    record: Option<AccountRecord>,
    token: Option<SharedToken>,
    held_by: Option<Holder>,
    waiting: Vec<Holder>,
}

#[derive(Clone)]
struct AccountRecord {
    rejected: Vec<Fingerprint>,
    doubted: Option<(Fingerprint, u32)>,
    totp_step: Option<u64>,
    asked_until: Option<Instant>,
    server_ahead_ms: Option<i64>,
    stamp: Stamp,
}

enum Undo {
    Budget(Option<String>),
    Record(usize, Option<AccountRecord>),
    Token(usize, Option<SharedToken>),
}

impl Store {
    pub(crate) fn new(accounts: usize) -> Self {
        Self { accounts: (0..accounts).map(|_| Account::default()).collect(), ..Self::default() }
    }

    pub(crate) fn read_budget(&self) -> Option<BudgetRecord> {
        self.budget.as_deref().and_then(|json| serde_json::from_str(json).ok())
    }

    pub(crate) fn write_budget(&mut self, record: &BudgetRecord) {
        let json = serde_json::to_string(record).unwrap();
        self.undo = Some(Undo::Budget(self.budget.replace(json)));
    }

    pub(crate) fn read(&self, account: usize, boot: &str, now: Time) -> SharedRecord {
        let account = &self.accounts[account];
        let record = account.record.as_ref();
        let asked_until = record
            .filter(|record| record.stamp.on_clock(boot, now).is_some())
            .and_then(|record| record.asked_until);
        SharedRecord {
            token: account.token.clone(),
            rejected: record.map_or(Vec::new(), |record| record.rejected.clone()),
            doubted: record.and_then(|record| record.doubted),
            totp_step: record.and_then(|record| record.totp_step),
            asked_until,
            refused: Vec::new(),
            issued: Vec::new(),
            server_ahead_ms: record
                .filter(|record| record.stamp.is_unstepped(now))
                .and_then(|record| record.server_ahead_ms),
        }
    }

    /// The first half of keeping a record.
    pub(crate) fn write_account(&mut self, account: usize, record: &SharedRecord, boot: &str, now: Time) {
        let written = AccountRecord {
            rejected: record.rejected.clone(),
            doubted: record.doubted,
            totp_step: record.totp_step,
            asked_until: record.asked_until,
            server_ahead_ms: record.server_ahead_ms,
            stamp: Stamp { boot: boot.into(), monotonic: now.monotonic, unix: now.unix },
        };
        self.undo = Some(Undo::Record(account, self.accounts[account].record.replace(written)));
    }

    /// The second half. Returns the token that was there before.
    pub(crate) fn write_token(&mut self, account: usize, token: Option<SharedToken>) -> Option<SharedToken> {
        let before = std::mem::replace(&mut self.accounts[account].token, token);
        self.undo = Some(Undo::Token(account, before.clone()));
        before
    }

    /// Takes the account's lock, or waits for it: then [`Store::release`] names the one who has it.
    pub(crate) fn lock(&mut self, account: usize, holder: Holder) -> bool {
        let account = &mut self.accounts[account];
        if account.held_by.is_none() {
            account.held_by = Some(holder);
            return true;
        }
        account.waiting.push(holder);
        false
    }

    /// Waits no longer. `false` if the lock was handed over in the same moment.
    pub(crate) fn give_up(&mut self, account: usize, holder: Holder) -> bool {
        let waiting = &mut self.accounts[account].waiting;
        let before = waiting.len();
        waiting.retain(|other| *other != holder);
        waiting.len() < before
    }

    /// Whether this one holds the lock.
    pub(crate) fn is_held_by(&self, account: usize, holder: Holder) -> bool {
        self.accounts[account].held_by == Some(holder)
    }

    /// Lets go of the lock. The kernel wakes one of those who wait, which is a matter of chance.
    pub(crate) fn release(&mut self, account: usize, holder: Holder, chance: u64) -> Option<Holder> {
        let account = &mut self.accounts[account];
        if account.held_by != Some(holder) {
            return None;
        }
        account.held_by = None;
        if account.waiting.is_empty() {
            return None;
        }
        let next = account.waiting.swap_remove((chance % account.waiting.len() as u64) as usize);
        account.held_by = Some(next);
        Some(next)
    }

    /// The process died: the kernel frees what it held.
    pub(crate) fn bury(&mut self, account: usize, process: usize, chance: u64) -> Option<Holder> {
        self.accounts[account].waiting.retain(|holder| holder.process != process);
        let held_by = self.accounts[account].held_by.filter(|holder| holder.process == process)?;
        self.release(account, held_by, chance)
    }

    /// The power went before the last write reached the disk: it is absent, never half there.
    pub(crate) fn lose_last_write(&mut self) {
        match self.undo.take() {
            Some(Undo::Budget(before)) => self.budget = before,
            Some(Undo::Record(account, before)) => self.accounts[account].record = before,
            Some(Undo::Token(account, before)) => self.accounts[account].token = before,
            None => {}
        }
    }

    /// For broken clients alone: others' TOTP step is forgotten, or what was rejected is.
    pub(crate) fn forget(&mut self, account: usize, rejected: bool, totp_step: bool) {
        if let Some(record) = &mut self.accounts[account].record {
            record.rejected.retain(|_| !rejected);
            record.doubted = record.doubted.filter(|_| !rejected);
            record.totp_step = record.totp_step.filter(|_| !totp_step);
        }
    }
}
