//! One run: virtual time, a queue of events, and everything that takes part, on one thread.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use plextrac_auth_core::{Generation, RequestId, Time, TransportFailure};

use crate::clocks::Clocks;
use crate::controls::Broken;
use crate::driver::{Reply, Sent};
use crate::person::Typed;
use crate::plan::{CALM, Mishap, Plan};
use crate::random::Random;
use crate::server::Server;
use crate::session::{Process, Session};
use crate::store::Store;
use crate::watch::{self, Figures, Promise, Watch};

pub(crate) struct World {
    pub(crate) plan: Plan,
    pub(crate) random: Random,
    pub(crate) clocks: Clocks,
    pub(crate) server: Server,
    pub(crate) store: Store,
    pub(crate) processes: Vec<Process>,
    pub(crate) watch: Watch,
    queue: BinaryHeap<Reverse<Planned>>,
    planned: u64,
    /// The computer is suspended until then.
    asleep_until_ms: u64,
    /// Nothing goes wrong any more, and nobody wants more than a usable token.
    pub(crate) is_calm: bool,
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
        number: u64,
        id: RequestId,
        sent: Sent,
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
    Wake(usize),
    Unauthorized(usize, Generation),
    SignOut(usize),
    LockWaitEnds(usize, u64),
    Fly(u64, u64),
    LockGranted,
    Digits(u64, Typed),
    Answer(u64, RequestId, Reply),
    NoAnswer(u64, RequestId, TransportFailure),
}

/// An event at its time. Among events of one millisecond, chance decides.
struct Planned {
    at_ms: u64,
    chance: u64,
    number: u64,
    event: Event,
}

