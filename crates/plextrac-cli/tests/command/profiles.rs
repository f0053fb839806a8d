//! Profiles: settings that are remembered, one account each.

use std::fs::Permissions;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Command;

use plextrac_emulator::{Account, Kind};
use serde_json::{Value, json};

use crate::stand::{Stand, run};

const FILE: &str = ".config/plextrac-auth/config.toml";

/// Signs in and saves a profile of that name.
fn save(stand: &Stand, name: &str, account: &Account) {
    let mut command = match account.totp_secret {
        Some(_) => stand.analyst(&["login", "--save", "--profile", name]),
        None => stand.service(&["login", "--save", "--profile", name]),
    };
    assert!(run(&mut command).fine().contains(&format!("saved as profile \"{name}\"")));
}

/// Writes the settings file by hand.
fn write(stand: &Stand, text: &str) {
    let file = stand.path(FILE);
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(&file, text).unwrap();
    std::fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
}

fn status(command: &mut Command) -> Value {
    let ran = run(command);
    assert!(matches!(ran.code, 0 | 8), "{ran:?}");
    serde_json::from_str(ran.text()).unwrap()
}

#[test]
fn what_login_saves_the_next_run_needs_not_be_told() {
    let stand = Stand::new();
    run(stand.service(&["login", "--save"]).current_dir("/")).fine();
    let token = run(&mut stand.nobody(&["token"]));
    assert_eq!(token.fine(), run(&mut stand.service(&["token"])).fine());
    let status = status(&mut stand.nobody(&["status", "--json"]));
    assert_eq!(status["username"], "service@example.com");
    let host = stand.emulator.tls_url().replace("https://", "");
    assert_eq!(status["profile"], host);
    assert_eq!(status["sources"], json!({"url": "profile", "username": "profile", "ca_file": "profile"}));
    let file = stand.path(FILE);
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains("service@example.com"), "control: {text}");
    assert!(!text.contains(&Account::service().password) && !text.contains(token.text().trim()), "{text}");
}

#[test]
fn nothing_is_saved_unless_somebody_wants_it() {
    let stand = Stand::new();
    run(&mut stand.service(&["login"])).fine();
    run(&mut stand.service(&["login", "--no-save"])).fine();
    assert!(!stand.path(FILE).exists());
    run(&mut stand.nobody(&["token"])).refused(2);
}

#[test]
fn a_setting_comes_from_flag_then_environment_then_profile() {
    let stand = Stand::new();
    save(&stand, "a", &Account::service());
    let sources = |command: &mut Command| status(command)["sources"].clone();
    assert_eq!(sources(&mut stand.nobody(&["status", "--json"]))["url"], "profile");
    let url = stand.emulator.tls_url();
    let mut by_environment = stand.nobody(&["status", "--json"]);
    by_environment.env("PLEXTRAC_URL", &url).env("PLEXTRAC_AUTH_SCHEME", "bearer");
    let found = sources(&mut by_environment);
    assert_eq!((&found["url"], &found["auth_scheme"]), (&json!("environment"), &json!("environment")));
    assert_eq!(found["username"], "profile", "the same instance, so the same account");
    let found = sources(by_environment.args(["--url", &url, "--auth-scheme", "raw"]));
    assert_eq!((&found["url"], &found["auth_scheme"]), (&json!("flag"), &json!("flag")));
    let text = run(&mut stand.nobody(&["status"])).fine().to_owned();
    assert!(text.contains("profile   a\n") && text.contains("url (profile)"), "{text}");
}

