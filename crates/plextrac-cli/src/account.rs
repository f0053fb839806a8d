//! The session of an account: the one place where sessions are made from settings.

use std::io::{self, IsTerminal};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use std::time::Instant;

use plextrac_transport::{
    Error, ErrorCode, MemoryStore, RecordStore, Request, Scheme, Secret, Session, SessionConfig,
    SessionEvent, StreamedResponse,
};

use crate::args::{AccountArgs, AuthScheme};
use crate::exit::{self, Exit, Failure};
use crate::settings::{Password, Settings};
use crate::state_dir::{self, State};
use crate::{headers_file, one_time_code};

/// What a session is opened for, which says when a password is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To use the account: the password is needed if no other run has left a live token.
    Use,
    /// To sign in anew.
    SignIn,
    /// To look or to sign out: nothing is needed, as nothing is sent.
    Look,
    /// To keep the session that another run has left: nothing is needed but that.
    Keep,
}

/// A session that is left in order: what it has begun for the next run, a refresh, comes to its end before this one ends.
pub(crate) struct Account {
    session: Session,
    settings: Settings,
    /// What is shared with the runs of this user lies there; none if nothing is, or in a store.
    state_dir: Option<PathBuf>,
    is_shared: bool,
    /// What the session was made from, if that was without a password that can still be had.
    without_password: Option<SessionConfig>,
}

/// The account that `args`, the environment and the profile name. Nothing is sent.
pub(crate) fn open(args: &AccountArgs, purpose: Purpose) -> Result<Account, Failure> {
    open_with(args, purpose, |_| Ok(()))
}

/// The same, with what one command sets by itself.
pub(crate) fn open_with(
    args: &AccountArgs,
    purpose: Purpose,
    set: impl FnOnce(&mut SessionConfig) -> Result<(), Failure>,
) -> Result<Account, Failure> {
    open_settings(Settings::resolve(args, purpose)?, purpose, set)
}

/// The account that the settings name.
pub(crate) fn open_settings(
    settings: Settings,
    purpose: Purpose,
    set: impl FnOnce(&mut SessionConfig) -> Result<(), Failure>,
) -> Result<Account, Failure> {
    let mut config = way_to(&settings)?;
    set(&mut config)?;
    one_time_code::set(&mut config, &settings)?;
    config.ignore_shared_token(purpose == Purpose::SignIn).refresh_early(true);
    let state = state_dir::open(&settings)?;
    let state_dir = state.directory();
    let is_shared = matches!(state, State::Shared(_) | State::Fleet(_));
    match &state {
        State::Shared(store) => {
            config.store(Arc::clone(store) as Arc<dyn RecordStore>).require_store(purpose != Purpose::Look);
        }
        // The store itself says whether a run goes on without it.
        State::Fleet(store) => drop(config.store(Arc::clone(store))),
        State::Off | State::Unusable(_) => {}
    }
    let mut without_password = None;
    let session = match state {
        State::Shared(_) | State::Fleet(_) => {
            let session = shared(&config, &settings, purpose)?;
            let has_source = settings.asks || settings.secrets.password.is_some();
            without_password = (session.is_some() && has_source).then(|| config.clone());
            session
        }
        State::Off | State::Unusable(_) if purpose == Purpose::Keep => {
            return Err(Failure::other(
                "there is no session to keep without a state directory or a store; set PLEXTRAC_STATE_DIR or PLEXTRAC_STORE as for the login",
            ));
        }
        State::Off => None,
        State::Unusable(reason) if purpose == Purpose::Look => {
            state_dir::warn(&reason);
            None
        }
        State::Unusable(reason) => {
            let session = imported(&config, &settings)?.ok_or_else(|| state_dir::required(&reason))?;
            state_dir::warn(&reason);
            Some(session)
        }
    };
    let session = match session {
        Some(session) => session,
        None => Session::new(with_secrets(&mut config, &settings, purpose)?)?,
    };
    let session = in_time(&session, &settings);
    Ok(Account { session, settings, state_dir, is_shared, without_password })
}

