//! The place where processes meet: records with versions, a clock, and what such a store may lose.

use std::collections::{HashMap, VecDeque};

use plextrac_auth_core::{RecordKind, StoreTime, StoredRecord, Version, Write, WriteOutcome};
use zeroize::Zeroizing;

use crate::controls::Broken;
use crate::plan::StorePlan;

/// Names a record: the one budget, or that of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Key {
    Budget,
    Account(usize),
}

impl Key {
    pub(crate) const fn of(kind: RecordKind, account: usize) -> Self {
        match kind {
            RecordKind::Budget => Self::Budget,
            RecordKind::Account => Self::Account(account),
        }
    }
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Record {
    /// No two writes have the same, not even if one of them was lost.
    pub(crate) version: u64,
    pub(crate) bytes: Vec<u8>,
}

pub(crate) struct Store {
    pub(crate) plan: Option<StorePlan>,
    records: HashMap<Key, Record>,
    versions: u64,
    /// The engine's clock: its runs, and by how much this run's clock is ahead of true time.
    run: u32,
    ahead_ms: u64,
    /// What the last writes replaced.
    log: VecDeque<(u64, Key, Record)>,
    pub(crate) fails_until_ms: u64,
    broken: Option<Broken>,
    /// When a broken store renewed a claim last.
    renewed_ms: HashMap<Key, u64>,
}

/// So many writes can be lost.
const LOG: usize = 32;

impl Store {
    pub(crate) fn new(plan: Option<StorePlan>, broken: Option<Broken>) -> Self {
        Self {
            plan,
            records: HashMap::new(),
            versions: 0,
            run: 1,
            ahead_ms: 1_700_000_000_000,
            log: VecDeque::new(),
            fails_until_ms: 0,
            broken,
            renewed_ms: HashMap::new(),
        }
    }

    pub(crate) fn is_engine(&self) -> bool {
        self.plan.as_ref().is_some_and(|plan| plan.is_engine)
    }

    pub(crate) fn get(&self, key: Key) -> Record {
        self.records.get(&key).cloned().unwrap_or_default()
    }

    pub(crate) fn version(&self, key: Key) -> Version {
        Version::new(self.records.get(&key).map_or(0, |record| record.version))
    }

    pub(crate) fn read(&self, key: Key, true_ms: u64) -> StoredRecord {
        let record = self.get(key);
        let time = StoreTime { clock: format!("run-{}", self.run), ms: true_ms + self.ahead_ms };
        StoredRecord {
            version: Version::new(record.version),
            bytes: Zeroizing::new(record.bytes),
            time: self.is_engine().then_some(time),
        }
    }

    pub(crate) fn write(&mut self, key: Key, write: &Write, true_ms: u64) -> WriteOutcome {
        let before = self.get(key);
        if Version::new(before.version) != write.expected && self.broken != Some(Broken::TakesEveryWrite) {
            return WriteOutcome::Conflict;
        }
        self.versions += 1;
        let bytes = self.spoiled(key, &write.bytes);
        self.records.insert(key, Record { version: self.versions, bytes });
        self.log.push_back((true_ms, key, before));
        if self.log.len() > LOG {
            self.log.pop_front();
        }
        WriteOutcome::Written(Version::new(self.versions))
    }

    /// What was written after that moment is gone. Returns which records were set back.
    pub(crate) fn lose_writes_since(&mut self, since_ms: u64) -> Vec<Key> {
        let mut lost = Vec::new();
        while let Some((_, key, before)) = self.log.pop_back_if(|(at_ms, ..)| *at_ms >= since_ms) {
            self.records.insert(key, before);
            lost.push(key);
        }
        lost
    }

    /// The power went before the last write reached the disk.
    pub(crate) fn lose_last_write(&mut self) -> Option<Key> {
        let (_, key, before) = self.log.pop_back()?;
        self.records.insert(key, before);
        Some(key)
    }

    /// Another run of the engine, with a clock of its own.
    pub(crate) fn begin_run(&mut self, ahead_ms: i64) {
        self.run += 1;
        self.ahead_ms = self.ahead_ms.saturating_add_signed(ahead_ms);
    }

    /// For a control alone: every 3 s, the claim of an owner that is gone is renewed.
    pub(crate) fn renew_claim(&mut self, key: Key, true_ms: u64) {
        let renewed_ms = self.renewed_ms.entry(key).or_default();
        if true_ms < *renewed_ms + 3000 {
            return;
        }
        *renewed_ms = true_ms;
        let record = self.records.entry(key).or_default();
        let mut json: serde_json::Value = serde_json::from_slice(&record.bytes).unwrap_or_default();
        if json["claim"].is_object() {
            json["claim"]["at"] = (json["claim"]["at"].as_u64().unwrap_or(0) + 3000).into();
            self.versions += 1;
            *record = Record { version: self.versions, bytes: serde_json::to_vec(&json).unwrap() };
        }
    }

    /// For controls alone: a store that forgets a part of each record.
    fn spoiled(&self, key: Key, bytes: &[u8]) -> Vec<u8> {
        let (Key::Account(_), Some(broken)) = (key, self.broken) else { return bytes.to_vec() };
        let mut json: serde_json::Value = serde_json::from_slice(bytes).unwrap();
        match broken {
            Broken::ForgetsCodes => json["totp_step"] = serde_json::Value::Null,
            Broken::ForgetsRejections => json["rejected"] = serde_json::Value::Null,
            Broken::ForgetsResets => json["rejection_resets"] = 0.into(),
            Broken::ForgetsClaims => json["claim"] = serde_json::Value::Null,
            Broken::ForgetsSignOuts => {
                for token in json["tokens"].as_array_mut().into_iter().flatten() {
                    token["sign_outs"] = 0.into();
                }
            }
            _ => return bytes.to_vec(),
        }
        serde_json::to_vec(&json).unwrap()
    }
}
