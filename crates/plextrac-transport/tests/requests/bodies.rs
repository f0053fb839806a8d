//! What is sent and received arrives as it was meant.

use std::time::Duration;

use plextrac_emulator::{Kind, upload_bytes};
use plextrac_transport::{Request, Scheme, Session};
use serde_json::{Value, json};

use crate::stage::{EARLY, OVER, Stage};

#[test]
fn json_goes_out_and_comes_back_as_the_value_it_was() {
    let stage = Stage::new();
    let session = stage.signed_in(Duration::ZERO);
    let value = json!({ "name": "Ünïcödé \u{1f512}", "zero": 0, "nested": [null, true, 1.5, "\"\\\n"] });
    let answer = session.post_json("/api/v1/echo", &value).unwrap();
    assert!(answer.is_success());
    assert_eq!(answer.json::<Value>().unwrap(), value);
    let seen = stage.emulator.requests().pop().unwrap();
    assert_eq!(seen.header("content-type"), Some("application/json"));
    assert_eq!(seen.header("content-length"), Some(seen.body.len().to_string().as_str()));
}

#[test]
fn an_answer_that_is_not_json_is_an_error_without_quotes() {
    let stage = Stage::new();
    let session = stage.signed_in(Duration::ZERO);
    let mut request = Request::new("POST", "/api/v1/echo").unwrap();
    request.json_bytes(br#"{"a": "hunter2"}"#);
    let answer = session.request(&request).unwrap();
    let error = answer.json::<Vec<u32>>().unwrap_err();
    assert!(!format!("{error} {error:?} {answer:?}").contains("hunter2"));
    assert_eq!(answer.body(), br#"{"a": "hunter2"}"#);
}

#[test]
fn every_byte_value_passes_both_ways_untouched() {
    let stage = Stage::new();
    let session = stage.signed_in(Duration::ZERO);
    let bytes: Vec<u8> = (0..=255).cycle().take(100_003).collect();
    for method in ["POST", "PUT", "PATCH"] {
        let mut request = Request::new(method, "/api/v1/echo/file?name=a%20b&x=%2F").unwrap();
        request.body("application/octet-stream", &bytes).unwrap();
        let answer = session.request(&request).unwrap();
        assert_eq!(answer.into_body().as_slice(), bytes);
        let seen = stage.emulator.requests().pop().unwrap();
        assert_eq!(
            (seen.method.as_str(), seen.path.as_str()),
            (method, "/api/v1/echo/file?name=a%20b&x=%2F")
        );
        assert_eq!(seen.body, bytes);
    }
}

#[test]
fn the_user_agent_names_this_library_unless_it_is_set() {
    let stage = Stage::new();
    let plain = Session::new(&stage.service()).unwrap();
    plain.login().unwrap();
    let mut config = stage.service();
    config.user_agent("report-bot/2.0").unwrap();
    let named = Session::new(&config).unwrap();
    named.login().unwrap();
    let mut config = stage.service();
    config.header("User-Agent", "gateway-bot/1").unwrap();
    Session::new(&config).unwrap().login().unwrap();
    let mut request = Request::get("/api/v2/whoami").unwrap();
    request.header("user-agent", "mine/1").unwrap();
    named.request(&request).unwrap();
    named.get("/api/v2/whoami").unwrap();
    let seen = stage.emulator.requests();
    let agents: Vec<_> = seen.iter().map(|request| request.header("user-agent").unwrap()).collect();
    let ours = concat!("plextrac-auth/", env!("CARGO_PKG_VERSION"));
    assert_eq!(agents, [ours, "report-bot/2.0", "gateway-bot/1", "mine/1", "report-bot/2.0"]);
    let count = |request: &plextrac_emulator::Recorded| {
        request.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("user-agent")).count()
    };
    assert!(seen.iter().all(|request| count(request) == 1));
}

#[test]
fn a_path_prefix_of_the_instance_stands_before_every_path() {
    let stage = Stage::with(|builder| builder.path_prefix("/plextrac"));
    let session = stage.signed_in(Duration::ZERO);
    assert_eq!(session.get("/api/v2/whoami").unwrap().status(), 200);
    assert!(stage.emulator.requests().iter().all(|seen| seen.path.starts_with("/plextrac/api/")));
}

#[test]
fn uploads_go_with_the_cookie_and_without_authorization() {
    let stage = Stage::new();
    let session = stage.signed_in(Duration::ZERO);
    let answer = session.get("/api/v1/uploads/logo.png").unwrap();
    assert_eq!((answer.status(), answer.body()), (200, upload_bytes("logo.png").as_slice()));
    let seen = stage.emulator.requests().pop().unwrap();
    assert_eq!(seen.header("authorization"), None);
    let cookie = session.cookie().unwrap();
    assert_eq!(seen.header("cookie"), Some(format!("token={}", cookie.expose()).as_str()));
    assert!(!session.authorization().unwrap().matches(cookie.expose()), "they are two different tokens");
    session.get("/api/v2/whoami").unwrap();
    let seen = stage.emulator.requests().pop().unwrap();
    assert_eq!(seen.header("cookie"), None, "and nothing else goes with it");
}

#[test]
fn a_ready_made_token_gets_its_cookie_by_a_refresh() {
    let stage = Stage::new();
    let given = stage.signed_in(Duration::ZERO).authorization().unwrap();
    let mut config = stage.bare();
    config.token(given.expose()).unwrap();
    let session = Session::new(&config).unwrap();
    assert_eq!(session.get("/api/v1/uploads/logo.png").unwrap().status(), 200);
    assert_eq!((stage.seen(Kind::SignIn), stage.seen(Kind::Refresh)), (1, 1));
}

#[test]
fn extra_headers_go_with_every_request() {
    let stage = Stage::new();
    let mut config = stage.analyst();
    config
        .totp_secret("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")
        .unwrap()
        .header("cf-access-token", "first")
        .unwrap()
        .header("cf-access-token", "gate")
        .unwrap()
        .header("X-Trace", "7")
        .unwrap();
    let session = Session::new(&config).unwrap();
    session.get("/api/v2/whoami").unwrap();
    session.get("/api/v1/uploads/logo.png").unwrap();
    stage.advance(OVER);
    let mut request = Request::get("/api/v2/whoami").unwrap();
    request.header("X-Trace", "8").unwrap();
    session.request(&request).unwrap();
    let seen = stage.emulator.requests();
    for kind in [Kind::SignIn, Kind::Mfa, Kind::Refresh, Kind::Whoami, Kind::Uploads] {
        assert!(seen.iter().any(|request| request.kind == kind), "{kind:?}");
    }
    for request in &seen {
        let gate: Vec<_> =
            request.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("cf-access-token")).collect();
        assert_eq!(gate.len(), 1, "{request:?}");
        assert_eq!(gate[0].1, "gate");
    }
    assert_eq!(seen.last().unwrap().header("x-trace"), Some("8"), "a request's own takes its place");
    assert_eq!(seen.first().unwrap().header("x-trace"), Some("7"));
}

