//! Sessions that are kept alive while no caller needs them.

use std::cell::RefCell;
use std::rc::Rc;

use plextrac_auth_core::{Call, Config, Event, FailureKind, Keep, KeepEnd, MfaSource, RecordKind};

use crate::driver::{Server, World, authenticator, config, config_with, digits, reply, secs, totp};
use crate::harness::{LIMITS, Process, Store, owner, pass, pass_offline};

const HOUR: u64 = 3600;

/// A process that has neither password nor code, as `plextrac-auth keep`.
fn keeper(n: u8, world: &Rc<World>, store: &Rc<RefCell<Store>>) -> Process {
    let without = Config { credentials: None, mfa: MfaSource::Unavailable, ..config() };
    Process::new(n, world, store, without)
}

fn keep(process: &mut Process, seconds: u64) {
    keep_waiting(process, seconds, false);
}

fn keep_waiting(process: &mut Process, seconds: u64, waits: bool) {
    let until = process.now().monotonic + secs(seconds);
    let keep = Keep { until, label: format!("process {seconds}"), waits };
    process.input(|coordinator, _| coordinator.keep(keep)).unwrap();
    process.run();
}

/// Signs in with a code that a person types.
fn sign_in(world: &Rc<World>, store: &Rc<RefCell<Store>>) -> Process {
    let mut process = Process::new(9, world, store, config_with(MfaSource::Asked));
    let caller = process.get();
    assert!(types_code(&mut process));
    assert!(process.is_served(caller));
    process
}

/// Answers the question for a code, if there is one.
fn types_code(process: &mut Process) -> bool {
    let is_asked = process.prompt.take().is_some();
    if is_asked {
        let code = digits(&authenticator(process.world.true_unix_ms()));
        process.input(|coordinator, now| coordinator.handle_code(Some(code), now)).unwrap();
        process.run();
    }
    is_asked
}

fn ends(process: &Process) -> Vec<&KeepEnd> {
    process
        .events
        .iter()
        .filter_map(|event| match event {
            Event::KeepEnded(end) => Some(end),
            _ => None,
        })
        .collect()
}

fn failure(process: &Process) -> FailureKind {
    match ends(process)[..] {
        [KeepEnd::Failed(failure)] => failure.kind(),
        ref other => panic!("no failure: {other:?}"),
    }
}

fn entry(store: &Rc<RefCell<Store>>) -> serde_json::Value {
    store.borrow().account()["tokens"][0]["keeper"].clone()
}

fn is_kept_by(store: &Rc<RefCell<Store>>, n: u8) -> bool {
    entry(store)["owner"] == owner(n).to_string()
}

#[test]
fn a_session_is_refreshed_in_time_though_nobody_needs_it() {
    let (world, store) = (World::new(Server::with_mfa()), Store::new());
    drop(sign_in(&world, &store));
    let mut process = keeper(1, &world, &store);
    keep(&mut process, HOUR);
    assert!(is_kept_by(&store, 1), "{}", entry(&store));
    for _ in 0..59 {
        pass(&mut [&mut process], secs(60));
        assert!(process.token().is_some());
    }
    let refreshes = process.count(Call::Refresh);
    assert!((7..=8).contains(&refreshes) && process.sent.len() == refreshes, "{refreshes}");
    assert!(ends(&process).is_empty());
}

#[test]
fn nothing_is_polled_between_two_refreshes() {
    let (world, store) = (World::new(Server::with_mfa()), Store::new());
    drop(sign_in(&world, &store));
    let mut process = keeper(1, &world, &store);
    keep(&mut process, HOUR);
    let until = process.wait.until.expect("the next refresh").since(world.mono());
    assert!((secs(440)..=secs(450)).contains(&until), "{until:?}");
    let watch = process.wait.watch.clone().expect("the record is watched");
    assert!(!watch.is_urgent);
    let before = process.carried_out.len();
    pass(&mut [&mut process], secs(430));
    assert_eq!(process.carried_out.len(), before);
    assert!(process.sent.is_empty());
}

#[test]
fn keeping_ends_when_its_time_is_over() {
    let (world, store) = (World::new(Server::with_mfa()), Store::new());
    drop(sign_in(&world, &store));
    let mut process = keeper(1, &world, &store);
    keep(&mut process, 2 * HOUR);
    pass(&mut [&mut process], secs(2 * HOUR - 1));
    assert!(ends(&process).is_empty() && process.token().is_some());
    pass(&mut [&mut process], secs(2));
    assert_eq!(ends(&process), [&KeepEnd::TimeOver]);
    assert!(entry(&store).is_null(), "{}", entry(&store));
    process.assert_idle();
    let sent = process.sent.len();
    pass(&mut [&mut process], secs(HOUR));
    assert_eq!(process.sent.len(), sent, "nothing is refreshed any more");
}

