//! The driver: it hands inputs in, polls to the last action, and carries out what the coordinator says.

use plextrac_auth_core::{
    Action, Coordinator, Event, FailureKind, Need, OperationId, RecordKind, StoredRecord, Time, Wait, Write,
    WriteOutcome,
};

use crate::caller::{Caller, Purpose};
use crate::controls::Broken;
use crate::record::Seen;
use crate::store::Key;
use crate::watch::Promise;
use crate::world::{self, Local, World};

/// What a process wants of the store.
#[derive(Debug)]
pub(crate) enum Operation {
    Read(OperationId, RecordKind),
    Write(Write),
}

/// What came of it.
#[derive(Debug)]
pub(crate) enum Outcome {
    Read(StoredRecord),
    Written(WriteOutcome),
    Failed,
}

impl Operation {
    const fn id(&self) -> OperationId {
        match self {
            Self::Read(id, _) => *id,
            Self::Write(write) => write.id,
        }
    }

    const fn record(&self) -> RecordKind {
        match self {
            Self::Read(_, record) => *record,
            Self::Write(write) => write.record,
        }
    }
}

impl World {
    /// Hands one input to the coordinator of a process, and polls to the last action.
    pub(crate) fn input<T>(&mut self, process: usize, input: impl FnOnce(&mut Coordinator, Time) -> T) -> T {
        let now = self.time(process);
        let result = input(&mut self.session(process).coordinator, now);
        self.drain(process);
        result
    }

    /// Polls to the last action, and plans what each brings.
    pub(crate) fn drain(&mut self, process: usize) {
        let now = self.time(process);
        let ignores_budget = self.is_broken(Broken::IgnoresBudget);
        let most = 30 + 3 * self.processes[process].plan.callers as u64;
        let (mut actions, mut is_excused) = (0, false);
        loop {
            actions += 1;
            if actions > most {
                return self
                    .watch
                    .breaks(Promise::NoBusyLoop, format!("no end to the actions of process {process}"));
            }
            let session = self.session(process);
            if ignores_budget {
                session.budget = plextrac_auth_core::Budget::new(60).unwrap();
            }
            match session.coordinator.poll(&mut session.budget, now) {
                Action::Send(request) => self.take_request(process, request),
                Action::Read { id, record } => self.begin(process, Operation::Read(id, record)),
                Action::Write(write) => self.begin(process, Operation::Write(write)),
                Action::Ask(prompt) => self.ask(process, prompt.attempt),
                Action::Wake { caller, result } => {
                    self.trace(|| format!("p{process} wakes {caller:?}: {result:?}"));
                    let result = result.map_err(|failure| failure.kind());
                    self.wake(process, caller, result);
                }
                Action::Event(event) => {
                    is_excused |= event == Event::SignedOut;
                    self.notice(process, &event);
                }
                Action::Wait(wait) => {
                    self.changed(process, is_excused);
                    self.wait(process, wait);
                    break;
                }
                other => panic!("an unknown action: {other:?}"),
            }
        }
        let callers = self.processes[process].plan.callers;
        self.watch.polled(process, actions, callers);
    }

    fn notice(&mut self, process: usize, event: &Event) {
        self.trace(|| format!("p{process} {event:?}"));
        let (account, life) = (self.processes[process].plan.account, self.processes[process].life);
        match event {
            Event::Adopted { .. } => self.watch.figures.adopted += 1,
            // The answer to the request that is out is not used any more.
            Event::SignedOut => self.session(process).is_abandoned = true,
            Event::Failed(failure) if failure.kind() == FailureKind::Cancelled => {
                self.session(process).is_abandoned = true;
            }
            // Without a status, the rejection was found in the record.
            Event::Failed(failure)
                if failure.kind() == FailureKind::Rejected && failure.http_status().is_some() =>
            {
                let is_known = self.processes[process].plan.knows_password;
                self.watch.rejected_here((process, life), (account, is_known));
            }
            _ => {}
        }
    }

