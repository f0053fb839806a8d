//! Static answers, set in code and read from a file.

mod client;

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use client::{AUTHENTICATE, Client, WHOAMI};
use plextrac_emulator::{Account, Emulator, Fault, Kind, Outcome, Route, Target};
use serde_json::json;

fn with_routes(routes: impl IntoIterator<Item = Route>) -> (Emulator, Client, String) {
    let builder = Emulator::builder().frozen_clock();
    let emulator = routes.into_iter().fold(builder, |builder, route| builder.route(route)).start().unwrap();
    let mut client = Client::plain(&emulator);
    let token = client.sign_in(&Account::service()).text("token");
    (emulator, client, token)
}

/// Why this route is refused, set in code.
fn refusal(routes: impl IntoIterator<Item = Route>) -> String {
    let error = routes.into_iter().fold(Emulator::builder(), |builder, route| builder.route(route)).start();
    let error = error.expect_err("it started");
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    error.to_string()
}

/// A file of routes in a folder of its own.
fn file(content: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("routes.json");
    fs::write(&file, content).unwrap();
    (folder, file)
}

/// Why this file is refused. The reason always names the file.
fn file_refusal(content: &str) -> String {
    let (_folder, file) = file(content);
    let why = Route::read_file(&file).expect_err("it was read").to_string();
    assert!(why.contains(file.to_str().unwrap()), "{why}");
    why
}

#[test]
fn a_route_answers_requests_with_a_token_alone() {
    let (emulator, mut client, token) =
        with_routes([Route::new("GET", "/api/v1/client/list").json(&json!([{ "id": 1 }]))]);
    let reply = client.get("/api/v1/client/list?page=2", &token);
    assert_eq!((reply.status, reply.json()), (200, json!([{ "id": 1 }])));
    assert_eq!(reply.header("content-type"), Some("application/json"));
    assert_eq!(client.get("/api/v1/client/list", "unknown").status, 401);
    assert_eq!(client.request("GET", "/api/v1/client/list", &[], b"").status, 401);
    assert_eq!(client.request("POST", "/api/v1/client/list", &[("Authorization", &token)], b"").status, 404);
    assert_eq!(client.get("/api/v1/client/list/", &token).status, 404);
    assert_eq!(emulator.stats().count(Kind::Route, Outcome::Ok), 1);
    assert_eq!(emulator.stats().count(Kind::Route, Outcome::Unauthorized), 2);
    assert_eq!(emulator.stats().count(Kind::Other, Outcome::NotFound), 2);
}

#[test]
fn a_route_has_the_status_headers_and_body_that_were_set() {
    let (_emulator, mut client, token) = with_routes([
        Route::new("POST", "/made").status(201).header("Location", "/made/1").header("X-A", "a"),
        Route::new("DELETE", "/made/1").status(204),
        Route::new("GET", "/file").body("application/pdf", [0, 255]).header("X-A", "b"),
        Route::new("GET", "/text").header("content-type", "text/csv").body("text/plain", "a,b"),
    ]);
    let authorized = [("Authorization", token.as_str())];
    let made = client.request("POST", "/made", &authorized, b"{}");
    assert_eq!((made.status, made.header("location"), made.header("x-a")), (201, Some("/made/1"), Some("a")));
    assert_eq!(client.request("DELETE", "/made/1", &authorized, b"").status, 204);
    let file = client.get("/file", &token);
    assert_eq!((file.body.as_slice(), file.header("content-type")), (&[0, 255][..], Some("application/pdf")));
    let text = client.get("/text", &token);
    assert_eq!((text.body.as_slice(), text.header("content-type")), (b"a,b".as_slice(), Some("text/csv")));
    assert_eq!(text.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("content-type")).count(), 1);
}

#[test]
fn a_segment_in_braces_stands_for_any_one_segment() {
    let (_emulator, mut client, token) = with_routes([
        Route::new("GET", "/client/7/report").json(&json!("seven")),
        Route::new("GET", "/client/{client-id}/report").json(&json!("any")),
    ]);
    assert_eq!(client.get("/client/7/report", &token).json(), "seven", "the first route that matches");
    assert_eq!(client.get("/client/a%2Fb/report", &token).json(), "any");
    for other in ["/client//report", "/client/1/2/report", "/client/report", "/client/1/report/1"] {
        assert_eq!(client.get(other, &token).status, 404, "{other}");
    }
}

#[test]
fn an_open_route_needs_no_token() {
    let (_emulator, mut client, _) =
        with_routes([Route::new("GET", "/open").json(&json!(1)).without_authorization()]);
    assert_eq!(client.request("GET", "/open", &[], b"").json(), 1);
}

#[test]
fn a_route_for_get_answers_head_without_a_body() {
    let (_emulator, mut client, token) = with_routes([Route::new("GET", "/list").json(&json!([1, 2]))]);
    client.send_request("HEAD", "/list", &[("Authorization", &token), ("Connection", "close")], b"");
    let bytes = String::from_utf8(client.rest()).unwrap();
    assert!(bytes.starts_with("HTTP/1.1 200 ") && bytes.contains("Content-Length: 5\r\n"), "{bytes}");
    assert!(bytes.ends_with("\r\n\r\n"), "{bytes}");
}