/// The library's timeout bounds a whole call; here the wait for a turn comes on top.
fn in_time(session: &Session, settings: &Settings) -> Session {
    #[cfg(unix)]
    {
        // Other runs learn that nobody will give the code.
        let session = session.clone();
        crate::terminal::when_ended(Some(Box::new(move || session.close())));
    }
    session.with_timeout(settings.timeout + settings.wait)
}

/// If no password is set, the session that other runs have left may do without. If a token is set, it is that session
/// only if this is a token of its own: inside `exec` it is, and any other may be anybody's.
fn shared(config: &SessionConfig, settings: &Settings, purpose: Purpose) -> Result<Option<Session>, Failure> {
    let has_text = matches!(settings.secrets.password, Some(Password::Text(_)));
    let Some(username) = settings.username().filter(|_| !has_text) else {
        return Ok(None);
    };
    let session = Session::new(config.clone().username(username)?)?;
    let is_live = session.status().expires_in.is_some();
    let fits = match (&settings.secrets.token, purpose) {
        (Some(token), _) => is_live && session.knows_token(token),
        (None, Purpose::Use) => is_live,
        (None, Purpose::Look | Purpose::Keep) => true,
        (None, Purpose::SignIn) => false,
    };
    Ok(Some(session).filter(|_| fits))
}

/// A session with the imported token alone, if that is live: it sends no password.
fn imported(config: &SessionConfig, settings: &Settings) -> Result<Option<Session>, Failure> {
    let Some(token) = &settings.secrets.token else { return Ok(None) };
    let session = Session::new(config.clone().token(token)?)?;
    Ok(session.expires_in().is_some().then_some(session))
}

/// The token and the password. A command for the password runs, and a person is asked, only if no token does.
fn with_secrets<'a>(
    config: &'a mut SessionConfig,
    settings: &Settings,
    purpose: Purpose,
) -> Result<&'a SessionConfig, Failure> {
    let secrets = &settings.secrets;
    let has_text = matches!(secrets.password, Some(Password::Text(_)));
    let mut needs_password = has_text || secrets.token.is_none();
    if !has_text && secrets.token.is_some() && secrets.password.is_some() {
        needs_password = imported(config, settings)?.is_none();
    }
    if let Some(token) = &secrets.token {
        config.token(token)?;
    }
    match settings.username() {
        None => Ok(config),
        // Nothing is sent, so a password is not needed.
        Some(username) if purpose == Purpose::Look && !has_text => {
            if secrets.token.is_none() {
                config.store(Arc::new(MemoryStore::new()));
            }
            Ok(config.username(username)?)
        }
        Some(username) if needs_password => Ok(config.password(username, &settings.password()?)?),
        Some(username) => Ok(config.username(username)?),
    }
}

/// The way to the instance, without an account.
pub(crate) fn way_to(settings: &Settings) -> Result<SessionConfig, Failure> {
    let mut config = SessionConfig::new(&settings.url.value)?;
    if let Some(path) = &settings.ca_file {
        config.ca_file(&path.value)?;
    }
    if let Some(path) = &settings.headers_file {
        headers_file::apply(&path.value, &mut config)?;
    }
    if let Some(proxy) = &settings.proxy {
        config.proxy(&proxy.value)?;
    }
    config.auth_scheme(match settings.scheme() {
        AuthScheme::Raw => Scheme::Raw,
        AuthScheme::Bearer => Scheme::Bearer,
    });
    config.timeout(settings.timeout)?;
    config.wait(settings.wait);
    config.allow_http(settings.allow_http);
    if settings.insecure_skip_verify {
        exit::say("warning: certificates are not checked, so the password can be read on the way");
        config.danger_accept_invalid_certs(true);
    }
    let tells_waits = !settings.wait.is_zero() && io::stderr().is_terminal();
    config.on_event(move |event| match event {
        // A run may open the account twice, and is told once.
        SessionEvent::NotShared { reason } if !IS_TOLD.swap(true, Ordering::Relaxed) => {
            exit::say(&format!("warning: {reason}"));
        }
        SessionEvent::Waiting { wait, reason } if tells_waits => {
            exit::say(&format!("waiting {} s: {reason}", wait.as_millis().div_ceil(1000)));
        }
        SessionEvent::CodeRefused if tells_waits => exit::say(&event.to_string()),
        _ => {}
    });
    Ok(config)
}

