//! Two sessions, the world and the model, moved one step at a time.

use std::rc::Rc;

use plextrac_auth_core::{
    Budget, Call, Config, Generation, Instant, MfaSource, Output, RequestId, TransportFailure, Verdict, Want,
};

use crate::driver::{self, Driver, Reply, Sent, Server, World, config, jwt, ms, reply, secs, totp};
use crate::life::{Answer, Setup, Step};
use crate::model::Model;

/// Two sessions, the world, and the model.
pub(crate) struct Pair {
    world: Rc<World>,
    pub(crate) drivers: [Driver; 2],
    model: Model,
    serial: u64,
    moments: [Option<Instant>; 2],
}

impl Pair {
    pub(crate) fn new(setup: &Setup) -> Self {
        let world = World::new(Server::plain());
        *world.budget.borrow_mut() = Budget::new(setup.limit).unwrap();
        let drivers = [0, 1].map(|who| {
            let mfa = match setup.mfa[who] {
                0 => MfaSource::Submitted,
                1 => MfaSource::Asked,
                _ => totp(),
            };
            let config = Config { mfa, has_store: setup.shares, ..config() };
            Driver::with_seed(&world, config, setup.seed.wrapping_add(who as u64))
        });
        let model = Model {
            limit: setup.limit as usize,
            life_s: setup.life_s,
            shares: setup.shares,
            is_computing: setup.mfa.map(|mfa| mfa == 2),
            ..Model::default()
        };
        Self { world, drivers, model, serial: 0, moments: [None; 2] }
    }

    pub(crate) fn apply(&mut self, (who, step): &(usize, Step)) {
        let who = *who;
        match step {
            Step::Pass(span) => self.world.pass(ms(*span)),
            Step::WallClock(ahead) => {
                self.world.set_wall_clock_ahead(*ahead);
                self.model.wall_clock_moved = true;
            }
            Step::ToMoment(off) => {
                if let Some(moment) = self.moments[who] {
                    let moment = moment.as_millis().saturating_add_signed(*off);
                    self.world.pass_until(Instant::from_millis(moment));
                }
                self.drain(who);
            }
            _ if self.is_locked_by_other(who) => {}
            step => self.hand_in(who, step),
        }
        self.check_what_is_handed_out();
    }

    /// A flight of one session holds the record's lock, as a driver with a store holds it.
    fn is_locked_by_other(&mut self, who: usize) -> bool {
        if self.model.shares && self.drivers[1 - who].out.is_some() {
            self.drain(1 - who);
        }
        self.model.shares && self.drivers[1 - who].out.is_some()
    }

    fn hand_in(&mut self, who: usize, step: &Step) {
        let now = self.drivers[who].now();
        self.end_overdue(who);
        let driver = &mut self.drivers[who];
        if self.model.shares && matches!(step, Step::Forget | Step::SignOut) {
            // Whoever changes the record looks at it first.
            let record = driver.world.record.borrow().clone();
            driver.machine.look_at(Some(&record), now).unwrap();
            self.drain(who);
        }
        let driver = &mut self.drivers[who];
        let before = driver.usable();
        let may_lose_token = match step {
            Step::Want { fresh, patience_s } => {
                let deadline = patience_s.map(|patience| now.monotonic + secs(patience));
                driver.machine.want(Want { fresh: *fresh, deadline }).unwrap();
                false
            }
            Step::Withdraw => {
                let is_wanted = driver.machine.is_wanted();
                assert_eq!(driver.machine.withdraw().is_ok(), is_wanted);
                false
            }
            Step::Answer(_) | Step::Fails(_) => match driver.out.take() {
                Some(request) => {
                    let call = request.call;
                    let reply = self.reply(who, step, call);
                    let driver = &mut self.drivers[who];
                    driver.hand_in_under(request.id, &reply).unwrap();
                    self.model.answered(who, call, step, now.monotonic);
                    false
                }
                None => false,
            },
            Step::Stale => {
                assert!(driver.hand_in_under(RequestId(99_999), &reply::token("a.b.c")).is_err());
                false
            }
            Step::OneTimeCode(n) => {
                let code = ["111111", "222222", "333333"][usize::from(*n)];
                let submitted = driver.machine.submit_code(driver::digits(code), now);
                if self.model.was_sent(who, code, now.monotonic) {
                    assert!(submitted.is_err(), "{code} was sent before");
                }
                false
            }
            Step::AbandonMfa => {
                let _ = driver.machine.abandon_mfa();
                false
            }
            Step::Unauthorized { is_old } => {
                let generation =
                    driver.machine.usable_token(now).map_or(Generation(0), |token| token.generation());
                let about = Generation(generation.0 - u64::from(*is_old && generation.0 > 0));
                let verdict = driver.machine.report_unauthorized(about, false, now).unwrap();
                assert!(!is_old || verdict == Verdict::Replaced || about == generation);
                if verdict == Verdict::Renew {
                    self.model.accounts[who].dead.extend(before.clone());
                }
                verdict == Verdict::Renew
            }
            Step::Forget => {
                driver.machine.forget_rejection(now).unwrap();
                self.model.forget(who);
                false
            }
            Step::SignOut => {
                driver.machine.sign_out(now).unwrap();
                driver.out = None;
                self.model.accounts[who].out = None;
                true
            }
            Step::Poll => false,
            Step::Pass(_) | Step::ToMoment(_) | Step::WallClock(_) => unreachable!("no input"),
        };
        self.drain(who);
        if let (Some(before), false) = (before, may_lose_token) {
            let after = self.drivers[who].usable();
            assert!(after.is_some(), "{step:?} dropped {before}, a usable token");
        }
    }

