//! A stand-in for a PlexTrac instance, to test programs against: real HTTP and HTTPS, a movable clock, faults on
//! demand.
//!
//! **In scope:** the authentication of PlexTrac as docs/protocol.md describes it (both sign-in steps, refresh,
//! tokens that expire after 15 minutes, the limit of ten authentication requests a minute, locked accounts), the
//! cookie endpoint, an echo for authorized requests, static answers ([`Route`]), and faults ([`Fault`]).
//!
//! **Out of scope:** the rest of the API. The server listens on 127.0.0.1 only, and its passwords are no secrets.
//! Nobody has compared it with a live instance: what docs/protocol.md infers is inferred here as well.
//!
//! ```text
//!   your program ──HTTP──► 127.0.0.1:n ─┐  one thread for each connection
//!                ──HTTPS─► 127.0.0.1:m ─┤
//!                                       ▼
//!                  fault? ──in front──► answer it, spoilt or not at all
//!                    │ no, or later
//!                    ▼
//!                  limit ► route ► accounts, tokens ◄── EmulatorClock ◄── advance()
//!                    │
//!                    ▼
//!                  stats(), requests()      (what the server saw)
//! ```
//!
//! # Use
//! ```
//! use std::io::{Read, Write};
//! use std::net::TcpStream;
//! use std::time::Duration;
//! use plextrac_emulator::{Account, Emulator, Kind, Outcome};
//!
//! let emulator = Emulator::start()?;
//!
//! // Any client will do; this one is a socket.
//! let body = r#"{"username":"service@example.com","password":"service-password"}"#;
//! let address = emulator.url().trim_start_matches("http://").to_owned();
//! let mut client = TcpStream::connect(address)?;
//! write!(
//!     client,
//!     "POST /api/v1/authenticate HTTP/1.1\r\nHost: emulator\r\nConnection: close\r\n\
//!      Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
//!     body.len(),
//! )?;
//! let mut answer = String::new();
//! client.read_to_string(&mut answer)?;
//! assert!(answer.starts_with("HTTP/1.1 200 OK"));
//!
//! // The server has counted the sign-in. Its clock moves forward, and the token has expired.
//! assert_eq!(emulator.stats().count(Kind::SignIn, Outcome::Ok), 1);
//! emulator.clock().advance(Duration::from_secs(15 * 60));
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! # Endpoints
//! Those of docs/protocol.md, `/api/v1/echo` and `/api/v1/forbidden`. docs/emulator.md describes them, and the control
//! API for programs in other processes and languages.

#![forbid(unsafe_code)]

mod accounts;
mod answer;
mod api;
mod builder;
mod clock;
mod control;
mod effect;
mod fault;
mod gate;
mod headers;
mod instance;
mod limit;
mod record;
mod routes;
mod server;
mod settings;
mod stats;
mod tls;
mod tokens;
mod wire;

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

pub use accounts::Account;
pub use api::upload_bytes;
pub use builder::EmulatorBuilder;
pub use clock::EmulatorClock;
pub use fault::{Fault, FaultOn, Target};
pub use gate::Held;
pub use limit::RetryAfter;
pub use record::Recorded;
pub use routes::Route;
pub use stats::{Connections, Kind, Outcome, Stats};

/// A running instance. Dropping it ends its connections and waits for its threads.
///
/// All methods may be called from any thread while clients are connected.
pub struct Emulator {
    server: Arc<server::Server>,
    plain: server::Listener,
    secure: server::Listener,
    tls: tls::Tls,
}

impl Emulator {
    /// Starts with the default accounts ([`Account::service`], [`Account::analyst`]) on any free ports.
    ///
    /// # Errors
    /// What the system says, for example that the temporary folder cannot be written.
    pub fn start() -> io::Result<Emulator> {
        Emulator::builder().start()
    }

    /// Settings to start with.
    pub fn builder() -> EmulatorBuilder {
        EmulatorBuilder::new()
    }

    /// Where to send plain requests: `http://127.0.0.1:PORT`, with the path prefix if there is one.
    #[must_use]
    pub fn url(&self) -> String {
        self.url_with("http", &self.plain)
    }

    /// Where to send requests over TLS: `https://127.0.0.1:PORT`, with the path prefix if there is one. The
    /// certificate is also valid for `localhost` and `::1`.
    #[must_use]
    pub fn tls_url(&self) -> String {
        self.url_with("https", &self.secure)
    }

    /// The certificate of the authority that signed the server's, in PEM. It is made anew at every start.
    #[must_use]
    pub fn ca_pem(&self) -> &str {
        &self.tls.ca_pem
    }

    /// The same in a temporary file, which is deleted when the emulator is dropped.
    #[must_use]
    pub fn ca_file(&self) -> &Path {
        self.tls.ca_file.path()
    }

    /// Who can sign in, the default accounts first.
    #[must_use]
    pub fn accounts(&self) -> Vec<Account> {
        self.server.instance.lock().settings.accounts.clone()
    }

