//! One run: virtual time, a queue of events, and everything that takes part, on one thread.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::time::Duration;

use plextrac_auth_core::{
    ClaimOwner, FailureKind, Generation, OperationId, Request, RequestId, Time, TransportFailure,
};

use crate::caller::Purpose;
use crate::clocks::{Clocks, unix_ms};
use crate::controls::Broken;
use crate::driver::{Reply, Sent};
use crate::driving::{Operation, Outcome};
use crate::person::Typed;
use crate::plan::{CALM, HOUR, Mishap, Plan};
use crate::random::Random;
use crate::server::Server;
use crate::session::{Process, Session};
use crate::store::Store;
use crate::watch::{self, Figures, Promise, Watch};

pub(crate) struct World {
    pub(crate) plan: Plan,
    pub(crate) random: Random,
    pub(crate) true_ms: u64,
    pub(crate) machines: Vec<Clocks>,
    pub(crate) server: Server,
    pub(crate) store: Store,
    pub(crate) processes: Vec<Process>,
    pub(crate) watch: Watch,
    /// Owners of claims that are gone: the machine they ran on, and since when.
    pub(crate) gone: HashMap<String, (usize, u64)>,
    queue: BinaryHeap<Reverse<Planned>>,
    planned: u64,
    /// Nothing goes wrong any more, and nobody wants more than a usable token.
    pub(crate) is_calm: bool,
    /// No call begins any more.
    pub(crate) is_over: bool,
    trace: Option<Vec<String>>,
}

/// What a run came to.
pub(crate) struct Report {
    pub(crate) figures: Figures,
    pub(crate) broken: Option<watch::Broken>,
    pub(crate) trace: Vec<String>,
}

pub(crate) enum Event {
    Mishap(Mishap),
    Begin(usize),
    OthersSignIn,
    /// From here on nothing goes wrong any more.
    Calm,
    Arrives {
        process: usize,
        life: u32,
        id: RequestId,
        sent: Sent,
    },
    /// An engine carries out what it was sent.
    CarryOut {
        process: usize,
        life: u32,
        began_ms: u64,
        operation: Operation,
    },
    Local {
        process: usize,
        life: u32,
        what: Local,
    },
}

/// What happens within a process.
#[derive(Debug)]
pub(crate) enum Local {
    Call(usize),
    Woken { caller: usize, call: u64, purpose: Purpose, result: Result<(), FailureKind> },
    Leaves(usize, u64),
    Submits(usize, Typed),
    Unauthorized { caller: usize, generation: Generation, was_accepted: bool },
    Poll(u64),
    PollAwake(u64),
    Notice,
    OwnerGone(ClaimOwner),
    CarryOut { began_ms: u64, operation: Operation },
    Returned(OperationId, Outcome),
    Typed(u64, Typed),
    Send(Request),
    Answer(RequestId, Reply),
    NoAnswer(RequestId, TransportFailure),
    Ends,
}

impl Local {
    /// It comes from outside, or from the clock that goes on in suspend: it waits until the process goes on.
    const fn comes_late(&self) -> bool {
        matches!(
            self,
            Self::Answer(..) | Self::Returned(..) | Self::Notice | Self::OwnerGone(_) | Self::Poll(_)
        )
    }
}

/// An event at its time. Among events of one millisecond, chance decides.
struct Planned {
    at_ms: u64,
    chance: u64,
    number: u64,
    /// Apart, so that the queue moves little.
    event: Box<Event>,
}

/// A token, and everything that is counted with it, is over by then.
const AFTERMATH: u64 = 3 * HOUR;

impl World {
    pub(crate) fn new(plan: &Plan) -> Self {
        let machine = |(name, machine): (usize, &crate::plan::MachinePlan)| {
            Clocks::new(name, machine.uptime_ms, machine.wall_ahead_ms)
        };
        let mut world = Self {
            random: Random::new(plan.seed),
            true_ms: 0,
            machines: plan.machines.iter().enumerate().map(machine).collect(),
            server: Server::new(plan),
            store: Store::new(plan.store.clone(), plan.broken),
            processes: Vec::new(),
            watch: Watch::of(plan.only),
            gone: HashMap::new(),
            queue: BinaryHeap::new(),
            planned: 0,
            is_calm: false,
            is_over: false,
            trace: None,
            plan: plan.clone(),
        };
        for (process, its) in plan.processes.iter().enumerate() {
            world.processes.push(Process {
                plan: its.clone(),
                life: 0,
                session: None,
                paused_until_ms: 0,
                served_in_calm: false,
            });
            world.later(its.starts_ms, Event::Begin(process));
        }
        for (at_ms, mishap) in &plan.mishaps {
            world.later(*at_ms, Event::Mishap(mishap.clone()));
        }
        if let Some(calm) = plan.calm_from_ms {
            world.later(calm, Event::Calm);
        }
        if plan.server.others_every_ms.is_some() {
            world.later(0, Event::OthersSignIn);
        }
        world
    }

    pub(crate) fn traced(plan: &Plan) -> Self {
        Self { trace: Some(Vec::new()), ..Self::new(plan) }
    }