impl World {
    pub(crate) fn new(plan: &Plan) -> Self {
        let mut world = Self {
            random: Random::new(plan.seed),
            clocks: Clocks::new(plan.uptime_ms, plan.wall_ahead_ms),
            server: Server::new(plan),
            store: Store::new(plan.accounts.len()),
            processes: Vec::new(),
            watch: Watch::default(),
            queue: BinaryHeap::new(),
            planned: 0,
            asleep_until_ms: 0,
            is_calm: false,
            trace: None,
            plan: plan.clone(),
        };
        for (process, its) in plan.processes.iter().enumerate() {
            world.processes.push(Process {
                plan: its.clone(),
                life: 0,
                session: None,
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
        while let Some(Reverse(planned)) = self.queue.pop() {
            if planned.at_ms > self.plan.span_ms || self.watch.broken.is_some() {
                break;
            }
            self.clocks.advance(planned.at_ms);
            self.watch.advance(planned.at_ms);
            self.watch.figures.events += 1;
            self.happens(planned.event);
        }
        if self.watch.broken.is_none() {
            self.check_recovery();
        }
        self.watch.figures.rate_limited = self.server.rate_limited;
        self.watch.figures.repeated_codes = self.server.repeated_codes;
        Report {
            figures: self.watch.figures,
            broken: self.watch.broken,
            trace: self.trace.unwrap_or_default(),
        }
    }

    fn happens(&mut self, event: Event) {
        match event {
            Event::Mishap(mishap) => self.goes_wrong(mishap),
            Event::Begin(process) => self.begin(process),
            Event::OthersSignIn => {
                self.server.others_sign_in(self.clocks.true_ms);
                if let Some(every) = self.plan.server.others_every_ms.filter(|_| !self.is_calm) {
                    let next = self.random.within((every / 2, every * 3 / 2));
                    self.later(next, Event::OthersSignIn);
                }
            }
            Event::Calm => {
                let server = &mut self.plan.server;
                (server.slow, server.lost, server.unanswered) = (0, 0, 0);
                self.server.be_calm();
                self.is_calm = true;
            }
            Event::Arrives { process, life, number, id, sent } => {
                self.arrives(process, life, number, id, &sent)
            }
            Event::Local { process, life, what } => {
                if self.processes[process].life == life && self.processes[process].session.is_some() {
                    self.local_happens(process, what);
                    self.check_deadlines(process);
                }
            }
        }
    }

    fn local_happens(&mut self, process: usize, what: Local) {
        match what {
            Local::Call(caller) => self.call(process, caller),
            Local::Wake(caller) => self.wake(process, caller),
            Local::Unauthorized(caller, generation) => self.unauthorized(process, caller, generation),
            Local::LockWaitEnds(caller, call) => self.lock_wait_ends(process, caller, call),
            Local::SignOut(caller) => self.signs_out_now(process, caller),
            Local::Fly(number, turn) => self.fly(process, number, turn),
            Local::LockGranted => self.lock_granted(process),
            Local::Digits(number, how) => self.typed(process, number, how),
            Local::Answer(number, id, reply) => self.answered(process, number, id, &reply),
            Local::NoAnswer(number, id, failure) => {
                self.answered(process, number, id, &Reply::Fails(failure))
            }
        }
    }

    fn goes_wrong(&mut self, mishap: Mishap) {
        self.trace(|| format!("{mishap:?}"));
        let is_asleep = self.clocks.true_ms < self.asleep_until_ms;
        match mishap {
            Mishap::Outage { lasts_ms, how } => self.server.begin_outage(self.clocks.true_ms + lasts_ms, how),
            Mishap::Revoke { account } => self.server.revoke(account),
            Mishap::PasswordChange { account } => self.server.change_password(account),
            Mishap::WallClock { ahead_ms } => self.clocks.wall_ahead_ms = ahead_ms,
            // A computer that is suspended does nothing, and nothing in it dies.
            _ if is_asleep => {}
            Mishap::Suspend { lasts_ms } => self.suspend(lasts_ms),
            Mishap::Crash { process, back_after_ms } => {
                self.die(process);
                self.later(back_after_ms, Event::Begin(process));
            }
            Mishap::Reboot { lasts_ms, uptime_ms } => {
                for process in 0..self.processes.len() {
                    self.die(process);
                    let starts = self.random.within((0, 5000));
                    self.later(lasts_ms + starts, Event::Begin(process));
                }
                // A budget that is lost with the power is needed no more once its minute is over.
                if lasts_ms > 65_000 {
                    self.store.lose_last_write();
                }
                self.asleep_until_ms = self.clocks.true_ms + lasts_ms;
                self.clocks.reboot(lasts_ms, uptime_ms);
            }
        }
    }

    fn begin(&mut self, process: usize) {
        if self.processes[process].session.is_some() {
            return;
        }
        let asleep_ms = self.asleep_until_ms.saturating_sub(self.clocks.true_ms);
        if asleep_ms > 0 {
            return self.later(asleep_ms, Event::Begin(process));
        }
        self.trace(|| format!("p{process} begins"));
        let (seed, boot, now) = (self.random.next(), self.boot(process), self.time(process));
        let session = Session::new(&self.plan, &self.processes[process].plan, boot, seed, now);
        self.processes[process].session = Some(session);
        for caller in 0..self.processes[process].plan.callers {
            let first = self.random.within((0, self.processes[process].plan.pause_ms.0.min(1000)));
            self.local(process, first, Local::Call(caller));
        }
    }

    fn die(&mut self, process: usize) {
        let (account, chance) = (self.processes[process].plan.account, self.random.next());
        if self.processes[process].session.take().is_some() {
            self.processes[process].life += 1;
            self.watch.died(account, process);
            let next = self.store.bury(account, process, chance);
            self.grant(next);
        }
    }

    /// Everything on the computer stands still; what the network brings meanwhile waits for it.
    fn suspend(&mut self, lasts_ms: u64) {
        let until = self.clocks.true_ms + lasts_ms;
        self.asleep_until_ms = until;
        self.clocks.suspend(lasts_ms);
        let planned: Vec<_> = self.queue.drain().collect();
        for Reverse(mut planned) in planned {
            match &planned.event {
                Event::Local { what: Local::Answer(..), .. } => planned.at_ms = planned.at_ms.max(until),
                Event::Local { .. } => planned.at_ms += lasts_ms,
                Event::Begin(_) => planned.at_ms = planned.at_ms.max(until),
                _ => {}
            }
            self.queue.push(Reverse(planned));
        }
    }

    fn check_recovery(&mut self) {
        if self.plan.calm_from_ms.is_none() {
            return;
        }
        for process in 0..self.processes.len() {
            let its = &self.processes[process];
            let is_right = its.plan.knows_password && self.server.takes_password(its.plan.account);
            // Where clocks cannot be compared, each process refreshes a token of its own, and a small budget starves somebody.
            let is_enough = its.plan.clock_apart_ms == 0 || self.plan.budget > 4;
            if is_right && is_enough && its.session.is_some() && !its.served_in_calm {
                let how = format!("process {process} has no token, {CALM} ms after all is well again");
                self.watch.breaks(Promise::Recovery, how);
            }
        }
    }

    /// Whether this is the time in which everybody should have been served again.
    pub(crate) const fn is_last_calm(&self) -> bool {
        self.clocks.true_ms + CALM > self.plan.span_ms
    }

    pub(crate) fn is_broken(&self, how: Broken) -> bool {
        self.plan.broken == Some(how)
    }

    pub(crate) fn session(&mut self, process: usize) -> &mut Session {
        self.processes[process].session.as_mut().expect("only a living process is asked")
    }

    /// What a process reads on its clocks.
    pub(crate) fn time(&self, process: usize) -> Time {
        self.clocks.time(self.processes[process].plan.clock_apart_ms)
    }

    /// What a process calls the boot that its monotonic clock counts from.
    pub(crate) fn boot(&self, process: usize) -> String {
        match self.processes[process].plan.clock_apart_ms {
            0 => self.clocks.boot(),
            apart_ms => format!("{} {apart_ms}", self.clocks.boot()),
        }
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
        self.queue.push(Reverse(Planned { at_ms: self.clocks.true_ms + delay_ms, chance, number, event }));
    }

    /// For a process in the life it has now.
    pub(crate) fn local(&mut self, process: usize, delay_ms: u64, what: Local) {
        let life = self.processes[process].life;
        self.later(delay_ms, Event::Local { process, life, what });
    }

    /// For a process that may be suspended: what comes to it waits until it is awake.
    pub(crate) fn network(&mut self, process: usize, life: u32, delay_ms: u64, what: Local) {
        let asleep = self.asleep_until_ms.saturating_sub(self.clocks.true_ms);
        self.later(delay_ms.max(asleep), Event::Local { process, life, what });
    }

    pub(crate) fn trace(&mut self, line: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.trace {
            trace.push(format!("{:>10} {}", self.clocks.true_ms, line()));
        }
    }
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
