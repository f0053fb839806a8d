//! What must never happen, looked for at every step; and what happened, in figures.

use std::collections::{HashMap, HashSet, VecDeque};
use std::fmt;

use plextrac_auth_core::{Call, Generation, Instant};

use crate::store::Key;

/// The promises of a session that others build on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Promise {
    /// The server sees no more authentication requests in any 60 s than the budget has.
    Budget,
    /// A request leaves under a claim that its process wrote at most five seconds before.
    Announced,
    /// While claims are honoured, one request of an account is out at a time.
    OneFlight,
    /// Nobody ends the claim of a living process within its lease, nor a process its own while its request is out.
    ClaimKept,
    /// The claim of a process that is gone delays others for 15 s at most.
    Freed,
    /// No token that any replica takes for expired is handed out.
    NoExpiredToken,
    /// A usable token is not dropped, neither here nor from the shared record.
    TokenKept,
    /// A sign-out is not undone by another session.
    SignOutKept,
    /// A caller that waits returns by its deadline, once.
    Deadline,
    /// No computed code is sent twice, whoever computes it.
    CodeOnce,
    /// A password that was rejected is not sent again, unless the rejection is cleared.
    RejectedOnce,
    /// A rejection that was cleared is not written back.
    ClearedKept,
    /// Nothing polls in circles.
    NoBusyLoop,
    /// What is handed in is taken, and a caller that is served has its token.
    Sent,
    /// When all is well again, so is everybody who has the right credentials.
    Recovery,
    /// After the last call nothing is under way.
    Idle,
}

#[derive(Clone, Debug)]
pub(crate) struct Broken {
    pub(crate) promise: Promise,
    pub(crate) how: String,
    pub(crate) at_ms: u64,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} broken at {} ms: {}", self.promise, self.at_ms, self.how)
    }
}

/// Counts of one run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Figures {
    pub(crate) sign_ins: u64,
    pub(crate) second_steps: u64,
    pub(crate) refreshes: u64,
    /// Authentication requests that left, whether or not they arrived.
    pub(crate) attempts: u64,
    pub(crate) rate_limited: u64,
    pub(crate) repeated_codes: u64,
    pub(crate) expired_sent: u64,
    pub(crate) calls: u64,
    pub(crate) served: u64,
    /// Calls that ended without a token, by the reason they were told.
    pub(crate) failed: HashMap<String, u64>,
    /// When the first of them did.
    pub(crate) first_failure_ms: Option<u64>,
    /// Calls of a program that ended with a 401, all retries done.
    pub(crate) unauthorized: u64,
    pub(crate) adopted: u64,
    pub(crate) operations: u64,
    pub(crate) writes: u64,
    pub(crate) conflicts: u64,
    pub(crate) store_failures: u64,
    pub(crate) takeovers: u64,
    pub(crate) forks: u64,
    pub(crate) signed_out: u64,
    pub(crate) cleared: u64,
    pub(crate) alone: u64,
    /// The longest any call waited, in milliseconds, a person's time included.
    pub(crate) longest_wait_ms: u64,
    pub(crate) events: u64,
}

impl Figures {
    /// Adds what another run came to; moments are left out.
    pub(crate) fn add(&mut self, other: &Self) {
        self.sign_ins += other.sign_ins;
        self.second_steps += other.second_steps;
        self.refreshes += other.refreshes;
        self.attempts += other.attempts;
        self.rate_limited += other.rate_limited;
        self.repeated_codes += other.repeated_codes;
        self.expired_sent += other.expired_sent;
        self.calls += other.calls;
        self.served += other.served;
        self.unauthorized += other.unauthorized;
        self.adopted += other.adopted;
        self.operations += other.operations;
        self.writes += other.writes;
        self.conflicts += other.conflicts;
        self.store_failures += other.store_failures;
        self.takeovers += other.takeovers;
        self.forks += other.forks;
        self.signed_out += other.signed_out;
        self.cleared += other.cleared;
        self.alone += other.alone;
        self.events += other.events;
        self.longest_wait_ms = self.longest_wait_ms.max(other.longest_wait_ms);
        for (reason, calls) in &other.failed {
            *self.failed.entry(reason.clone()).or_default() += calls;
        }
    }

    pub(crate) fn authentication_requests(&self) -> u64 {
        self.sign_ins + self.second_steps + self.refreshes
    }
}

/// A process in one of its lives.
type Life = (usize, u32);
/// A password of an account: the one that was right at first, or the other one.
type Password = (usize, bool);

