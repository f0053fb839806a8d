//! Processes that write one record at once, and are killed meanwhile.

use std::time::Duration;

use crate::child::{Process, Role, Store, counts_in};
use crate::tests;

tests! {
    killed_writers_lose_no_write_and_leave_whole_records
    processes_that_start_at_once_make_one_key
}

const KILLS: usize = 100;

fn killed_writers_lose_no_write_and_leave_whole_records() {
    let parent = tempfile::tempdir().unwrap();
    let directory = parent.path().join("state");
    let store = Store::open(&directory);
    let mut processes = [0, 1, 2].map(|place| Process::start(&directory, Role::Counts(place)));
    let mut written = 0;
    for kill in 0..KILLS {
        let place = kill % 3;
        let first = processes[place].reply();
        std::thread::park_timeout(Duration::from_micros(kill as u64 * 97 % 5_000));
        processes[place].kill();
        let acknowledged: u64 = processes[place].last_reply().unwrap_or(first).parse().unwrap();
        let found = counts_in(&store.read())[place];
        assert!(
            (acknowledged..=acknowledged + 1).contains(&found),
            "kill {kill}: {acknowledged} writes were acknowledged, and the record says {found}"
        );
        written += found;
        processes[place] = Process::start(&directory, Role::Counts(place));
    }
    println!("{KILLS} kills, {written} writes");
}

fn processes_that_start_at_once_make_one_key() {
    let parent = tempfile::tempdir().unwrap();
    let directory = parent.path().join("state");
    let processes: Vec<_> = (0..8).map(|_| Process::start(&directory, Role::ReadsKey)).collect();
    let keys: Vec<_> = processes.iter().map(Process::reply).collect();
    assert!(keys.iter().all(|key| *key == keys[0]), "{keys:?}");
}
