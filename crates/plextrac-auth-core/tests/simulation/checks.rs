//! Promises about what stands in the store: claims, tokens, rejections.

use plextrac_auth_core::{ClaimOwner, Fingerprint, FingerprintKey, OnStoreFailure};

use crate::plan::DigitsFrom;
use crate::record::Seen;
use crate::server::{Standing, password, user_name};
use crate::session::KEY;
use crate::store::Key;
use crate::watch::Promise;
use crate::world::World;

/// A claim that was not renewed for so long is not honoured any more.
const LEASE_MS: u64 = 10_000;
/// A request leaves under a claim that is no older.
const FRESH_MS: u64 = 5000;
/// By so much a newer token may end earlier than the one before it: another replica made it.
const REPLICAS_APART_MS: i64 = 5000;
/// After a process is killed, another one works for the account.
const FREED_MS: u64 = 15_000;

impl World {
    /// A process replaced the record of its account. The write was begun at `began_ms`.
    pub(crate) fn look_at_write(
        &mut self,
        process: usize,
        life: u32,
        began_ms: u64,
        before: &Seen,
        after: &Seen,
    ) {
        self.watch.figures.writes += 1;
        self.look_at_claim(process, life, began_ms, before, after);
        self.look_at_token((process, life), before, after);
        self.look_at_rejections(process, before, after);
    }

    fn look_at_claim(&mut self, process: usize, life: u32, began_ms: u64, before: &Seen, after: &Seen) {
        let account = self.processes[process].plan.account;
        let renewed_ms = self.watch.claims.get(&account).map_or(0, |(_, at_ms)| *at_ms);
        let owner_of = |seen: &Seen| seen.claim.as_ref().map(|claim| claim.owner.clone());
        let (old, new) = (owner_of(before), owner_of(after));
        let own = self.processes[process].session.as_ref().map(|session| session.owner.to_string());
        if let Some(owner) = new.as_ref().filter(|new| Some(*new) == own.as_ref()) {
            self.watch.claims.insert(account, (owner.clone(), began_ms));
        }
        let Some(old) = old.filter(|old| Some(old) != new.as_ref()) else { return };
        let holder = self
            .processes
            .iter()
            .position(|other| other.session.as_ref().is_some_and(|session| session.owner.to_string() == old));
        // The owner is gone: its claim may be taken over, or left alone.
        let Some(holder) = holder else { return };
        let now = self.time(holder);
        if holder == process && self.processes[process].life == life {
            if self.session(process).is_attempting(now) && !self.session(process).lost_claim {
                let how = format!("process {process} ends its claim while its request is out");
                self.watch.breaks(Promise::ClaimKept, how);
            }
            return;
        }
        self.watch.figures.takeovers += 1;
        self.session(holder).lost_claim = true;
        let is_asking = before.claim.as_ref().is_some_and(|claim| claim.work == "asking");
        let is_excused = is_asking && self.processes[process].plan.digits == DigitsFrom::Totp;
        let age_ms = self.true_ms - renewed_ms;
        if age_ms < LEASE_MS && !is_excused {
            let how =
                format!("process {process} ends the claim of process {holder}, renewed {age_ms} ms ago");
            self.watch.breaks(Promise::ClaimKept, how);
        }
    }

    fn look_at_token(&mut self, (process, life): (usize, u32), before: &Seen, after: &Seen) {
        let account = self.processes[process].plan.account;
        if after.sign_outs > before.sign_outs {
            return self.watch.signed_out(account, process);
        }
        if let Some(token) = &after.token
            && self.server.born_ms(token) <= self.watch.signed_out_ms(account)
            && !self.watch.is_of_a_lone_session(self.server.born_ms(token), (process, life))
        {
            let how = format!("process {process} writes a token of account {account} that was signed out");
            return self.watch.breaks(Promise::SignOutKept, how);
        }
        let Some(lost) = before.token.as_ref().filter(|lost| Some(*lost) != after.token.as_ref()) else {
            return;
        };
        let kept_ms = after.token.as_ref().map_or(0, |token| self.server.expires_ms(token));
        // Its life counts from when it was asked for, up to half a minute before it was made, and its last seconds do not count.
        let is_usable = self.server.standing(lost, self.true_unix_ms() + 60_000) == Standing::Good;
        // Of a token of another clock a process knows no age, and its own is as good.
        if is_usable && self.have_one_clock() && kept_ms + REPLICAS_APART_MS < self.server.expires_ms(lost) {
            let how =
                format!("process {process} writes a worse token of account {account} over a usable one");
            self.watch.breaks(Promise::TokenKept, how);
        }
    }

