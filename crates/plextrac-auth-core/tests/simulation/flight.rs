//! A flight: one attempt to get a token, in the order in which `plextrac-transport` takes its steps.
//!
//! Between any two of them time passes, others act, and the process may die: the account's lock, the look at the
//! shared record, the decision, each half of the record that is kept, the request.

use std::cell::RefCell;
use std::rc::Rc;

use plextrac_auth_core::table::Phase;
use plextrac_auth_core::{
    Event, FailureKind, InputError, Instant, Request, RequestId, SharedRecord, TransportFailure, WaitReason,
    Want,
};

use crate::controls::Broken;
use crate::plan::DigitsFrom;
use crate::session::Drained;
use crate::store::{Holder, Thread};
use crate::watch::Promise;
use crate::world::{Local, World};

/// What callers see of a flight, and where it stands.
pub(crate) struct Flight {
    pub(crate) number: u64,
    pub(crate) outcome: Option<Result<(), Ended>>,
    pub(crate) waiters: usize,
    pub(crate) blocked: Option<(Instant, WaitReason)>,
    pub(crate) is_abandoned: bool,
    asking_since_ms: Option<u64>,
    asked_for_ms: u64,
    stage: Stage,
    /// Counts stages: what was planned for an earlier one is void.
    turn: u64,
}

/// What comes after a drain, once what is to be sent was sent.
#[derive(Debug)]
pub(crate) enum Next {
    ReadShared,
    Ask { attempt: u32 },
    Blocked { until: Instant, reason: WaitReason },
    Over,
}

/// Why a flight, or a call, ended without a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    Failed(FailureKind),
    MustWait,
    MfaRequired,
    Timeout,
    SignedOut,
    NotTaken(InputError),
    NoToken,
}

#[derive(Debug)]
pub(crate) enum Stage {
    Begin(Want),
    KeepAccount(SharedRecord, Result<Next, Ended>),
    KeepToken(SharedRecord, Result<Next, Ended>),
    Lock,
    Read,
    Leave(Request),
    AwaitAnswer(RequestId),
    Ask,
    Hold { until: Instant, reason: WaitReason },
    Over,
}

impl Flight {
    /// How long persons were asked; this time counts against no caller's timeout.
    pub(crate) fn person_ms(&self, awake_ms: u64) -> u64 {
        self.asked_for_ms + self.asking_since_ms.map_or(0, |since| awake_ms - since)
    }

    pub(crate) const fn is_asking(&self) -> bool {
        self.asking_since_ms.is_some()
    }

    pub(crate) const fn begin_asking(&mut self, awake_ms: u64) {
        self.asking_since_ms = Some(awake_ms);
    }

    pub(crate) fn end_asking(&mut self, awake_ms: u64) {
        self.asked_for_ms = self.person_ms(awake_ms);
        self.asking_since_ms = None;
    }

    pub(crate) fn awaits(&self, id: RequestId) -> bool {
        matches!(self.stage, Stage::AwaitAnswer(out) if out == id)
    }
}

impl World {
    pub(crate) fn start_flight(&mut self, process: usize, want: Want) -> Rc<RefCell<Flight>> {
        let session = self.session(process);
        session.flights += 1;
        let flight = Rc::new(RefCell::new(Flight {
            number: session.flights,
            outcome: None,
            waiters: 0,
            blocked: None,
            is_abandoned: false,
            asking_since_ms: None,
            asked_for_ms: 0,
            stage: Stage::Begin(want),
            turn: 0,
        }));
        session.flight = Some(Rc::clone(&flight));
        self.fly_soon(process);
        flight
    }

