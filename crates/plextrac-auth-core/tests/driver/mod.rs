//! What all tests here stand on: a machine, the world around it in virtual time, and a scripted server.
//!
//! [`World`] owns what accounts share: the clocks, the instance's budget, the shared record, the server.
//! [`Driver`] owns one machine and drives it as a real driver would: it polls to the last output, and
//! fails instead of hanging. [`Driver::run`] answers what is sent by asking the server; a test that needs
//! to stand between a request and its answer calls [`Driver::drain`] and [`Driver::hand_in`] instead.

#![allow(dead_code, reason = "every test binary uses another part")]

pub(crate) mod scenario;
mod server;

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use plextrac_auth_core::{
    Budget, Call, Config, Credentials, Event, Failure, FailureKind, FingerprintKey, Instance, Instant,
    Machine, MfaSource, OneTimeCode, Output, Request, RequestId, Response, Seed, SharedRecord, Time,
    TotpSecret, TransportFailure, Want,
};

#[allow(unused_imports, reason = "every test binary uses another part")]
pub(crate) use server::{Reply, Server, authenticator, jwt, reply};

pub(crate) const USER: &str = "someone@acme.example";
pub(crate) const PASSWORD: &str = "correct-horse";
pub(crate) const TOTP: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
/// True time when a world begins, at the start of a TOTP step.
pub(crate) const BEGIN_UNIX_MS: i64 = 1_700_000_010_000;
/// No drain of a machine takes more outputs than this.
pub(crate) const LONGEST_DRAIN: usize = 10;

pub(crate) const fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

pub(crate) const fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// What accounts of one instance share.
pub(crate) struct World {
    mono_ms: Cell<u64>,
    /// The local wall clock minus true time.
    wall_ahead_ms: Cell<i64>,
    /// Between a request and its answer.
    pub(crate) latency: Cell<Duration>,
    pub(crate) budget: RefCell<Budget>,
    pub(crate) record: RefCell<SharedRecord>,
    pub(crate) server: RefCell<Server>,
    next_seed: Cell<u64>,
}

impl World {
    pub(crate) fn new(server: Server) -> Rc<Self> {
        Rc::new(Self {
            mono_ms: Cell::new(1_000_000),
            wall_ahead_ms: Cell::new(0),
            latency: Cell::new(ms(200)),
            budget: RefCell::default(),
            record: RefCell::default(),
            server: RefCell::new(server),
            next_seed: Cell::new(1),
        })
    }

    pub(crate) fn now(&self) -> Time {
        let unix = self.true_unix_ms() + self.wall_ahead_ms.get();
        Time::from_millis(self.mono_ms.get(), unix)
    }

    pub(crate) fn mono(&self) -> Instant {
        self.now().monotonic
    }

    pub(crate) fn true_unix_ms(&self) -> i64 {
        BEGIN_UNIX_MS + self.mono_ms.get() as i64 - 1_000_000
    }

    pub(crate) fn pass(&self, span: Duration) {
        self.mono_ms.set(self.mono_ms.get() + span.as_millis() as u64);
    }

    /// To a moment, if it is still to come.
    pub(crate) fn pass_until(&self, moment: Instant) {
        self.mono_ms.set(self.mono_ms.get().max(moment.as_millis()));
    }

    pub(crate) fn set_wall_clock_ahead(&self, ms: i64) {
        self.wall_ahead_ms.set(ms);
    }
}

/// One request as the server saw it.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) id: RequestId,
    pub(crate) call: Call,
    pub(crate) at: Instant,
    pub(crate) body: String,
    pub(crate) authorization: Option<String>,
}

impl Sent {
    pub(crate) fn of(request: &Request, at: Instant) -> Self {
        let body = request.body.as_ref().map_or(&[][..], |body| body.expose());
        let authorization = request.headers.iter().find(|(name, _)| *name == "Authorization");
        Self {
            id: request.id,
            call: request.call,
            at,
            body: String::from_utf8(body.to_vec()).unwrap(),
            authorization: authorization.map(|(_, value)| value.expose().to_string()),
        }
    }

    /// A field of the JSON body.
    pub(crate) fn field(&self, name: &str) -> String {
        let json: serde_json::Value = serde_json::from_str(&self.body).unwrap();
        json[name].as_str().unwrap().to_string()
    }
}

/// One machine, driven.
pub(crate) struct Driver {
    pub(crate) world: Rc<World>,
    pub(crate) machine: Machine,
    /// The request that is out.
    pub(crate) out: Option<Request>,
    pub(crate) sent: Vec<Sent>,
    pub(crate) events: Vec<Event>,
    /// The name of every output since the last [`Driver::take_trace`].
    trace: Vec<String>,
    has_store: bool,
    /// Whether the shared record is handed in as soon as it is asked for.
    pub(crate) reads_record: bool,
}

