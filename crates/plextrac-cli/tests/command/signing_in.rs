//! `login`, `token`, `header`, `exec`, `status`, `logout`.

use std::process::{Command, Stdio};

use plextrac_emulator::{Account, Kind};

use crate::stand::{Stand, run, run_with_input};

#[test]
fn token_prints_the_token_alone_on_one_line() {
    let stand = Stand::new();
    let ran = run(&mut stand.service(&["token"]));
    let token = ran.fine().strip_suffix('\n').unwrap();
    assert_eq!(token.split('.').count(), 3, "{token}");
    assert!(!token.contains(char::is_whitespace));
    assert_eq!(stand.authentication_requests(), 1);
}

#[test]
fn mfa_by_totp_secret_takes_two_requests_and_no_question() {
    let stand = Stand::new();
    run(&mut stand.analyst(&["login"])).fine();
    let stats = stand.emulator.stats();
    assert_eq!((stats.of_kind(Kind::SignIn), stats.of_kind(Kind::Mfa)), (1, 1));
}

#[test]
fn header_and_token_say_the_same_in_both_schemes() {
    let stand = Stand::new();
    let token = run(&mut stand.service(&["token"])).fine().trim_end().to_owned();
    assert_eq!(run(&mut stand.service(&["header"])).fine(), format!("Authorization: {token}\n"));
    let bearer = ["--auth-scheme", "bearer"];
    let header = run(stand.service(&["header"]).args(bearer));
    assert_eq!(header.fine(), format!("Authorization: Bearer {token}\n"));
    assert_eq!(run(stand.service(&["token"]).args(bearer)).fine(), format!("{token}\n"));
}

#[test]
fn curl_takes_the_configuration_that_header_prints() {
    if Command::new("curl").arg("--version").stdout(Stdio::null()).status().is_err() {
        eprintln!("not tried: there is no curl on this machine");
        return;
    }
    let stand = Stand::new();
    let config = run(&mut stand.service(&["header", "--curl-config"]));
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--show-error", "--noproxy", "*", "--config", "-", "--cacert"])
        .arg(stand.emulator.ca_file())
        .arg(format!("{}/api/v2/whoami", stand.emulator.tls_url()));
    let answer = run_with_input(&mut curl, config.fine().as_bytes());
    assert!(answer.fine().contains("service@example.com"));
}

#[test]
fn login_says_who_is_signed_in_where_and_for_how_long() {
    let stand = Stand::new();
    let url = stand.emulator.tls_url();
    let told = run(&mut stand.service(&["login"]));
    let expected = format!("signed in to {url} as service@example.com; the token lives 14 min ");
    assert!(told.fine().starts_with(&expected), "{told:?}");
}

#[test]
fn login_with_a_live_session_sends_nothing_and_says_so() {
    let stand = Stand::new();
    run(&mut stand.service(&["login"])).fine();
    let sent = stand.requests();
    assert!(run(&mut stand.service(&["login"])).fine().starts_with("already signed in to "));
    assert_eq!(stand.requests(), sent);
    assert!(run(&mut stand.service(&["login", "--again"])).fine().starts_with("signed in to "));
    assert_eq!(stand.emulator.stats().of_kind(Kind::SignIn), 2);
}

#[test]
fn exec_hands_on_a_token_and_nothing_to_get_another_with() {
    let stand = Stand::new();
    let token = run(&mut stand.analyst(&["token"])).fine().trim_end().to_owned();
    let bearer = ["--auth-scheme", "bearer", "--", "env"];
    let env = run(stand.analyst(&["exec"]).args(bearer)).fine().to_owned();
    let has = |line: &str| env.lines().any(|found| found == line);
    assert!(has(&format!("PLEXTRAC_TOKEN={token}")));
    assert!(has(&format!("PLEXTRAC_AUTHORIZATION=Bearer {token}")));
    assert!(has(&format!("PLEXTRAC_URL={}", stand.emulator.tls_url())));
    assert!(has("PLEXTRAC_USERNAME=analyst@example.com"), "control: the rest is handed on");
    assert!(!env.contains("PLEXTRAC_PASSWORD") && !env.contains("PLEXTRAC_TOTP_SECRET"));
}

