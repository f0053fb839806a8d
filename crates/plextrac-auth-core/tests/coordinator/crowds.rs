//! Many processes at once: what one change of the record may cost each of them.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use plextrac_auth_core::{Call, Config, Need, RecordKind, StoreConfig};

use crate::driver::{Server, World, config, secs};
use crate::harness::{PATIENT, Process, Store, pass, pass_unanswered, sends_nothing};

/// So many processes.
const CROWD: u8 = 20;

/// Carries out one operation of each process in turn, until none has any.
fn settle_in_turn(crowd: &mut [Process]) {
    for _ in 0..200 {
        let stepped = crowd.iter_mut().map(Process::step).filter(|has_stepped| *has_stepped).count();
        if stepped == 0 {
            return;
        }
    }
    panic!("no end to the store operations");
}

fn count(crowd: &[Process], what: &str, record: RecordKind) -> usize {
    let all = crowd.iter().flat_map(|process| &process.carried_out);
    all.filter(|done| **done == (what, record)).count()
}

/// Everybody joins, after an engine that may have lost writes has failed over. Nothing is carried out.
fn crowd_after_failover() -> Vec<Process> {
    let (world, store) = (World::new(Server::plain()), Store::new());
    store.borrow_mut().clock = Some(("run-1".into(), 5_000_000));
    let mut first = on_engine(100, &world, &store);
    first.get();
    pass(&mut [&mut first], secs(100));
    store.borrow_mut().clock = Some(("run-2".into(), 500));
    let mut crowd: Vec<Process> = (1..=CROWD).map(|n| on_engine(n, &world, &store)).collect();
    for process in &mut crowd {
        process.join(Need::Usable, PATIENT);
    }
    crowd
}

/// A process on a machine of its own, and on an engine that may lose writes.
fn on_engine(n: u8, world: &Rc<World>, store: &Rc<RefCell<Store>>) -> Process {
    let config = Config { boot: format!("machine-{n}"), ..config() };
    let how = StoreConfig { may_lose_writes: true, ..sends_nothing(n) };
    Process::with(n, world, store, config, Some(how))
}

#[test]
fn after_a_failover_each_process_writes_the_account_once() {
    let mut crowd = crowd_after_failover();
    settle_in_turn(&mut crowd);
    let writes = count(&crowd, "write", RecordKind::Account);
    assert_eq!(writes, usize::from(CROWD), "each has read the record before the first wrote it");
}

#[test]
fn after_a_failover_each_process_writes_the_budget_once() {
    let mut crowd = crowd_after_failover();
    for process in &mut crowd {
        process.settle_until("write", RecordKind::Budget);
    }
    settle_in_turn(&mut crowd);
    let writes = count(&crowd, "write", RecordKind::Budget);
    assert_eq!(writes, usize::from(CROWD), "each has read the record before the first wrote it");
}

#[test]
fn after_a_failover_the_budget_is_full_for_everybody() {
    let (world, store) = (World::new(Server::plain()), Store::new());
    store.borrow_mut().clock = Some(("run-1".into(), 5_000_000));
    let mut a = on_engine(1, &world, &store);
    a.get();
    pass(&mut [&mut a], secs(100));
    store.borrow_mut().clock = Some(("run-2".into(), 500));
    // The first process that looks writes the budget's record in the new run.
    let mut b = on_engine(2, &world, &store);
    b.get();
    assert!(b.out.is_none() && b.sent.is_empty());
    let mut c = on_engine(3, &world, &store);
    c.join(Need::Usable, PATIENT);
    c.run();
    assert!(c.sent.is_empty(), "the budget counts as full for 61 s");
    pass(&mut [&mut b, &mut c], secs(65));
    assert_eq!(c.count(Call::Refresh), 1);
}

/// Lets time pass for a process that gets no notices: it polls at its moments alone.
fn pass_without_notices(holder: &mut Process, waiter: &mut Process, span: u64) {
    for _ in 0..span * 10 {
        pass_unanswered(&mut [&mut *holder], Duration::from_millis(100));
        if waiter.wait.until.is_some_and(|until| waiter.now().monotonic >= until) {
            waiter.drain();
            waiter.settle();
        }
    }
}

#[test]
fn on_an_engine_a_waiter_reads_once_a_lease() {
    let (world, store) = (World::new(Server::plain()), Store::new());
    store.borrow_mut().clock = Some(("run-1".into(), 5_000_000));
    let (mut a, mut b) = (on_engine(1, &world, &store), on_engine(2, &world, &store));
    a.need();
    a.settle();
    let caller = b.join(Need::Usable, PATIENT);
    b.settle();
    b.carried_out.clear();
    pass_without_notices(&mut a, &mut b, 29);
    let reads = b.carried_out.len();
    assert!((2..=4).contains(&reads), "{reads} reads in 29 s while another process has a live claim");
    a.run();
    pass_without_notices(&mut a, &mut b, 12);
    assert!(b.is_served(caller), "a notice that gets lost costs no more than a lease");
}

#[test]
fn on_an_engine_a_killed_holder_is_replaced_in_12_s() {
    let (world, store) = (World::new(Server::plain()), Store::new());
    store.borrow_mut().clock = Some(("run-1".into(), -3000));
    let (mut a, mut b) = (on_engine(1, &world, &store), on_engine(2, &world, &store));
    a.need();
    a.settle();
    let caller = b.join(Need::Usable, PATIENT);
    b.settle();
    pass_unanswered(&mut [&mut a, &mut b], secs(4));
    drop(a);
    pass(&mut [&mut b], secs(12));
    assert!(b.is_served(caller));
    b.assert_idle();
}
