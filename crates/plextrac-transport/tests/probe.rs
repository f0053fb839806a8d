//! Looking at an instance without signing in.

use plextrac_emulator::{Emulator, Fault, Target};
use plextrac_transport::{ErrorCode, SessionConfig, probe};

#[test]
fn a_probe_shows_no_secret_and_does_not_count() {
    let emulator = Emulator::start().unwrap();
    let mut config = SessionConfig::new(&emulator.tls_url()).unwrap();
    config.ca_file(emulator.ca_file()).unwrap().proxy("").unwrap();
    config
        .password("service@example.com", "service-password")
        .unwrap()
        .header("cf-access-token", "gate")
        .unwrap();
    let seen = probe(&config, "/api/v1/").unwrap();
    assert_eq!(seen.response.status(), 200);
    assert!(seen.server_ahead_ms.unwrap().abs() < 5_000, "one machine, one clock");
    let requests = emulator.requests();
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].header("cf-access-token"), Some("gate"));
    assert_eq!((requests[0].header("authorization"), requests[0].body.len()), (None, 0));
    assert_eq!(emulator.stats().authentication_requests(), 0);
}

#[test]
fn a_probe_says_what_stands_in_the_way() {
    let emulator = Emulator::start().unwrap();
    let mut config = SessionConfig::new(&emulator.tls_url()).unwrap();
    config.proxy("").unwrap();
    assert_eq!(probe(&config, "/api/v1/").unwrap_err().code(), ErrorCode::Tls);
    config.ca_file(emulator.ca_file()).unwrap();
    emulator.fault(Fault::on(Target::Any).html(503));
    assert_eq!(probe(&config, "/api/v1/").unwrap().response.status(), 503);
    let elsewhere = SessionConfig::new("http://plextrac.example").unwrap();
    assert_eq!(probe(&elsewhere, "/api/v1/").unwrap_err().code(), ErrorCode::InvalidArgument);
}
