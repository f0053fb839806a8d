//! What a session is made from. Everything is checked when it is set, before anything is sent.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, HeaderValue};
use plextrac_auth_core::{Budget, Credentials, ImportedToken, Instance, MfaSource, Scheme, TotpSecret};
use zeroize::Zeroizing;

use crate::clock::{self, Clock, SystemClock};
use crate::error::{Error, ErrorCode};
use crate::event::{EventSink, SessionEvent};
use crate::exchange::{Exchange, ExchangeSink};
use crate::header;
use crate::http::{
    CaBundle, ClientCertificate, DEFAULT_USER_AGENT, HttpEvent, HttpObserver, HttpOptions, ProxySetting,
    Roots,
};
use crate::mfa::{MfaCallback, MfaPrompt};
use crate::store::{DirectoryStore, RecordStore};

/// The settings of a [`Session`](crate::Session), or of a machine with another HTTP stack.
///
/// Setters check their arguments. After an error the configuration is unchanged. Setters can be chained:
///
/// ```
/// # fn main() -> Result<(), plextrac_transport::Error> {
/// let mut config = plextrac_transport::SessionConfig::new("acme.plextrac.com")?;
/// config.password("someone@acme.example", "correct horse")?.totp_secret("GEZDGNBVGY3TQOJQ")?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct SessionConfig {
    pub(crate) instance: Instance,
    pub(crate) username: Option<String>,
    pub(crate) credentials: Option<Credentials>,
    pub(crate) token: Option<ImportedToken>,
    pub(crate) mfa: Mfa,
    pub(crate) scheme: Scheme,
    pub(crate) http: HttpOptions,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) timeout: Duration,
    pub(crate) wait: Duration,
    pub(crate) auth_budget: Option<u32>,
    pub(crate) response_limit: usize,
    pub(crate) allow_http: bool,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) store: Option<Arc<dyn RecordStore>>,
    pub(crate) requires_store: bool,
    pub(crate) refreshes_early: bool,
    pub(crate) ignore_shared_token: bool,
    pub(crate) keeps_alive: Option<Duration>,
    pub(crate) events: Option<EventSink>,
    pub(crate) exchanges: Option<ExchangeSink>,
}

/// The source of one-time codes.
#[derive(Clone)]
pub(crate) enum Mfa {
    Submitted,
    Unavailable,
    Callback(MfaCallback),
    Totp(TotpSecret),
}

impl SessionConfig {
    /// For the instance at `url`, which may have no scheme, a final slash, or `/api/v1`.
    ///
    /// # Errors
    /// [`InvalidArgument`](crate::ErrorCode::InvalidArgument) if it has no host, has user information before the
    /// host, or its scheme is neither `https` nor `http`.
    pub fn new(url: &str) -> Result<Self, Error> {
        Ok(Self {
            instance: Instance::parse(url)?,
            username: None,
            credentials: None,
            token: None,
            mfa: Mfa::Submitted,
            scheme: Scheme::Raw,
            http: HttpOptions::default(),
            headers: Vec::new(),
            timeout: Duration::from_secs(30),
            wait: Duration::ZERO,
            auth_budget: None,
            response_limit: 64 * 1024 * 1024,
            allow_http: false,
            clock: SystemClock::shared(),
            store: None,
            requires_store: false,
            refreshes_early: false,
            ignore_shared_token: false,
            keeps_alive: None,
            events: None,
            exchanges: None,
        })
    }

    /// Sets the user name and the password. They are copied, and wiped with the last copy of this configuration and its
    /// sessions.
    ///
    /// # Errors
    /// `InvalidArgument` if one of them is empty, over 1,024 bytes, or contains a control character.
    pub fn password(&mut self, username: &str, password: &str) -> Result<&mut Self, Error> {
        self.credentials = Some(Credentials::new(username, password)?);
        self.username = Some(username.to_owned());
        Ok(self)
    }

    /// Sets the user name without a password. The session uses and refreshes the token in the store. When that is no
    /// longer possible, calls return `Expired`. Replaces an earlier password.
    ///
    /// # Errors
    /// `InvalidArgument` as with [`password`](Self::password).
    pub fn username(&mut self, username: &str) -> Result<&mut Self, Error> {
        // The rule for user names is the core's, and it knows them with a password only.
        Credentials::new(username, "none")?;
        self.credentials = None;
        self.username = Some(username.to_owned());
        Ok(self)
    }

