//! Callbacks: slow, panicking, and calling back.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock, mpsc};
use std::time::{Duration, Instant};

use plextrac_emulator::Kind;
use plextrac_transport::{
    ErrorCode, MemoryStore, MfaPrompt, Session, SessionConfig, SessionEvent, SessionState,
};
use zeroize::Zeroizing;

use crate::stage::{EARLY, LONGEST_WAIT, Stage, call, call_each};

/// Has a person answer when the test lets them.
struct Person {
    asked: mpsc::Receiver<MfaPrompt>,
    answers: mpsc::Sender<Option<String>>,
}

impl Person {
    fn of(config: &mut SessionConfig) -> Self {
        let (ask, asked) = mpsc::channel();
        let (answers, answer) = mpsc::channel::<Option<String>>();
        let answer = Mutex::new(answer);
        config.mfa_callback(move |prompt| {
            ask.send(prompt.clone()).unwrap();
            answer.lock().unwrap().recv_timeout(LONGEST_WAIT).unwrap().map(Zeroizing::new)
        });
        Self { asked, answers }
    }

    #[track_caller]
    fn await_question(&self) -> MfaPrompt {
        self.asked.recv_timeout(LONGEST_WAIT).expect("nobody was asked")
    }

    fn answer(&self, digits: &str) {
        self.answers.send(Some(digits.to_owned())).unwrap();
    }
}

#[test]
fn one_person_is_asked_once_for_all_callers() {
    let stage = Stage::new();
    let mut config = stage.analyst();
    let person = Person::of(&mut config);
    let session = Session::new(&config).unwrap();
    let handle = session.clone();
    let callers = call_each(8, move |_| handle.login());
    let prompt = person.await_question();
    assert_eq!((prompt.attempt, prompt.username.as_str()), (1, "analyst@example.com"));
    assert_eq!(prompt.instance, stage.emulator.url());
    callers.iter().for_each(|caller| caller.await_sleep());
    assert_eq!(session.state(), SessionState::MfaNeeded);
    person.answer(&stage.digits());
    callers.into_iter().for_each(|caller| caller.join().unwrap());
    assert_eq!((stage.seen(Kind::SignIn), stage.seen(Kind::Mfa)), (1, 1));
}

#[test]
fn typing_longer_than_the_timeout_times_no_caller_out() {
    let stage = Stage::new();
    let mut config = stage.analyst();
    let timeout = Duration::from_millis(400);
    config.timeout(timeout).unwrap();
    let person = Person::of(&mut config);
    let session = Session::new(&config).unwrap();
    let handle = session.clone();
    let mut callers = call_each(4, move |_| handle.login());
    // A request comes after the sign-in, in the same call.
    callers.push(call(move || session.get("/api/v2/whoami").map(|answer| assert_eq!(answer.status(), 200))));
    person.await_question();
    callers.iter().for_each(|caller| caller.await_sleep());
    // What is under test is that time passes.
    let typing_ends = Instant::now() + 2 * timeout;
    while let Some(left) = typing_ends.checked_duration_since(Instant::now()) {
        std::thread::park_timeout(left);
    }
    assert!(callers.iter().all(|caller| !caller.is_over()));
    person.answer(&stage.digits());
    for caller in callers {
        caller.join().unwrap();
    }
}

#[test]
fn wrong_digits_are_asked_for_once_more_and_not_a_third_time() {
    let stage = Stage::new();
    let mut config = stage.analyst();
    let person = Person::of(&mut config);
    let session = Session::new(&config).unwrap();
    let caller = call(move || session.login().unwrap_err().code());
    let right = stage.digits();
    let wrong: Vec<String> =
        (0..3).map(|n| format!("{n:06}")).filter(|digits| *digits != right).take(2).collect();
    for (attempt, digits) in (1..).zip(&wrong) {
        assert_eq!(person.await_question().attempt, attempt);
        person.answer(digits);
    }
    assert_eq!(caller.join(), ErrorCode::Rejected);
    assert!(person.asked.try_recv().is_err());
    assert_eq!(stage.seen(Kind::Mfa), 2);
}

#[test]
fn a_refused_code_is_the_reason_where_the_budget_has_no_room() {
    let stage = Stage::new();
    let mut config = stage.analyst();
    config.auth_budget(2).unwrap();
    let person = Person::of(&mut config);
    let session = Session::new(&config).unwrap();
    let caller = call(move || session.login().unwrap_err());
    person.await_question();
    let right = stage.digits();
    person.answer(if right == "000000" { "000001" } else { "000000" });
    let error = caller.join();
    assert_eq!(error.code(), ErrorCode::Rejected, "{error}");
    assert!(error.to_string().contains("refused the one-time code"), "{error}");
    assert!((60..=61).contains(&error.retry_after().unwrap().as_secs()), "{error}");
    assert_eq!(stage.authentications(), 2);
}

