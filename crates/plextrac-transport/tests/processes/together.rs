//! Processes that share an account, or an instance.

use std::time::{Duration, Instant};

use plextrac_emulator::{Emulator, Kind, Outcome, Target};

use crate::child::{Process, Settings};
use crate::stage::{LONGEST_WAIT, private_directory};
use crate::tests;

tests! {
    thirty_two_cold_processes_sign_in_once_and_have_one_token
    a_process_that_comes_later_sends_nothing
    an_early_refresh_of_one_is_the_others_token
    a_rejection_is_known_to_the_next_process
    no_two_processes_send_six_digits_of_one_step
    processes_of_two_accounts_stay_under_one_budget
    a_stopped_process_delays_others_until_their_deadline
    signing_out_in_one_is_signing_out_in_all_that_come_later
}

fn emulator() -> Emulator {
    Emulator::builder().limit_per_minute(1_000_000).start().unwrap()
}

fn thirty_two_cold_processes_sign_in_once_and_have_one_token() {
    let delay = Duration::from_millis(500);
    let emulator = Emulator::builder().sign_in_delay(delay).start().unwrap();
    let (alone, crowd) = (private_directory(), private_directory());
    let began = Instant::now();
    Settings::service(&emulator, alone.path()).start().order("login").unwrap();
    let one = began.elapsed();
    emulator.reset();
    let began = Instant::now();
    let mut processes: Vec<Process> =
        (0..32).map(|_| Settings::service(&emulator, crowd.path()).start()).collect();
    processes.iter_mut().for_each(|process| process.tell("login"));
    let tokens: Vec<_> = processes.iter().map(|process| process.reply().unwrap().token.unwrap()).collect();
    println!("32 cold processes took {:?}, one alone {one:?}", began.elapsed());
    assert!(tokens.iter().all(|token| *token == tokens[0]));
    assert_eq!(emulator.stats().authentication_requests(), 1);
}

fn a_process_that_comes_later_sends_nothing() {
    let (emulator, directory) = (emulator(), private_directory());
    let settings = Settings::analyst(&emulator, directory.path());
    let first = settings.start().order("login").unwrap();
    let second = settings.start().order("login").unwrap();
    assert_eq!(first.token, second.token);
    assert!(second.events.iter().any(|event| event.contains("another session")), "{:?}", second.events);
    assert_eq!(second.budget_used, 2, "it knows what the first one sent");
    assert_eq!(emulator.stats().authentication_requests(), 2);
}

fn an_early_refresh_of_one_is_the_others_token() {
    let (emulator, directory) = (emulator(), private_directory());
    let settings = Settings::service(&emulator, directory.path());
    let (mut one, mut other) = (settings.start(), settings.start());
    let old = one.order("login").unwrap().token;
    assert_eq!(other.order("login").unwrap().token, old);
    emulator.clock().advance(Duration::from_secs(893));
    one.order("advance 893");
    other.order("advance 893");
    let new = one.order("login").unwrap().token;
    assert_ne!(new, old);
    assert_eq!(other.order("login").unwrap().token, new);
    let stats = emulator.stats();
    assert_eq!((stats.of_kind(Kind::SignIn), stats.of_kind(Kind::Refresh)), (1, 1));
}

fn a_rejection_is_known_to_the_next_process() {
    let (emulator, directory) = (emulator(), private_directory());
    let wrong = Settings::service(&emulator, directory.path()).with_password("wrong");
    for _ in 0..3 {
        assert_eq!(wrong.start().order("login").error.as_deref(), Some("Rejected"));
    }
    assert_eq!(emulator.stats().authentication_requests(), 1);
    assert_eq!(wrong.start().order("again").error.as_deref(), Some("Rejected"));
    assert_eq!(emulator.stats().authentication_requests(), 2);
    Settings::service(&emulator, directory.path()).start().order("login").unwrap();
    assert_eq!(emulator.stats().count(Kind::SignIn, Outcome::Rejected), 2);
}

fn no_two_processes_send_six_digits_of_one_step() {
    let (emulator, directory) = (emulator(), private_directory());
    let mut settings = Settings::analyst(&emulator, directory.path());
    // Into the middle of a step, by the clocks of everybody.
    let into_step = emulator.clock().true_unix_ms().rem_euclid(30_000).unsigned_abs();
    settings.ahead_ms = 40_000 - into_step;
    emulator.clock().advance(Duration::from_millis(settings.ahead_ms));
    settings.timeout_ms = 2_000;
    settings.start().order("login").unwrap();
    settings.start().order("logout").unwrap();
    let mut second = settings.start();
    assert_eq!(second.order("login").error.as_deref(), Some("MustWait"), "the step is spent");
    emulator.clock().advance(Duration::from_secs(30));
    second.order("advance 30");
    second.order("login").unwrap();
    let stats = emulator.stats();
    assert_eq!((stats.of_kind(Kind::Mfa), stats.count(Kind::Mfa, Outcome::Ok)), (2, 2));
}

fn processes_of_two_accounts_stay_under_one_budget() {
    let (emulator, directory) = (emulator(), private_directory());
    let mut service = Settings::service(&emulator, directory.path());
    let mut analyst = Settings::analyst(&emulator, directory.path());
    (service.budget, analyst.budget) = (4, 4);
    let mut first = service.start();
    first.order("login").unwrap();
    analyst.start().order("login").unwrap();
    first.order("refresh").unwrap();
    for settings in [&service, &analyst] {
        let mut process = settings.start();
        process.order("login").unwrap();
        let reply = process.order("refresh");
        assert_eq!((reply.error.as_deref(), reply.budget_used), (Some("MustWait"), 4));
    }
    assert_eq!(emulator.stats().authentication_requests(), 4);
    first.order("advance 62");
    first.order("refresh").unwrap();
}

fn a_stopped_process_delays_others_until_their_deadline() {
    let (emulator, directory) = (emulator(), private_directory());
    let mut settings = Settings::service(&emulator, directory.path());
    let mut stopped = settings.start();
    settings.timeout_ms = 300;
    let mut other = settings.start();
    let held = emulator.hold(Target::SignIn);
    stopped.tell("login");
    assert!(emulator.wait_for(LONGEST_WAIT, |seen| seen.len() == 1));
    stopped.stop();
    held.release();
    for order in ["login", "again"] {
        assert_eq!(other.order(order).error.as_deref(), Some("Timeout"), "{order}");
    }
    stopped.go_on();
    let token = stopped.reply().unwrap().token;
    assert_eq!(other.order("login").unwrap().token, token, "and then they share what it got");
    assert_eq!(emulator.stats().authentication_requests(), 1);
}

fn signing_out_in_one_is_signing_out_in_all_that_come_later() {
    let (emulator, directory) = (emulator(), private_directory());
    let settings = Settings::service(&emulator, directory.path());
    settings.start().order("login").unwrap();
    // While another is in the middle of a refresh, too.
    let held = emulator.hold(Target::Refresh);
    let mut refreshing = settings.start();
    refreshing.order("login").unwrap();
    refreshing.tell("refresh");
    assert!(emulator.wait_for(LONGEST_WAIT, |seen| seen.iter().any(|request| request.kind == Kind::Refresh)));
    let mut leaving = settings.start();
    leaving.order("logout").unwrap();
    held.release();
    // Its token is older than the sign-out.
    drop(refreshing.reply());
    settings.start().order("login").unwrap();
    assert_eq!(emulator.stats().of_kind(Kind::SignIn), 2);
}