    /// Imports a token from elsewhere. It is refreshed at its first use. If there is also a password, the session signs in
    /// when the token has expired.
    ///
    /// # Errors
    /// `InvalidArgument` if it is empty, over 16 KiB, or not valid in a header.
    pub fn token(&mut self, token: &str) -> Result<&mut Self, Error> {
        self.token = Some(ImportedToken::new(token)?);
        Ok(self)
    }

    /// Signs in even if other sessions of the account share a live token. That token stays usable until this
    /// session has a new one. Default: the shared token is used.
    pub const fn ignore_shared_token(&mut self, ignore: bool) -> &mut Self {
        self.ignore_shared_token = ignore;
        self
    }

    /// The TOTP secret of the account, as base32 or as an `otpauth://totp/` URI. Replaces a callback.
    ///
    /// # Errors
    /// `InvalidArgument` if it is neither, or has fewer than 80 bits.
    pub fn totp_secret(&mut self, secret: &str) -> Result<&mut Self, Error> {
        self.mfa = Mfa::Totp(TotpSecret::parse(secret)?);
        Ok(self)
    }

    /// Sets a callback that returns a one-time code, or `None` to give up. It runs on a worker thread with no lock held,
    /// at most twice for one sign-in. No timeout counts its time.
    pub fn mfa_callback<F>(&mut self, callback: F) -> &mut Self
    where
        F: Fn(&MfaPrompt) -> Option<Zeroizing<String>> + Send + Sync + 'static,
    {
        self.mfa = Mfa::Callback(Arc::new(callback));
        self
    }

    /// Trusts the certificates in a PEM file as well as (or, with [`Roots::OnlyGiven`], instead of) the system's.
    /// The file is read now.
    ///
    /// # Errors
    /// `InvalidArgument` if it cannot be read, or has no certificate.
    pub fn ca_file(&mut self, path: impl AsRef<Path>) -> Result<&mut Self, Error> {
        let path = path.as_ref();
        let pem = std::fs::read(path).map_err(|error| {
            Error::invalid(format!("the CA file {} cannot be read: {error}", path.display()))
        })?;
        self.add_ca(CaBundle { name: path.display().to_string(), pem })
    }

    /// The same from memory.
    ///
    /// # Errors
    /// `InvalidArgument` if it has no certificate.
    pub fn ca_pem(&mut self, pem: &[u8]) -> Result<&mut Self, Error> {
        self.add_ca(CaBundle { name: "given in memory".into(), pem: pem.to_vec() })
    }

    /// Which CAs are trusted besides the given ones.
    pub const fn roots(&mut self, roots: Roots) -> &mut Self {
        self.http.roots = roots;
        self
    }

    /// Sets the client certificate for servers and proxies that require one. Chain and key are PEM.
    ///
    /// # Errors
    /// `InvalidArgument` if they cannot be used together.
    pub fn client_certificate(&mut self, chain_pem: &[u8], key_pem: &[u8]) -> Result<&mut Self, Error> {
        let certificate =
            ClientCertificate { chain_pem: chain_pem.to_vec(), key_pem: Zeroizing::new(key_pem.to_vec()) };
        let http = HttpOptions { client_certificate: Some(certificate), ..self.http.clone() };
        self.set_http(http)
    }

    /// Sends a header with every request, including sign-in, for a gateway in front of the instance. Its value is treated
    /// as a secret. A second value for a name replaces the first. `User-Agent` is the same as
    /// [`user_agent`](Self::user_agent).
    ///
    /// # Errors
    /// `InvalidArgument` for a name or value that is not valid in a header, and for names that this library or HTTP sets.
    pub fn header(&mut self, name: &str, value: &str) -> Result<&mut Self, Error> {
        if name.eq_ignore_ascii_case(http::header::USER_AGENT.as_str()) {
            return self.user_agent(value);
        }
        let (name, value) = header::extra(name, value)?;
        self.headers.retain(|(set, _)| *set != name);
        self.headers.push((name, value));
        Ok(self)
    }

    /// Sets the `User-Agent` of all requests, including sign-in and proxy. The default names this library and its
    /// version. The `User-Agent` header of a [`Request`](crate::Request) has precedence.
    ///
    /// # Errors
    /// `InvalidArgument` if it is empty, or not valid in a header.
    pub fn user_agent(&mut self, user_agent: &str) -> Result<&mut Self, Error> {
        let (_, value) = header::for_request("user-agent", user_agent)?;
        let user_agent = String::from_utf8_lossy(value.as_bytes()).into_owned();
        if user_agent.is_empty() {
            return Err(Error::invalid("the User-Agent is empty; name a program and its version"));
        }
        let http = HttpOptions { user_agent, ..self.http.clone() };
        self.set_http(http)
    }

