//! Notices of changed records: one connection of the process that subscribes to the records that are watched.
//!
//! A notice can be lost, so it is never the only source. A watch reads the version once after the subscription began,
//! and again every few seconds. While there is no subscription it reads more often.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use plextrac_transport::Version;
use redis::{Connection, PubSub};

use crate::address::Address;
use crate::clock::now;
use crate::engine::{Deadline, Engine};
use crate::seal::version_of;
use crate::sync::{lock, wait_until};

/// The records that are watched, and the thread that listens.
pub(crate) struct Watches(Arc<Board>);

struct Board {
    address: Arc<Address>,
    /// A message on this channel wakes the thread.
    bell: String,
    records: Mutex<Records>,
    changed: Condvar,
}

#[derive(Default)]
struct Records {
    entries: HashMap<String, Entry>,
    has_thread: bool,
    /// The connection must be opened again: the engine is another one.
    is_stale: bool,
}

#[derive(Default)]
struct Entry {
    watchers: usize,
    unused_since: Option<Instant>,
    is_subscribed: bool,
    /// Counts notices and subscriptions: a read that began under another count may be older than the notice.
    count: u64,
    last: Option<Sight>,
}

/// The version that a record had at some moment.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sight {
    pub(crate) version: Version,
    pub(crate) at: Instant,
    /// The entry's count at that moment.
    count: u64,
}

/// What a watch knows of its record.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) is_subscribed: bool,
    count: u64,
    /// What was heard, read or written last.
    pub(crate) last: Option<Sight>,
}

impl Seen {
    /// Whether a change since the last sight would have been heard.
    pub(crate) fn is_heard(&self) -> bool {
        self.is_subscribed && self.last.is_some_and(|last| last.count == self.count)
    }
}

/// Notes what was read or written.
pub(crate) struct Noter {
    board: Arc<Board>,
    name: String,
    count: u64,
}

/// A record that nobody watches keeps its subscription so long: the next watch is often near.
const UNUSED: Duration = Duration::from_secs(10);
/// The listening thread looks so often what it should listen to, should a bell be lost.
const LOOKS_EVERY: Duration = Duration::from_secs(1);
/// After so long without a message the thread asks whether the connection still works.
const SILENCE: Duration = Duration::from_secs(10);
/// How long opening a connection and subscribing may take.
const OPENING: Duration = Duration::from_secs(3);
/// After a failure.
const PAUSE: Duration = Duration::from_millis(500);

impl Watches {
    /// `bell` is a channel of this process alone.
    pub(crate) fn new(address: Arc<Address>, bell: String) -> Self {
        Self(Arc::new(Board { address, bell, records: Mutex::default(), changed: Condvar::new() }))
    }

    pub(crate) fn bell(&self) -> &str {
        &self.0.bell
    }

    /// Watches a record until the result is dropped. Returns as well whether the listening thread must be woken to
    /// subscribe to it.
    pub(crate) fn enter(&self, name: &str) -> (Watch, bool) {
        let mut records = lock(&self.0.records);
        let must_ring = records.has_thread && !records.entries.contains_key(name);
        let entry = records.entries.entry(name.to_owned()).or_default();
        entry.watchers += 1;
        entry.unused_since = None;
        if !records.has_thread {
            let board = Arc::clone(&self.0);
            // Without the thread watches read more often.
            let started = thread::Builder::new().name("plextrac-watch".into()).spawn(move || board.listen());
            records.has_thread = started.is_ok();
        }
        (Watch { board: Arc::clone(&self.0), name: name.to_owned() }, must_ring)
    }

    /// Notes what a read or a write brings that begins now.
    pub(crate) fn noter(&self, name: &str) -> Noter {
        let count = lock(&self.0.records).entries.get(name).map_or(0, |entry| entry.count);
        Noter { board: Arc::clone(&self.0), name: name.to_owned(), count }
    }

    /// The engine is another one, or began anew: what was heard before does not count.
    pub(crate) fn restart(&self) {
        let mut records = lock(&self.0.records);
        records.is_stale = records.has_thread;
        records.forget_subscriptions();
        self.0.changed.notify_all();
    }
}

impl Noter {
    /// The record had that version, unless a notice came meanwhile: that may be newer.
    pub(crate) fn note(&self, version: Version) {
        let mut records = lock(&self.board.records);
        let Some(entry) = records.entries.get_mut(&self.name) else { return };
        if entry.count == self.count {
            entry.last = Some(Sight { version, at: now(), count: self.count });
            self.board.changed.notify_all();
        }
    }
}

/// One watch of a record.
pub(crate) struct Watch {
    board: Arc<Board>,
    name: String,
}

impl Watch {
    /// What is known of the record now.
    pub(crate) fn seen(&self) -> Seen {
        self.seen_in(&lock(&self.board.records))
    }

    /// Waits until more is known than `seen`, `is_over` says so, or the moment has come.
    pub(crate) fn wait(&self, seen: Seen, is_over: impl Fn() -> bool, moment: Instant) {
        let mut records = lock(&self.board.records);
        while self.seen_in(&records) == seen && !is_over() && now() < moment {
            records = wait_until(&self.board.changed, records, moment);
        }
    }