    /// The flight of a process goes on, if it still stands where it stood when this was planned.
    pub(crate) fn fly(&mut self, process: usize, number: u64, turn: u64) {
        let Some(flight) = self.flight_of(process) else { return };
        let stage = {
            let mut flight = flight.borrow_mut();
            if flight.number != number || flight.turn != turn {
                return;
            }
            flight.turn += 1;
            std::mem::replace(&mut flight.stage, Stage::Over)
        };
        let account = self.processes[process].plan.account;
        match stage {
            Stage::Begin(want) => {
                let drained = self.step(process, |machine, _| machine.want(want));
                if let Ok(Some(until)) = drained.as_ref().map(|drained| drained.rests_until) {
                    self.session(process).quiet_until = until;
                }
                self.keep_and_follow(process, drained);
            }
            Stage::KeepAccount(record, after) => {
                self.keep_account(process, &record);
                self.enter(process, Stage::KeepToken(record, after));
                self.fly_soon(process);
            }
            Stage::KeepToken(record, after) => {
                self.keep_token(process, record);
                self.follow(process, after);
            }
            Stage::Read => {
                let (boot, now) = (self.boot(process), self.time(process));
                let record = self.store.read(account, &boot, now);
                let drained = self.step(process, |machine, now| machine.handle_shared(Some(&record), now));
                self.keep_and_follow(process, drained);
            }
            Stage::Lock => {
                let holder = self.holder(process);
                if self.store.give_up(account, holder) {
                    self.end(process, Err(Ended::Timeout));
                } else {
                    self.enter(process, Stage::Read);
                    self.fly_soon(process);
                }
            }
            Stage::Leave(request) => self.leave(process, &request),
            Stage::Hold { until, reason } => self.hold(process, until, reason),
            // These go on when something comes from outside.
            stage @ (Stage::AwaitAnswer(_) | Stage::Ask | Stage::Over) => self.enter(process, stage),
        }
    }

    /// The account's lock was handed to the flight.
    pub(crate) fn lock_granted(&mut self, process: usize) {
        let waits = |flight: Rc<RefCell<Flight>>| matches!(flight.borrow().stage, Stage::Lock);
        let (account, holder) = (self.processes[process].plan.account, self.holder(process));
        if self.store.is_held_by(account, holder) && self.flight_of(process).is_some_and(waits) {
            self.enter(process, Stage::Read);
            self.fly_soon(process);
        }
    }

    /// What was kept is written first, in two halves; then comes what follows.
    pub(crate) fn keep_and_follow(&mut self, process: usize, drained: Result<Drained, Ended>) {
        let (record, after) = match drained {
            Ok(Drained { next, events, record, .. }) => {
                (record, self.tell_all(process, &events).map_or(Ok(next), Err))
            }
            Err(ended) => (None, Err(ended)),
        };
        match record {
            Some(record) => {
                self.enter(process, Stage::KeepAccount(record, after));
                self.fly_soon(process);
            }
            None => self.follow(process, after),
        }
    }

    /// The failure that ended the want, if one did.
    fn tell_all(&mut self, process: usize, events: &[Event]) -> Option<Ended> {
        let mut ended = None;
        for event in events {
            match event {
                Event::Failed(failure) => ended = Some(Ended::Failed(failure.kind())),
                Event::Adopted { .. } => self.watch.figures.adopted += 1,
                _ => {}
            }
        }
        let life = self.processes[process].life;
        if ended == Some(Ended::Failed(FailureKind::Rejected)) {
            self.watch.rejected_here(process, life);
        }
        ended
    }

    fn follow(&mut self, process: usize, after: Result<Next, Ended>) {
        let (plan, holder) = (self.processes[process].plan.clone(), self.holder(process));
        if after.is_ok()
            && let Some(request) = self.session(process).to_send.take()
        {
            if self.is_broken(Broken::LosesRequests) {
                return self.end(process, Ok(()));
            }
            self.enter(process, Stage::Leave(request));
            return self.fly_soon(process);
        }
        match after {
            Err(ended) => self.end(process, Err(ended)),
            Ok(Next::Over) => self.end(process, Ok(())),
            Ok(Next::ReadShared) => {
                let needs_no_lock = self.is_broken(Broken::TakesNoLock);
                if needs_no_lock
                    || self.store.is_held_by(plan.account, holder)
                    || self.store.lock(plan.account, holder)
                {
                    self.enter(process, Stage::Read);
                    self.fly_soon(process);
                } else {
                    self.enter(process, Stage::Lock);
                    self.fly_after(process, plan.timeout_ms);
                }
            }
            Ok(Next::Ask { attempt }) => {
                self.release(plan.account, holder);
                match plan.digits {
                    DigitsFrom::Person { .. } => self.ask(process, attempt),
                    DigitsFrom::Totp => self.end(process, Err(Ended::MfaRequired)),
                }
            }
            Ok(Next::Blocked { until, reason }) => {
                self.release(plan.account, holder);
                self.hold(process, until, reason);
            }
        }
    }

