//! Which PlexTrac instance: its base URL, normalised from what people paste.

use alloc::format;
use alloc::string::{String, ToString};
use core::fmt;

use url::{Host, Url};

/// One PlexTrac instance: scheme, host, port and path prefix.
///
/// Two instances are equal exactly when they share one authentication budget: the scheme of the
/// default port is part of that, headers and certificates are not.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Instance {
    base: String,
    host: String,
    port: u16,
    is_https: bool,
    is_loopback: bool,
}

/// Why a text is not the URL of an instance. Nothing of the text is repeated: it may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InstanceError {
    /// Empty, or only white space.
    Empty,
    /// Longer than 2,048 bytes.
    TooLong,
    /// Contains a control character.
    ControlCharacter,
    /// Not a URL at all.
    NotAUrl,
    /// There is no host in it.
    NoHost,
    /// `user:password@` stands in front of the host.
    UserInfo,
    /// The scheme is neither `https` nor `http`.
    Scheme,
    /// The port is not a number from 1 to 65535.
    Port,
    /// A query or fragment follows the path.
    QueryOrFragment,
}

impl Instance {
    /// Reads a URL as people write it: with or without scheme (`https` is meant), trailing slashes,
    /// `/api/v1` or `/api/v2` at the end.
    ///
    /// # Errors
    /// [`InstanceError`] says what is wrong with the text.
    pub fn parse(text: &str) -> Result<Self, InstanceError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(InstanceError::Empty);
        }
        if text.len() > 2048 {
            return Err(InstanceError::TooLong);
        }
        if text.chars().any(char::is_control) {
            return Err(InstanceError::ControlCharacter);
        }
        let url = match text.split_once("://") {
            // The url crate forgives `https:///host`; a missing host is an error here.
            Some((_, rest)) if rest.is_empty() || rest.starts_with(['/', '?', '#', ':']) => {
                return Err(InstanceError::NoHost);
            }
            Some((scheme, _))
                if !scheme.eq_ignore_ascii_case("https") && !scheme.eq_ignore_ascii_case("http") =>
            {
                return Err(InstanceError::Scheme);
            }
            Some(_) => Url::parse(text),
            None if text.split('/').next().is_some_and(|authority| authority.contains('@')) => {
                return Err(InstanceError::UserInfo);
            }
            None if looks_like_other_scheme(text) => return Err(InstanceError::Scheme),
            None => Url::parse(&format!("https://{text}")),
        }
        .map_err(|error| match error {
            url::ParseError::EmptyHost => InstanceError::NoHost,
            url::ParseError::InvalidPort => InstanceError::Port,
            _ => InstanceError::NotAUrl,
        })?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(InstanceError::UserInfo);
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(InstanceError::QueryOrFragment);
        }
        let is_loopback = match url.host().ok_or(InstanceError::NoHost)? {
            Host::Domain(name) => is_localhost(name),
            Host::Ipv4(address) => address.is_loopback(),
            Host::Ipv6(address) => address.is_loopback(),
        };
        let host = url.host_str().ok_or(InstanceError::NoHost)?.to_string();
        let port = url.port_or_known_default().ok_or(InstanceError::Scheme)?;
        if port == 0 {
            return Err(InstanceError::Port);
        }
        let base = format!("{}{}", url.origin().ascii_serialization(), prefix(url.path()));
        Ok(Self { base, host, port, is_https: url.scheme() == "https", is_loopback })
    }

    /// The base URL without trailing slash; a path such as `/api/v1/authenticate` is appended to it.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.base
    }

    /// The host, in ASCII; an IPv6 address is in brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, explicit or the scheme's own.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Whether the connection is encrypted.
    #[must_use]
    pub const fn is_https(&self) -> bool {
        self.is_https
    }

    /// Whether the host is this machine (`localhost`, 127.0.0.0/8, ::1): plain HTTP is harmless there.
    #[must_use]
    pub const fn is_loopback(&self) -> bool {
        self.is_loopback
    }
}

impl fmt::Display for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.base)
    }
}