    /// The one-time code of this moment by the server's clock. `None` for an unknown account or one without MFA.
    /// A code that was accepted once is refused for the rest of its 30 seconds.
    #[must_use]
    pub fn digits(&self, username: &str) -> Option<String> {
        let now = self.server.clock.now();
        self.server.instance.lock().accounts.digits(username, now)
    }

    /// What a program in another process needs to know: `url`, `tls_url`, `ca_file` and `accounts` (each with
    /// `username`, `password`, and `totp_secret` if it has one).
    #[must_use]
    pub fn description(&self) -> Value {
        let accounts: Vec<Value> = self.accounts().iter().map(describe).collect();
        json!({
            "url": self.url(),
            "tls_url": self.tls_url(),
            "ca_file": self.ca_file().to_string_lossy(),
            "accounts": accounts,
        })
    }

    /// What the command `plextrac-auth` reads from its environment in order to sign in here: the TLS address, the CA
    /// file, and the first account with its secrets. `PLEXTRAC_EMULATOR_URL` is the address without TLS, for the
    /// control API.
    #[must_use]
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let mut variables = vec![
            ("PLEXTRAC_URL", self.tls_url()),
            ("PLEXTRAC_CA_FILE", self.ca_file().to_string_lossy().into_owned()),
            ("PLEXTRAC_EMULATOR_URL", self.url()),
        ];
        if let Some(account) = self.accounts().into_iter().next() {
            variables.push(("PLEXTRAC_USERNAME", account.username));
            variables.push(("PLEXTRAC_PASSWORD", account.password));
            variables.extend(account.totp_secret.map(|secret| ("PLEXTRAC_TOTP_SECRET", secret)));
        }
        variables
    }

    /// The clock the server decides by.
    #[must_use]
    pub fn clock(&self) -> EmulatorClock {
        self.server.clock.clone()
    }

    /// What the server saw, in numbers.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.server.stats()
    }

    /// What the server saw, request by request and secrets included; the latest ones, oldest first. Calls of
    /// the control API and what could not be read as a request are not among them.
    #[must_use]
    pub fn requests(&self) -> Vec<Recorded> {
        self.server.journal.all()
    }

    /// Waits in real time until `enough` accepts the requests seen so far. Returns false if it does not within
    /// the time limit. A request is seen when the instance has handled it, before its answer is sent.
    pub fn wait_for(&self, time_limit: Duration, enough: impl FnMut(&[Recorded]) -> bool) -> bool {
        self.server.journal.wait_for(time_limit, enough)
    }

    /// Keeps back the answers to these requests as long as the returned value lives. They are judged and
    /// recorded before: with [`wait_for`](Emulator::wait_for) a test knows that a request is under way, and
    /// lets its answer go when it likes. The control API is never held.
    pub fn hold(&self, target: Target) -> Held {
        self.server.gate.hold(target)
    }

    /// Sets a fault; it waits behind those already set.
    pub fn fault(&self, fault: Fault) {
        self.server.instance.lock().faults.add(fault);
    }

    /// Takes away all faults.
    pub fn clear_faults(&self) {
        self.server.instance.lock().faults.clear();
    }

    /// All tokens and cookies given out so far die at once, as when an instance changes its keys.
    pub fn revoke_tokens(&self) {
        self.server.instance.lock().tokens.revoke_all();
    }

    /// Paths that begin so (below the path prefix, and none of the three authentication calls) answer 401
    /// whatever the token, until a reset.
    pub fn set_always_unauthorized(&self, path_prefix: impl Into<String>) {
        self.server.instance.lock().always_unauthorized.push(path_prefix.into());
    }

    /// Disables an account: its tokens die and it can no longer sign in. False when there is no such account.
    pub fn disable(&self, username: &str) -> bool {
        let mut instance = self.server.instance.lock();
        instance.tokens.revoke_of(username);
        instance.accounts.set_disabled(username, true)
    }

    /// Enables an account again, and unlocks it. False when there is no such account.
    pub fn enable(&self, username: &str) -> bool {
        self.server.instance.lock().accounts.set_disabled(username, false)
    }

    /// Forgets tokens, challenges, used digits, rejections, the limit's window, faults, numbers and requests.
    /// Connections stay open, holds stay, and the clock, which clients may share, goes on.
    pub fn reset(&self) {
        self.server.reset();
    }

    fn url_with(&self, scheme: &str, listener: &server::Listener) -> String {
        let prefix = self.server.instance.lock().settings.path_prefix.clone();
        format!("{scheme}://127.0.0.1:{}{prefix}", listener.port())
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        let threads = self.server.close();
        self.plain.join();
        self.secure.join();
        for thread in threads {
            // A connection that panicked has been reported by then.
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for Emulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Emulator")
            .field("url", &self.url())
            .field("tls_url", &self.tls_url())
            .finish_non_exhaustive()
    }
}

fn describe(account: &Account) -> Value {
    let mut described = json!({ "username": account.username, "password": account.password });
    if let Some(seed) = &account.totp_secret {
        described["totp_secret"] = json!(seed);
    }
    described
}
