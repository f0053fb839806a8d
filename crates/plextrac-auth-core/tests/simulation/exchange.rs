//! A request on its way to the server and back, and what the network does to it.

use plextrac_auth_core::{Call, Request, RequestId, Response, TransportFailure};

use crate::clocks::unix_ms;
use crate::driver::{Reply, Sent};
use crate::plan::{DigitsFrom, Outage};
use crate::watch::Promise;
use crate::world::{self, Event, Local, World};

impl World {
    /// The coordinator said to send a request. The thread that does so runs soon.
    pub(crate) fn take_request(&mut self, process: usize, request: Request) {
        let now = self.time(process);
        if self.session(process).is_out(now) {
            self.watch
                .breaks(Promise::OneFlight, format!("process {process} sends while its own request is out"));
        }
        self.session(process).out = Some((request.id, request.deadline));
        self.look_at_send(process);
        let session = self.session(process);
        (session.is_alone, session.lost_claim, session.is_abandoned) = (false, false, false);
        let delay = self.random.within((0, 3));
        self.local(process, delay, Local::Send(request));
    }

    /// A request leaves its process.
    pub(crate) fn leave(&mut self, process: usize, request: &Request) {
        let (account, life) = (self.processes[process].plan.account, self.processes[process].life);
        let now = self.time(process).monotonic;
        let left_ms = world::ms(request.deadline.since(now));
        if left_ms == 0 {
            // The process stood still for so long that the request is not sent any more.
            return self.answered(process, request.id, &Reply::Fails(TransportFailure::Timeout));
        }
        let sent = Sent::of(request, now);
        self.trace(|| format!("p{process} sends {:?} for account {account}", request.call));
        self.watch.figures.attempts += 1;
        self.look_at_what_leaves(process, &sent);
        self.local(process, left_ms, Local::NoAnswer(request.id, TransportFailure::Timeout));
        let there = self.latency();
        let arrives = Event::Arrives { process, life, id: request.id, sent };
        match self.server.outage_at(self.true_ms) {
            Some(Outage::Unreachable) => {
                self.local(process, there, Local::NoAnswer(request.id, TransportFailure::Connect));
            }
            Some(Outage::Silent) => {}
            _ if self.random.chance(self.plan.server.lost) => {
                self.local(process, there, Local::NoAnswer(request.id, TransportFailure::Other));
            }
            // Nothing that its client gave up long ago reaches the server: connections end with it.
            _ => self.later(there.min(left_ms), arrives),
        }
    }

    fn look_at_what_leaves(&mut self, process: usize, sent: &Sent) {
        let its = &self.processes[process];
        let (account, is_known, digits) = (its.plan.account, its.plan.knows_password, its.plan.digits);
        match sent.call {
            Call::SignIn => self.watch.password_left((process, its.life), (account, is_known)),
            Call::Mfa if digits == DigitsFrom::Totp => self.watch.code_left(account, sent.field("token")),
            Call::Mfa | Call::Refresh => {}
        }
    }

    /// A request reached the server.
    pub(crate) fn arrives(&mut self, process: usize, life: u32, id: RequestId, sent: &Sent) {
        let (at_ms, true_unix_ms) = (self.true_ms, unix_ms(self.true_ms));
        self.watch.arrived(sent.call, self.plan.budget);
        let repeated = self.server.repeated_codes;
        let reply = self.server.answer(sent, at_ms, true_unix_ms, &mut self.random);
        let account = self.processes[process].plan.account;
        let mut others = self.processes.iter().filter(|other| other.plan.account == account);
        // A person's code is of no step that programs could know of.
        if self.server.repeated_codes > repeated && others.all(|other| other.plan.digits == DigitsFrom::Totp)
        {
            self.watch.repeats_code(account);
        }
        let back = self.latency();
        if self.random.chance(self.plan.server.unanswered) {
            // The connection breaks, or nothing is heard of it any more.
            if self.random.chance(500) {
                self.network(process, life, back, Local::NoAnswer(id, TransportFailure::Other));
            }
            return;
        }
        self.network(process, life, back, Local::Answer(id, reply));
    }

    /// An answer, or none, reached the process that waits for it.
    pub(crate) fn answered(&mut self, process: usize, id: RequestId, reply: &Reply) {
        let session = self.session(process);
        if session.out.take_if(|(out, _)| *out == id).is_none() {
            return;
        }
        self.trace(|| format!("p{process} is answered {reply:?}"));
        // Without a stale answer among them: one that came too late is no error.
        let _ = match reply {
            Reply::Fails(failure) => {
                self.input(process, |coordinator, now| coordinator.handle_failure(id, *failure, now))
            }
            Reply::Answer { status, headers, body } => {
                let headers: Vec<(&str, &[u8])> =
                    headers.iter().map(|(name, value)| (name.as_str(), value.as_slice())).collect();
                let response = Response { status: *status, headers: &headers, body };
                self.input(process, |coordinator, now| coordinator.handle_response(id, &response, now))
            }
        };
    }
}
