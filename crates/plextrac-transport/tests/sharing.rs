//! Sessions that share an account through a directory.

use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use plextrac_emulator::{Emulator, Kind};
use plextrac_transport::{Clock, ErrorCode, Session, SessionConfig, SessionEvent, SessionState, Time};

/// The emulator's clock as the client's.
fn clock_of(emulator: &Emulator) -> Arc<dyn Clock> {
    let clock = emulator.clock();
    Arc::new(move || Time::from_millis(clock.monotonic_ms() + 3_600_000, clock.true_unix_ms()))
}

fn config(emulator: &Emulator, directory: &std::path::Path) -> SessionConfig {
    let mut config = SessionConfig::new(&emulator.url()).unwrap();
    config.proxy("").unwrap().clock(clock_of(emulator)).state_dir(directory).unwrap();
    config.password("analyst@example.com", "analyst-password").unwrap();
    config.totp_secret("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ").unwrap();
    config
}

fn private_directory() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
    directory
}

#[test]
fn sessions_that_start_at_once_sign_in_once_and_have_one_token() {
    let emulator = Emulator::builder().sign_in_delay(Duration::from_millis(100)).start().unwrap();
    let directory = private_directory();
    let sessions: Vec<_> =
        (0..12).map(|_| Session::new(&config(&emulator, directory.path())).unwrap()).collect();
    let tokens: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> =
            sessions.iter().map(|session| scope.spawn(|| session.authorization().unwrap())).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(tokens.iter().all(|token| token.matches(tokens[0].expose())));
    assert_eq!(emulator.stats().authentication_requests(), 2);
}

#[test]
fn nothing_in_the_directory_tells_whose_it_is_and_others_cannot_look_in() {
    let emulator = Emulator::start().unwrap();
    let directory = private_directory();
    let session = Session::new(&config(&emulator, directory.path())).unwrap();
    let token = session.authorization().unwrap();
    let mut found_token = false;
    for entry in std::fs::read_dir(directory.path()).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().mode() & 0o777, 0o600, "{entry:?}");
        let name = entry.file_name().into_string().unwrap();
        let content = std::fs::read(entry.path()).unwrap();
        let text = name + &String::from_utf8_lossy(&content);
        for needle in ["analyst", "password", "GEZDGNBV", "127.0.0.1"] {
            assert!(!text.contains(needle), "{needle} in {text}");
        }
        found_token |= text.contains(token.expose());
    }
    assert!(found_token, "control: the token is there to be shared");
}

#[test]
fn a_rejected_password_is_known_to_the_next_process() {
    let emulator = Emulator::start().unwrap();
    let directory = private_directory();
    let mut wrong = config(&emulator, directory.path());
    wrong.password("service@example.com", "wrong").unwrap();
    for _ in 0..3 {
        let session = Session::new(&wrong).unwrap();
        assert_eq!(session.login().unwrap_err().code(), ErrorCode::Rejected);
    }
    assert_eq!(emulator.stats().authentication_requests(), 1);
    let session = Session::new(&wrong).unwrap();
    session.forget_rejection().unwrap();
    assert_eq!(session.login().unwrap_err().code(), ErrorCode::Rejected);
    assert_eq!(emulator.stats().authentication_requests(), 2);
    let mut right = config(&emulator, directory.path());
    right.password("service@example.com", "service-password").unwrap();
    Session::new(&right).unwrap().login().unwrap();
}

#[test]
fn signing_out_is_known_to_others_and_keeps_budget_and_latch() {
    let emulator = Emulator::start().unwrap();
    let directory = private_directory();
    let first = Session::new(&config(&emulator, directory.path())).unwrap();
    first.login().unwrap();
    Session::new(&config(&emulator, directory.path())).unwrap().logout().unwrap();
    let third = Session::new(&config(&emulator, directory.path())).unwrap();
    let status = third.status();
    assert_eq!((status.state, status.budget_used), (SessionState::SignedOut, 2));
}

#[test]
fn a_status_sees_the_token_of_another_session_without_sending_anything() {
    let emulator = Emulator::start().unwrap();
    let directory = private_directory();
    Session::new(&config(&emulator, directory.path())).unwrap().login().unwrap();
    let seen = emulator.requests().len();
    let status = Session::new(&config(&emulator, directory.path())).unwrap().status();
    assert_eq!(status.state, SessionState::Active);
    assert_eq!((status.tenant_id, status.budget_used), (Some(0), 2));
    assert_eq!(emulator.requests().len(), seen);
}

