//! A request on its way to the server and back, and what the network does to it.

use plextrac_auth_core::{Call, Request, RequestId, Response, TransportFailure};

use crate::driver::{Reply, Sent};
use crate::flight::Stage;
use crate::plan::{DigitsFrom, Outage};
use crate::watch::Promise;
use crate::world::{Event, Local, World};

impl World {
    /// A request leaves its process.
    pub(crate) fn leave(&mut self, process: usize, request: &Request) {
        let (account, life) = (self.processes[process].plan.account, self.processes[process].life);
        let now = self.time(process).monotonic;
        let left_ms = request.deadline.since(now).as_millis() as u64;
        let number = self.flight_number(process);
        self.enter(process, Stage::AwaitAnswer(request.id));
        if left_ms == 0 {
            // The process stood still for so long that the request is not sent any more.
            return self.local(process, 0, Local::NoAnswer(number, request.id, TransportFailure::Timeout));
        }
        let sent = Sent::of(request, now);
        self.trace(|| format!("p{process} sends {:?} for account {account}", request.call));
        self.watch.left(account, process, life);
        self.look_at_what_leaves(process, &sent);
        self.local(process, left_ms, Local::NoAnswer(number, request.id, TransportFailure::Timeout));
        let there = self.latency();
        let arrives = Event::Arrives { process, life, number, id: request.id, sent };
        match self.server.outage_at(self.clocks.true_ms) {
            Some(Outage::Unreachable) => {
                self.local(process, there, Local::NoAnswer(number, request.id, TransportFailure::Connect));
            }
            Some(Outage::Silent) => {}
            _ if self.random.chance(self.plan.server.lost) => {
                self.local(process, there, Local::NoAnswer(number, request.id, TransportFailure::Other));
            }
            // Nothing that its client gave up long ago reaches the server: connections end with it.
            _ => self.later(there.min(left_ms), arrives),
        }
    }

    fn look_at_what_leaves(&mut self, process: usize, sent: &Sent) {
        let plan = &self.processes[process].plan;
        let (account, life, is_known) = (plan.account, self.processes[process].life, plan.knows_password);
        match sent.call {
            Call::SignIn => self.watch.password_left(account, is_known, process, life),
            Call::Mfa if plan.digits == DigitsFrom::Totp => {
                self.watch.code_left(account, sent.field("token"))
            }
            Call::Mfa | Call::Refresh => {}
        }
    }

    /// A request reached the server.
    pub(crate) fn arrives(&mut self, process: usize, life: u32, number: u64, id: RequestId, sent: &Sent) {
        let (at_ms, unix_ms) = (self.clocks.true_ms, self.clocks.true_unix_ms());
        self.watch.arrived(sent.call, self.plan.budget);
        let repeated = self.server.repeated_codes;
        let reply = self.server.answer(sent, at_ms, unix_ms, &mut self.random);
        let account = self.processes[process].plan.account;
        let mut others = self.processes.iter().filter(|other| other.plan.account == account);
        // A person's code is of no step that programs could know of.
        if self.server.repeated_codes > repeated && others.all(|other| other.plan.digits == DigitsFrom::Totp)
        {
            self.watch.breaks(Promise::CodeOnce, format!("a spent step of account {account} came again"));
        }
        let back = self.latency();
        if self.random.chance(self.plan.server.unanswered) {
            // The connection breaks, or nothing is heard of it any more.
            if self.random.chance(500) {
                self.network(process, life, back, Local::NoAnswer(number, id, TransportFailure::Other));
            }
            return;
        }
        self.network(process, life, back, Local::Answer(number, id, reply));
    }

    /// An answer, or none, reached the flight that waits for it.
    pub(crate) fn answered(&mut self, process: usize, number: u64, id: RequestId, reply: &Reply) {
        let Some(flight) = self.flight_of(process) else { return };
        if flight.borrow().number != number || !flight.borrow().awaits(id) {
            return;
        }
        let (account, life) = (self.processes[process].plan.account, self.processes[process].life);
        self.watch.came_back(account, process, life);
        self.trace(|| format!("p{process} is answered {reply:?}"));
        let drained = match reply {
            Reply::Fails(failure) => {
                self.step(process, |machine, now| machine.handle_failure(id, *failure, now))
            }
            Reply::Answer { status, headers, body } => {
                let headers: Vec<(&str, &[u8])> =
                    headers.iter().map(|(name, value)| (name.as_str(), value.as_slice())).collect();
                let response = Response { status: *status, headers: &headers, body };
                self.step(process, |machine, now| machine.handle_response(id, &response, now))
            }
        };
        self.keep_and_follow(process, drained);
    }
}
