//! Each way of going wrong, as a client meets it.

mod client;

use std::time::{Duration, Instant};

use client::{AUTHENTICATE, Client, JSON, REFRESH, WHOAMI, frozen};
use plextrac_emulator::{Account, Emulator, Fault, Kind, Outcome, Target};
use serde_json::json;

#[test]
fn a_fault_happens_as_often_as_told_and_then_no_more() {
    let (emulator, mut client) = frozen();
    emulator.fault(Fault::on(Target::SignIn).times(2).html(503));
    emulator.fault(Fault::on(Target::SignIn).times(0).html(500));
    let statuses = [0; 3].map(|_| client.sign_in(&Account::service()).status);
    assert_eq!(statuses, [503, 503, 200]);
    assert_eq!(emulator.stats().count(Kind::SignIn, Outcome::Faulted), 2);

    emulator.fault(Fault::on(Target::SignIn).always().html(503));
    assert_eq!([0; 3].map(|_| client.sign_in(&Account::service()).status), [503; 3]);
    emulator.clear_faults();
    assert_eq!(client.sign_in(&Account::service()).status, 200);
}

#[test]
fn a_fault_applies_to_its_target_in_the_order_set() {
    let (emulator, mut client) = frozen();
    let token = client.sign_in(&Account::service()).text("token");
    emulator.fault(Fault::on(Target::Path("/api/v2/".into())).error_shape_two(418));
    emulator.fault(Fault::on(Target::Refresh).error_shape_two(500));
    emulator.fault(Fault::on(Target::Api).error_shape_two(502));
    emulator.fault(Fault::on(Target::Any).error_shape_two(504));
    assert_eq!(client.get("/api/v1/echo", &token).status, 502);
    assert_eq!(client.get(WHOAMI, &token).status, 418);
    assert_eq!(client.refresh(&token).json()["statusCode"], 500);
    assert_eq!(client.sign_in(&Account::service()).status, 504);
    assert_eq!(client.get(WHOAMI, &token).status, 200);
}

#[test]
fn answers_of_any_status_header_and_body_are_sent_word_for_word() {
    let (emulator, mut client) = frozen();
    emulator.fault(Fault::on(Target::Any).status(418, "text/x", &[("X-A", "1"), ("X-A", "2")], "teapot"));
    let reply = client.sign_in(&Account::service());
    assert_eq!((reply.status, reply.header("content-type")), (418, Some("text/x")));
    assert_eq!(reply.headers.iter().filter(|(name, _)| name == "X-A").count(), 2);
    assert_eq!(reply.body, b"teapot");
}

#[test]
fn a_page_in_front_is_html_and_a_redirect_has_a_location() {
    let (emulator, mut client) = frozen();
    emulator.fault(Fault::on(Target::Any).html(403));
    emulator.fault(Fault::on(Target::Any).redirect(307, "https://elsewhere.example/"));
    let page = client.sign_in(&Account::service());
    assert_eq!(page.status, 403);
    assert!(page.header("content-type").unwrap().starts_with("text/html"));
    let redirect = client.sign_in(&Account::service());
    assert_eq!((redirect.status, redirect.header("location")), (307, Some("https://elsewhere.example/")));
}

#[test]
fn health_reports_maintenance_and_other_endpoints_answer_503() {
    let (emulator, mut client) = frozen();
    emulator.fault(Fault::on(Target::Any).maintenance());
    let mut health = || client.request("GET", "/api/v2/health/full", &[], b"").json();
    assert_eq!(health()["data"]["inMaintenanceMode"], true);
    assert_eq!(health()["data"]["inMaintenanceMode"], true, "asking does not end it");
    assert_eq!(client.sign_in(&Account::service()).status, 503);
    assert_eq!(
        client.request("GET", "/api/v2/health/full", &[], b"").json()["data"]["inMaintenanceMode"],
        false
    );
}

