//! What sessions and machines are made from.

use std::ffi::{c_char, c_void};
use std::time::Duration;

use plextrac_transport::{Roots, Scheme, SessionConfig};

use crate::budget::{SharedBudget, plextrac_budget};
use crate::fork::ForkGeneration;
use crate::handle::{self, Boxed, Handle};
use crate::log::{Log, plextrac_log_fn};
use crate::mfa::{Asker, plextrac_mfa_fn};
use crate::out::Empty;
use crate::text::{self, Text};
use crate::userdata::{Userdata, plextrac_free_fn};
use crate::{plextrac_error, plextrac_str};

/// Settings. Every setter checks its arguments and copies them. After an error the configuration is
/// unchanged. Sessions and machines copy what they need, so you can change, reuse and free a
/// configuration at any time.
pub struct plextrac_config {
    pub(crate) settings: SessionConfig,
    /// It never changes.
    base_url: Text,
    pub(crate) budget: Option<SharedBudget>,
}

impl Handle for plextrac_config {
    type Ownership = Boxed;
}

/// The CAs of the system, and the given ones. The default.
pub const PLEXTRAC_ROOTS_SYSTEM: i32 = 1;
/// Only the given CAs.
pub const PLEXTRAC_ROOTS_ONLY_GIVEN: i32 = 2;

/// `Authorization: TOKEN`, as PlexTrac's own programs send it. The default.
pub const PLEXTRAC_SCHEME_RAW: i32 = 1;
/// `Authorization: Bearer TOKEN`.
pub const PLEXTRAC_SCHEME_BEARER: i32 = 2;

/// Makes settings for the instance at `url`, which may have no scheme, a final slash, or `/api/v1`.
/// Errors: `PLEXTRAC_INVALID_ARGUMENT` without a host, with user information, or with a scheme that
/// is not http or https; `PLEXTRAC_UNSUPPORTED` if the system does not report forks.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_config_new(
    url: *const c_char,
    url_len: usize,
    out: *mut *mut plextrac_config,
    err: *mut *mut plextrac_error,
) -> i32 {
    guarded!(err => text (url, url_len), out out; {
        // Before there is anything that a fork could divide.
        ForkGeneration::here()?;
        let settings = SessionConfig::new(url)?;
        let base_url = Text::new(settings.base_url().as_bytes());
        out.set(handle::give(plextrac_config { settings, base_url, budget: None }));
    })
}

/// The base URL of the instance, made from `url`, without a final slash. The path of a request
/// follows it. Valid as long as the configuration.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_config_base_url(config: *const plextrac_config) -> plextrac_str {
    guarded!(or Empty::EMPTY => shared config; { config.base_url.view() })
}

/// Sets the user name (usually an e-mail address) and the password.
/// Errors: `PLEXTRAC_INVALID_ARGUMENT` if one is empty, over 1024 bytes, or has a control character
/// (perhaps the line end that was read with it).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_config_set_password(
    config: *mut plextrac_config,
    user: *const c_char,
    user_len: usize,
    password: *const c_char,
    password_len: usize,
    err: *mut *mut plextrac_error,
) -> i32 {
    guarded!(err => exclusive config, text (user, user_len), text (password, password_len); {
        config.settings.password(user, password)?;
    })
}

/// Imports a token from elsewhere, with or without `Bearer ` before it. It is refreshed at its
/// first use. If there is also a password, the session signs in when the token has expired.
/// Errors: `PLEXTRAC_INVALID_ARGUMENT` if it is empty, over 16 KiB, or not valid in a header.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_config_set_token(
    config: *mut plextrac_config,
    token: *const c_char,
    token_len: usize,
    err: *mut *mut plextrac_error,
) -> i32 {
    guarded!(err => exclusive config, text (token, token_len); {
        config.settings.token(token)?;
    })
}

/// Sets the TOTP secret of the account, as base32 or as an `otpauth://totp/` URI. The library then
/// computes the one-time codes. Replaces a callback.
/// Errors: `PLEXTRAC_INVALID_ARGUMENT` if it is neither, or has fewer than 80 bits.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_config_set_totp_secret(
    config: *mut plextrac_config,
    secret: *const c_char,
    secret_len: usize,
    err: *mut *mut plextrac_error,
) -> i32 {
    guarded!(err => exclusive config, text (secret, secret_len); {
        config.settings.totp_secret(secret)?;
    })
}

