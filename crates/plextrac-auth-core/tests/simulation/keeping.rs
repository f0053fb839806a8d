//! What a process writes down for others, and the lock under which it does.

use plextrac_auth_core::SharedRecord;

use crate::controls::Broken;
use crate::server::Standing;
use crate::session::Drained;
use crate::store::{Holder, Thread};
use crate::watch::Promise;
use crate::world::{Local, World};

/// By so much a newer token may end earlier than the one before it: another replica made it.
const REPLICAS_APART_MS: i64 = 5000;

impl World {
    /// Writes what a step kept, at once.
    pub(crate) fn keep_now(&mut self, process: usize, drained: Option<Drained>) {
        if let Some(record) = drained.and_then(|drained| drained.record) {
            self.keep_account(process, &record);
            self.keep_token(process, record);
        }
    }

    pub(crate) fn keep_account(&mut self, process: usize, record: &SharedRecord) {
        let (boot, now) = (self.boot(process), self.time(process));
        let plan = &self.processes[process].plan;
        let (account, is_known) = (plan.account, plan.knows_password);
        self.store.write_account(account, record, &boot, now);
        if !record.rejected.is_empty() && self.watch.is_rejected_here(process, self.processes[process].life) {
            self.watch.rejection_shared(account, is_known);
        }
        let (forgets_latch, forgets_step) =
            (self.is_broken(Broken::ForgetsRejections), self.is_broken(Broken::ForgetsCodes));
        self.store.forget(account, forgets_latch, forgets_step);
    }

    pub(crate) fn keep_token(&mut self, process: usize, record: SharedRecord) {
        let account = self.processes[process].plan.account;
        let unix_ms = self.clocks.true_unix_ms();
        let kept = record.token.as_ref().map_or(0, |token| self.server.expires_ms(token.token.expose()));
        let before = self.store.write_token(account, record.token);
        let Some(before) = before.filter(|_| !self.is_signing_out(process)) else { return };
        let lost = before.token.expose();
        // Its life counts from when it was asked for, up to half a minute before it was made, and its last seconds do not count.
        let is_usable = self.server.standing(lost, unix_ms + 60_000) == Standing::Good;
        // Of a token of another clock a process knows no age, and its own is as good.
        let is_known = self.processes[process].plan.clock_apart_ms == 0;
        if is_usable && is_known && kept + REPLICAS_APART_MS < self.server.expires_ms(lost) {
            let how =
                format!("process {process} writes a worse token of account {account} over a usable one");
            self.watch.breaks(Promise::TokenKept, how);
        }
    }

    pub(crate) fn release(&mut self, account: usize, holder: Holder) {
        if self.is_broken(Broken::NeverLetsGo) {
            return;
        }
        let chance = self.random.next();
        let next = self.store.release(account, holder, chance);
        self.grant(next);
    }

    pub(crate) fn grant(&mut self, next: Option<Holder>) {
        let Some(next) = next else { return };
        let delay = self.random.within((0, 3));
        match next.thread {
            Thread::Flight(_) => self.local(next.process, delay, Local::LockGranted),
            Thread::Caller(caller) => self.local(next.process, delay, Local::SignOut(caller)),
        }
    }
}