#[derive(Default)]
pub(crate) struct Watch {
    pub(crate) figures: Figures,
    pub(crate) broken: Option<Broken>,
    only: Option<Promise>,
    now_ms: u64,
    recent: VecDeque<u64>,
    /// By account: the owner of the last claim, and when its write was begun.
    pub(crate) claims: HashMap<usize, (String, u64)>,
    /// Computed codes, with the account and when they left.
    codes: Vec<(usize, String, u64)>,
    passwords: HashMap<Password, Rejection>,
    /// By account: when a caller signed it out last. By process: when a caller of it signed out last.
    signed_out: HashMap<usize, u64>,
    signing_out: HashMap<usize, u64>,
    /// Processes that send without their store, and when they did so last.
    alone: HashMap<Life, u64>,
    alone_ms: Option<u64>,
    /// When such a process signed in, by the server's clock. Refreshed tokens keep this moment.
    lone_births: HashSet<u64>,
    /// When a record was set back last.
    lost: HashMap<Key, u64>,
    /// When an operation of the store failed last.
    failed_ms: u64,
    /// By process: the token that may be handed out, and until when.
    held: HashMap<usize, (Generation, Instant)>,
    /// Processes that may drop their token now.
    excused: HashSet<usize>,
    /// By process: the second, the polls and the calls in it.
    pace: HashMap<usize, (u64, u64, u64)>,
}

/// What became of a password.
#[derive(Default)]
struct Rejection {
    /// When a process was answered so last.
    rejected_ms: u64,
    /// When a process began to clear it, and when the record said so.
    clearing_ms: u64,
    cleared_ms: u64,
    /// The record says that it was rejected.
    is_shared: bool,
    /// Processes that know so themselves.
    told: HashSet<Life>,
}

impl Watch {
    pub(crate) fn of(only: Option<Promise>) -> Self {
        Self { only, ..Self::default() }
    }

    pub(crate) const fn advance(&mut self, now_ms: u64) {
        self.now_ms = now_ms;
    }

    pub(crate) fn breaks(&mut self, promise: Promise, how: String) {
        if self.only.is_some_and(|only| only != promise) {
            return;
        }
        let at_ms = self.now_ms;
        self.broken.get_or_insert(Broken { promise, how, at_ms });
    }

    pub(crate) fn arrived(&mut self, call: Call, budget: u32) {
        match call {
            Call::SignIn => self.figures.sign_ins += 1,
            Call::Mfa => self.figures.second_steps += 1,
            Call::Refresh => self.figures.refreshes += 1,
        }
        self.recent.push_back(self.now_ms);
        while self.recent.front().is_some_and(|first| *first + 60_000 <= self.now_ms) {
            self.recent.pop_front();
        }
        let seen = self.recent.len();
        // What is sent without the store is counted by nobody else; nor is what the store lost.
        let is_excused = self.is_lately(self.alone_ms, 150_000)
            || self.is_lately(self.lost.get(&Key::Budget).copied(), 150_000);
        if seen > budget as usize && !is_excused {
            self.breaks(Promise::Budget, format!("{seen} requests within 60 s, and the budget is {budget}"));
        }
    }

    /// A dead process holds no token.
    pub(crate) fn died(&mut self, process: usize) {
        self.held.remove(&process);
    }

    pub(crate) fn sends_alone(&mut self, process: usize, life: u32) {
        self.figures.alone += 1;
        self.alone.insert((process, life), self.now_ms);
        self.alone_ms = Some(self.now_ms);
    }

    /// Whether a process sent its last request without its store.
    pub(crate) fn is_alone(&self, process: usize, life: u32) -> bool {
        self.is_lately(self.alone.get(&(process, life)).copied(), 150_000)
    }

    /// Whether a session that began without its store brought this token: before its first look, such a session does
    /// not know of a sign-out.
    pub(crate) fn is_of_a_lone_session(&mut self, born_ms: u64, writer: Life) -> bool {
        if self.alone.contains_key(&writer) {
            self.lone_births.insert(born_ms);
        }
        self.lone_births.contains(&born_ms)
    }

    /// Whether one of these processes sent a request without its store.
    pub(crate) fn was_anyone_alone(&self, processes: &[usize]) -> bool {
        self.alone.keys().any(|(process, _)| processes.contains(process))
    }

    /// Records were set back to what they were before.
    pub(crate) fn lost_writes(&mut self, keys: &[Key]) {
        for key in keys {
            self.lost.insert(*key, self.now_ms);
            if let Key::Account(account) = *key {
                self.signed_out.remove(&account);
                for known in [true, false] {
                    self.passwords.remove(&(account, known));
                }
            }
        }
    }

    pub(crate) fn lost_lately(&self, key: Key) -> bool {
        self.is_lately(self.lost.get(&key).copied(), 10_000)
    }

    fn is_lately(&self, at_ms: Option<u64>, span_ms: u64) -> bool {
        at_ms.is_some_and(|at_ms| self.now_ms < at_ms + span_ms)
    }

    pub(crate) const fn store_failed(&mut self) {
        self.figures.store_failures += 1;
        self.failed_ms = self.now_ms;
    }

    pub(crate) const fn store_works_since(&self, since_ms: u64) -> bool {
        self.failed_ms < since_ms
    }

    pub(crate) fn code_left(&mut self, account: usize, code: String) {
        let now = self.now_ms;
        self.codes.retain(|(_, _, at)| now - at < 90_000);
        if self.codes.iter().any(|(of, sent, _)| *of == account && *sent == code) {
            self.repeats_code(account);
        }
        self.codes.push((account, code, now));
    }