/// Sets a callback that asks for one-time codes. Replaces a TOTP secret and an earlier callback. A
/// machine never calls it. For a machine it means that the program asks for the code at NEED_MFA,
/// so callers wait for it.
/// Ownership: after `PLEXTRAC_OK`, `free_fn` (which may be NULL) frees `userdata`; after an error
/// the program still owns it.
/// Threads: the callback runs on a thread of the library. With several sessions it may run on
/// several threads at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_config_set_mfa_callback(
    config: *mut plextrac_config,
    callback: plextrac_mfa_fn,
    userdata: *mut c_void,
    free_fn: plextrac_free_fn,
    err: *mut *mut plextrac_error,
) -> i32 {
    guarded!(err => exclusive config, callback callback; {
        let userdata = Userdata { pointer: userdata, free: free_fn };
        let asker = Asker { callback, userdata };
        config.settings.mfa_callback(move |prompt| asker.ask(prompt));
    })
}

/// Trusts the certificates in a PEM file as well. The file is read now.
/// Errors: `PLEXTRAC_INVALID_ARGUMENT` if it cannot be read or has no certificate, or if the path
/// contains a NUL or has over 4096 bytes.
/// Blocks: on the file.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_config_set_ca_file(
    config: *mut plextrac_config,
    path: *const c_char,
    path_len: usize,
    err: *mut *mut plextrac_error,
) -> i32 {
    guarded!(err => exclusive config, text (path, path_len); {
        config.settings.ca_file(text::path(path, "path")?)?;
    })
}

/// Trusts the certificates in a PEM text as well.
/// Errors: `PLEXTRAC_INVALID_ARGUMENT` if it has no certificate.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_config_set_ca_pem(
    config: *mut plextrac_config,
    pem: *const c_char,
    pem_len: usize,
    err: *mut *mut plextrac_error,
) -> i32 {
    guarded!(err => exclusive config, bytes (pem, pem_len); {
        config.settings.ca_pem(pem)?;
    })
}

/// Which CAs to trust besides the given certificates: one of `PLEXTRAC_ROOTS_...`.
/// Errors: `PLEXTRAC_INVALID_ARGUMENT` for any other number.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_config_set_roots(
    config: *mut plextrac_config,
    roots: i32,
    err: *mut *mut plextrac_error,
) -> i32 {
    guarded!(err => exclusive config; {
        config.settings.roots(match roots {
            PLEXTRAC_ROOTS_SYSTEM => Roots::System,
            PLEXTRAC_ROOTS_ONLY_GIVEN => Roots::OnlyGiven,
            unknown => return Err(plextrac_error::unknown_number("roots", unknown)),
        });
    })
}

/// Sets the client certificate for servers and proxies that require one. `chain` is the
/// certificate, followed by the intermediate CAs. `key` is its unencrypted private key (PKCS#8,
/// PKCS#1 or SEC1). Both are PEM texts.
/// Errors: `PLEXTRAC_INVALID_ARGUMENT` if they are damaged, or do not belong together.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_config_set_client_certificate(
    config: *mut plextrac_config,
    chain: *const c_char,
    chain_len: usize,
    key: *const c_char,
    key_len: usize,
    err: *mut *mut plextrac_error,
) -> i32 {
    guarded!(err => exclusive config, bytes (chain, chain_len), bytes (key, key_len); {
        config.settings.client_certificate(chain, key)?;
    })
}

/// Sets the `User-Agent` of all requests, including sign-in and proxy. The default names this
/// library and its version. A request's own `User-Agent` header has precedence. The actions of a
/// machine have the header only if it was set.
/// Errors: `PLEXTRAC_INVALID_ARGUMENT` if it is empty, or not valid in a header.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_config_set_user_agent(
    config: *mut plextrac_config,
    user_agent: *const c_char,
    user_agent_len: usize,
    err: *mut *mut plextrac_error,
) -> i32 {
    guarded!(err => exclusive config, text (user_agent, user_agent_len); {
        config.settings.user_agent(user_agent)?;
    })
}

/// Sends a header with every request, including sign-in, for a gateway in front of the instance.
/// The value is treated as a secret. A second value for a name replaces the first. For `User-Agent`
/// this is the same as `plextrac_config_set_user_agent`.
/// Errors: `PLEXTRAC_INVALID_ARGUMENT` if it is not valid in a header, and for names that HTTP or
/// this library sets.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_config_set_header(
    config: *mut plextrac_config,
    name: *const c_char,
    name_len: usize,
    value: *const c_char,
    value_len: usize,
    err: *mut *mut plextrac_error,
) -> i32 {
    guarded!(err => exclusive config, text (name, name_len), text (value, value_len); {
        config.settings.header(name, value)?;
    })
}

