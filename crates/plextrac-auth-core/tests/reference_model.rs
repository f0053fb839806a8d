//! Random lives of two sessions on one instance, beside a small model that knows the rules and not the machine.
//!
//! The model hears what is handed in and what goes out, keeps its own books, and says what must never happen. A
//! failing life is printed as a list of steps; proptest shrinks it first.

mod driver;

use std::collections::HashMap;
use std::rc::Rc;

use driver::{Driver, Reply, Sent, Server, World, config, jwt, ms, reply, secs, totp};
use plextrac_auth_core::{
    Budget, Call, Config, Event, Generation, Instant, MfaSource, Output, RequestId, TransportFailure,
    Verdict, Want,
};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig { cases: 8000, max_shrink_iters: 20_000, ..ProptestConfig::default() })]

    #[test]
    fn no_life_breaks_a_rule(setup in setups(), steps in prop::collection::vec(steps(), 1..80)) {
        let mut pair = Pair::new(&setup);
        for step in steps {
            pair.apply(&step);
        }
        pair.every_want_ends();
    }
}

#[derive(Clone, Debug)]
struct Setup {
    limit: u32,
    mfa: [u8; 2],
    /// Both sessions are of one account, and share its record.
    shares: bool,
    life_s: i64,
    seed: u64,
}

#[derive(Clone, Debug)]
enum Step {
    Want {
        fresh: bool,
        patience_s: Option<u64>,
    },
    Withdraw,
    Answer(Answer),
    Fails(TransportFailure),
    Stale,
    Digits(u8),
    AbandonMfa,
    Unauthorized {
        is_old: bool,
    },
    Forget,
    SignOut,
    Poll,
    Pass(u64),
    /// To the moment that the last output named, so many milliseconds off.
    ToMoment(i64),
    WallClock(i64),
}

#[derive(Clone, Debug)]
enum Answer {
    /// The server made it this long after the request went out, as a share of the way in percent.
    Token(u64),
    Challenge,
    Rejected,
    BareUnauthorized,
    RateLimited(u64),
    Html,
    ServerError,
    HostileToken,
}

fn setups() -> impl Strategy<Value = Setup> {
    let life = prop_oneof![Just(900), Just(60), 5_i64..2000];
    (2_u32..8, [0_u8..3, 0_u8..3], any::<bool>(), life, any::<u64>())
        .prop_map(|(limit, mfa, shares, life_s, seed)| Setup { limit, mfa, shares, life_s, seed })
}

/// Each step is about one of the two sessions.
fn steps() -> impl Strategy<Value = (usize, Step)> {
    let patience = prop_oneof![Just(None), (0_u64..60).prop_map(Some)];
    let step = prop_oneof![
        8 => (any::<bool>(), patience).prop_map(|(fresh, patience_s)| Step::Want { fresh, patience_s }),
        1 => Just(Step::Withdraw),
        10 => answers().prop_map(Step::Answer),
        2 => prop::sample::select(driver::FAILURES.to_vec()).prop_map(Step::Fails),
        1 => Just(Step::Stale),
        4 => (0_u8..3).prop_map(Step::Digits),
        1 => Just(Step::AbandonMfa),
        2 => any::<bool>().prop_map(|is_old| Step::Unauthorized { is_old }),
        1 => Just(Step::Forget),
        1 => Just(Step::SignOut),
        2 => Just(Step::Poll),
        6 => prop_oneof![0_u64..2_000, 0_u64..70_000, 0_u64..1_000_000].prop_map(Step::Pass),
        4 => (-1_i64..2).prop_map(Step::ToMoment),
        1 => prop_oneof![Just(0), Just(-86_400_000), Just(86_400_000), -60_000_i64..60_000].prop_map(Step::WallClock),
    ];
    (0_usize..2, step)
}