#[test]
fn sessions_of_one_instance_and_two_accounts_stay_under_one_budget() {
    let emulator = Emulator::start().unwrap();
    let directory = private_directory();
    let mut service = config(&emulator, directory.path());
    service.password("service@example.com", "service-password").unwrap().auth_budget(3).unwrap();
    Session::new(&service).unwrap().login().unwrap();
    let mut analyst = config(&emulator, directory.path());
    analyst.auth_budget(3).unwrap();
    Session::new(&analyst).unwrap().login().unwrap();
    let third = Session::new(&service).unwrap();
    third.login().unwrap();
    assert_eq!(third.refresh().unwrap_err().code(), ErrorCode::MustWait);
    assert_eq!(emulator.stats().authentication_requests(), 3);
    assert_eq!(emulator.stats().of_kind(Kind::Refresh), 0);
}

#[test]
fn a_directory_that_others_could_use_is_refused() {
    let emulator = Emulator::start().unwrap();
    let directory = private_directory();
    let mut config = config(&emulator, directory.path());
    let open = private_directory();
    std::fs::set_permissions(open.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let error = config.state_dir(open.path()).unwrap_err();
    assert_eq!(error.code(), ErrorCode::Store);
    assert!(error.message().contains("chmod 700"), "{error}");
    let link = directory.path().join("link");
    symlink(open.path(), &link).unwrap();
    assert_eq!(config.state_dir(&link).unwrap_err().code(), ErrorCode::Store);
    let file = directory.path().join("file");
    std::fs::write(&file, "x").unwrap();
    assert_eq!(config.state_dir(&file).unwrap_err().code(), ErrorCode::Store);
}

#[test]
fn a_symbolic_link_in_the_way_of_a_record_stops_sharing_and_not_the_session() {
    let emulator = Emulator::start().unwrap();
    let directory = private_directory();
    Session::new(&config(&emulator, directory.path())).unwrap().login().unwrap();
    let target = directory.path().join("target");
    std::fs::write(&target, "untouched").unwrap();
    for entry in std::fs::read_dir(directory.path()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if name.starts_with(['t', 'a', 'b']) && name != "target" && !name.ends_with(".lock") {
            std::fs::remove_file(&path).unwrap();
            symlink(&target, &path).unwrap();
        }
    }
    let notices = Arc::new(AtomicUsize::new(0));
    let told = Arc::clone(&notices);
    let mut config = config(&emulator, directory.path());
    config.on_event(move |event| {
        if matches!(event, SessionEvent::NotShared { .. }) {
            told.fetch_add(1, Ordering::SeqCst);
        }
    });
    // The step of the first sign-in is spent, and this session cannot know: the server refuses it, or the next step has begun.
    emulator.clock().advance(Duration::from_secs(31));
    Session::new(&config).unwrap().login().unwrap();
    assert!(notices.load(Ordering::SeqCst) >= 1);
    assert_eq!(std::fs::read(&target).unwrap(), b"untouched");
}

#[test]
fn an_account_without_its_password_lives_on_the_shared_token_and_sends_no_sign_in() {
    let emulator = Emulator::start().unwrap();
    let directory = private_directory();
    let mut nameless = SessionConfig::new(&emulator.url()).unwrap();
    nameless.proxy("").unwrap().clock(clock_of(&emulator)).state_dir(directory.path()).unwrap();
    assert_eq!(Session::new(&nameless).unwrap_err().code(), ErrorCode::InvalidArgument);
    nameless.username("analyst@example.com").unwrap();

    let session = Session::new(&nameless).unwrap();
    assert_eq!(session.login().unwrap_err().code(), ErrorCode::Expired);
    Session::new(&config(&emulator, directory.path())).unwrap().login().unwrap();
    assert_eq!(session.get("/api/v2/whoami").unwrap().status(), 200);
    session.refresh().unwrap();
    emulator.clock().advance(Duration::from_secs(3600));
    assert_eq!(session.login().unwrap_err().code(), ErrorCode::Expired);
    assert_eq!(emulator.stats().of_kind(Kind::SignIn), 1);
    assert_eq!(emulator.stats().of_kind(Kind::Refresh), 1);
}

#[test]
fn a_person_who_gives_up_keeps_no_other_session_waiting() {
    let emulator = Emulator::start().unwrap();
    let directory = private_directory();
    let asking = |answer: Option<String>| {
        let mut config = config(&emulator, directory.path());
        config.mfa_callback(move |_| answer.clone().map(Into::into));
        Session::new(&config).unwrap()
    };
    assert_eq!(asking(None).login().unwrap_err().code(), ErrorCode::MfaRequired);
    asking(emulator.digits("analyst@example.com")).login().unwrap();
    assert_eq!(emulator.stats().authentication_requests(), 3);
}