    fn look_at_rejections(&mut self, process: usize, before: &Seen, after: &Seen) {
        let plan = &self.processes[process].plan;
        let (account, is_known) = (plan.account, plan.knows_password);
        if after.resets > before.resets {
            self.watch.cleared((account, is_known));
        }
        for known in [true, false] {
            if after.rejected.is_empty() {
                return;
            }
            if after.rejected.contains(&fingerprint(account, known))
                && !self.watch.writes_rejection((account, known))
            {
                let how =
                    format!("process {process} writes a rejection of account {account} that was cleared");
                self.watch.breaks(Promise::ClearedKept, how);
            }
        }
    }

    /// A process is about to send: under its own claim, and nobody else's request is out.
    pub(crate) fn look_at_send(&mut self, process: usize) {
        if self.plan.store.is_none() {
            return;
        }
        let (account, owner) =
            (self.processes[process].plan.account, self.session(process).owner.to_string());
        let claim = Seen::read(&self.store.get(Key::Account(account)).bytes).claim;
        let renewed_ms = self.watch.claims.get(&account).map_or(0, |(_, at_ms)| *at_ms);
        let is_announced =
            claim.is_some_and(|claim| claim.owner == owner) && self.true_ms - renewed_ms <= FRESH_MS;
        let may_be_alone = self.processes[process].plan.on_store_failure == OnStoreFailure::GoOnAlone;
        let is_alone = may_be_alone && self.session(process).is_alone;
        if is_alone {
            return self.watch.sends_alone(process, self.processes[process].life);
        }
        // An engine that lost the claim did not say so yet.
        if !is_announced && !self.watch.lost_lately(Key::Account(account)) {
            let how = format!("process {process} sends for account {account} without a claim of its own");
            self.watch.breaks(Promise::Announced, how);
        }
        for other in 0..self.processes.len() {
            let its = &self.processes[other];
            let (life, now) = (its.life, self.time(other));
            let Some(session) =
                its.session.as_ref().filter(|_| other != process && its.plan.account == account)
            else {
                continue;
            };
            if session.is_attempting(now) && !session.lost_claim && !self.watch.is_alone(other, life) {
                let how = format!("process {process} sends for account {account} while process {other} does");
                self.watch.breaks(Promise::OneFlight, how);
            }
        }
    }

    /// A process that waits for the claim of one that is gone does not wait for long.
    pub(crate) fn check_freed(&mut self, process: usize) {
        let (true_ms, stopped_ms) = (self.true_ms, self.stopped_ms(process));
        let Some(session) = &self.processes[process].session else { return };
        let Some((owner, since_ms)) = session.watched else { return };
        let Some((_, gone_ms)) = self.gone.get(&owner.to_string()) else { return };
        let since_ms = since_ms.max(*gone_ms).max(stopped_ms);
        // A store that is slow, or fails, delays each look.
        let is_excused =
            self.store.plan.as_ref().is_none_or(|plan| plan.slow + plan.fails > 0 || plan.latency_ms.1 > 100);
        if true_ms > since_ms + FREED_MS && !is_excused && self.watch.store_works_since(since_ms) {
            let how =
                format!("process {process} waits since {since_ms} ms for {}, which is gone", short(owner));
            self.watch.breaks(Promise::Freed, how);
        }
    }

    /// When a process stood still last.
    pub(crate) fn stopped_ms(&self, process: usize) -> u64 {
        self.processes[process]
            .paused_until_ms
            .max(self.machines[self.processes[process].plan.machine].awake_since_ms())
    }
}

/// What a password of an account is recognised by in the record.
fn fingerprint(account: usize, known: bool) -> String {
    let print = FingerprintKey::new(KEY).of(&[user_name(account).as_bytes(), password(known).as_bytes()]);
    hex(print)
}

fn hex(print: Fingerprint) -> String {
    Vec::<u8>::from(print).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn short(owner: ClaimOwner) -> String {
    format!("{owner:?}")
}