    /// A code was sent again.
    pub(crate) fn repeats_code(&mut self, account: usize) {
        if !self.is_lately(self.alone_ms, 150_000)
            && !self.is_lately(self.lost.get(&Key::Account(account)).copied(), 150_000)
        {
            self.breaks(Promise::CodeOnce, format!("a computed code of account {account} is sent twice"));
        }
    }

    pub(crate) fn password_left(&mut self, life: Life, password: Password) {
        let state = self.passwords.entry(password).or_default();
        if (state.is_shared && !self.alone.contains_key(&life)) || state.told.contains(&life) {
            let how =
                format!("process {} sends a password of account {} that was rejected", life.0, password.0);
            self.breaks(Promise::RejectedOnce, how);
        }
    }

    /// The server rejected what a process sent.
    pub(crate) fn rejected_here(&mut self, life: Life, password: Password) {
        let at_ms = self.now_ms;
        let state = self.passwords.entry(password).or_default();
        state.told.insert(life);
        state.rejected_ms = at_ms;
    }

    /// A caller clears the rejection: from here on its process may send the password again.
    pub(crate) fn clearing(&mut self, account: usize, is_known: bool) {
        self.figures.cleared += 1;
        let at_ms = self.now_ms;
        let state = self.passwords.entry((account, is_known)).or_default();
        state.clearing_ms = at_ms;
        state.is_shared = false;
        state.told.clear();
    }

    /// The record says that a rejection was cleared.
    pub(crate) fn cleared(&mut self, password: Password) {
        let at_ms = self.now_ms;
        let state = self.passwords.entry(password).or_default();
        state.cleared_ms = at_ms;
        state.is_shared = false;
        state.told.clear();
    }

    /// The record says that a password was rejected. `false` if that was cleared, and it was not rejected again.
    pub(crate) fn writes_rejection(&mut self, password: Password) -> bool {
        let state = self.passwords.entry(password).or_default();
        state.is_shared |= state.rejected_ms > state.clearing_ms;
        state.cleared_ms == 0 || state.rejected_ms > state.clearing_ms || state.cleared_ms < state.clearing_ms
    }

    /// A caller signs out.
    pub(crate) fn signing_out(&mut self, process: usize) {
        self.figures.signed_out += 1;
        self.signing_out.insert(process, self.now_ms);
    }

    /// When the process began to sign out last.
    pub(crate) fn signing_out_ms(&self, process: usize) -> u64 {
        self.signing_out.get(&process).copied().unwrap_or(0)
    }

    /// The record says that the account was signed out. If the store failed at first, that may be much later.
    pub(crate) fn signed_out(&mut self, account: usize, process: usize) {
        let began_ms = self.signing_out_ms(process);
        let last_ms = self.signed_out.entry(account).or_default();
        *last_ms = began_ms.max(*last_ms);
    }

    pub(crate) fn signed_out_ms(&self, account: usize) -> u64 {
        self.signed_out.get(&account).copied().unwrap_or(0)
    }

    pub(crate) fn was_signed_out_since(&self, account: usize, since_ms: u64) -> bool {
        self.signed_out_ms(account) >= since_ms || self.lost_lately(Key::Account(account))
    }

    /// Until the next look at it, a process may drop its token.
    pub(crate) fn excuse(&mut self, process: usize) {
        self.excused.insert(process);
    }

    /// What a process holds after something happened. `excused`: the token was answered with 401, or the user signed out.
    pub(crate) fn holds(
        &mut self,
        process: usize,
        usable: Option<(Generation, Instant)>,
        now: Instant,
        excused: bool,
    ) {
        let excused = self.excused.remove(&process) || excused;
        let before = match usable {
            Some(usable) => self.held.insert(process, usable),
            None => self.held.remove(&process),
        };
        if let (Some((generation, until)), None, false) = (before, usable, excused)
            && now < until
        {
            let left = until.since(now).as_millis();
            let how = format!("process {process} dropped token {} with {left} ms to go", generation.0);
            self.breaks(Promise::TokenKept, how);
        }
    }

    pub(crate) fn polled(&mut self, process: usize, polls: u64, callers: usize) {
        let pace = self.pace_of(process);
        pace.1 += polls;
        let (_, polls, calls) = *pace;
        if polls > 100 + 20 * callers as u64 + 24 * calls {
            let how = format!("process {process} polls {polls} times in one second for {calls} calls");
            self.breaks(Promise::NoBusyLoop, how);
        }
    }

    pub(crate) fn call_failed(&mut self, reason: String) {
        self.figures.first_failure_ms.get_or_insert(self.now_ms);
        *self.figures.failed.entry(reason).or_default() += 1;
    }

    pub(crate) fn called(&mut self, process: usize) {
        self.figures.calls += 1;
        self.pace_of(process).2 += 1;
    }

    fn pace_of(&mut self, process: usize) -> &mut (u64, u64, u64) {
        let second = self.now_ms / 1000;
        let pace = self.pace.entry(process).or_default();
        if pace.0 != second {
            *pace = (second, 0, 0);
        }
        pace
    }
}
