//! No secret in an argument, a help text, an error, or anywhere else where it was not asked for.

use plextrac_emulator::{Account, Fault, Target};

use crate::stand::{Ran, Stand, run};

const COMMANDS: [&str; 11] = [
    "login", "token", "header", "request", "exec", "status", "logout", "profile", "doctor", "emulator",
    "demo",
];

pub(crate) fn has_six_digits_in_a_row(text: &str) -> bool {
    text.as_bytes().windows(6).any(|run| run.iter().all(u8::is_ascii_digit))
}

#[test]
fn six_digits_in_a_row_are_found_where_they_are() {
    assert!(has_six_digits_in_a_row("code 123456!"));
    assert!(!has_six_digits_in_a_row("127.0.0.1:54321 and 12345"));
}

#[test]
fn no_help_text_shows_what_is_set() {
    let stand = Stand::new();
    for command in COMMANDS {
        let mut help = stand.analyst(&[command, "--help"]);
        help.env("PLEXTRAC_PROXY", "http://user:hunter2@proxy.example").env("PLEXTRAC_TOKEN", "hunter2");
        let ran = run(&mut help);
        let text = ran.fine();
        assert!(text.contains(command));
        for shown in ["hunter2", "analyst", "GEZDGNBV", "127.0.0.1:"] {
            assert!(!text.contains(shown), "{command} --help shows {shown}");
        }
    }
}

#[test]
fn a_secret_given_as_an_argument_is_refused_and_not_repeated() {
    let stand = Stand::new();
    for args in [
        &["token", "--password", "hunter2"][..],
        &["token", "--password=hunter2"],
        &["token", "--totp-secret", "hunter2"],
        &["token", "--token=hunter2"],
        &["login", "--mfa", "hunter2"],
    ] {
        let ran = run(&mut stand.service(args));
        assert_eq!(ran.code, 2);
        assert!(!ran.stderr.contains("hunter2"), "{}", ran.stderr);
    }
}

#[test]
fn no_failure_shows_a_secret() {
    let stand = Stand::new();
    let token = run(&mut stand.service(&["token"])).fine().trim_end().to_owned();
    let fault = |fault: Fault| stand.emulator.fault(fault);
    let sign_in = || Fault::on(Target::SignIn);
    let mut told = String::new();
    let mut note = |ran: Ran| {
        assert_ne!(ran.code, 0, "{ran:?}");
        told += &ran.stderr;
        told += ran.text();
    };
    let again = ["login", "--again"];
    // Servers that say what they were sent.
    let account = Account::analyst();
    let echoes =
        format!(r#"{{"status":"error","message":"no {} with {}"}}"#, account.username, account.password);
    fault(sign_in().status(400, "application/json", &[], echoes.clone()));
    note(run(&mut stand.analyst(&again)));
    fault(sign_in().status(500, "text/html", &[], echoes));
    note(run(&mut stand.analyst(&again)));
    note(run(stand.analyst(&["token"]).env("PLEXTRAC_URL", "https://127.0.0.1:1")));
    note(run(stand.analyst(&["token"]).env("PLEXTRAC_TOTP_SECRET", "hunter2!")));
    note(run(stand.analyst(&["token"]).env("PLEXTRAC_PASSWORD", "hunter2\n")));
    note(run(stand.somewhere(&["token"]).env("PLEXTRAC_TOKEN", "hunter2\u{7}")));
    note(run(&mut stand.service(&["request", "GET", "/api/v1/nothing"])));
    assert!(told.lines().count() >= 7, "control: there was something to search: {told}");
    for secret in [&account.password, account.totp_secret.as_ref().unwrap(), &token, "hunter2"] {
        assert!(!told.contains(secret), "{told}");
    }
}