fn answers() -> impl Strategy<Value = Answer> {
    prop_oneof![
        6 => (0_u64..=100).prop_map(Answer::Token),
        6 => Just(Answer::Challenge),
        2 => Just(Answer::Rejected),
        1 => Just(Answer::BareUnauthorized),
        1 => (0_u64..200).prop_map(Answer::RateLimited),
        1 => Just(Answer::Html),
        1 => Just(Answer::ServerError),
        1 => Just(Answer::HostileToken),
    ]
}

/// Two sessions, the world, and the model.
struct Pair {
    world: Rc<World>,
    drivers: [Driver; 2],
    model: Model,
    serial: u64,
    moments: [Option<Instant>; 2],
}

impl Pair {
    fn new(setup: &Setup) -> Self {
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

    fn apply(&mut self, (who, step): &(usize, Step)) {
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
            driver.machine.look().unwrap();
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
            Step::Digits(n) => {
                let code = ["111111", "222222", "333333"][usize::from(*n)];
                let submitted = driver.machine.submit_digits(driver::digits(code), now);
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
                let verdict = driver.machine.report_unauthorized(about, now).unwrap();
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
            Output::Wait { until, .. } | Output::NeedDigits { until, .. } => Some(until),
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
    fn every_want_ends(&mut self) {
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

/// What is known without looking into a machine.
#[derive(Default)]
struct Model {
    limit: usize,
    life_s: i64,
    shares: bool,
    is_computing: [bool; 2],
    wall_clock_moved: bool,
    exchanges: Vec<Exchange>,
    accounts: [Account; 2],
    /// The shared record says that the password was rejected.
    is_known_rejected: bool,
    /// The server's truth about each token.
    ends: HashMap<String, Instant>,
    /// The instance asked everybody to wait.
    quiet_until: Instant,
}

/// A request as the server may have met it: at any moment between the two.
struct Exchange {
    sent: Instant,
    closed: Option<Instant>,
    deadline: Instant,
}

#[derive(Default)]
struct Account {
    out: Option<usize>,
    is_rejected: bool,
    computed_in_a_row: u32,
    /// Codes that were sent, and when.
    codes: Vec<(String, Instant)>,
    /// Tokens that were answered with 401.
    dead: Vec<String>,
}

impl Model {
    fn sent(&mut self, who: usize, sent: &Sent, deadline: Instant) {
        let now = sent.at;
        assert!(self.accounts[who].out.is_none(), "one request at a time");
        assert!(now >= self.quiet_until, "the instance asked to wait until {}", self.quiet_until);
        let in_this_minute = self.exchanges.iter().filter(|exchange| {
            let closed = exchange.closed.unwrap_or(exchange.deadline);
            exchange.sent <= now && closed + secs(60) >= now
        });
        let count = in_this_minute.count() + 1;
        assert!(count <= self.limit, "{count} requests in a minute, {} allowed", self.limit);
        if sent.call != Call::Refresh {
            assert!(!self.accounts[who].is_rejected, "{:?} of rejected credentials", sent.call);
            // Another session's challenge shows that the password was right then; its digits may follow.
            let begins = sent.call == Call::SignIn;
            assert!(!(begins && self.is_known_rejected), "of credentials rejected in another session");
        }
        if sent.call == Call::Mfa {
            let code = sent.field("token");
            assert!(!self.was_sent(who, &code, now), "{code} was sent before");
            let both_compute = self.is_computing == [true, true] && self.shares && !self.wall_clock_moved;
            assert!(
                !(both_compute && self.was_sent(1 - who, &code, now)),
                "{code} was sent by another session"
            );
            self.accounts[who].codes.push((code, now));
        }
        if let Some(authorization) = &sent.authorization {
            assert!(self.ends.contains_key(authorization), "a token that no server gave");
        }
        self.accounts[who].out = Some(self.exchanges.len());
        self.exchanges.push(Exchange { sent: now, closed: None, deadline });
    }

    fn closed(&mut self, who: usize, at: Instant) {
        if let Some(index) = self.accounts[who].out.take() {
            self.exchanges[index].closed = Some(at);
        }
    }

    fn answered(&mut self, who: usize, call: Call, step: &Step, now: Instant) {
        self.closed(who, now);
        let Step::Answer(answer) = step else { return };
        match (answer, call) {
            (Answer::Rejected, Call::SignIn) => {
                self.accounts[who].is_rejected = true;
                self.is_known_rejected = self.shares;
            }
            (Answer::Rejected, Call::Mfa) if self.was_computed(who) => {
                let account = &mut self.accounts[who];
                account.computed_in_a_row += 1;
                account.is_rejected |= account.computed_in_a_row >= 2;
            }
            (Answer::Token(_), Call::SignIn | Call::Mfa) => self.forget(who),
            (Answer::RateLimited(seconds), _) => {
                self.quiet_until = self.quiet_until.max(now + secs((*seconds).clamp(1, 900)));
            }
            _ => {}
        }
    }

    fn forget(&mut self, who: usize) {
        self.accounts[who].is_rejected = false;
        self.accounts[who].computed_in_a_row = 0;
        self.is_known_rejected = false;
    }

    fn was_computed(&self, who: usize) -> bool {
        let (code, _) = self.accounts[who].codes.last().unwrap();
        self.is_computing[who] && !["111111", "222222", "333333"].contains(&code.as_str())
    }

    fn was_sent(&self, who: usize, code: &str, now: Instant) -> bool {
        self.accounts[who].codes.iter().any(|(sent, at)| sent == code && now < *at + secs(90))
    }

    fn last_sent(&self, who: usize) -> Instant {
        self.exchanges[self.accounts[who].out.unwrap()].sent
    }
}

/// The model finds what it looks for: books that are wrong on purpose.
#[test]
#[should_panic(expected = "requests in a minute, 2 allowed")]
fn control_a_third_request_in_a_minute_is_noticed() {
    let mut model = Model { limit: 2, ..Model::default() };
    for second in [0, 10, 20] {
        let at = Instant::from_millis(second * 1000);
        let sent =
            Sent { id: RequestId(1), call: Call::Refresh, at, body: String::new(), authorization: None };
        model.sent(0, &sent, at + secs(30));
        model.closed(0, at + secs(1));
    }
}

#[test]
#[should_panic(expected = "of rejected credentials")]
fn control_a_rejected_password_sent_again_is_noticed() {
    let mut model = Model { limit: 6, ..Model::default() };
    model.accounts[0].is_rejected = true;
    let at = Instant::default();
    let sent = Sent { id: RequestId(1), call: Call::SignIn, at, body: String::new(), authorization: None };
    model.sent(0, &sent, at + secs(30));
}

/// The lives that are tried come this far: otherwise the rules above would hold for want of anything happening.
#[test]
fn control_random_lives_reach_every_phase_and_every_kind_of_event() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let (mut phases, mut events) = (HashMap::new(), HashMap::new());
    for _ in 0..400 {
        let setup = setups().new_tree(&mut runner).unwrap().current();
        let steps = prop::collection::vec(steps(), 1..80).new_tree(&mut runner).unwrap().current();
        let mut pair = Pair::new(&setup);
        for step in &steps {
            pair.apply(step);
            for driver in &pair.drivers {
                *phases.entry(driver.machine.phase()).or_insert(0) += 1;
            }
        }
        for event in pair.drivers.iter().flat_map(|driver| &driver.events) {
            let name = match event {
                Event::Failed(failure) => format!("{:?}", failure.kind()),
                other => format!("{other:?}").split([' ', '(']).next().unwrap().to_string(),
            };
            *events.entry(name).or_insert(0) += 1;
        }
    }
    assert_eq!(phases.len(), 9, "{phases:?}");
    for kind in [
        "SignedIn",
        "TokenReplaced",
        "Adopted",
        "SignInNeeded",
        "SignedOut",
        "Rejected",
        "MfaRejected",
        "RefreshRefused",
        "MfaRequired",
        "MustWait",
        "Network",
        "Timeout",
        "UnexpectedAnswer",
    ] {
        assert!(events.get(kind).is_some_and(|count| *count >= 5), "{kind}: {events:?}");
    }
}
