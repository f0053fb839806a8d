//! One client: a process with one coordinator, and its clock.

use plextrac_auth_core::{
    Budget, CallerId, ClaimOwner, Config, Coordinator, Credentials, FingerprintKey, Generation, Instance,
    MfaSource, OnStoreFailure, RequestId, Seed, StoreConfig, Time, TokenIdentity, TotpSecret, Watch, Windows,
};

use crate::instance::BEGIN_UNIX_MS;
use crate::plan::{Behaviour, Mfa, Plan, StoreModel};
use crate::random::Random;

/// A process, whether it runs or not.
#[derive(Default)]
pub(crate) struct Client {
    /// Counts its starts. What was meant for an earlier life reaches nobody.
    pub(crate) life: u32,
    pub(crate) session: Option<Box<Session>>,
    pub(crate) was_served: bool,
    /// Operations since a change of the record, and which change that was.
    pub(crate) operations: (u64, u64),
    /// It wants notices of the store.
    pub(crate) is_subscribed: bool,
    /// It is in the store's list of watchers.
    pub(crate) is_listed: bool,
}

/// What a running process has.
pub(crate) struct Session {
    pub(crate) coordinator: Coordinator,
    pub(crate) budget: Budget,
    /// The caller that waits, and since when.
    pub(crate) caller: Option<(CallerId, u64)>,
    pub(crate) live: Option<(Generation, Windows)>,
    pub(crate) watch: Option<Watch>,
    /// The version that the last notice named.
    pub(crate) noticed: u64,
    /// Counts waits: a poll that was planned for an earlier one is void.
    pub(crate) turn: u32,
    pub(crate) polls_at_us: Option<u64>,
    pub(crate) out: Option<RequestId>,
    pub(crate) is_closed: bool,
}

/// What the clocks of a machine say, compared with virtual time.
pub(crate) struct Clock {
    uptime_ms: u64,
    wall_off_ms: i64,
}

impl Clock {
    pub(crate) fn drawn(plan: &Plan, random: &mut Random) -> Self {
        let off = random.within((0, 2 * plan.wall_off_ms));
        Self {
            uptime_ms: random.within((100_000, 10_000_000_000)),
            wall_off_ms: off as i64 - plan.wall_off_ms as i64,
        }
    }

    pub(crate) const fn time(&self, now_us: u64) -> Time {
        let now_ms = now_us / 1000;
        Time::from_millis(self.uptime_ms + now_ms, (BEGIN_UNIX_MS + now_ms) as i64 + self.wall_off_ms)
    }

    /// The virtual time of a moment on the monotonic clock.
    pub(crate) fn virtual_us(&self, moment: plextrac_auth_core::Instant) -> u64 {
        moment.as_millis().saturating_sub(self.uptime_ms).saturating_mul(1000)
    }
}

/// What all processes of a plan have in common.
pub(crate) struct Template {
    config: Config,
    on_failure: OnStoreFailure,
    may_lose_writes: bool,
    budget: Budget,
}

impl Template {
    pub(crate) fn new(plan: &Plan) -> Self {
        let instance = Instance::parse("https://acme.example").expect("the address is right");
        let mut config = Config::new(instance);
        config.mfa = match plan.mfa {
            Mfa::Off => MfaSource::Unavailable,
            Mfa::Totp => MfaSource::Totp(
                TotpSecret::parse("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP").expect("the secret is right"),
            ),
            Mfa::Person { .. } => MfaSource::Asked,
        };
        config.refreshes_early = matches!(plan.behaviour, Behaviour::Cron { .. });
        let is_engine = plan.store != StoreModel::Directories;
        Self {
            config,
            on_failure: if is_engine { OnStoreFailure::SendNothing } else { OnStoreFailure::GoOnAlone },
            may_lose_writes: is_engine,
            budget: Budget::new(plan.budget).expect("the budget is between 2 and 60"),
        }
    }

    pub(crate) fn session(
        &self,
        (client, life): (u32, u32),
        (machine, account): (u32, u32),
        now: Time,
        random: &mut Random,
    ) -> Session {
        let mut config = self.config.clone();
        config.boot = format!("machine-{machine}");
        let user = format!("service-{account}@acme.example");
        config.credentials = Credentials::new(&user, "correct horse").ok();
        let identity = TokenIdentity { imported: None, verified: true };
        let mut store = StoreConfig::new(identity, owner(client, life, random.next()));
        store.on_failure = self.on_failure;
        store.may_lose_writes = self.may_lose_writes;
        let seed = Seed { draws: random.next(), key: FingerprintKey::new([7; 32]) };
        Session {
            coordinator: Coordinator::new(config, seed, Some(store), now),
            budget: self.budget.clone(),
            caller: None,
            live: None,
            watch: None,
            noticed: 0,
            turn: 0,
            polls_at_us: None,
            out: None,
            is_closed: false,
        }
    }
}

/// Names a process in its claims.
fn owner(client: u32, life: u32, drawn: u64) -> ClaimOwner {
    let mut bytes = [0; 16];
    bytes[..4].copy_from_slice(&client.to_be_bytes());
    bytes[4..8].copy_from_slice(&life.to_be_bytes());
    bytes[8..].copy_from_slice(&drawn.to_be_bytes());
    ClaimOwner::new(bytes)
}

/// Which process an owner names.
pub(crate) fn process_of(owner: ClaimOwner) -> Option<(u32, u32)> {
    let text = owner.to_string();
    let number = |at: usize| u32::from_str_radix(text.get(at..at + 8)?, 16).ok();
    Some((number(0)?, number(8)?))
}