#[test]
fn the_header_has_the_token_raw_or_as_a_bearer() {
    for (scheme, prefix) in [(Scheme::Raw, ""), (Scheme::Bearer, "Bearer ")] {
        let stage = Stage::new();
        let mut config = stage.service();
        config.auth_scheme(scheme);
        let session = Session::new(&config).unwrap();
        session.get("/api/v2/whoami").unwrap();
        stage.advance(OVER);
        session.get("/api/v2/whoami").unwrap();
        for request in stage.emulator.requests() {
            let value = request.header("authorization");
            match request.kind {
                Kind::SignIn => assert_eq!(value, None),
                _ => assert!(value.unwrap().starts_with(&format!("{prefix}ey")), "{request:?}"),
            }
        }
        assert!(session.authorization().unwrap().expose().starts_with(prefix));
    }
}

#[test]
fn six_digits_and_what_follows_take_one_connection() {
    let stage = Stage::new();
    let mut config = stage.analyst();
    config.totp_secret("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ").unwrap();
    let session = Session::new(&config).unwrap();
    for _ in 0..5 {
        session.get("/api/v2/whoami").unwrap();
    }
    stage.advance(OVER);
    session.get("/api/v2/whoami").unwrap();
    assert_eq!(stage.emulator.stats().connections.plain, 1);
    assert_eq!(stage.authentications(), 3);
}

#[test]
fn a_program_with_its_own_http_uses_the_header_value() {
    let stage = Stage::new();
    let session = stage.signed_in(EARLY);
    let held = session.authorization().unwrap();
    stage.emulator.revoke_tokens();
    assert!(session.report_unauthorized(held.expose()).unwrap(), "try once more");
    let next = session.authorization().unwrap();
    assert!(!next.matches(held.expose()));
    assert!(session.report_unauthorized(held.expose()).unwrap(), "that one is replaced already");
    assert!(session.authorization().unwrap().matches(next.expose()), "and the new one is not touched");
    assert!(
        !session.report_unauthorized(next.expose()).unwrap(),
        "a fresh one did not help: that is the answer"
    );
}
