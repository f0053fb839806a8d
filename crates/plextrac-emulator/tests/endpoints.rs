//! What answers without a token, what the echo sends back, and where the paths begin.

mod client;

use client::{Client, JSON, WHOAMI, frozen};
use plextrac_emulator::{Account, Emulator, Kind, Outcome};
use serde_json::json;

#[test]
fn the_open_endpoints_need_no_token() {
    let (_emulator, mut client) = frozen();
    let mut get = |path| client.request("GET", path, &[], b"");
    assert_eq!(get("/api/v1/").json(), json!({ "text": "Authenticate at /authenticate" }));
    assert_eq!(get("/api/v2/health/full").json()["data"]["inMaintenanceMode"], false);
    assert_eq!(get("/api/v2/authenticate/providers").status, 200);
}

#[test]
fn paths_and_methods_that_do_not_exist_are_not_found() {
    let (emulator, mut client) = frozen();
    for (method, path) in [
        ("PUT", "/api/v1/authenticate"),
        ("PUT", "/api/v1/token"),
        ("GET", "/api/v1//authenticate"),
        ("POST", "/api/v1/authenticate/"),
        ("GET", "/api/v2/user/mfa/qr"),
        ("GET", "/"),
    ] {
        assert_eq!(client.request(method, path, &[], b"").status, 404, "{method} {path}");
    }
    assert_eq!(emulator.stats().count(Kind::Other, Outcome::NotFound), 6);
    assert_eq!(emulator.stats().authentication_requests(), 0);
}

#[test]
fn json_comes_back_as_it_was_only_when_it_is_called_json() {
    let (_emulator, mut client) = frozen();
    let token = client.sign_in(&Account::service()).text("token");
    let body = br#"{ "b": 1,  "a": [null, 1e400] }"#;
    let mut echo = |content_type: &str| {
        let headers = [("Authorization", token.as_str()), ("Content-Type", content_type)];
        client.request("POST", "/api/v1/echo/deep/er?q=1", &headers, body)
    };
    let reply = echo("application/json; charset=utf-8");
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("application/json")));
    assert_eq!(reply.body, body);
    assert_eq!(reply.header("x-echo-method"), Some("POST"));

    let reply = echo("application/x-www-form-urlencoded");
    assert_eq!((reply.status, reply.body.len()), (200, 0), "the server saw no body");
    let reply = echo("text/plain");
    assert_eq!((reply.header("content-type"), reply.body.as_slice()), (Some("text/plain"), body.as_slice()));
}

#[test]
fn other_bodies_come_back_byte_for_byte() {
    let (_emulator, mut client) = frozen();
    let token = client.sign_in(&Account::service()).text("token");
    let every_byte: Vec<u8> = (0..=u8::MAX).cycle().take(100_000).collect();
    for content_type in ["application/octet-stream", "multipart/form-data; boundary=\"x\""] {
        let headers = [("Authorization", token.as_str()), ("Content-Type", content_type)];
        let reply = client.request("PUT", "/api/v1/echo", &headers, &every_byte);
        assert_eq!(reply.header("content-type"), Some(content_type));
        assert_eq!(reply.body, every_byte);
        assert_eq!(reply.header("x-echo-method"), Some("PUT"));
    }
}

#[test]
fn what_is_called_json_and_is_not_is_a_bad_request() {
    let (_emulator, mut client) = frozen();
    let token = client.sign_in(&Account::service()).text("token");
    let headers = [JSON, ("Authorization", token.as_str())];
    assert_eq!(client.request("POST", "/api/v1/echo", &headers, b"{").status, 400);
}

#[test]
fn a_missing_permission_is_403_and_says_unauthorized() {
    let (_emulator, mut client) = frozen();
    assert_eq!(client.get("/api/v1/forbidden", "nonsense").status, 401);
    let token = client.sign_in(&Account::service()).text("token");
    let reply = client.get("/api/v1/forbidden", &token);
    assert_eq!(reply.status, 403);
    assert!(reply.text("message").contains("Unauthorized"));
}

#[test]
fn everything_can_live_below_a_prefix() {
    let emulator = Emulator::builder().path_prefix("/plex/trac/").start().unwrap();
    assert!(emulator.url().ends_with("/plex/trac"));
    assert!(emulator.tls_url().ends_with("/plex/trac"));
    let mut client = Client::plain(&emulator);
    let body = json!({ "username": "service@example.com", "password": "service-password" }).to_string();
    let mut post = |path| client.request("POST", path, &[JSON], body.as_bytes()).status;
    assert_eq!(post("/plex/trac/api/v1/authenticate"), 200);
    assert_eq!(post("/api/v1/authenticate"), 404);
    assert_eq!(post("/plex/tracapi/v1/authenticate"), 404);
    assert_eq!(post("/plex/trac/_emulator/revoke"), 200);
    assert_eq!(post("/_emulator/revoke"), 200);
}

#[test]
fn a_request_in_the_form_meant_for_proxies_is_understood() {
    let (_emulator, mut client) = frozen();
    let token = client.sign_in(&Account::service()).text("token");
    assert_eq!(client.get(&format!("http://example.com{WHOAMI}?x=1"), &token).status, 200);
}
