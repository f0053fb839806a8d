//! Where the demo plays: the instance, its clock, and what is told of both sides.

use std::sync::Arc;
use std::time::Duration;

use plextrac_emulator::{Account, Emulator, Kind, Outcome, Stats};
use plextrac_transport::{Clock, Session, SessionConfig, Time};

use super::table;
use crate::exit::Failure;
use crate::output;
use crate::paint::Paint;

/// One step of TOTP (RFC 6238).
const TOTP_STEP_MS: u64 = 30_000;

/// The client's monotonic clock starts so far from zero that "a minute ago" is a moment.
const START_MS: u64 = 3_600_000;

pub(super) struct Stage {
    emulator: Emulator,
    /// One for all sessions: those on another clock have another budget.
    clock: Arc<dyn Clock>,
    paint: Paint,
    steps: u32,
    /// What the server had seen when it was last told.
    told: Stats,
}

/// What a demo says that cannot go on.
pub(super) fn wrong(what: &str) -> Failure {
    Failure::other(format!("the demo went wrong: {what}; please report it with the output above"))
}

impl Stage {
    pub(super) fn set() -> Result<Self, Failure> {
        let emulator = Emulator::builder()
            .frozen_clock()
            .start()
            .map_err(|error| Failure::other(format!("the demo's instance could not start: {error}")))?;
        let hands = emulator.clock();
        let clock: Arc<dyn Clock> =
            Arc::new(move || Time::from_millis(hands.monotonic_ms() + START_MS, hands.true_unix_ms()));
        Ok(Self { told: emulator.stats(), emulator, clock, paint: Paint::for_stdout(), steps: 0 })
    }

    /// A program's session for `account`, whose settings `adjust` may add to.
    pub(super) fn session(
        &self,
        account: &Account,
        adjust: impl FnOnce(&mut SessionConfig),
    ) -> Result<Session, Failure> {
        let mut config = SessionConfig::new(&self.emulator.tls_url())?;
        config
            .password(&account.username, &account.password)?
            .ca_pem(self.emulator.ca_pem().as_bytes())?
            .proxy("")?
            .clock(Arc::clone(&self.clock));
        if let Some(secret) = &account.totp_secret {
            config.totp_secret(secret)?;
        }
        adjust(&mut config);
        Ok(Session::new(&config)?)
    }

    /// Moves the clock of both sides. Returns by how much.
    pub(super) fn advance(&self, by: Duration) -> Duration {
        self.emulator.clock().advance(by);
        by
    }

    /// Moves the clock to where a code has just changed: a session waits if a code is about to expire, and this
    /// clock stands still. Returns by how much.
    pub(super) fn to_a_new_totp_step(&self) -> Duration {
        let now = u64::try_from(self.emulator.clock().true_unix_ms()).unwrap_or_default();
        self.advance(Duration::from_millis(TOTP_STEP_MS - now % TOTP_STEP_MS))
    }

    pub(super) fn connections(&self) -> u64 {
        self.emulator.stats().connections.tls
    }

    pub(super) fn introduce(&self) -> Result<(), Failure> {
        output::line(&format!(
            "A PlexTrac stand-in runs at {}, and programs sign in to it over TLS.\n\
             Nothing is sent to other machines. The demonstration moves the clock of both sides, so it does not wait.",
            self.emulator.tls_url()
        ))
    }

    pub(super) fn step(&mut self, title: &str) -> Result<(), Failure> {
        self.steps += 1;
        let heading = format!("{}. {title}", self.steps);
        output::line(&format!("\n{}", self.paint.bold(&heading)))
    }

    pub(super) fn program(&self, text: &str) -> Result<(), Failure> {
        output::line(&format!("   {} {text}", self.paint.dim("program")))
    }

    /// Tells what the server saw since it was last told, and compares it with what it should have seen.
    pub(super) fn server_saw(&mut self, expected: &[(Kind, Outcome, u64)]) -> Result<(), Failure> {
        let stats = self.emulator.stats();
        let seen = difference(&stats, &self.told);
        self.told = stats;
        let texts: Vec<String> = seen
            .iter()
            .map(|&(kind, outcome, count)| {
                format!("{count} {}: {}", table::kind(kind), table::outcome(outcome))
            })
            .collect();
        let is_right = seen == expected;
        let mark = if is_right { self.paint.green("server ") } else { self.paint.red("server ") };
        output::line(&format!("   {mark} saw {}", texts.join("; ")))?;
        if is_right {
            Ok(())
        } else {
            Err(wrong(&format!("step {} should have shown the server something else", self.steps)))
        }
    }

    /// The table, and the one sentence that matters.
    pub(super) fn conclude(&self) -> Result<(), Failure> {
        let stats = self.emulator.stats();
        output::line(&format!("\n{}\n{}", self.paint.bold("What the server saw"), table::of(&stats)))?;
        output::line(&format!(
            "\n{} authentication requests, {} at most in any minute where the instance allows 10.",
            stats.authentication_requests(),
            stats.busiest_minute
        ))
    }
}

fn difference(now: &Stats, before: &Stats) -> Vec<(Kind, Outcome, u64)> {
    let counts = now.requests.iter().flat_map(|(&kind, outcomes)| {
        outcomes.iter().map(move |(&outcome, &count)| (kind, outcome, count - before.count(kind, outcome)))
    });
    counts.filter(|&(.., count)| count > 0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_demo_that_told_something_else_than_the_server_saw_fails() {
        let mut stage = Stage::set().unwrap();
        let service = stage.session(&Account::service(), |_| {}).unwrap();
        assert!(stage.server_saw(&[(Kind::SignIn, Outcome::Ok, 1)]).is_err(), "nothing was seen yet");
        service.login().unwrap();
        assert!(stage.server_saw(&[(Kind::SignIn, Outcome::Ok, 1)]).is_ok());
        service.refresh().unwrap();
        assert!(stage.server_saw(&[]).is_err(), "more was seen");
    }
}
