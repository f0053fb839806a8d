//! Calls that look at, or change, what a flight is working on.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use plextrac_emulator::Kind;
use plextrac_transport::{
    ErrorCode, MemoryStore, Session, SessionState, SessionStore, StoreError, StoreLock,
};
use zeroize::Zeroizing;

use crate::stage::{PATIENCE, Stage, call, call_each};

/// A store that stops the threads of flights where they have the account's record in hand.
struct Stopping {
    store: MemoryStore,
    reached: Mutex<Sender<()>>,
    go: Mutex<Receiver<()>>,
}

impl Stopping {
    fn new() -> (Arc<Self>, Receiver<()>, Sender<()>) {
        let ((reach, reached), (let_go, go)) = (channel(), channel());
        let store = Self { store: MemoryStore::new(), reached: Mutex::new(reach), go: Mutex::new(go) };
        (Arc::new(store), reached, let_go)
    }
}

impl SessionStore for Stopping {
    fn name(&self) -> String {
        self.store.name()
    }

    fn key(&self) -> Result<Zeroizing<[u8; 32]>, StoreError> {
        self.store.key()
    }

    fn lock(&self, name: &str, deadline: Instant) -> Result<Box<dyn StoreLock>, StoreError> {
        self.store.lock(name, deadline)
    }

    fn read(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        let record = self.store.read(name);
        if name.starts_with('t') && std::thread::current().name() == Some("plextrac-flight") {
            self.reached.lock().unwrap().send(()).unwrap();
            self.go.lock().unwrap().recv_timeout(PATIENCE).unwrap();
        }
        record
    }

    fn write(&self, name: &str, record: &[u8]) -> Result<(), StoreError> {
        self.store.write(name, record)
    }

    fn remove(&self, name: &str) -> Result<(), StoreError> {
        self.store.remove(name)
    }
}

#[test]
fn a_look_at_the_status_takes_nothing_from_a_flight_that_reads_the_record() {
    let stage = Stage::new();
    let (store, reached, go) = Stopping::new();
    let mut config = stage.service();
    config.store(store);
    let session = Session::new(&config).unwrap();
    let handle = session.clone();
    let caller = call(move || handle.login());
    reached.recv_timeout(PATIENCE).unwrap();
    for _ in 0..3 {
        drop(session.status());
    }
    assert_eq!(stage.authentications(), 0, "control: the flight has not decided yet");
    go.send(()).unwrap();
    caller.join().unwrap();
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
    reached.recv_timeout(PATIENCE).unwrap();
    let handle = session.clone();
    let signing_out = call(move || handle.logout());
    // It waits for the account's lock, which the flight holds.
    signing_out.await_sleep();
    go.send(()).unwrap();
    signing_out.join().unwrap();
    let error = caller.join();
    assert_eq!(error.code(), ErrorCode::Cancelled, "{error}");
    assert_eq!(stage.authentications(), 0);
    // The session is none the worse for it.
    let again = call(move || session.login());
    reached.recv_timeout(PATIENCE).unwrap();
    go.send(()).unwrap();
    again.join().unwrap();
    assert_eq!(stage.authentications(), 1);
}

#[test]
fn looking_and_signing_in_and_out_from_all_sides_comes_to_an_end_and_leaves_the_session_usable() {
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
