//! Where the engine is, and how it is spoken to: the store's URL.
//!
//! ```text
//! redis://[user[:password]@]host[:port][/database][?prefix=…&password-file=…]
//! rediss://…[?ca-file=…]
//! redis+sentinel://[user[:password]@]host[:port][,host[:port]…]/service[?db=…]
//! rediss+sentinel://…
//! ```
//!
//! `valkey` stands for `redis` in each scheme. Nothing of a URL is repeated in an error: a password that holds a `/`
//! or a `?` may stand anywhere in it.

use std::path::Path;

use percent_encoding::percent_decode_str;
use redis::{
    Client, ConnectionAddr, ConnectionInfo, IntoConnectionInfo, RedisConnectionInfo, TlsCertificates,
};
use zeroize::Zeroizing;

use crate::files;
use crate::url_error::StoreUrlError;

/// Before every key and channel, unless the URL names another prefix.
pub(crate) const DEFAULT_PREFIX: &str = "plextrac-auth:";

const ENGINE_PORT: u16 = 6379;
const SENTINEL_PORT: u16 = 26379;

/// Where the engine is.
pub(crate) struct Address {
    hosts: Vec<Host>,
    /// The name of the service, where the hosts are Sentinels.
    service: Option<String>,
    database: i64,
    pub(crate) prefix: String,
    login: Login,
    sentinel_login: Login,
    tls: Option<Tls>,
}

struct Host {
    name: String,
    port: u16,
}

#[derive(Default)]
struct Login {
    user: Option<String>,
    password: Option<Zeroizing<String>>,
}

/// TLS, with the certificates of a file or those of the system.
struct Tls {
    ca: Option<Vec<u8>>,
}