/// Whether it was said that nothing is shared.
static IS_TOLD: AtomicBool = AtomicBool::new(false);

impl Account {
    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Whether this run shares its session with others.
    pub(crate) fn is_shared(&self) -> bool {
        self.is_shared
    }

    /// The directory in which it does so, if it is one.
    pub(crate) fn state_dir(&self) -> Option<&Path> {
        self.state_dir.as_deref()
    }

    /// Makes another session, with the password, if this one came without it from another run and did not go on.
    pub(crate) fn resume(&mut self, error: &Error) -> Result<bool, Failure> {
        let config = self.without_password.take_if(|_| error.code() == ErrorCode::Expired);
        let Some(mut config) = config else { return Ok(false) };
        // The shared token is the one that does not go on.
        config.ignore_shared_token(true);
        let session = Session::new(with_secrets(&mut config, &self.settings, Purpose::SignIn)?)?;
        self.session = in_time(&session, &self.settings);
        Ok(true)
    }

    /// Signs out, here and for the runs to come.
    pub(crate) fn logout(&self) -> Result<(), Failure> {
        self.session.logout()?;
        if !self.is_shared {
            return Err(Failure::other(
                "other runs can still find a token: there was no state directory to look into",
            ));
        }
        Ok(())
    }

    /// A request with this token was answered with 401.
    pub(crate) fn give_up(&self, rejected: &str) -> Result<(), Failure> {
        // The token in hand may be another one by now: this looks at what other runs have, and sends nothing.
        let _ = self.session.status();
        if self.session.report_unauthorized(rejected)? {
            return Ok(());
        }
        let sentence = "the instance answered a new token with 401 as well, so another one does not help; look at the \
                        request and at the permissions of the account";
        Err(Failure::Message(Exit::Rejected, sentence.to_owned()))
    }

    /// Sends a request. Its time limit is for progress; getting a token has one of its own.
    pub(crate) fn stream(&self, request: &Request) -> Result<StreamedResponse, Error> {
        self.session.with_timeout(self.settings.timeout).stream(request)
    }

    /// Allows rejected credentials to be sent again, and signs in, both in the time of one.
    pub(crate) fn login_again(&self) -> Result<(), Error> {
        let ends = Instant::now() + self.settings.timeout + self.settings.wait;
        match self.session.forget_rejection() {
            // Others go on believing in the rejection, which the warning about the state directory says.
            Err(error) if error.code() == ErrorCode::Store => {}
            forgotten => forgotten?,
        }
        self.session.with_timeout(ends.saturating_duration_since(Instant::now())).login()
    }
}

impl Deref for Account {
    type Target = Session;

    fn deref(&self) -> &Session {
        &self.session
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        #[cfg(unix)]
        crate::terminal::when_ended(None);
        // A refresh that is out is left for the next run; a token in hand does not wait for it longer than this.
        match self.session.expires_in() {
            Some(_) => self.session.with_timeout(SETTLING).settle(),
            None => self.session.settle(),
        }
    }
}

/// How long a run that has its token waits for a refresh at its end.
const SETTLING: Duration = Duration::from_secs(5);

/// A live token in the forms in which it leaves this process.
pub(crate) struct Shown {
    authorization: Secret,
    scheme: AuthScheme,
}

impl Shown {
    /// Signs in or refreshes if need be.
    pub(crate) fn of(account: &mut Account) -> Result<Self, Failure> {
        let authorization = match account.authorization() {
            Err(error) if account.resume(&error)? => account.authorization(),
            authorization => authorization,
        };
        Ok(Self { authorization: authorization?, scheme: account.settings.scheme() })
    }

    /// The value of the `Authorization` header.
    pub(crate) fn authorization(&self) -> &str {
        self.authorization.expose()
    }

    /// The token alone.
    pub(crate) fn token(&self) -> &str {
        let value = self.authorization();
        match self.scheme {
            AuthScheme::Raw => value,
            AuthScheme::Bearer => value.strip_prefix("Bearer ").unwrap_or(value),
        }
    }
}