    fn reply(&mut self, who: usize, step: &Step, call: Call) -> Reply {
        let answer = match step {
            Step::Answer(answer) => answer,
            Step::Fails(failure) => return Reply::Fails(*failure),
            other => unreachable!("{other:?} is no answer"),
        };
        match answer {
            Answer::Token(percent) => {
                let sent = self.model.last_sent(who);
                let after = (self.world.mono().since(sent).as_millis() as u64) * percent / 100;
                self.serial += 1;
                let made_ms = self.world.true_unix_ms()
                    - (self.world.mono().since(sent).as_millis() as i64 - after as i64);
                let token = jwt(made_ms, self.model.life_s, self.serial);
                // The server takes it until the second of its `exp` begins.
                let ends_unix_ms = (made_ms.div_euclid(1000) + self.model.life_s) * 1000;
                let left = u64::try_from(ends_unix_ms - self.world.true_unix_ms()).unwrap_or(0);
                self.model.ends.insert(token.clone(), self.world.mono() + ms(left));
                reply::token(&token)
            }
            Answer::Challenge if call == Call::SignIn => reply::challenge("challenge-1"),
            Answer::Challenge | Answer::Html => reply::html(403),
            Answer::Rejected => reply::rejected(),
            Answer::BareUnauthorized => reply::json(401, "Unauthorized"),
            Answer::RateLimited(seconds) => reply::rate_limited(*seconds),
            Answer::ServerError => reply::server_error(),
            Answer::HostileToken => reply::hostile_token(),
        }
    }

    /// A request whose deadline is over is not out any more.
    fn end_overdue(&mut self, who: usize) {
        let now = self.world.mono();
        if self.drivers[who].out.as_ref().is_some_and(|request| now >= request.deadline) {
            let deadline = self.drivers[who].out.take().unwrap().deadline;
            self.model.closed(who, deadline);
            self.drain(who);
        }
    }

    fn drain(&mut self, who: usize) {
        if self.drivers[who].out.as_ref().is_some_and(|request| self.world.mono() >= request.deadline) {
            return self.end_overdue(who);
        }
        let driver = &mut self.drivers[who];
        let seen = driver.sent.len();
        let last = driver.drain();
        self.moments[who] = match last {
            Output::Wait { until, .. } | Output::NeedCode { until, .. } => Some(until),
            _ => None,
        };
        let sent: Vec<Sent> = driver.sent[seen..].to_vec();
        let deadline = driver.out.as_ref().map(|request| request.deadline);
        for sent in sent {
            self.model.sent(who, &sent, deadline.unwrap());
        }
    }

    fn check_what_is_handed_out(&self) {
        for (driver, account) in self.drivers.iter().zip(&self.model.accounts) {
            if let Some(token) = driver.usable() {
                assert!(account.dead.last() != Some(&token), "{token} was answered with 401");
                let ends = self.model.ends[&token];
                assert!(self.world.mono() < ends, "{token} has ended at {ends}");
            }
        }
    }

    /// With a server that only fails and a person who gives no digits, every want ends when the time has come that
    /// it was told.
    pub(crate) fn every_want_ends(&mut self) {
        for who in [0, 1] {
            for _ in 0..40 {
                self.end_overdue(who);
                if self.drivers[who].out.is_some() {
                    self.hand_in(who, &Step::Fails(TransportFailure::Other));
                }
                self.drain(who);
                if !self.drivers[who].machine.is_wanted() {
                    break;
                }
                if self.drivers[who].out.is_none() {
                    self.world.pass_until(self.moments[who].expect("a want that stands is told a moment"));
                }
            }
            assert!(!self.drivers[who].machine.is_wanted(), "a want without an end");
        }
    }
}
