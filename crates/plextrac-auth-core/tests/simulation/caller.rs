//! A thread of a program: it needs a token, waits for it with a deadline of its own, and uses it.

use std::rc::Rc;
use std::time::Duration;

use plextrac_auth_core::{
    Age, CallerId, Coordinator, FailureKind, Generation, InputError, Limits, Need, Time, Verdict,
};

use crate::controls::Broken;
use crate::plan::DigitsFrom;
use crate::server::Standing;
use crate::session::LiveToken;
use crate::watch::Promise;
use crate::world::{Local, World};

#[derive(Default)]
pub(crate) struct Caller {
    pub(crate) waits: Option<Waiting>,
    /// Counts calls.
    pub(crate) call: u64,
    /// The token of the last request was answered with 401, and this is its retry.
    is_retry: bool,
    /// When the call began, and until when it may last, on the clock that stands still in suspend.
    began_ms: u64,
    timeout_ms: u64,
}

/// A call that the coordinator knows of.
pub(crate) struct Waiting {
    id: CallerId,
    pub(crate) purpose: Purpose,
    /// When it was handed in, in true time.
    since_ms: u64,
    /// How long persons had been asked before.
    asked_before: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    Token(Need),
    Code,
    SignOut { since_ms: u64 },
    Clear,
    Look,
}

impl Caller {
    /// Whether it is about to forget the token, for everybody.
    pub(crate) fn signs_out(&self) -> bool {
        self.waits.as_ref().is_some_and(|waiting| matches!(waiting.purpose, Purpose::SignOut { .. }))
    }

    pub(crate) fn waits_for(&self, id: CallerId) -> bool {
        self.waits.as_ref().is_some_and(|waiting| waiting.id == id)
    }
}

impl Waiting {
    pub(crate) const fn id(&self) -> CallerId {
        self.id
    }
}

impl World {
    /// A caller begins a call.
    pub(crate) fn call(&mut self, process: usize, caller: usize) {
        let mut plan = self.processes[process].plan.clone();
        if self.is_calm {
            (plan.fresh, plan.signs_out, plan.leaves) = (0, 0, 0);
        }
        if self.plan.store.is_none() {
            plan.looks = 0;
        }
        let awake_ms = self.awake_ms(process);
        self.watch.called(process);
        let me = self.caller(process, caller);
        (me.began_ms, me.timeout_ms, me.is_retry) = (awake_ms, plan.timeout_ms, false);
        me.call += 1;
        let mut what = self.random.within((0, 999));
        let mut is = |chance: u64| {
            let is = what < chance;
            what = what.wrapping_sub(chance);
            is
        };
        if is(plan.looks) {
            self.wait_for(process, caller, Purpose::Look, |coordinator, limits, now| {
                coordinator.look(limits, now)
            });
        } else if is(plan.signs_out) {
            self.signs_out(process, caller);
        } else if is(plan.clears) {
            self.clears(process, caller);
        } else if is(plan.fresh) {
            let held = self.session(process).live.as_ref().map(|live| live.generation);
            self.obtain(process, caller, Need::NewerThan(held));
        } else {
            self.token(process, caller);
        }
    }

    /// A usable token: the one in hand, as a rule.
    fn token(&mut self, process: usize, caller: usize) {
        let now = self.time(process).monotonic;
        let hands_out_anything = self.is_broken(Broken::IgnoresAge);
        let session = self.session(process);
        let Some(live) = session.live.clone() else {
            return self.obtain(process, caller, Need::Usable);
        };
        let is_quiet = now < session.coordinator.quiet_until();
        let is_attempting = session.coordinator.is_attempting();
        match live.windows.age(now) {
            _ if hands_out_anything => self.use_token(process, caller, &live),
            Age::Fresh => self.use_token(process, caller, &live),
            Age::Early => {
                if !is_attempting && !is_quiet {
                    self.input(process, |coordinator, _| coordinator.want_refresh()).unwrap();
                }
                self.use_token(process, caller, &live);
            }
            Age::Late if is_quiet && !is_attempting => self.use_token(process, caller, &live),
            Age::Late | Age::Over => self.obtain(process, caller, Need::Usable),
        }
    }

