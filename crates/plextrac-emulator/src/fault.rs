//! Faults on demand: what to spoil, how often, and how.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::effect::Effect;
use crate::stats::Kind;

/// Something that goes wrong with a request: an answer in its place, or a spoilt answer.
///
/// It is written as `Fault::on(target)`, how often it happens (default: once), and what happens:
/// ```
/// use plextrac_emulator::{Fault, Target};
///
/// Fault::on(Target::SignIn).times(2).html(503);
/// Fault::on(Target::Path("/api/v2".into())).always().drop_connection();
/// ```
/// If several faults match a request, the one that was set first happens, alone. There are two sorts. Some *answer
/// in front* of the instance, as a proxy, a firewall or a broken line does: the instance never sees the request,
/// issues no token, and does not count it. Others *spoil the answer*: the instance handles and counts the request
/// first, so a sign-in whose answer is lost has signed in. Each method says which sort it is.
///
/// As JSON, for the control API: `{"on": "sign_in", "times": 2, "do": {"html": {"code": 503}}}`. `on` is
/// `sign_in`, `mfa`, `refresh`, `api`, `any` or `{"path": "/prefix"}`. `times` is 1 if it is absent, and `null`
/// for always. `do` is the name of the method. Its arguments have the names that the method's documentation gives
/// in parentheses. docs/emulator.md has an example of each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    on: Target,
    #[serde(default = "once")]
    times: Option<u32>,
    #[serde(rename = "do")]
    effect: Effect,
}

/// The requests that a fault or a [hold](crate::Emulator::hold) applies to; never the control API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// Step 1 of a sign-in.
    SignIn,
    /// Step 2, the one-time code.
    Mfa,
    /// The refresh.
    Refresh,
    /// All other requests.
    Api,
    /// Every path that begins with this, below the emulator's path prefix.
    Path(String),
    /// Every request.
    Any,
}

impl Target {
    pub(crate) fn matches(&self, kind: Kind, path: &str) -> bool {
        match self {
            Target::SignIn => kind == Kind::SignIn,
            Target::Mfa => kind == Kind::Mfa,
            Target::Refresh => kind == Kind::Refresh,
            Target::Api => !kind.is_authentication(),
            Target::Path(prefix) => path.starts_with(prefix.as_str()),
            Target::Any => true,
        }
    }
}

impl Fault {
    /// Begins a fault for these requests. Default: it happens once.
    pub fn on(target: Target) -> FaultOn {
        FaultOn { on: target, times: once() }
    }
}

/// A fault whose target is known. The method that says what happens makes it a [`Fault`].
#[derive(Clone, Debug)]
#[must_use]
pub struct FaultOn {
    on: Target,
    times: Option<u32>,
}

impl FaultOn {
    /// It happens to this many requests. Zero is no fault.
    pub fn times(mut self, times: u32) -> FaultOn {
        self.times = Some(times);
        self
    }

    /// It happens until [`clear_faults`](crate::Emulator::clear_faults) or a reset.
    pub fn always(mut self) -> FaultOn {
        self.times = None;
        self
    }

    /// In front: this answer, word for word (`code`, `content_type`, `headers` as an object, `body`). Headers and
    /// body are not checked.
    #[must_use]
    pub fn status(
        self,
        code: u16,
        content_type: impl Into<String>,
        headers: &[(&str, &str)],
        body: impl Into<String>,
    ) -> Fault {
        let headers = headers.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
        self.with(Effect::Status { code, content_type: content_type.into(), headers, body: body.into() })
    }

    /// In front: a page of HTML, as a firewall or proxy answers (`code`).
    #[must_use]
    pub fn html(self, code: u16) -> Fault {
        self.with(Effect::Html { code })
    }

    /// In front: 503 with a maintenance page. As long as the fault is set, `GET /api/v2/health/full` still answers,
    /// and says that the instance is in maintenance mode.
    #[must_use]
    pub fn maintenance(self) -> Fault {
        self.with(Effect::Maintenance)
    }

    /// In front: the connection is closed without an answer.
    #[must_use]
    pub fn drop_connection(self) -> Fault {
        self.with(Effect::DropConnection)
    }

    /// In front: the connection stays open and no answer comes, until the client closes it.
    #[must_use]
    pub fn stall(self) -> Fault {
        self.with(Effect::Stall)
    }