/// The account that the tests use, with nothing special.
pub(crate) fn config() -> Config {
    let mut config = Config::new(Instance::parse("https://acme.example").unwrap());
    config.credentials = Some(Credentials::new(USER, PASSWORD).unwrap());
    config.boot = "boot-1".into();
    config
}

/// The same with digits from somewhere.
pub(crate) fn config_with(mfa: MfaSource) -> Config {
    Config { mfa, ..config() }
}

pub(crate) fn totp() -> MfaSource {
    totp_of(TOTP)
}

pub(crate) fn totp_of(secret: &str) -> MfaSource {
    MfaSource::Totp(TotpSecret::parse(secret).unwrap())
}

pub(crate) fn digits(code: &str) -> OneTimeCode {
    OneTimeCode::new(code).unwrap()
}

impl Driver {
    pub(crate) fn new(world: &Rc<World>, config: Config) -> Self {
        let seed = world.next_seed.get();
        world.next_seed.set(seed + 1);
        Self::with_seed(world, config, seed)
    }

    pub(crate) fn with_seed(world: &Rc<World>, config: Config, seed: u64) -> Self {
        let has_store = config.has_store;
        let seed = Seed { draws: seed, key: FingerprintKey::new([7; 32]) };
        Self {
            machine: Machine::new(config, seed, world.now()),
            world: Rc::clone(world),
            out: None,
            sent: Vec::new(),
            events: Vec::new(),
            trace: Vec::new(),
            has_store,
            reads_record: true,
        }
    }

    /// Alone in a world with this server.
    pub(crate) fn alone(server: Server, config: Config) -> Self {
        Self::new(&World::new(server), config)
    }

    pub(crate) fn now(&self) -> Time {
        self.world.now()
    }

    pub(crate) fn pass(&self, span: Duration) {
        self.world.pass(span);
    }

    /// One poll, with its bookkeeping.
    pub(crate) fn poll(&mut self) -> Output {
        let now = self.now();
        let output = self.machine.poll(&mut self.world.budget.borrow_mut(), now);
        self.trace.push(name(&output));
        match &output {
            Output::Send(request) => {
                assert!(self.machine.is_wanted(), "a request without a want");
                assert!(self.out.is_none(), "a second request while one is out");
                let kept = self.trace.iter().rev().nth(1).is_some_and(|name| name == "Keep");
                assert_eq!(kept, self.has_store, "a record is kept before each send: {:?}", self.trace);
                self.sent.push(Sent::of(request, now.monotonic));
            }
            Output::Keep(record) => *self.world.record.borrow_mut() = (**record).clone(),
            Output::Event(event) => self.events.push(event.clone()),
            Output::Wait { until, .. } => assert!(*until > now.monotonic, "a wait for the past"),
            _ => {}
        }
        output
    }

    /// Polls to the last output. The shared record is handed in where it is asked for.
    pub(crate) fn drain(&mut self) -> Output {
        for _ in 0..LONGEST_DRAIN {
            match self.poll() {
                Output::Send(request) => self.out = Some(request),
                Output::ReadShared if self.reads_record => {
                    let record = self.world.record.borrow().clone();
                    self.machine.handle_shared(Some(&record), self.now()).unwrap();
                }
                output if output.is_last() => {
                    assert!(self.machine.is_drained());
                    return output;
                }
                _ => {}
            }
        }
        panic!("no end to the outputs: {:?}", self.trace);
    }

    /// Hands in an answer to the request that is out, now.
    pub(crate) fn hand_in(&mut self, reply: Reply) -> Output {
        let id = self.out.take().expect("a request is out").id;
        self.hand_in_under(id, &reply).unwrap();
        self.drain()
    }

    pub(crate) fn hand_in_under(
        &mut self,
        id: RequestId,
        reply: &Reply,
    ) -> Result<(), plextrac_auth_core::InputError> {
        match reply {
            Reply::Fails(failure) => self.machine.handle_failure(id, *failure, self.now()),
            Reply::Answer { status, headers, body } => {
                let headers: Vec<(&str, &[u8])> =
                    headers.iter().map(|(name, value)| (name.as_str(), value.as_slice())).collect();
                let response = Response { status: *status, headers: &headers, body };
                self.machine.handle_response(id, &response, self.now())
            }
        }
    }

    /// Drains, and lets the server answer whatever is sent, until nothing is out any more.
    pub(crate) fn run(&mut self) -> Output {
        let mut last = self.drain();
        for _ in 0..10 {
            let Some(request) = &self.out else {
                return last;
            };
            let sent = Sent::of(request, self.world.mono());
            let latency = self.world.latency.get();
            self.pass(latency / 2);
            let reply = self.world.server.borrow_mut().answer(&sent, self.world.true_unix_ms());
            self.pass(latency - latency / 2);
            last = self.hand_in(reply);
        }
        panic!("one run, more than ten requests");
    }

