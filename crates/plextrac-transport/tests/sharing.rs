//! Sessions that share an account through a directory.

use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use plextrac_emulator::{Emulator, Fault, Kind, Target};
use plextrac_transport::{
    CallLimits, ClaimOwner, Clock, ErrorCode, OnStoreFailure, RecordStore, Session, SessionConfig,
    SessionEvent, SessionState, StoreError, StoreErrorKind, StoredRecord, Time, Version, Watched,
    WriteOutcome,
};

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
fn the_directory_names_no_user_and_is_private() {
    let emulator = Emulator::start().unwrap();
    let directory = private_directory();
    let session = Session::new(&config(&emulator, directory.path())).unwrap();
    let token = session.authorization().unwrap();
    session.settle();
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
fn a_required_store_that_cannot_be_written_stops_the_sign_in() {
    let emulator = Emulator::start().unwrap();
    let directory = private_directory();
    let required = || {
        let mut config = config(&emulator, directory.path());
        config.require_store(true);
        Session::new(&config).unwrap()
    };
    required().logout().unwrap();
    let records: Vec<_> = std::fs::read_dir(directory.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_none() && path.file_name().unwrap() != "plextrac-auth-key")
        .collect();
    assert!(!records.is_empty());
    for record in &records {
        let spare = record.with_extension("spare");
        drop(std::fs::remove_file(&spare));
        std::fs::create_dir(spare).unwrap();
    }
    let session = required();
    let error = session.login().unwrap_err();
    assert_eq!(error.code(), ErrorCode::Store, "{error}");
    assert_eq!(emulator.stats().authentication_requests(), 0);
    Session::new(&config(&emulator, directory.path())).unwrap().login().unwrap();
    assert_eq!(
        emulator.stats().authentication_requests(),
        2,
        "control: it is sent where no store is required"
    );
    for record in &records {
        std::fs::remove_dir(record.with_extension("spare")).unwrap();
    }
    emulator.clock().advance(Duration::from_secs(120));
    session.login().unwrap();
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
fn a_status_sees_the_token_of_another_session() {
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
fn sessions_of_two_accounts_stay_under_one_budget() {
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
fn a_symbolic_link_for_a_record_stops_only_the_sharing() {
    let emulator = Emulator::start().unwrap();
    let directory = private_directory();
    Session::new(&config(&emulator, directory.path())).unwrap().login().unwrap();
    let target = directory.path().join("target");
    std::fs::write(&target, "untouched").unwrap();
    for entry in std::fs::read_dir(directory.path()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let is_record = |kind| name.starts_with(&format!("plextrac-auth-{kind}"));
        if ['t', 'a', 'b'].into_iter().any(is_record) && !name.ends_with(".lock") {
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
fn an_account_without_a_password_uses_the_shared_token() {
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

#[test]
fn sessions_with_one_imported_token_refresh_it_once() {
    let emulator = Emulator::start().unwrap();
    let directory = private_directory();
    let ready = Session::new(&config(&emulator, directory.path())).unwrap().authorization().unwrap();
    let mut handed = SessionConfig::new(&emulator.url()).unwrap();
    handed.proxy("").unwrap().clock(clock_of(&emulator)).state_dir(directory.path()).unwrap();
    handed.token(ready.expose()).unwrap();
    let tokens: Vec<_> = (0..14).map(|_| Session::new(&handed).unwrap().authorization().unwrap()).collect();
    assert_eq!(emulator.stats().of_kind(Kind::Refresh), 1);
    assert!(tokens.iter().all(|token| token.matches(tokens[0].expose()) && !token.matches(ready.expose())));
    assert_eq!(Session::new(&handed).unwrap().status().budget_used, 3);
    // It is kept alive by them together.
    emulator.clock().advance(Duration::from_secs(12 * 60));
    assert_eq!(Session::new(&handed).unwrap().get("/api/v2/whoami").unwrap().status(), 200);
    Session::new(&handed).unwrap().logout().unwrap();
    emulator.clock().advance(Duration::from_secs(20 * 60));
    assert_eq!(Session::new(&handed).unwrap().login().unwrap_err().code(), ErrorCode::Expired);
}

#[test]
fn an_imported_token_is_not_the_named_users() {
    let emulator = Emulator::start().unwrap();
    let (directory, elsewhere) = (private_directory(), private_directory());
    let mut foreign = config(&emulator, elsewhere.path());
    foreign.password("service@example.com", "service-password").unwrap();
    let foreign = Session::new(&foreign).unwrap().authorization().unwrap();

    let mut both = config(&emulator, directory.path());
    both.token(foreign.expose()).unwrap();
    let whoami = |config: &SessionConfig| {
        let answer = Session::new(config).unwrap().get("/api/v2/whoami").unwrap();
        String::from_utf8(answer.body().to_vec()).unwrap()
    };
    assert!(whoami(&both).contains("service@"), "what was handed in is used");
    let mut named = config(&emulator, directory.path());
    named.username("analyst@example.com").unwrap();
    assert_eq!(Session::new(&named).unwrap().login().unwrap_err().code(), ErrorCode::Expired);
    // What it is followed by, once it has ended, is found by those who were handed the same.
    emulator.clock().advance(Duration::from_secs(3600));
    assert!(whoami(&both).contains("analyst@"));
    assert!(whoami(&both).contains("analyst@"));
    assert_eq!(emulator.stats().of_kind(Kind::SignIn), 2);
}

#[test]
fn a_session_that_ends_with_a_challenge_blocks_no_other() {
    let emulator = Emulator::start().unwrap();
    let directory = private_directory();
    let mut config = config(&emulator, directory.path());
    config.mfa_callback(|_| None);
    let digits = emulator.digits("analyst@example.com");
    // Without a callback: whoever made it would have to hand the digits in.
    let mut submitted = SessionConfig::new(&emulator.url()).unwrap();
    submitted.proxy("").unwrap().clock(clock_of(&emulator)).state_dir(directory.path()).unwrap();
    submitted.password("analyst@example.com", "analyst-password").unwrap();
    let session = Session::new(&submitted).unwrap();
    assert_eq!(session.login().unwrap_err().code(), ErrorCode::MfaRequired);
    config.mfa_callback(move |_| digits.clone().map(Into::into));
    let waits = Session::new(&config).unwrap().login().unwrap_err();
    assert_eq!(waits.code(), ErrorCode::MustWait, "control: while it lives, somebody may be typing");
    drop(session);
    Session::new(&config).unwrap().login().unwrap();
}

#[test]
fn signing_in_again_replaces_the_shared_token() {
    let emulator = Emulator::start().unwrap();
    let directory = private_directory();
    let mut config = config(&emulator, directory.path());
    config.password("service@example.com", "service-password").unwrap();
    let first = Session::new(&config).unwrap().authorization().unwrap();
    let mut anew = config.clone();
    anew.ignore_shared_token(true);
    let mut refused = anew.clone();
    refused.password("service@example.com", "wrong").unwrap();
    assert_eq!(Session::new(&refused).unwrap().login().unwrap_err().code(), ErrorCode::Rejected);
    assert!(Session::new(&config).unwrap().authorization().unwrap().matches(first.expose()));
    let second = Session::new(&anew).unwrap().authorization().unwrap();
    assert!(!second.matches(first.expose()));
    assert!(Session::new(&config).unwrap().authorization().unwrap().matches(second.expose()));
    assert_eq!(emulator.stats().of_kind(Kind::SignIn), 3);
}

#[test]
fn a_sign_out_that_cannot_be_written_is_an_error() {
    let emulator = Emulator::start().unwrap();
    let directory = private_directory();
    let mut config = config(&emulator, directory.path());
    config.password("service@example.com", "service-password").unwrap();
    let stuck = Arc::new(Stuck::default());
    config.store(stuck.clone());
    let session = Session::new(&config).unwrap();
    session.login().unwrap();
    session.settle();
    stuck.is_full.store(true, Ordering::SeqCst);
    let error = session.logout().unwrap_err();
    assert_eq!(error.code(), ErrorCode::Store);
    assert!(error.message().contains("others can still find the token"), "{error}");
    assert_eq!(session.state(), SessionState::SignedOut);
}

/// A store that takes no more writes once it is full.
#[derive(Default)]
struct Stuck {
    store: plextrac_transport::MemoryStore,
    is_full: std::sync::atomic::AtomicBool,
}

impl RecordStore for Stuck {
    fn name(&self) -> String {
        "a store that keeps everything".into()
    }

    fn key(&self, limits: &CallLimits<'_>) -> Result<zeroize::Zeroizing<[u8; 32]>, StoreError> {
        self.store.key(limits)
    }

    fn read(&self, name: &str, limits: &CallLimits<'_>) -> Result<StoredRecord, StoreError> {
        self.store.read(name, limits)
    }

    fn write(
        &self,
        name: &str,
        expected: Version,
        record: &[u8],
        limits: &CallLimits<'_>,
    ) -> Result<WriteOutcome, StoreError> {
        if self.is_full.load(Ordering::SeqCst) {
            return Err(StoreError { kind: StoreErrorKind::Unavailable, message: "it is full".into() });
        }
        self.store.write(name, expected, record, limits)
    }

    fn watch(
        &self,
        name: &str,
        known: Version,
        owner: Option<ClaimOwner>,
        limits: &CallLimits<'_>,
    ) -> Result<Watched, StoreError> {
        self.store.watch(name, known, owner, limits)
    }
}

/// In JSON, and not by 401: the token is none the worse for it.
fn refuse_refreshes(emulator: &Emulator) {
    emulator.fault(Fault::on(Target::Refresh).always().error_shape_two(403));
}

/// A store that cannot be opened.
struct Closed(StoreErrorKind, OnStoreFailure);

impl RecordStore for Closed {
    fn name(&self) -> String {
        "a store that is closed".into()
    }

    fn key(&self, _: &CallLimits<'_>) -> Result<zeroize::Zeroizing<[u8; 32]>, StoreError> {
        Err(StoreError { kind: self.0, message: "it is closed".into() })
    }

    fn read(&self, _: &str, _: &CallLimits<'_>) -> Result<StoredRecord, StoreError> {
        unreachable!("it was never open")
    }

    fn write(&self, _: &str, _: Version, _: &[u8], _: &CallLimits<'_>) -> Result<WriteOutcome, StoreError> {
        unreachable!("it was never open")
    }

    fn watch(
        &self,
        _: &str,
        _: Version,
        _: Option<ClaimOwner>,
        _: &CallLimits<'_>,
    ) -> Result<Watched, StoreError> {
        unreachable!("it was never open")
    }

    fn on_failure(&self) -> OnStoreFailure {
        self.1
    }
}

#[test]
fn a_store_that_fails_closed_makes_no_session() {
    let emulator = Emulator::start().unwrap();
    let directory = private_directory();
    for (kind, on_failure, is_made) in [
        (StoreErrorKind::Unavailable, OnStoreFailure::GoOnAlone, true),
        (StoreErrorKind::Unavailable, OnStoreFailure::SendNothing, false),
        (StoreErrorKind::WrongKey, OnStoreFailure::GoOnAlone, false),
        (StoreErrorKind::Unsafe, OnStoreFailure::GoOnAlone, false),
    ] {
        let mut config = config(&emulator, directory.path());
        config.store(Arc::new(Closed(kind, on_failure)));
        match Session::new(&config) {
            Ok(_) => assert!(is_made, "{kind:?} {on_failure:?}"),
            Err(error) => {
                assert!(!is_made, "{kind:?} {on_failure:?}");
                assert_eq!(error.code(), ErrorCode::Store);
                assert!(error.message().contains("it is closed"), "{error}");
            }
        }
    }
}

#[test]
fn a_refused_refresh_costs_no_usable_token() {
    let emulator = Emulator::start().unwrap();
    let directory = private_directory();
    let mut service = config(&emulator, directory.path());
    service.password("service@example.com", "service-password").unwrap();
    let ready = Session::new(&service).unwrap().authorization().unwrap();
    refuse_refreshes(&emulator);
    let mut handed = SessionConfig::new(&emulator.url()).unwrap();
    handed.proxy("").unwrap().clock(clock_of(&emulator)).state_dir(directory.path()).unwrap();
    handed.token(ready.expose()).unwrap();
    for _ in 0..8 {
        let session = Session::new(&handed).unwrap();
        for _ in 0..3 {
            assert_eq!(session.get("/api/v2/whoami").unwrap().status(), 200);
        }
    }
    assert_eq!(emulator.stats().of_kind(Kind::Refresh), 1);

    // The same of a token that a session has got by itself, in its last minute.
    let session = Session::new(&service).unwrap();
    session.login().unwrap();
    for seconds in [860, 15, 10] {
        emulator.clock().advance(Duration::from_secs(seconds));
        for _ in 0..3 {
            assert!(session.authorization().unwrap().matches(ready.expose()), "{:?}", session.expires_in());
        }
    }
    emulator.clock().advance(Duration::from_secs(10));
    assert!(!session.authorization().unwrap().matches(ready.expose()), "at its end it signs in");
}

#[test]
fn a_dead_imported_token_is_tried_once_by_all_sessions() {
    let emulator = Emulator::builder().limit_per_minute(60).start().unwrap();
    let directory = private_directory();
    let mut dead = SessionConfig::new(&emulator.url()).unwrap();
    dead.auth_budget(60).unwrap();
    dead.proxy("").unwrap().clock(clock_of(&emulator)).state_dir(directory.path()).unwrap();
    dead.token("not.a.token").unwrap();
    for _ in 0..8 {
        let session = Session::new(&dead).unwrap();
        assert_eq!(session.get("/api/v2/whoami").unwrap_err().code(), ErrorCode::Expired);
        assert!(!session.knows_token("not.a.token"));
    }
    assert_eq!(emulator.stats().authentication_requests(), 1);
    // However many there were before.
    for number in 0..8 {
        dead.token(&format!("not.a.token{number}")).unwrap();
        for _ in 0..2 {
            Session::new(&dead).unwrap().login().unwrap();
        }
    }
    assert_eq!(emulator.stats().authentication_requests(), 9);
    // With a password beside it, that is what is left.
    dead.password("service@example.com", "service-password").unwrap();
    assert_eq!(Session::new(&dead).unwrap().get("/api/v2/whoami").unwrap().status(), 200);
    assert_eq!(emulator.stats().of_kind(Kind::SignIn), 1);
}

#[test]
fn a_path_that_always_answers_401_costs_one_refresh_a_minute() {
    let emulator = Emulator::start().unwrap();
    emulator.set_always_unauthorized("/api/v1/forbidden");
    let directory = private_directory();
    let mut service = config(&emulator, directory.path());
    service.password("service@example.com", "service-password").unwrap();
    for _ in 0..8 {
        let session = Session::new(&service).unwrap();
        assert_eq!(session.get("/api/v1/forbidden").unwrap().status(), 401);
        assert_eq!(session.get("/api/v2/whoami").unwrap().status(), 200);
    }
    assert_eq!((emulator.stats().of_kind(Kind::SignIn), emulator.stats().of_kind(Kind::Refresh)), (1, 1));
}

#[test]
fn signing_out_with_six_digits_unanswered_keeps_nobody_waiting() {
    let emulator = Emulator::start().unwrap();
    let directory = private_directory();
    let mut asked = SessionConfig::new(&emulator.url()).unwrap();
    asked.proxy("").unwrap().clock(clock_of(&emulator)).state_dir(directory.path()).unwrap();
    asked.password("analyst@example.com", "analyst-password").unwrap();
    let session = Session::new(&asked).unwrap();
    assert_eq!(session.login().unwrap_err().code(), ErrorCode::MfaRequired);
    session.logout().unwrap();
    assert_eq!(session.login().unwrap_err().code(), ErrorCode::MfaRequired);
    session.logout().unwrap();
    let digits = emulator.digits("analyst@example.com");
    asked.mfa_callback(move |_| digits.clone().map(Into::into));
    Session::new(&asked).unwrap().login().unwrap();
}
