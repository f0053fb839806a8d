//! The machine: one account on one instance.

//!
//! Each rule stands in the file that is named for it.

mod answers;
mod inputs;
mod lockout;
mod mfa;
mod poll;
mod sending;
mod server_clock;
mod shared_view;
mod sharing;
mod tokens;
mod totp_step;
mod unauthorized;
mod want;

use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use crate::backoff::Backoff;
use crate::budget::Ticket;
use crate::credential::{Credentials, ImportedToken, MfaSource, Scheme};
use crate::fingerprint::FingerprintKey;
use crate::instance::Instance;
use crate::output::Output;
use crate::split_mix::SplitMix64;
use crate::table::{self, Phase, Trigger};
use crate::time::{Instant, Time};
use lockout::Lockout;
use mfa::OneTimeCodes;
use sending::OutstandingRequest;
use server_clock::ServerClock;
use shared_view::SharedView;
use tokens::Tokens;
use want::PendingWant;

pub use inputs::InputError;
pub use mfa::CHALLENGE_LIFE;
pub use tokens::NotUsable;
pub use unauthorized::{UNAUTHORIZED_MUTED, Verdict};
pub use want::{Urgency, Want};

/// What a machine is made from.
#[derive(Clone, Debug)]
pub struct Config {
    /// The instance.
    pub instance: Instance,
    /// User name and password; none if there is only an imported token.
    pub credentials: Option<Credentials>,
    /// A token obtained elsewhere.
    pub token: Option<ImportedToken>,
    /// Where one-time codes come from.
    pub mfa: MfaSource,
    /// How the token stands in the header.
    pub scheme: Scheme,
    /// How long an answer is waited for.
    pub request_timeout: Duration,
    /// Whether the driver keeps a shared record: only then it is asked to read and write one.
    pub has_store: bool,
    /// Names the boot the monotonic clock belongs to, for the shared record; empty if unknown.
    pub boot: String,
    /// Refreshes when a third of a token's life is over: for a program that runs once and often.
    pub refreshes_early: bool,
    /// Signs in though others share a token. Theirs stays in the record until a new one takes its place.
    pub ignore_shared_token: bool,
}

impl Config {
    /// For one instance, with nothing else set.
    #[must_use]
    pub const fn new(instance: Instance) -> Self {
        Self {
            instance,
            credentials: None,
            token: None,
            mfa: MfaSource::Submitted,
            scheme: Scheme::Raw,
            request_timeout: Duration::from_secs(30),
            has_store: false,
            boot: String::new(),
            refreshes_early: false,
            ignore_shared_token: false,
        }
    }
}

/// Randomness from outside: the core has none of its own.
#[derive(Clone, Debug)]
pub struct Seed {
    /// Spreads refresh points and back-off; any number, different for each machine.
    pub draws: u64,
    /// Keys the fingerprints of what was rejected.
    pub key: FingerprintKey,
}

/// Where a machine stands, for callers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum State {
    /// No token, and nothing under way.
    SignedOut,
    /// A request that may bring a token is out, and there is no usable one.
    SigningIn,
    /// A one-time code is needed.
    MfaNeeded,
    /// There is a usable token.
    Active,
    /// There is a usable token, and a refresh is out.
    Refreshing,
    /// A token is wanted and nothing may be sent yet.
    Waiting,
    /// The credentials were rejected and are not sent again.
    LockedOut,
}

/// Every decision about one account on one instance. See the [crate page](crate) for how it is driven.
pub struct Machine {
    config: Config,
    key: FingerprintKey,
    draws: SplitMix64,
    phase: Phase,
    outputs: VecDeque<Output>,
    /// The last output said that there is nothing more.
    drained: bool,
    /// What the budget has to learn at the next poll.
    settlements: Vec<Settlement>,

    want: Option<PendingWant>,
    /// The want may not be served before a moment that the driver knows.
    is_blocked: bool,
    outstanding: Option<OutstandingRequest>,
    next_request: u64,
    backoff: Backoff,

    tokens: Tokens,
    codes: OneTimeCodes,
    lockout: Lockout,
    shared: SharedView,
    server_clock: ServerClock,
}

/// What the budget has to learn at the next poll.
enum Settlement {
    Answered(Ticket, Instant),
    Hold(Ticket, Instant),
    Release(Ticket),
    RateLimited(Ticket, Instant, Instant),
}

impl Machine {
    /// A machine that has sent nothing. An imported token is usable from here on, unless it is past its `exp`.
    #[must_use]
    pub fn new(config: Config, seed: Seed, now: Time) -> Self {
        let mut machine = Self {
            key: seed.key,
            draws: SplitMix64::new(seed.draws),
            phase: Phase::SignedOut,
            outputs: VecDeque::new(),
            drained: true,
            settlements: Vec::new(),
            want: None,
            is_blocked: false,
            outstanding: None,
            next_request: 1,
            backoff: Backoff::default(),
            tokens: Tokens::default(),
            codes: OneTimeCodes::default(),
            lockout: Lockout::default(),
            shared: SharedView::default(),
            server_clock: ServerClock::default(),
            config,
        };
        if let Some(imported) = machine.config.token.take() {
            machine.import(&imported, now);
        }
        machine
    }

    /// Where the machine stands at `now`, for a caller: active or refreshing exactly while a token may be handed out.
    #[must_use]
    pub fn state(&self, now: Time) -> State {
        let is_usable = self.usable_token(now).is_some();
        match self.phase {
            Phase::Active if is_usable => State::Active,
            Phase::Refreshing if is_usable => State::Refreshing,
            Phase::SignedOut | Phase::Suspect | Phase::Active if self.is_blocked => State::Waiting,
            Phase::SignedOut if self.is_locked_out() => State::LockedOut,
            Phase::SignedOut | Phase::Suspect | Phase::Active => State::SignedOut,
            Phase::Authenticating | Phase::Verifying | Phase::Refreshing | Phase::Reviving => {
                State::SigningIn
            }
            Phase::AwaitingCode => State::MfaNeeded,
            Phase::LockedOut => State::LockedOut,
        }
    }

    /// Where the machine stands in the [table](table::next).
    #[must_use]
    pub const fn phase(&self) -> Phase {
        self.phase
    }

    /// The configuration it was made from, without the imported token.
    #[must_use]
    pub const fn config(&self) -> &Config {
        &self.config
    }

    /// Server's wall clock minus ours in milliseconds, if an answer had a `Date`.
    #[must_use]
    pub const fn server_ahead_ms(&self) -> Option<i64> {
        self.server_clock.ahead_ms()
    }

    /// Whether the last output said that there is nothing more; inputs are taken only then.
    #[must_use]
    pub const fn is_drained(&self) -> bool {
        self.drained
    }

    /// Follows the table. A step that the table does not have is a bug in this crate.
    fn step_to(&mut self, trigger: Trigger) {
        match table::next(self.phase, trigger) {
            Some(phase) => self.phase = phase,
            None => debug_assert!(false, "{trigger:?} in {:?}", self.phase),
        }
    }
}

impl fmt::Debug for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Machine")
            .field("instance", &self.config.instance.base_url())
            .field("phase", &self.phase)
            .field("generation", &self.tokens.generation())
            .field("wanted", &self.want.is_some())
            .field("drained", &self.drained)
            .finish_non_exhaustive()
    }
}
