//! The driver: it hands inputs in, polls to the last action, and carries out what the coordinator says.

use std::time::Duration;

use plextrac_auth_core::{
    Action, Budget, Coordinator, Failure, Limits, OperationId, RecordKind, Time, Version, Wait, WriteOutcome,
};

use crate::client::{Clock, Session, process_of};
use crate::plan::{Behaviour, Control, Mfa, Plan, StoreModel};
use crate::store::{Operation, Outcome};
use crate::world::{Event, Local, STORE_TIMEOUT_US, WATCH_PAUSE_US, World};

impl World<'_> {
    /// Hands one input to the coordinator of a client, and polls to the last action.
    pub(crate) fn input(&mut self, client: u32, input: impl FnOnce(&mut Coordinator, Time)) {
        let now = self.time(client);
        input(&mut self.session(client).coordinator, now);
        self.drain(client);
    }

    /// Polls to the last action, and plans what each brings.
    pub(crate) fn drain(&mut self, client: u32) {
        let now = self.time(client);
        let (mut actions, mut woken) = (0, None);
        let wait = loop {
            actions += 1;
            let forgets = self.plan.control == Some(Control::ForgetsBudget);
            let session = self.session(client);
            if forgets {
                session.budget = Budget::new(60).expect("60 is in range");
            }
            match session.coordinator.poll(&mut session.budget, now) {
                Action::Send(request) => {
                    session.out = Some(request.id);
                    let life = self.clients[client as usize].life;
                    let delay_us = self.network_us();
                    self.later(delay_us, Event::Request(client, life, Box::new(request)));
                }
                Action::Read { id, record } => self.begin(client, Operation::Read(id, record)),
                Action::Write(write) => self.begin(client, Operation::Write(write)),
                Action::Ask(_) => {
                    if let Mfa::Person { types_ms } = self.plan.mfa {
                        self.local(client, types_ms * 1000, Local::Typed);
                    }
                }
                Action::Wake { result, .. } => woken = Some(result),
                Action::Wait(wait) => break wait,
                // Events say what the figures count elsewhere.
                _ => {}
            }
        };
        self.report.longest_drain = self.report.longest_drain.max(actions);
        let session = self.session(client);
        let usable = session.coordinator.usable_token(now);
        session.live = usable.map(|token| (token.generation(), *token.windows()));
        self.wait(client, wait);
        if let Some(result) = woken {
            self.woken(client, result);
        }
        self.end_if_done(client);
    }

    /// Plans the next poll, and watches the record.
    fn wait(&mut self, client: u32, wait: Wait) {
        let session = self.session(client);
        // A process in which nothing is under way is not waked by its token's age.
        let is_idle = session.coordinator.is_idle();
        let moment = [wait.until, wait.awake_until].into_iter().flatten().min().filter(|_| !is_idle);
        let at_us = moment.map(|moment| self.clock(client).virtual_us(moment));
        let now_us = self.now_us;
        let session = self.session(client);
        if session.polls_at_us != at_us {
            session.turn += 1;
            session.polls_at_us = at_us;
            let turn = session.turn;
            if let Some(at_us) = at_us {
                self.local(client, at_us.saturating_sub(now_us), Local::Poll(turn));
            }
        }
        let session = self.session(client);
        session.watch.clone_from(&wait.watch);
        let noticed = session.noticed;
        let Some(watch) = wait.watch else {
            // A subscription lasts while something is under way.
            self.clients[client as usize].is_subscribed &= !is_idle;
            return;
        };
        if !self.clients[client as usize].is_subscribed {
            self.clients[client as usize].is_subscribed = true;
            self.begin(client, Operation::Watch);
        } else if noticed > watch.version.number() {
            self.local(client, 0, Local::Notice(noticed));
        }
        let is_directory = self.plan.store == StoreModel::Directories;
        if let Some(owner) = watch.owner.filter(|_| is_directory) {
            let is_gone = process_of(owner).is_some_and(|(other, life)| {
                let other = &self.clients[other as usize];
                other.life != life || other.session.is_none()
            });
            if is_gone {
                self.local(client, 2000, Local::OwnerGone(owner));
            }
        }
    }

    /// An operation begins. It takes effect later, and what came of it is known later still.
    fn begin(&mut self, client: u32, operation: Operation) {
        let its = &mut self.clients[client as usize];
        let count = if its.operations.1 == self.report.changes { its.operations.0 + 1 } else { 1 };
        its.operations = (count, self.report.changes);
        self.report.most_of_one_client = self.report.most_of_one_client.max(count);
        let life = its.life;
        let delay_us = self.store_latency_us(client);
        let (began_us, operation) = (self.now_us, Box::new(operation));
        self.later(delay_us, Event::Arrives { client, life, began_us, operation });
    }

    /// An operation arrives at its store.
    pub(crate) fn arrives(&mut self, client: u32, life: u32, began_us: u64, operation: &Operation) {
        let (store, now_us) = (self.store_of(client), self.now_us);
        let id = match operation {
            Operation::Read(id, _) => Some(*id),
            Operation::Write(write) => Some(write.id),
            Operation::Watch => None,
        };
        let failed = |arrived_us| Local::Returns {
            id,
            outcome: Box::new(Outcome::Failed),
            arrived_us,
            done_us: arrived_us,
        };
        let is_cut_off = now_us < self.cut_off_until_us[self.plan.machine_of(client) as usize];
        if is_cut_off {
            self.report.lost_operations += 1;
            let delay_us = (began_us + STORE_TIMEOUT_US).saturating_sub(now_us);
            return self.later(delay_us, Event::Process(client, life, failed(now_us)));
        }
        let latency_us = self.store_latency_us(client);
        if self.stores[store].is_down(now_us) {
            self.report.lost_operations += 1;
            return self.later(latency_us, Event::Process(client, life, failed(now_us)));
        }
        let account = self.plan.account_of(client);
        let (done_us, outcome) = self.stores[store].carry_out(operation, account, now_us);
        self.seconds.count(done_us);
        self.report.longest_queue_ms = self.report.longest_queue_ms.max((done_us - now_us) / 1000);
        match (operation, &outcome) {
            (Operation::Read(..), _) => self.report.reads += 1,
            (Operation::Watch, _) => {
                self.report.watches += 1;
                let its = &mut self.clients[client as usize];
                if its.is_subscribed && !its.is_listed {
                    its.is_listed = true;
                    self.stores[store].watchers[account as usize].push(client);
                }
            }
            (Operation::Write(_), Outcome::Written(WriteOutcome::Conflict)) => {
                (self.report.writes, self.report.conflicts) =
                    (self.report.writes + 1, self.report.conflicts + 1);
            }
            (Operation::Write(write), _) => {
                self.report.writes += 1;
                // On a network nobody gets a notice of a claim that was renewed.
                let is_silent = write.is_renewal && self.plan.store != StoreModel::Directories;
                if write.record == RecordKind::Account && !is_silent {
                    self.account_changed((store, account), done_us, &write.bytes);
                }
            }
        }
        let delay_us = done_us - now_us + latency_us;
        if now_us + delay_us > began_us + STORE_TIMEOUT_US {
            // It took effect, and nobody hears of it.
            self.report.lost_operations += 1;
            let delay_us = (began_us + STORE_TIMEOUT_US).saturating_sub(now_us);
            return self.later(delay_us, Event::Process(client, life, failed(now_us)));
        }
        let returns = Local::Returns { id, outcome: Box::new(outcome), arrived_us: now_us, done_us };
        self.later(delay_us, Event::Process(client, life, returns));
    }

    /// The account's record was written: subscribers get a notice, one after another.
    fn account_changed(&mut self, (store, account): (usize, u32), done_us: u64, bytes: &[u8]) {
        let arrived = self.arrived_at(store, account);
        let newest = &self.arrived[arrived].1;
        let has_newest = !newest.is_empty() && contains(bytes, newest.as_bytes());
        let token = token_in(bytes).filter(|_| !has_newest);
        if let Some(token) = token {
            self.arrived[arrived] = (done_us, token);
            self.report.changes += 1;
        }
        let version = self.stores[store].version(account);
        let mut watchers = std::mem::take(&mut self.stores[store].watchers[account as usize]);
        watchers.retain(|client| {
            let its = &mut self.clients[*client as usize];
            its.is_listed = its.is_subscribed;
            its.is_listed
        });
        for client in &watchers {
            self.report.notices += 1;
            let leaves_us = self.stores[store].notice(done_us);
            let delay_us = leaves_us - self.now_us + self.store_latency_us(*client);
            self.local(*client, delay_us, Local::Notice(version));
        }
        self.stores[store].watchers[account as usize] = watchers;
    }

    /// What came of an operation reaches its process.
    pub(crate) fn returned(&mut self, client: u32, id: Option<OperationId>, outcome: Outcome) {
        match (id, outcome) {
            (Some(id), Outcome::Failed) => self.input(client, |coordinator, now| {
                let _ = coordinator.handle_store_failed(id, "the store does not answer", now);
            }),
            (Some(id), Outcome::Read(stored)) => self.input(client, |coordinator, now| {
                let _ = coordinator.handle_read(id, stored, now);
            }),
            (Some(id), Outcome::Written(outcome)) => self.input(client, |coordinator, now| {
                let _ = coordinator.handle_written(id, outcome, now);
            }),
            (_, Outcome::Watched(version)) => self.noticed(client, version.number()),
            (None, _) => {
                self.clients[client as usize].is_subscribed = false;
                self.local(client, WATCH_PAUSE_US, Local::Reconnects);
            }
        }
    }

    /// A client hears which version the record has, if it still watches.
    pub(crate) fn noticed(&mut self, client: u32, version: u64) {
        let session = self.session(client);
        session.noticed = session.noticed.max(version);
        let is_news = session.watch.as_ref().is_some_and(|watch| watch.version != Version::new(version));
        if is_news {
            self.input(client, |coordinator, _| {
                let _ = coordinator.handle_record_changed();
            });
        }
    }

    /// The caller's call is over.
    fn woken(&mut self, client: u32, result: Result<(), Failure>) {
        let now_us = self.now_us;
        let arrived = self.arrived_at(self.store_of(client), self.plan.account_of(client));
        let arrived_us = self.arrived[arrived].0;
        let its = &mut self.clients[client as usize];
        let Some(session) = its.session.as_mut() else { return };
        let Some((_, called_us)) = session.caller.take() else { return };
        match &result {
            Ok(()) => {
                if its.was_served {
                    let took_ms = (now_us - called_us) / 1000;
                    self.report.longest_later_call_ms = self.report.longest_later_call_ms.max(took_ms);
                } else {
                    its.was_served = true;
                    self.report.all_served_ms = Some(now_us / 1000);
                    self.report.served += 1;
                }
                if arrived_us > 0 && now_us >= arrived_us {
                    self.lags_us.push(now_us - arrived_us.max(called_us));
                }
            }
            Err(failure) => {
                *self.report.failures.entry(format!("{:?}", failure.kind())).or_default() += 1;
            }
        }
        match self.plan.behaviour {
            Behaviour::Cron { .. } => {
                self.session(client).is_closed = true;
                self.input(client, |coordinator, now| {
                    let _ = coordinator.close(now);
                });
            }
            Behaviour::Service { call_every_ms } => match result {
                Ok(()) => self.plan_next_call(client),
                Err(failure) => {
                    let every_us = call_every_ms * 1000;
                    let asked_us = failure.retry_after().map_or(0, |wait| wait.as_micros() as u64);
                    let pause_us = self.random.within((every_us / 2, every_us * 3 / 2));
                    self.local(client, asked_us.saturating_add(pause_us), Local::Call);
                }
            },
        }
    }

    /// A process that runs once ends when nothing is under way any more.
    fn end_if_done(&mut self, client: u32) {
        let its = &mut self.clients[client as usize];
        if its.session.as_ref().is_some_and(|session| session.is_closed && session.coordinator.is_idle()) {
            its.session = None;
            its.was_served = false;
            its.is_subscribed = false;
        }
    }

    pub(crate) fn session(&mut self, client: u32) -> &mut Session {
        self.clients[client as usize].session.as_mut().expect("only a running process is driven")
    }

    /// What a client reads on its clocks.
    pub(crate) fn time(&self, client: u32) -> Time {
        self.clock(client).time(self.now_us)
    }

    pub(crate) fn clock(&self, client: u32) -> &Clock {
        &self.clocks[self.plan.machine_of(client) as usize]
    }

    pub(crate) const fn store_of(&self, client: u32) -> usize {
        if self.stores.len() == 1 { 0 } else { self.plan.machine_of(client) as usize }
    }

    const fn arrived_at(&self, store: usize, account: u32) -> usize {
        store * self.plan.accounts as usize + account as usize
    }

    fn store_latency_us(&mut self, client: u32) -> u64 {
        let latency = self.stores[self.store_of(client)].costs.latency;
        self.random.within(latency)
    }
}

/// How long a call waits.
pub(crate) const fn limits(plan: &Plan) -> Limits {
    let (timeout_ms, wait_ms) = plan.wait_ms;
    Limits { timeout: Duration::from_millis(timeout_ms), wait: Duration::from_millis(wait_ms) }
}

/// The first token in a record, if there is one.
fn token_in(bytes: &[u8]) -> Option<String> {
    let begin = find(bytes, b"\"e30.")? + 1;
    let length = bytes[begin..].iter().position(|byte| *byte == b'"')?;
    String::from_utf8(bytes[begin..begin + length].to_vec()).ok()
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    find(bytes, part).is_some()
}

fn find(bytes: &[u8], part: &[u8]) -> Option<usize> {
    bytes.windows(part.len()).position(|window| window == part)
}
