//! Scripts branch on the exit code, and people read the one line that comes with it.

use std::net::TcpListener;
use std::process::Stdio;
use std::time::Duration;

use plextrac_emulator::{Emulator, Fault, Kind, Target};

use crate::stand::{Ran, Stand, run};

#[test]
fn usage_errors_exit_with_2() {
    let stand = Stand::new();
    for args in [
        &["no-such-command"][..],
        &["token", "--no-such-flag"],
        &["token", "superfluous"],
        &["token", "--timeout", "0"],
        &["token", "--wait", "x"],
        &["token", "--auth-scheme", "basic"],
        &["request", "GET"],
        &["request", "POST", "/", "--json", "{}", "--data", "x"],
        &["exec"],
        &["exec", "--"],
        &["exec", "--no-such-flag", "env"],
        &[],
    ] {
        let ran = run(&mut stand.service(args));
        assert_eq!((ran.code, ran.text()), (2, ""), "{args:?}: {ran:?}");
        assert!(ran.stderr.contains("Usage:") || ran.stderr.contains("--help"), "{ran:?}");
    }
    assert_eq!(stand.requests(), 0);
}

#[test]
fn a_usage_error_names_no_option_that_the_environment_sets() {
    let stand = Stand::new();
    let ran = run(&mut stand.service(&["token", "--no-such-flag"]));
    assert!(ran.stderr.contains("\nUsage: plextrac-auth token [OPTIONS]\n"), "{}", ran.stderr);
    let ran = run(&mut stand.service(&["request", "--no-such-flag"]));
    assert!(
        ran.stderr.contains("\nUsage: plextrac-auth request [OPTIONS] [METHOD] <PATH>\n"),
        "{}",
        ran.stderr
    );
}

#[test]
#[cfg(unix)]
fn each_line_on_standard_error_is_written_at_once() {
    use std::os::fd::OwnedFd;
    use std::os::unix::net::UnixDatagram;

    let stand = Stand::new();
    for args in [&["token", "--insecure-skip-verify"][..], &["token", "--no-such-flag"], &["request", "GET"]]
    {
        // Each write of the command is one datagram.
        let (ours, theirs) = UnixDatagram::pair().unwrap();
        let mut command = stand.service(args);
        command.env_remove("PLEXTRAC_PASSWORD").stderr(OwnedFd::from(theirs)).stdout(Stdio::null());
        assert_eq!(command.status().unwrap().code(), Some(2));
        drop(command);
        ours.set_nonblocking(true).unwrap();
        let mut buffer = [0; 4096];
        let mut count = 0;
        while let Ok(length @ 1..) = ours.recv(&mut buffer) {
            let text = String::from_utf8_lossy(&buffer[..length]);
            assert!(text.ends_with('\n'), "{args:?}: {text:?}");
            count += 1;
        }
        assert!(count > 0, "{args:?}");
    }
}

#[test]
fn bad_settings_exit_with_2_and_say_which() {
    let stand = Stand::new();
    let no_pem = stand.file("no.pem", b"this is no certificate");
    let no_pem = no_pem.to_str().unwrap();
    for (name, value, told) in [
        ("PLEXTRAC_URL", "https://", "no host"),
        ("PLEXTRAC_URL", "https://user:hunter2@acme.example", "user information"),
        ("PLEXTRAC_URL", "ftp://acme.example", "scheme"),
        ("PLEXTRAC_URL", "http://acme.example", "not encrypted"),
        ("PLEXTRAC_CA_FILE", "/there/is/no/such/file", "/there/is/no/such/file"),
        ("PLEXTRAC_CA_FILE", no_pem, no_pem),
        ("PLEXTRAC_HEADERS_FILE", "/there/is/no/such/file", "/there/is/no/such/file"),
        ("PLEXTRAC_TOTP_SECRET", "hunter2!", "the TOTP secret"),
        ("PLEXTRAC_PASSWORD", "hunter2\u{7}", "the password"),
        ("PLEXTRAC_PROXY", "ftp://proxy.example", "proxy"),
    ] {
        let ran = run(stand.service(&["token"]).env(name, value));
        let line = ran.refused(2);
        assert!(line.contains(told) && !line.contains("hunter2"), "{name}={value}: {line}");
    }
    assert_eq!(stand.requests(), 0);
}

