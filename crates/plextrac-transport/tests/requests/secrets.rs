//! No secret is in what people read: `Debug`, errors, events, the log.

use std::fmt::Write;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use log::{LevelFilter, Log, Metadata, Record};
use plextrac_emulator::{Fault, Target};
use plextrac_transport::{Request, Session, SessionConfig};
use zeroize::Zeroizing;

use crate::stage::{EARLY, Stage, Told};

/// Past a token's end, and as far into a TOTP step as before.
const LATER: Duration = Duration::from_secs(900);

/// Everything that was logged in this process.
struct Journal(Mutex<String>);

static JOURNAL: Journal = Journal(Mutex::new(String::new()));

impl Log for Journal {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        writeln!(self.lines(), "{} {}", record.target(), record.args()).unwrap();
    }

    fn flush(&self) {}
}

impl Journal {
    fn lines(&self) -> MutexGuard<'_, String> {
        self.0.lock().unwrap_or_else(|held| held.into_inner())
    }
}

/// What the text must not hold; each is found where it does.
fn assert_silent(text: &str, secrets: &[String]) {
    for secret in secrets {
        assert!(secret.len() >= 6, "control: {secret:?} is something to look for");
        assert!(format!("{text}{secret}").contains(secret.as_str()), "control");
        assert!(!text.contains(secret.as_str()), "{secret} is in:\n{text}");
    }
}

fn secrets_of(stage: &Stage, session: &Session) -> Vec<String> {
    let mut secrets = vec![
        session.authorization().unwrap().expose().to_owned(),
        session.cookie().unwrap().expose().to_owned(),
        "analyst-password".to_owned(),
        "GEZDGNBVGY3TQOJQ".to_owned(),
        "gate-secret".to_owned(),
        "body-secret".to_owned(),
        "query-secret".to_owned(),
        "header-secret".to_owned(),
    ];
    // The digits that were sent, and the challenges.
    for seen in stage.emulator.requests() {
        if let Ok(body) = serde_json::from_slice::<serde_json::Value>(&seen.body) {
            let texts = ["code", "token"].map(|key| body[key].as_str().map(str::to_owned));
            secrets.extend(texts.into_iter().flatten());
        }
    }
    secrets
}

#[test]
fn nothing_that_people_read_holds_a_secret() {
    log::set_logger(&JOURNAL).unwrap();
    log::set_max_level(LevelFilter::Debug);
    let stage = Stage::new();
    let mut config: SessionConfig = stage.analyst();
    let told = {
        config
            .totp_secret("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")
            .unwrap()
            .header("cf-access-token", "gate-secret")
            .unwrap()
            .response_limit(100_000);
        Told::by(&mut config)
    };
    let exchanges = Arc::new(Mutex::new(String::new()));
    let observed = Arc::clone(&exchanges);
    config.on_http(move |event| writeln!(observed.lock().unwrap(), "{event:?}").unwrap());
    let session = Session::new(&config).unwrap();
    let mut read = format!("{config:?} {session:?}");
    let mut request = Request::new("POST", "/api/v1/echo?key=query-secret").unwrap();
    request.header("x-key", "header-secret").unwrap().json(&"body-secret").unwrap();
    let answer = session.request(&request).unwrap();
    write!(read, "{request:?} {answer:?} {session:?}").unwrap();
    let mut secrets = secrets_of(&stage, &session);
    stage.advance(EARLY);
    session.refresh().unwrap();
    secrets.extend(secrets_of(&stage, &session));
    // Everything that can go wrong on the way, said with what was asked in mind.
    let echo = |stage: &Stage, target: Target| {
        let quoted = secrets_of(stage, &session).join(" ");
        let body = format!(r#"{{"status":"error","message":"you sent {quoted}"}}"#);
        stage.emulator.fault(Fault::on(target).status(400, "application/json", &[], body));
    };
    echo(&stage, Target::Refresh);
    write!(read, "{:?}", session.refresh().unwrap_err()).unwrap();
    for fault in [
        Fault::on(Target::Api).lose_answer(),
        Fault::on(Target::Api).truncate(),
        Fault::on(Target::Api).raw(b"HTTP/1.1 200 OK\r\nbad header body-secret\r\n\r\n".as_slice()),
        Fault::on(Target::Api).huge_body(1 << 40),
    ] {
        stage.emulator.fault(fault);
        let error = session.request(&request).unwrap_err();
        write!(read, "{error} {error:?}").unwrap();
    }
    stage.advance(LATER);
    stage.emulator.revoke_tokens();
    stage.emulator.fault(Fault::on(Target::SignIn).hostile_token("body-secret\r\n"));
    for _ in 0..2 {
        if let Err(error) = session.request(&request) {
            write!(read, "{error} {error:?}").unwrap();
        }
        stage.advance(LATER);
    }
    for (what, digits) in [("wrong digits", "123456"), ("no digits", "hunter2-digits")] {
        let mut config = stage.analyst();
        config.mfa_callback(move |_| Some(Zeroizing::new(digits.to_owned())));
        secrets.push(digits.to_owned());
        let error = Session::new(&config).unwrap().login().unwrap_err();
        write!(read, "{what}: {error} {error:?}").unwrap();
        stage.advance(LATER);
    }
    write!(read, "{:?} {:?}", session.status().state, session.counters()).unwrap();
    for event in told.so_far() {
        write!(read, "{event} {event:?}").unwrap();
    }
    let exchanges = exchanges.lock().unwrap();
    assert!(exchanges.contains("(\"authorization\", \"[hidden]\")"), "control: {exchanges}");
    assert!(exchanges.contains("/api/v1/echo?[hidden]") && exchanges.contains("status: 200"), "control");
    read += &exchanges;
    assert_silent(&read, &secrets);
    let log = JOURNAL.lines().clone();
    assert!(log.contains("plextrac") && log.contains("signed in"), "control: it was written: {log}");
    assert_silent(&log, &secrets);
}

#[test]
fn input_that_is_refused_is_not_repeated() {
    let stage = Stage::new();
    let mut config = stage.bare();
    let refusals = [
        config.password("user", "hunter2-secret\0").map(drop).unwrap_err(),
        config.password("user", &"hunter2-secret".repeat(100)).map(drop).unwrap_err(),
        config.token("hunter2\r\nX-Evil: secret").map(drop).unwrap_err(),
        config.totp_secret("hunter2-secret!").map(drop).unwrap_err(),
        config.totp_secret("otpauth://totp/x?secret=hunter2-secret").map(drop).unwrap_err(),
        config.header("x-key", "hunter2-secret\n").map(drop).unwrap_err(),
        config.proxy("http://user:hunter2-secret@[bad").map(drop).unwrap_err(),
        SessionConfig::new("https://user:hunter2-secret@acme.example").map(drop).unwrap_err(),
    ];
    for error in refusals {
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
        assert!(error.message().len() > 20, "it says what to do: {error}");
    }
}