#[test]
fn after_a_person_gives_up_the_next_call_asks_again() {
    let stage = Stage::new();
    let mut config = stage.analyst();
    let person = Person::of(&mut config);
    let session = Session::new(&config).unwrap();
    let handle = session.clone();
    let callers = call_each(4, move |_| handle.login().unwrap_err().code());
    person.await_question();
    callers.iter().for_each(|caller| caller.await_sleep());
    person.answers.send(None).unwrap();
    for caller in callers {
        assert_eq!(caller.join(), ErrorCode::MfaRequired);
    }
    let again = call(move || session.login());
    person.await_question();
    person.answer(&stage.digits());
    again.join().unwrap();
    assert_eq!((stage.seen(Kind::SignIn), stage.seen(Kind::Mfa)), (2, 1));
}

#[test]
fn a_panic_in_the_mfa_callback_leaves_the_session_usable() {
    let stage = Stage::new();
    let mut config = stage.analyst();
    let (asks, asked) = mpsc::channel();
    let (lets, go) = mpsc::channel::<Option<String>>();
    let go = Mutex::new(go);
    config.mfa_callback(move |_| {
        asks.send(()).unwrap();
        let digits = go.lock().unwrap_or_else(|held| held.into_inner()).recv_timeout(LONGEST_WAIT).unwrap();
        Some(Zeroizing::new(digits.expect("a panic of the program's own")))
    });
    let session = Session::new(&config).unwrap();
    let handle = session.clone();
    let callers = call_each(4, move |_| handle.login().unwrap_err().code());
    asked.recv_timeout(LONGEST_WAIT).unwrap();
    callers.iter().for_each(|caller| caller.await_sleep());
    lets.send(None).unwrap();
    for caller in callers {
        assert_eq!(caller.join(), ErrorCode::Panic);
    }
    let handle = session.clone();
    let again = call(move || handle.login());
    asked.recv_timeout(LONGEST_WAIT).unwrap();
    lets.send(Some(stage.digits())).unwrap();
    again.join().unwrap();
    assert_eq!(session.state(), SessionState::Active);
}

#[test]
fn a_panic_in_the_event_sink_costs_nobody_a_token() {
    let stage = Stage::new();
    let mut config = stage.service();
    config.store(Arc::new(MemoryStore::new()));
    let told = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&told);
    config.on_event(move |_| {
        counted.fetch_add(1, Ordering::SeqCst);
        panic!("a panic of the program's own");
    });
    let session = Session::new(&config).unwrap();
    session.login().unwrap();
    stage.advance(EARLY);
    session.refresh().unwrap();
    session.logout().unwrap();
    session.login().unwrap();
    assert!(told.load(Ordering::SeqCst) >= 4, "control: it was called, and panicked");
    assert_eq!((stage.seen(Kind::SignIn), stage.seen(Kind::Refresh)), (2, 1));
}

/// Every call that would have to wait for the flight whose callback makes it.
fn calls_that_wait(session: &Session) -> Vec<ErrorCode> {
    [
        session.login().err(),
        session.authorization().err(),
        session.with_authorization(|_| ()).err(),
        session.cookie().err(),
        session.refresh().err(),
        session.get("/api/v2/whoami").err(),
        session.submit_mfa("123456").err(),
    ]
    .into_iter()
    .map(|error| error.expect("it cannot have succeeded").code())
    .collect()
}

#[test]
fn an_mfa_callback_that_calls_back_gets_busy() {
    let stage = Stage::new();
    let mut config = stage.analyst();
    let slot: Arc<OnceLock<Session>> = Arc::default();
    let (tell, told) = mpsc::channel();
    let (inside, digits) = (Arc::clone(&slot), stage.digits());
    config.mfa_callback(move |_| {
        let session = inside.get().unwrap();
        let looked = (session.state(), session.expires_in(), session.status().budget_used);
        tell.send((calls_that_wait(session), looked)).unwrap();
        Some(Zeroizing::new(digits.clone()))
    });
    let session = slot.get_or_init(|| Session::new(&config).unwrap());
    session.login().unwrap();
    let (codes, (state, expires_in, used)) = told.recv_timeout(LONGEST_WAIT).unwrap();
    assert_eq!(codes, [ErrorCode::Busy; 7]);
    assert_eq!((state, expires_in, used), (SessionState::MfaNeeded, None, 2));
    assert_eq!(stage.authentications(), 2);
}

#[test]
fn an_mfa_callback_may_use_a_session_of_another_account() {
    let stage = Stage::new();
    let mut config = stage.analyst();
    let (other, digits) = (Session::new(&stage.service()).unwrap(), stage.digits());
    config.mfa_callback(move |_| {
        other.login().unwrap();
        Some(Zeroizing::new(digits.clone()))
    });
    Session::new(&config).unwrap().login().unwrap();
}