#[test]
fn a_profile_is_not_mixed_with_another_account() {
    let stand = Stand::new();
    save(&stand, "a", &Account::service());
    // The default one is not used.
    let mut other = stand.nobody(&["status", "--json", "--username", "other@example.com"]);
    let refused = run(&mut other);
    assert!(
        refused.refused(2).contains("the default profile \"a\" is not used: it is for the user"),
        "{refused:?}"
    );
    let status = status(other.args(["--url", &stand.emulator.tls_url()]));
    assert_eq!((&status["profile"], &status["username"]), (&json!(null), &json!("other@example.com")));
    // One that is asked for is an error.
    for (args, told) in [
        (["--url", "https://wrong.example"], "--url names another URL"),
        (["--username", "other@example.com"], "--username names another"),
    ] {
        let ran = run(stand.nobody(&["status", "--profile", "a"]).args(args));
        assert!(ran.refused(2).contains(told), "{ran:?}");
    }
    let ran = run(stand.nobody(&["status"]).env("PLEXTRAC_PROFILE", "a").env("PLEXTRAC_USERNAME", "other"));
    assert!(ran.refused(2).contains("PLEXTRAC_USERNAME names another"), "{ran:?}");
}

#[test]
fn an_imported_token_is_not_followed_by_the_default_user() {
    let stand = Stand::new();
    save(&stand, "a", &Account::service());
    let token = run(&mut stand.analyst(&["token"])).fine().trim_end().to_owned();
    let status = status(stand.nobody(&["status", "--json"]).env("PLEXTRAC_TOKEN", &token));
    assert_eq!((&status["username"], &status["sources"]["url"]), (&json!(null), &json!("profile")));
    let told = run(stand.nobody(&["request", "GET", "/api/v2/whoami"]).env("PLEXTRAC_TOKEN", token));
    assert!(told.fine().contains("analyst@example.com"), "{told:?}");
}

#[test]
fn profiles_are_listed_shown_chosen_and_removed() {
    let stand = Stand::new();
    let profile = |args: &[&str]| run(stand.nobody(&["profile"]).args(args));
    assert!(profile(&["list"]).fine().starts_with("no profiles; they would be in "));
    save(&stand, "a", &Account::service());
    save(&stand, "b", &Account::analyst());
    let url = stand.emulator.tls_url();
    let list = profile(&["list"]);
    let lines: Vec<&str> = list.fine().lines().collect();
    assert_eq!(lines[0], format!("* a  {url}  service@example.com"));
    assert_eq!(lines[1], format!("  b  {url}  analyst@example.com"));
    assert_eq!(lines[2], format!("in {}", stand.path(FILE).display()));
    assert!(profile(&["show"]).fine().contains("username          service@example.com"));

    profile(&["use", "b"]).fine();
    assert!(run(&mut stand.nobody(&["request", "GET", "/api/v2/whoami"])).fine().contains("analyst@"));
    assert!(run(&mut stand.nobody(&["status", "--profile", "a"])).fine().contains("service@"));
    let list: Value = serde_json::from_str(profile(&["list", "--json"]).fine()).unwrap();
    assert_eq!(
        (&list["default"], &list["profiles"]["a"]["username"]),
        (&json!("b"), &json!("service@example.com"))
    );
    let shown: Value = serde_json::from_str(profile(&["show", "b", "--json"]).fine()).unwrap();
    assert_eq!((&shown["default"], &shown["url"]), (&json!(true), &json!(url)));

    assert!(profile(&["remove", "b"]).fine().contains("no default profile now"));
    for args in [&["show", "b"][..], &["use", "b"], &["remove", "b"]] {
        assert!(profile(args).refused(2).contains("there is no profile \"b\"; there are \"a\""));
    }
    profile(&["show"]).refused(2);
    run(&mut stand.nobody(&["token"])).refused(2);
}

#[test]
fn status_and_logout_take_all_profiles() {
    let stand = Stand::new();
    for command in ["status", "logout"] {
        assert!(run(&mut stand.nobody(&[command, "--all"])).refused(2).contains("login --save"));
    }
    save(&stand, "a", &Account::service());
    save(&stand, "b", &Account::analyst());
    // What the environment says of one account does not count.
    let all = |args: &[&str]| run(stand.service(args).arg("--all"));
    let names = |text: &str| -> Vec<Value> {
        let list: Value = serde_json::from_str(text).unwrap();
        list.as_array().unwrap().iter().map(|status| status["username"].clone()).collect()
    };
    assert_eq!(names(all(&["status", "--json"]).fine()), ["service@example.com", "analyst@example.com"]);
    run(&mut stand.nobody(&["logout", "--profile", "a"])).fine();
    assert!(all(&["status"]).signed_out().contains("state     active"), "one is signed in");
    assert_eq!(all(&["logout"]).fine().lines().count(), 2);
    assert!(!all(&["status"]).signed_out().contains("state     active"));
    assert!(
        run(&mut stand.nobody(&["status", "--all", "--url", "x.example"]))
            .refused(2)
            .contains("leave --url out")
    );
}

