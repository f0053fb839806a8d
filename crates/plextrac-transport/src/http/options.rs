//! What a client is made from.

use std::fmt;
use std::time::Duration;

use zeroize::Zeroizing;

use super::observer::HttpObserver;

/// Names this library and its version.
pub(crate) const DEFAULT_USER_AGENT: &str = concat!("plextrac-auth/", env!("CARGO_PKG_VERSION"));

/// Settings of an [`HttpClient`](super::HttpClient). They are checked when the client is made.
#[derive(Clone, Debug)]
pub(crate) struct HttpOptions {
    /// Whom to believe about the identity of a server.
    pub(crate) roots: Roots,
    /// Authorities that are trusted as well, or alone: see [`Roots`].
    pub(crate) extra_ca_pem: Vec<CaBundle>,
    /// What to show to a server or a proxy that asks for a certificate.
    pub(crate) client_certificate: Option<ClientCertificate>,
    /// Whether certificates are checked. With `false` anybody in between can read and change everything.
    pub(crate) verify: bool,
    /// Whether a proxy stands between.
    pub(crate) proxy: ProxySetting,
    /// The most that finding the host, connecting, the proxy and the TLS handshake may take together.
    pub(crate) connect_timeout: Duration,
    /// The `User-Agent` of all requests.
    pub(crate) user_agent: String,
    /// Is called at each step of an exchange.
    pub(crate) observer: Option<HttpObserver>,
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self {
            roots: Roots::System,
            extra_ca_pem: Vec::new(),
            client_certificate: None,
            verify: true,
            proxy: ProxySetting::Environment,
            connect_timeout: Duration::from_secs(10),
            user_agent: DEFAULT_USER_AGENT.to_owned(),
            observer: None,
        }
    }
}

/// Which certification authorities are trusted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Roots {
    /// Those of the operating system, and the given bundles.
    #[default]
    System,
    /// Only the given bundles.
    OnlyGiven,
}

/// Certificates of authorities, in PEM form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaBundle {
    /// What errors call it: the path of the file, as a rule.
    pub name: String,
    /// One or more `CERTIFICATE` sections; other sections are skipped.
    pub pem: Vec<u8>,
}

/// A certificate for servers that ask their clients for one, with its private key, both in PEM form.
#[derive(Clone)]
pub struct ClientCertificate {
    /// The certificate, then those of the authorities between it and one that the server knows.
    pub chain_pem: Vec<u8>,
    /// The unencrypted private key: PKCS#8, PKCS#1 or SEC1.
    pub key_pem: Zeroizing<Vec<u8>>,
}

impl fmt::Debug for ClientCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientCertificate").finish_non_exhaustive()
    }
}

/// Whether requests go through a proxy.
#[derive(Clone, Default, PartialEq, Eq)]
pub enum ProxySetting {
    /// Never.
    None,
    /// As curl reads it from the environment, once, when the client is made: `http_proxy` (in lower case only),
    /// `https_proxy` or `HTTPS_PROXY`, else `all_proxy` or `ALL_PROXY`; but not for hosts in `no_proxy` or `NO_PROXY`,
    /// nor, other than in curl, for `http://` to this machine: that may be unencrypted because it stays here.
    #[default]
    Environment,
    /// Always, through this one: `http://` or `https://`, with `user:password@` before the host if it wants that,
    /// percent-encoded. The environment is not read. Without a port, 1080 or 443 as in curl.
    Url(String),
}

impl fmt::Debug for ProxySetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Environment => "Environment",
            Self::Url(_) => "Url(..)",
        })
    }
}
