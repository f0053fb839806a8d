//! Coordinators on one store, in virtual time and with explicit steps.
//!
//! A [`Process`] owns one coordinator. It takes what the coordinator says, and carries out nothing by itself: a test
//! calls [`Process::step`] to carry out the store operation that waits, [`Process::answer`] to answer the request that
//! is out. So a test decides which of two processes is first. [`Process::run`] does everything that can be done now;
//! [`pass`] lets time pass, and does what becomes due meanwhile.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use plextrac_auth_core::{
    Action, Budget, Call, CallerId, ClaimOwner, Config, Coordinator, Event, Failure, FailureKind,
    FingerprintKey, Limits, Need, OnStoreFailure, OperationId, Prompt, RecordKind, Request, Response, Seed,
    StoreConfig, StoreTime, StoredRecord, Time, TokenIdentity, TransportFailure, Version, Wait, Write,
    WriteOutcome,
};
use zeroize::Zeroizing;

use crate::driver::{Reply, Sent, World, secs};

/// More actions than any input brings.
const LONGEST_DRAIN: usize = 40;
/// More store operations than any decision takes.
const LONGEST_RUN: usize = 40;

/// The place where processes meet: two records, each with a version.
#[derive(Default)]
pub(crate) struct Store {
    account: Option<(u64, Vec<u8>)>,
    budget: Option<(u64, Vec<u8>)>,
    /// Counts writes.
    pub(crate) versions: u64,
    /// The store's own clock, if it has one: its name, and by how much it is ahead of the processes' clock.
    pub(crate) clock: Option<(String, i64)>,
    pub(crate) fails_reads: bool,
    pub(crate) fails_writes: bool,
}

impl Store {
    pub(crate) fn new() -> Rc<RefCell<Self>> {
        Rc::default()
    }

    pub(crate) fn fails(&mut self, fails: bool) {
        (self.fails_reads, self.fails_writes) = (fails, fails);
    }

    pub(crate) fn version(&self, record: RecordKind) -> Version {
        self.slot(record).map_or(Version::ABSENT, |(version, _)| Version::new(*version))
    }

    /// The record as JSON.
    pub(crate) fn json(&self, record: RecordKind) -> serde_json::Value {
        let bytes = self.slot(record).map(|(_, bytes)| bytes.clone()).unwrap_or_default();
        serde_json::from_slice(&bytes).unwrap_or_default()
    }

    pub(crate) fn account(&self) -> serde_json::Value {
        self.json(RecordKind::Account)
    }

    /// Replaces a record, as another program does it.
    pub(crate) fn put(&mut self, record: RecordKind, bytes: Vec<u8>) {
        self.versions += 1;
        let put = Some((self.versions, bytes));
        match record {
            RecordKind::Account => self.account = put,
            RecordKind::Budget => self.budget = put,
        }
    }

    /// Changes the account's record, as another program does it.
    pub(crate) fn edit(&mut self, edit: impl FnOnce(&mut serde_json::Value)) {
        let mut json = self.account();
        edit(&mut json);
        self.put(RecordKind::Account, serde_json::to_vec(&json).unwrap());
    }

    fn slot(&self, record: RecordKind) -> Option<&(u64, Vec<u8>)> {
        match record {
            RecordKind::Account => self.account.as_ref(),
            RecordKind::Budget => self.budget.as_ref(),
        }
    }

    pub(crate) fn read(&self, record: RecordKind, now: Time) -> StoredRecord {
        let bytes = self.slot(record).map(|(_, bytes)| bytes.clone()).unwrap_or_default();
        let time = self.clock.as_ref().map(|(clock, ahead)| StoreTime {
            clock: clock.clone(),
            ms: now.monotonic.as_millis().saturating_add_signed(*ahead),
        });
        StoredRecord { version: self.version(record), bytes: Zeroizing::new(bytes), time }
    }

    fn write(&mut self, write: &Write) -> WriteOutcome {
        if self.version(write.record) != write.expected {
            return WriteOutcome::Conflict;
        }
        self.put(write.record, write.bytes.to_vec());
        WriteOutcome::Written(self.version(write.record))
    }
}

/// A store operation that a process asked for, and that is not carried out yet.
#[derive(Debug)]
pub(crate) enum Operation {
    Read(OperationId, RecordKind),
    Write(Write),
}

