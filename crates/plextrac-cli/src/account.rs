//! The session of an account: the one place where sessions are made from settings.

use std::time::Duration;

use plextrac_transport::{Scheme, Secret, Session, SessionConfig};

use crate::args::{AccountArgs, AuthScheme};
use crate::exit::Failure;
use crate::prompt;
use crate::settings::Settings;
use crate::{exit, headers_file};

/// The session that `args` and the environment name. Nothing is sent.
///
/// Dropping it, as every command does before it ends, leaves a request that is out a second to be answered.
pub(crate) fn open(args: &AccountArgs) -> Result<Session, Failure> {
    let settings = Settings::resolve(args)?;
    let mut config = reach(args, &settings.url)?;
    if let Some((username, password)) = &settings.credentials {
        config.password(username, password)?;
    }
    if let Some(token) = &settings.token {
        config.token(token)?;
    }
    match &settings.totp_secret {
        Some(secret) => {
            config.totp_secret(secret)?;
        }
        None if settings.asks => {
            config.mfa_callback(prompt::six_digits);
        }
        None => {}
    }
    Ok(Session::new(&config)?)
}

/// The way to the instance, without anybody to sign in.
pub(crate) fn reach(args: &AccountArgs, url: &str) -> Result<SessionConfig, Failure> {
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
