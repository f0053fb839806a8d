//! Where the password and the one-time code come from: commands, password managers, one code for one run.

use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use plextrac_emulator::{Account, Kind};

use crate::stand::{Stand, run, run_with_input};

/// The account with MFA, with nothing to sign in with.
fn analyst(stand: &Stand, args: &[&str]) -> Command {
    let mut command = stand.analyst(args);
    command.env_remove("PLEXTRAC_PASSWORD").env_remove("PLEXTRAC_TOTP_SECRET");
    command
}

/// A script in the home folder that counts its runs.
fn script(stand: &Stand, name: &str, body: &str) -> String {
    let path = stand.file(name, format!("#!/bin/sh\necho >>\"$0.runs\"\n{body}\n").as_bytes());
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).unwrap();
    path.to_str().unwrap().to_owned()
}

fn runs(stand: &Stand, name: &str) -> usize {
    std::fs::read_to_string(stand.path(&format!("{name}.runs"))).map_or(0, |runs| runs.lines().count())
}

#[test]
fn commands_give_password_and_code_only_when_they_are_needed() {
    let stand = Stand::new();
    let account = Account::analyst();
    let code = stand.emulator.digits(&account.username).unwrap();
    let password = script(&stand, "password", &format!("echo '{}'; echo a note", account.password));
    let code = script(&stand, "code", &format!("echo waiting >&2; echo {code}"));
    let mut command = analyst(&stand, &["token", "--password-command", &password, "--code-command", &code]);
    let first = run(&mut command);
    assert_eq!((first.code, first.stderr.as_str()), (0, "waiting\n"), "{first:?}");
    assert_eq!(run(&mut command).fine(), first.text());
    assert_eq!((runs(&stand, "password"), runs(&stand, "code")), (1, 1));
}

#[test]
fn a_command_comes_from_flag_environment_or_profile() {
    let stand = Stand::new();
    let password = |name: &str, text: &str| script(&stand, name, &format!("echo '{text}'"));
    let right = password("right", &Account::service().password);
    let wrong = password("wrong", "mistyped");
    // A flag comes before the variable with the password itself.
    let mut by_flag = stand.service(&["login", "--again", "--password-command", &right]);
    run(by_flag.env("PLEXTRAC_PASSWORD", "mistyped").env("PLEXTRAC_PASSWORD_COMMAND", &wrong)).fine();
    let mut by_variable = stand.service(&["login", "--again", "--save"]);
    by_variable.env_remove("PLEXTRAC_PASSWORD").env("PLEXTRAC_PASSWORD_COMMAND", &right);
    run(&mut by_variable).fine();
    run(&mut stand.nobody(&["login", "--again"])).fine();
    assert_eq!(runs(&stand, "right"), 3, "the last time by the profile");
    run(stand.nobody(&["login", "--again"]).env("PLEXTRAC_PASSWORD", "mistyped")).refused(4);
    assert_eq!((runs(&stand, "right"), runs(&stand, "wrong")), (3, 0));
}

#[test]
fn a_command_that_fails_is_named_and_nothing_is_sent() {
    let stand = Stand::new();
    for (command, told) in [
        ("sh -c 'echo hunter2; exit 1'", "the password command has failed (exit status: 1)"),
        ("/no/such/program hunter2", "there is no program /no/such/program"),
        ("true", "the password command prints nothing"),
        ("echo 'hunter2", "quotation mark"),
    ] {
        let mut token = stand.service(&["token", "--password-command", command]);
        let ran = run(token.env_remove("PLEXTRAC_PASSWORD"));
        assert!(ran.refused(2).contains(told) && !ran.stderr.contains("hunter2"), "{ran:?}");
    }
    assert_eq!(stand.requests(), 0);
    let mut token = analyst(&stand, &["token", "--code-command", "echo hunter2"]);
    let ran = run(token.env("PLEXTRAC_PASSWORD", Account::analyst().password));
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(
        ran.stderr.contains("the code command prints no one-time code") && !ran.stderr.contains("hunter2")
    );
}

#[test]
fn one_code_serves_one_run() {
    let stand = Stand::new();
    let account = Account::analyst();
    let with_code = |code: &str| {
        let mut command = analyst(&stand, &["login", "--again"]);
        run(command.env("PLEXTRAC_PASSWORD", &account.password).env("PLEXTRAC_CODE", code))
    };
    assert!(with_code("12345").refused(2).contains("PLEXTRAC_CODE"));
    assert_eq!(stand.requests(), 0);
    let code = stand.emulator.digits(&account.username).unwrap();
    with_code(&code).fine();
    let wrong = if code == "000000" { "000001" } else { "000000" };
    assert!(with_code(wrong).refused(4).contains("refused"));
    assert_eq!(stand.emulator.stats().of_kind(Kind::Mfa), 2, "it is not sent a second time");
}

