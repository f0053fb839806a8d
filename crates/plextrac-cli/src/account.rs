//! The session of an account: the one place where sessions are made from settings.

use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::time::Duration;

use plextrac_transport::{Scheme, Secret, Session, SessionConfig, SessionEvent};

use crate::args::{AccountArgs, AuthScheme};
use crate::exit::{self, Failure};
use crate::settings::Settings;
use crate::{headers_file, prompt, state_dir};

/// What a session is opened for, which says when a password is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To use the account: the password is needed if no other run has left a live token.
    Use,
    /// To sign in anew.
    SignIn,
    /// To look or to sign out: nothing is needed, as nothing is sent.
    Look,
}

/// The session that `args` and the environment name. Nothing is sent.
///
/// Dropping it, as every command does before it ends, leaves a request that is out a second to be answered.
pub(crate) fn open(args: &AccountArgs, purpose: Purpose) -> Result<Session, Failure> {
    let settings = Settings::resolve(args)?;
    let mut config = way_to(args, &settings.url)?;
    let store = state_dir::open(args)?;
    let is_shared = store.is_some();
    if let Some(store) = store {
        config.store(Arc::new(store));
    }
    match &settings.totp_secret {
        Some(secret) => config.totp_secret(secret)?,
        None if settings.asks => config.mfa_callback(prompt::six_digits),
        None => &mut config,
    };
    let needs_password = settings.password.is_none();
    if let Some(username) = settings.username.as_ref().filter(|_| needs_password && is_shared)
        && purpose != Purpose::SignIn
    {
        let session = Session::new(config.clone().username(username)?)?;
        if purpose == Purpose::Look || session.status().expires_in.is_some() {
            return Ok(session);
        }
    }
    if let Some(token) = &settings.token {
        config.token(token)?;
    }
    match (&settings.username, &settings.password) {
        (Some(username), Some(password)) => config.password(username, password)?,
        // Whose the token is, only the server could say: it is not shared as this user's.
        _ if settings.token.is_some() && purpose != Purpose::SignIn => &mut config,
        (Some(username), None) => config.password(username, &settings.ask_password()?)?,
        (None, _) => &mut config,
    };
    Ok(Session::new(&config)?)
}

/// The way to the instance, without anybody to sign in.
pub(crate) fn way_to(args: &AccountArgs, url: &str) -> Result<SessionConfig, Failure> {
    let mut config = SessionConfig::new(url)?;
    if let Some(path) = args.ca_file.as_ref().filter(|path| !path.as_os_str().is_empty()) {
        config.ca_file(path)?;
    }
    if let Some(path) = args.headers_file.as_ref().filter(|path| !path.as_os_str().is_empty()) {
        headers_file::apply(path, &mut config)?;
    }
    if let Some(proxy) = &args.proxy {
        config.proxy(proxy)?;
    }
    config.auth_scheme(match args.auth_scheme {
        AuthScheme::Raw => Scheme::Raw,
        AuthScheme::Bearer => Scheme::Bearer,
    });
    // The library's timeout bounds the whole call; here the wait for a turn comes on top.
    config.timeout(Duration::from_secs(args.timeout + args.wait))?;
    config.wait(Duration::from_secs(args.wait));
    config.allow_http(args.allow_http);
    if args.insecure_skip_verify {
        exit::say(
            "warning: certificates are not checked, so whoever stands in between can read the password",
        );
        config.danger_accept_invalid_certs(true);
    }
    let tells_waits = args.wait > 0 && io::stderr().is_terminal();
    config.on_event(move |event| match event {
        SessionEvent::NotShared { reason } => exit::say(&format!("warning: {reason}")),
        SessionEvent::Waiting { .. } if tells_waits => exit::say(&event.to_string()),
        _ => {}
    });
    Ok(config)
}

/// A live token in the forms in which it leaves this process.
pub(crate) struct Shown {
    authorization: Secret,
    scheme: AuthScheme,
}

impl Shown {
    /// Signs in or refreshes if need be.
    pub(crate) fn of(session: &Session, args: &AccountArgs) -> Result<Self, Failure> {
        Ok(Self { authorization: session.authorization()?, scheme: args.auth_scheme })
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