#[test]
fn a_rate_limit_can_be_had_with_and_without_the_time_to_wait() {
    let (emulator, mut client) = frozen();
    let date = "Wed, 21 Oct 2026 07:28:00 GMT";
    emulator.fault(Fault::on(Target::SignIn).rate_limited(Some(date)));
    emulator.fault(Fault::on(Target::SignIn).rate_limited(None));
    let told = client.sign_in(&Account::service());
    assert_eq!((told.status, told.header("retry-after")), (429, Some(date)));
    let untold = client.sign_in(&Account::service());
    assert_eq!((untold.status, untold.header("retry-after")), (429, None));
}

#[test]
fn a_dropped_connection_gives_no_byte_and_no_token() {
    let (emulator, mut client) = frozen();
    emulator.fault(Fault::on(Target::SignIn).drop_connection());
    client.send_request("POST", AUTHENTICATE, &[JSON], b"{}");
    assert_eq!(client.rest(), b"");
    assert_eq!(emulator.requests()[0].status, None);
}

#[test]
fn a_lost_answer_was_judged_all_the_same() {
    let (emulator, mut client) = frozen();
    let token = client.sign_in(&Account::service()).text("token");
    let code = client.sign_in(&Account::analyst()).text("code");
    let digits = emulator.digits("analyst@example.com").unwrap();
    emulator.fault(Fault::on(Target::Mfa).lose_answer());
    let body = json!({ "code": code, "token": digits }).to_string();
    client.send_request("POST", client::MFA, &[JSON], body.as_bytes());
    assert_eq!(client.rest(), b"");
    let mut client = Client::plain(&emulator);
    assert_eq!(client.verify(&code, &digits).status, 401, "the challenge is spent");
    assert_eq!(client.get(WHOAMI, &token).status, 200);
}

#[test]
fn a_truncated_answer_promises_more_than_it_brings() {
    let (emulator, mut client) = frozen();
    emulator.fault(Fault::on(Target::Any).truncate());
    client.send_request("GET", "/api/v1/", &[], b"");
    let bytes = String::from_utf8(client.rest()).unwrap();
    let (head, body) = bytes.split_once("\r\n\r\n").unwrap();
    let promised: usize =
        head.split("Content-Length: ").nth(1).unwrap().split("\r\n").next().unwrap().parse().unwrap();
    assert!(!body.is_empty() && promised > body.len());
}

#[test]
fn a_slow_answer_is_late_and_right() {
    let (emulator, mut client) = frozen();
    let delay = Duration::from_millis(60);
    emulator.fault(Fault::on(Target::SignIn).slow(delay));
    let asked = Instant::now();
    let token = client.sign_in(&Account::service()).text("token");
    assert!(asked.elapsed() >= delay);
    assert_eq!(client.get(WHOAMI, &token).status, 200);
    assert_eq!(emulator.stats().count(Kind::SignIn, Outcome::Ok), 1);

    emulator.fault(Fault::on(Target::Any).slow_body(Duration::from_millis(2)));
    let asked = Instant::now();
    let reply = client.request("GET", "/api/v1/", &[], b"");
    assert_eq!(reply.text("text"), "Authenticate at /authenticate");
    assert!(asked.elapsed() >= Duration::from_millis(2 * 30));
}

#[test]
fn sign_ins_and_refreshes_can_be_late_as_a_rule_in_real_time() {
    let delay = Duration::from_millis(50);
    let emulator =
        Emulator::builder().frozen_clock().sign_in_delay(delay).refresh_delay(delay * 2).start().unwrap();
    let mut client = Client::plain(&emulator);
    let asked = Instant::now();
    let token = client.sign_in(&Account::service()).text("token");
    assert!(asked.elapsed() >= delay);
    let asked = Instant::now();
    client.refresh(&token);
    assert!(asked.elapsed() >= delay * 2);
    assert_eq!(emulator.requests()[1].monotonic_ms, 0, "the emulator's clock stood still");
}

