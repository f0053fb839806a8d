//! Signs in, with MFA if the account has it, sends a GET and a JSON POST, and stays signed in on the way.
//!
//! ```sh
//! export PLEXTRAC_URL=https://acme.plextrac.com
//! export PLEXTRAC_USERNAME=someone@acme.example PLEXTRAC_PASSWORD='…' PLEXTRAC_TOTP_SECRET='…'
//! cargo run --example quickstart
//! ```
//!
//! Without an instance at hand, `plextrac-auth emulator` runs one: its first line says which URL, CA file
//! (`PLEXTRAC_CA_FILE`) and accounts to use.
#![allow(clippy::print_stdout, reason = "an example shows what it got")]

use std::env;
use std::error::Error;

use plextrac_transport::{Session, SessionConfig};
use serde_json::{Value, json};

fn main() -> Result<(), Box<dyn Error>> {
    let mut config = SessionConfig::new(&env::var("PLEXTRAC_URL")?)?;
    config.password(&env::var("PLEXTRAC_USERNAME")?, &env::var("PLEXTRAC_PASSWORD")?)?;
    if let Ok(secret) = env::var("PLEXTRAC_TOTP_SECRET") {
        config.totp_secret(&secret)?;
    }
    if let Ok(path) = env::var("PLEXTRAC_CA_FILE") {
        config.ca_file(path)?;
    }

    // Nothing is sent yet. The first request signs in; later ones refresh the token when its time has come.
    let session = Session::new(&config)?;

    let whoami = session.get("/api/v2/whoami")?;
    let user: Value = whoami.json()?;
    println!("GET  /api/v2/whoami: HTTP {}, {}", whoami.status(), user["username"]);

    // The emulator's echo; on a real instance, take a path of its API.
    let answer = session.post_json("/api/v1/echo", &json!({ "name": "ACME", "tags": ["internal"] }))?;
    println!("POST /api/v1/echo: HTTP {}, {}", answer.status(), String::from_utf8_lossy(answer.body()));
    Ok(())
}