/// Uses the proxy `http://host:port`, or no proxy if `url` is empty. By default the environment
/// decides, by curl's rules, except that `http://` to this machine never uses a proxy.
/// Errors: `PLEXTRAC_INVALID_ARGUMENT` for an invalid URL or an unsupported kind of proxy.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_config_set_proxy(
    config: *mut plextrac_config,
    url: *const c_char,
    url_len: usize,
    err: *mut *mut plextrac_error,
) -> i32 {
    guarded!(err => exclusive config, text (url, url_len); {
        config.settings.proxy(url)?;
    })
}

/// Authorization scheme: one of `PLEXTRAC_SCHEME_...`.
/// Errors: `PLEXTRAC_INVALID_ARGUMENT` for any other number.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_config_set_auth_scheme(
    config: *mut plextrac_config,
    scheme: i32,
    err: *mut *mut plextrac_error,
) -> i32 {
    guarded!(err => exclusive config; {
        config.settings.auth_scheme(match scheme {
            PLEXTRAC_SCHEME_RAW => Scheme::Raw,
            PLEXTRAC_SCHEME_BEARER => Scheme::Bearer,
            unknown => return Err(plextrac_error::unknown_number("scheme", unknown)),
        });
    })
}

/// Shares sessions with other processes of this user through a directory, which is created if it
/// does not exist. `(NULL, 0)`, the default: nothing is shared, and sessions are in memory. Then
/// processes do not know each other's rejected passwords and requests: neither the limit of ten
/// authentication requests a minute nor the lockout holds for all processes together. Sessions of
/// one user share a token. Sessions that import the same token share its refreshed tokens among
/// themselves. Machines share nothing.
/// Errors: `PLEXTRAC_STORE` if other users can read or change it, or it cannot be created;
/// `PLEXTRAC_INVALID_ARGUMENT` for "" with `PLEXTRAC_NTS`, which is probably an unset variable, and
/// for a path that contains a NUL or has over 4096 bytes.
/// Blocks: on the file system.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_config_set_state_dir(
    config: *mut plextrac_config,
    path: *const c_char,
    path_len: usize,
    err: *mut *mut plextrac_error,
) -> i32 {
    guarded!(err => exclusive config, text (path, path_len); {
        if !path.is_empty() {
            config.settings.state_dir(text::path(path, "path")?)?;
        } else if path_len == text::NUL_TERMINATED {
            let sentence = "path is empty; name a directory, or share nothing with (NULL, 0)";
            return Err(plextrac_error::invalid(sentence));
        } else {
            config.settings.no_store();
        }
    })
}

/// Shares sessions with other machines on a Redis or Valkey server, instead of a state directory.
/// `url` is `redis://`, `rediss://` (TLS), `valkey://`, `valkeys://` or `redis+sentinel://`, such as
/// `rediss://USER@HOST/0?password-file=/FILE`. `key` is the key of the store in base64, as
/// `plextrac-auth store-key` makes it; records are sealed under it. `url` as `(NULL, 0)`: nothing is
/// shared; the default. While the server cannot be used, no sign-in and no refresh is sent. A live
/// token is used to its end. Machines share nothing. docs/fleet.md is the manual.
/// Errors: `PLEXTRAC_INVALID_ARGUMENT` names the part of the URL, the file or the key that is wrong,
/// and repeats nothing of it; `PLEXTRAC_UNSUPPORTED` if the library was built without the feature
/// `redis`.
/// Blocks: on files that the URL names. The server is asked when a session is made.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_config_set_store(
    config: *mut plextrac_config,
    url: *const c_char,
    url_len: usize,
    key: *const c_char,
    key_len: usize,
    err: *mut *mut plextrac_error,
) -> i32 {
    guarded!(err => exclusive config, text (url, url_len), text (key, key_len); {
        if !url.is_empty() {
            config.settings.store(crate::store::open(url, key)?);
        } else if url_len == text::NUL_TERMINATED {
            let sentence = "url is empty; name a store, or share nothing with (NULL, 0)";
            return Err(plextrac_error::invalid(sentence));
        } else {
            config.settings.no_store();
        }
    })
}

/// Sets the time limit of a call, from entry to return. Time in which a person types does not
/// count. For a machine, it is the time limit of an answer. Default 30000.
/// Errors: `PLEXTRAC_INVALID_ARGUMENT` for 0, and for over an hour.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_config_set_timeout_ms(
    config: *mut plextrac_config,
    ms: u64,
    err: *mut *mut plextrac_error,
) -> i32 {
    guarded!(err => exclusive config; {
        config.settings.timeout(Duration::from_millis(ms))?;
    })
}

