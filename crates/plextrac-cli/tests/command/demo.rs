//! `demo`: what it tells, and what it must not.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use plextrac_emulator::Account;

use crate::secrecy::has_six_digits_in_a_row;
use crate::stand::{Stand, run};

/// Its lines, with what differs from run to run replaced.
const STORY: &str = "\
A PlexTrac stand-in runs at https://127.0.0.1:PORT, and programs sign in to it over TLS.
Nothing is sent to other machines. The demonstration moves the clock of both sides, so it does not wait.

1. Sign-in without MFA
   program signs in as service@example.com; the token lives 14 min 59 s
   server  saw 1 sign-in: accepted

2. Sign-in with MFA
   program signs in as analyst@example.com; the one-time code is computed from the TOTP secret
   program sends both steps over one connection
   server  saw 1 sign-in: code asked for; 1 code: accepted

3. An authorized GET and a JSON POST
   program GET /api/v2/whoami: HTTP 200, username \"analyst@example.com\"
   program POST /api/v1/echo {\"name\":\"ACME\",\"tags\":[\"internal\"]}: HTTP 200, the same came back
   server  saw 1 GET whoami: accepted; 1 POST echo: accepted

4. 10 min N s later: a refresh, which needs no code
   program GET /api/v2/whoami: HTTP 200, at once, with the token that still lives
   program has a new token meanwhile, without a password and without a code
   server  saw 1 refresh: accepted; 1 GET whoami: accepted

5. 1 h 0 min later: the token has ended, and a new sign-in follows
   program GET /api/v2/whoami: signs in first, then HTTP 200; the ended token is not tried
   server  saw 1 sign-in: code asked for; 1 code: accepted; 1 GET whoami: accepted

6. A wrong password is sent once, and not again
   program calls 10 times; each call returns that the sign-in was rejected
   program keeps the account from being locked: the password is not sent again until it changes
   server  saw 1 sign-in: rejected

7. The budget is used up: the attempt is not sent
   program signs in anew every 2 s, as scripts do: 6 times, which is the budget of a minute
   program sends no attempt number 7, and says at once: wait 49 s
   server  saw 6 sign-in: accepted
   program signs in when that time is over
   server  saw 1 sign-in: accepted

What the server saw
                     accepted  code asked for  rejected
   sign-in                  8               2         1
   code                     2               0         0
   refresh                  1               0         0
   GET whoami               3               0         0
   POST echo                1               0         0

14 authentication requests, 6 at most in any minute where the instance allows 10.
";

#[test]
fn the_demo_tells_the_whole_story() {
    let stand = Stand::new();
    let ran = run(&mut stand.nobody(&["demo"]));
    let told: String = ran.fine().lines().map(|line| with_names(line) + "\n").collect();
    assert_eq!(told, STORY);
}

#[test]
fn the_demo_shows_no_secret() {
    let stand = Stand::new();
    let ran = run(&mut stand.nobody(&["demo"]));
    let told = ran.fine();
    assert!(told.contains("analyst@example.com"), "control: what is searched for would be found");
    for account in [Account::service(), Account::analyst()] {
        assert!(!told.contains(&account.password));
        assert!(account.totp_secret.is_none_or(|secret| !told.contains(&secret)));
    }
    assert!(!told.contains("eyJ"), "every JWT begins so");
    assert!(!has_six_digits_in_a_row(told));
    assert!(!told.contains('\x1b'), "colour is for terminals");
}

#[test]
fn the_demo_needs_no_proxy_and_leaves_no_state_behind() {
    let stand = Stand::new();
    let mut command = stand.nobody(&["demo"]);
    command.env("HTTPS_PROXY", "http://127.0.0.1:1").env("PLEXTRAC_URL", "https://wrong.example");
    run(&mut command).fine();
    assert!(!stand.path(".local").exists());
}

#[test]
fn a_reader_that_has_seen_enough_ends_the_demo_quietly() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_plextrac-auth"))
        .arg("demo")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
    assert!(first.starts_with("A PlexTrac stand-in"));
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr), (Some(0), vec![]));
}

/// The port, and the seconds after ten minutes, which are drawn: from 599.3 s on, for a token counts as living a second
/// less than the quarter of an hour (docs/design.md).
fn with_names(line: &str) -> String {
    let line = match line.split_once("https://127.0.0.1:") {
        Some((before, after)) => {
            format!(
                "{before}https://127.0.0.1:PORT{}",
                after.trim_start_matches(|c: char| c.is_ascii_digit())
            )
        }
        None => line.to_owned(),
    };
    let drawn = |rest: &str| rest.split_once(" s later").is_some_and(|(n, _)| n.parse::<u8>().is_ok());
    let line = line.replace("4. 9 min 59 s later", "4. 10 min 0 s later");
    match line.strip_prefix("4. 10 min ") {
        Some(rest) if drawn(rest) => format!("4. 10 min N{}", &rest[rest.find(" s later").unwrap()..]),
        _ => line,
    }
}
