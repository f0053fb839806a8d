//! The server: accounts, tokens, replicas whose clocks differ, and a limit. It knows the true time.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, UNIX_EPOCH};

use plextrac_auth_core::Call;

use crate::driver::{Reply, Sent, authenticator, jwt, reply};
use crate::limit::Limit;
use crate::plan::{Outage, Plan, RetryAfter, ServerPlan};
use crate::random::Random;

const WRONG_PASSWORD: &str = "no-longer-right";
const RIGHT_PASSWORD: &str = "correct-horse";
const STEP_MS: i64 = 30_000;

pub(crate) const fn password(is_right: bool) -> &'static str {
    if is_right { RIGHT_PASSWORD } else { WRONG_PASSWORD }
}

pub(crate) fn user_name(account: usize) -> String {
    format!("user-{account}@acme.example")
}

pub(crate) struct Server {
    plan: ServerPlan,
    accounts: Vec<Account>,
    tokens: HashMap<String, Issued>,
    limit: Limit,
    outage: Option<(u64, Outage)>,
    codes: HashMap<i64, String>,
    serial: u64,
    /// A right code that came a second time.
    pub(crate) repeated_codes: u64,
    pub(crate) rate_limited: u64,
}

struct Account {
    has_mfa: bool,
    takes_the_known_password: bool,
    challenges: HashSet<String>,
    spent_steps: HashSet<i64>,
}

struct Issued {
    account: usize,
    expires_ms: i64,
    is_revoked: bool,
    /// When its sign-in was granted, in true time: a refresh brings no younger one.
    born_ms: u64,
}

/// What becomes of a token that is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    Good,
    Expired,
    Revoked,
}

impl Server {
    pub(crate) fn new(plan: &Plan) -> Self {
        let account = |has_mfa: &bool| Account {
            has_mfa: *has_mfa,
            takes_the_known_password: true,
            challenges: HashSet::new(),
            spent_steps: HashSet::new(),
        };
        Self {
            accounts: plan.accounts.iter().map(account).collect(),
            tokens: HashMap::new(),
            limit: Limit::new(plan.server.window, plan.server.places),
            outage: None,
            codes: HashMap::new(),
            serial: 0,
            repeated_codes: 0,
            rate_limited: 0,
            plan: plan.server.clone(),
        }
    }

    /// The answer to an authentication request that arrives now.
    pub(crate) fn answer(&mut self, sent: &Sent, at_ms: u64, unix_ms: i64, random: &mut Random) -> Reply {
        let unix_ms = unix_ms + random.pick(&self.plan.replicas_ahead_ms);
        let limited = self.limit.take(at_ms);
        let answer = match (self.outage_at(at_ms), limited) {
            (Some(Outage::RateLimited), _) => self.too_many(unix_ms, random.within((1000, 30_000))),
            (Some(Outage::Html), _) => reply::html(503),
            (Some(_), _) => reply::server_error(),
            (None, Err(wait_ms)) => self.too_many(unix_ms, wait_ms),
            (None, Ok(())) if random.chance(self.plan.errors) => random.pick(&[
                reply::html(502),
                reply::html(200),
                reply::server_error(),
                reply::json(200, ""),
            ]),
            (None, Ok(())) => self.decide(sent, at_ms, unix_ms),
        };
        if self.plan.sends_date { answer.with_header("Date", &http_date(unix_ms)) } else { answer }
    }

    /// People's browsers sign in as well.
    pub(crate) fn others_sign_in(&mut self, at_ms: u64) {
        let _ = self.limit.take(at_ms);
    }

    /// On the replica that would refuse it first.
    pub(crate) fn standing(&self, token: &str, unix_ms: i64) -> Standing {
        let most_ahead = self.plan.replicas_ahead_ms.iter().max().copied().unwrap_or(0);
        match self.tokens.get(token) {
            Some(issued) if issued.is_revoked => Standing::Revoked,
            Some(issued) if unix_ms + most_ahead < issued.expires_ms => Standing::Good,
            _ => Standing::Expired,
        }
    }

    pub(crate) fn expires_ms(&self, token: &str) -> i64 {
        self.tokens.get(token).map_or(0, |issued| issued.expires_ms)
    }

    /// When the sign-in was granted that a token goes back to.
    pub(crate) fn born_ms(&self, token: &str) -> u64 {
        self.tokens.get(token).map_or(0, |issued| issued.born_ms)
    }

