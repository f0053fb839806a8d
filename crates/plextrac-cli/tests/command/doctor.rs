//! `doctor`.

use plextrac_emulator::{Account, Fault, Kind, Target};
use serde_json::{Value, json};

use crate::secrecy::has_six_digits_in_a_row;
use crate::stand::{Stand, run};

#[test]
fn doctor_finds_nothing_in_the_way_and_signs_nobody_in() {
    let stand = Stand::new();
    let told = run(&mut stand.analyst(&["doctor"])).fine().to_owned();
    for line in [
        "note  profile   none is used",
        &format!("ok    settings  {}", stand.emulator.tls_url()),
        "ok    instance  answers in ",
        "ok    clock     ",
        "ok    health    not in maintenance mode",
        "ok    sign-in   user name analyst@example.com, a password (not tried)",
        "ok    MFA       a TOTP secret, well formed",
        "ok    sharing   ",
        "note  session   none yet",
    ] {
        assert!(told.lines().any(|found| found.starts_with(line)), "{line} in\n{told}");
    }
    assert_eq!(stand.authentication_requests(), 0);
    assert!(stand.emulator.requests().iter().all(|request| request.header("authorization").is_none()));
}

#[test]
fn doctor_says_what_is_wrong_and_exits_as_a_sign_in_would() {
    let stand = Stand::new();
    let mut command = stand.service(&["doctor"]);
    let untrusted = run(command.env_remove("PLEXTRAC_CA_FILE"));
    assert_eq!(untrusted.code, 6);
    assert!(untrusted.text().contains("bad   instance"), "{untrusted:?}");

    stand.emulator.fault(Fault::on(Target::Path("/api/v1/".into())).html(503));
    let gateway = run(&mut stand.service(&["doctor"]));
    assert_eq!(gateway.code, 7);
    assert!(gateway.text().contains("bad   instance  HTTP 503"), "{gateway:?}");

    let malformed = run(stand.service(&["doctor"]).env("PLEXTRAC_TOTP_SECRET", "1"));
    assert_eq!(malformed.code, 2);
    assert!(malformed.text().contains("bad   MFA"), "{malformed:?}");
}

#[test]
fn doctor_tells_of_maintenance() {
    let stand = Stand::new();
    stand.emulator.fault(Fault::on(Target::SignIn).always().maintenance());
    let ran = run(&mut stand.service(&["doctor"]));
    assert_eq!(ran.code, 7);
    assert!(ran.text().contains("bad   health    the instance is in maintenance mode"), "{ran:?}");
}

#[test]
fn doctor_finds_a_rejected_password_and_a_wrong_clock() {
    let stand = Stand::new();
    let mistaken = |args: &[&str]| {
        let mut command = stand.service(args);
        run(command.env("PLEXTRAC_PASSWORD", "mistyped"))
    };
    mistaken(&["login"]).refused(4);
    stand.emulator.clock().set_unix_offset_ms(-7_200_000);
    let ran = mistaken(&["doctor"]);
    assert_eq!(ran.code, 4);
    assert!(ran.text().contains("bad   session   these credentials were rejected"), "{ran:?}");
    assert!(ran.text().contains("behind this machine's"), "{ran:?}");
    assert_eq!(stand.authentication_requests(), 1);
}

