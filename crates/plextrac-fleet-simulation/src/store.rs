//! A store: two records with versions, one queue of operations, and what an engine may lose.

use std::collections::VecDeque;

use plextrac_auth_core::{OperationId, RecordKind, StoreTime, StoredRecord, Version, Write, WriteOutcome};
use zeroize::Zeroizing;

use crate::plan::StoreModel;
use crate::random::Random;

/// What a client wants of its store.
pub(crate) enum Operation {
    Read(OperationId, RecordKind),
    Write(Write),
    /// A notice when the account's record has another version.
    Watch,
}

/// What came of it.
pub(crate) enum Outcome {
    Read(StoredRecord),
    Written(WriteOutcome),
    Watched(Version),
    Failed,
}

#[derive(Clone, Default)]
struct Record {
    /// No two writes have the same, not even if one of them was lost.
    version: u64,
    bytes: Vec<u8>,
}

pub(crate) struct Store {
    pub(crate) costs: Costs,
    is_engine: bool,
    accounts: Vec<Record>,
    budget: Record,
    versions: u64,
    /// When the last operation of the queue ends.
    free_at_us: u64,
    /// The engine's clock: its runs, and by how much this run's clock is ahead of virtual time.
    run: u32,
    ahead_ms: u64,
    /// What the last writes replaced, and when.
    log: VecDeque<(u64, Key, Record)>,
    down_until_us: u64,
    failed_at_us: u64,
    /// Clients that get a notice when their account's record changes, by account.
    pub(crate) watchers: Vec<Vec<u32>>,
}

/// Names a record: the budget, or that of an account.
#[derive(Clone, Copy)]
enum Key {
    Budget,
    Account(u32),
}

/// How long everything takes, in microseconds.
#[derive(Clone, Copy)]
pub(crate) struct Costs {
    pub(crate) latency: (u64, u64),
    read: u64,
    write: u64,
    watch: u64,
    notice: u64,
}

/// A failover loses no more than the writes of so long, unless it loses everything.
const LOG_US: u64 = 30_000_000;

impl Key {
    const fn of(kind: RecordKind, account: u32) -> Self {
        match kind {
            RecordKind::Budget => Self::Budget,
            RecordKind::Account => Self::Account(account),
        }
    }
}

impl Store {
    pub(crate) fn new(model: StoreModel, accounts: u32) -> Self {
        let costs = match model {
            StoreModel::Engine { latency_us, read_us, write_us, watch_us, notice_us } => Costs {
                latency: latency_us,
                read: read_us,
                write: write_us,
                watch: watch_us,
                notice: notice_us,
            },
            // A small file: reading it, replacing it under a lock, a notice of the kernel.
            StoreModel::Directories => {
                Costs { latency: (5, 20), read: 30, write: 200, watch: 30, notice: 10 }
            }
        };
        Self {
            costs,
            is_engine: matches!(model, StoreModel::Engine { .. }),
            accounts: vec![Record::default(); accounts as usize],
            budget: Record::default(),
            versions: 0,
            free_at_us: 0,
            run: 1,
            ahead_ms: 1_700_000_000_000,
            log: VecDeque::new(),
            down_until_us: 0,
            failed_at_us: 0,
            watchers: vec![Vec::new(); accounts as usize],
        }
    }

    pub(crate) fn version(&self, account: u32) -> u64 {
        self.accounts[account as usize].version
    }

    pub(crate) const fn is_down(&self, now_us: u64) -> bool {
        now_us < self.down_until_us
    }

    /// Whether what arrived at that moment, and ends at the other, was in the queue when the engine failed.
    pub(crate) const fn lost_in_queue(&self, arrived_us: u64, done_us: u64) -> bool {
        arrived_us <= self.failed_at_us && done_us > self.failed_at_us && self.failed_at_us > 0
    }

    /// Carries out an operation that arrives now: what comes of it, and when.
    pub(crate) fn carry_out(&mut self, operation: &Operation, account: u32, now_us: u64) -> (u64, Outcome) {
        let takes = match operation {
            Operation::Read(..) => self.costs.read,
            Operation::Write(_) => self.costs.write,
            Operation::Watch => self.costs.watch,
        };
        let done_us = self.take_time(takes, now_us);
        let outcome = match operation {
            Operation::Read(_, kind) => Outcome::Read(self.read(Key::of(*kind, account), done_us)),
            Operation::Write(write) => {
                Outcome::Written(self.write(Key::of(write.record, account), write, done_us))
            }
            Operation::Watch => Outcome::Watched(Version::new(self.version(account))),
        };
        (done_us, outcome)
    }

    /// The moment at which the next notice leaves.
    pub(crate) fn notice(&mut self, now_us: u64) -> u64 {
        self.take_time(self.costs.notice, now_us)
    }

    /// Another node takes over.
    pub(crate) fn fail_over(&mut self, down_us: u64, loses_us: u64, now_us: u64, random: &mut Random) {
        self.down_until_us = now_us + down_us;
        self.failed_at_us = now_us;
        self.free_at_us = now_us;
        self.run += 1;
        self.ahead_ms = 1_700_000_000_000 - 3000 + random.within((0, 6000));
        if loses_us >= LOG_US {
            self.accounts.fill(Record::default());
            self.budget = Record::default();
            self.log.clear();
        }
        let since_us = now_us.saturating_sub(loses_us);
        while let Some((_, key, before)) = self.log.pop_back_if(|(at, ..)| *at >= since_us) {
            *self.record(key) = before;
        }
    }

    fn take_time(&mut self, takes: u64, now_us: u64) -> u64 {
        self.free_at_us = self.free_at_us.max(now_us) + takes;
        self.free_at_us
    }

    fn record(&mut self, key: Key) -> &mut Record {
        match key {
            Key::Account(account) => &mut self.accounts[account as usize],
            Key::Budget => &mut self.budget,
        }
    }

    fn read(&mut self, key: Key, done_us: u64) -> StoredRecord {
        let time = StoreTime { clock: format!("run-{}", self.run), ms: done_us / 1000 + self.ahead_ms };
        let time = self.is_engine.then_some(time);
        let record = self.record(key);
        StoredRecord {
            version: Version::new(record.version),
            bytes: Zeroizing::new(record.bytes.clone()),
            time,
        }
    }

    fn write(&mut self, key: Key, write: &Write, done_us: u64) -> WriteOutcome {
        if Version::new(self.record(key).version) != write.expected {
            return WriteOutcome::Conflict;
        }
        self.versions += 1;
        let written = Record { version: self.versions, bytes: write.bytes.to_vec() };
        let before = std::mem::replace(self.record(key), written);
        self.log.push_back((done_us, key, before));
        while self.log.front().is_some_and(|(at, ..)| at + LOG_US < done_us) {
            self.log.pop_front();
        }
        WriteOutcome::Written(Version::new(self.versions))
    }
}
