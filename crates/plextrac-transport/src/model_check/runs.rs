//! What is tried in every order.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use shuttle::scheduler::{PctScheduler, RandomScheduler};
use shuttle::{Runner, thread};

use super::instance::Instance;
use crate::sync::{Condvar, Mutex};
use crate::{CancelToken, ErrorCode, MemoryStore, Session, SessionConfig, Time};

/// Runs in each test, half of them by chance, half with few but badly placed changes of thread.
const RUNS: usize = 2_000;

fn in_every_order(run: impl Fn() + Send + Sync + 'static) {
    let run = Arc::new(run);
    let by_chance = Arc::clone(&run);
    // The coordinator's state goes over the stack in a debug build.
    let mut config = shuttle::Config::new();
    config.stack_size = 1024 * 1024;
    let chance = RandomScheduler::new(RUNS / 2);
    Runner::new(chance, config.clone()).run(move || by_chance());
    Runner::new(PctScheduler::new(3, RUNS / 2), config).run(move || run());
}

/// A clock for each run: budgets are kept by clock.
fn config() -> (SessionConfig, Arc<AtomicU64>) {
    let now = Arc::new(AtomicU64::new(3_600_000));
    let read = Arc::clone(&now);
    let mut config = SessionConfig::new("https://model.example").unwrap();
    config.password("user", "password").unwrap();
    config.clock(Arc::new(move || Time::from_millis(read.load(Ordering::SeqCst), 1_700_000_000_000)));
    (config, now)
}

fn session() -> Session {
    Session::new(&config().0).unwrap()
}

/// A run ends when nothing is under way.
fn land(session: &Session) {
    let shared = session.shared();
    let mut inner = shared.inner.lock();
    while !inner.coordinator.is_idle() {
        shared.changed.wait(&mut inner);
    }
}

fn spawn<T: Send + 'static>(
    session: &Session,
    call: impl FnOnce(Session) -> T + Send + 'static,
) -> thread::JoinHandle<T> {
    let session = session.clone();
    thread::spawn(move || call(session))
}

fn code(result: Result<(), crate::Error>) -> Option<ErrorCode> {
    result.err().map(|error| error.code())
}

#[test]
#[should_panic(expected = "deadlock")]
fn control_a_wake_up_that_is_lost_is_found() {
    in_every_order(|| {
        let shared = Arc::new((Mutex::new(false), Condvar::new()));
        let waiting = Arc::clone(&shared);
        let waiter = thread::spawn(move || {
            let is_set = *waiting.0.lock();
            if !is_set {
                // Between the look and the wait the lock was let go.
                waiting.1.wait(&mut waiting.0.lock());
            }
        });
        *shared.0.lock() = true;
        shared.1.notify_all();
        waiter.join().unwrap();
    });
}

#[test]
fn callers_of_all_orders_share_one_flight_and_one_token() {
    in_every_order(|| {
        let instance = Instance::with(&[]);
        let session = session();
        let callers: Vec<_> =
            (0..3).map(|_| spawn(&session, |session| session.authorization().unwrap())).collect();
        for caller in callers {
            assert_eq!(caller.join().unwrap().expose(), "POST-0");
        }
        assert_eq!(instance.sign_ins(), 1);
        land(&session);
    });
}

#[test]
fn a_failed_attempt_wakes_all_and_its_back_off_holds() {
    in_every_order(|| {
        let instance = Instance::with(&[503]);
        let session = session();
        let callers: Vec<_> = (0..3).map(|_| spawn(&session, |session| code(session.login()))).collect();
        for caller in callers {
            let code = caller.join().unwrap();
            assert!(matches!(code, Some(ErrorCode::UnexpectedAnswer | ErrorCode::MustWait)), "{code:?}");
        }
        assert_eq!(instance.sign_ins(), 1);
        land(&session);
    });
}

#[test]
fn a_rejected_password_is_sent_once_in_every_order() {
    in_every_order(|| {
        let instance = Instance::with(&[401, 401, 401]);
        let session = session();
        let callers: Vec<_> = (0..3).map(|_| spawn(&session, |session| code(session.login()))).collect();
        for caller in callers {
            assert_eq!(caller.join().unwrap(), Some(ErrorCode::Rejected));
        }
        assert_eq!(instance.sign_ins(), 1);
        land(&session);
    });
}

#[test]
fn closing_while_an_attempt_starts_leaves_nothing_open() {
    in_every_order(|| {
        Instance::with(&[]);
        let session = session();
        let caller = spawn(&session, |session| code(session.login()));
        let closer = spawn(&session, |session| session.close());
        let code = caller.join().unwrap();
        assert!(matches!(code, None | Some(ErrorCode::Closed)), "{code:?}");
        closer.join().unwrap();
        assert_eq!(session.login().unwrap_err().code(), ErrorCode::Closed);
        land(&session);
        assert_eq!(session.expires_in(), None);
    });
}