/// One process with one coordinator.
pub(crate) struct Process {
    pub(crate) world: Rc<World>,
    store: Rc<RefCell<Store>>,
    pub(crate) coordinator: Coordinator,
    pub(crate) budget: Budget,
    pub(crate) operation: Option<Operation>,
    /// The request that is out.
    pub(crate) out: Option<Request>,
    pub(crate) prompt: Option<Prompt>,
    pub(crate) wait: Wait,
    pub(crate) woken: HashMap<CallerId, Result<(), Failure>>,
    pub(crate) events: Vec<Event>,
    pub(crate) sent: Vec<Sent>,
    /// Reads and writes that were carried out, in order.
    pub(crate) carried_out: Vec<(&'static str, RecordKind)>,
    /// Writes that renewed a claim and changed nothing else.
    pub(crate) renewals: usize,
}

/// The owner of the claims of process `n`.
pub(crate) fn owner(n: u8) -> ClaimOwner {
    ClaimOwner::new([n; 16])
}

/// The identity of the account's own token.
pub(crate) const OWN: TokenIdentity = TokenIdentity { imported: None, verified: true };

pub(crate) fn imported(n: u8) -> TokenIdentity {
    TokenIdentity { imported: Some(FingerprintKey::new([7; 32]).of(&[&[n]])), verified: true }
}

pub(crate) fn store_config(n: u8) -> StoreConfig {
    StoreConfig::new(OWN, owner(n))
}

pub(crate) fn sends_nothing(n: u8) -> StoreConfig {
    StoreConfig { on_failure: OnStoreFailure::SendNothing, ..store_config(n) }
}

/// Half a minute, none of it for the budget and the like.
pub(crate) const LIMITS: Limits = Limits { timeout: secs(30), wait: Duration::ZERO };
/// Ten minutes, all of it for whatever has to be waited for.
pub(crate) const PATIENT: Limits = Limits { timeout: secs(600), wait: secs(600) };

impl Process {
    /// Process `n` on a store.
    pub(crate) fn new(n: u8, world: &Rc<World>, store: &Rc<RefCell<Store>>, config: Config) -> Self {
        Self::with(n, world, store, config, Some(store_config(n)))
    }

    /// A process that shares nothing.
    pub(crate) fn alone(world: &Rc<World>, config: Config) -> Self {
        Self::with(1, world, &Store::new(), config, None)
    }

    pub(crate) fn with(
        n: u8,
        world: &Rc<World>,
        store: &Rc<RefCell<Store>>,
        config: Config,
        how: Option<StoreConfig>,
    ) -> Self {
        let seed = Seed { draws: u64::from(n), key: FingerprintKey::new([7; 32]) };
        Self {
            coordinator: Coordinator::new(config, seed, how, world.now()),
            world: Rc::clone(world),
            store: Rc::clone(store),
            budget: Budget::default(),
            operation: None,
            out: None,
            prompt: None,
            wait: Wait::default(),
            woken: HashMap::new(),
            events: Vec::new(),
            sent: Vec::new(),
            carried_out: Vec::new(),
            renewals: 0,
        }
    }

    pub(crate) fn now(&self) -> Time {
        self.world.now()
    }

    /// Polls to the last action.
    pub(crate) fn drain(&mut self) {
        for _ in 0..LONGEST_DRAIN {
            match self.coordinator.poll(&mut self.budget, self.world.now()) {
                Action::Send(request) => {
                    assert!(self.out.is_none(), "a second request while one is out");
                    self.sent.push(Sent::of(&request, self.world.mono()));
                    self.out = Some(request);
                }
                Action::Read { id, record } => self.take_operation(Operation::Read(id, record)),
                Action::Write(write) => self.take_operation(Operation::Write(write)),
                Action::Ask(prompt) => {
                    assert!(self.prompt.replace(prompt).is_none(), "a second question while one stands");
                }
                Action::Wake { caller, result } => {
                    assert!(self.woken.insert(caller, result).is_none(), "{caller:?} is woken twice");
                }
                Action::Event(event) => self.events.push(event),
                Action::Wait(wait) => {
                    assert!(self.coordinator.is_drained());
                    let now = self.now();
                    assert!(
                        wait.until.is_none_or(|until| until > now.monotonic),
                        "a wait for the past: {wait:?}"
                    );
                    assert!(
                        wait.awake_until.is_none_or(|until| until > now.awake),
                        "a wait for the past: {wait:?}"
                    );
                    self.wait = wait;
                    return;
                }
                other => panic!("an unknown action: {other:?}"),
            }
        }
        panic!("no end to the actions: {:?}", self.coordinator);
    }

