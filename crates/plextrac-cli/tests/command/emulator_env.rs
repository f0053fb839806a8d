//! `emulator --env`, in a shell.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::stand::{BINARY, Ran, Stand, run};

/// A folder for temporary files whose name a shell would read as much else.
const HOSTILE_NAME: &str = "it's $HOME `id` \"$(id)\" \\ new\nline";

/// The first script of docs/emulator.md.
fn script_of_the_manual() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/emulator.md");
    let manual = fs::read_to_string(path).unwrap();
    let script = manual.split("```sh\n").nth(1).unwrap().split("```").next().unwrap().to_owned();
    assert!(script.contains("emulator --env") && script.contains("trap"), "{script}");
    script
}

/// Runs a script with the command in its PATH.
fn shell(stand: &Stand, temporary: &Path, script: &str) -> Ran {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = Path::new(BINARY).parent().map(Path::to_owned);
    let folders = folders.into_iter().chain(std::env::split_paths(&path));
    let mut command = Command::new("sh");
    command
        .args(["-euc", script])
        .env_clear()
        .env("PATH", std::env::join_paths(folders).unwrap())
        .env("HOME", stand.path(""))
        .env("TMPDIR", temporary);
    run(&mut command)
}

/// The emulator deletes its CA file when it ends.
fn ends(temporary: &Path) -> bool {
    let deadline = Instant::now() + Duration::from_secs(20);
    while fs::read_dir(temporary).unwrap().next().is_some() {
        if Instant::now() > deadline {
            return false;
        }
        std::thread::yield_now();
    }
    true
}

#[test]
fn the_script_of_the_manual_signs_in_and_ends_the_emulator() {
    let stand = Stand::new();
    let temporary = stand.path("tmp");
    fs::create_dir(&temporary).unwrap();
    let ran = shell(&stand, &temporary, &script_of_the_manual());
    assert!(ran.fine().contains("service@example.com"), "{ran:?}");
    assert!(ends(&temporary), "the emulator still runs");
}

#[test]
fn env_is_quoted_for_a_shell_and_replaces_other_accounts() {
    let stand = Stand::new();
    let temporary = stand.path(HOSTILE_NAME);
    fs::create_dir(&temporary).unwrap();
    let script = format!(
        r#"
        export PLEXTRAC_TOKEN=other PLEXTRAC_TOTP_SECRET=other PLEXTRAC_USERNAME=other PLEXTRAC_PROFILE=other
        export PLEXTRAC_CODE=000000 PLEXTRAC_CODE_COMMAND=false PLEXTRAC_PASSWORD_COMMAND=false
        {}
        test -f "$PLEXTRAC_CA_FILE"
        env | grep -qE '^PLEXTRAC_.*=(other|false|000000)$' && exit 9
        case "$PLEXTRAC_EMULATOR_URL $PLEXTRAC_URL" in
            "http://127.0.0.1:"*" https://127.0.0.1:"*) echo addresses ;;
        esac
        "#,
        script_of_the_manual()
    );
    let ran = shell(&stand, &temporary, &script);
    assert!(ran.fine().ends_with("addresses\n"), "{ran:?}");
    assert!(ends(&temporary), "the emulator still runs");
}

#[test]
fn env_prints_only_lines_for_a_shell() {
    let stand = Stand::new();
    let temporary = stand.path("tmp");
    fs::create_dir(&temporary).unwrap();
    let ran = shell(&stand, &temporary, r#"plextrac-auth emulator --env --until-eof < /dev/null"#);
    let names: Vec<&str> = ran.fine().lines().map(|line| line.split('=').next().unwrap()).collect();
    assert_eq!(
        names,
        [
            "unset PLEXTRAC_CODE PLEXTRAC_CODE_COMMAND PLEXTRAC_PASSWORD_COMMAND PLEXTRAC_PROFILE PLEXTRAC_TOKEN \
             PLEXTRAC_TOTP_SECRET",
            "export PLEXTRAC_URL",
            "export PLEXTRAC_CA_FILE",
            "export PLEXTRAC_EMULATOR_URL",
            "export PLEXTRAC_USERNAME",
            "export PLEXTRAC_PASSWORD",
            "export PLEXTRAC_EMULATOR_PID",
        ]
    );
}
