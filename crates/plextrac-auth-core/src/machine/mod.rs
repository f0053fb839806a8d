//! The machine: one account on one instance.

mod answers;
mod inputs;
mod sending;
mod steps;

use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use crate::backoff::Backoff;
use crate::budget::Ticket;
use crate::credential::{Credentials, Digits, MfaSource, ReadyToken, Scheme};
use crate::draw::Draws;
use crate::fingerprint::{Fingerprint, FingerprintKey};
use crate::instance::Instance;
use crate::output::Output;
use crate::record::{SharedToken, Stamp};
use crate::request::{self, Call, RequestId};
use crate::secret::Secret;
use crate::table::{self, Phase, Trigger};
use crate::time::{Instant, Time};
use crate::token::{Generation, Token};

pub use inputs::{InputError, Verdict, Want};

/// How long a challenge is believed to live; nothing is documented, so a person is asked at once.
pub const CHALLENGE_LIFE: Duration = Duration::from_secs(120);
/// How long a 401 on a token that replaced one answered with 401 starts nothing.
pub const UNAUTHORIZED_MUTED: Duration = Duration::from_secs(60);

/// What a machine is made from.
#[derive(Clone, Debug)]
pub struct Config {
    /// The instance.
    pub instance: Instance,
    /// User name and password; none if there is only a ready-made token.
    pub credentials: Option<Credentials>,
    /// A token obtained elsewhere.
    pub token: Option<ReadyToken>,
    /// Where six digits come from.
    pub mfa: MfaSource,
    /// How the token stands in the header.
    pub scheme: Scheme,
    /// How long an answer is waited for.
    pub request_timeout: Duration,
    /// Whether the driver keeps a shared record: only then it is asked to read and write one.
    pub has_store: bool,
    /// Names the boot the monotonic clock belongs to, for the shared record; empty if unknown.
    pub boot: String,
    /// Signs in though others share a token: theirs stays where it is until there is another to take its place.
    pub anew: bool,
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
            anew: false,
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

/// What a caller is told of where a machine stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum State {
    /// No token, and nothing under way.
    SignedOut,
    /// A request that may bring a token is out, and there is no usable one.
    SigningIn,
    /// Six digits are needed.
    MfaNeeded,
    /// There is a usable token.
    Active,
    /// There is a usable token, and a refresh is out.
    Refreshing,
    /// A token is wanted and nothing may be sent yet.
    Waiting,
    /// The credentials were rejected and are not sent again.
    Latched,
}

/// How much depends on the request that would serve a want.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    /// Nothing is wanted, or the token in hand serves.
    Served,
    /// The token in hand serves for now, and its refresh is due.
    Due,
    /// Whoever wants a token waits for its refresh, and gets the one in hand if none comes in time.
    Late,
    /// There is none that would serve.
    Pressing,
}

/// Why there is no header value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotUsable {
    /// There is no token yet.
    NotReady,
    /// There was one; it is at its end, or the server does not take it any more.
    Expired,
}

/// Every decision about one account on one instance. See the [crate page](crate) for how it is driven.
pub struct Machine {
    config: Config,
    key: FingerprintKey,
    draws: Draws,
    phase: Phase,
    outputs: VecDeque<Output>,
    drained: bool,
    settlements: Vec<Settlement>,

    want: Option<Standing>,
    /// The want may not be served before a moment that was told.
    blocked: bool,
    flight: Option<Flight>,
    next_request: u64,

    token: Option<Token>,
    generation: Generation,
    /// The token in hand was answered with 401: the next one is born of that.
    renewing_after_401: bool,
    /// A 401 on the token in hand starts nothing until then.
    muted_until: Option<Instant>,

    challenge: Option<Challenge>,
    /// Digits handed in and not sent yet, and when they were.
    digits: Option<(Digits, Instant)>,
    /// Digits that were sent, each not to be sent again until a moment.
    spent_digits: Vec<(Fingerprint, Instant)>,
    totp_step: Option<u64>,
    computed_rejections: u32,