    /// Hands one input in, and drains.
    pub(crate) fn input<T>(&mut self, input: impl FnOnce(&mut Coordinator, Time) -> T) -> T {
        let now = self.now();
        let result = input(&mut self.coordinator, now);
        self.drain();
        result
    }

    /// A caller that needs a token. Nothing is carried out.
    pub(crate) fn join(&mut self, need: Need, limits: Limits) -> CallerId {
        self.input(|coordinator, now| coordinator.need_token(need, limits, now)).unwrap()
    }

    /// A caller that needs a usable token.
    pub(crate) fn need(&mut self) -> CallerId {
        self.join(Need::Usable, LIMITS)
    }

    /// A caller that needs another token than the one in hand.
    pub(crate) fn need_newer(&mut self) -> CallerId {
        let held = self.coordinator.usable_token(self.now()).map(|token| token.generation());
        self.join(Need::NewerThan(held), LIMITS)
    }

    /// A call from its beginning to where it waits for time to pass.
    pub(crate) fn get(&mut self) -> CallerId {
        let caller = self.need();
        self.run();
        caller
    }

    /// What became of a call.
    pub(crate) fn result(&self, caller: CallerId) -> Option<&Result<(), Failure>> {
        self.woken.get(&caller)
    }

    pub(crate) fn is_served(&self, caller: CallerId) -> bool {
        matches!(self.result(caller), Some(Ok(())))
    }

    pub(crate) fn failure(&self, caller: CallerId) -> FailureKind {
        match self.result(caller) {
            Some(Err(failure)) => failure.kind(),
            other => panic!("no failure: {other:?}"),
        }
    }

    /// Carries out the store operation that waits. `false` if none does.
    pub(crate) fn step(&mut self) -> bool {
        let Some(operation) = self.operation.take() else { return false };
        let now = self.now();
        match operation {
            Operation::Read(id, record) => {
                self.carried_out.push(("read", record));
                let (fails, stored) =
                    (self.store.borrow().fails_reads, self.store.borrow().read(record, now));
                self.input(|coordinator, now| match fails {
                    true => coordinator.handle_store_failed(id, "the disk is broken", now),
                    false => coordinator.handle_read(id, stored, now),
                })
                .unwrap();
            }
            Operation::Write(write) => {
                self.carried_out.push(("write", write.record));
                if write.is_renewal {
                    self.renewals += 1;
                    self.assert_renews_alone(&write);
                }
                let fails = self.store.borrow().fails_writes;
                if fails {
                    let failed =
                        |c: &mut Coordinator, now| c.handle_store_failed(write.id, "the disk is full", now);
                    self.input(failed).unwrap();
                } else {
                    let outcome = self.store.borrow_mut().write(&write);
                    self.input(|coordinator, now| coordinator.handle_written(write.id, outcome, now))
                        .unwrap();
                }
            }
        }
        true
    }

    /// Nobody is woken by a renewal, so nothing that others wait for may be new in it.
    fn assert_renews_alone(&self, write: &Write) {
        if self.store.borrow().version(write.record) != write.expected {
            return;
        }
        let mut records =
            [self.store.borrow().json(write.record), serde_json::from_slice(&write.bytes).unwrap()];
        let times = records.each_mut().map(|record| {
            // The pause after the request that is out is counted from now on as well.
            for time in ["at", "unix"] {
                record.get_mut("backoff").map(|backoff| backoff[time].take());
            }
            record["claim"]["at"].take()
        });
        assert_ne!(times[0], times[1]);
        assert_eq!(records[0], records[1], "a renewal changes more than its time");
    }

    /// Carries out a read now, and hands in what came of it only later.
    pub(crate) fn step_late(&mut self, delay: Duration) {
        let Some(Operation::Read(id, record)) = self.operation.take() else { panic!("no read waits") };
        self.carried_out.push(("read", record));
        let stored = self.store.borrow().read(record, self.now());
        self.world.pass(delay);
        self.input(|coordinator, now| coordinator.handle_read(id, stored, now)).unwrap();
    }

    /// Carries out store operations until none waits.
    pub(crate) fn settle(&mut self) {
        for _ in 0..LONGEST_RUN {
            if !self.step() {
                return;
            }
        }
        panic!("no end to the store operations: {:?}", self.carried_out);
    }

