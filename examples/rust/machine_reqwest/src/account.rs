//! One account, for any number of tasks.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use plextrac_auth_core::{
    Action, CallerId, Config, Coordinator, Failure, FingerprintKey, Generation, Instant, Limits, Need,
    Request, RequestId, Secret, Seed, TransportFailure, Verdict, Wait,
};
use reqwest::header::{AUTHORIZATION, HeaderValue};
use reqwest::{Method, RequestBuilder, Response, StatusCode, Url};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::engine::Engine;
use crate::error::Error;

/// A caller waits for the next TOTP step, and for no budget or rate limit.
const LIMITS: Limits = Limits { timeout: Duration::from_secs(60), wait: Duration::ZERO };

/// One account on one instance, signed in for as long as it is used. Cheap to clone; clones share everything.
///
/// Its futures run on tokio. They may be dropped at any moment.
#[derive(Clone)]
pub struct Account {
    inner: Arc<Inner>,
}

struct Inner {
    engine: Engine,
    state: Mutex<State>,
}

/// The coordinator is drained whenever the lock is free.
struct State {
    coordinator: Coordinator,
    waiting: HashMap<CallerId, oneshot::Sender<Result<(), Failure>>>,
    /// The next moment at which a task polls.
    planned: Option<Instant>,
    /// The last token that the server accepted for a request.
    accepted: Option<Generation>,
}

impl Account {
    /// Does not sign in yet. Codes come from [`MfaSource::Totp`](plextrac_auth_core::MfaSource), or not at all.
    ///
    /// # Errors
    /// If the system gives no random bytes.
    pub fn new(engine: &Engine, config: Config) -> Result<Self, getrandom::Error> {
        let (mut draws, mut key) = ([0; 8], [0; 32]);
        getrandom::fill(&mut draws)?;
        getrandom::fill(&mut key)?;
        let seed = Seed { draws: u64::from_le_bytes(draws), key: FingerprintKey::new(key) };
        let coordinator = Coordinator::new(config, seed, None, engine.now());
        let state = State { coordinator, waiting: HashMap::new(), planned: None, accepted: None };
        Ok(Self { inner: Arc::new(Inner { engine: engine.clone(), state: Mutex::new(state) }) })
    }

    /// The value for the `Authorization` header. While a token is live, it is returned at once. Otherwise all callers
    /// share one attempt. A refresh that is due starts by itself; only callers with a token in its last minute wait for it.
    ///
    /// # Errors
    /// [`Failure::is_retryable`] and [`Failure::retry_after`] say whether and when to try again.
    pub async fn token(&self) -> Result<Secret, Failure> {
        loop {
            let mut caller = Caller::join(&self.inner);
            (&mut caller.result).await.unwrap_or(Err(TransportFailure::Cancelled.into()))?;
            // A token that has ended since then is replaced.
            if let Ok(token) = self.inner.state().coordinator.machine().authorization(self.inner.engine.now())
            {
                return Ok(token);
            }
        }
    }

    /// A request to the account's instance. `path` follows its base URL.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}{path}", self.inner.state().coordinator.machine().config().instance.base_url());
        self.inner.engine.http().request(method, url)
    }

    /// Authorizes a request and sends it. After a 401 it is sent once more with another token, if there is one and if
    /// the body can be sent twice. The answer may still be a 401.
    ///
    /// # Errors
    /// No answer came, or nothing was sent.
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

/// A caller that waits. It leaves when it is dropped.
struct Caller {
    account: Arc<Inner>,
    id: Option<CallerId>,
    result: oneshot::Receiver<Result<(), Failure>>,
}

impl Caller {
    fn join(account: &Arc<Inner>) -> Self {
        let (sender, result) = oneshot::channel();
        let id = account.hand_in(|state, now| {
            let id = state.coordinator.need_token(Need::Usable, LIMITS, now).ok()?;
            state.waiting.insert(id, sender);
            Some(id)
        });
        Self { account: Arc::clone(account), id, result }
    }
}

impl Drop for Caller {
    fn drop(&mut self) {
        let Some(id) = self.id else { return };
        self.account.hand_in(|state, now| {
            if state.waiting.remove(&id).is_some() {
                let _ = state.coordinator.leave(id, now);
            }
        });
    }
}

/// A request that is out. Its coordinator learns that it failed, if the runtime ends its task.
struct Outstanding {
    account: Arc<Inner>,
    id: Option<RequestId>,
}

