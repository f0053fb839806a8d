//! The lock that protects shared data during a fork.
//!
//! The child has only the forking thread, and the locks of other threads stay locked. So a session belongs to the process
//! that created it. A *new* session in the child shares some data with earlier sessions. One lock protects this data. A
//! program that forks holds the lock during the fork:
//!
//! ```text
//!   before the fork     hold()       no thread is inside, and no thread can enter
//!   in the parent       let_go()
//!   in the child        let_go()     the shared data is consistent and unlocked
//! ```
//!
//! The C library does this with `pthread_atfork`. A Rust program that forks has to call these functions itself.

use std::cell::RefCell;
use std::mem::ManuallyDrop;

#[cfg(not(plextrac_shuttle))]
use crate::sync::{ProcessMutex, ProcessMutexGuard};

/// While this guard is held, other threads cannot fork. Do not wait while you hold it. Not reentrant.
#[must_use]
pub struct ForkGuard {
    // A model does not fork, and another of its threads may go on where this one takes a lock.
    #[cfg(not(plextrac_shuttle))]
    _held: ProcessMutexGuard<'static, ()>,
}

/// Blocks forks of threads that call [`hold`] first.
pub fn undivided() -> ForkGuard {
    #[cfg(not(plextrac_shuttle))]
    static COMMON: ProcessMutex<()> = ProcessMutex::new(());
    ForkGuard {
        #[cfg(not(plextrac_shuttle))]
        _held: COMMON.lock(),
    }
}

/// Call this before a fork, on the forking thread. A second call does nothing.
pub fn hold() {
    HELD.with(|held| {
        let mut held = held.borrow_mut();
        if held.is_none() {
            *held = Some(undivided());
        }
    });
}

/// Call this after the fork, on the forking thread, in the parent and in the child. A second call does nothing.
pub fn let_go() {
    HELD.with(|held| drop(held.take()));
}

/// Creates the data that all sessions share. Without this call, the first session creates it. A fork at that moment would
/// leave the child waiting for a thread that it does not have. So call this before you register the other functions.
pub fn prepare() {
    let _undivided = undivided();
    drop(crate::clock::SystemClock::shared());
    #[cfg(not(plextrac_shuttle))]
    crate::http::prepare();
}

thread_local! {
    // Without a destructor it is there for as long as its thread, and needs no memory.
    static HELD: ManuallyDrop<RefCell<Option<ForkGuard>>> = const { ManuallyDrop::new(RefCell::new(None)) };
}

#[cfg(all(test, not(plextrac_shuttle)))]
mod tests {
    use std::sync::mpsc;
    use std::thread;

    use super::*;

    #[test]
    fn who_forks_waits_for_those_inside_and_keeps_others_out() {
        let inside = undivided();
        let (say, said) = mpsc::channel();
        let forking = {
            let say = say.clone();
            thread::spawn(move || {
                hold();
                hold();
                say.send("forks").unwrap();
                let_go();
                let_go();
                // Let go for good: this thread would wait for itself.
                drop(undivided());
            })
        };
        say.send("inside").unwrap();
        drop(inside);
        forking.join().unwrap();
        assert_eq!(said.try_iter().collect::<Vec<_>>(), ["inside", "forks"]);
    }
}
