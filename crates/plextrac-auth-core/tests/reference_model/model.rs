//! What is known without looking into a machine, and what must never happen.

use std::collections::HashMap;

use plextrac_auth_core::{Call, Instant};

use crate::driver::{Sent, secs};
use crate::life::{Answer, Step};

/// What is known without looking into a machine.
#[derive(Default)]
pub(crate) struct Model {
    pub(crate) limit: usize,
    pub(crate) life_s: i64,
    pub(crate) shares: bool,
    pub(crate) is_computing: [bool; 2],
    pub(crate) wall_clock_moved: bool,
    pub(crate) exchanges: Vec<Exchange>,
    pub(crate) accounts: [Account; 2],
    /// The shared record says that the password was rejected.
    pub(crate) is_known_rejected: bool,
    /// The server's truth about each token.
    pub(crate) ends: HashMap<String, Instant>,
    /// The instance asked everybody to wait.
    pub(crate) quiet_until: Instant,
}

/// A request as the server may have met it: at any moment between the two.
pub(crate) struct Exchange {
    pub(crate) sent: Instant,
    pub(crate) closed: Option<Instant>,
    pub(crate) deadline: Instant,
}

#[derive(Default)]
pub(crate) struct Account {
    pub(crate) out: Option<usize>,
    pub(crate) is_rejected: bool,
    pub(crate) computed_in_a_row: u32,
    /// Codes that were sent, and when.
    pub(crate) codes: Vec<(String, Instant)>,
    /// Tokens that were answered with 401.
    pub(crate) dead: Vec<String>,
}

impl Model {
    pub(crate) fn sent(&mut self, who: usize, sent: &Sent, deadline: Instant) {
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

    pub(crate) fn closed(&mut self, who: usize, at: Instant) {
        if let Some(index) = self.accounts[who].out.take() {
            self.exchanges[index].closed = Some(at);
        }
    }

    pub(crate) fn answered(&mut self, who: usize, call: Call, step: &Step, now: Instant) {
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

    pub(crate) fn forget(&mut self, who: usize) {
        self.accounts[who].is_rejected = false;
        self.accounts[who].computed_in_a_row = 0;
        self.is_known_rejected = false;
    }

    fn was_computed(&self, who: usize) -> bool {
        let (code, _) = self.accounts[who].codes.last().unwrap();
        self.is_computing[who] && !["111111", "222222", "333333"].contains(&code.as_str())
    }

    pub(crate) fn was_sent(&self, who: usize, code: &str, now: Instant) -> bool {
        self.accounts[who].codes.iter().any(|(sent, at)| sent == code && now < *at + secs(90))
    }

    pub(crate) fn last_sent(&self, who: usize) -> Instant {
        self.exchanges[self.accounts[who].out.unwrap()].sent
    }
}
