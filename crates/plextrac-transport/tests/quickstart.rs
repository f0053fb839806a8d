//! The Rust example does what its first comment says.

use std::env;
use std::path::PathBuf;
use std::process::Command;

use plextrac_emulator::{Account, Emulator};

#[test]
fn the_example_signs_in_with_mfa_over_one_connection() {
    let emulator = Emulator::start().unwrap();
    let account = Account::analyst();
    let output = Command::new(example())
        .env("PLEXTRAC_URL", emulator.tls_url())
        .env("PLEXTRAC_CA_FILE", emulator.ca_file())
        .env("PLEXTRAC_USERNAME", &account.username)
        .env("PLEXTRAC_PASSWORD", &account.password)
        .env("PLEXTRAC_TOTP_SECRET", account.totp_secret.unwrap())
        .env("NO_PROXY", "127.0.0.1")
        .output()
        .unwrap();
    let (told, complained) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{told}{complained}");
    assert_eq!(
        told,
        "GET  /api/v2/whoami: HTTP 200, \"analyst@example.com\"\n\
         POST /api/v1/echo: HTTP 200, {\"name\":\"ACME\",\"tags\":[\"internal\"]}\n"
    );
    assert_eq!(emulator.stats().authentication_requests(), 2);
    assert_eq!(emulator.stats().connections.tls, 1);
}

/// Cargo builds examples before it runs tests, unless it is told which test to build, and puts them beside it.
fn example() -> PathBuf {
    let test = env::current_exe().unwrap();
    let profile = test.ancestors().nth(2).unwrap();
    let example = profile.join("examples").join("quickstart").with_extension(env::consts::EXE_EXTENSION);
    assert!(example.exists(), "{} is not built; cargo build --examples does it", example.display());
    example
}