/// Sets how long a call may wait for the budget or a back-off. If it would take longer, the call
/// returns `PLEXTRAC_MUST_WAIT` at once. Default 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_config_set_wait_ms(
    config: *mut plextrac_config,
    ms: u64,
    err: *mut *mut plextrac_error,
) -> i32 {
    guarded!(err => exclusive config; {
        config.settings.wait(Duration::from_millis(ms));
    })
}

/// Keeps a session alive while the program does nothing: for this long from `plextrac_session_new`
/// on, its token is refreshed in the background when half of its life is over. 0, the default,
/// refreshes when a call needs the token. Nothing is sent before the first call that needs a
/// token. The session signs in by itself only where no person is needed: without MFA, or with a
/// TOTP secret. Otherwise it is kept alive again from the next sign-in on. Of several sessions
/// that share an account in a state directory, one does the work. The log says when keeping begins
/// and ends. A machine ignores this.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_config_set_keep_alive_ms(
    config: *mut plextrac_config,
    ms: u64,
    err: *mut *mut plextrac_error,
) -> i32 {
    guarded!(err => exclusive config; {
        config.settings.keep_alive(Duration::from_millis(ms));
    })
}

/// Sets the longest body of an answer to `plextrac_session_request`, in bytes. The body is read
/// into memory. A longer one gives `PLEXTRAC_TOO_LARGE`. Default 64 MiB.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_config_set_response_limit(
    config: *mut plextrac_config,
    bytes: u64,
    err: *mut *mut plextrac_error,
) -> i32 {
    guarded!(err => exclusive config; {
        config.settings.response_limit(usize::try_from(bytes).unwrap_or(usize::MAX));
    })
}

/// Sets the authentication requests a minute on the instance, for all sessions of this process
/// together. For a machine without `plextrac_config_set_budget`, it is the machine's own limit.
/// Default 6, of the 10 that an instance accepts from all clients. If sessions differ, the lowest
/// number counts.
/// Errors: `PLEXTRAC_INVALID_ARGUMENT` if it is not 2 to 60.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_config_set_auth_budget(
    config: *mut plextrac_config,
    per_minute: u32,
    err: *mut *mut plextrac_error,
) -> i32 {
    guarded!(err => exclusive config; {
        config.settings.auth_budget(per_minute)?;
    })
}

/// Sets the budget for machines made from this configuration. Use one budget for all machines of an
/// instance, for all accounts. Sessions do not use it; they have a shared one.
/// Ownership: you may free `budget`; it stays valid while anything uses it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_config_set_budget(
    config: *mut plextrac_config,
    budget: *const plextrac_budget,
    err: *mut *mut plextrac_error,
) -> i32 {
    guarded!(err => exclusive config, shared budget; {
        config.budget = Some(budget.shared.clone());
    })
}

/// Allows `http://` to hosts other than this machine. Others in the network can then read
/// everything, including the password.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_config_set_allow_http(
    config: *mut plextrac_config,
    allow: bool,
    err: *mut *mut plextrac_error,
) -> i32 {
    guarded!(err => exclusive config; {
        config.settings.allow_http(allow);
    })
}

/// Accepts any certificate. Others in the network can then read the password. Use it only for tests
/// against a local machine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_config_set_danger_accept_invalid_certs(
    config: *mut plextrac_config,
    accept: bool,
    err: *mut *mut plextrac_error,
) -> i32 {
    guarded!(err => exclusive config; {
        config.settings.danger_accept_invalid_certs(accept);
    })
}

/// Sets a callback that logs events of sessions made from this configuration, from
/// `PLEXTRAC_LOG_ERROR` to `level`. No line contains a secret. Replaces an earlier callback.
/// Machines do not log: their actions report events.
/// Errors: `PLEXTRAC_INVALID_ARGUMENT` if `level` is none of `PLEXTRAC_LOG_...`.
/// Ownership: after `PLEXTRAC_OK`, `free_fn` (which may be NULL) frees `userdata`; after an error
/// the program still owns it.
/// Threads: the callback runs on any thread, and may run on several at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_config_set_log_callback(
    config: *mut plextrac_config,
    callback: plextrac_log_fn,
    level: i32,
    userdata: *mut c_void,
    free_fn: plextrac_free_fn,
    err: *mut *mut plextrac_error,
) -> i32 {
    guarded!(err => exclusive config, callback callback; {
        crate::log::check_level(level)?;
        let userdata = Userdata { pointer: userdata, free: free_fn };
        let log = Log { callback, level, userdata };
        config.settings.on_event(move |event| log.tell(event));
    })
}

/// Frees a configuration.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_config_free(config: *mut plextrac_config) {
    // SAFETY: the manual says that a handle is freed once, and by its own function.
    unsafe { handle::free(config) };
}
