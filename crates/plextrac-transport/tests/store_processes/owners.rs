//! Owners of claims, whose processes are killed, stopped and forked.

use std::time::{Duration, Instant};

use plextrac_transport::{RecordStore, Watched};

use crate::child::{LONGEST, Process, Role, Store, owner};
use crate::tests;

tests! {
    a_killed_owner_is_gone_at_once
    a_watch_under_way_sees_its_owner_die
    a_stopped_owner_is_not_gone
    a_forked_child_keeps_no_killed_owner
    a_forked_child_takes_no_owner_away
    owners_killed_at_random_points_are_found
}

/// So long a watch that nothing ends is watched.
const QUIET: Duration = Duration::from_millis(300);

struct State {
    store: Store,
    parent: tempfile::TempDir,
}

impl State {
    fn new() -> Self {
        let parent = tempfile::tempdir().unwrap();
        Self { store: Store::open(&parent.path().join("state")), parent }
    }

    fn start(&self, role: Role) -> Process {
        Process::start(&self.parent.path().join("state"), role)
    }

    /// How many owners have a file. One that was killed before it locked its own is none.
    fn owners(&self) -> usize {
        let names = std::fs::read_dir(self.store.0.path()).unwrap();
        let is_owner = |name: String| name.starts_with("plextrac-auth-o") && !name.ends_with(".new");
        names.filter(|entry| is_owner(entry.as_ref().unwrap().file_name().into_string().unwrap())).count()
    }
}

fn a_killed_owner_is_gone_at_once() {
    let state = State::new();
    let mut process = state.start(Role::Owns(1));
    if process.reply() != "true" {
        println!("skipped: this system has no name for its boot");
        return;
    }
    assert_eq!(state.store.watch(owner(1), QUIET), Watched::Over, "it lives");
    process.kill();
    let began = Instant::now();
    assert_eq!(state.store.watch(owner(1), LONGEST), Watched::OwnerGone);
    println!("noticed {:?} after the kill", began.elapsed());
    assert_eq!(state.owners(), 0, "the first observer removes the file");
}

fn a_watch_under_way_sees_its_owner_die() {
    let state = State::new();
    let mut process = state.start(Role::Owns(1));
    if process.reply() != "true" {
        println!("skipped: this system has no name for its boot");
        return;
    }
    std::thread::scope(|scope| {
        // Two observers: the first that notices removes the file, and the second notices all the same.
        let watches = [(); 2].map(|()| scope.spawn(|| state.store.watch(owner(1), LONGEST)));
        std::thread::park_timeout(Duration::from_millis(50));
        process.kill();
        for watch in watches {
            assert_eq!(watch.join().unwrap(), Watched::OwnerGone);
        }
    });
}

fn a_stopped_owner_is_not_gone() {
    let state = State::new();
    let mut process = state.start(Role::Owns(1));
    process.reply();
    process.signal("-STOP");
    assert_eq!(state.store.watch(owner(1), QUIET), Watched::Over);
    process.signal("-CONT");
    assert_eq!(process.order("hello"), "hello");
}

fn a_forked_child_keeps_no_killed_owner() {
    let state = State::new();
    let mut process = state.start(Role::OwnsAndForks(1));
    assert_eq!(process.reply(), "forked");
    if state.owners() == 0 {
        println!("skipped: this system has no name for its boot");
        return;
    }
    assert_eq!(state.store.watch(owner(1), QUIET), Watched::Over, "the parent lives");
    process.kill();
    assert_eq!(state.store.watch(owner(1), LONGEST), Watched::OwnerGone);
    assert_eq!(process.order("hello"), "hello", "control: the child lives");
    assert_eq!(process.order("announce 2"), "announced");
    assert_eq!(state.store.watch(owner(2), QUIET), Watched::Over, "the child is an owner of its own");
}

fn a_forked_child_takes_no_owner_away() {
    let state = State::new();
    let mut process = state.start(Role::OwnsAndForks(1));
    assert_eq!(process.reply(), "forked");
    if state.owners() == 0 {
        println!("skipped: this system has no name for its boot");
        return;
    }
    assert_eq!(process.order("drop"), "dropped", "the child has its parent's presence, too");
    assert_eq!(process.order("announce 2"), "announced", "which looks for the files of dead processes");
    assert_eq!(state.store.watch(owner(1), QUIET), Watched::Over, "the parent lives");
    process.kill();
    assert_eq!(state.store.watch(owner(1), LONGEST), Watched::OwnerGone);
}

const KILLS: u32 = 150;
const SPREAD: Duration = Duration::from_millis(12);

fn owners_killed_at_random_points_are_found() {
    let state = State::new();
    let (mut found, mut slowest) = (0, Duration::ZERO);
    for number in 0..KILLS {
        let mut process = state.start(Role::Claims);
        assert_eq!(process.reply(), "begins");
        std::thread::park_timeout(SPREAD * number / KILLS);
        process.kill();
        let record = state.store.read();
        if let [number] = record.bytes.as_slice() {
            let began = Instant::now();
            assert_eq!(state.store.watch(owner(*number), LONGEST), Watched::OwnerGone, "kill {number}");
            slowest = slowest.max(began.elapsed());
            found += 1;
        }
        state.store.update(|_| Vec::new());
    }
    println!("{KILLS} kills, {found} of them with a claim; the slowest was noticed after {slowest:?}");
    assert!(found > 0, "control: some died with a claim");
    let presence = state.store.0.announce(owner(7)).unwrap();
    assert!(!presence.is_known() || state.owners() == 1, "the files of dead owners are removed");
}
