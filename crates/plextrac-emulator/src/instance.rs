//! The instance behind the sockets: everything it remembers, and how one request goes through it.

use std::io;
use std::time::Duration;

use crate::accounts::Accounts;
use crate::answer::{Answer, Delivery};
use crate::api;
use crate::clock::Now;
use crate::fault::Faults;
use crate::limit::Limit;
use crate::routes::Route;
use crate::settings::Settings;
use crate::stats::{Kind, Outcome, Stats};
use crate::tokens::Tokens;
use crate::wire::Request;

/// One instance of PlexTrac: no socket, no thread, and no clock but the reading it is given.
pub(crate) struct Instance {
    pub(crate) settings: Settings,
    pub(crate) accounts: Accounts,
    pub(crate) tokens: Tokens,
    pub(crate) limit: Limit,
    pub(crate) faults: Faults,
    /// Paths that answer 401 whatever the token.
    pub(crate) always_unauthorized: Vec<String>,
    pub(crate) stats: Stats,
}

/// What the instance makes of a request.
pub(crate) struct Verdict {
    pub(crate) kind: Kind,
    pub(crate) outcome: Outcome,
    pub(crate) delivery: Delivery,
    /// Real time the answer is kept back.
    pub(crate) delay: Duration,
}

impl Instance {
    /// # Errors
    /// `InvalidInput` when the accounts of the settings cannot be.
    pub(crate) fn new(settings: Settings) -> io::Result<Instance> {
        Ok(Instance {
            accounts: Accounts::new(&settings.accounts, settings.challenge_life, settings.lock_after)?,
            tokens: Tokens::new(settings.token_life, settings.token_padding),
            limit: Limit::new(settings.limit_per_minute),
            faults: Faults::default(),
            always_unauthorized: Vec::new(),
            stats: Stats::default(),
            settings,
        })
    }

    /// The path below the instance's prefix; `None` for one that is not below it.
    pub(crate) fn below_prefix<'a>(&self, path: &'a str) -> Option<&'a str> {
        path.strip_prefix(self.settings.path_prefix.as_str()).filter(|rest| rest.starts_with('/'))
    }

    pub(crate) fn handle(&mut self, request: &Request, now: Now) -> Verdict {
        let verdict = self.judge(request, now);
        self.stats.note(verdict.kind, verdict.outcome);
        self.stats.busiest_minute = self.limit.busiest_minute();
        verdict
    }

    /// Back to how it started; the clock, which clients may share, goes on.
    pub(crate) fn reset(&mut self) {
        self.accounts.reset();
        self.tokens.revoke_all();
        self.limit.reset();
        self.faults.clear();
        self.always_unauthorized.clear();
        self.stats = Stats::default();
    }

    /// The route that answers this request; none answers an authentication call.
    pub(crate) fn route(&self, kind: Kind, method: &str, path: &str) -> Option<&Route> {
        let routes = if kind.is_authentication() { &[] } else { self.settings.routes.as_slice() };
        routes.iter().find(|route| route.matches(method, path))
    }

    fn kind_of(&self, method: &str, path: &str) -> Kind {
        match Kind::of(method, path) {
            Kind::Other if self.route(Kind::Other, method, path).is_some() => Kind::Route,
            kind => kind,
        }
    }

    fn judge(&mut self, request: &Request, now: Now) -> Verdict {
        let Some(path) = self.below_prefix(request.path()) else {
            return Verdict {
                kind: Kind::Other,
                outcome: Outcome::NotFound,
                delivery: Delivery::Whole(Answer::error(404, "Not Found")),
                delay: Duration::ZERO,
            };
        };
        let kind = self.kind_of(&request.method, path);
        if kind.is_authentication() {
            self.limit.arrived(now.monotonic_ms);
        }
        let effect = self.faults.take(kind, path);
        if let Some(delivery) = effect.as_ref().and_then(|effect| effect.in_front()) {
            return Verdict { kind, outcome: Outcome::Faulted, delivery, delay: Duration::ZERO };
        }
        let (outcome, answer) = api::answer(self, request, path, kind, now);
        let delay = match kind {
            Kind::SignIn | Kind::Mfa => self.settings.sign_in_delay,
            Kind::Refresh => self.settings.refresh_delay,
            _ => Duration::ZERO,
        };
        match effect {
            None => Verdict { kind, outcome, delivery: Delivery::Whole(answer), delay },
            Some(effect) => Verdict {
                kind,
                outcome: if effect.only_delays() { outcome } else { Outcome::Faulted },
                delay: delay.saturating_add(effect.delay()),
                delivery: effect.spoil(answer),
            },
        }
    }
}
