//! `plextrac-auth doctor`: what stands between here and a sign-in, found without signing in.
//!
//! Each finding is a line; those that come after one that failed are made all the same where they can be.
//! `--report` signs in, if the user allows it.

mod findings;
mod fleet_store;
mod report;

use std::time::Duration;

use plextrac_transport::{ClaimOwner, DirectoryStore, Probe, RecordStore, SessionConfig, probe, random_seed};
use serde_json::Value;

use crate::account::{self, Purpose};
use crate::args::DoctorArgs;
use crate::commands::status::kept;
use crate::durations::spoken;
use crate::exit::{Exit, Failure};
use crate::settings::{Code, Password, Settings};
use crate::state_dir::{self, State};

use findings::Findings;

/// TOTP forgives one step (RFC 6238 §5.2), and the session corrects for the rest.
const HARMLESS_SKEW: Duration = Duration::from_secs(30);

pub(crate) fn run(args: &DoctorArgs) -> Result<(), Failure> {
    let report = args.report.as_deref().map(|path| report::Target::open(path, args)).transpose()?;
    let mut findings = Findings::new(args.json);
    match Settings::collect(&args.account, Purpose::Look) {
        Ok(settings) => look(&mut findings, settings)?,
        Err(failure) => findings.bad("settings", failure)?,
    }
    let outcome = findings.end();
    match report {
        Some(target) => report::write(target, args).and(outcome),
        None => outcome,
    }
}

fn look(findings: &mut Findings, settings: Settings) -> Result<(), Failure> {
    match &settings.profile {
        Some(name) => findings.good("profile", name)?,
        None => findings.unknown("profile", "none is used")?,
    }
    match account::way_to(&settings) {
        Ok(config) => {
            findings.good("settings", config.base_url())?;
            look_at_instance(findings, &config)?;
        }
        Err(failure) => findings.bad("settings", failure)?,
    }
    look_at_credentials(findings, &settings)?;
    look_at_session(findings, settings)
}

fn look_at_instance(findings: &mut Findings, config: &SessionConfig) -> Result<(), Failure> {
    let api = match probe(config, "/api/v1/") {
        Ok(api) => api,
        Err(error) => return findings.bad("instance", error.into()),
    };
    if is_the_api(&api) {
        findings.good("instance", &format!("answers in {} ms", api.took.as_millis()))?;
    } else {
        let told = format!(
            "HTTP {} and not the words of PlexTrac's API: a gateway, a proxy or a page for people stands in front, \
             or the path is another; open the URL in a browser, and see --headers-file",
            api.response.status()
        );
        findings.bad("instance", Failure::Message(Exit::Unexpected, told))?;
    }
    look_at_clock(findings, &api)?;
    match probe(config, "/api/v2/health/full").map(|health| health.response.json::<Value>()) {
        Ok(Ok(health)) if health["data"]["inMaintenanceMode"] == true => {
            let told = "the instance is in maintenance mode; try again later";
            findings.bad("health", Failure::Message(Exit::Unexpected, told.to_owned()))
        }
        Ok(Ok(_)) => findings.good("health", "not in maintenance mode"),
        Ok(Err(_)) => findings.unknown("health", "the instance does not say"),
        Err(error) => findings.bad("health", error.into()),
    }
}

/// The documented answer (docs/protocol.md, "Endpoints").
fn is_the_api(api: &Probe) -> bool {
    api.response.is_success() && api.response.json::<Value>().is_ok_and(|answer| answer["text"].is_string())
}

fn look_at_clock(findings: &mut Findings, api: &Probe) -> Result<(), Failure> {
    let Some(ahead) = api.server_ahead_ms else {
        return findings.unknown("clock", "the server does not say what time it is");
    };
    let skew = Duration::from_millis(ahead.unsigned_abs());
    let direction = if ahead < 0 { "behind" } else { "ahead of" };
    // The server tells whole seconds, and the answer was under way for a while.
    let told = match skew.as_secs() {
        0..=1 => "agrees with the server's".to_owned(),
        _ => format!("the server's is {} {direction} this machine's", spoken(skew)),
    };
    if skew <= HARMLESS_SKEW {
        findings.good("clock", &told)
    } else {
        findings.unknown(
            "clock",
            &format!("{told}; this command corrects its one-time codes for it, other programs do not"),
        )
    }
}

