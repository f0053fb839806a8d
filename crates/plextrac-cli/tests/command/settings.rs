//! A flag, then the environment, then a question; and never a question without a terminal.

use plextrac_emulator::Account;

use crate::stand::{Stand, run, run_with_input};

#[test]
fn a_flag_goes_before_the_environment() {
    let stand = Stand::new();
    let url = stand.emulator.tls_url();
    let mut command = stand.service(&["request", "GET", "/api/v2/whoami"]);
    command
        .env("PLEXTRAC_URL", "https://wrong.example")
        .env("PLEXTRAC_USERNAME", "nobody@example.com")
        .env("PLEXTRAC_CA_FILE", "/there/is/no/such/file")
        .env("PLEXTRAC_PROXY", "http://wrong.example:1")
        .args(["--url", &url, "--username", "service@example.com", "--proxy", "", "--ca-file"])
        .arg(stand.emulator.ca_file());
    assert!(run(&mut command).fine().contains("service@example.com"));
}

#[test]
fn a_password_on_standard_input_goes_before_the_environment() {
    let stand = Stand::new();
    for ending in ["\n", "\r\n", ""] {
        let mut command = stand.service(&["login", "--again", "--password-stdin"]);
        command.env("PLEXTRAC_PASSWORD", "mistyped");
        let input = format!("{}{ending}", Account::service().password);
        run_with_input(&mut command, input.as_bytes()).fine();
    }
    assert_eq!(stand.authentication_requests(), 3);
}

#[test]
fn standard_input_brings_one_thing_only() {
    let stand = Stand::new();
    let mut command = stand.service(&["request", "POST", "/api/v1/echo", "--data", "-", "--password-stdin"]);
    assert!(run_with_input(&mut command, b"x\ny").refused(2).contains("both"));
}

#[test]
fn a_missing_setting_is_named_with_the_ways_to_set_it() {
    let stand = Stand::new();
    for (variable, named) in [
        ("PLEXTRAC_URL", "--url, PLEXTRAC_URL or a profile"),
        ("PLEXTRAC_USERNAME", "--username, PLEXTRAC_USERNAME or a profile"),
        ("PLEXTRAC_PASSWORD", "PLEXTRAC_PASSWORD, or use --password-command or --password-stdin"),
    ] {
        let unset = run(stand.service(&["token"]).env_remove(variable));
        assert!(unset.refused(2).contains(named), "{unset:?}");
        let empty = run(stand.service(&["token"]).env(variable, ""));
        assert_eq!(empty.refused(2), unset.refused(2), "empty is as good as unset");
    }
    assert_eq!(stand.requests(), 0);
}

#[test]
fn the_headers_file_goes_with_every_request() {
    let stand = Stand::new();
    let file = stand.file(
        "headers",
        b"# of the gateway\n\ncf-access-token: gate-pass\nX-Team : red\nUser-Agent: bot/2\n",
    );
    let mut command = stand.service(&["request", "GET", "/api/v2/whoami"]);
    run(command.env("PLEXTRAC_HEADERS_FILE", file)).fine();
    let seen = stand.emulator.requests();
    assert_eq!(seen.len(), 2);
    for request in seen {
        assert_eq!(request.header("cf-access-token"), Some("gate-pass"));
        assert_eq!(request.header("x-team"), Some("red"));
        assert_eq!(request.header("user-agent"), Some("bot/2"));
    }
}

#[test]
fn a_wrong_line_of_the_headers_file_is_named_by_number() {
    let stand = Stand::new();
    for wrong in ["hunter2", "X Y: hunter2", "Authorization: hunter2", "X-Key: hünter2"] {
        let file = stand.file("headers", format!("# one\nA: b\n{wrong}\n").as_bytes());
        let ran = run(stand.service(&["token", "--headers-file"]).arg(file));
        let line = ran.refused(2);
        assert!(line.contains("line 3 of") && !line.contains("nter2"), "{line}");
    }
    assert_eq!(stand.requests(), 0);
}

#[test]
fn a_variable_that_is_empty_sets_nothing() {
    let stand = Stand::new();
    let mut command = stand.service(&["request", "GET", "/api/v2/whoami"]);
    command.env("PLEXTRAC_CA_FILE", "").arg("--ca-file").arg(stand.emulator.ca_file());
    for name in ["HEADERS_FILE", "AUTH_SCHEME", "STATE_DIR", "TOTP_SECRET", "TOKEN"] {
        command.env(format!("PLEXTRAC_{name}"), "");
    }
    assert!(run(&mut command).fine().contains("service@example.com"));
    assert!(stand.path(".local/state/plextrac-auth").is_dir(), "as if nothing were set");
    // With nothing in front of it, an empty one of these is what no variable is.
    let ran = run(stand.service(&["login", "--again"]).env("PLEXTRAC_CA_FILE", ""));
    assert!(ran.refused(6).contains("--ca-file"), "{ran:?}");
    assert_eq!(run(stand.service(&["token", "--auth-scheme", ""]).env("PLEXTRAC_AUTH_SCHEME", "")).code, 2);
}

#[test]
fn an_empty_proxy_is_none_by_flag_and_by_variable() {
    let stand = Stand::new();
    let through = |proxy: Option<&str>| {
        let mut command = stand.service(&["login", "--again"]);
        command.env("HTTPS_PROXY", "http://127.0.0.1:1");
        if let Some(proxy) = proxy {
            command.env("PLEXTRAC_PROXY", proxy);
        }
        run(&mut command)
    };
    through(Some("")).fine();
    through(None).refused(6);
}
