//! `request METHOD PATH`.

use std::time::{Duration, Instant};

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
fn json_is_sent_from_an_argument_a_file_or_standard_input() {
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
fn headers_of_the_session_are_refused_in_a_request() {
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
    for path in ["api/v1", "/a b", "/a\r\nX: y", "/../x", "/api/v1/uploads/%2e%2E/x"] {
        let ran = run(&mut stand.service(&["request", "GET", path]));
        let why = ran.refused(2);
        assert!(why.contains("path"), "{path}: {why}");
    }
    assert!(run(&mut stand.service(&["request", "G T", "/"])).refused(2).contains("method"));
    assert_eq!(stand.requests(), 0);
}

#[test]
fn authentication_paths_are_refused_in_requests() {
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
fn a_token_that_died_early_is_replaced() {
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
fn an_unwritable_output_is_reported_before_sending() {
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
fn the_method_is_given_in_any_case_by_an_option_or_not_at_all() {
    let stand = Stand::new();
    for (args, method) in [
        (&["get", "/api/v1/echo"][..], "GET"),
        (&["pAtCh", "/api/v1/echo", "--data", "x"], "PATCH"),
        (&["-X", "put", "/api/v1/echo", "--data", "x"], "PUT"),
        (&["/api/v1/echo", "--method", "DELETE"], "DELETE"),
        (&["/api/v1/echo"], "GET"),
        (&["/api/v1/echo", "-d", "x"], "POST"),
        (&["/api/v1/echo", "--json", "{}"], "POST"),
        (&["/api/v1/echo", "-F", "a=b"], "POST"),
    ] {
        run(stand.service(&["request"]).args(args)).fine();
        assert_eq!(stand.emulator.requests().pop().unwrap().method, method, "{args:?}");
    }
    let sent = stand.requests();
    for (args, why) in [
        (&[][..], "path is missing"),
        (&["GET"], "path is missing"),
        (&["GET", "/", "-X", "GET"], "given twice"),
        (&["G T", "/"], "method"),
        (&["/", "-d", "x", "--json", "{}"], "--json"),
        (&["/", "-d", "x", "-F", "a=b"], "--form"),
    ] {
        let ran = run(stand.service(&["request"]).args(args));
        assert!(ran.code == 2 && ran.stderr.contains(why), "{args:?}: {ran:?}");
    }
    assert_eq!(stand.requests(), sent);
}

#[test]
fn a_whole_url_of_the_instance_is_taken_and_any_other_refused() {
    let stand = Stand::with(Emulator::builder().path_prefix("/plextrac"));
    let url = stand.emulator.tls_url();
    let ran = run(&mut stand.service(&["request", &format!("{url}/api/v2/whoami?a=b")]));
    assert!(ran.fine().contains("service@example.com"), "{ran:?}");
    assert!(stand.emulator.requests().pop().unwrap().path.ends_with("/plextrac/api/v2/whoami?a=b"));
    let sent = stand.requests();
    let without_prefix = format!("{}/api/v2/whoami", url.trim_end_matches("/plextrac"));
    for url in ["https://evil.example/api?key=secret", &without_prefix, &stand.emulator.url(), "ftp://x/y"] {
        let ran = run(&mut stand.service(&["request", "GET", url]));
        let why = ran.refused(2);
        assert!(why.contains("no other host") && !why.contains("secret"), "{why}");
    }
    assert_eq!(stand.requests(), sent, "nothing was sent");
}

#[test]
fn a_form_is_sent_with_its_fields_and_files() {
    let stand = Stand::new();
    let file = stand.file("scan \"1\".xml", &all_bytes());
    let form = [
        "-F",
        "name=ACME = 1",
        "--form",
        &format!("upload=@{};type=text/xml", file.display()),
        "-F",
        "piped=@-",
    ];
    let mut command = stand.service(&["request", "/api/v1/echo"]);
    let ran = run_with_input(command.args(form), b"from a pipe");
    assert_eq!(ran.code, 0, "{ran:?}");
    let seen = stand.emulator.requests().pop().unwrap();
    let content_type = seen.header("content-type").unwrap();
    let boundary = content_type.strip_prefix("multipart/form-data; boundary=").unwrap();
    let mut expected = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\nACME = 1\r\n\
         --{boundary}\r\nContent-Disposition: form-data; name=\"upload\"; filename=\"scan %221%22.xml\"\r\n\
         Content-Type: text/xml\r\n\r\n"
    )
    .into_bytes();
    expected.extend(all_bytes());
    expected.extend(
        format!(
            "\r\n--{boundary}\r\nContent-Disposition: form-data; name=\"piped\"; filename=\"-\"\r\n\
             Content-Type: application/octet-stream\r\n\r\nfrom a pipe\r\n--{boundary}--\r\n"
        )
        .into_bytes(),
    );
    assert!(seen.body == expected, "{}", String::from_utf8_lossy(&seen.body));
    assert_eq!(seen.header("content-length"), Some(expected.len().to_string().as_str()));
    let sent = stand.requests();
    for (args, why) in [
        (&["-F", "no equals sign"][..], "NAME=VALUE"),
        (&["-F", "=x"], "NAME=VALUE"),
        (&["-F", "a=@/there/is/no/such/file"], "nothing was sent"),
        (&["-F", "a=@/"], "nothing was sent"),
        (&["-F", "a=b", "-H", "Content-Type: text/plain"], "leave that header out"),
    ] {
        let ran = run(stand.service(&["request", "/api/v1/echo"]).args(args));
        assert!(ran.refused(2).contains(why), "{ran:?}");
    }
    assert_eq!(stand.requests(), sent);
}

#[test]
fn a_refused_request_is_retried_as_often_as_asked() {
    let stand = Stand::new();
    run(&mut stand.service(&["login"])).fine();
    let echoes = || stand.emulator.stats().of_kind(Kind::Echo);
    let echo = |faults: u32, args: &[&str]| {
        stand.emulator.fault(Fault::on(Target::Api).times(faults).rate_limited(Some("1")));
        let ran = run(stand.service(&["request", "PUT", "/api/v1/echo", "--data", "x"]).args(args));
        stand.emulator.clear_faults();
        ran
    };
    let began = Instant::now();
    let ran = echo(2, &["--retry", "2"]);
    assert_eq!((ran.code, ran.text()), (0, "x"), "{ran:?}");
    assert!(began.elapsed() >= Duration::from_secs(2), "Retry-After is kept");
    assert!(ran.stderr.contains("HTTP 429; sending it again in 1 s, 1 more after that"), "{ran:?}");
    let ran = echo(2, &["--retry", "1", "--quiet"]);
    assert_eq!((ran.code, ran.stderr.lines().count()), (1, 1), "{ran:?}");
    assert!(ran.stderr.contains("HTTP 429"), "{ran:?}");
    assert_eq!(echo(1, &[]).code, 1, "control: without --retry");
    assert_eq!(echoes(), 6);
    let ran = run(&mut stand.service(&["request", "/api/v1/echo", "--data", "x", "--retry", "1"]));
    assert!(ran.refused(2).contains("POST could be done twice"), "{ran:?}");
}

#[test]
fn a_lost_connection_is_retried_and_a_failed_sign_in_is_not() {
    let whoami =
        |stand: &Stand| run(&mut stand.service(&["request", "GET", "/api/v2/whoami", "--retry", "1", "-q"]));
    let stand = Stand::new();
    stand.emulator.fault(Fault::on(Target::SignIn).drop_connection());
    assert!(!whoami(&stand).refused(6).is_empty());
    assert_eq!(stand.emulator.requests().len(), 1);
    let stand = Stand::new();
    run(&mut stand.service(&["login"])).fine();
    stand.emulator.fault(Fault::on(Target::Api).drop_connection());
    assert!(whoami(&stand).fine().contains("service@example.com"));
    stand.emulator.fault(Fault::on(Target::Api).times(2).drop_connection());
    assert!(whoami(&stand).refused(6).contains("before it answered"));
    let sent = stand.emulator.requests().iter().filter(|seen| seen.kind == Kind::Whoami).count();
    assert_eq!(sent, 4);
}

#[test]
fn verbose_shows_exchanges_and_no_secret() {
    let stand = Stand::new();
    let headers = stand.file("headers", b"X-Gate: gate-secret\n");
    let args = ["request", "POST", "/api/v1/echo?key=query-secret", "-v", "--json", r#""body-secret""#];
    let mut command = stand.service(&args);
    let ran = run(command.arg("-H").arg("X-Own: own-secret").env("PLEXTRAC_HEADERS_FILE", headers));
    assert_eq!((ran.code, ran.text()), (0, r#""body-secret""#));
    for line in [
        "/api/v1/authenticate\n",
        "> x-gate: [hidden]\n",
        "/api/v1/echo?[hidden]\n",
        "> accept: application/json\n",
        "> content-type: application/json\n",
        "> authorization: [hidden]\n",
        "< HTTP/1.1 200\n",
    ] {
        assert!(ran.stderr.contains(line), "{line}: {}", ran.stderr);
    }
    let token = stand.emulator.requests().pop().unwrap().header("authorization").unwrap().to_owned();
    for secret in ["secret", "service-password", token.as_str()] {
        assert!(!ran.stderr.contains(secret), "{secret}: {}", ran.stderr);
    }
    assert!(ran.stderr.lines().all(|line| ["> ", "< "].iter().any(|mark| line.starts_with(mark))));
}

#[test]
fn with_fail_an_error_answer_is_not_written() {
    let stand = Stand::new();
    let file = stand.file("out", b"before");
    let mut command = stand.service(&["request", "/api/v1/forbidden", "--fail", "--include", "-o"]);
    let ran = run(command.arg(&file));
    assert!(ran.refused(1).contains("HTTP 403"), "{ran:?}");
    assert_eq!(std::fs::read(&file).unwrap(), b"before");
    let ran = run(&mut stand.service(&["request", "/api/v1/forbidden", "-f"]));
    assert!(ran.refused(1).contains("HTTP 403"), "{ran:?}");
    let ran = run(&mut stand.service(&["request", "/api/v1/forbidden"]));
    assert!(ran.code == 1 && ran.text().contains("permission"), "control: {ran:?}");
}