#[test]
fn a_route_replaces_an_endpoint_but_no_authentication_call() {
    let (emulator, mut client, token) = with_routes([
        Route::new("GET", WHOAMI).json(&json!({ "email": "me@example.com" })),
        Route::new("GET", "/api/v1/uploads/{name}").body("image/png", "pixels"),
        Route::new("POST", "/api/v1/{call}").json(&json!("route")),
    ]);
    assert_eq!(client.get(WHOAMI, &token).json(), json!({ "email": "me@example.com" }));
    assert_eq!(emulator.stats().count(Kind::Whoami, Outcome::Ok), 1);
    assert_eq!(client.get("/api/v1/uploads/logo.png", &token).status, 401, "uploads want the cookie");
    let cookie = format!("token={}", client.sign_in(&Account::service()).text("cookie"));
    let upload = client.request("GET", "/api/v1/uploads/logo.png", &[("Cookie", &cookie)], b"");
    assert_eq!((upload.status, upload.body.as_slice()), (200, b"pixels".as_slice()));
    assert_eq!(client.sign_in(&Account::service()).json()["status"], "success");
}

#[test]
fn faults_and_the_path_prefix_apply_to_routes() {
    let builder = Emulator::builder().path_prefix("/p").route(Route::new("GET", "/list").json(&json!([])));
    let emulator = builder.start().unwrap();
    let mut client = Client::plain(&emulator);
    let body = json!({ "username": "service@example.com", "password": "service-password" }).to_string();
    let path = format!("/p{AUTHENTICATE}");
    let token = client.request("POST", &path, &[client::JSON], body.as_bytes()).text("token");
    emulator.fault(Fault::on(Target::Api).html(502));
    assert_eq!(client.get("/p/list", &token).status, 502);
    assert_eq!(client.get("/p/list", &token).status, 200);
    assert_eq!(client.get("/list", &token).status, 404);
    emulator.set_always_unauthorized("/list");
    assert_eq!(client.get("/p/list", &token).status, 401);
}

#[test]
fn hostile_targets_reach_no_route_but_their_own() {
    let (emulator, mut client, token) = with_routes([
        Route::new("GET", "/a/b").json(&json!("literal")),
        Route::new("GET", "/{any}/c").json(&json!("any")),
    ]);
    let authorized = [("Authorization", token.as_str())];
    let long = format!("/{}/c", "x".repeat(60_000));
    for (target, status) in [
        ("http://elsewhere.example/a/b", 200),
        ("http://elsewhere.example", 404),
        ("/a/b#fragment", 200),
        (long.as_str(), 200),
        ("/../a/b", 404),
        ("/a/../a/b", 404),
        ("/a%2Fb", 404),
        ("/%61/b", 404),
        ("//a/b", 404),
        ("/a//b", 404),
        ("/A/b", 404),
        ("/{any}/c", 200),
        ("/{any}/{any}", 404),
        ("*", 404),
    ] {
        assert_eq!(
            client.request("GET", target, &authorized, b"").status,
            status,
            "{}",
            &target[..target.len().min(40)]
        );
    }
    for method in ["get", "GETX", "PROPFIND", "OPTIONS"] {
        assert_eq!(client.request(method, "/a/b", &authorized, b"").status, 404, "{method}");
    }
    let twice = [("Authorization", token.as_str()), ("Authorization", token.as_str())];
    assert_eq!(client.request("GET", "/a/b", &twice, b"").status, 401);
    assert_eq!(emulator.stats().count(Kind::Route, Outcome::Ok), 4);
}

#[test]
fn routes_that_make_no_sense_are_refused() {
    let get = |path: &str| Route::new("GET", path);
    for (route, expected) in [
        (Route::new("get", "/a"), "upper case"),
        (Route::new("", "/a"), "upper case"),
        (Route::new("GET /", "/a"), "upper case"),
        (Route::new("HEAD", "/a"), "use GET"),
        (get("a"), "begins with /"),
        (get(""), "begins with /"),
        (get("/a?b"), "without query"),
        (get("/a b"), "without query"),
        (get("/../a"), "without query"),
        (get("/{}"), "in braces"),
        (get("/x{a}"), "in braces"),
        (get("/_emulator/stats"), "use a fault"),
        (Route::new("POST", AUTHENTICATE), "use a fault"),
        (Route::new("PUT", "/api/v1/token/refresh"), "use a fault"),
        (get("/a").status(199), "between 200 and 599"),
        (get("/a").status(600), "between 200 and 599"),
        (get("/a").status(204).json(&json!(1)), "status 204 has no body"),
        (get("/a").status(304).json(&json!(1)), "status 304 has no body"),
        (get("/a").header("a b", "c"), "not the name of a header"),
        (get("/a").header("", "c"), "not the name of a header"),
        (get("/a").header("A", "b\r\nC: d"), "control character"),
        (get("/a").header("content-length", "7"), "writes the header"),
    ] {
        let named = format!("route 2 ({route})");
        let why = refusal([get("/fine"), route]);
        assert!(why.contains(&named) && why.contains(expected), "{why}");
    }
}