    /// A token is wanted: the last output after everything was answered.
    pub(crate) fn want(&mut self) -> Output {
        self.machine.want(Want::default()).unwrap();
        self.run()
    }

    pub(crate) fn want_fresh(&mut self) -> Output {
        let want = Want { fresh: true, deadline: None };
        self.machine.want(want).unwrap();
        self.run()
    }

    /// As a caller without patience does it: what would have to be waited for is given up.
    pub(crate) fn want_at_once(&mut self) -> Output {
        let last = self.want();
        if self.machine.is_wanted() {
            self.machine.withdraw().unwrap();
            self.drain();
        }
        last
    }

    pub(crate) fn submit(&mut self, code: &str) -> Output {
        self.machine.submit_code(digits(code), self.now()).unwrap();
        self.run()
    }

    /// The token that may be handed out now.
    pub(crate) fn usable(&self) -> Option<String> {
        let token = self.machine.usable_token(self.now())?;
        Some(token.secret().expose().to_string())
    }

    pub(crate) fn generation(&self) -> plextrac_auth_core::Generation {
        self.machine.usable_token(self.now()).expect("a usable token").generation()
    }

    /// The token in use is answered with 401. It was never accepted.
    pub(crate) fn unauthorized(&mut self) -> plextrac_auth_core::Verdict {
        self.unauthorized_after(false)
    }

    pub(crate) fn unauthorized_after(&mut self, was_accepted: bool) -> plextrac_auth_core::Verdict {
        let (generation, now) = (self.generation(), self.now());
        let verdict = self.machine.report_unauthorized(generation, was_accepted, now).unwrap();
        self.drain();
        verdict
    }

    /// How many requests of a kind went out.
    pub(crate) fn count(&self, call: Call) -> usize {
        self.sent.iter().filter(|sent| sent.call == call).count()
    }

    /// The last failure that was told.
    pub(crate) fn last_failure(&self) -> &Failure {
        let failures = self.events.iter().rev().filter_map(|event| match event {
            Event::Failed(failure) => Some(failure),
            _ => None,
        });
        failures.take(1).next().expect("a failure was told")
    }

    pub(crate) fn last_failure_kind(&self) -> FailureKind {
        self.last_failure().kind()
    }

    /// Names of the outputs since the last call.
    pub(crate) fn take_trace(&mut self) -> Vec<String> {
        std::mem::take(&mut self.trace)
    }

    /// Puts something beside the outputs into the trace.
    pub(crate) fn note(&mut self, what: String) {
        self.trace.push(what);
    }

    /// Whatever an input could change and a caller could see.
    pub(crate) fn face(&self) -> String {
        let machine = &self.machine;
        let token = machine.usable_token(self.now());
        format!(
            "{machine:?} {:?} {:?} latched: {} ahead: {:?}",
            machine.state(self.now()),
            token.map(|token| (token.generation(), token.secret().expose().to_string())),
            machine.is_locked_out(),
            machine.server_ahead_ms(),
        )
    }
}

/// An output in a word or two.
pub(crate) fn name(output: &Output) -> String {
    match output {
        Output::Send(request) => format!("Send {:?}", request.call),
        Output::ReadShared => "ReadShared".into(),
        Output::Keep(_) => "Keep".into(),
        Output::Event(Event::Failed(failure)) => format!("Failed {:?}", failure.kind()),
        Output::Event(Event::SignedIn { .. }) => "SignedIn".into(),
        Output::Event(Event::TokenReplaced { .. }) => "TokenReplaced".into(),
        Output::Event(Event::Adopted { .. }) => "Adopted".into(),
        Output::Event(Event::SkewSeen { .. }) => "SkewSeen".into(),
        Output::Event(Event::UnauthorizedMuted { .. }) => "UnauthorizedMuted".into(),
        Output::Event(event) => format!("{event:?}"),
        Output::NeedCode { attempt, .. } => format!("NeedCode #{attempt}"),
        Output::Wait { reason, .. } => format!("Wait {reason:?}"),
        Output::Idle => "Idle".into(),
        other => format!("{other:?}"),
    }
}

/// How long a wait told by an output lasts from now on.
pub(crate) fn wait_of(output: &Output, now: Time) -> Duration {
    match output {
        Output::Wait { until, .. } => until.since(now.monotonic),
        other => panic!("no wait: {other:?}"),
    }
}

/// Every way in which a request can fail to bring an answer.
pub(crate) const FAILURES: [TransportFailure; 6] = [
    TransportFailure::Timeout,
    TransportFailure::Connect,
    TransportFailure::Tls,
    TransportFailure::Cancelled,
    TransportFailure::TooLarge,
    TransportFailure::Other,
];