    /// Carries out store operations until the next one to carry out is this.
    pub(crate) fn settle_until(&mut self, what: &'static str, record: RecordKind) {
        for _ in 0..LONGEST_RUN {
            match &self.operation {
                Some(Operation::Read(_, next)) if (what, record) == ("read", *next) => return,
                Some(Operation::Write(write)) if (what, record) == ("write", write.record) => return,
                _ => assert!(self.step(), "no {what} of the {record:?} record after {:?}", self.carried_out),
            }
        }
        panic!("no end to the store operations: {:?}", self.carried_out);
    }

    /// Hands in an answer to the request that is out.
    pub(crate) fn hand_in(&mut self, reply: &Reply) {
        let id = self.out.take().expect("a request is out").id;
        self.input(|coordinator, now| match reply {
            Reply::Fails(failure) => coordinator.handle_failure(id, *failure, now),
            Reply::Answer { status, headers, body } => {
                let headers: Vec<(&str, &[u8])> =
                    headers.iter().map(|(name, value)| (name.as_str(), value.as_slice())).collect();
                coordinator.handle_response(id, &Response { status: *status, headers: &headers, body }, now)
            }
        })
        .unwrap();
    }

    pub(crate) fn fail(&mut self, failure: TransportFailure) {
        self.hand_in(&Reply::Fails(failure));
    }

    /// The server answers the request that is out. `false` if none is.
    pub(crate) fn answer(&mut self) -> bool {
        if self.out.is_none() {
            return false;
        }
        let sent = self.sent.last().expect("what is out was sent").clone();
        let reply = self.world.server.borrow_mut().answer(&sent, self.world.true_unix_ms());
        self.hand_in(&reply);
        true
    }

    /// Does everything that can be done now, without any time passing.
    pub(crate) fn run(&mut self) {
        for _ in 0..LONGEST_RUN {
            self.settle();
            if !self.answer() {
                return;
            }
        }
        panic!("no end to the requests: {:?}", self.sent);
    }

    /// Polls if a moment of the wait has come, or the watched record has changed.
    pub(crate) fn wake(&mut self) {
        let now = self.now();
        let is_due = self.wait.until.is_some_and(|until| now.monotonic >= until)
            || self.wait.awake_until.is_some_and(|until| now.awake >= until);
        if is_due {
            self.drain();
        }
        let version = self.store.borrow().version(RecordKind::Account);
        if self.wait.watch.as_ref().is_some_and(|watch| watch.version != version) {
            self.input(|coordinator, _| coordinator.handle_record_changed()).unwrap();
        }
    }

    /// How many requests of a kind went out.
    pub(crate) fn count(&self, call: Call) -> usize {
        self.sent.iter().filter(|sent| sent.call == call).count()
    }

    /// The token that may be handed out now.
    pub(crate) fn token(&self) -> Option<String> {
        let token = self.coordinator.usable_token(self.now())?;
        Some(token.secret().expose().to_string())
    }

    /// Nothing is under way: no caller, no request, no store operation, no claim.
    pub(crate) fn assert_idle(&self) {
        assert!(self.coordinator.is_idle(), "{:?}", self.coordinator);
        assert!(self.operation.is_none() && self.out.is_none());
    }

    fn take_operation(&mut self, operation: Operation) {
        assert!(self.operation.is_none(), "a second operation while one is out: {operation:?}");
        self.operation = Some(operation);
    }
}

/// Lets time pass in steps of 100 ms. The processes that are named do what becomes due, and everything that follows.
pub(crate) fn pass(processes: &mut [&mut Process], span: Duration) {
    let world = Rc::clone(&processes[0].world);
    let end = world.mono() + span;
    while world.mono() < end {
        world.pass(Duration::from_millis(100));
        for process in &mut *processes {
            process.wake();
            process.run();
        }
    }
}

/// Lets time pass without a network: no request is answered, and each fails after a while.
pub(crate) fn pass_offline(processes: &mut [&mut Process], span: Duration) {
    let world = Rc::clone(&processes[0].world);
    let end = world.mono() + span;
    while world.mono() < end {
        world.pass(Duration::from_millis(100));
        for process in &mut *processes {
            process.wake();
            process.settle();
            if process.out.is_some() {
                process.fail(TransportFailure::Connect);
                process.settle();
            }
        }
    }
}

/// Lets time pass without answering requests.
pub(crate) fn pass_unanswered(processes: &mut [&mut Process], span: Duration) {
    let world = Rc::clone(&processes[0].world);
    let end = world.mono() + span;
    while world.mono() < end {
        world.pass(Duration::from_millis(100));
        for process in &mut *processes {
            process.wake();
            process.settle();
        }
    }
}
