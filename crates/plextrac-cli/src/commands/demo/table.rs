//! What the server saw, as a table: a row for each kind of request, a column for each outcome.

use std::collections::BTreeSet;

use plextrac_emulator::{Kind, Outcome, Stats};

/// The table, without what did not occur.
pub(super) fn of(stats: &Stats) -> String {
    let outcomes: BTreeSet<Outcome> =
        stats.requests.values().flat_map(|outcomes| outcomes.keys().copied()).collect();
    let mut lines = vec![
        outcomes
            .iter()
            .fold(format!("   {:16}", ""), |line, &column| line + &format!("  {}", outcome(column))),
    ];
    for &row in stats.requests.keys() {
        lines.push(outcomes.iter().fold(format!("   {:16}", kind(row)), |line, &column| {
            let width = outcome(column).len() + 2;
            line + &format!("{:>width$}", stats.count(row, column))
        }));
    }
    lines.join("\n")
}

pub(super) fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::SignIn => "sign-in",
        Kind::Mfa => "code",
        Kind::Refresh => "refresh",
        Kind::Whoami => "GET whoami",
        Kind::Echo => "POST echo",
        Kind::Uploads => "GET uploads",
        Kind::Health => "health",
        _ => "other",
    }
}

pub(super) fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Ok => "accepted",
        Outcome::Challenge => "code asked for",
        Outcome::Rejected => "rejected",
        Outcome::RateLimited => "over the limit",
        Outcome::Unauthorized => "unauthorized",
        Outcome::Forbidden => "forbidden",
        Outcome::BadRequest => "not understood",
        Outcome::NotFound => "not found",
        Outcome::Faulted => "spoilt",
        Outcome::Locked => "account locked",
        _ => "other",
    }
}
