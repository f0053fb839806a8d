//! `plextrac-auth demo`: everything happens once, against an instance inside this process, and is told.
//!
//! What the server saw is told from the server's own count, and compared with what should have happened: a demo
//! that is wrong says so and exits with 1.

mod stage;
mod table;

use std::sync::mpsc;
use std::time::Duration;

use plextrac_emulator::{Account, Kind, Outcome};
use plextrac_transport::{ErrorCode, Session, SessionEvent};
use serde_json::json;

use crate::durations::spoken;
use crate::exit::{Exit, Failure};
use stage::{Stage, wrong};

/// How often the wrong password is called for.
const CALLS: u32 = 10;

/// Real time for a refresh that nobody waits for; it takes milliseconds.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

pub(crate) fn run() -> Result<(), Failure> {
    story().map_err(|failure| match failure {
        // What would be the user's to mend elsewhere is the demo's own fault here.
        Failure::Message(exit, what) if exit != Exit::Other => wrong(&what),
        failure => failure,
    })
}

fn story() -> Result<(), Failure> {
    let mut stage = Stage::set()?;
    stage.introduce()?;

    let service = stage.session(&Account::service(), |_| {})?;
    without_mfa(&mut stage, &service)?;

    let (tell, told) = mpsc::channel();
    let analyst = stage.session(&Account::analyst(), |config| {
        config.on_event(move |event| {
            // The channel is open for as long as the demo runs.
            let _ = tell.send(event.clone());
        });
    })?;
    with_mfa(&mut stage, &analyst)?;
    requests(&mut stage, &analyst)?;
    ten_minutes_later(&mut stage, &analyst, &told)?;
    an_hour_later(&mut stage, &analyst)?;
    wrong_password(&mut stage)?;
    used_up(&mut stage, &service)?;
    stage.conclude()
}

fn without_mfa(stage: &mut Stage, service: &Session) -> Result<(), Failure> {
    stage.step("Sign-in without MFA")?;
    service.login()?;
    stage.program(&format!(
        "signs in as {}; the token lives {}",
        Account::service().username,
        spoken(service.expires_in().unwrap_or_default())
    ))?;
    stage.server_saw(&[(Kind::SignIn, Outcome::Ok, 1)])
}

fn with_mfa(stage: &mut Stage, analyst: &Session) -> Result<(), Failure> {
    stage.step("Sign-in with MFA")?;
    stage.to_a_new_totp_step();
    let connections = stage.connections();
    analyst.login()?;
    stage.program(&format!(
        "signs in as {}; the one-time code is computed from the TOTP secret",
        Account::analyst().username
    ))?;
    let opened = stage.connections() - connections;
    if opened != 1 {
        return Err(wrong(&format!("the two steps took {opened} connections")));
    }
    stage.program("sends both steps over one connection")?;
    stage.server_saw(&[(Kind::SignIn, Outcome::Challenge, 1), (Kind::Mfa, Outcome::Ok, 1)])
}

fn requests(stage: &mut Stage, analyst: &Session) -> Result<(), Failure> {
    stage.step("An authorized GET and a JSON POST")?;
    let whoami = analyst.get("/api/v2/whoami")?;
    let name: serde_json::Value = whoami.json()?;
    stage.program(&format!("GET /api/v2/whoami: HTTP {}, username {}", whoami.status(), name["username"]))?;
    let sent = json!({ "name": "ACME", "tags": ["internal"] });
    let echo = analyst.post_json("/api/v1/echo", &sent)?;
    if echo.body() != sent.to_string().as_bytes() {
        return Err(wrong("the echo differs from what was sent"));
    }
    stage.program(&format!("POST /api/v1/echo {sent}: HTTP {}, the same came back", echo.status()))?;
    stage.server_saw(&[(Kind::Whoami, Outcome::Ok, 1), (Kind::Echo, Outcome::Ok, 1)])
}

