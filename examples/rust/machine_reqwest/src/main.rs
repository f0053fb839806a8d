//! Twenty tasks ask who they are, with one account and one sign-in among them.
//!
//! ```sh
//! export PLEXTRAC_URL=https://acme.plextrac.com
//! export PLEXTRAC_USERNAME=someone@acme.example PLEXTRAC_PASSWORD='…' PLEXTRAC_TOTP_SECRET='…'
//! cargo run --package machine-reqwest
//! ```
//!
//! `PLEXTRAC_CA_FILE` is read too. Without an instance at hand, `plextrac-auth emulator` runs one: its first line says
//! what to export.

use std::collections::BTreeMap;
use std::env;
use std::error::Error;

use machine_reqwest::{Account, Engine, SystemClock};
use plextrac_auth_core::{Budget, Config, Credentials, Instance, MfaSource, TotpSecret};
use reqwest::{Certificate, Client, Method};
use tokio::task::JoinSet;

const TASKS: usize = 20;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // An error would say that another provider is there already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let account = account()?;

    let mut tasks = JoinSet::new();
    for _ in 0..TASKS {
        let account = account.clone();
        tasks.spawn(async move {
            let answer = account.send(account.request(Method::GET, "/api/v2/whoami")).await?;
            Ok::<_, machine_reqwest::Error>(answer.status().as_u16())
        });
    }
    let mut statuses = BTreeMap::<u16, usize>::new();
    while let Some(status) = tasks.join_next().await {
        *statuses.entry(status??).or_default() += 1;
    }
    for (status, times) in statuses {
        println!("GET /api/v2/whoami: HTTP {status}, {times} times");
    }
    Ok(())
}

/// From the environment.
fn account() -> Result<Account, Box<dyn Error>> {
    let mut http = Client::builder();
    if let Ok(path) = env::var("PLEXTRAC_CA_FILE") {
        http = http.tls_certs_merge(Certificate::from_pem_bundle(&std::fs::read(path)?)?);
    }
    let mut config = Config::new(Instance::parse(&env::var("PLEXTRAC_URL")?)?);
    let (username, password) = (env::var("PLEXTRAC_USERNAME")?, env::var("PLEXTRAC_PASSWORD")?);
    config.credentials = Some(Credentials::new(&username, &password)?);
    if let Ok(secret) = env::var("PLEXTRAC_TOTP_SECRET") {
        config.mfa = MfaSource::Totp(TotpSecret::parse(&secret)?);
    }
    let engine = Engine::new(http, Budget::default(), SystemClock)?;
    Ok(Account::new(&engine, config)?)
}
