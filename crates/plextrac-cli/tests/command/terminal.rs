//! Questions, on a terminal of the test's own.

use std::os::unix::process::ExitStatusExt;
use std::process::Command;

use plextrac_emulator::{Account, Kind};

use crate::pty::{Terminal, modes};
use crate::stand::{Stand, run};

const SIGTERM: i32 = 15;

/// A run that has to ask for the code.
fn without_totp(stand: &Stand, args: &[&str]) -> Command {
    let mut command = stand.analyst(args);
    command.env_remove("PLEXTRAC_TOTP_SECRET");
    command
}

#[test]
fn what_is_not_set_is_asked_for_and_secrets_are_not_echoed() {
    let stand = Stand::new();
    let account = Account::analyst();
    let mut command = stand.somewhere(&["request", "GET", "/api/v2/whoami"]);
    command.env_remove("PLEXTRAC_URL");
    let mut terminal = Terminal::run(&command);
    terminal.await_text("URL of the instance: ");
    terminal.type_visible(&stand.emulator.tls_url());
    terminal.await_text("User name: ");
    terminal.type_visible(&account.username);
    terminal.await_text("Password of analyst@example.com: ");
    terminal.type_hidden(&account.password);
    terminal.await_text("One-time code for analyst@example.com at https://127.0.0.1:");
    terminal.type_hidden("12345");
    terminal.await_text("A code has six digits");
    let digits = stand.emulator.digits(&account.username).unwrap();
    terminal.type_hidden(&digits);
    let (screen, code) = terminal.end();
    assert_eq!(code, 0, "{screen}");
    assert!(screen.contains(r#""username":"analyst@example.com""#), "{screen}");
    assert!(!screen.contains(&account.password) && !screen.contains(&digits), "{screen}");
    assert_eq!(stand.emulator.stats().of_kind(Kind::SignIn), 1);
    assert_eq!(stand.emulator.stats().of_kind(Kind::Mfa), 1);
}

#[test]
fn a_person_who_gives_no_code_ends_it_with_3() {
    let stand = Stand::new();
    let mut command = stand.analyst(&["token"]);
    command.env_remove("PLEXTRAC_TOTP_SECRET");
    let mut terminal = Terminal::run(&command);
    terminal.await_text("One-time code for ");
    terminal.type_hidden("");
    let (screen, code) = terminal.end();
    assert_eq!(code, 3, "{screen}");
}

#[test]
fn a_refused_code_is_named_where_the_budget_has_no_room() {
    let stand = Stand::new();
    for _ in 0..4 {
        run(&mut stand.service(&["login", "--again"])).fine();
    }
    let mut terminal = Terminal::run(&without_totp(&stand, &["token"]));
    terminal.await_text("One-time code for ");
    let right = stand.emulator.digits(&Account::analyst().username).unwrap();
    terminal.type_hidden(if right == "000000" { "000001" } else { "000000" });
    let (screen, code) = terminal.end();
    assert_eq!(code, 4, "{screen}");
    assert!(screen.contains("the server refused the one-time code"), "{screen}");
    assert!(screen.contains("--wait "), "the next attempt: {screen}");
    assert_eq!(stand.authentication_requests(), 6);
}

/// The keys that interrupt, quit and, as a character of what is typed, suspend.
const CTRL_C: &str = "\x03";
const CTRL_BACKSLASH: &str = "\x1c";
const CTRL_Z: &str = "\x1a";

#[test]
fn ctrl_c_at_the_password_restores_the_terminal() {
    let stand = Stand::new();
    for keys in [CTRL_C, "half a pass\x03", CTRL_BACKSLASH] {
        let mut command = stand.service(&["token"]);
        command.env_remove("PLEXTRAC_PASSWORD");
        let mut terminal = Terminal::run(&command);
        let before = terminal.modes.clone();
        terminal.await_text("Password of service@example.com: ");
        terminal.press_hidden(keys);
        let (screen, code, after) = terminal.end_with_modes();
        assert_eq!((code, screen.as_str()), (130, "Password of service@example.com: \r\n"), "{keys:?}");
        assert_eq!(after, before, "{keys:?}");
        assert!(before.contains("ECHO") && before.contains("ISIG"), "control: {before}");
    }
    assert_eq!(stand.requests(), 0);
}

#[test]
fn a_signal_at_the_password_restores_the_terminal() {
    let stand = Stand::new();
    let mut command = stand.service(&["token"]);
    command.env_remove("PLEXTRAC_PASSWORD");
    let mut terminal = Terminal::run(&command);
    terminal.await_text("Password of service@example.com: ");
    assert!(!terminal.echoes(), "control: the question comes when the echo is off");
    assert_eq!(terminal.end_by_sigterm().signal(), Some(SIGTERM));
    assert_eq!(modes(&terminal.hands), terminal.modes);
}

#[test]
fn ctrl_c_at_the_code_ends_it_and_other_runs_do_not_wait() {
    let stand = Stand::new();
    let analyst = |args: &[&str]| without_totp(&stand, args);
    let mut terminal = Terminal::run(&analyst(&["token"]));
    let before = terminal.modes.clone();
    terminal.await_text("One-time code for ");
    // While somebody is asked, others wait: what makes the rest of the test a test.
    assert_eq!(run(&mut analyst(&["token", "--no-prompt"])).code, 5);
    terminal.press_hidden("12\x03");
    let (screen, code, after) = terminal.end_with_modes();
    assert_eq!((code, screen.lines().count()), (130, 1), "{screen}");
    assert_eq!(after, before);
    let status = run(&mut analyst(&["status", "--json"]));
    assert!(status.signed_out().contains(r#""state":"signed_out""#), "{status:?}");
    assert_eq!(run(&mut analyst(&["token", "--no-prompt"])).code, 3);
}

#[test]
fn a_signal_at_the_code_keeps_no_other_run_waiting() {
    let stand = Stand::new();
    let analyst = |args: &[&str]| without_totp(&stand, args);
    let mut terminal = Terminal::run(&analyst(&["token"]));
    terminal.await_text("One-time code for ");
    assert_eq!(terminal.end_by_sigterm().signal(), Some(SIGTERM));
    assert_eq!(run(&mut analyst(&["token", "--no-prompt"])).code, 3, "the next run asks anew");
}

#[test]
fn what_was_ignored_before_a_prompt_is_ignored_after_it() {
    let stand = Stand::new();
    let mut command = stand.service(&["exec", "--", "grep", "SigIgn", "/proc/self/status"]);
    command.env_remove("PLEXTRAC_PASSWORD");
    let mut terminal = Terminal::run_by(&["sh", "-c", r#"trap '' HUP; exec "$@""#, "sh"], &command);
    terminal.await_text("Password of service@example.com: ");
    terminal.type_hidden("service-password");
    let (screen, code) = terminal.end();
    assert_eq!(code, 0, "{screen}");
    let mask = screen.split("SigIgn:").nth(1).unwrap().split_whitespace().next().unwrap();
    let mask = u64::from_str_radix(mask, 16).unwrap();
    assert_eq!(mask & 1, 1, "SIGHUP, as nohup has it: {screen}");
}

#[test]
fn nobody_can_suspend_a_run_while_the_echo_is_off() {
    let stand = Stand::new();
    let mut command = stand.service(&["token"]);
    command.env_remove("PLEXTRAC_PASSWORD");
    let mut terminal = Terminal::run(&command);
    terminal.await_text("Password of ");
    terminal.type_hidden(CTRL_Z);
    let (screen, code) = terminal.end();
    assert_eq!(code, 2, "a character that no password has: {screen}");
}

#[test]
fn nothing_is_asked_with_no_prompt() {
    let stand = Stand::new();
    let mut command = stand.service(&["token", "--no-prompt"]);
    command.env_remove("PLEXTRAC_PASSWORD");
    let (screen, code) = Terminal::run(&command).end();
    assert_eq!(code, 2, "{screen}");
    assert!(screen.contains("the password is not set"), "{screen}");
}

#[test]
fn a_terminal_sees_colour_unless_it_is_refused() {
    let stand = Stand::new();
    let mut command = stand.nobody(&["demo"]);
    let (screen, code) = Terminal::run(&command).end();
    assert_eq!(code, 0);
    assert!(screen.contains("\x1b[1m1. Sign-in without MFA\x1b[0m"), "{screen}");
    for (name, value) in [("NO_COLOR", "1"), ("TERM", "dumb")] {
        let (screen, _) = Terminal::run(command.env(name, value)).end();
        assert!(screen.contains("1. Sign-in without MFA") && !screen.contains('\x1b'), "{name}: {screen}");
        command.env_remove(name);
    }
}

#[test]
fn login_offers_to_save_what_was_typed_and_token_asks_nothing() {
    let stand = Stand::new();
    let account = Account::analyst();
    let login = |answer: &str| {
        let mut command = stand.nobody(&["login"]);
        command.env("PLEXTRAC_CA_FILE", stand.emulator.ca_file()).env("PLEXTRAC_PASSWORD", &account.password);
        let secret = account.totp_secret.as_ref().unwrap();
        let mut terminal = Terminal::run(command.env("PLEXTRAC_TOTP_SECRET", secret));
        terminal.await_text("URL of the instance: ");
        terminal.type_visible(&stand.emulator.tls_url());
        terminal.await_text("User name: ");
        terminal.type_visible(&account.username);
        terminal.await_text("Save URL and user name as profile \"127.0.0.1:");
        terminal.await_text("[Y/n] ");
        terminal.type_visible(answer);
        terminal.end()
    };
    let (screen, code) = login("n");
    assert_eq!(code, 0, "{screen}");
    run(&mut stand.nobody(&["token"])).refused(2);
    let (screen, code) = login("");
    assert!(code == 0 && screen.contains("saved as profile"), "{screen}");
    // On a terminal, too, nothing is asked any more.
    let (screen, code) = Terminal::run(&stand.nobody(&["token"])).end();
    assert!(code == 0 && !screen.contains(": ") && screen.trim().split('.').count() == 3, "{screen}");
    let (screen, code) = Terminal::run(&stand.nobody(&["login"])).end();
    assert!(code == 0 && !screen.contains("[Y/n]"), "{screen}");
}

#[test]
fn login_offers_to_make_the_profile_that_is_named() {
    let stand = Stand::new();
    let named = ["login", "--profile", "acme"];
    assert!(run(&mut stand.service(&named)).refused(2).contains("there is no profile"), "without a terminal");
    let mut terminal = Terminal::run(&stand.service(&named));
    terminal.await_text("Save URL and user name as profile \"acme\"? [Y/n] ");
    terminal.type_visible("y");
    let (screen, code) = terminal.end();
    assert_eq!(code, 0, "{screen}");
    run(&mut stand.nobody(&["token", "--profile", "acme"])).fine();
    let (screen, code) = Terminal::run(&stand.service(&["login", "--profile", "acme", "--no-save"])).end();
    assert!(code == 0 && !screen.contains("[Y/n]"), "{screen}");
}

#[test]
fn a_report_asks_for_consent_and_takes_silence_for_no() {
    let stand = Stand::new();
    let file = stand.path("report.json");
    for (answer, code) in [("", 2), ("n", 2), ("y", 0)] {
        assert!(!file.exists(), "{answer}");
        let mut command = stand.service(&["doctor", "--report"]);
        let mut terminal = Terminal::run(command.arg(&file));
        terminal.await_text("[y/N] ");
        terminal.type_visible(answer);
        let (screen, ended) = terminal.end();
        assert_eq!(ended, code, "{answer}: {screen}");
    }
    assert!(file.exists());
}

#[test]
fn a_usage_error_has_colour_unless_it_is_refused() {
    let stand = Stand::new();
    let mut command = stand.nobody(&["token", "--no-such-flag"]);
    let (screen, code) = Terminal::run(&command).end();
    assert!(code == 2 && screen.contains('\x1b'), "{screen:?}");
    let (screen, code) = Terminal::run(command.env("NO_COLOR", "1")).end();
    assert!(code == 2 && !screen.contains('\x1b'), "{screen:?}");
}

#[test]
fn help_fits_a_narrow_window_and_prompts_work_in_one() {
    let stand = Stand::new();
    let (screen, code) =
        Terminal::run_in(44, &[], stand.nobody(&["login", "--help"]).env("NO_COLOR", "1")).end();
    assert_eq!(code, 0);
    let widest = screen.lines().map(|line| line.trim_end().chars().count()).max().unwrap();
    assert!((30..=44).contains(&widest), "{widest} in\n{screen}");
    let mut command = stand.service(&["token"]);
    let mut terminal = Terminal::run_in(20, &[], command.env_remove("PLEXTRAC_PASSWORD"));
    terminal.await_text("Password of service@example.com: ");
    terminal.type_hidden(&Account::service().password);
    let (screen, code) = terminal.end();
    assert!(code == 0 && !screen.contains(&Account::service().password), "{screen}");
}

#[test]
fn a_terminal_sees_how_far_a_transfer_has_come() {
    let stand = Stand::new();
    let file = stand.path("large");
    std::fs::File::create(&file).unwrap().set_len(8 << 20).unwrap();
    let data = format!("@{}", file.display());
    let out = stand.path("out").display().to_string();
    let args = ["request", "PUT", "/api/v1/echo", "--data", &data];
    let (screen, code) = Terminal::run(stand.service(&args).args(["--output", &out])).end();
    assert_eq!(code, 0, "{screen}");
    assert!(screen.contains("\rupload   0 %") || screen.starts_with("upload   0 %"), "{screen}");
    assert!(screen.contains("download   0 %") && screen.contains("of 8.0 MiB"), "{screen}");
    assert!(screen.ends_with(" \r"), "the line is gone at the end: {screen:?}");
    for args in [&["--output", &out, "--quiet"][..], &["--include"]] {
        let (screen, _) = Terminal::run(stand.service(&["request", "/api/v2/whoami"]).args(args)).end();
        assert!(!screen.contains("download "), "{args:?}: {screen}");
    }
}