#[test]
fn a_route_that_can_never_answer_is_refused() {
    let get = |path: &str| Route::new("GET", path);
    for (first, second) in [("/a", "/a"), ("/{x}", "/a"), ("/{x}", "/{y}"), ("/{x}/b", "/a/b")] {
        let why = refusal([get(first), get(second)]);
        assert!(why.contains(&format!("route 2 (GET {second}) never answers")), "{why}");
    }
    for (first, second) in [("/a", "/{x}"), ("/{x}", "/"), ("/{x}/b", "/a/{y}"), ("/a", "/a/")] {
        assert!(Emulator::builder().route(get(first)).route(get(second)).start().is_ok(), "{first} {second}");
    }
    let other = Emulator::builder().route(get("/a")).route(Route::new("POST", "/a"));
    assert!(other.start().is_ok());
}

#[test]
fn routes_are_read_from_a_file_with_defaults() {
    let (folder, file) = file(
        r#"{"routes": [
            {"path": "/list", "body": [{"id": 1}]},
            {"path": "/null", "body": null},
            {"path": "/none"},
            {"method": "POST", "path": "/made", "status": 201,
             "headers": {"X-A": "1", "X-A": "2"}, "authorization": false},
            {"path": "/logo", "body_file": "files/logo.bin", "headers": {"Content-Type": "image/png"}},
            {"path": "/report", "body_file": "files/report.json"},
            {"path": "/other", "body_file": "files/logo.bin"}
        ]}"#,
    );
    fs::create_dir(folder.path().join("files")).unwrap();
    fs::write(folder.path().join("files/logo.bin"), [0, 255]).unwrap();
    fs::write(folder.path().join("files/report.json"), "{ }").unwrap();
    let (_emulator, mut client, token) = with_routes(Route::read_file(&file).unwrap());
    drop(folder);

    assert_eq!(client.get("/list", &token).json(), json!([{ "id": 1 }]));
    assert_eq!(client.get("/list", "unknown").status, 401, "authorization is required");
    assert_eq!(client.get("/null", &token).body, b"null");
    let none = client.get("/none", &token);
    assert_eq!((none.status, none.body.as_slice(), none.header("content-type")), (200, &[][..], None));
    let made = client.request("POST", "/made", &[], b"");
    let values: Vec<_> =
        made.headers.iter().filter(|(name, _)| name == "X-A").map(|(_, v)| v.as_str()).collect();
    assert_eq!((made.status, values), (201, vec!["1", "2"]));
    let logo = client.get("/logo", &token);
    assert_eq!((logo.body.as_slice(), logo.header("content-type")), (&[0, 255][..], Some("image/png")));
    let report = client.get("/report", &token);
    assert_eq!(
        (report.body.as_slice(), report.header("content-type")),
        (b"{ }".as_slice(), Some("application/json"))
    );
    assert_eq!(client.get("/other", &token).header("content-type"), Some("application/octet-stream"));
}

#[test]
fn a_wrong_routes_file_names_the_file_and_the_place() {
    for (content, expected) in [
        ("", "line 1"),
        ("[]", "an object with the list `routes`"),
        (r#"{"routes": [1]}"#, "a route: an object with a path"),
        ("{}", "missing field `routes`"),
        ("{\"routes\": [\n{\"path\": \"/a\", \"paht\": 1}]}", "unknown field `paht`"),
        (r#"{"routes": [{"method": "GET"}]}"#, "missing field `path`"),
        (r#"{"routes": [{"path": "/a", "status": 70000}]}"#, "70000"),
        (r#"{"routes": [{"path": "/a", "headers": [["A", "b"]]}]}"#, "an object of headers"),
        (r#"{"routes": [{"path": "/a", "headers": {"A": 1}}]}"#, "expected a string"),
        (r#"{"routes": [{"path": "/a"}, {"path": "b"}]}"#, "route 2 (GET b): the path begins with /"),
        (r#"{"routes": [{"path": "/a", "body": 1, "body_file": "x"}]}"#, "route 1 (GET /a) has both"),
        (r#"{"routes": [{"path": "/a", "body_file": "absent.json"}]}"#, "absent.json cannot be read"),
    ] {
        let why = file_refusal(content);
        assert!(why.contains(expected), "{content}: {why}");
    }
    let absent = Route::read_file(Path::new("/absent/routes.json")).unwrap_err();
    assert_eq!(absent.kind(), ErrorKind::NotFound);
    assert!(absent.to_string().starts_with("/absent/routes.json cannot be read"), "{absent}");
}
