//! One process: a machine, the token it hands out, its part of the budget, and its callers.

use std::cell::RefCell;
use std::rc::Rc;

use plextrac_auth_core::{
    Age, Budget, Config, Credentials, Event, FingerprintKey, Generation, InputError, Instance, Instant,
    Machine, MfaSource, Output, Request, Seed, SharedRecord, Time, TotpSecret, WaitReason, Windows,
};

use crate::caller::Caller;
use crate::controls::Broken;
use crate::driver::TOTP;
use crate::flight::{Ended, Flight, Next};
use crate::plan::{DigitsFrom, Plan, ProcessPlan};
use crate::server::{RIGHT_PASSWORD, WRONG_PASSWORD, user_name};
use crate::watch::Promise;
use crate::world::World;

pub(crate) struct Process {
    pub(crate) plan: ProcessPlan,
    /// Counts its starts. What was meant for an earlier life reaches nobody.
    pub(crate) life: u32,
    pub(crate) session: Option<Session>,
    pub(crate) served_in_calm: bool,
}

pub(crate) struct Session {
    pub(crate) machine: Machine,
    pub(crate) budget: Budget,
    pub(crate) live: Option<Rc<LiveToken>>,
    /// Before this moment a want would start nothing.
    pub(crate) quiet_until: Instant,
    pub(crate) flight: Option<Rc<RefCell<Flight>>>,
    /// What the machine said to send, until the flight does so.
    pub(crate) to_send: Option<Request>,
    pub(crate) callers: Vec<Caller>,
    pub(crate) flights: u64,
}

/// The token that is handed out.
pub(crate) struct LiveToken {
    pub(crate) generation: Generation,
    pub(crate) token: String,
    pub(crate) windows: Windows,
}

/// What a drain brought.
pub(crate) struct Drained {
    /// What comes next, once what is to be sent was sent.
    pub(crate) next: Next,
    /// When a want would start something, if nothing is under way and none is blocked.
    pub(crate) rests_until: Option<Instant>,
    pub(crate) events: Vec<Event>,
    pub(crate) record: Option<SharedRecord>,
    polls: u64,
}

impl Session {
    pub(crate) fn new(plan: &Plan, process: &ProcessPlan, boot: String, seed: u64, now: Time) -> Self {
        let mut config = Config::new(Instance::parse("https://acme.example").unwrap());
        let password = if process.knows_password { RIGHT_PASSWORD } else { WRONG_PASSWORD };
        config.credentials = Some(Credentials::new(&user_name(process.account), password).unwrap());
        config.mfa = match process.digits {
            DigitsFrom::Totp => MfaSource::Totp(TotpSecret::parse(TOTP).unwrap()),
            DigitsFrom::Person { .. } => MfaSource::Asked,
        };
        config.has_store = plan.shares;
        config.boot = boot;
        let seed = Seed { draws: seed, key: FingerprintKey::new([7; 32]) };
        Self {
            machine: Machine::new(config, seed, now),
            budget: Budget::new(plan.budget).unwrap(),
            live: None,
            quiet_until: Instant::default(),
            flight: None,
            to_send: None,
            callers: (0..process.callers).map(|_| Caller::default()).collect(),
            flights: 0,
        }
    }

    fn drain(&mut self, now: Time) -> Drained {
        let (mut events, mut record, mut rests_until, mut polls) = (Vec::new(), None, None, 0);
        let next = loop {
            polls += 1;
            assert!(polls < 20, "no end to the outputs of a machine");
            match self.machine.poll(&mut self.budget, now) {
                // Whoever brought the machine to it, the flight sends it.
                Output::Send(request) => self.to_send = Some(request),
                Output::Keep(kept) => record = Some(kept),
                Output::Event(event) => events.push(event),
                Output::ReadShared => break Next::ReadShared,
                Output::NeedDigits { attempt, .. } => break Next::Ask { attempt },
                Output::Wait { until, reason } if reason.is_blocked() => {
                    self.quiet_until = until;
                    break Next::Blocked { until, reason };
                }
                Output::Wait { until, reason } => {
                    rests_until = (reason != WaitReason::AnswerOutstanding).then_some(until);
                    break Next::Over;
                }
                _ => break Next::Over,
            }
        };
        Drained { next, rests_until, events, record, polls }
    }