#[test]
fn a_cancelled_caller_never_costs_the_other_its_token() {
    in_every_order(|| {
        let instance = Instance::with(&[]);
        let session = session();
        let cancel = CancelToken::new();
        let cancelled = spawn(&session.with_cancel(&cancel), |session| code(session.login()));
        let other = spawn(&session, |session| code(session.login()));
        cancel.trigger();
        let code = cancelled.join().unwrap();
        assert!(matches!(code, None | Some(ErrorCode::Cancelled)), "{code:?}");
        assert_eq!(other.join().unwrap(), None);
        assert_eq!(instance.sign_ins(), 1);
        land(&session);
    });
}

/// A session whose sign-in is out and not answered: nothing that happens to it wakes anybody.
fn at_a_stalled_instance(end: impl Fn(&Session) + Send + Sync + 'static) {
    in_every_order(move || {
        let instance = Instance::with(&[]);
        instance.hold();
        let session = session();
        let first = spawn(&session, |session| drop(session.login()));
        instance.await_request();
        end(&session);
        instance.release();
        first.join().unwrap();
        land(&session);
    });
}

#[test]
fn a_cancelled_caller_wakes_though_its_attempt_never_ends() {
    at_a_stalled_instance(|session| {
        let cancel = CancelToken::new();
        let cancelled = spawn(&session.with_cancel(&cancel), |session| code(session.login()));
        cancel.trigger();
        assert_eq!(cancelled.join().unwrap(), Some(ErrorCode::Cancelled));
    });
}

#[test]
fn closing_wakes_a_caller_though_its_attempt_never_ends() {
    at_a_stalled_instance(|session| {
        let caller = spawn(session, |session| code(session.login()));
        // It waits for the answer, in a model for ever.
        let _closing = spawn(session, |session| session.close());
        assert_eq!(caller.join().unwrap(), Some(ErrorCode::Closed));
    });
}

#[test]
fn a_call_after_a_sign_out_gets_a_token() {
    in_every_order(|| {
        let instance = Instance::with(&[]);
        let session = session();
        let before = spawn(&session, |session| code(session.login()));
        let after = spawn(&session, |session| {
            session.logout().unwrap();
            code(session.login())
        });
        let code = before.join().unwrap();
        assert!(matches!(code, None | Some(ErrorCode::Cancelled | ErrorCode::NotReady)), "{code:?}");
        assert_eq!(after.join().unwrap(), None);
        assert!(instance.sign_ins() <= 2);
        land(&session);
    });
}

#[test]
fn a_token_that_two_callers_report_is_renewed_once() {
    in_every_order(|| {
        let instance = Instance::with(&[]);
        let session = session();
        session.login().unwrap();
        let callers: Vec<_> = (0..2)
            .map(|_| {
                spawn(&session, |session| {
                    assert!(session.report_unauthorized("POST-0").unwrap());
                    session.authorization().unwrap().expose().to_owned()
                })
            })
            .collect();
        for caller in callers {
            assert_eq!(caller.join().unwrap(), "PUT-0");
        }
        assert_eq!((instance.sign_ins(), instance.refreshes()), (1, 1));
        land(&session);
    });
}

#[test]
fn an_early_refresh_is_made_once_and_costs_no_token() {
    in_every_order(|| {
        let instance = Instance::with(&[]);
        let (config, now) = config();
        let session = Session::new(&config).unwrap();
        session.login().unwrap();
        now.fetch_add(700_000, Ordering::SeqCst);
        let callers: Vec<_> = (0..2)
            .map(|_| {
                spawn(&session, |session| {
                    session.with_authorization(|value| assert!(!value.is_empty())).unwrap();
                    session.authorization().unwrap();
                })
            })
            .collect();
        callers.into_iter().for_each(|caller| caller.join().unwrap());
        land(&session);
        assert_eq!(session.authorization().unwrap().expose(), "PUT-0");
        assert_eq!((instance.sign_ins(), instance.refreshes()), (1, 1));
    });
}

#[test]
fn sessions_that_share_a_store_sign_in_once() {
    in_every_order(|| {
        let instance = Instance::with(&[]);
        let (mut config, _) = config();
        config.store(Arc::new(MemoryStore::new()));
        let (one, other) = (Session::new(&config).unwrap(), Session::new(&config).unwrap());
        let callers = [
            spawn(&one, |session| session.authorization().unwrap()),
            spawn(&other, |session| session.authorization().unwrap()),
        ];
        drop(one.status());
        one.forget_rejection().unwrap();
        for caller in callers {
            assert_eq!(caller.join().unwrap().expose(), "POST-0");
        }
        assert_eq!(instance.sign_ins(), 1);
        land(&one);
        land(&other);
    });
}

#[test]
fn dropping_the_last_handle_during_a_flight_comes_to_an_end() {
    in_every_order(|| {
        Instance::with(&[]);
        let (config, now) = config();
        let session = Session::new(&config).unwrap();
        session.login().unwrap();
        now.fetch_add(700_000, Ordering::SeqCst);
        session.authorization().unwrap();
        let shared = Arc::clone(session.shared());
        let dropping = thread::spawn(move || drop(session));
        dropping.join().unwrap();
        let mut inner = shared.inner.lock();
        while !inner.coordinator.is_idle() {
            shared.changed.wait(&mut inner);
        }
    });
}