#[test]
fn doctor_says_the_same_in_json() {
    let stand = Stand::new();
    let good: Value = serde_json::from_str(run(&mut stand.analyst(&["doctor", "--json"])).fine()).unwrap();
    let about = |name: &str| {
        let findings = good["findings"].as_array().unwrap();
        findings.iter().find(|finding| finding["about"] == name).unwrap()["result"].clone()
    };
    assert_eq!(
        (about("instance"), about("session"), about("profile")),
        (json!("ok"), json!("note"), json!("note"))
    );
    let mut command = stand.service(&["doctor", "--json"]);
    let bad = run(command.env_remove("PLEXTRAC_CA_FILE"));
    assert_eq!((bad.code, bad.stderr.as_str()), (6, ""));
    assert!(bad.text().contains(r#""result":"bad""#), "{bad:?}");
}

/// The secrets and names of an account that a report holds.
fn found_in(report: &str, stand: &Stand, account: &Account, tokens: &[String]) -> Vec<String> {
    let port = stand.emulator.tls_url().rsplit(':').next().unwrap().to_owned();
    let mut hidden =
        vec![account.username.clone(), account.password.clone(), "127.0.0.1".to_owned(), format!(":{port}")];
    hidden.extend(account.totp_secret.clone());
    hidden.extend(tokens.iter().cloned());
    hidden.retain(|text| report.to_lowercase().contains(&text.to_lowercase()));
    hidden.extend(has_six_digits_in_a_row(report).then(|| "six digits".to_owned()));
    hidden
}

#[test]
fn a_report_says_what_came_and_holds_no_value() {
    let stand = Stand::new();
    let account = Account::analyst();
    let token = || run(&mut stand.analyst(&["token"])).fine().trim_end().to_owned();
    let before = token();
    let file = stand.path("report.json");
    let mut doctor = stand.analyst(&["doctor", "--yes", "--report"]);
    let ran = run(doctor.arg(&file));
    assert!(ran.fine().contains("holds no secret"), "{ran:?}");
    let tokens = [before, token()];
    let stats = stand.emulator.stats();
    assert_eq!(
        (stats.of_kind(Kind::SignIn), stats.of_kind(Kind::Refresh)),
        (2, 1),
        "once each, and one before"
    );

    let text = std::fs::read_to_string(&file).unwrap();
    let report: Value = serde_json::from_str(&text).unwrap();
    let exchanges: Vec<(&str, u64)> = report["exchanges"]
        .as_array()
        .unwrap()
        .iter()
        .map(|exchange| (exchange["request"].as_str().unwrap(), exchange["status"].as_u64().unwrap()))
        .collect();
    assert_eq!(
        exchanges,
        [
            ("GET /api/v1/", 200),
            ("GET /api/v2/health/full", 200),
            ("POST /api/v1/authenticate", 200),
            ("POST /api/v1/authenticate/mfa", 200),
            ("PUT /api/v1/token/refresh", 200)
        ]
    );
    assert_eq!((&report["sign_in"], &report["refresh"]), (&json!("done"), &json!("done")));
    assert_eq!(report["exchanges"][3]["fields"]["token"], "string", "{text}");
    assert!(text.contains("\"date\"") && text.contains("took_ms"), "{text}");
    assert_eq!(found_in(&text, &stand, &account, &tokens), [""; 0], "{text}");
    // Control: each of them is found where it is.
    for secret in
        [&account.username, &account.password, account.totp_secret.as_ref().unwrap(), &tokens[0], &tokens[1]]
    {
        assert_eq!(found_in(&format!("{text}{secret}"), &stand, &account, &tokens), [secret.as_str()]);
    }
    for (added, named) in [("127.0.0.1", "127.0.0.1"), ("code 123456", "six digits")] {
        assert_eq!(found_in(&format!("{text}{added}"), &stand, &account, &tokens), [named]);
    }
}

#[test]
fn a_report_removes_a_secret_that_a_server_uses_as_a_name() {
    let stand = Stand::new();
    let account = Account::service();
    let body = format!(
        r#"{{"status":"error","{}":1,"{}":{{"x-{}":2}},"seen 123456":3}}"#,
        account.username, account.password, account.password
    );
    stand.emulator.fault(Fault::on(Target::SignIn).status(401, "application/json", &[], body));
    let file = stand.path("report.json");
    assert_eq!(run(stand.service(&["doctor", "--yes", "--report"]).arg(&file)).code, 4);
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(
        text.contains("(removed)") && text.contains("(other)") && text.contains("\"Rejected\""),
        "{text}"
    );
    assert_eq!(found_in(&text, &stand, &account, &[]), [""; 0], "{text}");
}

#[test]
fn a_report_needs_the_consent_of_the_user() {
    let stand = Stand::new();
    let file = stand.path("report.json");
    let ran = run(stand.service(&["doctor", "--report"]).arg(&file));
    assert!(ran.refused(2).contains("--yes"), "{ran:?}");
    assert!(!file.exists());
    run(stand.service(&["doctor", "--yes", "--report"]).arg("/there/is/no/such/folder/x")).refused(2);
    assert_eq!(stand.requests(), 0);
}