#[test]
fn a_sign_out_elsewhere_ends_keeping() {
    let (world, store) = (World::new(Server::with_mfa()), Store::new());
    let mut person = sign_in(&world, &store);
    let mut process = keeper(1, &world, &store);
    keep(&mut process, HOUR);
    pass(&mut [&mut process], secs(1000));
    person.input(|coordinator, now| coordinator.sign_out(LIMITS, now)).unwrap();
    person.run();
    assert!(entry(&store).is_null(), "{}", entry(&store));
    pass(&mut [&mut process], secs(2));
    assert_eq!(ends(&process), [&KeepEnd::SignedOut]);
    process.assert_idle();
    assert!(entry(&store).is_null());
}

#[test]
fn a_sign_out_during_a_refresh_leaves_no_keeper() {
    let (world, store) = (World::new(Server::with_mfa()), Store::new());
    let mut person = sign_in(&world, &store);
    let mut process = keeper(1, &world, &store);
    keep(&mut process, HOUR);
    world.pass(secs(460));
    process.wake();
    process.settle();
    assert!(process.out.is_some());
    person.input(|coordinator, now| coordinator.sign_out(LIMITS, now)).unwrap();
    person.run();
    assert!(process.answer());
    while process.step() {
        assert!(entry(&store).is_null(), "{}", entry(&store));
    }
    assert_eq!(ends(&process), [&KeepEnd::SignedOut]);
    process.assert_idle();
}

#[test]
fn without_a_session_keeping_ends_at_once() {
    let (world, store) = (World::new(Server::with_mfa()), Store::new());
    let mut process = keeper(1, &world, &store);
    keep(&mut process, HOUR);
    assert_eq!(failure(&process), FailureKind::MfaRequired);
    assert!(process.sent.is_empty());
    process.assert_idle();
}

#[test]
fn a_second_keeper_stands_by_and_extends_the_first() {
    let (world, store) = (World::new(Server::with_mfa()), Store::new());
    drop(sign_in(&world, &store));
    let mut first = keeper(1, &world, &store);
    keep(&mut first, HOUR);
    let mut second = keeper(2, &world, &store);
    keep(&mut second, 3 * HOUR);
    pass(&mut [&mut first, &mut second], secs(1));
    assert!(is_kept_by(&store, 1), "{}", entry(&store));
    let Some(Event::Kept(kept)) = second.events.last() else { panic!("{:?}", second.events) };
    assert_eq!(kept.other, Some(owner(1)));
    assert_eq!(kept.label, "process 3600");
    pass(&mut [&mut first, &mut second], secs(2 * HOUR));
    assert!(ends(&first).is_empty(), "the later end counts");
    assert!(second.sent.is_empty(), "one keeper refreshes");
    pass(&mut [&mut first, &mut second], secs(HOUR));
    assert_eq!((ends(&first), ends(&second)), (vec![&KeepEnd::TimeOver], vec![&KeepEnd::TimeOver]));
    assert!(entry(&store).is_null(), "{}", entry(&store));
}

#[test]
fn a_second_keeper_with_an_earlier_end_changes_nothing() {
    let (world, store) = (World::new(Server::with_mfa()), Store::new());
    drop(sign_in(&world, &store));
    let mut first = keeper(1, &world, &store);
    keep(&mut first, 2 * HOUR);
    let before = entry(&store);
    let mut second = keeper(2, &world, &store);
    keep(&mut second, HOUR);
    pass(&mut [&mut first, &mut second], secs(HOUR + 10));
    assert_eq!(entry(&store), before);
    assert_eq!(ends(&second), [&KeepEnd::TimeOver]);
    assert!(ends(&first).is_empty());
}

#[test]
fn of_two_keepers_that_begin_at_once_one_keeps() {
    let (world, store) = (World::new(Server::with_mfa()), Store::new());
    drop(sign_in(&world, &store));
    let mut a = keeper(1, &world, &store);
    let mut b = keeper(2, &world, &store);
    for process in [&mut a, &mut b] {
        let until = process.now().monotonic + secs(HOUR);
        let keep = Keep { until, label: "one of two".into(), waits: false };
        process.input(|coordinator, _| coordinator.keep(keep)).unwrap();
        process.settle_until("write", RecordKind::Account);
    }
    b.run();
    a.run();
    pass(&mut [&mut a, &mut b], secs(1000));
    assert!(is_kept_by(&store, 2), "{}", entry(&store));
    assert_eq!((a.sent.len(), b.sent.len()), (0, 2));
}

