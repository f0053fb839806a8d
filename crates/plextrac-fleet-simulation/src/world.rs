//! A run: the queue of events in virtual time, and what each event brings.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use plextrac_auth_core::{Age, ClaimOwner, Need, OneTimeCode, OperationId, Request, RequestId, Response};

use crate::client::{Client, Clock, Template, process_of};
use crate::driving::limits;
use crate::instance::{Instance, Reply};
use crate::plan::{Behaviour, Control, Mishap, Plan, StoreModel};
use crate::random::Random;
use crate::report::{BusiestSecond, Report};
use crate::store::{Operation, Outcome, Store};

/// Runs a plan from its beginning to its end.
#[must_use]
pub fn run(plan: &Plan) -> Report {
    World::new(plan).run()
}

pub(crate) struct World<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) random: Random,
    pub(crate) now_us: u64,
    queue: BinaryHeap<Reverse<Planned>>,
    planned: u64,
    pub(crate) template: Template,
    pub(crate) clocks: Vec<Clock>,
    pub(crate) clients: Vec<Client>,
    pub(crate) stores: Vec<Store>,
    instance: Instance,
    /// Until when a machine does not reach its store.
    pub(crate) cut_off_until_us: Vec<u64>,
    /// When the newest token arrived, and that token: for each account of each store.
    pub(crate) arrived: Vec<(u64, String)>,
    pub(crate) lags_us: Vec<u64>,
    pub(crate) seconds: BusiestSecond,
    pub(crate) report: Report,
}

struct Planned {
    at_us: u64,
    number: u64,
    event: Event,
}

pub(crate) enum Event {
    /// A process starts.
    Starts(u32),
    /// Something that reaches one life of a process.
    Process(u32, u32, Local),
    /// An operation arrives at its store.
    Arrives {
        client: u32,
        life: u32,
        began_us: u64,
        operation: Box<Operation>,
    },
    /// A request arrives at the instance.
    Request(u32, u32, Box<Request>),
    PersonSignsIn,
    Mishap(Mishap),
}

pub(crate) enum Local {
    Call,
    Poll(u32),
    Returns {
        id: Option<OperationId>,
        outcome: Box<Outcome>,
        arrived_us: u64,
        done_us: u64,
    },
    Notice(u64),
    /// The connection to the store was lost: the record is read again.
    Reconnects,
    OwnerGone(ClaimOwner),
    Answer(RequestId, Box<Reply>),
    Typed,
    /// For a control alone.
    PollsRecord,
}

/// How long an operation may take, as in `plextrac-transport`.
pub(crate) const STORE_TIMEOUT_US: u64 = 5_000_000;
/// Between two watches of a store that fails, as in `plextrac-transport`.
pub(crate) const WATCH_PAUSE_US: u64 = 500_000;

impl<'a> World<'a> {
    fn new(plan: &'a Plan) -> Self {
        let mut random = Random::new(plan.seed);
        let machines = plan.machines as usize;
        let stores = if plan.store == StoreModel::Directories { machines } else { 1 };
        let mut world = Self {
            plan,
            now_us: 0,
            queue: BinaryHeap::new(),
            planned: 0,
            template: Template::new(plan),
            clocks: (0..machines).map(|_| Clock::drawn(plan, &mut random)).collect(),
            clients: (0..plan.clients).map(|_| Client::default()).collect(),
            stores: (0..stores).map(|_| Store::new(plan.store, plan.accounts)).collect(),
            instance: Instance::new(plan),
            cut_off_until_us: vec![0; machines],
            arrived: vec![(0, String::new()); stores * plan.accounts as usize],
            lags_us: Vec::new(),
            seconds: BusiestSecond::default(),
            report: Report::default(),
            random,
        };
        for client in 0..plan.clients {
            world.start_later(client);
        }
        for (at_ms, mishap) in &plan.mishaps {
            world.later(at_ms * 1000, Event::Mishap(*mishap));
        }
        if plan.people_per_minute > 0 {
            world.later(0, Event::PersonSignsIn);
        }
        world
    }

    fn run(mut self) -> Report {
        let end_us = self.plan.span_ms * 1000;
        while let Some(Reverse(planned)) = self.queue.pop() {
            if planned.at_us > end_us {
                break;
            }
            self.now_us = planned.at_us;
            self.report.events += 1;
            self.happens(planned.event);
        }
        self.lags_us.sort_unstable();
        let lag = |part: usize| {
            let index = (self.lags_us.len() * part / 100).min(self.lags_us.len().saturating_sub(1));
            self.lags_us.get(index).map_or(0, |us| us.div_ceil(1000))
        };
        self.report.median_lag_ms = lag(50);
        self.report.lag_99_ms = lag(99);
        self.report.longest_lag_ms = lag(100);
        self.report.busiest_minute = self.instance.of_fleet.most;
        self.report.busiest_minute_of_all = self.instance.of_all.most;
        self.report.busiest_second = self.seconds.most;
        if matches!(self.plan.behaviour, Behaviour::Service { .. })
            && self.report.served < u64::from(self.plan.clients)
        {
            self.report.all_served_ms = None;
        }
        self.report
    }