    /// Makes what the machine holds the token that is handed out.
    pub(crate) fn publish(&mut self, now: Time) {
        let held = self.machine.usable_token(now);
        if held.map(|token| token.generation()) == self.live.as_ref().map(|live| live.generation) {
            return;
        }
        self.live = held.map(|token| {
            Rc::new(LiveToken {
                generation: token.generation(),
                token: token.secret().expose().into(),
                windows: *token.windows(),
            })
        });
    }
}

impl LiveToken {
    pub(crate) fn age(&self, now: Instant) -> Age {
        self.windows.age(now)
    }
}

impl World {
    /// Hands one input to the machine of a process and drains it, with the budget that all processes share in hand.
    pub(crate) fn step(
        &mut self,
        process: usize,
        input: impl FnOnce(&mut Machine, Time) -> Result<(), InputError>,
    ) -> Result<Drained, Ended> {
        let (now, boot, shares) = (self.time(process), self.boot(process), self.plan.shares);
        let record = if shares { self.store.read_budget() } else { None };
        let ignores_budget = self.is_broken(Broken::IgnoresBudget);
        let session = self.processes[process].session.as_mut().expect("only a living process takes steps");
        let mut polls = 0;
        let is_outdated = shares && session.budget.restore(record.as_ref(), &boot, now);
        if ignores_budget {
            session.budget = Budget::new(60).unwrap();
        }
        let before = session.budget.clone();
        if !session.machine.is_drained() {
            polls += session.drain(now).polls;
        }
        let taken = input(&mut session.machine, now);
        let drained = taken.map(|()| session.drain(now));
        polls += drained.as_ref().map_or(0, |drained| drained.polls);
        if is_outdated || shares && session.budget != before {
            let record = session.budget.to_record(&boot, now);
            self.store.write_budget(&record);
        }
        self.changed(process, false);
        let callers = self.processes[process].plan.callers;
        self.watch.polled(process, polls, callers);
        if let Ok(drained) = &drained {
            self.trace(|| {
                format!(
                    "p{process} {:?} {:?} events {:?}",
                    drained.next,
                    drained.record.is_some(),
                    drained.events
                )
            });
        }
        drained.map_err(Ended::NotTaken)
    }

    /// A step of whoever is no flight. Should it bring the machine to send something, there must be one to do so.
    pub(crate) fn step_aside(
        &mut self,
        process: usize,
        input: impl FnOnce(&mut Machine, Time) -> Result<(), InputError>,
    ) -> Option<Drained> {
        let drained = self.step(process, input).ok()?;
        let session = self.session(process);
        if let (Some(request), None) = (&session.to_send, &session.flight) {
            let how = format!("process {process} is to send {:?}, and nobody does", request.call);
            self.watch.breaks(Promise::Sent, how);
        }
        Some(drained)
    }

    /// Publishes what the machine of a process holds, and compares it with what it held before.
    pub(crate) fn changed(&mut self, process: usize, excused: bool) {
        let now = self.time(process);
        let drops = self.is_broken(Broken::DropsTokens);
        let session = self.processes[process].session.as_mut().expect("only a living process changes");
        session.publish(now);
        if drops && session.live.as_ref().is_some_and(|live| live.age(now.monotonic) == Age::Early) {
            session.live = None;
        }
        let usable = session.live.as_ref().filter(|live| now.monotonic < live.windows.unusable_at);
        let usable = usable.map(|live| (live.generation, live.windows.unusable_at));
        let excused = excused || session.callers.iter().any(Caller::signs_out);
        self.watch.holds(process, usable, now.monotonic, excused);
    }
}