#[test]
fn an_mfa_callback_may_close_its_session() {
    let stage = Stage::new();
    let mut config = stage.analyst();
    let slot: Arc<OnceLock<Session>> = Arc::default();
    let inside = Arc::clone(&slot);
    config.mfa_callback(move |_| {
        inside.get().unwrap().close();
        Some(Zeroizing::new("123456".to_owned()))
    });
    let session = slot.get_or_init(|| Session::new(&config).unwrap());
    assert_eq!(session.login().unwrap_err().code(), ErrorCode::Closed);
    assert_eq!(stage.seen(Kind::Mfa), 0);
}

#[test]
fn an_mfa_callback_may_sign_out_and_its_digits_go_nowhere() {
    let stage = Stage::new();
    let mut config = stage.analyst();
    config.store(Arc::new(MemoryStore::new()));
    let slot: Arc<OnceLock<Session>> = Arc::default();
    let (inside, digits) = (Arc::clone(&slot), stage.digits());
    config.mfa_callback(move |_| {
        inside.get().unwrap().logout().unwrap();
        Some(Zeroizing::new(digits.clone()))
    });
    let session = slot.get_or_init(|| Session::new(&config).unwrap());
    let error = session.login().unwrap_err();
    assert_eq!(error.code(), ErrorCode::Cancelled, "{error}");
    assert_eq!(stage.seen(Kind::Mfa), 0);
}

#[test]
fn an_event_sink_that_calls_back_gets_busy() {
    let stage = Stage::new();
    let mut config = stage.service();
    // With a store, for its locks are held where some events come from.
    config.store(Arc::new(MemoryStore::new())).timeout(Duration::from_secs(5)).unwrap();
    let slot: Arc<OnceLock<Session>> = Arc::default();
    let (tell, told) = mpsc::channel();
    let inside = Arc::clone(&slot);
    config.on_event(move |event| {
        let session = inside.get().unwrap();
        let signs_out = session.logout().err().map(|error| error.code());
        let used = session.status().budget_used;
        let signs_in = session.refresh().err().map(|error| error.code());
        tell.send((event.clone(), signs_out, signs_in, used)).unwrap();
    });
    let session = slot.get_or_init(|| Session::new(&config).unwrap());
    let began = Instant::now();
    session.login().unwrap();
    session.logout().unwrap();
    assert!(began.elapsed() < Duration::from_secs(5), "nobody waited for himself until his time was over");
    let heard: Vec<_> = told.try_iter().collect();
    assert!(heard.iter().any(|(event, ..)| matches!(event, SessionEvent::SignedIn)));
    assert!(heard.iter().any(|(event, ..)| matches!(event, SessionEvent::SignedOut)));
    for (event, signs_out, signs_in, used) in heard {
        assert_eq!((signs_out, signs_in), (Some(ErrorCode::Busy), Some(ErrorCode::Busy)), "{event:?}");
        assert_eq!(used, 1, "{event:?}");
    }
    assert_eq!(stage.authentications(), 1);
}

#[test]
fn a_callback_that_repeats_a_rejected_code_gets_an_error() {
    let stage = Stage::new();
    let mut config = stage.analyst();
    let person = Person::of(&mut config);
    let session = Session::new(&config).unwrap();
    let handle = session.clone();
    let caller = call(move || handle.login().unwrap_err().code());
    for _ in 0..2 {
        person.await_question();
        person.answer("000000");
    }
    assert_eq!(caller.join(), ErrorCode::Rejected);
    assert_eq!(stage.seen(Kind::Mfa), 1, "the same digits are not sent twice");
    let caller = call(move || session.login());
    person.await_question();
    person.answer(&stage.digits());
    caller.join().unwrap();
}

#[test]
fn exchanges_are_reported_without_any_value() {
    let stage = Stage::new();
    let mut config = stage.service();
    let (sender, exchanges) = mpsc::channel();
    config.on_exchange(move |exchange| sender.send(exchange.clone()).unwrap());
    let session = Session::new(&config).unwrap();
    session.login().unwrap();
    session.refresh().unwrap();
    let seen: Vec<_> = exchanges.try_iter().collect();
    let paths: Vec<_> = seen.iter().map(|exchange| (exchange.method, exchange.path)).collect();
    assert_eq!(paths, [("POST", "/api/v1/authenticate"), ("PUT", "/api/v1/token/refresh")]);
    let answer = seen[0].answer.as_ref().unwrap();
    assert_eq!(answer.status, 200);
    assert!(answer.fields.as_ref().unwrap().contains(&("token".to_owned(), "string")), "{answer:?}");
    let token = session.authorization().unwrap();
    assert!(!format!("{seen:?}").contains(token.expose()), "{seen:?}");
}