#[test]
fn a_code_that_is_not_given_exits_with_3() {
    let stand = Stand::new();
    let mut command = stand.analyst(&["token"]);
    let ran = run(command.env_remove("PLEXTRAC_TOTP_SECRET"));
    let line = ran.refused(3);
    assert!(line.contains("a one-time code is needed") && line.contains("PLEXTRAC_TOTP_SECRET"), "{line}");
    assert_eq!(stand.authentication_requests(), 1);
}

#[test]
fn a_rejected_password_exits_with_4_and_is_sent_once() {
    let stand = Stand::new();
    let mistaken = |args: &[&str]| {
        let mut command = stand.service(args);
        run(command.env("PLEXTRAC_PASSWORD", "mistyped"))
    };
    for _ in 0..3 {
        assert!(mistaken(&["token"]).refused(4).contains("reject"));
    }
    assert_eq!(stand.authentication_requests(), 1);
    mistaken(&["login", "--again"]).refused(4);
    assert_eq!(stand.authentication_requests(), 2, "login --again allows it once");
    run(&mut stand.service(&["token"])).fine();
}

#[test]
fn an_ended_token_without_a_password_exits_with_4() {
    let stand = Stand::new();
    let token = run(&mut stand.service(&["token"])).fine().trim_end().to_owned();
    stand.emulator.revoke_tokens();
    let ran = run(stand.somewhere(&["request", "GET", "/api/v2/whoami"]).env("PLEXTRAC_TOKEN", token));
    assert!(matches!(ran.code, 1 | 4), "{ran:?}");
    let ended = "eyJhbGciOiJub25lIn0.eyJpYXQiOjEwMDAwMDAwMDAsImV4cCI6MTAwMDAwMDkwMH0.x";
    let ran = run(stand.somewhere(&["token"]).env("PLEXTRAC_TOKEN", ended));
    assert!(ran.refused(4).contains("PLEXTRAC_TOKEN"), "{ran:?}");
}

#[test]
fn a_rate_limit_exits_with_5_in_all_runs_until_it_ends() {
    let stand = Stand::new();
    stand.emulator.fault(Fault::on(Target::SignIn).rate_limited(Some("30")));
    for _ in 0..3 {
        let ran = run(&mut stand.service(&["token"]));
        let seconds = seconds_in(ran.refused(5));
        assert!((1..=31).contains(&seconds), "{ran:?}");
    }
    assert_eq!(stand.authentication_requests(), 1);
}

#[test]
fn a_budget_that_is_used_up_exits_with_5_and_nothing_is_sent() {
    let stand = Stand::new();
    let mut runs = 0;
    let refused = loop {
        let ran = run(&mut stand.service(&["login", "--again"]));
        if ran.code != 0 {
            break ran;
        }
        runs += 1;
    };
    assert!((1..=61).contains(&seconds_in(refused.refused(5))), "{refused:?}");
    assert_eq!(stand.authentication_requests(), runs);
    assert!((5..=6).contains(&runs), "{runs}");
}

#[test]
fn wait_waits_for_the_turn() {
    let stand = Stand::new();
    stand.emulator.fault(Fault::on(Target::SignIn).rate_limited(Some("1")));
    assert_eq!(run(&mut stand.service(&["token"])).code, 5);
    run(&mut stand.service(&["token", "--wait", "10"])).fine();
}

#[test]
fn wait_waits_for_a_rate_limit_that_the_same_run_meets() {
    let stand = Stand::new();
    stand.emulator.fault(Fault::on(Target::SignIn).rate_limited(Some("1")));
    run(&mut stand.service(&["token", "--wait", "10"])).fine();
    assert_eq!(stand.authentication_requests(), 2);
}

#[test]
fn the_wait_that_a_message_advises_suffices() {
    let stand = Stand::new();
    stand.emulator.fault(Fault::on(Target::SignIn).rate_limited(Some("2")));
    let refused = run(&mut stand.service(&["token"]));
    let advice = refused.refused(5).split("--wait ").nth(1).unwrap();
    let seconds = advice.split(' ').next().unwrap();
    assert_eq!(seconds_in(refused.refused(5)), 2, "{refused:?}");
    run(&mut stand.service(&["token", "--wait", seconds])).fine();
}

#[test]
fn a_server_that_cannot_be_reached_exits_with_6() {
    let stand = Stand::new();
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let ran = run(stand.service(&["token"]).env("PLEXTRAC_URL", format!("https://{closed}")));
    assert!(ran.refused(6).contains(&closed.to_string()), "{ran:?}");
}

