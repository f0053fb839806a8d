//! `request METHOD PATH`.

use plextrac_emulator::{Emulator, Fault, Kind, Outcome, Target, upload_bytes};

use crate::stand::{Stand, run, run_with_input};

/// Every byte there is.
fn all_bytes() -> Vec<u8> {
    (0..=u8::MAX).collect()
}

#[test]
fn the_body_of_an_answer_comes_out_byte_for_byte() {
    let stand = Stand::new();
    let bytes = all_bytes();
    let file = format!("@{}", stand.file("bytes", &bytes).display());
    let from_file = run(&mut stand.service(&["request", "POST", "/api/v1/echo", "--data", &file]));
    assert_eq!((from_file.code, from_file.stdout), (0, bytes.clone()));
    let mut command = stand.service(&["request", "PUT", "/api/v1/echo", "--data", "-"]);
    assert_eq!(run_with_input(&mut command, &bytes).stdout, bytes);
    let upload = run(&mut stand.service(&["request", "GET", "/api/v1/uploads/logo.png"]));
    assert_eq!(upload.stdout, upload_bytes("logo.png"), "the endpoint that wants the cookie");
}

#[test]
fn json_is_sent_as_json_from_the_argument_a_file_or_standard_input() {
    let stand = Stand::new();
    let json = r#"{"name": "ACME",  "n": 1}"#;
    let file = format!("@{}", stand.file("body.json", json.as_bytes()).display());
    for source in [json, &file, "-", "@-"] {
        let mut command = stand.service(&["request", "POST", "/api/v1/echo", "--json", source]);
        assert_eq!(run_with_input(&mut command, json.as_bytes()).fine(), json, "{source}");
    }
    let echoes: Vec<_> =
        stand.emulator.requests().into_iter().filter(|request| request.kind == Kind::Echo).collect();
    assert_eq!(echoes.len(), 4);
    assert!(echoes.iter().all(|echo| echo.header("content-type") == Some("application/json")));
}

#[test]
fn what_is_no_json_is_refused_before_anything_is_sent() {
    let stand = Stand::new();
    for wrong in ["{'name': 1}", "", "{} {}", "@/there/is/no/such/file"] {
        let ran = run(&mut stand.service(&["request", "POST", "/api/v1/echo", "--json", wrong]));
        assert!(!ran.refused(2).is_empty(), "{wrong}");
    }
    assert_eq!(stand.requests(), 0);
}

#[test]
fn headers_of_a_request_are_sent_and_those_of_the_session_are_refused() {
    let stand = Stand::new();
    let text = ["--data", "a=b", "--header", "Content-Type: text/plain", "--header", "X-Trace: 7"];
    let ran = run(stand.service(&["request", "POST", "/api/v1/echo"]).args(text));
    assert_eq!(ran.fine(), "a=b");
    let seen = stand.emulator.requests().pop().unwrap();
    assert_eq!(seen.header("content-type"), Some("text/plain"));
    assert_eq!(seen.header("x-trace"), Some("7"));
    let sent = stand.requests();
    for header in ["Authorization: x", "Cookie: x", "Host: x", "X: a\r\nY: b", "no colon", "A B: c"] {
        let ran = run(stand.service(&["request", "GET", "/api/v2/whoami", "--header"]).arg(header));
        assert!(!ran.refused(2).is_empty(), "{header}");
    }
    assert_eq!(stand.requests(), sent);
}

#[test]
fn a_request_goes_to_the_instance_and_nowhere_else() {
    let stand = Stand::new();
    for path in ["https://evil.example/", "api/v1", "/a b", "/a\r\nX: y", "/../x", "/api/v1/uploads/%2e%2E/x"]
    {
        let ran = run(&mut stand.service(&["request", "GET", path]));
        assert!(ran.refused(2).contains("path"), "{path}");
    }
    assert!(run(&mut stand.service(&["request", "G T", "/"])).refused(2).contains("method"));
    assert_eq!(stand.requests(), 0);
}

#[test]
fn what_signs_in_or_refreshes_is_refused_for_it_would_be_counted_in_no_budget() {
    let stand = Stand::new();
    for (method, path) in [
        ("POST", "/api/v1/authenticate"),
        ("POST", "/api/v1/authenticate/mfa"),
        ("PUT", "/api/v1/token/refresh"),
    ] {
        let ran = run(&mut stand.service(&["request", method, path, "--json", "{}"]));
        assert!(ran.refused(2).contains("plextrac-auth login"), "{ran:?}");
    }
    assert_eq!(stand.requests(), 0);
}