    /// Plans the next poll, and watches the record.
    fn wait(&mut self, process: usize, wait: Wait) {
        let now = self.time(process);
        let (true_ms, never_returns) = (self.true_ms, self.is_broken(Broken::WaitsForEver));
        let polls_in_circles = self.is_broken(Broken::PollsInCircles);
        let session = self.session(process);
        let is_new = session.wait != wait;
        session.wait = wait.clone();
        // A look at the record interrupts no waiting. An attempt that waits for a moment does not wait for a claim.
        let is_looking = wait.watch.is_none() && wait.reason.is_none() && !session.coordinator.is_idle();
        let owner = wait.watch.as_ref().filter(|_| wait.reason.is_none()).and_then(|watch| watch.owner);
        if !is_looking && session.watched.map(|(owner, _)| owner) != owner {
            session.watched = owner.map(|owner| (owner, true_ms));
        }
        let is_idle = session.coordinator.is_idle();
        if let Some(past) = wait
            .until
            .filter(|until| *until <= now.monotonic)
            .or(wait.awake_until.filter(|until| *until <= now.awake))
        {
            return self
                .watch
                .breaks(Promise::NoBusyLoop, format!("process {process} waits for {past}, which is over"));
        }
        if polls_in_circles {
            self.session(process).turn += 1;
            let turn = self.session(process).turn;
            return self.local(process, 1, Local::Poll(turn));
        }
        if is_new {
            let session = self.session(process);
            session.turn += 1;
            let turn = session.turn;
            // A process in which nothing is under way is not waked by its token's age.
            if let Some(until) = wait.until.filter(|_| !is_idle) {
                self.local(process, world::ms(until.since(now.monotonic)), Local::Poll(turn));
            }
            if let Some(until) = wait.awake_until.filter(|_| !never_returns) {
                self.local(process, world::ms(until.since(now.awake)), Local::PollAwake(turn));
            }
        }
        let Some(watch) = wait.watch else { return };
        let account = self.processes[process].plan.account;
        if self.store.version(Key::Account(account)) != watch.version {
            self.notify(process);
        }
        if watch.owner.is_some_and(|owner| self.owner_is_gone(process, &owner.to_string())) && is_new {
            self.local(process, 2, Local::OwnerGone(watch.owner.unwrap()));
        }
    }

    /// A directory knows at once if the owner of a claim is gone, if it ran on the same machine.
    pub(crate) fn owner_is_gone(&self, process: usize, owner: &str) -> bool {
        let machine = self.processes[process].plan.machine;
        let knows = !self.store.is_engine() && !self.is_broken(Broken::KeepsDeadClaims);
        knows && self.gone.get(owner).is_some_and(|(of, _)| *of == machine)
    }

    /// The record of an account has another version: those who watch it hear of it, as a rule.
    fn notify_all(&mut self, account: usize) {
        let version = self.store.version(Key::Account(account));
        for process in 0..self.processes.len() {
            let its = &self.processes[process];
            let watch = its.session.as_ref().and_then(|session| session.wait.watch.as_ref());
            if its.plan.account == account && watch.is_some_and(|watch| watch.version != version) {
                self.notify(process);
            }
        }
    }

    fn notify(&mut self, process: usize) {
        let loses = self.store.plan.as_ref().map_or(0, |plan| plan.loses_notices);
        if !self.random.chance(loses) {
            let delay = self.random.within((0, 20));
            let life = self.processes[process].life;
            self.network(process, life, delay, Local::Notice);
        }
    }

    /// A process hears that the record has changed, if it still watches for that.
    pub(crate) fn noticed(&mut self, process: usize) {
        let version = self.store.version(Key::Account(self.processes[process].plan.account));
        let watch = self.session(process).wait.watch.clone();
        if watch.is_some_and(|watch| watch.version != version) {
            self.input(process, |coordinator, _| coordinator.handle_record_changed()).unwrap();
        }
    }

    /// An operation begins. It is carried out later, and what came of it is known later still.
    fn begin(&mut self, process: usize, operation: Operation) {
        let Some(plan) = self.store.plan.clone() else { return };
        self.trace(|| format!("p{process} begins {operation:?}"));
        self.watch.figures.operations += 1;
        let is_slow = self.random.chance(plan.slow);
        let delay =
            if is_slow { self.random.within((500, 6000)) } else { self.random.within(plan.latency_ms) };
        let (life, began_ms) = (self.processes[process].life, self.true_ms);
        if plan.is_engine {
            return self.later(delay, world::Event::CarryOut { process, life, began_ms, operation });
        }
        self.local(process, delay, Local::CarryOut { began_ms, operation });
    }

