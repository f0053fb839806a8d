//! All runs of one user share a session.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Stdio;
use std::time::Duration;

use plextrac_emulator::{Account, Emulator, Kind};

use crate::stand::{Ran, Stand, run};

#[test]
fn runs_that_start_at_once_sign_in_once_and_print_one_token() {
    let stand = Stand::with(Emulator::builder().sign_in_delay(Duration::from_millis(300)));
    let children: Vec<_> = (0..8)
        .map(|_| {
            let mut command = stand.analyst(&["token"]);
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    let tokens: Vec<String> = children
        .into_iter()
        .map(|child| Ran::from(child.wait_with_output().unwrap()).fine().to_owned())
        .collect();
    assert!(tokens.iter().all(|token| *token == tokens[0]));
    assert_eq!(stand.authentication_requests(), 2);
}

#[test]
fn the_password_is_needed_to_sign_in_and_not_to_go_on() {
    let stand = Stand::new();
    let without_password = || {
        let mut command = stand.somewhere(&["request", "GET", "/api/v2/whoami"]);
        run(command.env("PLEXTRAC_USERNAME", Account::analyst().username))
    };
    assert!(without_password().refused(2).contains("the password is not set"));
    run(&mut stand.analyst(&["login"])).fine();
    assert!(without_password().fine().contains("analyst@example.com"));
    assert_eq!(stand.emulator.stats().of_kind(Kind::SignIn), 1);
}

#[test]
fn a_state_directory_that_others_can_enter_is_refused() {
    let stand = Stand::new();
    let open = stand.path("open");
    std::fs::create_dir(&open).unwrap();
    std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o755)).unwrap();
    let link = stand.path("link");
    symlink(&open, &link).unwrap();
    for directory in [&open, &link] {
        let ran = run(stand.service(&["token"]).arg("--state-dir").arg(directory));
        assert!(ran.refused(1).contains(&*directory.to_string_lossy()), "{ran:?}");
    }
    assert_eq!(stand.requests(), 0);
}

#[test]
fn without_a_state_directory_no_password_is_sent() {
    let stand = Stand::new();
    let below_a_file = stand.file("file", b"").join("below");
    let without_key = stand.path("without-key");
    std::fs::create_dir_all(without_key.join("plextrac-auth-key.spare")).unwrap();
    std::fs::set_permissions(&without_key, std::fs::Permissions::from_mode(0o700)).unwrap();
    for directory in [&below_a_file, &without_key] {
        for args in [&["token"][..], &["login", "--again"]] {
            let ran = run(stand.service(args).env("PLEXTRAC_STATE_DIR", directory));
            let line = ran.refused(1);
            assert!(
                line.contains(&*directory.to_string_lossy()) && line.contains("nothing was sent"),
                "{line}"
            );
            assert!(line.contains("--no-state"), "{line}");
        }
    }
    let homeless = run(stand.service(&["token"]).env("HOME", "relative"));
    assert!(homeless.refused(1).contains("no home directory"), "{homeless:?}");
    assert_eq!(stand.requests(), 0);
}

#[test]
fn an_imported_token_is_used_without_a_state_directory() {
    let stand = Stand::new();
    let token = run(&mut stand.service(&["token"])).fine().trim_end().to_owned();
    let nowhere = stand.file("file", b"").join("below");
    let whoami = |token: &str| {
        let mut command = stand.service(&["request", "GET", "/api/v2/whoami"]);
        run(command.env("PLEXTRAC_STATE_DIR", &nowhere).env("PLEXTRAC_TOKEN", token))
    };
    let used = whoami(&token);
    assert!(used.code == 0 && used.text().contains("service@example.com"), "{used:?}");
    assert!(used.stderr.starts_with("plextrac-auth: warning: nothing is shared"), "{used:?}");
    let ended = "eyJhbGciOiJub25lIn0.eyJpYXQiOjEwMDAwMDAwMDAsImV4cCI6MTAwMDAwMDkwMH0.x";
    assert!(whoami(ended).refused(1).contains("nothing was sent"));
    assert_eq!(stand.emulator.stats().of_kind(Kind::SignIn), 1);
}

