//! What a run is made of.

/// A fleet, its store, its instance, and what goes wrong.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Everything that is drawn follows from it.
    pub seed: u64,
    /// How many processes there are. They are spread evenly over the machines.
    pub clients: u32,
    /// How many machines there are.
    pub machines: u32,
    /// How many accounts the processes sign in to. Each machine has processes of several.
    pub accounts: u32,
    /// Where the processes meet.
    pub store: StoreModel,
    /// What the processes do.
    pub behaviour: Behaviour,
    /// How long the run lasts, in virtual milliseconds.
    pub span_ms: u64,
    /// All processes start within so many milliseconds.
    pub start_within_ms: u64,
    /// Where one-time codes come from.
    pub mfa: Mfa,
    /// Whether the instance takes the password.
    pub is_password_right: bool,
    /// The budget that each process keeps, in requests a minute.
    pub budget: u32,
    /// So many sign-ins a minute come from people's browsers.
    pub people_per_minute: u32,
    /// So many authentication requests a minute the instance answers; more get 429.
    pub places: u32,
    /// How long the instance takes for an authentication request, in milliseconds.
    pub answer_ms: u64,
    /// How long a token lives, in seconds.
    pub token_life_s: u64,
    /// How long a message between a process and the instance takes, in milliseconds: from, to.
    pub network_ms: (u64, u64),
    /// By how much each machine's wall clock is off, in milliseconds, at most.
    pub wall_off_ms: u64,
    /// How long a call waits in all, and how long for the budget and the like, in milliseconds.
    pub wait_ms: (u64, u64),
    /// What goes wrong, and when (in virtual milliseconds).
    pub mishaps: Vec<(u64, Mishap)>,
    /// A driver with a fault, to prove that a promise can break.
    pub control: Option<Control>,
}

/// Where processes meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreModel {
    /// One engine for all machines, as Valkey or Redis is one. It carries out one operation after another. All times are
    /// in microseconds.
    Engine {
        /// How long a message takes, one way: from, to.
        latency_us: (u64, u64),
        /// A read, with the engine's time.
        read_us: u64,
        /// A conditional write by a script.
        write_us: u64,
        /// A subscription, with the read that follows it.
        watch_us: u64,
        /// One notice to one subscriber.
        notice_us: u64,
    },
    /// One directory for each machine.
    Directories,
}

/// What a process does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// It runs on, and needs a token every so many milliseconds.
    Service {
        /// Between two calls, on the average.
        call_every_ms: u64,
    },
    /// It is started every so many milliseconds, makes one call and ends, as cron does it.
    Cron {
        /// Between two starts.
        every_ms: u64,
    },
}

/// Where one-time codes come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mfa {
    /// The account has no second step.
    Off,
    /// Each process computes codes.
    Totp,
    /// A person is asked, and takes so long to type a code.
    Person {
        /// In milliseconds.
        types_ms: u64,
    },
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mishap {
    /// Another node of the engine takes over: its clock has another name, and the last acknowledged writes are gone.
    Failover {
        /// How long the engine does not answer.
        down_ms: u64,
        /// What was written in so many milliseconds before is gone.
        loses_ms: u64,
    },
    /// Some machines do not reach the store.
    Partition {
        /// For how long.
        lasts_ms: u64,
        /// How many of a hundred machines.
        percent: u32,
    },
    /// Every process is killed, and started again within the plan's `start_within_ms`.
    RestartAll,
    /// The process whose request is out is killed, and does not come back.
    KillHolder,
}

/// A driver with a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// It reads the record every 100 ms while a caller waits.
    Polls,
    /// It forgets what the budget's record says.
    ForgetsBudget,
}

impl StoreModel {
    /// An engine in the same data centre. `docs/scale.md` says how the times were measured.
    pub const ENGINE: Self =
        Self::Engine { latency_us: (200, 500), read_us: 15, write_us: 25, watch_us: 30, notice_us: 14 };
}

impl Plan {
    /// On which machine a client runs.
    pub(crate) const fn machine_of(&self, client: u32) -> u32 {
        client % self.machines
    }

    /// Which account a client signs in to.
    pub(crate) const fn account_of(&self, client: u32) -> u32 {
        (client % self.machines + client / self.machines) % self.accounts
    }

    /// A fleet of services without a second step that starts within one second, for two minutes.
    #[must_use]
    pub const fn new(clients: u32, machines: u32, store: StoreModel) -> Self {
        Self {
            seed: 1,
            clients,
            machines,
            accounts: 1,
            store,
            behaviour: Behaviour::Service { call_every_ms: 5000 },
            span_ms: 120_000,
            start_within_ms: 1000,
            mfa: Mfa::Off,
            is_password_right: true,
            budget: 6,
            people_per_minute: 0,
            places: 10,
            answer_ms: 500,
            token_life_s: 900,
            network_ms: (5, 30),
            wall_off_ms: 2000,
            wait_ms: (30_000, 30_000),
            mishaps: Vec::new(),
            control: None,
        }
    }
}
