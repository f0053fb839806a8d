//! A thread of a program: it wants a token, waits for it with a deadline of its own, and uses it.
//!
//! The windows, who joins a flight and who starts one, and what a waiter is told are those of
//! `plextrac-transport`'s session.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use plextrac_auth_core::{Age, Generation, InputError, Verdict, WaitReason, Want};

use crate::controls::Broken;
use crate::flight::{Ended, Flight};
use crate::server::Standing;
use crate::session::LiveToken;
use crate::store::{Holder, Thread};
use crate::watch::Promise;
use crate::world::{Local, World};

#[derive(Default)]
pub(crate) struct Caller {
    waits: Option<Waiter>,
    /// The token of the last request was answered with 401, and this is its retry.
    is_retry: bool,
    /// When the call began, and until when it may last, on the clock that stands still in suspend.
    began_ms: u64,
    timeout_ms: u64,
    is_signing_out: bool,
    /// Counts calls.
    call: u64,
}

impl Caller {
    /// Whether it is about to forget the token, for everybody.
    pub(crate) const fn signs_out(&self) -> bool {
        self.is_signing_out
    }
}

struct Waiter {
    flight: Rc<RefCell<Flight>>,
    need: Need,
    came_late: bool,
    attempts: u32,
    /// There is a timer for this moment.
    timer_ms: Option<u64>,
}

/// What a caller needs.
#[derive(Clone, Copy, Debug)]
enum Need {
    Usable,
    NewerThan(Option<Generation>),
}

impl World {
    /// A caller begins a call.
    pub(crate) fn call(&mut self, process: usize, caller: usize) {
        let mut plan = self.processes[process].plan.clone();
        if self.is_calm {
            (plan.fresh, plan.signs_out) = (0, 0);
        }
        if !self.plan.shares {
            plan.looks = 0;
        }
        let awake_ms = self.clocks.awake_ms();
        self.watch.called(process);
        let me = self.caller(process, caller);
        (me.began_ms, me.timeout_ms, me.is_retry) = (awake_ms, plan.timeout_ms, false);
        me.call += 1;
        let what = self.random.within((0, 999));
        if what < plan.looks {
            self.look(process);
            return self.pause(process, caller);
        }
        if what < plan.looks + plan.signs_out {
            return self.sign_out(process, caller);
        }
        if what < plan.looks + plan.signs_out + plan.fresh {
            let held = self.session(process).live.as_ref().map(|live| live.generation);
            return self.obtain(process, caller, Need::NewerThan(held), 0);
        }
        self.token(process, caller);
    }

    /// A usable token: the one in hand, as a rule.
    fn token(&mut self, process: usize, caller: usize) {
        let now = self.time(process).monotonic;
        let hands_out_anything = self.is_broken(Broken::IgnoresAge);
        let session = self.session(process);
        let Some(live) = session.live.clone() else {
            return self.obtain(process, caller, Need::Usable, 0);
        };
        let is_quiet = now < session.quiet_until;
        let is_flying = session.flight.is_some();
        match live.age(now) {
            _ if hands_out_anything => self.use_token(process, caller, &live),
            Age::Fresh => self.use_token(process, caller, &live),
            Age::Early => {
                if !is_flying && !is_quiet {
                    let timeout = Duration::from_millis(self.caller(process, caller).timeout_ms);
                    self.start_flight(process, Want { fresh: false, deadline: Some(now + timeout) });
                }
                self.use_token(process, caller, &live);
            }
            Age::Late if is_quiet && !is_flying => self.use_token(process, caller, &live),
            Age::Late | Age::Over => self.obtain(process, caller, Need::Usable, 0),
        }
    }

    /// Joins the flight, or starts one, and waits for it; three times at most.
    fn obtain(&mut self, process: usize, caller: usize, need: Need, attempts: u32) {
        if attempts == 3 {
            return self.fails(process, caller, need, Ended::NoToken);
        }
        if let Some(live) = self.satisfying(process, need) {
            return self.use_token(process, caller, &live);
        }
        let (now, awake_ms) = (self.time(process).monotonic, self.clocks.awake_ms());
        let me = self.caller(process, caller);
        let left = Duration::from_millis((me.began_ms + me.timeout_ms).saturating_sub(awake_ms));
        let fresh = matches!(need, Need::NewerThan(Some(_)));
        let flight = match self.session(process).flight.clone() {
            Some(flight) => flight,
            None => self.start_flight(process, Want { fresh, deadline: Some(now + left) }),
        };
        flight.borrow_mut().waiters += 1;
        let came_late = flight.borrow().is_abandoned;
        self.caller(process, caller).waits =
            Some(Waiter { flight, need, came_late, attempts: attempts + 1, timer_ms: None });
        self.wake(process, caller);
    }