impl Address {
    pub(crate) fn parse(url: &str) -> Result<Self, StoreUrlError> {
        let (scheme, rest) = url.split_once("://").ok_or_else(no_scheme)?;
        let (is_tls, is_sentinel) = scheme_of(scheme)?;
        if rest.contains('#') {
            return Err(StoreUrlError::new("URL", "it holds a `#`; write %23 in a user name or a password"));
        }
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (userinfo, hosts) = match authority.rsplit_once('@') {
            Some((userinfo, hosts)) => (Some(userinfo), hosts),
            None => (None, authority),
        };
        let default_port = if is_sentinel { SENTINEL_PORT } else { ENGINE_PORT };
        let hosts =
            hosts.split(',').map(|host| Host::parse(host, default_port)).collect::<Result<Vec<_>, _>>()?;
        if hosts.len() > 1 && !is_sentinel {
            return Err(StoreUrlError::new(
                "host",
                "several hosts need a scheme with Sentinel, such as redis+sentinel://",
            ));
        }
        let mut address = Self {
            hosts,
            service: None,
            database: 0,
            prefix: DEFAULT_PREFIX.into(),
            login: userinfo.map(Login::parse).transpose()?.unwrap_or_default(),
            sentinel_login: Login::default(),
            tls: is_tls.then_some(Tls { ca: None }),
        };
        address.take_path(path, is_sentinel)?;
        for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
            address.take_parameter(parameter)?;
        }
        for (login, user) in [(&address.login, "user"), (&address.sentinel_login, "sentinel-user")] {
            if login.user.is_some() && login.password.is_none() {
                return Err(StoreUrlError::new(
                    user,
                    "a user needs a password, in the URL or in a password file",
                ));
            }
        }
        Ok(address)
    }

    /// What errors call the store.
    pub(crate) fn name(&self) -> String {
        let hosts: Vec<_> = self.hosts.iter().map(Host::to_string).collect();
        match &self.service {
            Some(service) => format!("the store {service} of the Sentinels at {}", hosts.join(", ")),
            None => format!("the store at {}", hosts.join(", ")),
        }
    }

    /// How many Sentinels there are; none if the engine is addressed itself.
    pub(crate) fn sentinels(&self) -> usize {
        self.service.as_ref().map_or(0, |_| self.hosts.len())
    }

    /// The service that the Sentinels are asked for.
    pub(crate) fn service(&self) -> &str {
        self.service.as_deref().unwrap_or_default()
    }

    /// A client for a Sentinel.
    pub(crate) fn sentinel(&self, index: usize) -> redis::RedisResult<Client> {
        let host = &self.hosts[index % self.hosts.len()];
        self.client(&host.name, host.port, &self.sentinel_login, 0)
    }

    /// A client for the engine that the URL names.
    pub(crate) fn engine(&self) -> redis::RedisResult<Client> {
        let host = &self.hosts[0];
        self.engine_at(&host.name, host.port)
    }

    /// A client for the engine that a Sentinel named.
    pub(crate) fn engine_at(&self, host: &str, port: u16) -> redis::RedisResult<Client> {
        self.client(host, port, &self.login, self.database)
    }

    fn client(&self, host: &str, port: u16, login: &Login, database: i64) -> redis::RedisResult<Client> {
        let mut settings = RedisConnectionInfo::default().set_db(database).set_skip_set_lib_name();
        if let Some(user) = &login.user {
            settings = settings.set_username(user);
        }
        if let Some(password) = &login.password {
            settings = settings.set_password(password.as_str());
        }
        let plain = ConnectionAddr::Tcp(host.to_owned(), port);
        let Some(tls) = &self.tls else {
            return Client::open(info(plain, settings)?);
        };
        let host = host.to_owned();
        let encrypted =
            info(ConnectionAddr::TcpTls { host, port, insecure: false, tls_params: None }, settings)?;
        match &tls.ca {
            Some(pem) => {
                let certificates = TlsCertificates { client_tls: None, root_cert: Some(pem.clone()) };
                Client::build_with_tls(encrypted, certificates)
            }
            None => Client::open(encrypted),
        }
    }

    pub(crate) const fn is_tls(&self) -> bool {
        self.tls.is_some()
    }

    /// The database, or the name of the service.
    fn take_path(&mut self, path: &str, is_sentinel: bool) -> Result<(), StoreUrlError> {
        if is_sentinel {
            let is_name = !path.is_empty()
                && path.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
            if !is_name {
                return Err(StoreUrlError::new(
                    "service",
                    "after the Sentinels the URL must name the service, such as /mymaster",
                ));
            }
            self.service = Some(path.to_owned());
        } else if !path.is_empty() {
            self.database = number(path)?;
        }
        Ok(())
    }

    fn take_parameter(&mut self, parameter: &str) -> Result<(), StoreUrlError> {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        let value = decode(value, "URL")?;
        match name {
            "prefix" => {
                let is_good = value
                    .bytes()
                    .all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'*' | b'?' | b'[' | b'\\'));
                if value.is_empty() || value.len() > 128 || !is_good {
                    return Err(StoreUrlError::new(
                        "prefix",
                        "it must have 1 to 128 visible ASCII characters, without * ? [ and \\",
                    ));
                }
                self.prefix.clone_from(&value);
            }
            "db" => self.database = number(&value)?,
            "password-file" => self.login.take_file(&value, "password-file")?,
            "sentinel-user" => self.sentinel_login.user = Some(value.to_string()),
            "sentinel-password-file" => self.sentinel_login.take_file(&value, "sentinel-password-file")?,
            "ca-file" => match &mut self.tls {
                Some(tls) => tls.ca = Some(files::read_certificates(Path::new(value.as_str()))?),
                None => {
                    return Err(StoreUrlError::new(
                        "ca-file",
                        "it needs a scheme with TLS, such as rediss://",
                    ));
                }
            },
            _ => {
                return Err(StoreUrlError::new(
                    "parameter",
                    "one after the `?` is unknown; known are prefix, db, password-file, ca-file, sentinel-user and \
                     sentinel-password-file",
                ));
            }
        }
        Ok(())
    }
}

