//! What the tests stand on: an instance whose clock is the sessions' clock as well, the accounts on it, callers on
//! threads of their own, and a record of what a session told.

#![allow(dead_code, unreachable_pub, unused_imports, reason = "each test program uses a part of it")]

mod caller;
mod told;

use std::sync::Arc;
use std::time::Duration;

use plextrac_emulator::{Emulator, EmulatorBuilder, Kind, Outcome};
use plextrac_transport::{Clock, Session, SessionConfig, Time};

pub use caller::{Caller, call, call_each};
pub use told::Told;

/// How long a test waits for what must come. Never waited for when all is well.
pub const LONGEST_WAIT: Duration = Duration::from_secs(20);

/// Ages of a token that lives 15 minutes: in each of the windows of the core's `Windows`, whatever was drawn.
pub const EARLY: Duration = Duration::from_secs(660);
pub const LATE: Duration = Duration::from_secs(845);
pub const OVER: Duration = Duration::from_secs(893);
pub const DEAD: Duration = Duration::from_secs(901);

/// An instance, and the one clock of its sessions. The clock stands still until it is advanced.
pub struct Stage {
    pub emulator: Emulator,
    clock: Arc<dyn Clock>,
}

impl Stage {
    pub fn new() -> Self {
        Self::with(|builder| builder)
    }

    pub fn with(set: impl FnOnce(EmulatorBuilder) -> EmulatorBuilder) -> Self {
        let builder = Emulator::builder().frozen_clock().limit_per_minute(1_000);
        let emulator = set(builder).start().unwrap();
        // One second into a TOTP step: near the end of one, a sign-in waits for the next, and this clock stands still.
        let into_step = emulator.clock().true_unix_ms().rem_euclid(30_000).unsigned_abs();
        emulator.clock().advance(Duration::from_millis(31_000 - into_step));
        let clock = clock_of(&emulator);
        Self { emulator, clock }
    }

    /// For the account without MFA.
    pub fn service(&self) -> SessionConfig {
        let mut config = self.bare();
        config.password("service@example.com", "service-password").unwrap();
        config
    }

    /// For the account with MFA; where the digits come from is still to be said.
    pub fn analyst(&self) -> SessionConfig {
        let mut config = self.bare();
        config.password("analyst@example.com", "analyst-password").unwrap();
        config
    }

    /// With nothing to sign in with.
    pub fn bare(&self) -> SessionConfig {
        let mut config = SessionConfig::new(&self.emulator.url()).unwrap();
        config.proxy("").unwrap().clock(Arc::clone(&self.clock)).auth_budget(60).unwrap();
        config
    }

    /// Signs in without MFA, and waits until the token has reached an age.
    pub fn signed_in(&self, age: Duration) -> Session {
        let session = Session::new(&self.service()).unwrap();
        session.login().unwrap();
        self.advance(age);
        session
    }

    pub fn advance(&self, by: Duration) {
        self.emulator.clock().advance(by);
    }

    pub fn digits(&self) -> String {
        self.emulator.digits("analyst@example.com").unwrap()
    }

    /// How many requests of a kind the instance has seen.
    pub fn seen(&self, kind: Kind) -> u64 {
        self.emulator.stats().of_kind(kind)
    }

    pub fn authentications(&self) -> u64 {
        self.emulator.stats().authentication_requests()
    }

    pub fn count(&self, kind: Kind, outcome: Outcome) -> u64 {
        self.emulator.stats().count(kind, outcome)
    }

    /// Waits until so many requests of a kind have arrived: with a hold, until they are under way.
    #[track_caller]
    pub fn await_requests(&self, kind: Kind, count: usize) {
        let arrived = self.emulator.wait_for(LONGEST_WAIT, |seen| {
            seen.iter().filter(|request| request.kind == kind).count() >= count
        });
        assert!(arrived, "no {kind:?} number {count} came");
    }
}

/// A new directory that is ours alone, as a state directory must be.
pub fn private_directory() -> tempfile::TempDir {
    let private = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    tempfile::Builder::new().permissions(private).tempdir().unwrap()
}

/// The emulator's clock as a client's.
pub fn clock_of(emulator: &Emulator) -> Arc<dyn Clock> {
    let clock = emulator.clock();
    // A machine that has been up for an hour, as moments before its start are not moments.
    Arc::new(move || Time::from_millis(clock.monotonic_ms() + 3_600_000, clock.true_unix_ms()))
}