impl Outstanding {
    async fn send(account: Arc<Inner>, request: Request) {
        let mut outstanding = Self { account, id: Some(request.id) };
        let answer = outstanding.account.engine.exchange(&request).await;
        outstanding.id = None;
        outstanding.account.hand_in(|state, now| {
            // An input is stale if the coordinator has given the request up.
            let _ = match answer {
                Ok(answer) => {
                    answer.lend(|response| state.coordinator.handle_response(request.id, response, now))
                }
                Err(failure) => state.coordinator.handle_failure(request.id, failure, now),
            };
        });
    }
}

impl Drop for Outstanding {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            self.account.hand_in(|state, now| {
                let _ = state.coordinator.handle_failure(id, TransportFailure::Cancelled, now);
            });
        }
    }
}

impl Inner {
    /// Hands something in, and carries out what the coordinator says.
    fn hand_in<T>(self: &Arc<Self>, input: impl FnOnce(&mut State, plextrac_auth_core::Time) -> T) -> T {
        let mut state = self.state();
        let result = input(&mut state, self.engine.now());
        self.drain(&mut state);
        result
    }

    fn drain(self: &Arc<Self>, state: &mut State) {
        let mut is_asked = false;
        loop {
            let now = self.engine.now();
            let action = state.coordinator.poll(&mut self.engine.budget(), now);
            match action {
                Action::Send(request) => spawn(Outstanding::send(Arc::clone(self), request)),
                Action::Wake { caller, result } => {
                    if let Some(waiting) = state.waiting.remove(&caller) {
                        // The caller may have left.
                        let _ = waiting.send(result);
                    }
                }
                Action::Ask(_) => is_asked = true,
                // There is no source of codes.
                Action::Wait(_) if is_asked => {
                    is_asked = false;
                    let _ = state.coordinator.handle_code(None, now);
                }
                Action::Wait(wait) => return self.plan(state, &wait),
                // Without a store there is nothing to read or write, and this program shows no events.
                _ => {}
            }
        }
    }

    /// Polls again when the next moment has come.
    fn plan(self: &Arc<Self>, state: &mut State, wait: &Wait) {
        let next = wait.until.into_iter().chain(wait.awake_until).min();
        let Some(next) = next.filter(|next| !state.coordinator.is_idle() && state.planned != Some(*next))
        else {
            return;
        };
        state.planned = Some(next);
        let (engine, account) = (self.engine.clone(), Arc::downgrade(self));
        spawn(async move {
            engine.clock().sleep(next.since(engine.now().monotonic)).await;
            if let Some(account) = account.upgrade() {
                account.hand_in(|state, _| state.planned.take_if(|planned| *planned == next));
            }
        });
    }

    /// A token was answered with 401. Says what to do about that request.
    fn reject(self: &Arc<Self>, token: &Secret) -> Verdict {
        self.hand_in(|state, now| {
            let Some(generation) = state.coordinator.machine().generation_of(token.expose()) else {
                return Verdict::Replaced;
            };
            let was_accepted = state.accepted == Some(generation);
            state.coordinator.report_unauthorized(generation, was_accepted, now).unwrap_or(Verdict::Final)
        })
    }

    async fn attempt(&self, mut request: reqwest::Request, token: &Secret) -> Result<Response, Error> {
        // The core returns header-safe tokens alone.
        if let Ok(mut value) = HeaderValue::from_str(token.expose()) {
            value.set_sensitive(true);
            request.headers_mut().insert(AUTHORIZATION, value);
        }
        let answer = self.engine.http().execute(request).await?;
        if answer.status() != StatusCode::UNAUTHORIZED {
            let mut state = self.state();
            state.accepted = state.coordinator.machine().generation_of(token.expose());
        }
        Ok(answer)
    }

    fn owns(&self, url: &Url) -> bool {
        let state = self.state();
        let base = state.coordinator.machine().config().instance.base_url();
        Url::parse(base).is_ok_and(|base| {
            base.origin() == url.origin() && url.path().starts_with(base.path().trim_end_matches('/'))
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic in the core leaves a coordinator that answers as far as it got.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs a task. Without a runtime, the coordinator gives the request up at its deadline.
fn spawn(task: impl Future<Output = ()> + Send + 'static) {
    if let Ok(runtime) = Handle::try_current() {
        runtime.spawn(task);
    }
}