fn ten_minutes_later(
    stage: &mut Stage,
    analyst: &Session,
    told: &mpsc::Receiver<SessionEvent>,
) -> Result<(), Failure> {
    // The moment is drawn anew for each token, so that programs started together do not refresh together.
    let wait = analyst.status().refresh_in.ok_or_else(|| wrong("there is no token"))?;
    stage.advance(wait);
    stage.step(&format!("{} later: a refresh, which needs no code", spoken(wait)))?;
    let before = analyst.authorization()?;
    let answer = analyst.get("/api/v2/whoami")?;
    stage.program(&format!(
        "GET /api/v2/whoami: HTTP {}, at once, with the token that still lives",
        answer.status()
    ))?;
    let is_refreshed = |event: &SessionEvent| matches!(event, SessionEvent::Refreshed);
    while !is_refreshed(&told.recv_timeout(LONGEST_WAIT).map_err(|_| wrong("no refresh came"))?) {}
    if analyst.authorization()?.matches(before.expose()) {
        return Err(wrong("the token is the same after the refresh"));
    }
    stage.program("has a new token meanwhile, without a password and without a code")?;
    stage.server_saw(&[(Kind::Refresh, Outcome::Ok, 1), (Kind::Whoami, Outcome::Ok, 1)])
}

fn an_hour_later(stage: &mut Stage, analyst: &Session) -> Result<(), Failure> {
    let passed = stage.advance(Duration::from_secs(3600)) + stage.to_a_new_totp_step();
    stage.step(&format!("{} later: the token has ended, and a new sign-in follows", spoken(passed)))?;
    let answer = analyst.get("/api/v2/whoami")?;
    stage.program(&format!(
        "GET /api/v2/whoami: signs in first, then HTTP {}; the ended token is not tried",
        answer.status()
    ))?;
    stage.server_saw(&[
        (Kind::SignIn, Outcome::Challenge, 1),
        (Kind::Mfa, Outcome::Ok, 1),
        (Kind::Whoami, Outcome::Ok, 1),
    ])
}

fn wrong_password(stage: &mut Stage) -> Result<(), Failure> {
    stage.step("A wrong password is sent once, and not again")?;
    let mistaken = Account::new(Account::service().username, "mistyped");
    let session = stage.session(&mistaken, |_| {})?;
    for call in 1..=CALLS {
        match session.login() {
            Err(error) if error.code() == ErrorCode::Rejected => {}
            _ => return Err(wrong(&format!("call {call} was not rejected"))),
        }
    }
    stage.program(&format!("calls {CALLS} times; each call returns that the sign-in was rejected"))?;
    stage.program("keeps the account from being locked: the password is not sent again until it changes")?;
    stage.server_saw(&[(Kind::SignIn, Outcome::Rejected, 1)])
}

fn used_up(stage: &mut Stage, service: &Session) -> Result<(), Failure> {
    stage.advance(Duration::from_secs(120));
    stage.step("The budget is used up: the attempt is not sent")?;
    let budget = service.status().budget_per_minute;
    let mut sent = 0;
    let wait = loop {
        service.logout()?;
        match service.login() {
            Ok(()) if sent < budget => sent += 1,
            Err(error) if error.code() == ErrorCode::MustWait => break error.retry_after(),
            Err(error) => return Err(error.into()),
            Ok(()) => return Err(wrong("more was sent than the budget allows")),
        }
        stage.advance(Duration::from_secs(2));
    };
    let wait = wait.ok_or_else(|| wrong("the error does not say how long to wait"))?;
    stage.program(&format!(
        "signs in anew every 2 s, as scripts do: {sent} times, which is the budget of a minute"
    ))?;
    stage.program(&format!(
        "sends no attempt number {}, and says at once: wait {} s",
        sent + 1,
        wait.as_millis().div_ceil(1000)
    ))?;
    stage.server_saw(&[(Kind::SignIn, Outcome::Ok, u64::from(budget))])?;
    stage.advance(wait);
    service.login()?;
    stage.program("signs in when that time is over")?;
    stage.server_saw(&[(Kind::SignIn, Outcome::Ok, 1)])
}
