//! One process: its coordinator, the token it hands out, its part of the budget, its callers.

use std::cell::Cell;
use std::rc::Rc;

use plextrac_auth_core::{
    Budget, ClaimOwner, Config, Coordinator, Credentials, FingerprintKey, Generation, Instance, Instant,
    MfaSource, RequestId, Seed, StoreConfig, Time, TokenIdentity, TotpSecret, Wait, Windows,
};

use crate::caller::Caller;
use crate::driver::TOTP;
use crate::plan::{DigitsFrom, Plan, ProcessPlan};
use crate::random::Random;
use crate::server::{password, user_name};

/// Keys the fingerprints of all processes.
pub(crate) const KEY: [u8; 32] = [7; 32];

pub(crate) struct Process {
    pub(crate) plan: ProcessPlan,
    /// Counts its starts. What was meant for an earlier life reaches nobody.
    pub(crate) life: u32,
    pub(crate) session: Option<Session>,
    /// It is stopped until then.
    pub(crate) paused_until_ms: u64,
    pub(crate) served_in_calm: bool,
}

pub(crate) struct Session {
    pub(crate) coordinator: Coordinator,
    pub(crate) budget: Budget,
    pub(crate) live: Option<Rc<LiveToken>>,
    pub(crate) callers: Vec<Caller>,
    pub(crate) owner: ClaimOwner,
    /// The request that is out, and until when its answer is waited for.
    pub(crate) out: Option<(RequestId, Instant)>,
    pub(crate) wait: Wait,
    /// Counts waits: a poll that was planned for an earlier one is void.
    pub(crate) turn: u64,
    /// Counts questions, and whether one stands.
    pub(crate) questions: u64,
    pub(crate) is_asked: bool,
    /// An operation of the store failed since the last request, so that this one may be sent without a claim.
    pub(crate) is_alone: bool,
    /// Another process took the account over while a request was out.
    pub(crate) lost_claim: bool,
    /// The account was signed out while the request was out.
    pub(crate) is_abandoned: bool,
    /// Whose claim is waited for, and since when.
    pub(crate) watched: Option<(ClaimOwner, u64)>,
    pub(crate) is_closed: bool,
}

/// The token that is handed out.
pub(crate) struct LiveToken {
    pub(crate) generation: Generation,
    pub(crate) token: String,
    pub(crate) windows: Windows,
    pub(crate) was_accepted: Cell<bool>,
}

impl Session {
    pub(crate) fn new(
        plan: &Plan,
        process: &ProcessPlan,
        boot: String,
        random: &mut Random,
        now: Time,
    ) -> Self {
        let mut config = Config::new(Instance::parse("https://acme.example").unwrap());
        let password = password(process.knows_password);
        config.credentials = Some(Credentials::new(&user_name(process.account), password).unwrap());
        config.mfa = match process.digits {
            DigitsFrom::Totp => MfaSource::Totp(TotpSecret::parse(TOTP).unwrap()),
            DigitsFrom::Person { submits: true, .. } => MfaSource::Submitted,
            DigitsFrom::Person { .. } => MfaSource::Asked,
        };
        config.boot = boot;
        let owner = draw_owner(random);
        let store = plan.store.as_ref().map(|store| StoreConfig {
            on_failure: process.on_store_failure,
            may_lose_writes: store.may_lose_writes,
            ..StoreConfig::new(TokenIdentity { imported: None, verified: true }, owner)
        });
        let seed = Seed { draws: random.next(), key: FingerprintKey::new(KEY) };
        Self {
            coordinator: Coordinator::new(config, seed, store, now),
            budget: Budget::new(plan.budget).unwrap(),
            live: None,
            callers: (0..process.callers).map(|_| Caller::default()).collect(),
            owner,
            out: None,
            wait: Wait::default(),
            turn: 0,
            questions: 0,
            is_asked: false,
            is_alone: false,
            lost_claim: false,
            is_abandoned: false,
            watched: None,
            is_closed: false,
        }
    }

    /// Makes what the coordinator grants the token that is handed out.
    pub(crate) fn publish(&mut self, now: Time) {
        let held = self.coordinator.usable_token(now);
        if held.map(|token| token.generation()) == self.live.as_ref().map(|live| live.generation) {
            return;
        }
        self.live = held.map(|token| {
            Rc::new(LiveToken {
                generation: token.generation(),
                token: token.secret().expose().into(),
                windows: *token.windows(),
                was_accepted: Cell::new(false),
            })
        });
    }

    /// Whether a request is out that may still bring a token.
    pub(crate) fn is_attempting(&self, now: Time) -> bool {
        self.is_out(now) && !self.is_abandoned
    }

    /// Whether its request may still bring an answer.
    pub(crate) fn is_out(&self, now: Time) -> bool {
        self.out.is_some_and(|(_, deadline)| now.monotonic < deadline)
    }
}

pub(crate) fn draw_owner(random: &mut Random) -> ClaimOwner {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&random.next().to_le_bytes());
    bytes[8..].copy_from_slice(&random.next().to_le_bytes());
    ClaimOwner::new(bytes)
}