#[test]
fn no_state_signs_in_and_says_what_is_not_remembered() {
    let stand = Stand::new();
    for (name, value) in [("", ""), ("PLEXTRAC_NO_STATE", "1")] {
        let mut command = stand.service(&["token"]);
        if name.is_empty() {
            command.arg("--no-state")
        } else {
            command.env(name, value)
        };
        let ran = run(command.env("PLEXTRAC_STATE_DIR", "/there/is/no/such/folder"));
        assert_eq!(ran.code, 0, "{ran:?}");
        assert!(ran.stderr.contains("rejected passwords, used codes"), "{ran:?}");
    }
    assert_eq!(stand.emulator.stats().of_kind(Kind::SignIn), 2);
    let rejected = run(stand.service(&["token", "--no-state"]).env("PLEXTRAC_PASSWORD", "mistyped"));
    assert_eq!(rejected.code, 4);
    assert!(rejected.stderr.contains("sends the password again"), "{rejected:?}");
    run(stand.service(&["token"]).env("PLEXTRAC_NO_STATE", "0")).fine();
    assert!(stand.path(".local/state/plextrac-auth").is_dir());
}

#[test]
fn the_state_is_below_the_home_folder_unless_said_otherwise() {
    let stand = Stand::new();
    let elsewhere = stand.path("elsewhere");
    run(&mut stand.service(&["login"])).fine();
    assert!(stand.path(".local/state/plextrac-auth").is_dir());
    run(stand.service(&["login"]).env("XDG_STATE_HOME", &elsewhere)).fine();
    assert!(elsewhere.join("plextrac-auth").is_dir());
    run(stand.service(&["login"]).env("PLEXTRAC_STATE_DIR", stand.path("named"))).fine();
    assert!(stand.path("named").is_dir());
}

