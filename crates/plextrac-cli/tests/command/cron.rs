//! A day of cron: an account with MFA, whose code is typed once, at 1/30 of the scale. A token lives 30 s instead of
//! 15 minutes, so a run every 30 s stands for one every 15 minutes.

use std::time::{Duration, Instant};

use plextrac_emulator::{Account, Emulator, Kind};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::stand::{Stand, run};

/// So much shorter everything is.
const SCALE: u32 = 30;

/// Runs a command every few minutes for so long, and counts how often it would have asked for a code.
fn runs(stand: &Stand, every_minutes: u32, for_minutes: u32) -> (u32, u32) {
    let began = Instant::now();
    let every = Duration::from_secs(60) * every_minutes / SCALE;
    let (mut asked, mut count) = (0, 0);
    while count * every_minutes < for_minutes {
        std::thread::sleep((every * count).saturating_sub(began.elapsed()));
        let mut command = stand.somewhere(&["token"]);
        let account = Account::analyst();
        command.env("PLEXTRAC_USERNAME", &account.username).env("PLEXTRAC_PASSWORD", &account.password);
        // Without a terminal and a code, the command exits with 3 where it would ask.
        match run(&mut command).code {
            0 => {}
            3 => asked += 1,
            other => panic!("run {count} exits with {other}"),
        }
        count += 1;
    }
    (asked, count)
}

/// The person types the code once, and a process is left that keeps the session.
fn day_with_a_keeper(every_minutes: u32, for_minutes: u32) {
    let stand = Stand::with(Emulator::builder().token_life(Duration::from_secs(15 * 60) / SCALE));
    let duration = Duration::from_secs(60) * (for_minutes + 15) / SCALE;
    let ran = run(&mut stand.analyst(&["login", "--keep", &format!("{}s", duration.as_secs())]));
    ran.fine();
    let (asked, count) = runs(&stand, every_minutes, for_minutes);
    assert_eq!(asked, 0, "of {count} runs, one every {every_minutes} minutes");
    assert_eq!(stand.emulator.stats().of_kind(Kind::Mfa), 1, "the code of the sign-in");
    let status: Value =
        serde_json::from_slice(&run(&mut stand.analyst(&["status", "--json"])).stdout).unwrap();
    let label = status["keeper"]["label"].as_str().expect("the keeper runs to the end");
    let process: i32 = label.split(' ').nth(1).unwrap().parse().unwrap();
    kill_process(Pid::from_raw(process).unwrap(), Signal::TERM).unwrap();
}

#[test]
fn runs_of_an_hour_ask_once_with_a_keeper() {
    std::thread::scope(|scope| {
        for every_minutes in [5, 10, 15, 20, 60] {
            scope.spawn(move || day_with_a_keeper(every_minutes, 65));
        }
    });
}

#[test]
fn runs_of_an_hour_ask_each_time_without_a_keeper() {
    let stand = Stand::with(Emulator::builder().token_life(Duration::from_secs(15 * 60) / SCALE));
    run(&mut stand.analyst(&["login"])).fine();
    let (asked, count) = runs(&stand, 20, 60);
    assert_eq!((asked, count), (2, 3), "all but the run that follows the sign-in");
}

/// The whole day, in 18 minutes: `cargo test -p plextrac-cli --test command -- --ignored cron`.
#[test]
#[ignore = "takes 18 minutes"]
fn runs_of_nine_hours_ask_once_with_a_keeper() {
    std::thread::scope(|scope| {
        for every_minutes in [5, 10, 15, 20, 60] {
            scope.spawn(move || day_with_a_keeper(every_minutes, 9 * 60));
        }
    });
}