    /// What was rejected here: it stays so, whatever the shared record says.
    latch: Option<Fingerprint>,
    /// What was rejected elsewhere, perhaps other credentials; the last ones first.
    rejected_elsewhere: Vec<Fingerprint>,
    backoff: Backoff,
    /// What the account's last sign-in told.
    needs_mfa: Option<bool>,
    /// Server's wall clock minus ours.
    server_ahead_ms: Option<i64>,
    /// Others' token, which this machine does not use, and leaves in the record for as long as it has none of its own.
    set_aside: Option<SharedToken>,

    shared_view: SharedView,
    /// What was told to others is no longer so; they are told after another look at the record.
    keep_due: bool,
    /// Until when others were last told that a person is asked here, whether that still holds or not.
    told_asked_until: Option<Instant>,
    /// Tokens that were handed in and whose refresh was refused, here or elsewhere, the newest first.
    refused: Vec<Fingerprint>,
    /// The last tokens that sessions of the account had, the newest first.
    issued: Vec<Fingerprint>,
    /// Recognises the token that was handed in.
    ready_print: Option<Fingerprint>,
    /// A token that was answered with 401, or that could not even be refreshed: dead, whoever still shares it.
    dead: Option<Fingerprint>,
    asked_elsewhere_until: Option<Instant>,
}

/// A want that is not served yet.
struct Standing {
    want: Want,
    /// Digits handed in for it so far.
    digits_given: u32,
    /// It was told to wait for digits: it ends with the challenge. A later one begins another sign-in.
    knows_challenge: bool,
}

impl Standing {
    const fn new(want: Want) -> Self {
        Self { want, digits_given: 0, knows_challenge: false }
    }
}

/// A request that is out.
struct Flight {
    id: RequestId,
    call: Call,
    sent: Time,
    deadline: Instant,
    ticket: Ticket,
    /// The place for a second step.
    held: Option<Ticket>,
    /// What a second step answers, and whether its digits were computed.
    second_step: Option<SecondStep>,
}

/// What is remembered of a second step while it is out.
struct SecondStep {
    /// The server may quote it.
    challenge: Secret,
    is_computed: bool,
}

/// The password was right; this answers for it in the second step.
struct Challenge {
    code: Secret,
    until: Instant,
    held: Option<Ticket>,
}

/// What the budget has to be told at the next poll.
enum Settlement {
    Answered(Ticket, Instant),
    Release(Ticket),
    RateLimited(Ticket, Instant, Instant),
}

/// Whether the shared record was looked at for the want that stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum SharedView {
    Unread,
    Asked,
    Read,
}

impl Machine {
    /// A machine that has sent nothing. A ready-made token is usable from here on, unless it is past its `exp`.
    #[must_use]
    pub fn new(config: Config, seed: Seed, now: Time) -> Self {
        let mut machine = Self {
            key: seed.key,
            draws: Draws::new(seed.draws),
            phase: Phase::SignedOut,
            outputs: VecDeque::new(),
            drained: true,
            settlements: Vec::new(),
            want: None,
            blocked: false,
            flight: None,
            next_request: 1,
            token: None,
            generation: Generation(0),
            renewing_after_401: false,
            muted_until: None,
            challenge: None,
            digits: None,
            spent_digits: Vec::new(),
            totp_step: None,
            computed_rejections: 0,
            latch: None,
            rejected_elsewhere: Vec::new(),
            backoff: Backoff::default(),
            needs_mfa: None,
            server_ahead_ms: None,
            set_aside: None,
            shared_view: SharedView::Read,
            keep_due: false,
            told_asked_until: None,
            refused: Vec::new(),
            issued: Vec::new(),
            ready_print: None,
            dead: None,
            asked_elsewhere_until: None,
            config,
        };
        if let Some(ready) = machine.config.token.take() {
            machine.ready_print = Some(machine.token_fingerprint(ready.secret()));
            let (token, is_past) = Token::ready_made(&ready, now, &mut machine.draws);
            machine.step_to(if is_past { Trigger::AdoptedDoubtful } else { Trigger::Adopted });
            machine.take_token(token);
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
            Phase::SignedOut | Phase::Suspect | Phase::Active if self.blocked => State::Waiting,
            Phase::SignedOut if self.is_latched() => State::Latched,
            Phase::SignedOut | Phase::Suspect | Phase::Active => State::SignedOut,
            Phase::Authenticating | Phase::Verifying | Phase::Refreshing | Phase::Reviving => {
                State::SigningIn
            }
            Phase::AwaitingDigits => State::MfaNeeded,
            Phase::Latched => State::Latched,
        }
    }

