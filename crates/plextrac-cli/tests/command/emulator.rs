//! `emulator`, as programs in other languages start it.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::stand::{BINARY, Stand, run};

/// A child that does not outlive the test.
pub(crate) struct Running {
    child: Child,
    greeting: Value,
}

impl Running {
    pub(crate) fn start<S: AsRef<OsStr>>(args: &[S]) -> Self {
        let mut child = Command::new(BINARY)
            .arg("emulator")
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let greeting = serde_json::from_str(&line).unwrap();
        Self { child, greeting }
    }

    /// The environment of a command that signs in with the first account.
    pub(crate) fn account(&self) -> Vec<(&'static str, String)> {
        let account = &self.greeting["accounts"][0];
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        vec![
            ("PLEXTRAC_URL", text(&self.greeting["tls_url"])),
            ("PLEXTRAC_CA_FILE", text(&self.greeting["ca_file"])),
            ("PLEXTRAC_USERNAME", text(&account["username"])),
            ("PLEXTRAC_PASSWORD", text(&account["password"])),
        ]
    }

    fn port(&self, which: &str) -> u16 {
        let url = self.greeting[which].as_str().unwrap();
        url.rsplit(':').next().unwrap().parse().unwrap()
    }

    /// The whole answer, head and body, to a request with JSON.
    pub(crate) fn post(&self, path: &str, body: &str) -> String {
        self.send("POST", path, "", body)
    }

    pub(crate) fn send(&self, method: &str, path: &str, token: &str, body: &str) -> String {
        let mut stream = std::net::TcpStream::connect(("127.0.0.1", self.port("url"))).unwrap();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: emulator\r\nConnection: close\r\nAuthorization: {token}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // In order, so that its CA file goes with it.
        if let Ok(None) = self.child.try_wait() {
            let _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
            let _ = self.child.wait();
        }
    }
}

#[test]
fn its_first_line_says_where_it_is_and_who_can_sign_in() {
    let running = Running::start::<&str>(&[]);
    let greeting = &running.greeting;
    assert!(greeting["url"].as_str().unwrap().starts_with("http://127.0.0.1:"));
    assert!(greeting["tls_url"].as_str().unwrap().starts_with("https://127.0.0.1:"));
    let pem = std::fs::read_to_string(greeting["ca_file"].as_str().unwrap()).unwrap();
    assert!(pem.starts_with("-----BEGIN CERTIFICATE-----"));
    let accounts = greeting["accounts"].as_array().unwrap();
    assert!(
        accounts.iter().all(|account| account["username"].is_string() && account["password"].is_string())
    );
    assert!(accounts.iter().any(|account| account["totp_secret"].is_string()));
    assert!(accounts.iter().any(|account| account["totp_secret"].is_null()));
}

#[test]
fn the_command_signs_in_to_it_with_what_the_first_line_says() {
    let running = Running::start(&["--limit", "1"]);
    let stand = Stand::new();
    let mut command = stand.nobody(&["request", "GET", "/api/v2/whoami"]);
    command.envs(running.account());
    assert!(run(&mut command).fine().contains("service@example.com"));
    let limited = running.post("/api/v1/authenticate", "{}");
    assert!(limited.starts_with("HTTP/1.1 429 "), "--limit holds: {limited}");
    assert!(running.post("/_emulator/advance", r#"{"seconds": 61}"#).starts_with("HTTP/1.1 200 "));
    assert!(!running.post("/api/v1/authenticate", "{}").starts_with("HTTP/1.1 429 "));
}

#[test]
fn numbered_accounts_sign_in_and_differ_in_their_secrets() {
    let running = Running::start(&["--accounts", "1234"]);
    let accounts = running.greeting["accounts"].as_array().unwrap();
    assert_eq!(accounts.len(), 1234);
    for field in ["username", "password", "totp_secret"] {
        let told: Vec<_> = accounts.iter().filter_map(|account| account[field].as_str()).collect();
        assert_eq!(told.len(), if field == "totp_secret" { 617 } else { 1234 }, "{field}");
        assert_eq!(told.iter().collect::<HashSet<_>>().len(), told.len(), "{field}");
    }

    let stand = Stand::new();
    let account = accounts.last().unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let mut command = stand.nobody(&["request", "GET", "/api/v2/whoami"]);
    command
        .env("PLEXTRAC_URL", text(&running.greeting["url"]))
        .env("PLEXTRAC_USERNAME", text(&account["username"]))
        .env("PLEXTRAC_PASSWORD", text(&account["password"]))
        .env("PLEXTRAC_TOTP_SECRET", text(&account["totp_secret"]));
    assert!(run(&mut command).fine().contains("user1234@example.com"));
}

#[test]
fn a_port_that_is_taken_exits_with_1() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let stand = Stand::new();
    assert!(run(&mut stand.nobody(&["emulator", "--port", &port])).refused(1).contains("could not start"));
}

#[test]
fn until_eof_ends_it_and_removes_its_ca_file() {
    let mut running = Running::start(&["--until-eof"]);
    let ca_file = running.greeting["ca_file"].as_str().unwrap().to_owned();
    assert!(Path::new(&ca_file).exists());
    drop(running.child.stdin.take());
    assert_eq!(running.child.wait().unwrap().code(), Some(0));
    assert!(!Path::new(&ca_file).exists());
}

#[test]
fn a_signal_ends_it_in_order() {
    for signal in [Signal::TERM, Signal::INT] {
        let mut running = Running::start::<&str>(&[]);
        let ca_file = running.greeting["ca_file"].as_str().unwrap().to_owned();
        drop(running.child.stdin.take());
        kill_process(Pid::from_child(&running.child), signal).unwrap();
        assert_eq!(running.child.wait().unwrap().code(), Some(0));
        assert!(!Path::new(&ca_file).exists());
    }
}

#[test]
fn settings_that_would_serve_nobody_exit_with_2() {
    let stand = Stand::new();
    for args in [
        ["--limit", "0"],
        ["--token-life", "0"],
        ["--token-padding", "1048577"],
        ["--token-padding", "18446744073709551615"],
        ["--path-prefix", "/a?b"],
        ["--path-prefix", "/a#b"],
    ] {
        let ran = run(stand.nobody(&["emulator"]).args(args));
        assert_eq!((ran.code, ran.text()), (2, ""), "{args:?}: {ran:?}");
        assert!(!ran.stderr.contains("panicked"), "{ran:?}");
    }
}