    /// Uses the proxy `http://host:port`, or no proxy if `url` is empty. By default the environment decides, by curl's
    /// rules, except that `http://` to this machine never uses a proxy.
    ///
    /// # Errors
    /// `InvalidArgument` for an invalid URL or an unsupported kind of proxy.
    pub fn proxy(&mut self, url: &str) -> Result<&mut Self, Error> {
        let proxy = if url.is_empty() { ProxySetting::None } else { ProxySetting::Url(url.to_owned()) };
        let http = HttpOptions { proxy, ..self.http.clone() };
        self.set_http(http)
    }

    /// Authorization scheme: `raw` or `bearer`.
    pub const fn auth_scheme(&mut self, scheme: Scheme) -> &mut Self {
        self.scheme = scheme;
        self
    }

    /// Sets the time limit of a call, from entry to return. Time in which a person types does not count. Default 30 s.
    ///
    /// # Errors
    /// `InvalidArgument` if it is zero or over an hour.
    pub fn timeout(&mut self, timeout: Duration) -> Result<&mut Self, Error> {
        if timeout.is_zero() || timeout > Duration::from_secs(3600) {
            return Err(Error::invalid("a timeout is more than nothing and at most an hour"));
        }
        self.timeout = timeout;
        Ok(self)
    }

    /// Sets how long a call may wait for the budget or a back-off. If it would take longer, the call returns `MustWait` at
    /// once. Default 0. The timeout of the call limits the wait too.
    pub fn wait(&mut self, wait: Duration) -> &mut Self {
        self.wait = clock::bounded(wait);
        self
    }

    /// Sets the authentication requests a minute that all sessions of this process together may send to the instance: 2 to
    /// 60, default 6 of its 10. If sessions differ, the lowest number counts.
    ///
    /// # Errors
    /// `InvalidArgument` for any other number.
    pub fn auth_budget(&mut self, per_minute: u32) -> Result<&mut Self, Error> {
        Budget::new(per_minute).map_err(|error| Error::invalid(error.to_string()))?;
        self.auth_budget = Some(per_minute);
        Ok(self)
    }

    /// The longest body of an answer to the program's own requests, in bytes. Default 64 MiB; a longer one is an error.
    pub const fn response_limit(&mut self, bytes: usize) -> &mut Self {
        self.response_limit = bytes;
        self
    }

    /// Allows `http://` to hosts other than this machine. Others in the network can then read the password.
    pub const fn allow_http(&mut self, allow: bool) -> &mut Self {
        self.allow_http = allow;
        self
    }

    /// Accepts any certificate. Others in the network can then read the password. Use it only for tests against a local
    /// machine.
    pub const fn danger_accept_invalid_certs(&mut self, accept: bool) -> &mut Self {
        self.http.verify = !accept;
        self
    }

    /// Shares the account's session with other processes of this user through a directory, which is created if it
    /// does not exist. Without one nothing is shared, and processes do not know each other's rejected passwords and
    /// requests. Then neither the limit of ten authentication requests a minute nor the lockout holds for all processes.
    /// Sessions that [import](Self::token) the same token share its refreshed tokens, and share nothing with the user's
    /// other sessions.
    ///
    /// # Errors
    /// `Store` if other users can read or change it, or it cannot be created.
    pub fn state_dir(&mut self, directory: impl AsRef<Path>) -> Result<&mut Self, Error> {
        let store = DirectoryStore::open(directory.as_ref())
            .map_err(|error| Error::new(ErrorCode::Store, error.to_string()))?;
        Ok(self.store(Arc::new(store)))
    }

    /// Shares the account's session through a store.
    pub fn store(&mut self, store: Arc<dyn RecordStore>) -> &mut Self {
        self.store = Some(store);
        self
    }

    /// Refuses to sign in while the store cannot be written. Default `false`: the session then continues alone
    /// and reports [`NotShared`](crate::SessionEvent::NotShared).
    ///
    /// A command that runs once needs this. Without its record, the next run does not know that the server rejected
    /// the password, and sends it again.
    pub const fn require_store(&mut self, required: bool) -> &mut Self {
        self.requires_store = required;
        self
    }

