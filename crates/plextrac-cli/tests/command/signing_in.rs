//! `login`, `token`, `header`, `exec`, `status`, `logout`.

use std::process::{Command, Stdio};

use plextrac_emulator::{Account, Fault, Kind, Target};

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
fn five_runs_send_a_password_that_is_rejected_once() {
    for (status, content_type, body) in [
        (401, "text/plain", "Unauthorized"),
        (401, "text/plain", ""),
        (403, "text/html", ""),
        (423, "application/json", r#"{"statusCode":423,"error":"Locked"}"#),
        (409, "application/json", r#"{"statusCode":409,"error":"Conflict"}"#),
        (200, "application/json", r#"{"statusCode":401,"error":"Unauthorized"}"#),
        (200, "application/json", r#"{"status":401}"#),
        (200, "application/json", r#"{"status":false}"#),
    ] {
        let stand = Stand::new();
        let answer = Fault::on(Target::SignIn).always().status(status, content_type, &[], body);
        stand.emulator.fault(answer);
        for run_number in 1..=5 {
            let ran = run(&mut stand.service(&["token"]));
            let line = ran.refused(4);
            assert!(run_number > 1 || line.contains(&format!("(HTTP {status})")), "{line}");
            let may_be_a_gateway = content_type.starts_with("text/") && run_number == 1;
            assert_eq!(
                line.contains("gateway") && line.contains("login --again"),
                may_be_a_gateway,
                "{line}"
            );
        }
        assert_eq!(stand.emulator.stats().of_kind(Kind::SignIn), 1, "{status} {content_type} {body}");
        stand.emulator.clear_faults();
        run(&mut stand.service(&["login", "--again"])).fine();
    }
}

#[test]
fn a_rate_limit_in_a_body_is_no_rejection() {
    let stand = Stand::new();
    let limit = r#"{"statusCode":429,"error":"Too Many Requests"}"#;
    stand.emulator.fault(Fault::on(Target::SignIn).status(200, "application/json", &[], limit));
    for _ in 0..2 {
        run(&mut stand.service(&["token"])).refused(5);
    }
    assert_eq!(stand.emulator.stats().of_kind(Kind::SignIn), 1);
    assert!(run(&mut stand.service(&["status"])).signed_out().contains("state     signed out"));
}

#[test]
fn token_gives_another_one_for_a_rejected_one() {
    let stand = Stand::new();
    let another = |rejected: &str, command: &mut Command| -> String {
        let ran = run_with_input(command.args(["--rejected-stdin"]), format!("{rejected}\nrest").as_bytes());
        ran.fine().trim_end().to_owned()
    };
    let first = run(&mut stand.service(&["token"])).fine().trim_end().to_owned();
    let second = another(&first, &mut stand.service(&["token"]));
    assert_ne!(second, first);
    let stats = || stand.emulator.stats();
    assert_eq!((stats().of_kind(Kind::SignIn), stats().of_kind(Kind::Refresh)), (1, 1));
    // Another program has had the first one refused as well, and finds the second one.
    assert_eq!(another(&first, &mut stand.service(&["token"])), second);
    assert_eq!(stand.authentication_requests(), 2);
    // A token that was made for a 401 and is answered with 401: another one does not help.
    let ran = run_with_input(&mut stand.service(&["token", "--rejected-stdin"]), second.as_bytes());
    assert!(ran.refused(4).contains("does not help"), "{ran:?}");
    let both = ["token", "--rejected-stdin", "--password-stdin"];
    assert_eq!(run_with_input(&mut stand.service(&both), b"x").code, 2);
    assert_eq!(stand.authentication_requests(), 2);
}

#[test]
fn token_signs_in_for_a_rejected_one_if_it_cannot_refresh() {
    let password = format!("echo '{}'", Account::service().password);
    for (name, value) in
        [("PLEXTRAC_PASSWORD", Account::service().password), ("PLEXTRAC_PASSWORD_COMMAND", password)]
    {
        let stand = Stand::new();
        let mut command = stand.service(&["token"]);
        command.env_remove("PLEXTRAC_PASSWORD").env(name, value);
        let dead = run(&mut command).fine().to_owned();
        stand.emulator.revoke_tokens();
        let ran = run_with_input(command.arg("--rejected-stdin"), dead.as_bytes());
        assert_ne!(ran.fine(), dead, "{name}");
        assert!(run(&mut stand.service(&["request", "GET", "/api/v2/whoami"])).fine().contains("service@"));
    }
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
    if !has_curl() {
        eprintln!("skipped: there is no curl on this machine");
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

fn has_curl() -> bool {
    Command::new("curl").arg("--version").stdout(Stdio::null()).status().is_ok()
}

#[test]
fn curl_inside_exec_trusts_the_ca_file() {
    if !has_curl() {
        eprintln!("skipped: there is no curl on this machine");
        return;
    }
    let stand = Stand::new();
    let curl =
        r#"curl -sS --noproxy '*' -H "Authorization: $PLEXTRAC_AUTHORIZATION" "$PLEXTRAC_URL/api/v2/whoami""#;
    let exec = || stand.service(&["exec", "sh", "-c", curl]);
    assert!(run(&mut exec()).fine().contains("service@example.com"));
    // Not by chance: a bundle of the user's own, without the CA, stays.
    let other = stand.file("other.pem", b"");
    let ran = run(exec().env("CURL_CA_BUNDLE", other).env("SSL_CERT_FILE", ""));
    assert!(ran.code != 0 && ran.stderr.contains("certificate"), "{ran:?}");
}

#[test]
fn exec_hands_on_the_ca_file_with_the_systems_roots() {
    let stand = Stand::new();
    let names = ["SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"];
    let list = format!("for name in {}; do printenv $name; done", names.join(" "));
    let values =
        |command: &mut Command| -> Vec<String> { run(command).fine().lines().map(str::to_owned).collect() };
    let ca_file = stand.emulator.ca_file();
    let set = values(&mut stand.service(&["exec", "sh", "-c", &list]));
    assert_eq!(set[3], ca_file.to_str().unwrap());
    assert!(set[..3].iter().all(|value| *value == set[0]), "{set:?}");
    let bundle = std::fs::read_to_string(&set[0]).unwrap();
    assert!(bundle.ends_with(&std::fs::read_to_string(ca_file).unwrap()));
    if std::path::Path::new("/etc/ssl/certs/ca-certificates.crt").exists() {
        assert!(bundle.matches("BEGIN CERTIFICATE").count() > 10, "{}", bundle.len());
    }
    let kept = values(
        names
            .iter()
            .fold(&mut stand.service(&["exec", "sh", "-c", &list]), |command, name| command.env(name, name)),
    );
    assert_eq!(kept, names, "what the user has set stays");
    let alone = run(&mut stand.service(&["exec", "--no-state", "sh", "-c", &list]));
    assert_eq!((alone.code, alone.text().trim_end()), (0, ca_file.to_str().unwrap()), "{alone:?}");
    assert!(alone.stderr.contains("do not trust"), "{alone:?}");
}

#[test]
fn exec_leaves_its_command_what_follows_the_password() {
    let stand = Stand::new();
    let mut command = stand.service(&["exec", "--password-stdin", "cat"]);
    let input = format!("{}\nfirst\nsecond", Account::service().password);
    let ran = run_with_input(command.env_remove("PLEXTRAC_PASSWORD"), input.as_bytes());
    assert_eq!(ran.fine(), "first\nsecond");
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
fn login_says_the_same_in_json() {
    let stand = Stand::new();
    let login = |args: &[&str]| -> serde_json::Value {
        let ran = run(stand.service(&["login", "--json"]).args(args));
        serde_json::from_str(ran.fine()).unwrap()
    };
    let first = login(&[]);
    assert_eq!(first["instance"], stand.emulator.tls_url());
    assert_eq!((&first["signed_in_now"], &first["saved_profile"]), (&true.into(), &().into()));
    assert!(first["expires_in_ms"].as_u64().unwrap() > 800_000, "{first}");
    let second = login(&["--save", "--profile", "acme"]);
    assert_eq!((&second["signed_in_now"], &second["saved_profile"]), (&false.into(), &"acme".into()));
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
fn exec_needs_no_dashes_before_its_command() {
    let stand = Stand::new();
    let shell = ["sh", "-c", "echo \"$1 $PLEXTRAC_USERNAME\"", "--", "--timeout"];
    for dashes in [&[][..], &["--"]] {
        let mut command = stand.service(&["exec", "--timeout", "20"]);
        assert_eq!(run(command.args(dashes).args(shell)).fine(), "--timeout service@example.com\n");
    }
}

#[test]
fn exec_ends_as_its_command_does() {
    let stand = Stand::new();
    let ran = run(&mut stand.service(&["exec", "--", "sh", "-c", "echo out; echo err >&2; exit 42"]));
    assert_eq!((ran.code, ran.text(), ran.stderr.as_str()), (42, "out\n", "err\n"));
}

#[test]
#[cfg(unix)]
fn exec_checks_its_command_before_it_sends_anything() {
    let stand = Stand::new();
    let file = stand.file("no-program", b"#!/bin/sh\n");
    let folder = file.parent().unwrap();
    let path = [folder.to_str().unwrap(), "/there/is/no/such/folder"].join(":");
    for (program, code, told) in [
        ("/there/is/no/such/command", 127, "was not found"),
        ("no-such-command", 127, "was not found"),
        (file.to_str().unwrap(), 126, "cannot be executed"),
        ("no-program", 126, "cannot be executed"),
        (folder.to_str().unwrap(), 126, "cannot be executed"),
    ] {
        let ran = run(stand.service(&["exec", "--", program]).env("PATH", &path));
        let line = ran.refused(code);
        assert!(line.starts_with(program) && line.contains(told), "{line}");
    }
    run(&mut stand.service(&["exec", "--", ""])).refused(2);
    assert_eq!(stand.requests(), 0);
    // What only the start can tell.
    let program = stand.file("of-no-interpreter", b"#!/there/is/no/such/interpreter\n");
    std::fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    run(stand.service(&["exec", "--"]).arg(program)).refused(127);
    assert!(stand.requests() > 0);
}

#[test]
#[cfg(target_os = "linux")]
fn a_command_inside_exec_ends_when_its_reader_has_gone() {
    let stand = Stand::new();
    // The mask of ignored signals; SIGPIPE is the 13th. This command itself ignores it.
    let ran = run(&mut stand.service(&["exec", "--", "grep", "^SigIgn:", "/proc/self/status"]));
    let mask = u64::from_str_radix(ran.fine().trim_start_matches("SigIgn:").trim(), 16).unwrap();
    assert_eq!(mask & (1 << 12), 0, "{mask:x}");
}

#[test]
fn exec_hands_on_flags_with_absolute_paths() {
    let stand = Stand::new();
    let headers = stand.file("headers", b"X-Team: red\n");
    let home = headers.parent().unwrap();
    std::fs::copy(stand.emulator.ca_file(), home.join("ca.pem")).unwrap();
    let mut command = stand.service(&["exec", "--username", "service@example.com", "--ca-file", "ca.pem"]);
    command.args(["--headers-file", "headers", "--state-dir", "state", "--proxy", ""]);
    command.args(["--auth-scheme", "bearer", "--url", &stand.emulator.tls_url()]);
    command.current_dir(home).env_remove("PLEXTRAC_URL").env_remove("PLEXTRAC_CA_FILE");
    command.env_remove("PLEXTRAC_USERNAME").env("HTTPS_PROXY", "http://127.0.0.1:1");
    let inner = "env | grep ^PLEXTRAC_ | sort; cd /; exec \"$0\" status";
    let ran = run(command.args(["--", "sh", "-c", inner, crate::stand::BINARY]));
    let here = home.canonicalize().unwrap();
    let at = |name: &str| here.join(name).display().to_string();
    for (name, value) in [
        ("USERNAME", "service@example.com".to_owned()),
        ("CA_FILE", at("ca.pem")),
        ("HEADERS_FILE", at("headers")),
        ("STATE_DIR", at("state")),
        ("PROXY", String::new()),
        ("AUTH_SCHEME", "bearer".to_owned()),
        ("URL", stand.emulator.tls_url()),
    ] {
        let line = format!("PLEXTRAC_{name}={value}");
        assert!(ran.fine().lines().any(|found| found == line), "{line}: {ran:?}");
    }
    assert!(ran.fine().contains("budget    1 of 6"), "the same state directory: {ran:?}");
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
fn an_imported_token_needs_no_user_name() {
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
    let before = json(run(&mut stand.analyst(&["status", "--json"])).signed_out());
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
    assert_eq!(after["locked_out"], false);
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
    assert_eq!(told.fine(), format!("signed out of {} as service@example.com\n", stand.emulator.tls_url()));
    assert!(run(&mut stand.service(&["status"])).signed_out().contains("state     signed out"));
    let mut without_password = stand.service(&["token"]);
    let refused = run(without_password.env_remove("PLEXTRAC_PASSWORD"));
    assert!(refused.refused(2).contains("PLEXTRAC_PASSWORD"));
}
