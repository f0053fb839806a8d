//! Nothing goes to another host: not by a redirect, not by a path, not unencrypted.

use std::net::TcpListener;
use std::time::Duration;

use plextrac_emulator::{Emulator, Fault, Kind, Target};
use plextrac_transport::{ErrorCode, Request, Session, SessionConfig};

use crate::stage::Stage;

#[test]
fn a_redirect_is_an_answer_and_the_other_host_hears_nothing() {
    let (stage, other) = (Stage::new(), Emulator::start().unwrap());
    let session = stage.signed_in(Duration::ZERO);
    for code in [301, 302, 303, 307, 308] {
        let there = format!("{}/api/v1/echo", other.url());
        stage.emulator.fault(Fault::on(Target::Api).times(2).redirect(code, there.clone()));
        let answer = session.post_json("/api/v1/echo", &1).unwrap();
        assert_eq!(answer.status(), code);
        assert_eq!(answer.headers()["location"], there.as_str());
        assert_eq!(session.get("/api/v1/echo").unwrap().status(), code);
    }
    assert_eq!(other.stats().connections.plain, 0);
}

#[test]
fn a_redirect_gets_neither_password_nor_token() {
    let (stage, other) = (Stage::new(), Emulator::start().unwrap());
    let session = Session::new(&stage.service()).unwrap();
    let there = format!("{}/api/v1/authenticate", other.url());
    stage.emulator.fault(Fault::on(Target::SignIn).redirect(307, there.clone()));
    let error = session.login().unwrap_err();
    assert_eq!((error.code(), error.http_status()), (ErrorCode::UnexpectedAnswer, Some(307)));
    stage.advance(Duration::from_secs(10));
    session.login().unwrap();
    stage.emulator.fault(Fault::on(Target::Refresh).redirect(308, there));
    assert_eq!(session.refresh().unwrap_err().code(), ErrorCode::UnexpectedAnswer);
    assert_eq!(session.get("/api/v2/whoami").unwrap().status(), 200, "the token in hand stays");
    assert_eq!(other.stats().connections.plain, 0);
}

#[test]
fn a_path_cannot_name_another_host() {
    let stage = Stage::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let elsewhere = listener.local_addr().unwrap();
    for path in [format!("http://{elsewhere}/"), format!("@{elsewhere}/"), format!(":80@{elsewhere}")] {
        assert_eq!(Request::get(&path).unwrap_err().code(), ErrorCode::InvalidArgument, "{path}");
    }
    let session = stage.signed_in(Duration::ZERO);
    // A path all the same, on the instance.
    assert_eq!(session.get(&format!("//{elsewhere}/")).unwrap().status(), 404);
    listener.set_nonblocking(true).unwrap();
    assert!(listener.accept().is_err(), "nobody came");
}

#[test]
fn plain_http_is_for_this_machine_unless_it_is_allowed() {
    for url in ["http://plextrac.example", "http://10.0.0.1:8080", "http://127.0.0.1.example"] {
        let mut config = SessionConfig::new(url).unwrap();
        config.password("user", "hunter2").unwrap();
        let error = Session::new(&config).unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidArgument, "{url}");
        assert!(!error.to_string().contains("hunter2"));
        config.allow_http(true);
        Session::new(&config).unwrap();
    }
    for url in ["http://127.0.0.1:1", "http://[::1]:1", "http://localhost:1", "https://plextrac.example"] {
        let mut config = SessionConfig::new(url).unwrap();
        config.password("user", "hunter2").unwrap();
        Session::new(&config).unwrap();
    }
}

#[test]
fn a_tls_failure_names_its_cause_and_no_wait() {
    let stage = Stage::new();
    let plain = stage.emulator.url().replacen("http:", "https:", 1);
    for (url, cause, is_about_trust) in
        [(plain, "does not speak TLS", false), (stage.emulator.tls_url(), "UnknownIssuer", true)]
    {
        let mut config = SessionConfig::new(&url).unwrap();
        config.proxy("").unwrap().password("user", "hunter2").unwrap();
        let session = Session::new(&config).unwrap();
        let error = session.login().unwrap_err();
        assert_eq!(error.code(), ErrorCode::Tls, "{error}");
        assert_eq!((error.is_retryable(), error.retry_after()), (false, None), "{error}");
        assert!(error.message().contains(cause), "{error}");
        assert_eq!(error.message().contains("trust"), is_about_trust, "{error}");
        // The back-off is an error of its own: this one is cured by waiting.
        let error = session.login().unwrap_err();
        assert_eq!(error.code(), ErrorCode::MustWait, "{error}");
        assert!(error.is_retryable() && error.retry_after().is_some(), "{error}");
    }
}

#[test]
fn a_port_that_is_none_is_named() {
    for url in ["https://plextrac.example:99999", "plextrac.example:0", "http://127.0.0.1:80x"] {
        let error = SessionConfig::new(url).unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidArgument, "{url}");
        assert!(error.message().contains("port is not a number from 1 to 65535"), "{error}");
    }
}

#[test]
fn a_code_that_nobody_asked_for_is_refused_with_what_to_do() {
    let stage = Stage::new();
    let session = Session::new(&stage.analyst()).unwrap();
    let refused = |session: &Session| {
        let error = session.submit_mfa("123456").unwrap_err();
        assert_eq!(error.code(), ErrorCode::WrongState, "{error}");
        assert!(error.message().contains("sign in first"), "{error}");
    };
    refused(&session);
    assert_eq!(session.login().unwrap_err().code(), ErrorCode::MfaRequired);
    stage.advance(Duration::from_secs(121));
    refused(&session);
    assert_eq!(stage.seen(Kind::Mfa), 0);
}

#[test]
fn a_session_with_nothing_to_sign_in_with_is_not_made() {
    let stage = Stage::new();
    assert_eq!(Session::new(&stage.bare()).unwrap_err().code(), ErrorCode::InvalidArgument);
}

#[test]
fn a_certificate_of_nobody_known_gets_no_password() {
    let stage = Stage::new();
    let mut config = SessionConfig::new(&stage.emulator.tls_url()).unwrap();
    config.proxy("").unwrap().password("service@example.com", "service-password").unwrap();
    let error = Session::new(&config).unwrap().login().unwrap_err();
    assert_eq!(error.code(), ErrorCode::Tls, "{error}");
    assert_eq!(stage.seen(Kind::SignIn), 0);
}
