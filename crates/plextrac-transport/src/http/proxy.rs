//! Which proxy a request goes through, if any.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::Uri;
use percent_encoding::percent_decode_str;
use zeroize::Zeroizing;

use super::endpoint::{Endpoint, bare_host};
use super::error::{HttpError, HttpErrorKind, HttpSetupError};
use super::no_proxy::NoProxy;
use super::options::ProxySetting;

/// A proxy that opens tunnels by CONNECT.
pub(super) struct Proxy {
    pub(super) endpoint: Endpoint,
    /// The value of `Proxy-Authorization`.
    pub(super) authorization: Option<Zeroizing<String>>,
}

/// The setting, read once. What the environment says wrongly is reported only when a request would use it.
pub(super) struct ProxyRules {
    for_http: Choice,
    for_https: Choice,
    except: NoProxy,
    from_environment: bool,
}

type Choice = Result<Option<Proxy>, String>;

impl ProxyRules {
    pub(super) fn new(setting: &ProxySetting) -> Result<Self, HttpSetupError> {
        Self::from_setting(setting, |name| std::env::var(name).ok())
    }

    fn from_setting(
        setting: &ProxySetting,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, HttpSetupError> {
        let nobody = || NoProxy::parse("");
        Ok(match setting {
            ProxySetting::None => {
                Self { for_http: Ok(None), for_https: Ok(None), except: nobody(), from_environment: false }
            }
            ProxySetting::Url(url) => {
                let parse = || Proxy::parse(url).map_err(|reason| HttpSetupError::BadProxy { reason });
                Self {
                    for_http: Ok(Some(parse()?)),
                    for_https: Ok(Some(parse()?)),
                    except: nobody(),
                    from_environment: false,
                }
            }
            ProxySetting::Environment => {
                // As in curl, an empty variable counts as none.
                let first = |names: &[&'static str]| {
                    names
                        .iter()
                        .find_map(|name| Some((*name, variable(name).filter(|value| !value.is_empty())?)))
                };
                let choice = |names: &[&'static str]| match first(names) {
                    Some((name, value)) => Proxy::parse(&value)
                        .map(Some)
                        .map_err(|reason| format!("the proxy in {name}: {reason}")),
                    None => Ok(None),
                };
                let except = first(&["no_proxy", "NO_PROXY"]).map(|(_, list)| list).unwrap_or_default();
                Self {
                    // Not HTTP_PROXY: in a CGI program that is a header of the request it serves.
                    for_http: choice(&["http_proxy", "all_proxy", "ALL_PROXY"]),
                    for_https: choice(&["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]),
                    except: NoProxy::parse(&except),
                    from_environment: true,
                }
            }
        })
    }

    /// The proxy for a target.
    pub(super) fn choose(&self, target: &Endpoint) -> Result<Option<&Proxy>, HttpError> {
        if self.except.matches(&target.host, target.port) {
            return Ok(None);
        }
        // What may go unencrypted because it stays on this machine must not leave it for a variable's sake.
        if self.from_environment && !target.tls && target.is_this_machine() {
            return Ok(None);
        }
        let choice = if target.tls { &self.for_https } else { &self.for_http };
        choice.as_ref().map(Option::as_ref).map_err(|reason| {
            HttpError::new(
                HttpErrorKind::Proxy,
                format!(
                    "cannot reach {target}: {reason}; correct the variable, or name the host in no_proxy"
                ),
            )
        })
    }
}

impl Proxy {
    /// Reasons never repeat the URL, which may carry a password.
    fn parse(url: &str) -> Result<Self, String> {
        let url = url.trim();
        let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
        let tls = match scheme.to_ascii_lowercase().as_str() {
            "http" => false,
            "https" => true,
            "socks" | "socks4" | "socks4a" | "socks5" | "socks5h" => {
                return Err("SOCKS proxies are not supported, only http:// and https://".to_owned());
            }
            _ => return Err("its scheme is neither http:// nor https://".to_owned()),
        };
        let uri = format!("http://{rest}").parse::<Uri>().map_err(|_| "it is no valid URL".to_owned())?;
        let authority = uri.authority().ok_or("it has no host")?;
        let (user_info, host_port) = match authority.as_str().rsplit_once('@') {
            Some((user_info, host_port)) => (Some(user_info), host_port),
            None => (None, authority.as_str()),
        };
        let host = bare_host(authority.host());
        if host.is_empty() {
            return Err("it has no host".to_owned());
        }
        let port = match (authority.port_u16(), &host_port[authority.host().len()..]) {
            (Some(port @ 1..), _) => port,
            (None, "" | ":") => {
                if tls {
                    443
                } else {
                    1080
                }
            }
            _ => return Err("its port is not a number from 1 to 65535".to_owned()),
        };
        let authorization = user_info.map(basic).transpose()?;
        Ok(Self { endpoint: Endpoint { tls, host: host.to_owned(), port }, authorization })
    }
}

fn basic(user_info: &str) -> Result<Zeroizing<String>, String> {
    let (user, password) = user_info.split_once(':').unwrap_or((user_info, ""));
    let mut plain = Zeroizing::new(Vec::with_capacity(user_info.len() + 1));
    plain.extend(percent_decode_str(user));
    if plain.contains(&b':') {
        return Err("its user name has a colon, which Basic authentication cannot carry".to_owned());
    }
    plain.push(b':');
    plain.extend(percent_decode_str(password));
    let mut value = Zeroizing::new(String::with_capacity("Basic ".len() + plain.len().div_ceil(3) * 4));
    value.push_str("Basic ");
    BASE64_STANDARD.encode_string(&*plain, &mut value);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(variables: &[(&str, &str)]) -> ProxyRules {
        ProxyRules::from_setting(&ProxySetting::Environment, |name| {
            variables.iter().find(|(set, _)| *set == name).map(|(_, value)| (*value).to_owned())
        })
        .unwrap()
    }

    fn chosen(variables: &[(&str, &str)], tls: bool, host: &str) -> Option<String> {
        let target = Endpoint { tls, host: host.to_owned(), port: if tls { 443 } else { 80 } };
        rules(variables).choose(&target).unwrap().map(|proxy| proxy.endpoint.to_string())
    }

    fn parsed(url: &str) -> Result<String, String> {
        Proxy::parse(url).map(|proxy| {
            format!("{}{}", if proxy.endpoint.tls { "https://" } else { "http://" }, proxy.endpoint)
        })
    }

    #[test]
    fn each_scheme_has_its_own_variable() {
        let set = [("http_proxy", "http://a:1"), ("https_proxy", "http://b:2")];
        assert_eq!(chosen(&set, false, "h").unwrap(), "a:1");
        assert_eq!(chosen(&set, true, "h").unwrap(), "b:2");
    }

    #[test]
    fn http_proxy_in_capitals_is_ignored_and_https_proxy_is_not() {
        let set = [("HTTP_PROXY", "http://a:1"), ("HTTPS_PROXY", "http://b:2")];
        assert_eq!(chosen(&set, false, "h"), None);
        assert_eq!(chosen(&set, true, "h").unwrap(), "b:2");
    }

    #[test]
    fn all_proxy_is_for_schemes_without_a_variable_of_their_own() {
        let set = [("all_proxy", "http://a:1"), ("https_proxy", "http://b:2")];
        assert_eq!(chosen(&set, false, "h").unwrap(), "a:1");
        assert_eq!(chosen(&set, true, "h").unwrap(), "b:2");
        assert_eq!(chosen(&[("ALL_PROXY", "http://c:3")], true, "h").unwrap(), "c:3");
    }

    #[test]
    fn small_letters_win_and_an_empty_variable_is_none() {
        let set = [("https_proxy", "http://a:1"), ("HTTPS_PROXY", "http://b:2")];
        assert_eq!(chosen(&set, true, "h").unwrap(), "a:1");
        let set = [("https_proxy", ""), ("HTTPS_PROXY", "http://b:2")];
        assert_eq!(chosen(&set, true, "h").unwrap(), "b:2");
    }

    #[test]
    fn hosts_in_no_proxy_are_reached_directly() {
        let set = [("all_proxy", "http://a:1"), ("no_proxy", "h.test, 127.0.0.1")];
        assert_eq!(chosen(&set, true, "x.h.test"), None);
        assert_eq!(chosen(&set, false, "127.0.0.1"), None);
        assert_eq!(chosen(&set, true, "other"), Some("a:1".to_owned()));
    }

    #[test]
    fn plain_http_to_this_machine_uses_no_general_proxy() {
        let set = [("http_proxy", "a:1"), ("https_proxy", "b:2"), ("all_proxy", "c:3")];
        for host in ["127.0.0.1", "127.9.9.9", "::1", "localhost", "LOCALHOST", "x.localhost"] {
            assert_eq!(chosen(&set, false, host), None, "{host}");
            assert_eq!(chosen(&set, true, host), Some("b:2".to_owned()), "{host}");
        }
        assert_eq!(chosen(&set, false, "localhost.example"), Some("a:1".to_owned()));
        let given = ProxyRules::new(&ProxySetting::Url("http://a:1".to_owned())).unwrap();
        let target = Endpoint { tls: false, host: "127.0.0.1".to_owned(), port: 80 };
        assert!(given.choose(&target).unwrap().is_some());
    }

    #[test]
    fn a_wrong_variable_harms_only_requests_that_would_use_it() {
        let rules = rules(&[("https_proxy", "socks5://me:hunter2@a"), ("http_proxy", "http://b:2")]);
        let target = |tls, host: &str| Endpoint { tls, host: host.to_owned(), port: 1 };
        assert!(rules.choose(&target(false, "h")).is_ok());
        let error = rules.choose(&target(true, "h")).err().unwrap();
        assert_eq!(error.kind(), HttpErrorKind::Proxy);
        let message = error.to_string();
        assert!(message.contains("https_proxy") && message.contains("SOCKS"), "{message}");
        assert!(!message.contains("hunter2"));
    }

    #[test]
    fn a_given_url_is_used_and_a_wrong_one_is_refused() {
        let rules =
            ProxyRules::from_setting(&ProxySetting::Url("p:3128".to_owned()), |_| panic!("not asked"));
        let target = Endpoint { tls: false, host: "localhost".to_owned(), port: 80 };
        assert_eq!(rules.unwrap().choose(&target).unwrap().unwrap().endpoint.port, 3128);
        for url in ["socks5://h", "ftp://h", "http://", "http://h:0", "http://h:99999", "", "http://h h"] {
            let refused = ProxyRules::new(&ProxySetting::Url(url.to_owned())).err();
            assert!(matches!(refused, Some(HttpSetupError::BadProxy { .. })), "{url}");
        }
    }

    #[test]
    fn the_default_ports_are_those_of_curl() {
        assert_eq!(parsed("proxy").unwrap(), "http://proxy:1080");
        assert_eq!(parsed("http://proxy:80").unwrap(), "http://proxy:80");
        assert_eq!(parsed("https://proxy").unwrap(), "https://proxy:443");
        assert_eq!(parsed("http://[::1]:8080/").unwrap(), "http://[::1]:8080");
    }

    #[test]
    fn credentials_are_percent_decoded_into_basic_authentication() {
        let authorization = |url| Proxy::parse(url).unwrap().authorization.map(|value| value.to_string());
        assert_eq!(authorization("http://h"), None);
        // user:p@ss:w
        assert_eq!(authorization("http://user:p%40ss%3Aw@h").unwrap(), "Basic dXNlcjpwQHNzOnc=");
        assert_eq!(authorization("user@h").unwrap(), "Basic dXNlcjo=");
        assert!(Proxy::parse("http://us%3Aer:p@h").is_err());
    }
}