#[test]
fn exec_hands_no_command_and_no_code_on() {
    let stand = Stand::new();
    let mut command = stand.service(&["exec", "env"]);
    command
        .env("PLEXTRAC_PASSWORD_COMMAND", "true")
        .env("PLEXTRAC_CODE_COMMAND", "true")
        .env("PLEXTRAC_CODE", "123456");
    let ran = run(&mut command);
    assert!(ran.fine().contains("PLEXTRAC_USERNAME="), "control: {ran:?}");
    assert!(!ran.text().contains("PLEXTRAC_PASSWORD") && !ran.text().contains("PLEXTRAC_CODE"), "{ran:?}");
}

#[test]
fn the_password_is_taken_when_a_shared_session_does_not_go_on() {
    let password = format!("echo '{}'", Account::service().password);
    for args in
        [&["request", "GET", "/api/v2/whoami"][..], &["request", "POST", "/api/v1/echo", "--json", "{}"]]
    {
        let stand = Stand::new();
        let service = |args: &[&str]| {
            let mut command = stand.service(args);
            run(command.env_remove("PLEXTRAC_PASSWORD").env("PLEXTRAC_PASSWORD_COMMAND", &password))
        };
        service(&["login"]).fine();
        stand.emulator.revoke_tokens();
        service(args).fine();
        let stats = stand.emulator.stats();
        assert_eq!((stats.of_kind(Kind::SignIn), stats.of_kind(Kind::Refresh)), (2, 1), "{args:?}");
    }
}

/// Whether all programs are on this machine. Continuous integration brings them (`cargo xtask tools --install`).
fn are_there(programs: &[&str]) -> bool {
    let is_there =
        |program: &&str| Command::new(program).arg("--version").stdin(Stdio::null()).output().is_ok();
    let are_there = programs.iter().all(is_there);
    assert!(are_there || std::env::var_os("CI").is_none(), "{programs:?} are not all there");
    are_there
}

#[test]
fn pass_keeps_the_password() {
    if !are_there(&["pass", "gpg"]) {
        eprintln!("skipped: pass and gpg are not on this machine");
        return;
    }
    let stand = Stand::new();
    let gnupg = stand.path("gnupg");
    std::fs::create_dir(&gnupg).unwrap();
    std::fs::set_permissions(&gnupg, std::fs::Permissions::from_mode(0o700)).unwrap();
    let with_home = |program: &str, args: &[&str]| {
        let mut command = Command::new(program);
        command.args(args).env("GNUPGHOME", &gnupg).env("PASSWORD_STORE_DIR", stand.path("store"));
        command
    };
    let generate = [
        "--batch",
        "--passphrase",
        "",
        "--quick-generate-key",
        "me@acme.example",
        "default",
        "default",
        "never",
    ];
    assert!(run(&mut with_home("gpg", &generate)).code == 0);
    assert!(run(&mut with_home("pass", &["init", "me@acme.example"])).code == 0);
    let mut insert = with_home("pass", &["insert", "--multiline", "plextrac/acme"]);
    assert!(
        run_with_input(&mut insert, format!("{}\nnote\n", Account::service().password).as_bytes()).code == 0
    );
    let mut login = stand.service(&["login", "--password-command", "pass show plextrac/acme"]);
    login
        .env_remove("PLEXTRAC_PASSWORD")
        .env("GNUPGHOME", &gnupg)
        .env("PASSWORD_STORE_DIR", stand.path("store"));
    run(&mut login).fine();
    drop(run(&mut with_home("gpgconf", &["--kill", "all"])));
}

#[test]
fn secret_tool_keeps_the_password() {
    if !are_there(&["secret-tool", "gnome-keyring-daemon", "dbus-run-session"]) {
        eprintln!("skipped: secret-tool and a keyring are not on this machine");
        return;
    }
    let stand = Stand::new();
    let runtime = stand.path("runtime");
    std::fs::create_dir(&runtime).unwrap();
    std::fs::set_permissions(&runtime, std::fs::Permissions::from_mode(0o700)).unwrap();
    let session = r#"
        printf unlock | gnome-keyring-daemon --unlock --components=secrets >/dev/null
        printf '%s' "$PASSWORD" | secret-tool store --label=PlexTrac service plextrac username me
        exec "$0" login --password-command 'secret-tool lookup service plextrac username me'
    "#;
    let service = stand.service::<&str>(&[]);
    let mut command = Command::new("dbus-run-session");
    command.args(["--", "sh", "-c", session, crate::stand::BINARY]).env_clear();
    command.envs(service.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.env_remove("PLEXTRAC_PASSWORD").env("PASSWORD", Account::service().password);
    let ran = run(command.env("XDG_RUNTIME_DIR", runtime).stdin(Stdio::null()));
    assert!(ran.code == 0 && ran.text().starts_with("signed in to "), "{ran:?}");
}
