//! How an instance is set up before it starts.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use crate::Emulator;
use crate::accounts::Account;
use crate::clock::EmulatorClock;
use crate::instance::Instance;
use crate::server::{Listener, Server};
use crate::tls::Tls;

/// Settings of an [`Emulator`], made by [`Emulator::builder`]. What is not set follows docs/protocol.md.
#[derive(Clone, Debug)]
#[must_use = "nothing listens until start is called"]
pub struct EmulatorBuilder {
    settings: Settings,
    default_accounts: bool,
    clock: Option<EmulatorClock>,
    frozen: bool,
    ports: (u16, u16),
}

#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) accounts: Vec<Account>,
    pub(crate) limit_per_minute: u32,
    pub(crate) refresh_counts: bool,
    pub(crate) retry_after: bool,
    pub(crate) token_life: Duration,
    pub(crate) token_padding: usize,
    pub(crate) challenge_life: Duration,
    pub(crate) lock_after: Option<u32>,
    pub(crate) rejection_status: u16,
    pub(crate) sign_in_delay: Duration,
    pub(crate) refresh_delay: Duration,
    pub(crate) path_prefix: String,
    pub(crate) keep_requests: usize,
    pub(crate) max_body: usize,
}

/// More permissions than any token carries, and an answer above what clients take.
const MOST_PADDING: usize = 1024 * 1024;

impl Settings {
    /// What would serve nobody, or nothing but a panic, is told at the start.
    fn check(&self) -> io::Result<()> {
        let refuse = |why: &str| Err(io::Error::new(io::ErrorKind::InvalidInput, why));
        if self.token_life < Duration::from_secs(1) {
            return refuse("a token lives for a second at least");
        }
        if self.token_padding > MOST_PADDING {
            return refuse("the padding of a token is 1 MiB at most");
        }
        let is_path =
            self.path_prefix.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"<>\\^`{|}?#".contains(&byte));
        if !is_path || self.path_prefix.split('/').any(|segment| matches!(segment, "." | "..")) {
            return refuse(
                "the path prefix is a path as it stands in an address, with no query, fragment or dots",
            );
        }
        Ok(())
    }
}

impl EmulatorBuilder {
    pub(crate) fn new() -> EmulatorBuilder {
        EmulatorBuilder {
            settings: Settings {
                accounts: Vec::new(),
                limit_per_minute: 10,
                refresh_counts: true,
                retry_after: true,
                token_life: Duration::from_secs(15 * 60),
                token_padding: 0,
                challenge_life: Duration::from_secs(5 * 60),
                lock_after: Some(10),
                rejection_status: 401,
                sign_in_delay: Duration::ZERO,
                refresh_delay: Duration::ZERO,
                path_prefix: String::new(),
                keep_requests: 10_000,
                max_body: 64 * 1024 * 1024,
            },
            default_accounts: true,
            clock: None,
            frozen: false,
            ports: (0, 0),
        }
    }

    /// Adds an account, after the default ones.
    pub fn account(mut self, account: Account) -> EmulatorBuilder {
        self.settings.accounts.push(account);
        self
    }

    /// Leaves out [`Account::service`] and [`Account::analyst`].
    pub fn no_default_accounts(mut self) -> EmulatorBuilder {
        self.default_accounts = false;
        self
    }

    /// Authentication requests let through in any 60 seconds; 10 unless set. Zero refuses all.
    pub fn limit_per_minute(mut self, requests: u32) -> EmulatorBuilder {
        self.settings.limit_per_minute = requests;
        self
    }

    /// Whether a refresh takes a place of the limit; it does unless set.
    pub fn refresh_counts(mut self, counts: bool) -> EmulatorBuilder {
        self.settings.refresh_counts = counts;
        self
    }

    /// Whether the limit's 429 carries `Retry-After`, in seconds until a place is free; it does unless set.
    pub fn retry_after(mut self, carried: bool) -> EmulatorBuilder {
        self.settings.retry_after = carried;
        self
    }

    /// How long a token lives; 15 minutes unless set. Tokens count whole seconds: fractions are dropped, and
    /// a token may die up to one second before its life is over, as `iat` is rounded down. Below a second there
    /// is no life at all, and [`start`](EmulatorBuilder::start) refuses it.
    pub fn token_life(mut self, life: Duration) -> EmulatorBuilder {
        self.settings.token_life = life;
        self
    }