    /// Waits for `until` as long as anybody waits for the flight.
    fn hold(&mut self, process: usize, until: Instant, reason: WaitReason) {
        let now = self.time(process).monotonic;
        let flight = self.flight_of(process).expect("a flight holds");
        let left_ms = until.since(now).as_millis() as u64;
        // Another thread's input may have moved the machine on.
        let is_due = left_ms == 0 || self.session(process).to_send.is_some();
        let is_impatient = self.is_broken(Broken::PollsInCircles);
        if flight.borrow().waiters == 0 {
            flight.borrow_mut().is_abandoned = true;
            let withdrawn = self.step_aside(process, |machine, _| machine.withdraw());
            self.keep_now(process, withdrawn);
            self.end(process, Err(Ended::MustWait));
        } else if is_due || is_impatient {
            flight.borrow_mut().blocked = None;
            let drained = self.step(process, |_, _| Ok(()));
            self.keep_and_follow(process, drained);
        } else {
            flight.borrow_mut().blocked = Some((until, reason));
            self.enter(process, Stage::Hold { until, reason });
            self.notify(process);
            self.fly_after(process, left_ms);
        }
    }

    /// The last waiter left a flight that waits for a moment to come.
    pub(crate) fn nobody_waits(&mut self, process: usize, number: u64) {
        let Some(flight) = self.flight_of(process) else { return };
        let holds = matches!(flight.borrow().stage, Stage::Hold { .. });
        if holds && flight.borrow().number == number {
            self.fly_soon(process);
        }
    }

    fn end(&mut self, process: usize, outcome: Result<(), Ended>) {
        let (account, holder) = (self.processes[process].plan.account, self.holder(process));
        self.trace(|| format!("p{process} lands: {outcome:?}"));
        self.release(account, holder);
        self.leave_nothing_behind(process);
        let phase = self.session(process).machine.phase();
        if matches!(phase, Phase::Authenticating | Phase::Verifying | Phase::Refreshing | Phase::Reviving) {
            self.watch.breaks(Promise::Sent, format!("process {process} lands while it is {phase:?}"));
        }
        let Some(flight) = self.session(process).flight.take() else { return };
        let mut flight = flight.borrow_mut();
        flight.outcome = Some(outcome);
        flight.blocked = None;
        flight.asking_since_ms = None;
        drop(flight);
        self.notify(process);
    }

    /// What a flight began and does not end must not stand in the way of the next.
    fn leave_nothing_behind(&mut self, process: usize) {
        let unsent = self.session(process).to_send.take();
        if let Some(unsent) = unsent {
            let given_up = self.step_aside(process, |machine, now| {
                machine.handle_failure(unsent.id, TransportFailure::Cancelled, now)
            });
            self.keep_now(process, given_up);
        }
        if self.session(process).machine.is_wanted() {
            let withdrawn = self.step_aside(process, |machine, _| machine.withdraw());
            self.keep_now(process, withdrawn);
        }
    }

    fn holder(&self, process: usize) -> Holder {
        Holder { process, life: self.processes[process].life, thread: Thread::Flight(0) }
    }

    pub(crate) fn enter(&self, process: usize, stage: Stage) {
        if let Some(flight) = self.flight_of(process) {
            let mut flight = flight.borrow_mut();
            flight.turn += 1;
            flight.stage = stage;
        }
    }

    fn fly_soon(&mut self, process: usize) {
        let delay = self.random.within((0, 3));
        self.fly_after(process, delay);
    }

    fn fly_after(&mut self, process: usize, delay_ms: u64) {
        let Some(flight) = self.flight_of(process) else { return };
        let (number, turn) = (flight.borrow().number, flight.borrow().turn);
        self.local(process, delay_ms, Local::Fly(number, turn));
    }

    pub(crate) fn flight_of(&self, process: usize) -> Option<Rc<RefCell<Flight>>> {
        self.processes[process].session.as_ref()?.flight.clone()
    }

    pub(crate) fn flight_number(&self, process: usize) -> u64 {
        self.flight_of(process).map_or(0, |flight| flight.borrow().number)
    }
}