    /// Refreshes after a third of the token's life, instead of two thirds. Default `false`.
    ///
    /// For a program that cron runs often: none of its runs may be in the minute in which other sessions
    /// refresh. The live token is returned at once; [`settle`](crate::Session::settle) waits for the refresh.
    pub const fn refresh_early(&mut self, early: bool) -> &mut Self {
        self.refreshes_early = early;
        self
    }

    /// Keeps the session alive while the program does nothing: for `duration` from
    /// [`Session::new`](crate::Session::new) on, its token is refreshed in the background when half of its life is over.
    /// Default: none is refreshed unless a call needs it.
    ///
    /// It signs in by itself only where no person is needed: without MFA, or with a TOTP secret. Nothing is sent before
    /// the first call that needs a token. Of several sessions of an account that share a store, one does the work.
    /// [`KeepEnded`](crate::SessionEvent::KeepEnded) reports the end; after a sign-out, or when a person is needed, the
    /// session is kept alive again from the next sign-in on.
    pub fn keep_alive(&mut self, duration: Duration) -> &mut Self {
        self.keeps_alive = Some(clock::bounded(duration)).filter(|duration| !duration.is_zero());
        self
    }

    /// There is no source of one-time codes: neither a person nor a secret. If the account is known to need one, calls
    /// return `MfaRequired` and send nothing.
    pub fn no_mfa_codes(&mut self) -> &mut Self {
        self.mfa = Mfa::Unavailable;
        self
    }

    /// Shares nothing; the default.
    pub fn no_store(&mut self) -> &mut Self {
        self.store = None;
        self
    }

    /// Uses another clock, for tests. Sessions that share a budget must share the `Arc`.
    pub fn clock(&mut self, clock: Arc<dyn Clock>) -> &mut Self {
        self.clock = clock;
        self
    }

    /// Reports the session's events to `sink`. It runs on the thread of the event, with no lock held. No event contains a
    /// secret.
    pub fn on_event<F>(&mut self, sink: F) -> &mut Self
    where
        F: Fn(&SessionEvent) + Send + Sync + 'static,
    {
        self.events = Some(EventSink::new(sink));
        self
    }

    /// Reports each authentication request and the outline of its answer to `sink`, on the thread of the attempt.
    /// It contains no value of the request or the answer. For reports on how an instance behaves.
    pub fn on_exchange<F>(&mut self, sink: F) -> &mut Self
    where
        F: Fn(&Exchange) + Send + Sync + 'static,
    {
        self.exchanges = Some(ExchangeSink(Arc::new(sink)));
        self
    }

    /// Calls `observe` at each step of each HTTP exchange, on the thread of the exchange and with no lock held, to find
    /// problems. No event contains a body or a secret.
    pub fn on_http<F>(&mut self, observe: F) -> &mut Self
    where
        F: Fn(&HttpEvent) + Send + Sync + 'static,
    {
        self.http.observer = Some(HttpObserver::new(observe));
        self
    }

    /// The instance's base URL, normalised.
    #[must_use]
    pub fn base_url(&self) -> &str {
        self.instance.base_url()
    }

    /// The machine's part of this configuration, for a driver that does its own HTTP. The driver is
    /// responsible for certificates, proxy, network timeouts and callbacks.
    ///
    /// # Errors
    /// `InvalidArgument` if there are no credentials, or `http://` is not allowed.
    pub fn machine_config(&self) -> Result<plextrac_auth_core::Config, Error> {
        self.check()?;
        let mut config = plextrac_auth_core::Config::new(self.instance.clone());
        config.credentials.clone_from(&self.credentials);
        config.token.clone_from(&self.token);
        config.scheme = self.scheme;
        config.request_timeout = self.timeout;
        config.ignore_shared_token = self.ignore_shared_token;
        config.refreshes_early = self.refreshes_early;
        config.mfa = match &self.mfa {
            Mfa::Submitted => MfaSource::Submitted,
            Mfa::Unavailable => MfaSource::Unavailable,
            Mfa::Callback(_) => MfaSource::Asked,
            Mfa::Totp(secret) => MfaSource::Totp(secret.clone()),
        };
        Ok(config)
    }