#[test]
fn exec_ends_as_its_command_does() {
    let stand = Stand::new();
    let ran = run(&mut stand.service(&["exec", "--", "sh", "-c", "echo out; echo err >&2; exit 42"]));
    assert_eq!((ran.code, ran.text(), ran.stderr.as_str()), (42, "out\n", "err\n"));
    let missing = run(&mut stand.service(&["exec", "--", "/there/is/no/such/command"]));
    assert!(missing.refused(1).contains("/there/is/no/such/command could not be started"));
}

#[test]
fn the_command_works_inside_exec_and_costs_nothing_there() {
    let stand = Stand::new();
    let inner = format!("{} request GET /api/v2/whoami", crate::stand::BINARY);
    let told = run(&mut stand.analyst(&["exec", "--", "sh", "-c", &inner]));
    assert!(told.fine().contains("analyst@example.com"));
    assert_eq!(stand.authentication_requests(), 2);
}

#[test]
fn a_ready_made_token_serves_without_a_user_name() {
    let stand = Stand::new();
    let token = run(&mut stand.service(&["token"])).fine().trim_end().to_owned();
    let told = run(stand.somewhere(&["request", "GET", "/api/v2/whoami"]).env("PLEXTRAC_TOKEN", token));
    assert!(told.fine().contains("service@example.com"));
    assert_eq!(stand.emulator.stats().of_kind(Kind::SignIn), 1);
}

#[test]
fn status_sends_nothing_and_its_json_says_what_its_text_says() {
    let stand = Stand::new();
    let json = |ran: &str| serde_json::from_str::<serde_json::Value>(ran).unwrap();
    let before = json(run(&mut stand.analyst(&["status", "--json"])).fine());
    assert_eq!((&before["state"], &before["expires_in_ms"]), (&"signed_out".into(), &().into()));
    assert_eq!(stand.requests(), 0);

    run(&mut stand.analyst(&["login"])).fine();
    let sent = stand.requests();
    // Looking needs no password.
    let mut look = stand.somewhere(&["status", "--json"]);
    let after = json(run(look.env("PLEXTRAC_USERNAME", Account::analyst().username)).fine());
    assert_eq!(after["state"], "active");
    assert_eq!(after["username"], "analyst@example.com");
    assert_eq!(after["instance"], stand.emulator.tls_url());
    assert_eq!(after["tenant_id"], 0);
    assert_eq!((&after["budget_used"], &after["budget_per_minute"]), (&2.into(), &6.into()));
    assert_eq!(after["latched"], false);
    let (lives, refreshed) =
        (after["expires_in_ms"].as_u64().unwrap(), after["refresh_in_ms"].as_u64().unwrap());
    assert!((800_000..900_000).contains(&lives) && (500_000..661_000).contains(&refreshed), "{after}");

    let text = run(&mut stand.analyst(&["status"])).fine().to_owned();
    for line in [
        format!("instance  {}", stand.emulator.tls_url()),
        "account   analyst@example.com (tenant 0)".into(),
        "state     active".into(),
        "budget    2 of 6 authentication requests used in the last minute".into(),
    ] {
        assert!(text.lines().any(|found| found == line), "{line} in {text}");
    }
    assert_eq!(stand.requests(), sent);
}

#[test]
fn logout_forgets_the_token_for_all_runs() {
    let stand = Stand::new();
    run(&mut stand.service(&["login"])).fine();
    let told = run(&mut stand.service(&["logout"]));
    assert_eq!(told.fine(), format!("signed out of {}\n", stand.emulator.tls_url()));
    assert!(run(&mut stand.service(&["status"])).fine().contains("state     signed out"));
    let mut without_password = stand.service(&["token"]);
    let refused = run(without_password.env_remove("PLEXTRAC_PASSWORD"));
    assert!(refused.refused(2).contains("PLEXTRAC_PASSWORD"));
}