    /// A waiter looks at its flight and at the clock.
    pub(crate) fn wake(&mut self, process: usize, caller: usize) {
        let (now, awake_ms) = (self.time(process).monotonic, self.clocks.awake_ms());
        let wait_ms = self.processes[process].plan.wait_ms;
        let never_gives_up = self.is_broken(Broken::WaitsForEver);
        let me = self.caller(process, caller);
        let began_ms = me.began_ms;
        let timeout_ms = me.timeout_ms;
        let Some(waiter) = &mut me.waits else { return };
        let flight = waiter.flight.borrow();
        let ends_ms = began_ms + timeout_ms + flight.person_ms(awake_ms);
        if let Some(outcome) = flight.outcome.clone() {
            // What it gave up on was another caller's wait; this caller's may be longer, or over.
            let outcome = if waiter.came_late { Ok(()) } else { outcome };
            drop(flight);
            return self.stop_waiting(process, caller, outcome);
        }
        if flight.is_abandoned && !waiter.came_late {
            drop(flight);
            return self.stop_waiting(process, caller, Err(Ended::SignedOut));
        }
        if let Some((until, reason)) = flight.blocked.filter(|_| !flight.is_abandoned) {
            let wait = until.since(now).as_millis() as u64;
            let allowed = match reason {
                WaitReason::TotpStep => ends_ms,
                _ => ends_ms.min(began_ms + wait_ms),
            };
            if wait > 0 && awake_ms + wait > allowed && !never_gives_up {
                drop(flight);
                return self.stop_waiting(process, caller, Err(Ended::MustWait));
            }
        }
        if flight.is_asking() || never_gives_up {
            return;
        }
        drop(flight);
        if awake_ms >= ends_ms {
            return self.stop_waiting(process, caller, Err(Ended::Timeout));
        }
        if waiter.timer_ms != Some(ends_ms) {
            waiter.timer_ms = Some(ends_ms);
            self.local(process, ends_ms - awake_ms, Local::Wake(caller));
        }
    }

    fn stop_waiting(&mut self, process: usize, caller: usize, outcome: Result<(), Ended>) {
        let Some(waiter) = self.caller(process, caller).waits.take() else { return };
        let (number, left) = {
            let mut flight = waiter.flight.borrow_mut();
            flight.waiters -= 1;
            (flight.number, flight.waiters)
        };
        if left == 0 {
            self.nobody_waits(process, number);
        }
        match outcome {
            Ok(()) => self.obtain(process, caller, waiter.need, waiter.attempts),
            Err(ended) => self.fails(process, caller, waiter.need, ended),
        }
    }

    /// The attempt failed: any token that may be handed out serves whoever does not insist on a new one.
    fn fails(&mut self, process: usize, caller: usize, need: Need, ended: Ended) {
        let now = self.time(process).monotonic;
        let live = self.session(process).live.clone().filter(|live| live.age(now) != Age::Over);
        if let (Need::Usable, Some(live)) = (need, live) {
            return self.use_token(process, caller, &live);
        }
        self.trace(|| format!("p{process}.{caller} gets no token: {ended:?}"));
        self.watch.call_failed(format!("{ended:?}"));
        self.pause(process, caller);
    }

    /// A token that serves the need without anything being sent.
    fn satisfying(&mut self, process: usize, need: Need) -> Option<Rc<LiveToken>> {
        let now = self.time(process).monotonic;
        let session = self.session(process);
        let live = session.live.clone()?;
        let serves = match (need, live.age(now)) {
            (_, Age::Over) => false,
            (Need::NewerThan(held), _) => Some(live.generation) != held,
            (Need::Usable, Age::Late) => now < session.quiet_until && session.flight.is_none(),
            (Need::Usable, Age::Fresh | Age::Early) => true,
        };
        serves.then_some(live)
    }

    /// The token goes out with a request of the program, in the moment in which it is handed out.
    fn use_token(&mut self, process: usize, caller: usize, live: &LiveToken) {
        let (unix_ms, awake_ms) = (self.clocks.true_unix_ms(), self.clocks.awake_ms());
        let began_ms = self.caller(process, caller).began_ms;
        let figures = &mut self.watch.figures;
        figures.longest_wait_ms = figures.longest_wait_ms.max(awake_ms - began_ms);
        match self.server.standing(&live.token, unix_ms) {
            Standing::Good => {
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
                let generation = live.generation;
                let there_and_back = self.latency();
                self.local(process, there_and_back, Local::Unauthorized(caller, generation));
            }
        }
    }

