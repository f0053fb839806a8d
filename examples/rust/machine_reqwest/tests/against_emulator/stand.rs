//! An emulator, and an engine whose clock is the emulator's.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use machine_reqwest::{Account, Clock, Engine};
use plextrac_auth_core::{
    Budget, Config, Credentials, Failure, Instance, MfaSource, Secret, Time, TotpSecret,
};
use plextrac_emulator::{Account as User, Emulator, EmulatorClock, Kind};
use reqwest::{Certificate, Client};

/// What is not there by then does not come.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

pub(crate) struct Stand {
    pub(crate) emulator: Arc<Emulator>,
    pub(crate) engine: Engine,
}

/// The emulator's clock. It stands still until a test moves it.
struct Moved(EmulatorClock);

impl Clock for Moved {
    fn now(&self) -> Time {
        Time::from_millis(self.0.monotonic_ms(), self.0.true_unix_ms())
    }

    fn sleep(&self, span: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let (clock, until) = (self.0.clone(), self.0.monotonic_ms() + span.as_millis() as u64);
        Box::pin(async move {
            while clock.monotonic_ms() < until {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
    }
}

impl Stand {
    pub(crate) fn new(per_minute: u32) -> Self {
        // An error says that another test was here before.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let emulator = Emulator::builder().frozen_clock().account(third()).start().unwrap();
        let http =
            Client::builder().no_proxy().tls_certs_only(Certificate::from_pem(emulator.ca_pem().as_bytes()));
        let budget = Budget::new(per_minute).unwrap();
        let engine = Engine::new(http, budget, Moved(emulator.clock())).unwrap();
        Self { emulator: Arc::new(emulator), engine }
    }

    pub(crate) fn account(&self, user: &User) -> Account {
        Account::new(&self.engine, self.config(user)).unwrap()
    }

    /// As `account`, with an engine that trusts the public authorities alone.
    pub(crate) fn distrusting(&self, user: &User) -> Account {
        let http = Client::builder().no_proxy().tls_certs_only([]);
        let engine = Engine::new(http, Budget::default(), Moved(self.emulator.clock())).unwrap();
        Account::new(&engine, self.config(user)).unwrap()
    }

    /// Returns when the server has a request of this kind, answered or not; the other tasks go on meanwhile.
    pub(crate) async fn sees(&self, kind: Kind) {
        let emulator = Arc::clone(&self.emulator);
        let is_there = tokio::task::spawn_blocking(move || {
            emulator.wait_for(LONGEST_WAIT, |seen| seen.iter().any(|request| request.kind == kind))
        });
        assert!(is_there.await.unwrap(), "no {kind:?} came");
    }

    pub(crate) fn advance(&self, span: Duration) {
        self.emulator.clock().advance(span);
    }

    fn config(&self, user: &User) -> Config {
        let mut config = Config::new(Instance::parse(&self.emulator.tls_url()).unwrap());
        config.credentials = Some(Credentials::new(&user.username, &user.password).unwrap());
        if let Some(secret) = &user.totp_secret {
            config.mfa = MfaSource::Totp(TotpSecret::parse(secret).unwrap());
        }
        config
    }
}

/// A third account, without MFA.
pub(crate) fn third() -> User {
    User::new("third@example.com", "third-password")
}

/// As many tasks that want a token; every one of them has asked when this returns.
pub(crate) async fn asking(
    account: &Account,
    tasks: usize,
) -> Vec<tokio::task::JoinHandle<Result<Secret, Failure>>> {
    let handles: Vec<_> = (0..tasks)
        .map(|_| {
            let account = account.clone();
            tokio::spawn(async move { account.token().await })
        })
        .collect();
    // On a runtime of one thread, tasks run in the order of their making: this one comes after them all.
    tokio::spawn(async {}).await.unwrap();
    handles
}
