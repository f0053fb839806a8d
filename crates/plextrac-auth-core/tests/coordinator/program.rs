//! A program that waits as no caller: it wants a token, and reads the events.

use plextrac_auth_core::{
    Budget, Call, CallerId, Event, FailureKind, InputError, MfaSource, Need, RequestId, TransportFailure,
};

use crate::driver::{Server, World, config, config_with, digits, secs};
use crate::harness::{LIMITS, PATIENT, Process, pass};

const RIGHT: &str = "424242";

#[test]
fn a_want_without_a_caller_signs_in_and_wakes_nobody() {
    let world = World::new(Server::plain());
    let mut process = Process::alone(&world, config());
    process.input(|coordinator, _| coordinator.want()).unwrap();
    process.run();
    assert!(process.token().is_some() && process.woken.is_empty());
    assert!(matches!(process.events[..], [Event::SignedIn { .. }]), "{:?}", process.events);
    process.input(|coordinator, _| coordinator.want()).unwrap();
    process.run();
    assert_eq!(process.count(Call::SignIn), 1);
    process.assert_idle();
}

#[test]
fn a_want_outlasts_the_callers_that_leave() {
    let world = World::new(Server::plain());
    let mut process = Process::alone(&world, config());
    process.input(|coordinator, _| coordinator.want()).unwrap();
    process.fail(TransportFailure::Connect);
    process.input(|coordinator, _| coordinator.want()).unwrap();
    assert!(process.out.is_none(), "the back-off is not over");
    let caller = process.join(Need::Usable, PATIENT);
    process.input(|coordinator, now| coordinator.leave(caller, now)).unwrap();
    pass(&mut [&mut process], secs(10));
    assert!(process.token().is_some(), "{:?}", process.coordinator);
}

#[test]
fn an_input_that_is_refused_needs_no_poll() {
    let world = World::new(Server::plain());
    let mut process = Process::alone(&world, config());
    process.need();
    let now = process.now();
    let coordinator = &mut process.coordinator;
    let stale = coordinator.handle_failure(RequestId(99), TransportFailure::Other, now);
    assert_eq!(stale, Err(InputError::Stale));
    assert_eq!(coordinator.leave(CallerId(99), now), Err(InputError::Stale));
    assert_eq!(coordinator.provide_code(digits(RIGHT), now), Err(InputError::CodeNotAskedFor));
    assert_eq!(coordinator.decline_code(now), Err(InputError::WrongState));
    assert_eq!(coordinator.handle_code(None, now), Err(InputError::WrongState));
    assert!(coordinator.is_drained());
    process.run();
    assert!(process.token().is_some());
}

#[test]
fn a_code_without_a_caller_serves_the_want() {
    let world = World::new(Server::with_mfa());
    let mut process = Process::alone(&world, config_with(MfaSource::Submitted));
    process.input(|coordinator, _| coordinator.want()).unwrap();
    process.run();
    assert_eq!(process.coordinator.code_needed().map(|prompt| prompt.attempt), Some(1));
    // A caller cannot hand a code in by itself, and the want stands all the same.
    let caller = process.get();
    assert_eq!(process.failure(caller), FailureKind::MfaRequired);
    process.input(|coordinator, now| coordinator.provide_code(digits(RIGHT), now)).unwrap();
    assert!(process.coordinator.code_needed().is_none());
    let late = process.get();
    assert!(process.is_served(late) && process.token().is_some());
    assert_eq!((process.count(Call::SignIn), process.count(Call::Mfa)), (1, 1));
    process.assert_idle();
}

#[test]
fn a_provided_code_answers_the_question_of_the_callers() {
    let world = World::new(Server::with_mfa());
    let mut process = Process::alone(&world, config_with(MfaSource::Asked));
    let callers = [process.get(), process.get()];
    process.input(|coordinator, now| coordinator.provide_code(digits("111111"), now)).unwrap();
    process.prompt = None;
    process.run();
    // The refused code leaves the second question open.
    assert_eq!(process.prompt.map(|prompt| prompt.attempt), Some(2));
    let spent = process.input(|coordinator, now| coordinator.provide_code(digits("111111"), now));
    assert_eq!(spent, Err(InputError::CodeSpent));
    assert!(callers.iter().all(|caller| process.result(*caller).is_none()));
    process.input(|coordinator, now| coordinator.provide_code(digits(RIGHT), now)).unwrap();
    process.run();
    assert!(callers.iter().all(|caller| process.is_served(*caller)));
    process.assert_idle();
}

#[test]
fn declining_a_code_fails_those_who_wait_for_it() {
    for (mfa, is_asked) in [(MfaSource::Asked, true), (MfaSource::Submitted, false)] {
        let world = World::new(Server::with_mfa());
        let mut process = Process::alone(&world, config_with(mfa));
        process.input(|coordinator, _| coordinator.want()).unwrap();
        process.run();
        let caller = process.get();
        assert_eq!(process.result(caller).is_none(), is_asked);
        process.input(|coordinator, now| coordinator.decline_code(now)).unwrap();
        assert_eq!(process.failure(caller), FailureKind::MfaRequired);
        assert!(matches!(process.events[..], [Event::Failed(_)]), "{:?}", process.events);
        assert!(process.coordinator.code_needed().is_none());
        process.assert_idle();
    }
}

#[test]
fn a_limit_ends_a_wait_for_the_program_s_want() {
    let world = World::new(Server::plain());
    let mut process = Process::alone(&world, config());
    process.input(|coordinator, _| coordinator.want()).unwrap();
    process.fail(TransportFailure::Connect);
    process.input(|coordinator, _| coordinator.want()).unwrap();
    let caller = process.join(Need::Usable, LIMITS);
    assert_eq!(process.failure(caller), FailureKind::MustWait);
    assert!(process.coordinator.is_attempting());
}

#[test]
fn a_poll_sees_the_room_that_another_account_left() {
    let world = World::new(Server::plain());
    let (mut first, mut second) = (Process::alone(&world, config()), Process::alone(&world, config()));
    let mut budget = Budget::new(3).unwrap();
    for process in [&mut first, &mut second] {
        std::mem::swap(&mut process.budget, &mut budget);
        process.input(|coordinator, _| coordinator.want()).unwrap();
        std::mem::swap(&mut process.budget, &mut budget);
    }
    // A first sign-in takes two places, until it is known that no code is needed.
    assert!(first.out.is_some() && second.out.is_none());
    std::mem::swap(&mut first.budget, &mut budget);
    first.run();
    std::mem::swap(&mut first.budget, &mut second.budget);
    second.drain();
    assert!(second.out.is_some(), "{:?}", second.wait);
}

#[test]
fn a_provided_code_that_is_late_ends_the_question() {
    let world = World::new(Server::with_mfa());
    let mut process = Process::alone(&world, config_with(MfaSource::Asked));
    process.get();
    pass(&mut [&mut process], secs(121));
    let late = process.input(|coordinator, now| coordinator.provide_code(digits(RIGHT), now));
    assert_eq!(late, Err(InputError::CodeNotAskedFor));
    // The next challenge is asked for anew.
    process.prompt = None;
    process.get();
    assert!(process.prompt.is_some(), "{:?}", process.coordinator);
}
