//! What goes wrong: machines that sleep, processes that die, a store that fails.

use plextrac_auth_core::TransportFailure;

use crate::plan::Mishap;
use crate::session::{Session, draw_owner};
use crate::world::{Event, Local, World};

impl World {
    pub(crate) fn goes_wrong(&mut self, mishap: Mishap) {
        self.trace(|| format!("{mishap:?}"));
        match mishap {
            Mishap::Outage { lasts_ms, how } => self.server.begin_outage(self.true_ms + lasts_ms, how),
            Mishap::Revoke { account } => self.server.revoke(account),
            Mishap::PasswordChange { account } => self.server.change_password(account),
            Mishap::WallClock { machine, ahead_ms } => self.machines[machine].wall_ahead_ms = ahead_ms,
            Mishap::StoreOutage { lasts_ms } => self.store.fails_until_ms = self.true_ms + lasts_ms,
            Mishap::Failover { lost_ms } => {
                let lost = self.store.lose_writes_since(self.true_ms.saturating_sub(lost_ms));
                let ahead = self.random.signed(2000);
                self.store.begin_run(ahead);
                self.watch.lost_writes(&lost);
                self.processes
                    .iter_mut()
                    .filter_map(|its| its.session.as_mut())
                    .for_each(|its| its.lost_claim = true);
            }
            // A machine that is suspended does nothing, and nothing in it dies.
            Mishap::Suspend { machine, .. } | Mishap::Reboot { machine, .. }
                if self.machines[machine].asleep_ms() > 0 => {}
            Mishap::Suspend { machine, lasts_ms } => {
                self.machines[machine].suspend(lasts_ms);
                let of: Vec<usize> = self.processes.iter().map(|its| its.plan.machine).collect();
                self.stand_still(|process| of[process] == machine, lasts_ms, true);
            }
            Mishap::Reboot { machine, lasts_ms, uptime_ms } => self.reboot(machine, lasts_ms, uptime_ms),
            Mishap::Crash { process, .. }
            | Mishap::Quit { process, .. }
            | Mishap::Pause { process, .. }
            | Mishap::Fork { process }
                if self.stands_still_ms(process) > 0 => {}
            Mishap::Crash { process, back_after_ms } => {
                self.die(process);
                self.later(back_after_ms, Event::Begin(process));
            }
            Mishap::Quit { process, back_after_ms } => self.quit(process, back_after_ms),
            Mishap::Pause { process, lasts_ms } => {
                self.processes[process].paused_until_ms = self.true_ms + lasts_ms;
                self.stand_still(|other| other == process, lasts_ms, false);
            }
            Mishap::Fork { process } => self.fork(process),
        }
    }

    pub(crate) fn begin_process(&mut self, process: usize) {
        if self.processes[process].session.is_some() {
            return;
        }
        let asleep_ms = self.stands_still_ms(process);
        if asleep_ms > 0 {
            return self.later(asleep_ms, Event::Begin(process));
        }
        self.trace(|| format!("p{process} begins"));
        let (boot, now) = (self.boot(process), self.time(process));
        let session = Session::new(&self.plan, &self.processes[process].plan, boot, &mut self.random, now);
        self.processes[process].session = Some(session);
        self.begin_calls(process);
    }

    fn begin_calls(&mut self, process: usize) {
        for caller in 0..self.processes[process].plan.callers {
            let first = self.random.within((0, self.processes[process].plan.pause_ms.0.min(1000)));
            self.local(process, first, Local::Call(caller));
        }
    }

    pub(crate) fn die(&mut self, process: usize) {
        let machine = self.processes[process].plan.machine;
        if let Some(session) = self.processes[process].session.take() {
            self.trace(|| format!("p{process} dies"));
            self.processes[process].life += 1;
            self.processes[process].paused_until_ms = 0;
            self.watch.died(process);
            let owner = session.owner;
            self.gone.insert(owner.to_string(), (machine, self.true_ms));
            for other in 0..self.processes.len() {
                let watches =
                    self.processes[other].session.as_ref().and_then(|its| its.wait.watch.as_ref()?.owner);
                if watches == Some(owner) && self.owner_is_gone(other, &owner.to_string()) {
                    let life = self.processes[other].life;
                    self.network(other, life, 2, Local::OwnerGone(owner));
                }
            }
        }
    }

    /// The session is closed in an orderly way, and gets a second to end its claim.
    fn quit(&mut self, process: usize, back_after_ms: u64) {
        if self.processes[process].session.is_some() {
            self.trace(|| format!("p{process} quits"));
            let session = self.session(process);
            session.is_closed = true;
            self.watch.excuse(process);
            self.input(process, |coordinator, now| coordinator.close(now)).unwrap();
            self.local(process, 1000, Local::Ends);
        }
        self.later(1001 + back_after_ms, Event::Begin(process));
    }

    /// The child goes on with what the parent knew, and with none of its threads. The parent ends at once.
    fn fork(&mut self, process: usize) {
        if self.processes[process].session.as_ref().is_none_or(|session| session.is_closed) {
            return;
        }
        self.trace(|| format!("p{process} forks"));
        self.watch.figures.forks += 1;
        self.processes[process].life += 1;
        let owner = draw_owner(&mut self.random);
        let machine = self.processes[process].plan.machine;
        let session = self.session(process);
        let parent = std::mem::replace(&mut session.owner, owner);
        let out = session.out.take();
        (session.is_asked, session.lost_claim, session.is_alone, session.is_abandoned) =
            (false, false, false, false);
        // What was planned was planned for the parent.
        session.wait = plextrac_auth_core::Wait::default();
        let waiting: Vec<_> = session.callers.iter_mut().filter_map(|caller| caller.waits.take()).collect();
        self.gone.insert(parent.to_string(), (machine, self.true_ms));
        self.input(process, |coordinator, now| coordinator.handle_fork(owner, now));
        for waiting in waiting {
            let _ = self.input(process, |coordinator, now| coordinator.leave(waiting.id(), now));
        }
        if let Some((id, _)) = out {
            let _ = self.input(process, |coordinator, now| {
                coordinator.handle_failure(id, TransportFailure::Cancelled, now)
            });
        }
        let _ = self.input(process, |coordinator, now| coordinator.handle_code(None, now));
        self.begin_calls(process);
    }

    fn reboot(&mut self, machine: usize, lasts_ms: u64, uptime_ms: u64) {
        for process in 0..self.processes.len() {
            if self.processes[process].plan.machine == machine {
                self.die(process);
                let starts = self.random.within((0, 5000));
                self.later(lasts_ms + starts, Event::Begin(process));
            }
        }
        // A budget that is lost with the power is needed no more once its minute is over.
        if lasts_ms > 65_000 && self.machines.len() == 1 && !self.store.is_engine() {
            let lost = self.store.lose_last_write();
            self.watch.lost_writes(lost.as_slice());
        }
        self.machines[machine].reboot(lasts_ms, uptime_ms);
    }
}
