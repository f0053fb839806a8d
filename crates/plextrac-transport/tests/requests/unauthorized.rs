//! 401 and 403: one new token, one more try, and no loop.

use std::time::Duration;

use plextrac_emulator::{Fault, Kind, Outcome, Target};
use plextrac_transport::{Session, SessionEvent};

use crate::stage::{Stage, Told};

#[test]
fn after_a_401_there_is_one_new_token_and_one_more_try() {
    let stage = Stage::new();
    let session = stage.signed_in(Duration::ZERO);
    stage.emulator.revoke_tokens();
    let answer = session.post_json("/api/v1/echo", &["once"]).unwrap();
    assert_eq!((answer.status(), answer.body()), (200, br#"["once"]"#.as_slice()));
    assert_eq!(stage.count(Kind::Echo, Outcome::Unauthorized), 1);
    assert_eq!(stage.count(Kind::Echo, Outcome::Ok), 1);
    assert_eq!((stage.seen(Kind::SignIn), stage.seen(Kind::Refresh)), (2, 1));
    assert_eq!(session.counters().unauthorized, 1);
}

#[test]
fn a_401_where_the_token_still_refreshes_costs_no_sign_in() {
    let stage = Stage::new();
    let session = stage.signed_in(Duration::ZERO);
    stage.emulator.fault(Fault::on(Target::Api).status(401, "application/json", &[], "{}"));
    assert_eq!(session.get("/api/v2/whoami").unwrap().status(), 200);
    assert_eq!((stage.seen(Kind::SignIn), stage.seen(Kind::Refresh)), (1, 1));
}

#[test]
fn a_path_that_always_answers_401_gets_one_new_token() {
    let stage = Stage::new();
    let session = stage.signed_in(Duration::ZERO);
    stage.emulator.set_always_unauthorized("/api/v1/echo/locked");
    for _ in 0..30 {
        assert_eq!(session.get("/api/v1/echo/locked").unwrap().status(), 401);
        assert_eq!(session.get("/api/v2/whoami").unwrap().status(), 200);
    }
    assert_eq!((stage.seen(Kind::SignIn), stage.seen(Kind::Refresh)), (1, 1));
    assert_eq!(stage.seen(Kind::Echo), 31, "one second try, and then none");
}

#[test]
fn an_accepted_token_that_dies_within_a_minute_is_renewed() {
    let stage = Stage::new();
    let mut config = stage.service();
    let told = Told::by(&mut config);
    let session = Session::new(&config).unwrap();
    for _ in 0..3 {
        assert_eq!(session.get("/api/v2/whoami").unwrap().status(), 200);
        stage.emulator.revoke_tokens();
        stage.advance(Duration::from_secs(10));
    }
    for _ in 0..100 {
        assert_eq!(session.get("/api/v2/whoami").unwrap().status(), 200);
    }
    assert_eq!((stage.seen(Kind::SignIn), session.counters().unauthorized), (4, 3));
    assert!(!told.so_far().iter().any(is_muted));
}

#[test]
fn muting_is_logged_as_a_warning() {
    let stage = Stage::new();
    let mut config = stage.service();
    let told = Told::by(&mut config);
    let session = Session::new(&config).unwrap();
    stage.emulator.set_always_unauthorized("/api/v1/echo/locked");
    for _ in 0..3 {
        assert_eq!(session.get("/api/v1/echo/locked").unwrap().status(), 401);
    }
    let muted: Vec<_> = told.so_far().into_iter().filter(is_muted).collect();
    let [SessionEvent::UnauthorizedMuted { wait }] = &muted[..] else { panic!("once: {muted:?}") };
    assert_eq!(*wait, Duration::from_secs(60));
}

fn is_muted(event: &SessionEvent) -> bool {
    matches!(event, SessionEvent::UnauthorizedMuted { .. })
}

#[test]
fn a_401_on_a_cookie_endpoint_is_met_the_same_way() {
    let stage = Stage::new();
    let session = stage.signed_in(Duration::ZERO);
    stage.emulator.revoke_tokens();
    assert_eq!(session.get("/api/v1/uploads/logo.png").unwrap().status(), 200);
    assert_eq!(stage.seen(Kind::Uploads), 2);
}

#[test]
fn a_403_is_an_answer_whatever_its_text_says() {
    let stage = Stage::new();
    let session = stage.signed_in(Duration::ZERO);
    let answer = session.get("/api/v1/forbidden").unwrap();
    assert_eq!(answer.status(), 403);
    assert!(String::from_utf8_lossy(answer.body()).contains("Unauthorized"), "control: it says so");
    assert_eq!((stage.authentications(), session.counters().unauthorized), (1, 0));
}

#[test]
fn a_dead_imported_token_leads_to_a_sign_in() {
    let stage = Stage::new();
    let given = stage.signed_in(Duration::ZERO).authorization().unwrap();
    stage.emulator.revoke_tokens();
    let mut alone = stage.bare();
    alone.token(given.expose()).unwrap();
    assert!(Session::new(&alone).unwrap().get("/api/v2/whoami").is_err());
    let mut with_password = stage.service();
    with_password.token(given.expose()).unwrap();
    assert_eq!(Session::new(&with_password).unwrap().get("/api/v2/whoami").unwrap().status(), 200);
    assert_eq!(stage.seen(Kind::SignIn), 2);
}