#[test]
fn a_keeper_whose_process_is_gone_is_replaced_at_once() {
    let (world, store) = (World::new(Server::with_mfa()), Store::new());
    drop(sign_in(&world, &store));
    let mut first = keeper(1, &world, &store);
    keep(&mut first, HOUR);
    let mut second = keeper(2, &world, &store);
    keep(&mut second, HOUR);
    let watch = second.wait.watch.clone().unwrap();
    assert_eq!(watch.owner, Some(owner(1)));
    drop(first);
    second.input(|coordinator, _| coordinator.handle_owner_gone(owner(1))).unwrap();
    second.run();
    assert!(is_kept_by(&store, 2), "{}", entry(&store));
    pass(&mut [&mut second], secs(1800));
    assert_eq!(second.count(Call::Refresh), 4);
}

#[test]
fn a_store_that_knows_no_processes_loses_no_session() {
    let (world, store) = (World::new(Server::with_mfa()), Store::new());
    drop(sign_in(&world, &store));
    let mut first = keeper(1, &world, &store);
    keep(&mut first, HOUR);
    let mut second = keeper(2, &world, &store);
    keep(&mut second, HOUR);
    drop(first);
    for _ in 0..58 {
        pass(&mut [&mut second], secs(60));
        assert!(second.token().is_some());
    }
    assert!(is_kept_by(&store, 2), "{}", entry(&store));
    assert!(ends(&second).is_empty());
}

#[test]
fn a_keeper_that_ends_early_hands_over() {
    let (world, store) = (World::new(Server::with_mfa()), Store::new());
    drop(sign_in(&world, &store));
    let mut first = keeper(1, &world, &store);
    keep(&mut first, HOUR);
    let mut second = keeper(2, &world, &store);
    keep(&mut second, HOUR);
    first.input(|coordinator, now| coordinator.close(now)).unwrap();
    first.run();
    first.assert_idle();
    assert!(entry(&store).is_null(), "{}", entry(&store));
    pass(&mut [&mut second], secs(1));
    assert!(is_kept_by(&store, 2));
}

#[test]
fn after_a_suspend_longer_than_a_token_a_code_is_needed() {
    let (world, store) = (World::new(Server::with_mfa()), Store::new());
    drop(sign_in(&world, &store));
    let mut process = keeper(1, &world, &store);
    keep(&mut process, 8 * HOUR);
    pass(&mut [&mut process], secs(HOUR));
    world.pass(secs(20 * 60));
    pass(&mut [&mut process], secs(5));
    assert_eq!(failure(&process), FailureKind::MfaRequired);
    assert!(entry(&store).is_null(), "{}", entry(&store));
    process.assert_idle();
}

#[test]
fn a_suspend_within_the_life_of_a_token_ends_nothing() {
    for minutes in [5, 7] {
        let (world, store) = (World::new(Server::with_mfa()), Store::new());
        drop(sign_in(&world, &store));
        let mut process = keeper(1, &world, &store);
        keep(&mut process, 8 * HOUR);
        for _ in 0..20 {
            pass(&mut [&mut process], secs(60));
            world.pass(secs(minutes * 60));
            pass(&mut [&mut process], secs(5));
            assert!(process.token().is_some(), "{minutes} min");
        }
        assert!(ends(&process).is_empty());
    }
}

#[test]
fn a_session_survives_five_minutes_without_a_network() {
    let (world, store) = (World::new(Server::with_mfa()), Store::new());
    drop(sign_in(&world, &store));
    let mut process = keeper(1, &world, &store);
    keep(&mut process, 24 * HOUR);
    for minute in 0..16 {
        pass(&mut [&mut process], secs(60 * minute));
        pass_offline(&mut [&mut process], secs(300));
        assert!(process.token().is_some(), "a token is in hand after minute {minute}");
        pass(&mut [&mut process], secs(75));
        let left = process.coordinator.usable_token(process.now()).unwrap().windows().ends_at;
        assert!(left.since(world.mono()) > secs(440), "it was refreshed after minute {minute}");
    }
    assert!(ends(&process).is_empty());
}