    /// Where the machine stands in the [table](table::next).
    #[must_use]
    pub const fn phase(&self) -> Phase {
        self.phase
    }

    /// The token in hand, if it may be handed out at `now`.
    #[must_use]
    pub fn usable_token(&self, now: Time) -> Option<&Token> {
        let is_handed_out = matches!(self.phase, Phase::Active | Phase::Refreshing);
        self.token.as_ref().filter(|token| is_handed_out && now.monotonic < token.windows.unusable_at)
    }

    /// The value for the `Authorization` header.
    ///
    /// # Errors
    /// [`NotUsable`]: want a token first.
    pub fn authorization(&self, now: Time) -> Result<Secret, NotUsable> {
        match (self.usable_token(now), &self.token) {
            (Some(token), _) => Ok(request::authorization(self.config.scheme, &token.secret)),
            (None, Some(_)) => Err(NotUsable::Expired),
            (None, None) => Err(NotUsable::NotReady),
        }
    }

    /// Which token a header value that was answered with 401 carried: `None` if it is not the one in hand.
    #[must_use]
    pub fn generation_of(&self, authorization: &str) -> Option<Generation> {
        let token = without_scheme(authorization);
        self.token.as_ref().filter(|held| held.secret.matches(token)).map(|held| held.generation)
    }

    /// Whether a token, with or without `Bearer ` in front, is the one in hand or one of those before it, here or in
    /// another session of the account.
    #[must_use]
    pub fn knows_token(&self, token: &str) -> bool {
        let token = without_scheme(token);
        self.generation_of(token).is_some() || self.issued.contains(&self.key.of(&[token.as_bytes()]))
    }

    /// The configuration it was made from, without the ready-made token.
    #[must_use]
    pub const fn config(&self) -> &Config {
        &self.config
    }

    /// Server's wall clock minus ours in milliseconds, if an answer told.
    #[must_use]
    pub const fn server_ahead_ms(&self) -> Option<i64> {
        self.server_ahead_ms
    }

    /// Whether the credentials in hand are known to be rejected.
    #[must_use]
    pub fn is_latched(&self) -> bool {
        self.latch.is_some() || self.is_latched_elsewhere()
    }

    /// Whether any credentials of the account are known to be rejected, be it those in hand or others.
    #[must_use]
    pub fn knows_rejections(&self) -> bool {
        self.latch.is_some() || !self.rejected_elsewhere.is_empty()
    }

    /// Whether a want stands that is neither served nor ended.
    #[must_use]
    pub const fn is_wanted(&self) -> bool {
        self.want.is_some()
    }