impl Login {
    fn parse(userinfo: &str) -> Result<Self, StoreUrlError> {
        let (user, password) = match userinfo.split_once(':') {
            Some((user, password)) => (user, Some(decode(password, "password")?)),
            None => (userinfo, None),
        };
        let user = decode(user, "user")?;
        Ok(Self {
            user: (!user.is_empty()).then(|| user.to_string()),
            password: password.filter(|password| !password.is_empty()),
        })
    }

    fn take_file(&mut self, path: &str, parameter: &'static str) -> Result<(), StoreUrlError> {
        if self.password.is_some() {
            return Err(StoreUrlError::new(parameter, "there is a password already; give it once"));
        }
        let password = files::read_secret(Path::new(path), parameter)?;
        if password.is_empty() {
            return Err(StoreUrlError::new(parameter, "the file is empty"));
        }
        self.password = Some(password);
        Ok(())
    }
}

impl Host {
    fn parse(text: &str, default_port: u16) -> Result<Self, StoreUrlError> {
        let (name, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (name, rest) = rest.split_once(']').ok_or_else(|| {
                    StoreUrlError::new("host", "an address that begins with [ must end with ]")
                })?;
                match rest.strip_prefix(':') {
                    Some(port) => (name, Some(port)),
                    None if rest.is_empty() => (name, None),
                    None => return Err(StoreUrlError::new("host", "after ] only a port can follow")),
                }
            }
            None => match text.split_once(':') {
                Some((name, port)) => (name, Some(port)),
                None => (text, None),
            },
        };
        let is_name = !name.is_empty()
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._:%".contains(&byte));
        if !is_name {
            return Err(StoreUrlError::new(
                "host",
                "the URL names no host, or its name has other characters; write / of a password as %2F",
            ));
        }
        let port = match port {
            Some(port) => port.parse().ok().filter(|port| *port != 0).ok_or_else(|| {
                StoreUrlError::new(
                    "port",
                    "it must be a number from 1 to 65535; write / and : of a password as %2F and %3A",
                )
            })?,
            None => default_port,
        };
        Ok(Self { name: name.to_owned(), port })
    }
}

impl std::fmt::Display for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.name.contains(':') {
            true => write!(f, "[{}]:{}", self.name, self.port),
            false => write!(f, "{}:{}", self.name, self.port),
        }
    }
}

fn info(address: ConnectionAddr, settings: RedisConnectionInfo) -> redis::RedisResult<ConnectionInfo> {
    Ok(address.into_connection_info()?.set_redis_settings(settings))
}

/// Whether a scheme stands for TLS, and whether for Sentinel.
fn scheme_of(scheme: &str) -> Result<(bool, bool), StoreUrlError> {
    let (engine, is_sentinel) = match scheme.strip_suffix("+sentinel") {
        Some(engine) => (engine, true),
        None => (scheme, false),
    };
    match engine {
        "redis" | "valkey" => Ok((false, is_sentinel)),
        "rediss" | "valkeys" => Ok((true, is_sentinel)),
        _ => Err(no_scheme()),
    }
}

fn no_scheme() -> StoreUrlError {
    StoreUrlError::new(
        "scheme",
        "a store's URL begins with redis://, rediss://, valkey://, valkeys://, redis+sentinel:// or rediss+sentinel://",
    )
}

fn number(text: &str) -> Result<i64, StoreUrlError> {
    text.parse::<u16>()
        .map(i64::from)
        .map_err(|_| StoreUrlError::new("database", "it must be a number, such as /0"))
}

