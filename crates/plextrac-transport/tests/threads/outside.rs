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

/// A store that calls the test with the name of the record: after each read, and before each write.
struct Hooked<F> {
    store: MemoryStore,
    hook: F,
}

impl<F: Fn(Operation, &str) + Send + Sync> Hooked<F> {
    fn new(hook: F) -> Arc<Self> {
        Arc::new(Self { store: MemoryStore::new(), hook })
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Operation {
    Read,
    Write,
}

impl<F: Fn(Operation, &str) + Send + Sync> RecordStore for Hooked<F> {
    fn name(&self) -> String {
        self.store.name()
    }

    fn key(&self, limits: &CallLimits<'_>) -> Result<Zeroizing<[u8; 32]>, StoreError> {
        self.store.key(limits)
    }

    fn read(&self, name: &str, limits: &CallLimits<'_>) -> Result<StoredRecord, StoreError> {
        let record = RecordStore::read(&self.store, name, limits);
        (self.hook)(Operation::Read, name);
        record
    }

    fn write(
        &self,
        name: &str,
        expected: Version,
        record: &[u8],
        limits: &CallLimits<'_>,
    ) -> Result<WriteOutcome, StoreError> {
        (self.hook)(Operation::Write, name);
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

/// A store that stops its first reader, which has the account's record in hand. The receiver says so, and the sender lets it go on.
fn stopping() -> (Arc<dyn RecordStore>, Receiver<()>, Sender<()>) {
    let ((reach, reached), (let_go, go)) = (channel(), channel());
    let (stops, go) = (AtomicBool::new(true), Mutex::new(go));
    let store = Hooked::new(move |operation, name: &str| {
        let is_its = operation == Operation::Read && name.starts_with('a');
        if is_its && stops.swap(false, Ordering::SeqCst) {
            reach.send(()).unwrap();
            go.lock().unwrap().recv_timeout(LONGEST_WAIT).unwrap();
        }
    });
    (store, reached, let_go)
}

#[test]
fn a_status_call_takes_nothing_from_an_attempt() {
    let stage = Stage::new();
    let (store, reached, go) = stopping();
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
    let (store, reached, go) = stopping();
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

#[test]
fn a_store_that_panics_once_costs_one_call_at_most() {
    let mut panics = 0;
    for operation in 0..16 {
        let stage = Stage::new();
        let left = Arc::new(AtomicI64::new(operation));
        let counted = Arc::clone(&left);
        let mut config = stage.service();
        config.store(Hooked::new(move |_, _| {
            assert_ne!(counted.fetch_sub(1, Ordering::SeqCst), 0, "a panic of the store");
        }));
        let session = Session::new(&config).unwrap();
        let handle = session.clone();
        // The panic may be in what follows the answer: then the call succeeds.
        let _ = call(move || handle.login().is_ok()).join();
        let handle = session.clone();
        call(move || handle.login()).join().unwrap_or_else(|error| panic!("operation {operation}: {error}"));
        assert_eq!(session.state(), SessionState::Active);
        panics += i32::from(left.load(Ordering::SeqCst) < 0);
    }
    assert!(panics >= 6, "control: the store panicked in {panics} runs");
}