    pub(crate) fn run(mut self) -> Report {
        self.live_until(self.plan.span_ms);
        if self.watch.broken.is_none() {
            self.check_recovery();
            self.is_over = true;
            self.live_until(self.plan.span_ms + AFTERMATH);
        }
        if self.watch.broken.is_none() {
            self.check_idle();
        }
        self.watch.figures.rate_limited = self.server.rate_limited;
        self.watch.figures.repeated_codes = self.server.repeated_codes;
        Report {
            figures: self.watch.figures,
            broken: self.watch.broken,
            trace: self.trace.unwrap_or_default(),
        }
    }

    fn live_until(&mut self, end_ms: u64) {
        while self.queue.peek().is_some_and(|Reverse(planned)| planned.at_ms <= end_ms) {
            if self.watch.broken.is_some() {
                return;
            }
            let Some(Reverse(planned)) = self.queue.pop() else { return };
            self.true_ms = planned.at_ms;
            self.machines.iter_mut().for_each(|machine| machine.advance(planned.at_ms));
            self.watch.advance(planned.at_ms);
            self.watch.figures.events += 1;
            self.happens(*planned.event);
        }
    }

    fn happens(&mut self, event: Event) {
        match event {
            Event::Mishap(mishap) => self.goes_wrong(mishap),
            Event::Begin(process) => self.begin_process(process),
            Event::OthersSignIn => {
                self.server.others_sign_in(self.true_ms);
                if let Some(every) = self.plan.server.others_every_ms.filter(|_| !self.is_calm) {
                    let next = self.random.within((every / 2, every * 3 / 2));
                    self.later(next, Event::OthersSignIn);
                }
            }
            Event::Calm => self.be_calm(),
            Event::Arrives { process, life, id, sent } => self.arrives(process, life, id, &sent),
            Event::CarryOut { process, life, began_ms, operation } => {
                self.carry_out(process, life, began_ms, operation);
            }
            Event::Local { process, life, what } => {
                if self.processes[process].life == life && self.processes[process].session.is_some() {
                    self.local_happens(process, what);
                    self.check_deadlines(process);
                    self.check_freed(process);
                }
            }
        }
    }

    fn local_happens(&mut self, process: usize, what: Local) {
        match what {
            Local::Call(_) if self.is_over || self.session(process).is_closed => {}
            Local::Call(caller) => self.call(process, caller),
            Local::Woken { caller, call, purpose, result } => {
                if self.session(process).callers[caller].call == call {
                    self.woken(process, caller, purpose, result);
                }
            }
            Local::Leaves(caller, call) => self.leaves(process, caller, call),
            Local::Submits(caller, how) => self.submits(process, caller, how),
            Local::Unauthorized { caller, generation, was_accepted } => {
                self.unauthorized(process, caller, generation, was_accepted);
            }
            Local::Poll(turn) | Local::PollAwake(turn) => {
                if self.session(process).turn == turn {
                    self.drain(process);
                }
            }
            Local::Notice => self.noticed(process),
            Local::OwnerGone(owner) => {
                self.input(process, |coordinator, _| coordinator.handle_owner_gone(owner)).unwrap();
            }
            Local::CarryOut { began_ms, operation } => {
                let life = self.processes[process].life;
                self.carry_out(process, life, began_ms, operation);
            }
            Local::Returned(id, outcome) => self.returned(process, id, outcome),
            Local::Typed(number, how) => self.typed(process, number, how),
            Local::Send(request) => self.leave(process, &request),
            Local::Answer(id, reply) => self.answered(process, id, &reply),
            Local::NoAnswer(id, failure) => self.answered(process, id, &Reply::Fails(failure)),
            Local::Ends => self.die(process),
        }
    }

    fn be_calm(&mut self) {
        let server = &mut self.plan.server;
        (server.slow, server.lost, server.unanswered) = (0, 0, 0);
        self.server.be_calm();
        if let Some(store) = &mut self.store.plan {
            (store.slow, store.fails) = (0, 0);
        }
        self.store.fails_until_ms = 0;
        self.is_calm = true;
    }

    fn check_recovery(&mut self) {
        if self.plan.calm_from_ms.is_none() {
            return;
        }
        for process in 0..self.processes.len() {
            let its = &self.processes[process];
            let is_right = its.plan.knows_password && self.server.takes_password(its.plan.account);
            // Where clocks cannot be compared, each process refreshes a token of its own, and a small budget starves somebody.
            let is_enough = self.have_one_clock() || self.plan.budget > 4;
            // Sessions without their store repeat the code of a step, and so lock the TOTP secret out: a person has to help.
            let account = its.plan.account;
            let sharing: Vec<_> =
                (0..self.processes.len()).filter(|n| self.processes[*n].plan.account == account).collect();
            let is_locked_out = self.watch.was_anyone_alone(&sharing)
                && !crate::record::Seen::read(&self.store.get(crate::store::Key::Account(account)).bytes)
                    .rejected
                    .is_empty();
            if is_right && is_enough && its.session.is_some() && !its.served_in_calm && !is_locked_out {
                let how = format!("process {process} has no token, {CALM} ms after all is well again");
                self.watch.breaks(Promise::Recovery, how);
            }
        }
    }

