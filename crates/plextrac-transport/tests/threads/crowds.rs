//! Sixty-four threads in real time, whose counts must come out exactly.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use plextrac_emulator::{Kind, Outcome};
use plextrac_transport::Session;

use crate::stage::{EARLY, LATE, Stage, call_each};

const CROWD: usize = 64;

#[test]
fn sixty_four_threads_cross_five_expiries_with_five_refreshes() {
    let stage = Arc::new(Stage::with(|builder| builder.keep_requests(0)));
    let session = Session::new(&stage.service()).unwrap();
    let rounds = Arc::new(Barrier::new(CROWD));
    // A refresh point is drawn between 599 s and 660 s; 29 rounds of 20 s later there is no other yet.
    let (step, rounds_after) = (Duration::from_secs(20), 29);
    let (on_stage, left) = (Arc::clone(&stage), Arc::new(AtomicU32::new(rounds_after)));
    let callers = call_each(CROWD, move |_| {
        let (mut failed, mut slowest) = (Vec::new(), Duration::ZERO);
        while left.load(Ordering::SeqCst) > 0 {
            // One of them moves the clock, and says when it is enough, while the others stand still.
            if rounds.wait().is_leader() {
                on_stage.advance(step);
                if on_stage.seen(Kind::Refresh) >= 5 {
                    left.fetch_sub(1, Ordering::SeqCst);
                }
            }
            rounds.wait();
            let began = Instant::now();
            match session.get("/api/v2/whoami") {
                Ok(answer) if answer.is_success() => {}
                answer => failed.push(format!("{answer:?}")),
            }
            slowest = slowest.max(began.elapsed());
        }
        (failed, slowest)
    });
    let callers: Vec<_> = callers.into_iter().map(|caller| caller.join()).collect();
    let slowest = callers.iter().map(|(_, slowest)| *slowest).max().unwrap();
    println!("64 threads, 5 expiries: the slowest request took {slowest:?}");
    let failed: Vec<_> = callers.into_iter().flat_map(|(failed, _)| failed).collect();
    assert!(failed.is_empty(), "{failed:?}");
    assert_eq!((stage.seen(Kind::SignIn), stage.seen(Kind::Refresh)), (1, 5));
    assert_eq!(stage.count(Kind::Whoami, Outcome::Ok), stage.seen(Kind::Whoami));
}

#[test]
fn sixty_four_threads_at_a_dead_token_sign_in_once() {
    let delay = Duration::from_millis(500);
    let stage = Stage::with(|builder| builder.sign_in_delay(delay));
    let session = Session::new(&stage.service()).unwrap();
    let began = Instant::now();
    session.login().unwrap();
    let one_sign_in = began.elapsed();
    stage.emulator.revoke_tokens();
    let start = Arc::new(Barrier::new(CROWD));
    let callers = call_each(CROWD, move |_| {
        start.wait();
        let began = Instant::now();
        assert_eq!(session.get("/api/v2/whoami").unwrap().status(), 200);
        began.elapsed()
    });
    let longest = callers.into_iter().map(|caller| caller.join()).max().unwrap();
    println!("64 threads at a dead token: the longest call took {longest:?}, a sign-in {one_sign_in:?}");
    assert_eq!(stage.seen(Kind::SignIn), 2, "one before, one after");
    assert_eq!(stage.seen(Kind::Refresh), 1, "tried, and refused");
    assert!(longest < 2 * one_sign_in, "{longest:?}");
}

#[test]
fn while_a_refresh_takes_500_ms_no_other_caller_notices() {
    let stage = Stage::with(|builder| builder.refresh_delay(Duration::from_millis(500)));
    let session = stage.signed_in(Duration::ZERO);
    // Each figure stands beside that of a token that needs nothing: on a busy machine both are the scheduler's.
    for threads in [2, 8] {
        let alone = longest_call(&session, threads);
        let refreshes = stage.seen(Kind::Refresh);
        stage.advance(EARLY);
        let meanwhile = longest_call(&session, threads);
        println!(
            "{threads} threads: the longest call took {meanwhile:?} during a refresh, {alone:?} without"
        );
        assert!(meanwhile < Duration::from_millis(250), "somebody waited for the refresh: {meanwhile:?}");
        assert_eq!(stage.seen(Kind::Refresh), refreshes + 1);
        session.settle();
    }
    assert_eq!(stage.seen(Kind::SignIn), 1);
}

/// The longest of all calls that so many threads make in 400 ms, each about once a millisecond: threads that never
/// rest would wait for each other's cores.
fn longest_call(session: &Session, threads: usize) -> Duration {
    let start = Arc::new(Barrier::new(threads));
    let handle = session.clone();
    let callers = call_each(threads, move |_| {
        start.wait();
        let (began, mut longest) = (Instant::now(), Duration::ZERO);
        while began.elapsed() < Duration::from_millis(400) {
            let called = Instant::now();
            handle.with_authorization(|token| assert!(!token.is_empty())).unwrap();
            longest = longest.max(called.elapsed());
            thread::park_timeout(Duration::from_millis(1));
        }
        longest
    });
    callers.into_iter().map(|caller| caller.join()).max().unwrap()
}

#[test]
fn cold_threads_sign_in_once_and_all_get_the_same_token() {
    let stage = Stage::with(|builder| builder.sign_in_delay(Duration::from_millis(100)));
    let session = Session::new(&stage.service()).unwrap();
    let start = Arc::new(Barrier::new(CROWD));
    let callers = call_each(CROWD, move |_| {
        start.wait();
        session.authorization().unwrap()
    });
    let tokens: Vec<_> = callers.into_iter().map(|caller| caller.join()).collect();
    assert!(tokens.iter().all(|token| token.matches(tokens[0].expose())));
    assert_eq!(stage.authentications(), 1);
    stage.advance(LATE);
}
