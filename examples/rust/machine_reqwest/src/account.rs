//! One account, for any number of tasks.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use plextrac_auth_core::{Config, FingerprintKey, Machine, Secret, Seed, Verdict, Want};
use reqwest::header::{AUTHORIZATION, HeaderValue};
use reqwest::{Method, RequestBuilder, Response, StatusCode, Url};
use tokio::sync::watch;

use crate::engine::Engine;
use crate::error::{Error, NoToken};
use crate::flight::{Landing, Next, drain, fly};

/// One account on one instance, signed in for as long as it is used. Cheap to clone; clones share everything.
///
/// Its futures may be dropped at any moment; they run on tokio.
#[derive(Clone)]
pub struct Account {
    inner: Arc<Inner>,
}

pub(crate) struct Inner {
    engine: Engine,
    state: Mutex<State>,
}

/// The machine is drained whenever the lock is free.
struct State {
    machine: Machine,
    flight: Option<watch::Receiver<Landing>>,
}

impl Account {
    /// Signs nobody in yet. Codes come from [`MfaSource::Totp`](plextrac_auth_core::MfaSource), or not at all.
    ///
    /// # Errors
    /// If the system gives no random bytes.
    pub fn new(engine: &Engine, config: Config) -> Result<Self, getrandom::Error> {
        let (mut draws, mut key) = ([0; 8], [0; 32]);
        getrandom::fill(&mut draws)?;
        getrandom::fill(&mut key)?;
        let seed = Seed { draws: u64::from_le_bytes(draws), key: FingerprintKey::new(key) };
        let machine = Machine::new(config, seed, engine.now());
        let state = Mutex::new(State { machine, flight: None });
        Ok(Self { inner: Arc::new(Inner { engine: engine.clone(), state }) })
    }

    /// The value for the `Authorization` header: at once while a token is live, after a flight that all callers share
    /// otherwise. A refresh that is due starts by itself, and only those wait for it whose token is nearly over.
    ///
    /// # Errors
    /// [`NoToken`] tells whether and when to try again.
    pub async fn token(&self) -> Result<Secret, NoToken> {
        let mut flight = match self.inner.take_off()? {
            Ticket::Token(token) => return Ok(token),
            Ticket::Flight(flight) => flight,
        };
        let landing = flight.wait_for(Option::is_some).await.map_err(|_| NoToken::Ended)?.clone();
        // A refresh that failed leaves a token that is live.
        self.inner.authorization().or(landing.unwrap_or(Ok(())).and(Err(NoToken::Ended)))
    }

    /// A request to the account's instance; `path` follows its base URL.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}{path}", self.inner.state().machine.config().instance.base_url());
        self.inner.engine.http().request(method, url)
    }

    /// Authorizes a request and sends it. After a 401 it is sent once more with another token, if there is one to be
    /// had and the body can be sent twice; the answer may still be a 401.
    ///
    /// # Errors
    /// Nothing came back, or nothing was sent.
    pub async fn send(&self, request: RequestBuilder) -> Result<Response, Error> {
        let request = request.build()?;
        if !self.inner.owns(request.url()) {
            return Err(Error::ForeignUrl);
        }
        let again = request.try_clone();
        let token = self.token().await?;
        let answer = self.inner.attempt(request, &token).await?;
        if answer.status() != StatusCode::UNAUTHORIZED || self.inner.reject(&token) == Verdict::Final {
            return Ok(answer);
        }
        match again {
            Some(again) => Ok(self.inner.attempt(again, &self.token().await?).await?),
            None => Ok(answer),
        }
    }
}

/// What a caller is given.
enum Ticket {
    Token(Secret),
    Flight(watch::Receiver<Landing>),
}

impl Inner {
    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Hands something in and polls on. A flight that lands is over before anybody is told, so that whoever comes
    /// after it starts another.
    pub(crate) fn continue_with(&self, input: impl FnOnce(&mut Machine)) -> Next {
        let mut state = self.state();
        input(&mut state.machine);
        let next = drain(&mut state.machine, &self.engine);
        if matches!(next, Next::Land(_)) {
            state.flight = None;
        }
        next
    }

    /// A token, or a seat in the flight that brings one, which is started if there is none.
    fn take_off(self: &Arc<Self>) -> Result<Ticket, NoToken> {
        let mut state = self.state();
        // One that was ended with its runtime lands nowhere.
        state.flight.take_if(|flight| flight.has_changed().is_err());
        let outcome = if state.flight.is_some() { Ok(()) } else { self.want(&mut state) };
        let now = self.engine.now();
        let is_late = |until| now.monotonic >= until;
        match (state.machine.usable_token(now).map(|token| token.windows().late_at), &state.flight) {
            (Some(late_at), Some(flight)) if is_late(late_at) => Ok(Ticket::Flight(flight.clone())),
            (None, Some(flight)) => Ok(Ticket::Flight(flight.clone())),
            // Whatever became of a refresh: the token is live.
            _ => state.machine.authorization(now).map(Ticket::Token).or(outcome.and(Err(NoToken::Ended))),
        }
    }

    /// Asks the machine for a token, and starts a flight if that takes one.
    fn want(self: &Arc<Self>, state: &mut State) -> Result<(), NoToken> {
        let wanted = state.machine.want(Want::default());
        debug_assert_eq!(wanted, Ok(()), "it is drained");
        match drain(&mut state.machine, &self.engine) {
            Next::Land(outcome) => outcome,
            next => {
                let (landing, flight) = watch::channel(None);
                state.flight = Some(flight);
                tokio::spawn(fly(Arc::clone(self), next, landing));
                Ok(())
            }
        }
    }

    fn authorization(&self) -> Result<Secret, NoToken> {
        self.state().machine.authorization(self.engine.now()).map_err(|_| NoToken::Ended)
    }

    /// A token was answered with 401; what to do about that request.
    fn reject(&self, token: &Secret) -> Verdict {
        let mut state = self.state();
        let Some(generation) = state.machine.generation_of(token.expose()) else {
            return Verdict::Replaced;
        };
        let verdict = state.machine.report_unauthorized(generation, false, self.engine.now());
        // Nothing is wanted by that, or a flight is out: there is nothing to send.
        drain(&mut state.machine, &self.engine);
        verdict.unwrap_or(Verdict::Final)
    }

    async fn attempt(&self, mut request: reqwest::Request, token: &Secret) -> Result<Response, Error> {
        // The core gives out header-safe tokens alone.
        if let Ok(mut value) = HeaderValue::from_str(token.expose()) {
            value.set_sensitive(true);
            request.headers_mut().insert(AUTHORIZATION, value);
        }
        Ok(self.engine.http().execute(request).await?)
    }

    fn owns(&self, url: &Url) -> bool {
        let state = self.state();
        let base = state.machine.config().instance.base_url();
        Url::parse(base).is_ok_and(|base| {
            base.origin() == url.origin() && url.path().starts_with(base.path().trim_end_matches('/'))
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic in the core leaves a machine that answers as far as it got.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