    fn happens(&mut self, event: Event) {
        match event {
            Event::Starts(client) => self.start(client),
            Event::Process(client, life, what) => {
                let its = &self.clients[client as usize];
                if its.life == life && its.session.is_some() {
                    self.local_happens(client, what);
                }
            }
            Event::Arrives { client, life, began_us, operation } => {
                self.arrives(client, life, began_us, &operation);
            }
            Event::Request(client, life, request) => {
                let reply = self.instance.answer(&request, self.now_us / 1000, &mut self.report);
                let delay_us = self.plan.answer_ms * 1000 + self.network_us();
                self.later(
                    delay_us,
                    Event::Process(client, life, Local::Answer(request.id, Box::new(reply))),
                );
            }
            Event::PersonSignsIn => {
                self.instance.person_signs_in(self.now_us / 1000, &mut self.report);
                let every_us = 60_000_000 / u64::from(self.plan.people_per_minute.max(1));
                let next_us = self.random.within((every_us / 2, every_us * 3 / 2));
                self.later(next_us, Event::PersonSignsIn);
            }
            Event::Mishap(mishap) => self.goes_wrong(mishap),
        }
    }

    fn local_happens(&mut self, client: u32, what: Local) {
        match what {
            Local::Call => self.call(client),
            Local::Poll(turn) => {
                if self.session(client).turn == turn {
                    self.session(client).polls_at_us = None;
                    self.drain(client);
                }
            }
            Local::Returns { id, outcome, arrived_us, done_us } => {
                let store = self.store_of(client);
                let is_lost = self.stores[store].lost_in_queue(arrived_us, done_us);
                self.returned(client, id, if is_lost { Outcome::Failed } else { *outcome });
            }
            Local::Notice(version) => self.noticed(client, version),
            Local::Reconnects => {
                if self.session(client).watch.is_some() {
                    self.input(client, |coordinator, _| {
                        let _ = coordinator.handle_record_changed();
                    });
                }
            }
            Local::OwnerGone(owner) => self.input(client, |coordinator, _| {
                let _ = coordinator.handle_owner_gone(owner);
            }),
            Local::Answer(id, reply) => self.answered(client, id, &reply),
            Local::Typed => {
                let code = format!("{:06}", self.random.within((0, 999_999)));
                let code = OneTimeCode::new(&code).ok();
                self.input(client, |coordinator, now| {
                    let _ = coordinator.handle_code(code, now);
                });
            }
            Local::PollsRecord => {
                if self.session(client).watch.is_some() {
                    self.input(client, |coordinator, _| {
                        let _ = coordinator.handle_record_changed();
                    });
                }
                if self.session(client).caller.is_some() {
                    self.local(client, 100_000, Local::PollsRecord);
                }
            }
        }
    }

    fn start(&mut self, client: u32) {
        if let Behaviour::Cron { every_ms } = self.plan.behaviour {
            self.later(every_ms * 1000, Event::Starts(client));
            if self.clients[client as usize].session.is_some() {
                return;
            }
        }
        let (machine, account) = (self.plan.machine_of(client), self.plan.account_of(client));
        let now = self.clocks[machine as usize].time(self.now_us);
        self.clients[client as usize].life += 1;
        let life = self.clients[client as usize].life;
        let session = self.template.session((client, life), (machine, account), now, &mut self.random);
        self.clients[client as usize].session = Some(Box::new(session));
        self.call(client);
    }

    /// The process needs a token, as a call of `plextrac-transport` does.
    fn call(&mut self, client: u32) {
        let now = self.time(client);
        let session = self.session(client);
        if session.caller.is_some() || session.is_closed {
            return;
        }
        let is_quiet = now.monotonic < session.coordinator.quiet_until();
        let is_attempting = session.coordinator.is_attempting();
        match session.live.map(|(_, windows)| windows.age(now.monotonic)) {
            Some(Age::Fresh) => {}
            Some(Age::Early) if is_quiet || is_attempting => {}
            Some(Age::Early) => self.input(client, |coordinator, _| {
                let _ = coordinator.want_refresh();
            }),
            Some(Age::Late) if is_quiet && !is_attempting => {}
            Some(Age::Late | Age::Over) | None => return self.need_token(client),
        }
        self.plan_next_call(client);
    }

    fn need_token(&mut self, client: u32) {
        let (now, now_us, limits) = (self.time(client), self.now_us, limits(self.plan));
        let session = self.session(client);
        let Ok(caller) = session.coordinator.need_token(Need::Usable, limits, now) else { return };
        session.caller = Some((caller, now_us));
        if self.plan.control == Some(Control::Polls) {
            self.local(client, 100_000, Local::PollsRecord);
        }
        self.drain(client);
    }

