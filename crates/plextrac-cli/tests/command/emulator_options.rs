//! `emulator`: the options for what differs between instances, and for static answers.

use serde_json::{Value, json};

use crate::emulator::Running;
use crate::stand::{Stand, run};

const SIGN_IN: &str = "/api/v1/authenticate";

/// A client that knows the accounts of the emulator.
trait Client {
    fn sign_in(&self, password: &str) -> Answer;
    fn get(&self, path: &str, token: &str) -> Answer;
}

impl Client for Running {
    fn sign_in(&self, password: &str) -> Answer {
        let body = json!({ "username": "service@example.com", "password": password }).to_string();
        Answer(self.post(SIGN_IN, &body))
    }

    fn get(&self, path: &str, token: &str) -> Answer {
        Answer(self.send("GET", path, token, ""))
    }
}

struct Answer(String);

impl Answer {
    fn status(&self) -> u16 {
        self.0.split(' ').nth(1).unwrap().parse().unwrap()
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.0.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    fn json(&self) -> Value {
        serde_json::from_str(self.0.split_once("\r\n\r\n").unwrap().1).unwrap()
    }

    fn token(&self) -> String {
        self.json()["token"].as_str().unwrap().to_owned()
    }
}

/// The complaint of a start with these arguments.
fn refusal(args: &[&str]) -> String {
    let ran = run(Stand::new().nobody(&["emulator"]).args(args));
    assert_eq!((ran.code, ran.text()), (2, ""), "{args:?}: {ran:?}");
    ran.stderr
}

#[test]
fn rejections_and_locks_are_as_the_options_say() {
    let running =
        Running::start(&["--rejection-status", "200", "--lock-after", "2", "--locked-status", "423"]);
    for _ in 0..2 {
        let rejected = running.sign_in("wrong");
        assert_eq!((rejected.status(), &rejected.json()["status"]), (200, &json!("error")));
    }
    assert_eq!(running.sign_in("service-password").status(), 423);

    let running = Running::start(&["--lock-after", "never", "--limit", "100"]);
    let statuses: Vec<u16> = (0..20).map(|_| running.sign_in("wrong").status()).collect();
    assert_eq!(statuses, [401; 20]);
    assert_eq!(running.sign_in("service-password").status(), 200);
}

#[test]
fn the_limit_is_as_the_options_say() {
    let limited = |args: &[&str]| {
        let running = Running::start(&[&["--limit", "1"], args].concat());
        let token = running.sign_in("service-password").token();
        let refreshed = Answer(running.send("PUT", "/api/v1/token/refresh", &token, "")).status();
        let answer = running.sign_in("service-password");
        assert_eq!(answer.status(), 429);
        (refreshed, answer.header("Retry-After").map(str::to_owned))
    };
    assert_eq!(limited(&["--retry-after", "none"]), (429, None));
    assert_eq!(limited(&["--retry-after", "7", "--unlimited-refresh"]), (200, Some("7".into())));
    let seconds: u64 = limited(&["--retry-after", "auto"]).1.unwrap().parse().unwrap();
    assert!((1..=60).contains(&seconds), "{seconds}");
}

#[test]
fn challenge_and_whoami_have_the_fields_asked_for() {
    let running =
        Running::start(&["--challenge-tenant-id", "--whoami-fields", r#"{"email": "me@example.com"}"#]);
    let body = json!({ "username": "analyst@example.com", "password": "analyst-password" }).to_string();
    let challenge = Answer(running.post(SIGN_IN, &body)).json();
    assert_eq!((&challenge["tenant_id"], &challenge["mfa_enabled"]), (&json!(0), &json!(true)));
    let token = running.sign_in("service-password").token();
    for path in ["/api/v2/whoami", "/api/v1/user/whoami"] {
        assert_eq!(running.get(path, &token).json()["email"], "me@example.com", "{path}");
    }
}

#[test]
fn routes_come_from_a_file_and_the_command_gets_them() {
    let stand = Stand::new();
    stand.file("logo.png", b"pixels");
    let file = stand.file(
        "routes.json",
        br#"{"routes": [
            {"path": "/api/v1/client/{id}/logo", "body_file": "logo.png"},
            {"path": "/api/v1/client/list", "body": [{"id": 1}]}
        ]}"#,
    );
    let running = Running::start(&["--routes".as_ref(), file.as_os_str()]);
    assert_eq!(running.get("/api/v1/client/list", "").status(), 401);
    let mut command = stand.nobody(&["request", "GET", "/api/v1/client/7/logo"]);
    command.envs(running.account());
    assert_eq!(run(&mut command).fine(), "pixels");
    let mut command = stand.nobody(&["request", "GET", "/api/v1/client/list"]);
    command.envs(running.account());
    assert_eq!(run(&mut command).fine(), r#"[{"id":1}]"#);
}

#[test]
fn options_that_make_no_sense_exit_with_2_and_say_why() {
    for (args, expected) in [
        (["--rejection-status", "500"], "cannot have the status 500"),
        (["--rejection-status", "many"], "--rejection-status"),
        (["--locked-status", "204"], "cannot have the status 204"),
        (["--lock-after", "0"], "cannot lock after 0 rejections"),
        (["--lock-after", "-1"], "unexpected argument '-1'"),
        (["--lock-after", "often"], "`never` or a number of rejections"),
        (["--retry-after", "0"], "cannot be 0 seconds"),
        (["--retry-after", "86401"], "cannot be 86401 seconds"),
        (["--retry-after", "soon"], "`auto`, `none` or a number of seconds"),
        (["--whoami-fields", "email"], "--whoami-fields takes a JSON object"),
        (["--whoami-fields", "[1]"], "--whoami-fields takes a JSON object"),
        (["--whoami-fields", r#"{"username":"x"}"#], "\"username\" comes from the account"),
        (["--routes", "/absent/routes.json"], "--routes: /absent/routes.json cannot be read"),
    ] {
        let why = refusal(&args);
        assert!(why.contains(expected), "{args:?}: {why}");
    }
}

#[test]
fn a_wrong_routes_file_exits_with_2_and_names_the_route() {
    let stand = Stand::new();
    let file = stand.file("routes.json", br#"{"routes": [{"path": "/a"}, {"path": "/a"}]}"#);
    let why = refusal(&["--routes", file.to_str().unwrap()]);
    assert!(why.contains("routes.json: route 2 (GET /a) never answers"), "{why}");
}