    /// A function that wakes the watch.
    pub(crate) fn waker(&self) -> Box<dyn Fn() + Send + Sync> {
        let board = Arc::clone(&self.board);
        Box::new(move || {
            // Under the mutex: between the last look and the sleep no wake-up is lost.
            drop(lock(&board.records));
            board.changed.notify_all();
        })
    }

    fn seen_in(&self, records: &Records) -> Seen {
        match records.entries.get(&self.name) {
            Some(entry) => Seen { is_subscribed: entry.is_subscribed, count: entry.count, last: entry.last },
            None => Seen { is_subscribed: false, count: 0, last: None },
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let mut records = lock(&self.board.records);
        if let Some(entry) = records.entries.get_mut(&self.name) {
            entry.watchers -= 1;
            if entry.watchers == 0 {
                entry.unused_since = Some(now());
            }
        }
    }
}

impl Records {
    fn forget_subscriptions(&mut self) {
        for entry in self.entries.values_mut() {
            entry.is_subscribed = false;
            entry.count += 1;
        }
    }

    fn is_unused(entry: &Entry) -> bool {
        entry.unused_since.is_some_and(|since| since + UNUSED <= now())
    }
}

impl Board {
    /// Listens until no record is watched.
    fn listen(&self) {
        let mut engine = Engine::new(Arc::clone(&self.address));
        loop {
            let opened = engine.open(Deadline::after(OPENING));
            let is_over = match opened {
                Ok(mut connection) => self.listen_on(&mut connection),
                Err(_) => false,
            };
            if is_over {
                return;
            }
            let mut records = lock(&self.records);
            records.forget_subscriptions();
            self.changed.notify_all();
            if self.ends(&mut records) {
                return;
            }
            let ends = now() + PAUSE;
            while now() < ends && !records.is_stale {
                records = wait_until(&self.changed, records, ends);
            }
            records.is_stale = false;
        }
    }

    /// Returns whether no record is watched any more. Otherwise the connection broke.
    fn listen_on(&self, connection: &mut Connection) -> bool {
        let mut subscriber = connection.as_pubsub();
        if subscriber.subscribe(&self.bell).is_err() {
            return false;
        }
        let mut heard = now();
        loop {
            let mut records = lock(&self.records);
            if self.ends(&mut records) {
                return true;
            }
            if records.is_stale {
                return false;
            }
            if !self.subscribe(&mut subscriber, records) {
                return false;
            }
            if now().saturating_duration_since(heard) > SILENCE {
                let is_alive =
                    subscriber.set_read_timeout(Some(OPENING)).is_ok() && subscriber.ping::<()>().is_ok();
                if !is_alive {
                    return false;
                }
                heard = now();
            }
            if subscriber.set_read_timeout(Some(LOOKS_EVERY)).is_err() {
                return false;
            }
            match subscriber.get_message() {
                Ok(message) => {
                    heard = now();
                    self.hear(message.get_channel_name(), message.get_payload_bytes());
                }
                Err(error) if error.is_timeout() => {}
                Err(_) => return false,
            }
        }
    }

    /// Whether the thread ends. Records that nobody watches any more are dropped.
    fn ends(&self, records: &mut MutexGuard<'_, Records>) -> bool {
        let is_over = records.entries.values().all(Records::is_unused);
        if is_over {
            records.entries.clear();
            records.has_thread = false;
            records.is_stale = false;
        }
        is_over
    }

    /// Subscribes to what is watched, and unsubscribes from the rest.
    fn subscribe(&self, subscriber: &mut PubSub<'_>, mut records: MutexGuard<'_, Records>) -> bool {
        let new: Vec<_> = records
            .entries
            .iter()
            .filter(|(_, entry)| !entry.is_subscribed)
            .map(|(name, entry)| (name.clone(), entry.count))
            .collect();
        let unused: Vec<_> = records.entries.extract_if(|_, entry| Records::is_unused(entry)).collect();
        drop(records);
        let is_done = subscriber.set_read_timeout(Some(OPENING)).is_ok()
            && unused.iter().all(|(name, _)| subscriber.unsubscribe(name).is_ok())
            && new.iter().all(|(name, _)| subscriber.subscribe(name).is_ok());
        if !is_done {
            return false;
        }
        let mut records = lock(&self.records);
        for (name, count) in new {
            // The engine may have been found to be another one meanwhile.
            if let Some(entry) = records.entries.get_mut(&name).filter(|entry| entry.count == count) {
                entry.is_subscribed = true;
                entry.count += 1;
                self.changed.notify_all();
            }
        }
        true
    }

    /// A record has that version.
    fn hear(&self, name: &str, payload: &[u8]) {
        let mut records = lock(&self.records);
        let Some(entry) = records.entries.get_mut(name) else { return };
        if let Some(version) = version_of(payload) {
            entry.count += 1;
            entry.last = Some(Sight { version, at: now(), count: entry.count });
            self.changed.notify_all();
        }
    }
}

impl Drop for Watches {
    /// The thread ends when it looks the next time.
    fn drop(&mut self) {
        lock(&self.0.records).entries.clear();
        self.0.changed.notify_all();
    }
}