    /// In front: a redirect (`code`, `location`).
    #[must_use]
    pub fn redirect(self, code: u16, location: impl Into<String>) -> Fault {
        self.with(Effect::Redirect { code, location: location.into() })
    }

    /// In front: 429. `None` leaves out `Retry-After`; otherwise it is this text (`retry_after`).
    #[must_use]
    pub fn rate_limited(self, retry_after: Option<&str>) -> Fault {
        self.with(Effect::RateLimited { retry_after: retry_after.map(str::to_owned) })
    }

    /// In front: the second error shape, `{"statusCode":…,"error":…,"message":…}`, with this status (`code`).
    #[must_use]
    pub fn error_shape_two(self, code: u16) -> Fault {
        self.with(Effect::ErrorShapeTwo { code })
    }

    /// In front: these bytes in place of an HTTP answer, then the connection is closed (`base64`).
    #[must_use]
    pub fn raw(self, bytes: impl Into<Vec<u8>>) -> Fault {
        self.with(Effect::Raw { base64: bytes.into() })
    }

    /// In front: 200 with a JSON string of this many bytes (`bytes`).
    #[must_use]
    pub fn huge_body(self, bytes: u64) -> Fault {
        self.with(Effect::HugeBody { bytes })
    }

    /// Spoils the answer: the connection closes instead, and the answer is lost.
    #[must_use]
    pub fn lose_answer(self) -> Fault {
        self.with(Effect::LoseAnswer)
    }

    /// Spoils the answer: `Content-Length` is larger than the body. The connection then closes.
    #[must_use]
    pub fn truncate(self) -> Fault {
        self.with(Effect::Truncate)
    }

    /// Delays the answer by this much real time (`ms`). The outcome counts as usual.
    #[must_use]
    pub fn slow(self, before_headers: Duration) -> Fault {
        self.with(Effect::Slow { ms: whole_ms(before_headers) })
    }

    /// Sends the body byte by byte, with this much real time in between (`ms`). The outcome counts as usual.
    #[must_use]
    pub fn slow_body(self, between_bytes: Duration) -> Fault {
        self.with(Effect::SlowBody { ms: whole_ms(between_bytes) })
    }

    /// Spoils the answer: in its JSON object, texts become numbers and everything else becomes text.
    #[must_use]
    pub fn wrong_types(self) -> Fault {
        self.with(Effect::WrongTypes)
    }

    /// Spoils the answer: `token` and `code` are taken out of its JSON object.
    #[must_use]
    pub fn missing_token(self) -> Fault {
        self.with(Effect::MissingToken)
    }

    /// Spoils the answer: `token` (in a challenge, `code`) is this text (`token`). It is not a valid token.
    #[must_use]
    pub fn hostile_token(self, token: impl Into<String>) -> Fault {
        self.with(Effect::HostileToken { token: token.into() })
    }

    fn with(self, effect: Effect) -> Fault {
        Fault { on: self.on, times: self.times, effect }
    }
}

/// The faults that wait, in the order they were set.
#[derive(Debug, Default)]
pub(crate) struct Faults(Vec<Fault>);

impl Faults {
    pub(crate) fn add(&mut self, fault: Fault) {
        if fault.times != Some(0) {
            self.0.push(fault);
        }
    }

    /// The effect for this request. Maintenance does not apply to the health endpoint, which reports it.
    pub(crate) fn take(&mut self, kind: Kind, path: &str) -> Option<Effect> {
        let index = self.0.iter().position(|fault| {
            fault.on.matches(kind, path) && !(kind == Kind::Health && fault.effect == Effect::Maintenance)
        })?;
        let fault = &mut self.0[index];
        let effect = fault.effect.clone();
        if let Some(left) = &mut fault.times {
            *left -= 1;
            if *left == 0 {
                self.0.remove(index);
            }
        }
        Some(effect)
    }

    pub(crate) fn in_maintenance(&self) -> bool {
        self.0.iter().any(|fault| fault.effect == Effect::Maintenance)
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }
}

#[expect(clippy::unnecessary_wraps, reason = "None, always, is the other value of the field")]
fn once() -> Option<u32> {
    Some(1)
}

fn whole_ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