    fn obtain(&mut self, process: usize, caller: usize, need: Need) {
        self.wait_for(process, caller, Purpose::Token(need), |coordinator, limits, now| {
            coordinator.need_token(need, limits, now)
        });
        let leaves = if self.is_calm { 0 } else { self.processes[process].plan.leaves };
        if self.random.chance(leaves) {
            let call = self.caller(process, caller).call;
            let delay = self.random.within((0, self.processes[process].plan.timeout_ms));
            self.local(process, delay, Local::Leaves(caller, call));
        }
    }

    /// Hands a call in. It waits until it is woken, even if that is at once.
    fn wait_for(
        &mut self,
        process: usize,
        caller: usize,
        purpose: Purpose,
        call: impl FnOnce(&mut Coordinator, Limits, Time) -> Result<CallerId, InputError>,
    ) {
        let (now, since_ms) = (self.time(process), self.true_ms);
        let wait = Duration::from_millis(self.processes[process].plan.wait_ms);
        let me = self.caller(process, caller);
        let left = (me.began_ms + me.timeout_ms).saturating_sub(now.awake.as_millis());
        let limits = Limits { timeout: Duration::from_millis(left), wait };
        let session = self.session(process);
        let asked_before = session.coordinator.asked_for(now);
        match call(&mut session.coordinator, limits, now) {
            Ok(id) => {
                let waits = Some(Waiting { id, purpose, since_ms, asked_before });
                session.callers[caller].waits = waits;
                self.drain(process);
            }
            Err(error) => {
                self.drain(process);
                self.fails(process, caller, format!("{error:?}"));
            }
        }
    }

    /// The coordinator said what became of a call.
    pub(crate) fn woken(
        &mut self,
        process: usize,
        caller: usize,
        purpose: Purpose,
        result: Result<(), FailureKind>,
    ) {
        let account = self.processes[process].plan.account;
        match (purpose, result) {
            (Purpose::Token(_) | Purpose::Code, Ok(())) => {
                let now = self.time(process).monotonic;
                match self.session(process).live.clone().filter(|live| live.windows.age(now) != Age::Over) {
                    Some(live) => self.use_token(process, caller, &live),
                    None => self.fails(process, caller, "NoToken".into()),
                }
            }
            (Purpose::Token(_), Err(FailureKind::MfaRequired)) if self.has_no_callback(process) => {
                self.submit_later(process, caller);
            }
            (Purpose::SignOut { since_ms }, Ok(())) => {
                if self.plan.store.is_some() && !self.watch.was_signed_out_since(account, since_ms) {
                    let how = format!(
                        "process {process} signs account {account} out, and the record does not say so"
                    );
                    self.watch.breaks(Promise::SignOutKept, how);
                }
                self.pause(process, caller);
            }
            (Purpose::Clear | Purpose::Look, Ok(())) => self.pause(process, caller),
            (_, Err(kind)) => self.fails(process, caller, format!("{kind:?}")),
        }
    }

    fn has_no_callback(&self, process: usize) -> bool {
        matches!(self.processes[process].plan.digits, DigitsFrom::Person { submits: true, .. })
    }

    fn fails(&mut self, process: usize, caller: usize, reason: String) {
        self.trace(|| format!("p{process}.{caller} gets nothing: {reason}"));
        self.watch.call_failed(reason);
        // A program that got nothing tries again less often than one that works on.
        let (least, most) = self.processes[process].plan.pause_ms;
        let pause = self.random.within(if most < 60_000 { (most, most + 30_000) } else { (least, most) });
        self.local(process, pause, Local::Call(caller));
    }

    /// A caller gives its call up.
    pub(crate) fn leaves(&mut self, process: usize, caller: usize, call: u64) {
        let me = self.caller(process, caller);
        let Some(waiting) = me.waits.take_if(|_| me.call == call) else { return };
        self.input(process, |coordinator, now| coordinator.leave(waiting.id, now)).unwrap();
        self.fails(process, caller, "Left".into());
    }

    /// A program hands in the code that a call said was needed.
    pub(crate) fn submits_code(&mut self, process: usize, caller: usize, code: &str) {
        let digits = plextrac_auth_core::OneTimeCode::new(code).unwrap();
        let me = self.caller(process, caller);
        me.timeout_ms += 60_000;
        self.wait_for(process, caller, Purpose::Code, |coordinator, limits, now| {
            coordinator.submit_code(digits, limits, now)
        });
    }