impl fmt::Display for InstanceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "the URL is empty; give one such as https://name.plextrac.com",
            Self::TooLong => "the URL is longer than 2048 bytes; give the address of the instance alone",
            Self::ControlCharacter => "the URL contains a control character",
            Self::NotAUrl => "this is not a URL; give one such as https://name.plextrac.com",
            Self::NoHost => "the URL has no host; give one such as https://name.plextrac.com",
            Self::UserInfo => {
                "the URL contains user information before the host; give user name and password separately"
            }
            Self::Scheme => "the URL's scheme is neither https nor http",
            Self::Port => "the URL's port is not a number from 1 to 65535; correct it, or leave it out",
            Self::QueryOrFragment => {
                "the URL has a query or fragment; give the address of the instance alone"
            }
        })
    }
}

impl core::error::Error for InstanceError {}

/// `mailto:x` or `file:/x` has a scheme, `host:8443/x` has a port.
fn looks_like_other_scheme(text: &str) -> bool {
    text.split_once(':').is_some_and(|(scheme, rest)| {
        !scheme.is_empty()
            && scheme.bytes().all(|byte| byte.is_ascii_alphabetic())
            && !rest.starts_with(|first: char| first.is_ascii_digit())
    })
}

fn prefix(path: &str) -> &str {
    let path = path.trim_end_matches('/');
    let path = path.strip_suffix("/api/v1").or_else(|| path.strip_suffix("/api/v2")).unwrap_or(path);
    path.trim_end_matches('/')
}

/// Whether a host's name, in lower case, is one of this machine (RFC 6761 §6.3).
#[must_use]
pub fn is_localhost(name: &str) -> bool {
    name == "localhost" || name.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_taken_as_people_paste_them() {
        for (text, base) in [
            ("acme.plextrac.com", "https://acme.plextrac.com"),
            (" https://acme.plextrac.com/ ", "https://acme.plextrac.com"),
            ("HTTPS://Acme.PlexTrac.com:443/api/v1/", "https://acme.plextrac.com"),
            ("https://acme.example/api/v2", "https://acme.example"),
            ("acme.example:8443/pt//", "https://acme.example:8443/pt"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("https://[::1]:9/x/api/v1", "https://[::1]:9/x"),
            ("https://bücher.example", "https://xn--bcher-kva.example"),
            ("localhost:1", "https://localhost:1"),
        ] {
            assert_eq!(Instance::parse(text).map(|i| i.base), Ok(base.into()), "{text}");
        }
    }

    #[test]
    fn a_url_that_cannot_be_meant_is_named_for_what_is_wrong() {
        use InstanceError::*;
        for (text, error) in [
            ("", Empty),
            ("  ", Empty),
            ("https://", NoHost),
            ("https:///api/v1", NoHost),
            ("https://:443", NoHost),
            ("https://user@acme.example", UserInfo),
            ("user:secret@acme.example", UserInfo),
            ("https://user:secret@acme.example", UserInfo),
            ("ftp://acme.example", Scheme),
            ("mailto:somebody", Scheme),
            ("https://a b", NotAUrl),
            ("https://acme.example:99999", Port),
            ("acme.example:99999/api/v1", Port),
            ("http://127.0.0.1:0", Port),
            ("https://acme.example:44x", Port),
            ("[::1]:65536", Port),
            ("https://acme\r\n.example", ControlCharacter),
            ("https://acme.example\0", ControlCharacter),
            ("https://acme.example?x=1", QueryOrFragment),
            ("https://acme.example/#x", QueryOrFragment),
        ] {
            assert_eq!(Instance::parse(text).map(|i| i.base), Err(error), "{text:?}");
        }
        assert_eq!(Instance::parse(&"a".repeat(3000)), Err(TooLong));
    }

    #[test]
    fn only_this_machine_is_loopback() {
        let loopback = |text| Instance::parse(text).unwrap().is_loopback();
        assert!(loopback("http://localhost") && loopback("http://127.9.9.9:1") && loopback("http://[::1]"));
        assert!(
            !loopback("http://localhost.example")
                && !loopback("http://10.0.0.1")
                && !loopback("http://[::2]")
        );
    }
}