    /// The program's request was answered with 401: it is sent once more, with another token.
    pub(crate) fn unauthorized(&mut self, process: usize, caller: usize, rejected: Generation) {
        let now = self.time(process);
        let awake_ms = self.clocks.awake_ms();
        let verdict = self.session(process).machine.report_unauthorized(rejected, now);
        self.changed(process, true);
        self.trace(|| format!("p{process}.{caller} got a 401 on token {}: {verdict:?}", rejected.0));
        let me = self.caller(process, caller);
        let is_over = matches!(verdict, Ok(Verdict::Final)) || me.is_retry;
        if is_over {
            self.watch.figures.unauthorized += 1;
            return self.pause(process, caller);
        }
        assert!(matches!(verdict, Ok(_) | Err(InputError::MustDrain)), "{verdict:?}");
        me.is_retry = true;
        me.timeout_ms = (me.began_ms + me.timeout_ms).saturating_sub(awake_ms);
        me.began_ms = awake_ms;
        self.token(process, caller);
    }

    /// What others wrote down is read, and nothing else happens.
    fn look(&mut self, process: usize) {
        let (boot, now) = (self.boot(process), self.time(process));
        let record = self.store.read(self.processes[process].plan.account, &boot, now);
        let seen = self.step_aside(process, |machine, now| machine.look_at(Some(&record), now));
        self.keep_now(process, seen);
    }

    /// First here, so that a flight of this session ends; then, under the account's lock, for everybody.
    fn sign_out(&mut self, process: usize, caller: usize) {
        let account = self.processes[process].plan.account;
        self.caller(process, caller).is_signing_out = true;
        if self.plan.shares {
            self.step_aside(process, |machine, now| machine.sign_out(now));
            let holder = self.caller_holder(process, caller);
            if !self.store.lock(account, holder) {
                let me = self.caller(process, caller);
                let (call, timeout_ms) = (me.call, me.timeout_ms);
                return self.local(process, timeout_ms, Local::LockWaitEnds(caller, call));
            }
        }
        self.signs_out_now(process, caller);
    }

    /// A caller who signs out waits for the lock no longer.
    pub(crate) fn lock_wait_ends(&mut self, process: usize, caller: usize, call: u64) {
        let (account, holder) = (self.processes[process].plan.account, self.caller_holder(process, caller));
        if self.caller(process, caller).call == call && self.store.give_up(account, holder) {
            self.caller(process, caller).is_signing_out = false;
            self.watch.call_failed(format!("{:?}", Ended::Timeout));
            self.pause(process, caller);
        }
    }

    /// Under the account's lock, if it is shared.
    pub(crate) fn signs_out_now(&mut self, process: usize, caller: usize) {
        let account = self.processes[process].plan.account;
        if self.plan.shares {
            self.look(process);
        }
        let signed_out = self.step_aside(process, |machine, now| machine.sign_out(now));
        self.keep_now(process, signed_out);
        let holder = self.caller_holder(process, caller);
        self.release(account, holder);
        self.caller(process, caller).is_signing_out = false;
        // Whoever comes from now on has no part in what was under way.
        if let Some(flight) = &self.session(process).flight {
            flight.borrow_mut().is_abandoned = true;
        }
        self.notify(process);
        self.pause(process, caller);
    }

    pub(crate) fn is_signing_out(&mut self, process: usize) -> bool {
        self.session(process).callers.iter().any(Caller::signs_out)
    }

    /// Something about the flight of a process changed: everybody who waits looks at it.
    pub(crate) fn notify(&mut self, process: usize) {
        for caller in 0..self.processes[process].plan.callers {
            if self.caller(process, caller).waits.is_some() {
                let delay = self.random.within((0, 2));
                self.local(process, delay, Local::Wake(caller));
            }
        }
    }

    /// Whoever still waits should not be past its deadline.
    pub(crate) fn check_deadlines(&mut self, process: usize) {
        let awake_ms = self.clocks.awake_ms();
        let Some(session) = &self.processes[process].session else { return };
        for (number, caller) in session.callers.iter().enumerate() {
            let Some(waiter) = &caller.waits else { continue };
            let flight = waiter.flight.borrow();
            let ends_ms = caller.began_ms + caller.timeout_ms + flight.person_ms(awake_ms);
            // A few milliseconds for the threads to be run.
            if !flight.is_asking() && awake_ms > ends_ms + 10 {
                let how = format!("caller {number} of process {process} waits since {} ms", caller.began_ms);
                drop(flight);
                return self.watch.breaks(Promise::Deadline, how);
            }
        }
    }

    fn pause(&mut self, process: usize, caller: usize) {
        let pause = self.processes[process].plan.pause_ms;
        let pause = self.random.within(pause);
        self.local(process, pause, Local::Call(caller));
    }

    fn caller(&mut self, process: usize, caller: usize) -> &mut Caller {
        &mut self.session(process).callers[caller]
    }

    fn caller_holder(&self, process: usize, caller: usize) -> Holder {
        Holder { process, life: self.processes[process].life, thread: Thread::Caller(caller) }
    }
}
