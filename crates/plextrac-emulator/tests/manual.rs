//! docs/emulator.md: its examples work, and nothing is missing from it.

mod client;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Duration;

use client::{AUTHENTICATE, Client, JSON, MFA, REFRESH, WHOAMI};
use plextrac_emulator::{Account, Emulator, Kind, Outcome, Route};
use serde_json::{Value, json};

fn manual() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/emulator.md");
    fs::read_to_string(path).unwrap()
}

/// The code blocks of one language.
fn blocks(language: &str) -> Vec<String> {
    let (manual, fence) = (manual(), format!("```{language}\n"));
    manual.split(&fence).skip(1).map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

/// The name of the control endpoint, and the body that curl sends to it.
fn curl_calls() -> Vec<(String, String, Option<String>)> {
    let calls: Vec<_> = blocks("sh")
        .iter()
        .flat_map(|block| block.lines())
        .filter_map(|line| {
            let (arguments, name) =
                line.strip_prefix("curl ")?.strip_suffix('"')?.rsplit_once("\"$emulator/")?;
            let name = name.to_owned();
            Some(match arguments.trim() {
                "" => ("GET".to_owned(), name, None),
                "-X POST" => ("POST".to_owned(), name, None),
                data => {
                    let json = data.strip_prefix("-d '").and_then(|rest| rest.strip_suffix('\''));
                    ("POST".to_owned(), name, Some(json.unwrap_or_else(|| panic!("{line}")).to_owned()))
                }
            })
        })
        .collect();
    assert_eq!(calls.len(), manual().matches("\"$emulator/").count(), "every call is understood");
    calls
}

/// An emulator, a connection to it, and the token of a session.
fn signed_in() -> (Emulator, Client, String) {
    let emulator = Emulator::builder().frozen_clock().start().unwrap();
    let mut client = Client::plain(&emulator);
    let token = client.sign_in(&Account::service()).text("token");
    (emulator, client, token)
}

fn control(client: &mut Client, method: &str, name: &str, body: Option<&str>) -> client::Reply {
    // As curl sends it.
    let form = [("Content-Type", "application/x-www-form-urlencoded")];
    let headers = if body.is_some() { &form[..] } else { &[] };
    client.request(method, &format!("/_emulator/{name}"), headers, body.unwrap_or_default().as_bytes())
}

/// Sends the request that the fault is for.
fn send_target(client: &mut Client, emulator: &Emulator, target: &str, token: &str) {
    let service = json!({ "username": "service@example.com", "password": "service-password" }).to_string();
    match target {
        "mfa" => {
            let code = client.sign_in(&Account::analyst()).text("code");
            let digits = emulator.digits("analyst@example.com").unwrap();
            let body = json!({ "code": code, "token": digits }).to_string();
            client.send_request("POST", MFA, &[JSON], body.as_bytes());
        }
        "refresh" => client.send_request("PUT", REFRESH, &[("Authorization", token)], b""),
        "sign_in" => client.send_request("POST", AUTHENTICATE, &[JSON], service.as_bytes()),
        "api" | "any" => client.send_request("GET", WHOAMI, &[("Authorization", token)], b""),
        other => panic!("no example for {other}"),
    }
}

/// Does the client get what the manual says about this fault?
fn is_as_documented(fault: &str, emulator: &Emulator, mut client: Client) -> bool {
    if fault == "stall" {
        let seen = emulator
            .wait_for(Duration::from_secs(10), |seen| seen.last().is_some_and(|r| r.status.is_none()));
        return seen && emulator.stats().count(Kind::SignIn, Outcome::Faulted) == 1;
    }
    if let "drop_connection" | "lose_answer" = fault {
        return client.rest().is_empty();
    }
    if fault == "raw" {
        return client.rest() == b"HTTP/9.9 what\n";
    }
    if fault == "truncate" {
        return client.reply().is_err();
    }
    let reply = client.reply().unwrap();
    let is_html = reply.header("content-type").is_some_and(|value| value.starts_with("text/html"));
    match fault {
        "status" => reply.status == 502 && reply.header("X-Proxy") == Some("a") && reply.body == b"no",
        "html" => reply.status == 403 && is_html,
        "maintenance" => reply.status == 503 && is_html,
        "redirect" => reply.status == 307 && reply.header("location") == Some("https://elsewhere.example/"),
        "rate_limited" => reply.status == 429 && reply.header("retry-after") == Some("60"),
        "error_shape_two" => reply.status == 500 && reply.json()["statusCode"] == 500,
        "huge_body" => reply.status == 200 && reply.body.len() == 5_000_000 && reply.json().is_string(),
        "slow" | "slow_body" => reply.status == 200 && reply.json()["token"].is_string(),
        "wrong_types" => reply.json()["token"].is_number() && reply.json()["tenant_id"].is_string(),
        "missing_token" => reply.status == 200 && reply.json().get("token").is_none(),
        "hostile_token" => reply.text("token") == "a\r\nX-Injected: 1",
        _ => false,
    }
}

#[test]
fn every_fault_has_an_example_that_does_what_it_says() {
    let mut shown = BTreeSet::new();
    for (method, name, body) in curl_calls().into_iter().filter(|(_, name, _)| name == "fault") {
        let text = body.unwrap();
        let example: Value = serde_json::from_str(&text).unwrap();
        let fault = match &example["do"] {
            Value::String(fault) => fault.clone(),
            with_arguments => with_arguments.as_object().unwrap().keys().next().unwrap().clone(),
        };
        let (emulator, mut client, token) = signed_in();
        assert_eq!(control(&mut client, &method, &name, Some(&text)).status, 200, "{text}");
        send_target(&mut client, &emulator, example["on"].as_str().unwrap(), &token);
        assert!(is_as_documented(&fault, &emulator, client), "{text}");
        assert!(shown.insert(fault), "{text}: one example of each");
    }

    // The error for an unknown fault lists all of them.
    let (_emulator, mut client, _) = signed_in();
    let unknown = control(&mut client, "POST", "fault", Some(r#"{"on":"any","do":"explode"}"#));
    let known = unknown.text("message").split("one of ").nth(1).unwrap().to_owned();
    let known: BTreeSet<String> = known.split('`').skip(1).step_by(2).map(str::to_owned).collect();
    assert!(known.len() > 10, "{known:?}");
    assert_eq!(shown, known);
}

#[test]
fn every_control_endpoint_has_an_example_that_works() {
    let (emulator, mut client, token) = signed_in();
    let mut shown = BTreeSet::new();
    for (method, name, body) in curl_calls().into_iter().filter(|(_, name, _)| name != "fault") {
        assert_eq!(client.get(WHOAMI, &token).status, if shown.is_empty() { 200 } else { 401 });
        assert_eq!(control(&mut client, &method, &name, body.as_deref()).status, 200, "{name}");
        shown.insert(name);
    }
    assert_eq!(emulator.clock().monotonic_ms(), 900_000);
    shown.insert("fault".into());

    // The answer to an unknown call lists all of them.
    let known = control(&mut client, "POST", "explode", None).text("message");
    let other_words = ["the", "emulator", "knows", "GET", "and", "POST", ""];
    let known = known.split(|c: char| !c.is_ascii_alphabetic()).filter(|word| !other_words.contains(word));
    assert_eq!(shown, known.map(str::to_owned).collect());
    for name in shown {
        assert!(manual().contains(&format!(" /_emulator/{name}` |")), "{name}");
    }
}

#[test]
fn the_routes_file_that_is_shown_can_be_read() {
    let shown = blocks("json").into_iter().find(|block| block.contains("\"routes\"")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("routes.json");
    fs::write(&file, &shown).unwrap();
    fs::write(folder.path().join("logo.png"), "pixels").unwrap();
    let routes = Route::read_file(&file).unwrap();
    let builder = routes.into_iter().fold(Emulator::builder(), |builder, route| builder.route(route));
    let emulator = builder.start().unwrap();
    let mut client = Client::plain(&emulator);
    let token = client.sign_in(&Account::service()).text("token");
    assert_eq!(client.get("/api/v1/client/list", &token).json()[0]["name"], "ACME");
    assert_eq!(client.get("/api/v1/client/1/reports", &token).json(), json!([]));
    assert_eq!(client.get("/api/v1/client/1/logo", &token).body, b"pixels");
    let open = client.request("GET", "/status", &[], b"");
    assert_eq!((open.status, open.header("retry-after")), (503, Some("5")));
    let mut send = |method, path| client.request(method, path, &[("Authorization", &token)], b"").status;
    assert_eq!(send("POST", "/api/v1/client/create"), 201);
    assert_eq!(send("DELETE", "/api/v1/client/1"), 204);

    for field in ["method", "path", "status", "headers", "body", "body_file", "authorization"] {
        assert!(manual().contains(&format!("| `{field}` |")), "{field}");
    }
}

#[test]
fn the_description_has_the_fields_that_are_shown() {
    let shown = blocks("json").into_iter().find(|block| block.contains("\"tls_url\"")).unwrap();
    let shown: Value = serde_json::from_str(&shown).unwrap();
    let description = Emulator::start().unwrap().description();
    assert_eq!(shown["accounts"], description["accounts"]);
    let names = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&shown), names(&description));
}
