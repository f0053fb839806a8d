//! Callers on threads of their own, of which a test can know that they wait.

use std::fs;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::LONGEST_WAIT;

/// A call that is under way on a thread of its own.
pub struct Caller<T> {
    thread: JoinHandle<T>,
    task: u64,
}

/// Makes a call on a thread of its own.
pub fn call<T: Send + 'static>(make: impl FnOnce() -> T + Send + 'static) -> Caller<T> {
    let (tell, told) = mpsc::channel();
    let thread = thread::spawn(move || {
        tell.send(own_task()).unwrap();
        make()
    });
    Caller { thread, task: told.recv().unwrap() }
}

/// Makes the same call on `count` threads, each of which has its number.
pub fn call_each<T: Send + 'static>(
    count: usize,
    make: impl Fn(usize) -> T + Clone + Send + 'static,
) -> Vec<Caller<T>> {
    (0..count)
        .map(|number| {
            let make = make.clone();
            call(move || make(number))
        })
        .collect()
}

impl<T> Caller<T> {
    /// Returns when the call waits for something that another thread has to bring.
    #[track_caller]
    pub fn await_sleep(&self) {
        let gives_up = Instant::now() + LONGEST_WAIT;
        // Asleep, and not been awake in between: so it does not merely pass a lock.
        let mut before = None;
        loop {
            let now = self.sleep();
            if now.is_some() && now == before {
                return;
            }
            before = now;
            assert!(!self.thread.is_finished(), "the call returned instead of waiting");
            assert!(Instant::now() < gives_up, "the call is neither waiting nor over");
            for _ in 0..20 {
                thread::yield_now();
            }
        }
    }

    pub fn is_over(&self) -> bool {
        self.thread.is_finished()
    }

    /// What the call returned.
    #[track_caller]
    pub fn join(self) -> T {
        match self.thread.join() {
            Ok(returned) => returned,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }

    /// What the call returned, if it does so before long.
    #[track_caller]
    pub fn join_soon(self) -> T {
        let gives_up = Instant::now() + LONGEST_WAIT;
        while !self.thread.is_finished() {
            assert!(Instant::now() < gives_up, "the call does not return");
            thread::park_timeout(Duration::from_millis(1));
        }
        self.join()
    }

    /// How often the thread has given up its core so far, if it waits for another thread right now.
    fn sleep(&self) -> Option<String> {
        let task = format!("/proc/self/task/{}", self.task);
        let call = fs::read_to_string(format!("{task}/syscall")).ok()?;
        if call.split(' ').next() != Some(FUTEX) {
            return None;
        }
        let status = fs::read_to_string(format!("{task}/status")).ok()?;
        status.lines().find(|line| line.starts_with("voluntary_ctxt_switches")).map(str::to_owned)
    }
}

/// What condition variables and locks wait in (`asm/unistd.h`).
#[cfg(target_arch = "x86_64")]
const FUTEX: &str = "202";
#[cfg(not(target_arch = "x86_64"))]
const FUTEX: &str = "98";

fn own_task() -> u64 {
    let task = fs::read_link("/proc/thread-self").unwrap();
    task.file_name().unwrap().to_str().unwrap().parse().unwrap()
}