#[test]
fn twenty_minutes_without_a_network_end_keeping() {
    let (world, store) = (World::new(Server::with_mfa()), Store::new());
    drop(sign_in(&world, &store));
    let mut process = keeper(1, &world, &store);
    keep(&mut process, 8 * HOUR);
    pass_offline(&mut [&mut process], secs(20 * 60));
    assert_eq!(failure(&process), FailureKind::MfaRequired);
    assert!(process.sent.len() < 20, "{} attempts", process.sent.len());
}

#[test]
fn a_full_budget_delays_the_refresh() {
    let (world, store) = (World::new(Server::with_mfa()), Store::new());
    drop(sign_in(&world, &store));
    let mut process = keeper(1, &world, &store);
    keep(&mut process, HOUR);
    pass(&mut [&mut process], secs(445));
    use_whole_budget(&world, &store);
    pass(&mut [&mut process], secs(50));
    assert!(process.sent.is_empty(), "{:?}", process.sent);
    pass(&mut [&mut process], secs(20));
    assert_eq!(process.count(Call::Refresh), 1);
    assert!(ends(&process).is_empty() && process.token().is_some());
}

/// Another account of the instance sends as much as a minute allows.
fn use_whole_budget(world: &Rc<World>, store: &Rc<RefCell<Store>>) {
    let copy = |from: &Rc<RefCell<Store>>, to: &Rc<RefCell<Store>>| {
        let budget = serde_json::to_vec(&from.borrow().json(RecordKind::Budget)).unwrap();
        to.borrow_mut().put(RecordKind::Budget, budget);
    };
    let other = Store::new();
    copy(store, &other);
    let mut process = Process::new(7, world, &other, config_with(totp()));
    process.get();
    for _ in 0..5 {
        process.need_newer();
        process.run();
    }
    assert_eq!(process.sent.len(), 6);
    copy(&other, store);
}

#[test]
fn a_refused_refresh_ends_keeping_and_says_why() {
    let (world, store) = (World::new(Server::with_mfa()), Store::new());
    drop(sign_in(&world, &store));
    let mut process = keeper(1, &world, &store);
    keep(&mut process, HOUR);
    world.server.borrow_mut().script.push_back(reply::rejected());
    pass(&mut [&mut process], secs(460));
    assert_eq!(failure(&process), FailureKind::MfaRequired);
    let [KeepEnd::Failed(why)] = ends(&process)[..] else { panic!() };
    assert!(why.message().contains("refuses to refresh"), "{why:?}");
    assert_eq!(process.count(Call::Refresh), 1);
}

#[test]
fn a_session_with_a_totp_secret_signs_in_again_by_itself() {
    let (world, store) = (World::new(Server::with_mfa()), Store::new());
    let mut process = Process::new(1, &world, &store, config_with(totp()));
    keep_waiting(&mut process, 8 * HOUR, true);
    assert!(process.sent.is_empty(), "keeping does not begin a session");
    process.get();
    pass(&mut [&mut process], secs(HOUR));
    world.pass(secs(20 * 60));
    pass(&mut [&mut process], secs(60));
    assert!(process.token().is_some() && ends(&process).is_empty());
    assert_eq!(process.count(Call::SignIn), 2);
}

#[test]
fn a_program_that_waits_is_kept_from_its_next_sign_in_on() {
    let (world, store) = (World::new(Server::with_mfa()), Store::new());
    let mut process = Process::new(1, &world, &store, config_with(MfaSource::Asked));
    keep_waiting(&mut process, 8 * HOUR, true);
    assert!(process.events.is_empty() && process.wait.watch.is_none());
    for round in 1..=2 {
        let caller = process.get();
        assert!(types_code(&mut process));
        assert!(process.is_served(caller));
        pass(&mut [&mut process], secs(HOUR));
        assert!(process.token().is_some() && process.prompt.is_none());
        assert!(is_kept_by(&store, 1), "{}", entry(&store));
        process.input(|coordinator, now| coordinator.sign_out(LIMITS, now)).unwrap();
        process.run();
        assert_eq!(ends(&process).len(), round);
        assert!(entry(&store).is_null());
    }
}

#[test]
fn without_a_store_a_session_is_kept_as_well() {
    let world = World::new(Server::plain());
    let mut process = Process::alone(&world, config());
    process.get();
    keep(&mut process, HOUR);
    pass(&mut [&mut process], secs(HOUR - 1));
    assert_eq!(process.count(Call::SignIn), 1);
    assert!(process.token().is_some());
    pass(&mut [&mut process], secs(2));
    assert_eq!(ends(&process), [&KeepEnd::TimeOver]);
    process.assert_idle();
}