    /// Adds a claim of this many characters to every token; real ones carry permissions and are long. The
    /// token grows by four thirds of it: 700 make it about 1.2 KB. At most 1 MiB, which no client takes any more;
    /// [`start`](EmulatorBuilder::start) refuses what is above.
    pub fn token_padding(mut self, characters: usize) -> EmulatorBuilder {
        self.settings.token_padding = characters;
        self
    }

    /// How long six digits can be handed in after step 1; 5 minutes unless set.
    pub fn challenge_life(mut self, life: Duration) -> EmulatorBuilder {
        self.settings.challenge_life = life;
        self
    }

    /// Locks an account after this many rejections in a row, wrong digits included; 10 unless set. `None`
    /// never locks.
    pub fn lock_after(mut self, rejections: Option<u32>) -> EmulatorBuilder {
        self.settings.lock_after = rejections;
        self
    }

    /// The status of a rejected sign-in; 401 unless set. It may be 200: the body says `"status":"error"`.
    pub fn rejection_status(mut self, status: u16) -> EmulatorBuilder {
        self.settings.rejection_status = status;
        self
    }

    /// Real time by which the answers of both sign-in steps are late; none unless set. What they say is
    /// decided on arrival.
    pub fn sign_in_delay(mut self, real_time: Duration) -> EmulatorBuilder {
        self.settings.sign_in_delay = real_time;
        self
    }

    /// Real time by which the answer of a refresh is late; none unless set. What it says is
    /// decided on arrival.
    pub fn refresh_delay(mut self, real_time: Duration) -> EmulatorBuilder {
        self.settings.refresh_delay = real_time;
        self
    }

    /// Puts the API below a path such as `/plextrac`, as some deployments do; percent-encoded, as it stands in an
    /// address. What could not stand there [`start`](EmulatorBuilder::start) refuses.
    pub fn path_prefix(mut self, prefix: &str) -> EmulatorBuilder {
        let trimmed = prefix.trim_matches('/');
        self.settings.path_prefix = if trimmed.is_empty() { String::new() } else { format!("/{trimmed}") };
        self
    }

    /// The ports for HTTP and HTTPS on 127.0.0.1; any free ones (0) unless set.
    pub fn bind(mut self, plain: u16, tls: u16) -> EmulatorBuilder {
        self.ports = (plain, tls);
        self
    }

    /// The clock to run on, for example that of another emulator; one of its own unless set.
    pub fn clock(mut self, clock: EmulatorClock) -> EmulatorBuilder {
        self.clock = Some(clock);
        self
    }

    /// Starts with a clock that stands still until it is advanced, so that a test is the same every time.
    pub fn frozen_clock(mut self) -> EmulatorBuilder {
        self.frozen = true;
        self
    }

    /// How many of the latest requests [`Emulator::requests`] can tell of; 10,000 unless set. With 0 nothing
    /// is kept, which makes the server a little faster.
    pub fn keep_requests(mut self, requests: usize) -> EmulatorBuilder {
        self.settings.keep_requests = requests;
        self
    }

    /// The largest request body taken, in bytes; 64 MiB unless set. Above it the answer is 413.
    pub fn max_body(mut self, bytes: usize) -> EmulatorBuilder {
        self.settings.max_body = bytes;
        self
    }

    /// Starts the server.
    ///
    /// # Errors
    /// `InvalidInput` when two accounts share a user name, a TOTP seed is not base32, or a setting is one that its
    /// method says is refused; otherwise what the system says, for example that a port is taken or the temporary
    /// folder cannot be written.
    pub fn start(mut self) -> io::Result<Emulator> {
        if self.default_accounts {
            self.settings.accounts.splice(..0, [Account::service(), Account::analyst()]);
        }
        self.settings.check()?;
        let instance = Instance::new(self.settings)?;
        let tls = Tls::new()?;
        let clock = match self.clock {
            Some(clock) => {
                if self.frozen {
                    clock.freeze();
                }
                clock
            }
            None if self.frozen => EmulatorClock::frozen(),
            None => EmulatorClock::new(),
        };
        let server = Arc::new(Server::new(clock, instance));
        let (plain_port, tls_port) = self.ports;
        let plain = Listener::start(&server, plain_port, None)?;
        let secure = match Listener::start(&server, tls_port, Some(Arc::clone(&tls.config))) {
            Ok(secure) => secure,
            Err(error) => {
                let mut plain = plain;
                server.close();
                plain.join();
                return Err(error);
            }
        };
        Ok(Emulator { server, plain, secure, tls })
    }
}
