//! The server: one account, the documented answers, and a script that goes before them.

use std::collections::{HashSet, VecDeque};
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use plextrac_auth_core::{Call, TransportFailure};
use totp_rs::{Builder, Secret};

use super::{PASSWORD, Sent, TOTP};

/// What comes back for a request.
#[derive(Clone)]
pub(crate) enum Reply {
    Answer { status: u16, headers: Vec<(String, Vec<u8>)>, body: Vec<u8> },
    Fails(TransportFailure),
}

impl Reply {
    pub(crate) fn with_header(self, name: &str, value: &str) -> Self {
        match self {
            Self::Answer { status, mut headers, body } => {
                headers.push((name.into(), value.into()));
                Self::Answer { status, headers, body }
            }
            Self::Fails(_) => panic!("a failure has no headers"),
        }
    }
}

/// As text: failing answers are to be read by people.
impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answer { status, headers, body } => {
                write!(f, "HTTP {status}")?;
                for (name, value) in headers {
                    write!(f, " [{name}: {:?}]", String::from_utf8_lossy(value))?;
                }
                write!(f, " {:?}", String::from_utf8_lossy(body))
            }
            Self::Fails(failure) => write!(f, "{failure:?}"),
        }
    }
}

/// Answers, ready-made.
pub(crate) mod reply {
    use super::Reply;

    pub(crate) fn json(status: u16, body: &str) -> Reply {
        Reply::Answer {
            status,
            headers: vec![("content-type".into(), b"application/json".to_vec())],
            body: body.into(),
        }
    }

    pub(crate) fn plain(status: u16, body: &str) -> Reply {
        Reply::Answer {
            status,
            headers: vec![("content-type".into(), b"text/plain".to_vec())],
            body: body.into(),
        }
    }

    pub(crate) fn token(token: &str) -> Reply {
        let body = format!(r#"{{"status":"success","tenant_id":0,"cookie":"c.{token}","token":"{token}"}}"#);
        json(200, &body)
    }

    pub(crate) fn challenge(code: &str) -> Reply {
        json(200, &format!(r#"{{"status":"success","mfa_enabled":true,"code":"{code}"}}"#))
    }

    pub(crate) fn rejected() -> Reply {
        json(401, r#"{"status":"error","message":"Invalid credentials"}"#)
    }

    pub(crate) fn rate_limited(seconds: u64) -> Reply {
        json(429, "").with_header("Retry-After", &seconds.to_string())
    }

    pub(crate) fn html(status: u16) -> Reply {
        Reply::Answer {
            status,
            headers: vec![("content-type".into(), b"text/html".to_vec())],
            body: b"<!DOCTYPE html><title>Attention required</title>".to_vec(),
        }
    }

    pub(crate) fn server_error() -> Reply {
        json(500, r#"{"message":"boom"}"#)
    }

    pub(crate) fn hostile_token() -> Reply {
        json(200, r#"{"status":"success","token":"a\r\nX-Evil: 1"}"#)
    }
}

/// A token as the server makes it at a moment of its own clock. The serial keeps tokens apart.
pub(crate) fn jwt(issued_unix_ms: i64, life_s: i64, serial: u64) -> String {
    let issued = issued_unix_ms.div_euclid(1000);
    let claims = format!(
        r#"{{"username":"someone","tenantId":0,"iat":{issued},"exp":{},"n":{serial}}}"#,
        issued + life_s
    );
    format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims))
}

/// One account on a server of the documented behaviour.
pub(crate) struct Server {
    /// Answers that go before the account's own, in order.
    pub(crate) script: VecDeque<Reply>,
    /// What every request meets while it lasts.
    pub(crate) outage: Option<Reply>,
    pub(crate) password: String,
    pub(crate) needs_mfa: bool,
    /// The six digits it takes from a person; codes of the authenticator are taken anyway.
    pub(crate) person_code: String,
    /// A token's life.
    pub(crate) life_s: i64,
    /// The server's clock minus true time.
    pub(crate) ahead_ms: i64,
    pub(crate) sends_date: bool,
    pub(crate) refuses_refresh: bool,
    /// Every request that came, in order.
    pub(crate) seen: Vec<Sent>,
    challenge: Option<String>,
    spent: HashSet<String>,
    serial: u64,
}

impl Server {
    /// An account without MFA.
    pub(crate) fn plain() -> Self {
        Self {
            script: VecDeque::new(),
            outage: None,
            password: PASSWORD.into(),
            needs_mfa: false,
            person_code: "424242".into(),
            life_s: 900,
            ahead_ms: 0,
            sends_date: false,
            refuses_refresh: false,
            seen: Vec::new(),
            challenge: None,
            spent: HashSet::new(),
            serial: 0,
        }
    }

    pub(crate) fn with_mfa() -> Self {
        Self { needs_mfa: true, ..Self::plain() }
    }

    /// Puts an answer before the account's own.
    pub(crate) fn next(mut self, reply: Reply) -> Self {
        self.script.push_back(reply);
        self
    }

    pub(crate) fn answer(&mut self, sent: &Sent, true_unix_ms: i64) -> Reply {
        self.seen.push(sent.clone());
        let unix_ms = true_unix_ms + self.ahead_ms;
        if let Some(reply) = self.script.pop_front().or_else(|| self.outage.clone()) {
            return reply;
        }
        let reply = match sent.call {
            Call::SignIn if sent.field("password") != self.password => reply::rejected(),
            Call::SignIn if self.needs_mfa => {
                self.serial += 1;
                let code = format!("challenge-{}", self.serial);
                self.challenge = Some(code.clone());
                reply::challenge(&code)
            }
            Call::Mfa if !self.takes_digits(sent, unix_ms) => reply::rejected(),
            Call::Refresh if self.refuses_refresh => reply::rejected(),
            Call::SignIn | Call::Mfa | Call::Refresh => self.grant(unix_ms),
        };
        if self.sends_date { reply.with_header("Date", &http_date(unix_ms)) } else { reply }
    }

    /// Another program signs in with the code of this step.
    pub(crate) fn uses_code_of_this_step(&mut self, true_unix_ms: i64) {
        self.spent.insert(authenticator(true_unix_ms + self.ahead_ms));
    }

    pub(crate) fn grant(&mut self, unix_ms: i64) -> Reply {
        self.serial += 1;
        reply::token(&jwt(unix_ms, self.life_s, self.serial))
    }

    /// The right challenge, with the person's code or a code of this step or one beside it, never used before.
    fn takes_digits(&mut self, sent: &Sent, unix_ms: i64) -> bool {
        let code = sent.field("token");
        let is_right = code == self.person_code
            || [-30_000, 0, 30_000].iter().any(|off| authenticator(unix_ms + off) == code);
        self.challenge.take() == Some(sent.field("code")) && is_right && self.spent.insert(code)
    }
}

/// What the account's authenticator shows at a moment.
pub(crate) fn authenticator(unix_ms: i64) -> String {
    let secret = Secret::try_from_base32(TOTP).unwrap();
    let totp = Builder::new().with_secret(secret).build_noncompliant();
    totp.generate(unix_ms as u64 / 1000).to_string()
}

/// `Date` as RFC 9110 §5.6.7 wants it, for the days around the tests' own.
fn http_date(unix_ms: i64) -> String {
    let seconds = unix_ms.div_euclid(1000);
    let (days, of_day) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // 2023-11-01 was day 19662.
    let day = days - 19_661;
    assert!((1..=30).contains(&day), "a date outside November 2023");
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    format!("Tue, {day:02} Nov 2023 {hour:02}:{minute:02}:{second:02} GMT")
}