#[test]
fn a_store_that_fails_for_a_while_ends_nothing() {
    let (world, store) = (World::new(Server::with_mfa()), Store::new());
    drop(sign_in(&world, &store));
    let mut process = keeper(1, &world, &store);
    keep(&mut process, 2 * HOUR);
    store.borrow_mut().fails(true);
    pass(&mut [&mut process], secs(1800));
    assert!(process.token().is_some());
    store.borrow_mut().fails(false);
    pass(&mut [&mut process], secs(1800));
    assert!(is_kept_by(&store, 1), "{}", entry(&store));
    assert!(process.token().is_some() && ends(&process).is_empty());
    let token = process.token();
    assert_eq!(store.borrow().account()["tokens"][0]["token"].as_str(), token.as_deref());
}

#[test]
fn another_process_sees_who_keeps_and_until_when() {
    let (world, store) = (World::new(Server::with_mfa()), Store::new());
    let mut person = sign_in(&world, &store);
    let mut process = keeper(1, &world, &store);
    keep(&mut process, HOUR);
    person.input(|coordinator, now| coordinator.look(LIMITS, now)).unwrap();
    person.run();
    let seen = person.coordinator.keeper(person.now()).expect("the record names it");
    assert_eq!((seen.label.as_str(), seen.other), ("process 3600", Some(owner(1))));
    assert_eq!(seen.until.since(world.mono()), secs(HOUR));
    world.pass(secs(HOUR + 1));
    assert_eq!(person.coordinator.keeper(person.now()), None, "its time is over");
}

/// How often a person is asked in nine hours by runs of a command, one after the other.
fn asked(minutes: u64, keeps: bool) -> usize {
    let (world, store) = (World::new(Server::with_mfa()), Store::new());
    let mut kept = keeper(1, &world, &store);
    let mut asked = 0;
    for run in 0..9 * 60 / minutes {
        let config = Config { refreshes_early: true, ..config_with(MfaSource::Asked) };
        let mut process = Process::new((run % 200) as u8 + 10, &world, &store, config);
        let caller = process.get();
        asked += usize::from(types_code(&mut process));
        assert!(process.is_served(caller));
        drop(process);
        if run == 0 && keeps {
            keep(&mut kept, 9 * HOUR);
        }
        pass(&mut [&mut kept], secs(minutes * 60));
    }
    if keeps {
        assert_eq!(ends(&kept), [&KeepEnd::TimeOver]);
    }
    asked
}

#[test]
fn runs_of_a_day_ask_once_while_a_keeper_runs() {
    for (minutes, without) in [(5, 1), (10, 1), (15, 36), (20, 27), (60, 9)] {
        assert_eq!(asked(minutes, false), without, "every {minutes} minutes, with no keeper");
        assert_eq!(asked(minutes, true), 1, "every {minutes} minutes");
    }
}

#[test]
fn two_keepers_that_are_both_late_do_not_write_in_turns() {
    let (world, store) = (World::new(Server::plain()), Store::new());
    let mut first = Process::new(1, &world, &store, config());
    first.get();
    keep(&mut first, 4 * HOUR);
    let mut second = Process::new(2, &world, &store, config());
    keep(&mut second, 4 * HOUR);
    // Until both have found the other one too late.
    pass_offline(&mut [&mut first, &mut second], secs(14 * 60 + 45));
    pass(&mut [&mut first, &mut second], secs(120));
    let written = store.borrow().versions;
    pass(&mut [&mut first, &mut second], secs(120));
    let writes = store.borrow().versions - written;
    assert!(writes <= 10, "{writes} writes in two minutes");
    assert!(is_kept_by(&store, 1) || is_kept_by(&store, 2));
}

#[test]
fn a_sign_out_elsewhere_ends_a_keeper_without_a_token() {
    let (world, store) = (World::new(Server::plain()), Store::new());
    let mut first = Process::new(1, &world, &store, config());
    first.get();
    keep(&mut first, 4 * HOUR);
    pass_offline(&mut [&mut first], secs(20 * 60));
    assert_eq!(first.token(), None, "control: it tries to sign in again");
    let mut other = Process::new(2, &world, &store, config());
    other.input(|coordinator, now| coordinator.sign_out(LIMITS, now)).unwrap();
    other.run();
    let sent = first.sent.len();
    pass(&mut [&mut first], secs(10 * 60));
    assert_eq!(ends(&first), [&KeepEnd::SignedOut]);
    assert_eq!(first.sent.len(), sent);
}
