//! Where a request goes: scheme, host and port.

use std::fmt;
use std::net::IpAddr;

use http::Uri;
use plextrac_auth_core::is_localhost;

use super::error::{HttpError, HttpErrorKind};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Endpoint {
    pub(super) tls: bool,
    /// Without the brackets of an IPv6 address.
    pub(super) host: String,
    pub(super) port: u16,
}

impl Endpoint {
    /// Reads it from the URL of a request. No message repeats the URL, which may carry a secret.
    pub(super) fn of(uri: &Uri) -> Result<Self, HttpError> {
        let refuse = |why: &str| Err(HttpError::new(HttpErrorKind::Request, why));
        let tls = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => {
                return refuse("the URL has no scheme that is known here; give one with https:// or http://");
            }
        };
        let Some(authority) = uri.authority() else {
            return refuse("the URL has no host; give one like https://host/path");
        };
        if authority.as_str().contains('@') {
            return refuse("the URL carries a user name or password before its host; leave it out");
        }
        let host = bare_host(authority.host());
        if host.is_empty() {
            return refuse("the URL has no host; give one like https://host/path");
        }
        let after_host = &authority.as_str()[authority.host().len()..];
        let port = match (authority.port_u16(), after_host) {
            (Some(0), _) => return refuse("the URL has port 0, where nothing can listen"),
            (Some(port), _) => port,
            (None, "" | ":") => {
                if tls {
                    443
                } else {
                    80
                }
            }
            (None, _) => return refuse("the URL has a port that is not a number from 1 to 65535"),
        };
        Ok(Self { tls, host: host.to_owned(), port })
    }

    /// By its name or address alone, as the core tells it of an instance.
    pub(super) fn is_this_machine(&self) -> bool {
        let host = self.host.to_ascii_lowercase();
        match host.parse::<IpAddr>() {
            Ok(address) => address.is_loopback(),
            Err(_) => is_localhost(&host),
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_host_port(f, &self.host, self.port)
    }
}

pub(super) fn bare_host(host: &str) -> &str {
    host.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')).unwrap_or(host)
}

pub(super) fn write_host_port(f: &mut fmt::Formatter<'_>, host: &str, port: u16) -> fmt::Result {
    if host.contains(':') { write!(f, "[{host}]:{port}") } else { write!(f, "{host}:{port}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(url: &str) -> Result<String, String> {
        let uri = url.parse::<Uri>().map_err(|error| error.to_string())?;
        Endpoint::of(&uri).map(|found| found.to_string()).map_err(|error| error.to_string())
    }

    #[test]
    fn the_port_follows_from_the_scheme_if_it_is_not_given() {
        assert_eq!(endpoint("https://h/x").unwrap(), "h:443");
        assert_eq!(endpoint("http://h").unwrap(), "h:80");
        assert_eq!(endpoint("https://h:8443/").unwrap(), "h:8443");
    }

    #[test]
    fn an_ipv6_address_is_shown_in_brackets() {
        assert_eq!(endpoint("https://[::1]:1/").unwrap(), "[::1]:1");
    }

    #[test]
    fn urls_that_name_no_host_to_connect_to_are_refused() {
        for url in ["/path", "ftp://h/", "https://h:0/", "https://h:99999/"] {
            assert!(endpoint(url).is_err(), "{url}");
        }
    }

    #[test]
    fn a_password_in_the_url_is_refused_and_not_repeated() {
        let refusal = endpoint("https://me:hunter2@h/").unwrap_err();
        assert!(refusal.contains("leave it out") && !refusal.contains("hunter2"), "{refusal}");
    }
}
