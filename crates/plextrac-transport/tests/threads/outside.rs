//! Calls that look at, or change, what a flight is working on.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use plextrac_emulator::Kind;
use plextrac_transport::{
    CallLimits, ClaimOwner, ErrorCode, MemoryStore, RecordStore, Session, SessionState, StoreError,
    StoredRecord, Version, Watched, WriteOutcome,
};
use zeroize::Zeroizing;

use crate::stage::{LONGEST_WAIT, Stage, call, call_each};

/// A store that stops its next reader where it has the account's record in hand.
struct Stopping {
    store: MemoryStore,
    stops: AtomicBool,
    reached: Mutex<Sender<()>>,
    go: Mutex<Receiver<()>>,
}

impl Stopping {
    fn new() -> (Arc<Self>, Receiver<()>, Sender<()>) {
        let ((reach, reached), (let_go, go)) = (channel(), channel());
        let store = Self {
            store: MemoryStore::new(),
            stops: AtomicBool::new(true),
            reached: Mutex::new(reach),
            go: Mutex::new(go),
        };
        (Arc::new(store), reached, let_go)
    }
}

impl RecordStore for Stopping {
    fn name(&self) -> String {
        self.store.name()
    }

    fn key(&self, limits: &CallLimits<'_>) -> Result<Zeroizing<[u8; 32]>, StoreError> {
        self.store.key(limits)
    }

    fn read(&self, name: &str, limits: &CallLimits<'_>) -> Result<StoredRecord, StoreError> {
        let record = RecordStore::read(&self.store, name, limits);
        if name.starts_with('a') && self.stops.swap(false, Ordering::SeqCst) {
            self.reached.lock().unwrap().send(()).unwrap();
            self.go.lock().unwrap().recv_timeout(LONGEST_WAIT).unwrap();
        }
        record
    }

    fn write(
        &self,
        name: &str,
        expected: Version,
        record: &[u8],
        limits: &CallLimits<'_>,
    ) -> Result<WriteOutcome, StoreError> {
        RecordStore::write(&self.store, name, expected, record, limits)
    }

    fn watch(
        &self,
        name: &str,
        known: Version,
        owner: Option<ClaimOwner>,
        limits: &CallLimits<'_>,
    ) -> Result<Watched, StoreError> {
        self.store.watch(name, known, owner, limits)
    }
}

#[test]
fn a_status_call_takes_nothing_from_an_attempt() {
    let stage = Stage::new();
    let (store, reached, go) = Stopping::new();
    let mut config = stage.service();
    config.store(store);
    let session = Session::new(&config).unwrap();
    let handle = session.clone();
    let caller = call(move || handle.login());
    reached.recv_timeout(LONGEST_WAIT).unwrap();
    // It waits until the record was read.
    let handle = session.clone();
    let look = call(move || handle.status().state);
    look.await_sleep();
    assert_eq!(stage.authentications(), 0, "control: the flight has not decided yet");
    go.send(()).unwrap();
    caller.join().unwrap();
    look.join();
    assert_eq!(session.state(), SessionState::Active);
    assert_eq!(stage.authentications(), 1);
}

#[test]
fn signing_out_while_a_flight_reads_the_record_ends_its_want() {
    let stage = Stage::new();
    let (store, reached, go) = Stopping::new();
    let mut config = stage.service();
    config.store(store);
    let session = Session::new(&config).unwrap();
    let handle = session.clone();
    let caller = call(move || handle.login().unwrap_err());
    reached.recv_timeout(LONGEST_WAIT).unwrap();
    let handle = session.clone();
    let signing_out = call(move || handle.logout());
    // It waits until the record was read.
    signing_out.await_sleep();
    go.send(()).unwrap();
    signing_out.join().unwrap();
    let error = caller.join();
    assert_eq!(error.code(), ErrorCode::Cancelled, "{error}");
    assert_eq!(stage.authentications(), 0);
    // The session is none the worse for it.
    call(move || session.login()).join().unwrap();
    assert_eq!(stage.authentications(), 1);
}

#[test]
fn looking_and_signing_in_and_out_at_once_ends() {
    let stage = Stage::with(|builder| builder.limit_per_minute(100_000));
    let mut config = stage.service();
    config.store(Arc::new(MemoryStore::new()));
    let session = Session::new(&config).unwrap();
    let handle = session.clone();
    let callers = call_each(6, move |number| {
        for _ in 0..60 {
            match number {
                0 => handle.logout().unwrap(),
                1 => drop(handle.status()),
                2 => handle.forget_rejection().unwrap(),
                _ => match handle.login() {
                    Ok(()) => {}
                    Err(error) => assert!(
                        matches!(
                            error.code(),
                            ErrorCode::Cancelled | ErrorCode::NotReady | ErrorCode::MustWait
                        ),
                        "{error:?}"
                    ),
                },
            }
        }
    });
    callers.into_iter().for_each(|caller| caller.join());
    stage.advance(std::time::Duration::from_secs(120));
    session.login().unwrap();
    assert_eq!(session.state(), SessionState::Active);
    assert!(stage.seen(Kind::SignIn) <= 61);
}

/// A store of which one operation panics.
struct Panicking {
    store: MemoryStore,
    /// How many operations come before it.
    left: AtomicI64,
}

impl Panicking {
    fn at(operation: i64) -> Arc<Self> {
        Arc::new(Self { store: MemoryStore::new(), left: AtomicI64::new(operation) })
    }

    fn count(&self) {
        assert_ne!(self.left.fetch_sub(1, Ordering::SeqCst), 0, "a panic of the store");
    }

    fn has_panicked(&self) -> bool {
        self.left.load(Ordering::SeqCst) < 0
    }
}

impl RecordStore for Panicking {
    fn name(&self) -> String {
        self.store.name()
    }

    fn key(&self, limits: &CallLimits<'_>) -> Result<Zeroizing<[u8; 32]>, StoreError> {
        self.store.key(limits)
    }

    fn read(&self, name: &str, limits: &CallLimits<'_>) -> Result<StoredRecord, StoreError> {
        self.count();
        RecordStore::read(&self.store, name, limits)
    }

    fn write(
        &self,
        name: &str,
        expected: Version,
        record: &[u8],
        limits: &CallLimits<'_>,
    ) -> Result<WriteOutcome, StoreError> {
        self.count();
        RecordStore::write(&self.store, name, expected, record, limits)
    }

    fn watch(
        &self,
        name: &str,
        known: Version,
        owner: Option<ClaimOwner>,
        limits: &CallLimits<'_>,
    ) -> Result<Watched, StoreError> {
        self.store.watch(name, known, owner, limits)
    }
}

#[test]
fn a_store_that_panics_once_costs_one_call_at_most() {
    let mut panics = 0;
    for operation in 0..16 {
        let stage = Stage::new();
        let store = Panicking::at(operation);
        let mut config = stage.service();
        config.store(Arc::clone(&store) as Arc<dyn RecordStore>);
        let session = Session::new(&config).unwrap();
        let handle = session.clone();
        // The panic may be in what follows the answer: then the call succeeds.
        let _ = call(move || handle.login().is_ok()).join();
        let handle = session.clone();
        call(move || handle.login()).join().unwrap_or_else(|error| panic!("operation {operation}: {error}"));
        assert_eq!(session.state(), SessionState::Active);
        panics += i32::from(store.has_panicked());
    }
    assert!(panics >= 6, "control: the store panicked in {panics} runs");
}