    /// An operation takes effect.
    pub(crate) fn carry_out(&mut self, process: usize, life: u32, began_ms: u64, operation: Operation) {
        let Some(plan) = self.store.plan.clone() else { return };
        let (account, true_ms) = (self.processes[process].plan.account, self.true_ms);
        let key = Key::of(operation.record(), account);
        let is_out = self.true_ms < self.store.fails_until_ms || self.random.chance(plan.fails);
        // An engine may have carried out what nobody hears of.
        let is_lost =
            is_out && plan.is_engine && self.random.chance(500) && true_ms >= self.store.fails_until_ms;
        let id = operation.id();
        if self.is_broken(Broken::KeepsDeadClaims) && self.has_dead_claim(key) {
            self.store.renew_claim(key, true_ms);
        }
        let outcome = match &operation {
            _ if is_out && !is_lost => Outcome::Failed,
            Operation::Read(_, _) => Outcome::Read(self.store.read(key, true_ms)),
            Operation::Write(write) => {
                let before = self.store.get(key);
                let outcome = self.store.write(key, write, true_ms);
                self.trace(|| format!("p{process} {outcome:?} {key:?} {}", shown(&write.bytes)));
                if outcome == WriteOutcome::Conflict {
                    self.watch.figures.conflicts += 1;
                } else if let Key::Account(account) = key {
                    self.look_at_write(
                        process,
                        life,
                        began_ms,
                        &Seen::read(&before.bytes),
                        &Seen::read(&write.bytes),
                    );
                    self.notify_all(account);
                }
                Outcome::Written(outcome)
            }
        };
        let outcome = if is_lost { Outcome::Failed } else { outcome };
        if self.is_broken(Broken::LosesOperations) && self.random.chance(100) {
            return;
        }
        let delay = self.random.within(plan.latency_ms);
        self.network(process, life, delay, Local::Returned(id, outcome));
    }

    /// Whether the owner of a record's claim is gone.
    fn has_dead_claim(&self, key: Key) -> bool {
        let claim = Seen::read(&self.store.get(key).bytes).claim;
        claim.is_some_and(|claim| self.gone.contains_key(&claim.owner))
    }

    /// What came of an operation reaches its process.
    pub(crate) fn returned(&mut self, process: usize, id: OperationId, outcome: Outcome) {
        if matches!(outcome, Outcome::Failed) {
            self.trace(|| format!("p{process} {id:?} failed"));
            self.watch.store_failed();
            self.session(process).is_alone = true;
        }
        let taken = self.input(process, |coordinator, now| match outcome {
            Outcome::Read(stored) => coordinator.handle_read(id, stored, now),
            Outcome::Written(outcome) => coordinator.handle_written(id, outcome, now),
            Outcome::Failed => coordinator.handle_store_failed(id, "the store does not answer", now),
        });
        if taken.is_err() {
            self.watch
                .breaks(Promise::Sent, format!("process {process} takes no answer of the store: {taken:?}"));
        }
    }

    /// Publishes what the coordinator grants, and compares it with what it granted before.
    pub(crate) fn changed(&mut self, process: usize, is_excused: bool) {
        let now = self.time(process);
        let drops = self.is_broken(Broken::DropsTokens);
        let session = self.session(process);
        session.publish(now);
        if drops && session.live.as_ref().is_some_and(|live| now.monotonic >= live.windows.refresh_at) {
            session.live = None;
        }
        let usable = session.live.as_ref().filter(|live| now.monotonic < live.windows.unusable_at);
        let usable = usable.map(|live| (live.generation, live.windows.unusable_at));
        let is_excused = is_excused || session.callers.iter().any(Caller::signs_out);
        self.watch.holds(process, usable, now.monotonic, is_excused);
    }

    /// A caller's call is over: its thread goes on soon.
    fn wake(&mut self, process: usize, id: plextrac_auth_core::CallerId, result: Result<(), FailureKind>) {
        let now = self.time(process);
        let session = self.session(process);
        let is_usable = session.coordinator.usable_token(now).is_some();
        let Some(caller) = session.callers.iter().position(|caller| caller.waits_for(id)) else {
            return self
                .watch
                .breaks(Promise::Deadline, format!("process {process} wakes {id:?}, which does not wait"));
        };
        let Some(waiting) = session.callers[caller].waits.take() else { return };
        let needs_token = matches!(waiting.purpose, Purpose::Token(_) | Purpose::Code);
        if needs_token && result.is_ok() && !is_usable {
            self.watch
                .breaks(Promise::Sent, format!("process {process} wakes caller {caller} without a token"));
        }
        let is_newer = match waiting.purpose {
            Purpose::Token(Need::NewerThan(held)) => {
                self.session(process).coordinator.usable_token(now).map(|token| token.generation()) != held
            }
            _ => true,
        };
        if result.is_ok() && !is_newer {
            self.watch.breaks(
                Promise::Sent,
                format!("process {process} serves caller {caller} with the token it has"),
            );
        }
        let delay = self.random.within((0, 2));
        let call = self.session(process).callers[caller].call;
        self.local(process, delay, Local::Woken { caller, call, purpose: waiting.purpose, result });
    }
}

/// A record in a trace: secrets of a simulation are none.
fn shown(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.chars().take(600).collect()
}