#[test]
fn runs_with_a_token_alone_refresh_it_once() {
    let stand = Stand::new();
    let token = run(&mut stand.service(&["token"])).fine().trim_end().to_owned();
    for _ in 0..14 {
        let mut request = stand.somewhere(&["request", "GET", "/api/v2/whoami"]);
        assert!(run(request.env("PLEXTRAC_TOKEN", &token)).fine().contains("service@example.com"));
    }
    let stats = stand.emulator.stats();
    assert_eq!((stats.of_kind(Kind::SignIn), stats.of_kind(Kind::Refresh)), (1, 1));
    let status = run(stand.somewhere(&["status", "--json"]).env("PLEXTRAC_TOKEN", &token));
    assert!(status.fine().contains(r#""budget_used":2"#), "{status:?}");
    let out = run(stand.somewhere(&["logout"]).env("PLEXTRAC_TOKEN", &token));
    assert!(out.fine().contains("PLEXTRAC_TOKEN is still set"));
}

#[test]
fn a_token_of_another_account_is_not_kept_for_the_named_one() {
    let stand = Stand::new();
    let foreign = run(&mut stand.service(&["token"])).fine().trim_end().to_owned();
    let whoami = ["request", "GET", "/api/v2/whoami"];
    let told = run(stand.analyst(&whoami).env("PLEXTRAC_TOKEN", &foreign));
    assert!(told.fine().contains("service@example.com"));
    let told = run(stand.analyst(&whoami).env("PLEXTRAC_TOKEN", &foreign).env_remove("PLEXTRAC_PASSWORD"));
    assert!(told.fine().contains("service@example.com"), "without a password as well");
    assert!(run(&mut stand.analyst(&whoami)).fine().contains("analyst@example.com"));
    let named = run(stand.analyst(&whoami).env_remove("PLEXTRAC_PASSWORD"));
    assert!(named.fine().contains("analyst@example.com"));
}

#[test]
fn a_run_without_a_source_of_codes_sends_the_password_once() {
    let stand = Stand::new();
    for _ in 0..3 {
        run(stand.analyst(&["token"]).env_remove("PLEXTRAC_TOTP_SECRET")).refused(3);
    }
    assert_eq!(stand.emulator.stats().of_kind(Kind::SignIn), 1);
    run(&mut stand.analyst(&["token"])).fine();
    assert_eq!(
        (stand.emulator.stats().of_kind(Kind::SignIn), stand.emulator.stats().of_kind(Kind::Mfa)),
        (2, 1)
    );
}

#[test]
fn signing_in_again_gives_nothing_up_before_it_has_another() {
    let stand = Stand::new();
    let token = run(&mut stand.service(&["token"])).fine().to_owned();
    run(stand.service(&["login", "--again"]).env("PLEXTRAC_PASSWORD", "wrong")).refused(4);
    assert_eq!(run(&mut stand.service(&["token"])).fine(), token);
    assert!(run(&mut stand.service(&["login", "--again"])).fine().starts_with("signed in to "));
    assert_ne!(run(&mut stand.service(&["token"])).fine(), token);
}

#[test]
fn an_unwritable_record_stops_a_sign_in_and_no_logout() {
    let stand = Stand::new();
    let token = run(&mut stand.service(&["token"])).fine().to_owned();
    let records = |kind: char| -> Vec<std::path::PathBuf> {
        let entries = std::fs::read_dir(stand.path(".local/state/plextrac-auth")).unwrap();
        let of_kind = |path: &std::path::PathBuf| {
            let name = path.file_name().unwrap().to_str().unwrap();
            path.extension().is_none() && name.starts_with(&format!("plextrac-auth-{kind}"))
        };
        entries.map(|entry| entry.unwrap().path()).filter(of_kind).collect()
    };
    for record in &records('a') {
        let spare = record.with_extension("spare");
        drop(std::fs::remove_file(&spare));
        std::fs::create_dir(spare).unwrap();
    }
    let again = run(&mut stand.service(&["login", "--again"]));
    assert_eq!((again.code, again.text()), (1, ""), "{again:?}");
    assert_eq!(again.stderr.matches("warning: nothing is shared").count(), 1, "{again:?}");
    assert!(again.stderr.contains("nothing was sent"), "{again:?}");
    assert_eq!(stand.emulator.stats().of_kind(Kind::SignIn), 1);
    assert_eq!(run(stand.service(&["token"]).env_remove("PLEXTRAC_PASSWORD")).fine(), token);
    let out = run(&mut stand.service(&["logout"]));
    assert!(out.text().starts_with("signed out of "), "{out:?}");
    run(stand.service(&["token"]).env_remove("PLEXTRAC_PASSWORD")).refused(2);
}

#[test]
fn how_far_the_clocks_are_apart_is_known_to_later_runs() {
    let stand = Stand::new();
    stand.emulator.clock().set_unix_offset_ms(-100_000);
    run(&mut stand.analyst(&["login"])).fine();
    let status = run(&mut stand.analyst(&["status", "--json"]));
    let status: serde_json::Value = serde_json::from_str(status.fine()).unwrap();
    let ahead = status["server_ahead_ms"].as_i64().unwrap();
    assert!((-102_000..=-98_000).contains(&ahead), "{ahead}");
}

#[test]
fn status_shows_a_rejection_with_and_without_the_password() {
    let stand = Stand::new();
    let status = |password: Option<&str>, args: &[&str]| {
        let mut command = stand.service(args);
        match password {
            Some(password) => command.env("PLEXTRAC_PASSWORD", password),
            None => command.env_remove("PLEXTRAC_PASSWORD"),
        };
        run(&mut command).signed_out().to_owned()
    };
    assert!(!status(None, &["status"]).contains("lockout "));
    run(stand.service(&["login"]).env("PLEXTRAC_PASSWORD", "wrong")).refused(4);
    let with = status(Some("wrong"), &["status", "--json"]);
    assert!(with.contains(r#""locked_out":true"#) && with.contains(r#""state":"locked_out""#), "{with}");
    assert!(status(Some("wrong"), &["status"]).contains("lockout   these credentials were rejected"));
    assert!(status(None, &["status"]).contains("lockout   credentials of this account were rejected"));
    assert_eq!(stand.authentication_requests(), 1);
}

#[test]
fn logout_says_that_the_state_cannot_be_opened() {
    let stand = Stand::new();
    run(&mut stand.service(&["login"])).fine();
    let state = stand.path(".local/state/plextrac-auth");
    // A key that cannot be read, for whatever reason.
    std::fs::remove_file(state.join("plextrac-auth-key")).unwrap();
    std::fs::create_dir(state.join("plextrac-auth-key.spare")).unwrap();
    let unreadable = run(&mut stand.service(&["logout"]));
    assert_eq!((unreadable.code, unreadable.text()), (1, ""), "{unreadable:?}");
    assert!(unreadable.stderr.contains("other runs can still find a token"), "{unreadable:?}");
    let file = stand.file("file", b"");
    let nowhere = run(stand.service(&["logout"]).env("PLEXTRAC_STATE_DIR", file.join("below")));
    assert_eq!((nowhere.code, nowhere.text()), (1, ""), "{nowhere:?}");
    assert!(nowhere.stderr.contains("other runs can still find a token"), "{nowhere:?}");
}

#[test]
fn inside_exec_the_session_goes_on_with_a_newer_token() {
    let stand = Stand::new();
    let token = run(&mut stand.service(&["token"])).fine().trim_end().to_owned();
    for _ in 0..2 {
        run(&mut stand.service(&["login", "--again"])).fine();
    }
    let newest = run(&mut stand.service(&["token"])).fine().to_owned();
    let mut inside = stand.service(&["token"]);
    inside.env_remove("PLEXTRAC_PASSWORD").env("PLEXTRAC_TOKEN", token);
    assert_eq!(run(&mut inside).fine(), newest);
    assert_eq!(stand.emulator.stats().of_kind(Kind::Refresh), 0);
}