    /// The headers that are sent with every request, for a driver that does its own HTTP. `User-Agent` is among them if
    /// it was set.
    pub fn extra_headers(&self) -> impl Iterator<Item = (&str, &[u8])> {
        let user_agent = (self.http.user_agent != DEFAULT_USER_AGENT)
            .then_some((http::header::USER_AGENT.as_str(), self.http.user_agent.as_bytes()));
        self.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).chain(user_agent)
    }

    /// The authentication requests a minute that were set.
    #[must_use]
    pub const fn auth_budget_per_minute(&self) -> Option<u32> {
        self.auth_budget
    }

    /// Checks that need all settings.
    fn check(&self) -> Result<(), Error> {
        let may_find_a_token = self.username.is_some() && self.store.is_some();
        if self.credentials.is_none() && self.token.is_none() && !may_find_a_token {
            return Err(Error::invalid(
                "there is nothing to sign in with: set user name and password, or a token",
            ));
        }
        self.check_way()
    }

    /// Whether secrets may go this way.
    pub(crate) fn check_way(&self) -> Result<(), Error> {
        if !self.instance.is_https() && !self.instance.is_loopback() && !self.allow_http {
            return Err(Error::invalid(format!(
                "{} is not encrypted, so the password could be read on the way; use https://, or allow http:// by name",
                self.instance
            )));
        }
        Ok(())
    }

    fn add_ca(&mut self, bundle: CaBundle) -> Result<&mut Self, Error> {
        let mut http = self.http.clone();
        http.extra_ca_pem.push(bundle);
        self.set_http(http)
    }

    /// Takes over options that a client can be made from. Whether there is anybody to trust is asked when everything is
    /// set: the order of the setters is the caller's.
    fn set_http(&mut self, options: HttpOptions) -> Result<&mut Self, Error> {
        let checked = HttpOptions { roots: Roots::System, ..options.clone() };
        crate::http::HttpClient::new(&checked).map_err(|error| Error::invalid(error.to_string()))?;
        self.http = options;
        Ok(self)
    }
}

impl fmt::Debug for SessionConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("SessionConfig")
            .field("instance", &self.instance.base_url())
            .field("username", &self.credentials.as_ref().map(Credentials::username))
            .field("has_token", &self.token.is_some())
            .field("mfa", &self.mfa)
            .field("scheme", &self.scheme)
            .field("http", &self.http)
            .field("headers", &names)
            .field("timeout", &self.timeout)
            .field("wait", &self.wait)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Mfa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Submitted => "Submitted",
            Self::Unavailable => "Unavailable",
            Self::Callback(_) => "Callback",
            Self::Totp(_) => "Totp",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn setters_may_be_called_in_any_order() {
        let mut config = SessionConfig::new("https://acme.example").unwrap();
        config.roots(Roots::OnlyGiven).proxy("http://127.0.0.1:3128").unwrap().password("u", "p").unwrap();
        let error = crate::Session::new(&config).unwrap_err();
        assert!(error.message().contains("give a CA bundle"), "{error}");
    }

    #[test]
    fn bad_input_changes_nothing_and_is_named() {
        let mut config = SessionConfig::new("https://acme.example").unwrap();
        config.password("someone", "p").unwrap();
        let before = format!("{config:?}");
        for error in [
            config.ca_file("/nowhere/ca.pem").map(drop),
            config.ca_pem(b"no certificate").map(drop),
            config.ca_pem(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").map(drop),
            config.client_certificate(b"", b"").map(drop),
            config.proxy("ftp://proxy.example").map(drop),
            config.header("X-Key", "a\r\nb").map(drop),
            config.header("User-Agent", "").map(drop),
            config.user_agent("a\r\nb").map(drop),
            config.user_agent("ü/1").map(drop),
            config.totp_secret("1").map(drop),
            config.token("a b").map(drop),
            config.password("", "p").map(drop),
            config.timeout(Duration::ZERO).map(drop),
            config.auth_budget(1).map(drop),
        ] {
            assert_eq!(error.unwrap_err().code(), ErrorCode::InvalidArgument);
        }
        assert_eq!(format!("{config:?}"), before);
    }

    #[test]
    fn http_to_another_machine_has_to_be_allowed() {
        let mut config = SessionConfig::new("http://acme.example").unwrap();
        config.password("u", "p").unwrap();
        assert!(crate::Session::new(&config).unwrap_err().message().contains("not encrypted"));
        assert!(crate::Session::new(config.allow_http(true)).is_ok());
        let mut here = SessionConfig::new("http://127.0.0.1:9").unwrap();
        assert!(crate::Session::new(here.password("u", "p").unwrap()).is_ok());
    }
}