#[test]
fn an_untrusted_certificate_exits_with_6_and_names_the_flag() {
    let stand = Stand::new();
    let mut command = stand.service(&["token"]);
    assert!(run(command.env_remove("PLEXTRAC_CA_FILE")).refused(6).contains("--ca-file"));
    let skipped = run(command.arg("--insecure-skip-verify"));
    assert_eq!(skipped.code, 0);
    assert!(skipped.stderr.contains("warning: certificates are not checked"));
}

#[test]
fn a_server_that_speaks_no_tls_is_not_called_untrusted() {
    let stand = Stand::new();
    let url = stand.emulator.url().replacen("http:", "https:", 1);
    let told = run(stand.service(&["token"]).env("PLEXTRAC_URL", url)).refused(6).to_owned();
    assert!(told.contains("does not speak TLS"), "{told}");
    assert!(!told.contains("trust") && !told.contains("--ca-file") && !told.contains("wait"), "{told}");
}

#[test]
fn a_port_that_is_none_exits_with_2_and_is_named() {
    let stand = Stand::new();
    let ran = run(stand.service(&["token"]).env("PLEXTRAC_URL", "https://127.0.0.1:99999"));
    assert!(ran.refused(2).contains("port is not a number from 1 to 65535"), "{ran:?}");
}

#[test]
fn a_server_that_does_not_answer_exits_with_6() {
    let stand = Stand::with(Emulator::builder().sign_in_delay(Duration::from_secs(600)));
    stand.emulator.fault(Fault::on(Target::SignIn).stall());
    assert!(run(&mut stand.service(&["token", "--timeout", "1"])).refused(6).contains("in time"));
}

#[test]
fn a_page_for_people_exits_with_7_and_counts_as_no_rejection() {
    let stand = Stand::new();
    stand.emulator.fault(Fault::on(Target::SignIn).html(403));
    assert!(run(&mut stand.service(&["token"])).refused(7).contains("in front"));
    assert_eq!(stand.emulator.stats().of_kind(Kind::SignIn), 1);
    assert!(!run(&mut stand.service(&["status"])).signed_out().contains("rejected"));
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let stand = Stand::new();
    for args in [&["token"][..], &["status"], &["--help"]] {
        let mut child = stand.service(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!((output.status.code(), output.stderr), (Some(0), vec![]), "{args:?}");
    }
}

#[test]
fn a_reader_that_has_seen_enough_hides_no_failure() {
    let stand = Stand::new();
    for (args, code) in
        [(&["request", "GET", "/api/v1/nothing"][..], 1), (&["doctor", "--proxy", "http://127.0.0.1:1"], 6)]
    {
        let mut child = stand.service(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let ran = Ran::from(child.wait_with_output().unwrap());
        assert!(!ran.refused(code).is_empty(), "{args:?}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn an_output_that_is_full_exits_with_1() {
    let stand = Stand::new();
    for args in [&["token"][..], &["--help"], &["request", "--help"], &["--version"]] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let ran = run(stand.service(args).stdout(full));
        assert!(ran.refused(1).contains("standard output cannot be written"), "{args:?}");
    }
}

#[test]
fn what_a_server_says_steers_no_terminal() {
    let stand = Stand::new();
    let told = r#"{"status":"error","message":"exe.\u202egpj \u001b[2J\u2028next"}"#;
    stand.emulator.fault(Fault::on(Target::SignIn).status(401, "application/json", &[], told));
    let ran = run(&mut stand.service(&["token"]));
    let line = ran.refused(4);
    assert!(line.contains(r"exe.\u{202e}gpj") && line.contains(r"\u{2028}next"), "{line}");
    assert!(!line.contains('\x1b'), "{line}");
}

/// The number before the last " s".
fn seconds_in(line: &str) -> u64 {
    let words: Vec<&str> = line.split([' ', ';']).collect();
    let unit = words.iter().rposition(|word| *word == "s").unwrap();
    words[unit - 1].parse().unwrap()
}

#[test]
fn the_wait_for_a_turn_is_no_part_of_what_the_network_may_take() {
    let stand = Stand::new();
    run(&mut stand.service(&["login"])).fine();
    let patient = ["--timeout", "1", "--wait", "600"];
    let held = stand.emulator.hold(Target::Api);
    let began = std::time::Instant::now();
    run(stand.service(&["request", "GET", "/api/v2/whoami"]).args(patient)).refused(6);
    held.release();
    let held = stand.emulator.hold(Target::SignIn);
    run(stand.service(&["login", "--again"]).args(patient)).refused(6);
    assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
    held.release();
}