#[test]
fn wrong_types_missing_and_hostile_tokens_are_still_json() {
    let (emulator, mut client) = frozen();
    emulator.fault(Fault::on(Target::SignIn).wrong_types());
    let reply = client.sign_in(&Account::service()).json();
    assert!(reply["token"].is_number() && reply["status"].is_number() && reply["tenant_id"].is_string());

    emulator.fault(Fault::on(Target::SignIn).times(2).missing_token());
    let reply = client.sign_in(&Account::service()).json();
    assert!(reply.get("token").is_none() && reply.get("cookie").is_some());
    let reply = client.sign_in(&Account::analyst()).json();
    assert!(reply.get("code").is_none() && reply["mfa_enabled"] == true);

    let megabyte = "t".repeat(1 << 20);
    for hostile in ["", "a\r\nX-Injected: 1", "nul\0", "\"", megabyte.as_str()] {
        emulator.reset();
        emulator.fault(Fault::on(Target::SignIn).hostile_token(hostile));
        assert_eq!(client.sign_in(&Account::service()).text("token"), hostile);
    }
    assert_eq!(client.get(WHOAMI, &megabyte[..1000]).status, 401, "nobody gets in with it");
}

#[test]
fn a_huge_body_has_the_length_asked_for_and_is_json() {
    let (emulator, mut client) = frozen();
    for bytes in [1, 2, 3, 5_000_000] {
        emulator.fault(Fault::on(Target::SignIn).huge_body(bytes));
        let reply = client.sign_in(&Account::service());
        assert_eq!(reply.body.len(), usize::try_from(bytes).unwrap());
        reply.json();
    }
}

#[test]
fn raw_bytes_take_the_place_of_http() {
    let (emulator, mut client) = frozen();
    emulator.fault(Fault::on(Target::Any).raw(b"HTTP/9.9 what\0\xff\n".to_vec()));
    client.send_request("GET", "/api/v1/", &[], b"");
    assert_eq!(client.rest(), b"HTTP/9.9 what\0\xff\n");
}

#[test]
fn a_stalled_answer_never_comes_and_does_not_hold_up_others() {
    let (emulator, mut stalled) = frozen();
    emulator.fault(Fault::on(Target::SignIn).stall());
    stalled.send_request("POST", AUTHENTICATE, &[JSON], b"{}");
    assert!(emulator.wait_for(Duration::from_secs(10), |seen| seen.len() == 1));
    assert_eq!(Client::plain(&emulator).sign_in(&Account::service()).status, 200);
    drop(emulator);
    assert_eq!(stalled.rest(), b"", "only the end of the emulator ended the wait");
}

#[test]
fn held_answers_are_judged_and_wait_until_they_are_released() {
    let (emulator, mut client) = frozen();
    let token = client.sign_in(&Account::service()).text("token");
    let held = emulator.hold(Target::Refresh);
    client.send_request("PUT", REFRESH, &[("Authorization", &token)], b"");
    let refreshed = |seen: &[plextrac_emulator::Recorded]| seen.iter().any(|r| r.kind == Kind::Refresh);
    assert!(emulator.wait_for(Duration::from_secs(10), refreshed));
    assert_eq!(Client::plain(&emulator).get(WHOAMI, &token).status, 200, "others are not held");
    emulator.clock().advance(Duration::from_secs(900));
    held.release();
    let new = client.reply().unwrap().text("token");
    assert_eq!(client.get(WHOAMI, &new).status, 401, "it was issued when it arrived, not when it left");
}

#[test]
fn a_fault_survives_its_way_through_json() {
    for fault in [
        Fault::on(Target::Path("/x".into())).always().raw(vec![0, 255, 10]),
        Fault::on(Target::Any).status(200, "a/b", &[("A", "b")], "c"),
        Fault::on(Target::Mfa).times(3).slow(Duration::from_millis(7)),
        Fault::on(Target::Api).stall(),
    ] {
        let text = serde_json::to_string(&fault).unwrap();
        assert_eq!(serde_json::from_str::<Fault>(&text).unwrap(), fault, "{text}");
    }
}