#[test]
fn what_people_wrote_into_the_file_stays() {
    let stand = Stand::new();
    let text =
        "# mine\ndefault_profile = 'old' # yes\n\n[profiles.old]\nurl = 'https://old.example' # here\n";
    let elsewhere = stand.file("dotfiles.toml", text.as_bytes());
    std::fs::set_permissions(&elsewhere, Permissions::from_mode(0o600)).unwrap();
    let file = stand.path(FILE);
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    symlink(&elsewhere, &file).unwrap();
    save(&stand, "new", &Account::service());
    let written = std::fs::read_to_string(&elsewhere).unwrap();
    assert!(written.starts_with(text) && written.contains("[profiles.new]"), "{written}");
    assert!(file.is_symlink());
}

#[test]
fn a_settings_file_that_others_could_have_written_is_refused() {
    let stand = Stand::new();
    write(&stand, "[profiles.a]\nurl = 'https://acme.example'\n");
    std::fs::set_permissions(stand.path(FILE), Permissions::from_mode(0o620)).unwrap();
    assert!(run(&mut stand.service(&["token"])).refused(2).contains("other users can write"));
    std::fs::set_permissions(stand.path(FILE), Permissions::from_mode(0o644)).unwrap();
    run(&mut stand.service(&["token"])).fine();
}

#[test]
fn a_wrong_settings_file_is_named_and_not_shown() {
    let stand = Stand::new();
    write(&stand, "[profiles.a]\nurl = 'https://acme.example'\npassword = 'hunter2'\n");
    let ran = run(&mut stand.service(&["token"]));
    let line = ran.refused(2);
    assert!(line.contains("config.toml: password of the profile") && !line.contains("hunter2"), "{line}");
    let doctor = run(&mut stand.service(&["doctor"]));
    assert!(doctor.code == 2 && doctor.text().contains("bad   settings"), "{doctor:?}");
    write(&stand, "default_profile = 'gone'\n");
    assert!(run(&mut stand.service(&["token"])).refused(2).contains("there is no profile \"gone\""));
    assert_eq!(stand.requests(), 0);
}

#[test]
fn exec_hands_on_the_profile_as_variables() {
    let stand = Stand::new();
    save(&stand, "a", &Account::service());
    save(&stand, "b", &Account::analyst());
    let inner = format!("printenv PLEXTRAC_USERNAME; {} request GET /api/v2/whoami", crate::stand::BINARY);
    let ran = run(stand.nobody(&["exec", "--profile", "b", "sh", "-c", &inner]).env("PLEXTRAC_PROFILE", "a"));
    assert!(ran.fine().starts_with("analyst@example.com\n{") && !ran.text().contains("service@"), "{ran:?}");
    assert_eq!(stand.emulator.stats().of_kind(Kind::SignIn), 2);
}

#[test]
fn a_proxy_with_a_password_is_not_saved() {
    let stand = Stand::new();
    let mut command = stand.service(&["login", "--save", "--profile", "a"]);
    command.env("PLEXTRAC_TOKEN", "").env("PLEXTRAC_PROXY", "");
    run(&mut command).fine();
    let proxy = "http://user:hunter2@127.0.0.1:1";
    let saved = run(command.env("PLEXTRAC_PROXY", proxy));
    assert!(saved.code == 0 && saved.stderr.contains("the proxy is not saved"), "{saved:?}");
    assert!(!std::fs::read_to_string(stand.path(FILE)).unwrap().contains("hunter2"));
}