    /// How much depends on what would be sent for the want that stands. A driver that cannot have the shared record
    /// for itself just now need not wait for it where nobody waits for the token.
    #[must_use]
    pub fn urgency(&self, now: Time) -> Urgency {
        let Some(standing) = &self.want else { return Urgency::Served };
        let Some(token) = self.usable_token(now).filter(|_| !standing.want.fresh) else {
            return Urgency::Pressing;
        };
        if now.monotonic < token.windows.refresh_at || token.refresh_refused {
            Urgency::Served
        } else if now.monotonic < token.windows.late_at {
            Urgency::Due
        } else {
            Urgency::Late
        }
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

    /// The token in hand becomes `token`, under a new generation.
    fn take_token(&mut self, mut token: Token) -> Generation {
        self.generation.0 += 1;
        token.generation = self.generation;
        if core::mem::take(&mut self.renewing_after_401) {
            token.born_of_401 = Some(token.windows.sent);
        }
        self.muted_until = None;
        // One that was handed in may be anybody's, and so may what it is refreshed to.
        if self.ready_print.is_none() {
            let print = self.token_fingerprint(&token.secret);
            self.issued.retain(|issued| *issued != print);
            self.issued.insert(0, print);
            self.issued.truncate(MAX_ISSUED);
        }
        self.token = Some(token);
        self.generation
    }

    /// Whether what another session wrote down as rejected is what this one would send.
    fn is_latched_elsewhere(&self) -> bool {
        !self.rejected_elsewhere.is_empty()
            && self.own_fingerprints().any(|own| self.rejected_elsewhere.contains(&own))
    }

    /// Nothing is known against the credentials in hand; what is known against others stays.
    fn clear_latch(&mut self) {
        let own: Vec<Fingerprint> = self.own_fingerprints().chain(self.doubt_fingerprint()).collect();
        self.rejected_elsewhere.retain(|rejected| !own.contains(rejected));
        self.refused.retain(|refused| Some(*refused) != self.ready_print);
        self.latch = None;
        self.computed_rejections = 0;
    }

    /// Everything that is known to be rejected, the last first.
    fn rejected(&self) -> Vec<Fingerprint> {
        let elsewhere = self.rejected_elsewhere.iter().filter(|rejected| Some(**rejected) != self.latch);
        self.latch.iter().chain(elsewhere).copied().take(MAX_REJECTED).collect()
    }

    /// Says that digits computed from this secret were rejected once. The next rejection latches, in whichever process:
    /// a command that runs anew each time would send a wrong code each time.
    fn doubt_fingerprint(&self) -> Option<Fingerprint> {
        let (credentials, MfaSource::Totp(secret)) = (self.config.credentials.as_ref()?, &self.config.mfa)
        else {
            return None;
        };
        let (username, password) =
            (credentials.username().as_bytes(), credentials.password().expose().as_bytes());
        Some(self.key.of(&[username, password, secret.key(), b"rejected once"]))
    }

    fn own_fingerprints(&self) -> impl Iterator<Item = Fingerprint> {
        self.password_fingerprint().into_iter().chain(self.totp_fingerprint())
    }

    fn drop_challenge(&mut self) {
        self.digits = None;
        if let Some(ticket) = self.challenge.take().and_then(|challenge| challenge.held) {
            self.settlements.push(Settlement::Release(ticket));
        }
    }

    /// Recognises user name and password.
    fn password_fingerprint(&self) -> Option<Fingerprint> {
        let credentials = self.config.credentials.as_ref()?;
        Some(self.key.of(&[credentials.username().as_bytes(), credentials.password().expose().as_bytes()]))
    }

    /// Recognises user name, password and TOTP secret together: with another secret the password is tried anew.
    fn totp_fingerprint(&self) -> Option<Fingerprint> {
        let (credentials, MfaSource::Totp(secret)) = (self.config.credentials.as_ref()?, &self.config.mfa)
        else {
            return None;
        };
        let parts =
            [credentials.username().as_bytes(), credentials.password().expose().as_bytes(), secret.key()];
        Some(self.key.of(&parts))
    }

    /// Our wall clock, corrected by the server's where they are more than a step apart.
    fn corrected_unix(&self, now: Time) -> crate::time::UnixTime {
        match self.server_ahead_ms {
            Some(ahead) if ahead.unsigned_abs() > 30_000 => now.unix.offset(ahead),
            _ => now.unix,
        }
    }

    fn stamp(&self, at: Time) -> Stamp {
        Stamp { boot: self.config.boot.clone(), monotonic: at.monotonic, unix: at.unix }
    }
}

/// The token of a header value, in either scheme.
fn without_scheme(authorization: &str) -> &str {
    let authorization = authorization.trim();
    authorization.strip_prefix("Bearer ").unwrap_or(authorization)
}

/// Computed digits rejected so often in a row are latched: a clock may be wrong once, a secret is wrong always.
const COMPUTED_TRIES: u32 = 2;
/// So many tokens of one account are recognised: those of the last hour and more, and as many refused ones.
const MAX_ISSUED: usize = 8;
/// So many rejected credentials of one account are remembered: the stale passwords of a few scripts.
const MAX_REJECTED: usize = 8;

impl fmt::Debug for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Machine")
            .field("instance", &self.config.instance.base_url())
            .field("phase", &self.phase)
            .field("generation", &self.generation)
            .field("wanted", &self.want.is_some())
            .field("drained", &self.drained)
            .finish_non_exhaustive()
    }
}