    /// After the last call nothing is under way, and no living process has a claim.
    fn check_idle(&mut self) {
        for process in 0..self.processes.len() {
            let Some(session) = &self.processes[process].session else { continue };
            if !session.coordinator.is_idle() {
                let how = format!(
                    "process {process} is not idle at the end: {:?} {:?}",
                    session.coordinator, session.wait
                );
                return self.watch.breaks(Promise::Idle, how);
            }
            let owner = session.owner.to_string();
            let record = self.store.get(crate::store::Key::Account(self.processes[process].plan.account));
            let claim = crate::record::Seen::read(&record.bytes).claim;
            // A store that failed, or that lost a write, may have kept one: its lease is over.
            let is_excused = self.watch.figures.store_failures > 0 || self.store.is_engine();
            if claim.is_some_and(|claim| claim.owner == owner) && !is_excused {
                let how = format!("process {process} has a claim at the end");
                return self.watch.breaks(Promise::Idle, how);
            }
        }
    }

    /// Whether all processes can tell how long ago something in the store was.
    pub(crate) fn have_one_clock(&self) -> bool {
        self.store.is_engine() || self.machines.len() == 1
    }

    /// Whether this is the time in which everybody should have been served again.
    pub(crate) const fn is_last_calm(&self) -> bool {
        self.true_ms + CALM > self.plan.span_ms
    }

    pub(crate) fn is_broken(&self, how: Broken) -> bool {
        self.plan.broken == Some(how)
    }

    pub(crate) fn session(&mut self, process: usize) -> &mut Session {
        self.processes[process].session.as_mut().expect("only a living process is asked")
    }

    fn clocks(&self, process: usize) -> &Clocks {
        &self.machines[self.processes[process].plan.machine]
    }

    /// What a process reads on its clocks.
    pub(crate) fn time(&self, process: usize) -> Time {
        self.clocks(process).time()
    }

    pub(crate) fn awake_ms(&self, process: usize) -> u64 {
        self.clocks(process).awake_ms()
    }

    pub(crate) const fn true_unix_ms(&self) -> i64 {
        unix_ms(self.true_ms)
    }

    /// What a process calls the boot that its monotonic clock counts from.
    pub(crate) fn boot(&self, process: usize) -> String {
        self.clocks(process).boot()
    }

    /// How long the network takes, one way.
    pub(crate) fn latency(&mut self) -> u64 {
        if self.random.chance(self.plan.server.slow) {
            return self.random.within((1000, 60_000));
        }
        self.random.within(self.plan.server.latency_ms)
    }

    pub(crate) fn later(&mut self, delay_ms: u64, event: Event) {
        self.planned += 1;
        let (chance, number) = (self.random.next(), self.planned);
        let at_ms = self.true_ms + delay_ms;
        self.queue.push(Reverse(Planned { at_ms, chance, number, event: Box::new(event) }));
    }

    /// For a process in the life it has now.
    pub(crate) fn local(&mut self, process: usize, delay_ms: u64, what: Local) {
        let life = self.processes[process].life;
        self.later(delay_ms, Event::Local { process, life, what });
    }

    /// For a process that may stand still: what comes to it waits until it goes on.
    pub(crate) fn network(&mut self, process: usize, life: u32, delay_ms: u64, what: Local) {
        let stands_still = self.stands_still_ms(process);
        self.later(delay_ms.max(stands_still), Event::Local { process, life, what });
    }

    /// For how long from now on a process does nothing.
    pub(crate) fn stands_still_ms(&self, process: usize) -> u64 {
        let paused_ms = self.processes[process].paused_until_ms.saturating_sub(self.true_ms);
        self.clocks(process).asleep_ms().max(paused_ms)
    }

    /// What is planned for a process is planned anew: it stands still from now on. In suspend its timers do, too.
    pub(crate) fn stand_still(&mut self, stops: impl Fn(usize) -> bool, lasts_ms: u64, stops_timers: bool) {
        let until = self.true_ms + lasts_ms;
        let planned: Vec<_> = self.queue.drain().collect();
        for Reverse(mut planned) in planned {
            match &*planned.event {
                Event::Local { process, what, .. } if stops(*process) => {
                    planned.at_ms = match stops_timers && !what.comes_late() {
                        true => planned.at_ms + lasts_ms,
                        false => planned.at_ms.max(until),
                    };
                }
                Event::Begin(process) if stops(*process) => planned.at_ms = planned.at_ms.max(until),
                _ => {}
            }
            self.queue.push(Reverse(planned));
        }
    }

    pub(crate) fn trace(&mut self, line: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.trace {
            trace.push(format!("{:>10} {}", self.true_ms, line()));
        }
    }
}

/// A span in whole milliseconds.
pub(crate) fn ms(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX / 4).min(u64::MAX / 4)
}

impl Ord for Planned {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at_ms, self.chance, self.number).cmp(&(other.at_ms, other.chance, other.number))
    }
}

impl PartialOrd for Planned {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Planned {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Planned {}