    /// The token goes out with a request of the program, in the moment in which it is handed out.
    fn use_token(&mut self, process: usize, caller: usize, live: &Rc<LiveToken>) {
        let (unix_ms, awake_ms) = (self.true_unix_ms(), self.awake_ms(process));
        let began_ms = self.caller(process, caller).began_ms;
        let figures = &mut self.watch.figures;
        figures.longest_wait_ms = figures.longest_wait_ms.max(awake_ms - began_ms);
        match self.server.standing(&live.token, unix_ms) {
            Standing::Good => {
                live.was_accepted.set(true);
                self.watch.figures.served += 1;
                if self.plan.calm_from_ms.is_some() && self.is_last_calm() {
                    self.processes[process].served_in_calm = true;
                }
                self.pause(process, caller);
            }
            Standing::Expired => {
                self.watch.figures.expired_sent += 1;
                let how = format!("process {process} hands out token {} too late", live.generation.0);
                self.watch.breaks(Promise::NoExpiredToken, how);
                self.pause(process, caller);
            }
            Standing::Revoked => {
                let (generation, was_accepted) = (live.generation, live.was_accepted.get());
                let there_and_back = self.latency();
                self.local(process, there_and_back, Local::Unauthorized { caller, generation, was_accepted });
            }
        }
    }

    /// The program's request was answered with 401: it is sent once more, with another token.
    pub(crate) fn unauthorized(
        &mut self,
        process: usize,
        caller: usize,
        rejected: Generation,
        was_accepted: bool,
    ) {
        self.watch.figures.unauthorized += 1;
        // The token may be dropped: that is what the answer says.
        self.watch.excuse(process);
        let verdict = self
            .input(process, |coordinator, now| coordinator.report_unauthorized(rejected, was_accepted, now))
            .unwrap();
        self.trace(|| format!("p{process}.{caller} got a 401 on token {}: {verdict:?}", rejected.0));
        let awake_ms = self.awake_ms(process);
        let me = self.caller(process, caller);
        if verdict == Verdict::Final || me.is_retry {
            return self.pause(process, caller);
        }
        me.is_retry = true;
        me.timeout_ms = (me.began_ms + me.timeout_ms).saturating_sub(awake_ms);
        me.began_ms = awake_ms;
        self.token(process, caller);
    }

    fn signs_out(&mut self, process: usize, caller: usize) {
        // Callers that sign out at the same time are served by one change of the record.
        let is_first = !self.session(process).callers.iter().any(Caller::signs_out);
        if is_first {
            self.watch.signing_out(process);
        }
        self.watch.excuse(process);
        let since_ms = self.watch.signing_out_ms(process);
        let purpose = Purpose::SignOut { since_ms };
        self.wait_for(process, caller, purpose, |coordinator, limits, now| coordinator.sign_out(limits, now));
    }

    fn clears(&mut self, process: usize, caller: usize) {
        let plan = &self.processes[process].plan;
        self.watch.clearing(plan.account, plan.knows_password);
        let call = |coordinator: &mut Coordinator, limits, now| coordinator.forget_rejection(limits, now);
        self.wait_for(process, caller, Purpose::Clear, call);
    }

    /// A caller that still waits must not be past its deadline.
    pub(crate) fn check_deadlines(&mut self, process: usize) {
        let (awake_ms, now) = (self.awake_ms(process), self.time(process));
        let stopped_ms = self.true_ms.saturating_sub(self.stopped_ms(process));
        let Some(session) = &self.processes[process].session else { return };
        let asked = session.coordinator.asked_for(now);
        for (number, caller) in session.callers.iter().enumerate() {
            let Some(waiting) = &caller.waits else { continue };
            let persons_ms = asked.saturating_sub(waiting.asked_before).as_millis() as u64;
            let ends_ms = caller.began_ms + caller.timeout_ms + persons_ms;
            // A few milliseconds for the threads to be run, also after the process was stopped.
            if awake_ms > ends_ms + 10 && stopped_ms > 10 {
                let how = format!("caller {number} of process {process} waits since {} ms", waiting.since_ms);
                return self.watch.breaks(Promise::Deadline, how);
            }
        }
    }

    pub(crate) fn pause(&mut self, process: usize, caller: usize) {
        let pause = self.processes[process].plan.pause_ms;
        let pause = self.random.within(pause);
        self.local(process, pause, Local::Call(caller));
    }

    fn caller(&mut self, process: usize, caller: usize) -> &mut Caller {
        &mut self.session(process).callers[caller]
    }
}
