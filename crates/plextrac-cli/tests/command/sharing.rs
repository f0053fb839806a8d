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
fn where_there_is_no_state_directory_a_run_signs_in_for_itself_and_says_so() {
    let stand = Stand::new();
    let file = stand.file("file", b"");
    for _ in 0..2 {
        let ran = run(stand.service(&["token"]).env("PLEXTRAC_STATE_DIR", file.join("below")));
        assert_eq!(ran.code, 0);
        assert!(ran.stderr.starts_with("plextrac-auth: warning: nothing is shared"), "{}", ran.stderr);
    }
    assert_eq!(stand.emulator.stats().of_kind(Kind::SignIn), 2);
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