    /// Calls with a fresh token change nothing: the next one that counts is after its refresh is due.
    pub(crate) fn plan_next_call(&mut self, client: u32) {
        let Behaviour::Service { call_every_ms } = self.plan.behaviour else { return };
        let every_us = call_every_ms * 1000;
        let session = self.session(client);
        let refresh_at = session.live.map(|(_, windows)| windows.refresh_at);
        let due_us = refresh_at.map_or(0, |moment| self.clock(client).virtual_us(moment));
        let delay_us = if due_us > self.now_us {
            due_us - self.now_us + self.random.within((0, every_us))
        } else {
            self.random.within((every_us / 2, every_us * 3 / 2))
        };
        self.local(client, delay_us, Local::Call);
    }

    fn answered(&mut self, client: u32, id: RequestId, reply: &Reply) {
        self.session(client).out.take_if(|out| *out == id);
        self.input(client, |coordinator, now| {
            let retry_after = reply.retry_after.as_ref();
            let headers: Vec<(&str, &[u8])> =
                retry_after.map(|text| ("Retry-After", text.as_bytes())).into_iter().collect();
            let response = Response { status: reply.status, headers: &headers, body: reply.body.as_bytes() };
            let _ = coordinator.handle_response(id, &response, now);
        });
    }

    fn goes_wrong(&mut self, mishap: Mishap) {
        match mishap {
            Mishap::Failover { down_ms, loses_ms } => {
                self.stores[0].fail_over(down_ms * 1000, loses_ms * 1000, self.now_us, &mut self.random);
                for account in 0..self.plan.accounts as usize {
                    let watchers = std::mem::take(&mut self.stores[0].watchers[account]);
                    self.reconnect_later(&watchers, WATCH_PAUSE_US);
                }
            }
            Mishap::Partition { lasts_ms, percent } => {
                let machines = self.plan.machines * percent / 100;
                for machine in 0..machines {
                    self.cut_off_until_us[machine as usize] = self.now_us + lasts_ms * 1000;
                }
                let is_cut_off = |client: &u32| self.plan.machine_of(*client) < machines;
                let lists = self.stores.iter_mut().flat_map(|store| &mut store.watchers);
                let cut_off: Vec<Vec<u32>> =
                    lists.map(|list| list.extract_if(.., |client| is_cut_off(client)).collect()).collect();
                for watchers in cut_off {
                    self.reconnect_later(&watchers, lasts_ms * 1000 + WATCH_PAUSE_US);
                }
            }
            Mishap::RestartAll => {
                for client in 0..self.plan.clients {
                    self.kill(client);
                    self.clients[client as usize].was_served = false;
                    self.start_later(client);
                }
                (self.report.served, self.report.all_served_ms) = (0, None);
            }
            Mishap::KillHolder => {
                let holds = |client: &Client| client.session.as_ref().is_some_and(|its| its.out.is_some());
                if let Some(holder) = self.clients.iter().position(holds) {
                    self.kill(holder as u32);
                    self.report.served += u64::from(!self.clients[holder].was_served);
                }
            }
        }
    }

    fn reconnect_later(&mut self, watchers: &[u32], delay_us: u64) {
        for client in watchers {
            let its = &mut self.clients[*client as usize];
            (its.is_subscribed, its.is_listed) = (false, false);
            let jitter_us = self.random.within((0, 50_000));
            self.local(*client, delay_us + jitter_us, Local::Reconnects);
        }
    }

    /// A process is killed. In a directory others know that at once.
    fn kill(&mut self, client: u32) {
        let life = self.clients[client as usize].life;
        self.clients[client as usize].session = None;
        self.clients[client as usize].is_subscribed = false;
        if self.plan.store != StoreModel::Directories {
            return;
        }
        let (machine, account) = (self.plan.machine_of(client), self.plan.account_of(client));
        for other in self.stores[machine as usize].watchers[account as usize].clone() {
            let session = self.clients[other as usize].session.as_ref();
            let owner = session.and_then(|its| its.watch.as_ref()?.owner);
            if let Some(owner) = owner.filter(|owner| process_of(*owner) == Some((client, life))) {
                self.local(other, 2000, Local::OwnerGone(owner));
            }
        }
    }

    fn start_later(&mut self, client: u32) {
        let delay_us = self.random.within((0, self.plan.start_within_ms * 1000));
        self.later(delay_us, Event::Starts(client));
    }

    /// How long a message between a process and the instance takes.
    pub(crate) const fn network_us(&mut self) -> u64 {
        let (least, most) = self.plan.network_ms;
        self.random.within((least * 1000, most * 1000))
    }

    pub(crate) fn later(&mut self, delay_us: u64, event: Event) {
        self.planned += 1;
        self.queue.push(Reverse(Planned { at_us: self.now_us + delay_us, number: self.planned, event }));
    }

    /// For a process in the life it has now.
    pub(crate) fn local(&mut self, client: u32, delay_us: u64, what: Local) {
        let life = self.clients[client as usize].life;
        self.later(delay_us, Event::Process(client, life, what));
    }
}

impl Ord for Planned {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at_us, self.number).cmp(&(other.at_us, other.number))
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
