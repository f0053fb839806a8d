//! Signing in, with and without MFA, against the emulator over TLS.

use std::sync::Arc;
use std::time::Duration;

use plextrac_emulator::{Emulator, EmulatorClock, Kind, Outcome};
use plextrac_transport::{Clock, ErrorCode, Request, Session, SessionConfig, SessionState, Time};

/// The emulator's clock as the client's.
fn clock_of(emulator: &Emulator) -> Arc<dyn Clock> {
    let clock: EmulatorClock = emulator.clock();
    Arc::new(move || Time::from_millis(clock.monotonic_ms() + 3_600_000, clock.true_unix_ms()))
}

fn config(emulator: &Emulator) -> SessionConfig {
    let mut config = SessionConfig::new(&emulator.tls_url()).unwrap();
    config.ca_file(emulator.ca_file()).unwrap().proxy("").unwrap().clock(clock_of(emulator));
    config
}

#[test]
fn mfa_by_totp_takes_two_requests_and_one_connection() {
    let emulator = Emulator::start().unwrap();
    let mut config = config(&emulator);
    config
        .password("analyst@example.com", "analyst-password")
        .unwrap()
        .totp_secret("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")
        .unwrap();
    let session = Session::new(&config).unwrap();
    let answer = session.post_json("/api/v1/echo", &["a", "b"]).unwrap();
    assert_eq!((answer.status(), answer.body()), (200, br#"["a","b"]"#.as_slice()));
    let stats = emulator.stats();
    assert_eq!(stats.authentication_requests(), 2);
    assert_eq!(stats.connections.tls, 1);
    assert_eq!(session.tenant_id(), Some(0));
    assert_eq!(session.state(), SessionState::Active);
}

#[test]
fn six_digits_are_handed_in_after_they_were_asked_for() {
    let emulator = Emulator::start().unwrap();
    let mut config = config(&emulator);
    config.password("analyst@example.com", "analyst-password").unwrap();
    let session = Session::new(&config).unwrap();
    for _ in 0..3 {
        assert_eq!(session.login().unwrap_err().code(), ErrorCode::MfaRequired);
    }
    assert_eq!(emulator.stats().authentication_requests(), 1, "asked once");
    assert_eq!(session.state(), SessionState::MfaNeeded);
    session.submit_mfa(&emulator.digits("analyst@example.com").unwrap()).unwrap();
    assert_eq!(session.get("/api/v2/whoami").unwrap().status(), 200);
}

#[test]
fn a_refresh_asks_nobody_and_no_caller_waits_for_it() {
    let emulator = Emulator::start().unwrap();
    let mut config = config(&emulator);
    config.password("service@example.com", "service-password").unwrap();
    let session = Session::new(&config).unwrap();
    session.login().unwrap();
    let first = session.authorization().unwrap();
    emulator.clock().advance(Duration::from_secs(661));
    assert!(session.authorization().unwrap().matches(first.expose()), "the live one is handed out meanwhile");
    assert!(
        emulator.wait_for(Duration::from_secs(10), |seen| { seen.iter().any(|r| r.kind == Kind::Refresh) })
    );
    // The new one is published as soon as its answer is in.
    session.refresh().unwrap();
    assert!(!session.authorization().unwrap().matches(first.expose()));
    assert_eq!(emulator.stats().of_kind(Kind::SignIn), 1);
}

#[test]
fn a_wrong_password_is_sent_once_however_often_it_is_called_for() {
    let emulator = Emulator::start().unwrap();
    let mut config = config(&emulator);
    config.password("service@example.com", "wrong").unwrap();
    let session = Session::new(&config).unwrap();
    for _ in 0..100 {
        assert_eq!(
            session.request(&Request::get("/api/v2/whoami").unwrap()).unwrap_err().code(),
            ErrorCode::Rejected
        );
    }
    assert_eq!(emulator.stats().count(Kind::SignIn, Outcome::Rejected), 1);
    assert_eq!(emulator.stats().authentication_requests(), 1);
}

#[test]
fn a_call_after_the_wait_does_not_get_the_old_wait() {
    let emulator = Emulator::builder().frozen_clock().start().unwrap();
    let mut config = config(&emulator);
    config.password("service@example.com", "service-password").unwrap();
    let session = Session::new(&config).unwrap();
    for _ in 0..30 {
        let wait = loop {
            session.logout().unwrap();
            if let Err(error) = session.login() {
                assert_eq!(error.code(), ErrorCode::MustWait);
                break error.retry_after().unwrap();
            }
        };
        emulator.clock().advance(wait);
        session.login().unwrap();
    }
}
