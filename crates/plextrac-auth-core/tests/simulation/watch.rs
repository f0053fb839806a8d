//! What must never happen, looked for at every step; and what happened, in figures.

use std::collections::{HashMap, HashSet, VecDeque};
use std::fmt;

use plextrac_auth_core::{Call, Generation, Instant};

/// The promises of a session that others build on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Promise {
    /// The server sees no more authentication requests in any 60 s than the budget has.
    Budget,
    /// Never two authentication requests of one account at a time.
    OneFlight,
    /// No token that any replica takes for expired is handed out.
    NoExpiredToken,
    /// A usable token is not dropped, neither here nor from the shared record.
    TokenKept,
    /// Whoever waits is answered by its deadline.
    Deadline,
    /// No computed code is sent twice, whoever computes it.
    CodeOnce,
    /// A password that was rejected is not sent again.
    RejectedOnce,
    /// Nothing polls in circles.
    NoBusyLoop,
    /// What the machine says to send is sent, and its answer is waited for.
    Sent,
    /// When all is well again, so is everybody who has the right credentials.
    Recovery,
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

#[derive(Default)]
pub(crate) struct Watch {
    pub(crate) figures: Figures,
    pub(crate) broken: Option<Broken>,
    now_ms: u64,
    recent: VecDeque<u64>,
    /// By account: the process, in one of its lives, whose request is out.
    out: HashMap<usize, (usize, u32)>,
    /// Computed codes, with the account and when they left.
    codes: Vec<(usize, String, u64)>,
    /// Passwords whose rejection was written down for everybody.
    rejected: HashSet<(usize, bool)>,
    /// Processes, in one of their lives, that were told so themselves.
    told: HashSet<(usize, u32)>,
    /// By process: the token that may be handed out, and until when.
    held: HashMap<usize, (Generation, Instant)>,
    /// By process: the second, the polls and the calls in it.
    pace: HashMap<usize, (u64, u64, u64)>,
}

impl Watch {
    pub(crate) const fn advance(&mut self, now_ms: u64) {
        self.now_ms = now_ms;
    }

    pub(crate) fn breaks(&mut self, promise: Promise, how: String) {
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
        if seen > budget as usize {
            self.breaks(Promise::Budget, format!("{seen} requests within 60 s, and the budget is {budget}"));
        }
    }

    pub(crate) fn left(&mut self, account: usize, process: usize, life: u32) {
        self.figures.attempts += 1;
        if let Some((other, _)) = self.out.insert(account, (process, life)) {
            let how = format!("process {process} sends for account {account} while process {other} does");
            self.breaks(Promise::OneFlight, how);
        }
    }

    pub(crate) fn came_back(&mut self, account: usize, process: usize, life: u32) {
        if self.out.get(&account) == Some(&(process, life)) {
            self.out.remove(&account);
        }
    }

    /// A dead process waits for no answer, and holds no token.
    pub(crate) fn died(&mut self, account: usize, process: usize) {
        self.out.retain(|of, (by, _)| *of != account || *by != process);
        self.held.remove(&process);
    }

    pub(crate) fn code_left(&mut self, account: usize, code: String) {
        let now = self.now_ms;
        self.codes.retain(|(_, _, at)| now - at < 90_000);
        if self.codes.iter().any(|(of, sent, _)| *of == account && *sent == code) {
            self.breaks(Promise::CodeOnce, format!("a computed code of account {account} is sent twice"));
        }
        self.codes.push((account, code, now));
    }

    pub(crate) fn password_left(&mut self, account: usize, is_known: bool, process: usize, life: u32) {
        let is_shared = self.rejected.contains(&(account, is_known));
        if is_shared || self.told.contains(&(process, life)) {
            let how = format!("process {process} sends a password of account {account} that was rejected");
            self.breaks(Promise::RejectedOnce, how);
        }
    }

    pub(crate) fn rejected_here(&mut self, process: usize, life: u32) {
        self.told.insert((process, life));
    }

    pub(crate) fn is_rejected_here(&self, process: usize, life: u32) -> bool {
        self.told.contains(&(process, life))
    }

    pub(crate) fn rejection_shared(&mut self, account: usize, is_known: bool) {
        self.rejected.insert((account, is_known));
    }

    /// What a process holds after something happened. `excused`: the token was answered with 401, or the user signed out.
    pub(crate) fn holds(
        &mut self,
        process: usize,
        usable: Option<(Generation, Instant)>,
        now: Instant,
        excused: bool,
    ) {
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
        if polls > 100 + 20 * callers as u64 + 12 * calls {
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