    pub(crate) fn begin_outage(&mut self, until_ms: u64, how: Outage) {
        self.outage = Some((until_ms, how));
    }

    pub(crate) fn outage_at(&self, at_ms: u64) -> Option<Outage> {
        self.outage.filter(|(until, _)| at_ms < *until).map(|(_, how)| how)
    }

    /// No answer is an error any more.
    pub(crate) const fn be_calm(&mut self) {
        self.plan.errors = 0;
    }

    pub(crate) fn revoke(&mut self, account: usize) {
        for issued in self.tokens.values_mut().filter(|issued| issued.account == account) {
            issued.is_revoked = true;
        }
    }

    pub(crate) fn change_password(&mut self, account: usize) {
        self.accounts[account].takes_the_known_password = false;
        self.accounts[account].challenges.clear();
    }

    pub(crate) fn takes_password(&self, account: usize) -> bool {
        self.accounts[account].takes_the_known_password
    }

    fn decide(&mut self, sent: &Sent, at_ms: u64, unix_ms: i64) -> Reply {
        match sent.call {
            Call::SignIn => {
                let username = sent.field("username");
                let account = (0..self.accounts.len()).find(|n| user_name(*n) == username).unwrap();
                let state = &mut self.accounts[account];
                if sent.field("password") != RIGHT_PASSWORD || !state.takes_the_known_password {
                    return reply::rejected();
                }
                if !state.has_mfa {
                    return self.grant(account, at_ms, unix_ms);
                }
                self.serial += 1;
                let code = format!("{account}.{}", self.serial);
                state.challenges.insert(code.clone());
                reply::challenge(&code)
            }
            Call::Mfa => {
                let challenge = sent.field("code");
                let account = challenge.split('.').next().and_then(|n| n.parse().ok()).unwrap();
                let takes = self.takes_code(account, &sent.field("token"), unix_ms);
                if self.accounts[account].challenges.remove(&challenge) && takes {
                    return self.grant(account, at_ms, unix_ms);
                }
                reply::rejected()
            }
            Call::Refresh => {
                let token = sent.authorization.as_deref().unwrap_or_default();
                match self.tokens.get(token) {
                    Some(issued) if !issued.is_revoked && unix_ms < issued.expires_ms => {
                        self.grant(issued.account, issued.born_ms, unix_ms)
                    }
                    _ => reply::rejected(),
                }
            }
        }
    }

    fn grant(&mut self, account: usize, born_ms: u64, unix_ms: i64) -> Reply {
        self.serial += 1;
        let token = jwt(unix_ms, self.plan.life_s, self.serial);
        let expires_ms = (unix_ms.div_euclid(1000) + self.plan.life_s) * 1000;
        self.tokens.insert(token.clone(), Issued { account, expires_ms, is_revoked: false, born_ms });
        reply::token(&token)
    }

    /// A code of this step or of one beside it, and of none that was used (RFC 6238 §5.2).
    fn takes_code(&mut self, account: usize, code: &str, unix_ms: i64) -> bool {
        let step = unix_ms.div_euclid(STEP_MS);
        for near in [step - 1, step, step + 1] {
            if *self.code_of(near) != *code {
                continue;
            }
            let is_new = self.accounts[account].spent_steps.insert(near);
            self.repeated_codes += u64::from(!is_new);
            return is_new;
        }
        false
    }

    fn code_of(&mut self, step: i64) -> &String {
        self.codes.entry(step).or_insert_with(|| authenticator(step * STEP_MS))
    }

    fn too_many(&mut self, unix_ms: i64, wait_ms: u64) -> Reply {
        self.rate_limited += 1;
        let answer = reply::json(429, r#"{"statusCode":429,"error":"Too Many Requests","message":"later"}"#);
        match self.plan.retry_after {
            RetryAfter::Seconds => answer.with_header("Retry-After", &wait_ms.div_ceil(1000).to_string()),
            RetryAfter::Date => answer.with_header("Retry-After", &http_date(unix_ms + wait_ms as i64 + 999)),
            RetryAfter::ResetHeader => answer.with_header("X-RateLimit-PathReset", &wait_ms.to_string()),
            RetryAfter::Absent => answer,
        }
    }
}

fn http_date(unix_ms: i64) -> String {
    httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_millis(unix_ms as u64))
}
