//! How an instance is set up before it starts.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::Emulator;
use crate::accounts::Account;
use crate::clock::EmulatorClock;
use crate::instance::Instance;
use crate::limit::RetryAfter;
use crate::routes::Route;
use crate::server::{Listener, Server};
use crate::settings::Settings;
use crate::tls::Tls;

/// Settings of an [`Emulator`], made by [`Emulator::builder`]. The defaults follow docs/protocol.md.
///
/// [`start`](EmulatorBuilder::start) checks the settings. It refuses a value that makes no sense and says why.
#[derive(Clone, Debug)]
#[must_use = "nothing listens until start is called"]
pub struct EmulatorBuilder {
    settings: Settings,
    default_accounts: bool,
    clock: Option<EmulatorClock>,
    frozen: bool,
    ports: (u16, u16),
}

impl EmulatorBuilder {
    pub(crate) fn new() -> EmulatorBuilder {
        EmulatorBuilder {
            settings: Settings::default(),
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

    /// How many authentication requests the instance accepts in any 60 seconds. Default: 10. Zero refuses all.
    pub fn limit_per_minute(mut self, requests: u32) -> EmulatorBuilder {
        self.settings.limit_per_minute = requests;
        self
    }

    /// Whether a refresh counts against the limit. Default: it does.
    pub fn refresh_counts(mut self, counts: bool) -> EmulatorBuilder {
        self.settings.refresh_counts = counts;
        self
    }

    /// The `Retry-After` header of the limit's 429. Default: [`RetryAfter::UntilFree`].
    pub fn retry_after(mut self, retry_after: RetryAfter) -> EmulatorBuilder {
        self.settings.retry_after = retry_after;
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

    /// How long a challenge lives: the one-time code must arrive within this time after step 1. Default: 5 minutes.
    pub fn challenge_life(mut self, life: Duration) -> EmulatorBuilder {
        self.settings.challenge_life = life;
        self
    }

    /// Whether the answer with a challenge contains `tenant_id`. Default: it does not.
    pub fn challenge_tenant_id(mut self, present: bool) -> EmulatorBuilder {
        self.settings.challenge_tenant_id = present;
        self
    }

    /// Locks an account after this many rejections in a row. Wrong passwords and wrong one-time codes count.
    /// Default: 10. `None` never locks.
    pub fn lock_after(mut self, rejections: Option<u32>) -> EmulatorBuilder {
        self.settings.lock_after = rejections;
        self
    }

    /// The HTTP status of a rejected sign-in: 2xx or 4xx. Default: 401. The body says `"status":"error"`. Some
    /// instances answer 200. Then only the body shows the rejection.
    pub fn rejection_status(mut self, status: u16) -> EmulatorBuilder {
        self.settings.rejection_status = status;
        self
    }

    /// The HTTP status of a sign-in to a locked account: 2xx or 4xx. The message then says that the account is
    /// locked. Default: `None`, the same answer as for any rejection.
    pub fn locked_status(mut self, status: Option<u16>) -> EmulatorBuilder {
        self.settings.locked_status = status;
        self
    }

    /// Adds a field to the answer of both whoami endpoints. A field that was added before is replaced. The
    /// fields `username`, `tenantId` and `mfa_enabled` come from the account and are refused here.
    pub fn whoami_field(mut self, name: impl Into<String>, value: impl Into<Value>) -> EmulatorBuilder {
        self.settings.whoami_fields.insert(name.into(), value.into());
        self
    }

    /// Adds a static answer, after those added before. If several routes match a request, the first one answers.
    pub fn route(mut self, route: Route) -> EmulatorBuilder {
        self.settings.routes.push(route);
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

    /// How many of the latest requests [`Emulator::requests`] returns; 10,000 unless set. With 0 nothing
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
