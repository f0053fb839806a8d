//! `plextrac-auth status`: what is known of the session, without anything being sent.

use std::time::Duration;

use plextrac_transport::{ClaimedWork, Keeper, SessionState, Status};
use serde_json::{Map, Value, json};

use crate::account::{self, Purpose};
use crate::args::StatusArgs;
use crate::durations::spoken;
use crate::exit::{Exit, Failure};
use crate::output;
use crate::settings::Settings;

pub(crate) fn run(args: &StatusArgs) -> Result<(), Failure> {
    let mut accounts = Vec::new();
    if args.all {
        for settings in Settings::of_all_profiles(&args.account)? {
            accounts.push(account::open_settings(settings, Purpose::Look, |_| Ok(()))?);
        }
    } else {
        accounts.push(account::open(&args.account, Purpose::Look)?);
    }
    let statuses: Vec<_> = accounts.iter().map(|account| (account.status(), account.settings())).collect();
    output::line(&if args.json {
        let mut objects: Vec<Value> =
            statuses.iter().map(|(status, settings)| as_json(status, settings)).collect();
        if args.all { Value::from(objects) } else { objects.remove(0) }.to_string()
    } else {
        let texts: Vec<String> =
            statuses.iter().map(|(status, settings)| as_text(status, settings)).collect();
        texts.join("\n\n")
    })?;
    let is_signed_in = |(status, _): &(Status, &Settings)| status.expires_in.is_some();
    if statuses.iter().all(is_signed_in) { Ok(()) } else { Err(Failure::Shown(Exit::SignedOut)) }
}

/// What `login --json` prints as well.
pub(crate) fn as_json(status: &Status, settings: &Settings) -> Value {
    let sources: Map<String, Value> = settings
        .sources()
        .into_iter()
        .map(|(name, source)| (name.to_owned(), source.name().into()))
        .collect();
    json!({
        "profile": settings.profile,
        "sources": sources,
        "state": name(status.state),
        "instance": status.instance,
        "username": status.username,
        "tenant_id": status.tenant_id,
        "expires_in_ms": status.expires_in.map(milliseconds),
        "refresh_in_ms": status.refresh_in.map(milliseconds),
        "budget_used": status.budget_used,
        "budget_per_minute": status.budget_per_minute,
        "instance_wait_ms": status.instance_wait.map(milliseconds),
        "locked_out": status.locked_out,
        "rejections_known": status.rejections_known,
        "server_ahead_ms": status.server_ahead_ms,
        "store": status.store,
        "claim": status.claim.as_ref().map(|claim| {
            json!({
                "owner": claim.owner.to_string(),
                "work": work(claim.work).0,
                "renewed_ms_ago": claim.renewed_ago.map(milliseconds),
            })
        }),
        "keeper": status.keeper.as_ref().map(|keeper| {
            json!({ "label": keeper.label, "ends_in_ms": milliseconds(keeper.ends_in) })
        }),
    })
}

fn as_text(status: &Status, settings: &Settings) -> String {
    let tenant = status.tenant_id.map_or(String::new(), |tenant| format!(" (tenant {tenant})"));
    let mut lines = vec![
        format!("instance  {}", status.instance),
        format!("account   {}{tenant}", status.username.as_deref().unwrap_or("unknown: an imported token")),
        format!("state     {}", name(status.state).replace('_', " ")),
    ];
    if let Some(profile) = &settings.profile {
        lines.insert(0, format!("profile   {}", output::one_line(profile)));
    }
    if let Some(life) = status.expires_in {
        let refresh = match status.refresh_in {
            Some(left) if !left.is_zero() => format!("refreshed at the first use in {}", spoken(left)),
            _ => "refreshed at the next use".to_owned(),
        };
        lines.push(format!("token     lives {} more; {refresh}", spoken(life)));
    }
    if let Some(keeper) = &status.keeper {
        lines.push(format!("keeper    {}", kept(keeper)));
    }
    if let Some(claim) = &status.claim {
        let ago = claim.renewed_ago.map_or(String::new(), |ago| format!(", renewed {} ago", spoken(ago)));
        let owner = claim.owner.to_string();
        lines.push(format!("claim     process {} {}{ago}", &owner[..8], work(claim.work).1));
    }
    lines.push(match &status.store {
        Some(store) => format!("shared    in {}", output::one_line(store)),
        None => "shared    with no other run".to_owned(),
    });
    lines.push(format!(
        "budget    {} of {} authentication requests used in the last minute",
        status.budget_used, status.budget_per_minute
    ));
    if let Some(wait) = status.instance_wait {
        lines.push(format!("limit     the instance asked everybody to wait {} more", spoken(wait)));
    }
    if status.locked_out {
        lines.push(
            "lockout   these credentials were rejected and are not sent again; `login --again` allows it"
                .into(),
        );
    }
    if status.rejections_known && !status.locked_out {
        lines.push(
            "lockout   credentials of this account were rejected; with the password set, status says whether these were"
                .into(),
        );
    }
    if let Some(ahead) = status.server_ahead_ms {
        lines.push(format!("clock     the server's is {ahead} ms ahead of this machine's"));
    }
    let sources: Vec<String> =
        settings.sources().iter().map(|(name, source)| format!("{name} ({})", source.name())).collect();
    lines.push(format!("settings  {}", sources.join(", ")));
    lines.join("\n")
}

/// What a process does for the account, for programs and for people.
fn work(work: ClaimedWork) -> (&'static str, &'static str) {
    match work {
        ClaimedWork::Refresh => ("refresh", "refreshes the token"),
        ClaimedWork::SignIn => ("sign_in", "signs in"),
        ClaimedWork::Asking => ("asking", "asks a person for the one-time code"),
        _ => ("unknown", "works for the account"),
    }
}

/// Until when the session is kept alive, and by which process.
pub(crate) fn kept(keeper: &Keeper) -> String {
    format!("kept alive for {} more by {}", spoken(keeper.ends_in), output::one_line(&keeper.label))
}

/// The names are part of the JSON that scripts read.
fn name(state: SessionState) -> &'static str {
    match state {
        SessionState::SignedOut => "signed_out",
        SessionState::SigningIn => "signing_in",
        SessionState::MfaNeeded => "mfa_needed",
        SessionState::Active => "active",
        SessionState::Refreshing => "refreshing",
        SessionState::Waiting => "waiting",
        SessionState::LockedOut => "locked_out",
        SessionState::Closed => "closed",
        _ => "unknown",
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