fn look_at_credentials(findings: &mut Findings, settings: &Settings) -> Result<(), Failure> {
    let secrets = &settings.secrets;
    let mut set = Vec::new();
    set.extend(settings.username().map(|username| format!("user name {username}")));
    set.extend(secrets.password.as_ref().map(|password| match password {
        Password::Text(_) => "a password".to_owned(),
        Password::Command(_) => "a password command".to_owned(),
    }));
    set.extend(secrets.token.as_ref().map(|_| "an imported token".to_owned()));
    if secrets.token.is_some() || (settings.username.is_some() && secrets.password.is_some()) {
        findings.good("sign-in", &format!("{} (not tried)", set.join(", ")))?;
    } else {
        let set = if set.is_empty() { "nothing".to_owned() } else { set.join(", ") };
        findings
            .unknown("sign-in", &format!("{set} is set: user name and password, or a token, are needed"))?;
    }
    match &secrets.code {
        Some(Code::TotpSecret(secret)) => {
            let checked = SessionConfig::new(&settings.url.value)
                .and_then(|mut config| config.totp_secret(secret).map(|_| ()));
            match checked {
                Ok(()) => findings.good("MFA", "a TOTP secret, well formed"),
                Err(error) => findings.bad("MFA", error.into()),
            }
        }
        Some(Code::Once(_)) => findings.good("MFA", "a one-time code for one run (not tried)"),
        Some(Code::Command(_)) => findings.good("MFA", "a code command (not tried)"),
        None if settings.asks => {
            findings.unknown("MFA", "no TOTP secret; a code is asked for on this terminal if one is needed")
        }
        None => findings.unknown("MFA", "no TOTP secret and no terminal: an account with MFA cannot sign in"),
    }
}

fn look_at_session(findings: &mut Findings, settings: Settings) -> Result<(), Failure> {
    match state_dir::open(&settings) {
        Ok(State::Shared(store)) => look_at_store(findings, &store)?,
        Ok(State::Fleet(store)) => {
            if let Some(set) = &settings.store
                && !fleet_store::look(findings, &store, set)?
            {
                return Ok(());
            }
        }
        Ok(State::Off) => findings.unknown("sharing", "none: each run signs in for itself")?,
        Ok(State::Unusable(reason)) => return findings.bad("sharing", state_dir::required(&reason)),
        Err(failure) => return findings.bad("sharing", failure),
    }
    // A finding above says what keeps a session from being made.
    if settings.username.is_none() {
        return Ok(());
    }
    let Ok(session) = account::open_settings(settings, Purpose::Look, |_| Ok(())) else { return Ok(()) };
    let status = session.status();
    if status.locked_out {
        let told = "these credentials were rejected before and are not sent again; `login --again` allows it";
        return findings.bad("session", Failure::Message(Exit::Rejected, told.to_owned()));
    }
    match status.expires_in {
        Some(life) => findings.good("session", &format!("live for {} more", spoken(life)))?,
        None => findings.unknown("session", "none yet")?,
    }
    match &status.keeper {
        Some(keeper) => findings.good("keeper", &kept(keeper)),
        None => {
            findings.unknown("keeper", "none: no process keeps the session alive, as `login --keep 9h` does")
        }
    }
}

/// Writes a file, locks it and removes it, as each run that signs in does.
fn look_at_store(findings: &mut Findings, store: &DirectoryStore) -> Result<(), Failure> {
    let path = store.path().display();
    let seed = random_seed()?;
    let mut name = [0; 16];
    name[..8].copy_from_slice(&seed.draws.to_le_bytes());
    match store.announce(ClaimOwner::new(name)) {
        Ok(presence) if presence.is_known() => {
            findings.good("sharing", &format!("{path} can be written and locked"))
        }
        Ok(_) => findings.unknown(
            "sharing",
            &format!("no file in {path} can be written and locked: look for a full or read-only disk"),
        ),
        Err(error) => findings.bad("sharing", Failure::other(error.message)),
    }
}
