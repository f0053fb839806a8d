//! The instance: ten authentication requests a minute, tokens, and a second step.

use std::collections::{HashSet, VecDeque};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use plextrac_auth_core::{Call, Request};

use crate::plan::{Mfa, Plan};
use crate::report::{Busiest, Report};

/// An answer as bytes.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) retry_after: Option<String>,
    pub(crate) body: String,
}

pub(crate) struct Instance {
    places: usize,
    token_life_s: u64,
    has_mfa: bool,
    is_password_right: bool,
    /// When the requests of the last minute were answered otherwise than with 429, in milliseconds.
    answered: VecDeque<u64>,
    /// When each token ends, by its serial.
    ends_ms: Vec<u64>,
    /// Challenges that wait for a code.
    challenges: HashSet<String>,
    codes: HashSet<String>,
    /// The newest token.
    pub(crate) newest: String,
    pub(crate) of_fleet: Busiest,
    pub(crate) of_all: Busiest,
}

/// True time when a run begins, in milliseconds since 1970.
pub(crate) const BEGIN_UNIX_MS: u64 = 1_700_000_000_000;

const MINUTE_MS: u64 = 60_000;

impl Instance {
    pub(crate) fn new(plan: &Plan) -> Self {
        Self {
            places: plan.places as usize,
            token_life_s: plan.token_life_s,
            has_mfa: plan.mfa != Mfa::Off,
            is_password_right: plan.is_password_right,
            answered: VecDeque::new(),
            ends_ms: Vec::new(),
            challenges: HashSet::new(),
            codes: HashSet::new(),
            newest: String::new(),
            of_fleet: Busiest::new(MINUTE_MS),
            of_all: Busiest::new(MINUTE_MS),
        }
    }

    /// A person signs in with a browser.
    pub(crate) fn person_signs_in(&mut self, now_ms: u64, report: &mut Report) {
        self.of_all.count(now_ms);
        if self.take_place(now_ms).is_err() {
            report.people_refused += 1;
        }
    }

    /// The answer to a request that arrives now.
    pub(crate) fn answer(&mut self, request: &Request, now_ms: u64, report: &mut Report) -> Reply {
        match request.call {
            Call::SignIn => report.sign_ins += 1,
            Call::Mfa => report.second_steps += 1,
            Call::Refresh => report.refreshes += 1,
        }
        self.of_fleet.count(now_ms);
        self.of_all.count(now_ms);
        if let Err(free_ms) = self.take_place(now_ms) {
            report.rate_limited += 1;
            let seconds = (free_ms - now_ms).div_ceil(1000).max(1);
            return Reply { retry_after: Some(seconds.to_string()), ..reply(429, "{}") };
        }
        let body = request.body.as_ref().map_or("", |body| core::str::from_utf8(body.expose()).unwrap_or(""));
        match request.call {
            Call::SignIn if !self.is_password_right => {
                report.rejected += 1;
                rejected()
            }
            Call::SignIn if self.has_mfa => {
                let code = format!("challenge{now_ms}x{}", report.sign_ins);
                let body = format!(r#"{{"status":"success","mfa_enabled":true,"code":"{code}"}}"#);
                self.challenges.insert(code);
                reply(200, &body)
            }
            Call::SignIn => self.grant(now_ms),
            Call::Mfa => {
                let is_known = self.challenges.remove(field(body, "code"));
                let is_new = self.codes.insert(field(body, "token").to_owned());
                report.repeated_codes += u64::from(!is_new);
                if is_known && is_new { self.grant(now_ms) } else { rejected() }
            }
            Call::Refresh => {
                let token = request.headers.iter().find(|(name, _)| *name == "Authorization");
                let serial = token.and_then(|(_, value)| value.expose().rsplit_once('s'));
                let ends_ms = serial.and_then(|(_, serial)| self.ends_ms.get(serial.parse::<usize>().ok()?));
                if ends_ms.is_some_and(|ends| now_ms < *ends) { self.grant(now_ms) } else { rejected() }
            }
        }
    }

    /// Takes one of the minute's places, or says when one is free.
    fn take_place(&mut self, now_ms: u64) -> Result<(), u64> {
        while self.answered.front().is_some_and(|first| first + MINUTE_MS <= now_ms) {
            self.answered.pop_front();
        }
        match self.answered.front() {
            Some(first) if self.answered.len() >= self.places => Err(first + MINUTE_MS),
            _ => {
                self.answered.push_back(now_ms);
                Ok(())
            }
        }
    }

    fn grant(&mut self, now_ms: u64) -> Reply {
        let issued_s = (BEGIN_UNIX_MS + now_ms) / 1000;
        let claims = format!(r#"{{"iat":{issued_s},"exp":{}}}"#, issued_s + self.token_life_s);
        let serial = self.ends_ms.len();
        self.ends_ms.push(now_ms + self.token_life_s * 1000);
        // Some have permissions in them, and are as long.
        let signature = "x".repeat(900);
        let token = format!("e30.{}.{signature}s{serial}", URL_SAFE_NO_PAD.encode(claims));
        let body = format!(r#"{{"status":"success","tenant_id":0,"cookie":"c{serial}","token":"{token}"}}"#);
        self.newest = token;
        reply(200, &body)
    }
}

fn rejected() -> Reply {
    reply(401, r#"{"status":"error","message":"Invalid credentials"}"#)
}

fn reply(status: u16, body: &str) -> Reply {
    Reply { status, retry_after: None, body: body.to_owned() }
}

/// A text of a flat JSON object.
fn field<'a>(json: &'a str, name: &str) -> &'a str {
    let quoted = format!("\"{name}\":\"");
    let begin = json.find(&quoted).map(|at| at + quoted.len());
    begin.and_then(|begin| json[begin..].split('"').next()).unwrap_or_default()
}