#[test]
fn an_http_error_gives_its_body_a_note_and_exit_1() {
    let stand = Stand::new();
    stand
        .emulator
        .fault(Fault::on(Target::Path("/api/v1/moved".into())).redirect(302, "https://evil.example/"));
    for (path, status, body) in [
        ("/api/v1/forbidden?secret=1", 403, "permission"),
        ("/api/v1/nothing", 404, "Not Found"),
        ("/api/v1/moved", 302, ""),
    ] {
        let ran = run(&mut stand.service(&["request", "GET", path]));
        assert_eq!(ran.code, 1);
        assert!(ran.text().contains(body), "{ran:?}");
        let note = format!("GET {} was answered with HTTP {status}", path.split('?').next().unwrap());
        assert!(ran.stderr.contains(&note) && !ran.stderr.contains("secret"), "{ran:?}");
    }
}

#[test]
fn a_token_that_died_early_is_replaced_and_the_request_sent_once_more() {
    let stand = Stand::new();
    run(&mut stand.analyst(&["login"])).fine();
    stand.emulator.revoke_tokens();
    stand.emulator.clock().advance(std::time::Duration::from_secs(90));
    let ran = run(&mut stand.analyst(&["request", "GET", "/api/v2/whoami"]));
    assert!(ran.fine().contains("analyst@example.com"));
    let stats = stand.emulator.stats();
    assert_eq!(stats.count(Kind::Whoami, Outcome::Unauthorized), 1);
    assert_eq!(stats.count(Kind::Whoami, Outcome::Ok), 1);
}

#[test]
fn include_writes_status_and_headers_before_the_body() {
    let stand = Stand::new();
    let ran = run(&mut stand.service(&["request", "PATCH", "/api/v1/echo", "--json", "[1]", "--include"]));
    let (head, body) = ran.fine().split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200\r\n") && head.contains("x-echo-method: PATCH"), "{head}");
    assert_eq!(body, "[1]");
}

#[test]
fn output_is_replaced_by_an_answer_and_by_nothing_else() {
    let stand = Stand::new();
    let file = stand.file("out", b"what was there before, and is longer");
    let get =
        |path: &str| run(stand.service(&["request", "POST", path, "--json", "{}", "--output"]).arg(&file));
    assert_eq!(get("/api/v1/echo").fine(), "");
    assert_eq!(std::fs::read(&file).unwrap(), b"{}");
    stand.emulator.fault(Fault::on(Target::Path("/api/v1/echo".into())).truncate());
    assert_eq!(get("/api/v1/echo").code, 6);
    assert_eq!(std::fs::read(&file).unwrap(), b"{}");
}

#[test]
fn an_output_that_cannot_be_written_is_told_before_anything_is_sent() {
    let stand = Stand::new();
    let nowhere = stand.path("missing").join("out");
    let ran = run(stand.service(&["request", "GET", "/api/v2/whoami", "--output"]).arg(nowhere));
    assert!(ran.refused(2).contains("nothing was sent"));
    assert_eq!(stand.requests(), 0);
    let new = stand.path("new");
    let ran = run(stand.nobody(&["request", "GET", "/", "--output"]).arg(&new));
    assert_eq!(ran.code, 2);
    assert!(!new.exists(), "no empty file is left behind");
}

#[test]
fn an_instance_below_a_path_is_reached() {
    let stand = Stand::with(Emulator::builder().path_prefix("/plextrac"));
    let told = run(&mut stand.analyst(&["request", "GET", "/api/v2/whoami"]));
    assert!(told.fine().contains("analyst@example.com"));
}

#[test]
fn an_answer_over_the_limit_exits_with_7_and_names_the_option() {
    let stand = Stand::new();
    let get = |size: &[&str]| {
        stand.emulator.fault(Fault::on(Target::Path("/api/v1/echo".into())).huge_body(65 << 20));
        run(stand.service(&["request", "GET", "/api/v1/echo"]).args(size))
    };
    for size in [&[][..], &["--max-body", "68157439"]] {
        assert!(get(size).refused(7).contains("--max-body"), "{size:?}");
    }
    let large = get(&["--max-body", "65M"]);
    assert_eq!((large.code, large.stdout.len()), (0, 65 << 20));
    assert_eq!(run(&mut stand.service(&["request", "GET", "/", "--max-body", "much"])).code, 2);
}