fn decode(text: &str, part: &'static str) -> Result<Zeroizing<String>, StoreUrlError> {
    match percent_decode_str(text).decode_utf8() {
        Ok(decoded) => Ok(Zeroizing::new(decoded.into_owned())),
        Err(_) => Err(StoreUrlError::new(part, "what is percent-encoded in it is not UTF-8")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> Address {
        Address::parse(url).unwrap_or_else(|error| panic!("{url}: {error}"))
    }

    #[test]
    fn urls_of_every_scheme_are_understood() {
        for (url, name, tls) in [
            ("redis://engine", "the store at engine:6379", false),
            ("valkey://engine:7000/3", "the store at engine:7000", false),
            ("rediss://user:word@engine", "the store at engine:6379", true),
            ("valkeys://[::1]:7", "the store at [::1]:7", true),
            ("redis+sentinel://a,b:7/main", "the store main of the Sentinels at a:26379, b:7", false),
            ("valkeys+sentinel://a/main", "the store main of the Sentinels at a:26379", true),
        ] {
            let address = parse(url);
            assert_eq!((address.name().as_str(), address.is_tls()), (name, tls), "{url}");
        }
        assert_eq!(parse("redis://e/3").database, 3);
        assert_eq!(parse("redis+sentinel://e/main?db=4").database, 4);
        assert_eq!(parse("redis://e?prefix=team:").prefix, "team:");
        assert_eq!(parse("redis://e").prefix, DEFAULT_PREFIX);
        let login = parse("redis://some%40one:a%2Fb%3Ac@e").login;
        assert_eq!(login.user.as_deref(), Some("some@one"));
        assert_eq!(login.password.as_deref().map(String::as_str), Some("a/b:c"));
        assert_eq!(parse("redis://:word@e").login.user, None);
    }

    #[test]
    fn an_error_names_the_part_and_repeats_nothing() {
        for (url, part) in [
            ("", "scheme"),
            ("hunter2", "scheme"),
            ("http://hunter2@e", "scheme"),
            ("redis://", "host"),
            ("redis://:hunter2@", "host"),
            ("redis://:hun/ter2@e", "host"),
            ("redis://x:hun/ter2@e", "port"),
            ("redis://:hunter2@e:hunter2", "port"),
            ("redis://:hunter2@e:0", "port"),
            ("redis://:hunter2@e/hunter2", "database"),
            ("redis://:hunter2@a,b", "host"),
            ("redis://:hunter2@[::1", "host"),
            ("redis://:hunter2@[::1]x", "host"),
            ("redis://hunter2@e", "user"),
            ("redis://:%ff@e", "password"),
            ("redis://:hunter2@e?hunter2=1", "parameter"),
            ("redis://:hunter2@e?prefix=*", "prefix"),
            ("redis://:hunter2@e?prefix=", "prefix"),
            ("redis://:hunter2@e?ca-file=/hunter2", "ca-file"),
            ("redis://:hunter2@e#x", "URL"),
            ("redis+sentinel://:hunter2@e", "service"),
            ("redis+sentinel://:hunter2@e/a?sentinel-user=hunter2", "sentinel-user"),
            ("redis://e?password-file=hunter2", "password-file"),
            ("rediss://e?ca-file=/hunter2", "ca-file"),
            ("redis://:hunter2@e?password-file=/nowhere", "password-file"),
        ] {
            let Err(error) = Address::parse(url) else { panic!("{url} is understood") };
            assert_eq!(error.part(), part, "{url}: {error}");
            let message = format!("{error} {error:?}");
            assert!(!message.contains("hunter2") && !message.contains("ter2"), "{url}: {message}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_password_file_must_be_private() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("password");
        std::fs::write(&path, "word with spaces \n").unwrap();
        let url = format!("redis://user@e?password-file={}", path.display());
        for (mode, is_good) in [(0o644, false), (0o640, false), (0o604, false), (0o600, true), (0o400, true)]
        {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            match Address::parse(&url) {
                Ok(address) => {
                    assert!(is_good, "{mode:o}");
                    let password = address.login.password.unwrap();
                    assert_eq!(password.as_str(), "word with spaces ");
                }
                Err(error) => {
                    assert!(!is_good, "{mode:o}: {error}");
                    assert!(error.to_string().contains("chmod 600"), "{error}");
                }
            }
        }
    }
}
