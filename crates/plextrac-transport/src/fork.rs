//! Standing still while the process forks.
//!
//! The child has the forking thread alone, and every lock as the others left it. So a session is good for the process
//! that made it. What a *new* session in the child has in common with those before it is used behind one lock, which
//! whoever watches forks holds over them:
//!
//! ```text
//!   before the fork     hold()       nobody is inside, and nobody comes in
//!   in the parent       let_go()
//!   in the child        let_go()     what is common is whole, and nothing of it is locked
//! ```
//!
//! The C library does so, by `pthread_atfork`. A Rust program that forks has to by itself.

use std::cell::RefCell;
use std::mem::ManuallyDrop;

#[cfg(not(plextrac_shuttle))]
use crate::sync::{ProcessMutex, ProcessMutexGuard};

/// As long as this is held no fork comes between. Not for anything that waits; and not to be had twice by a thread.
#[must_use]
pub struct ForkGuard {
    // A model does not fork, and another of its threads may go on where this one takes a lock.
    #[cfg(not(plextrac_shuttle))]
    _held: ProcessMutexGuard<'static, ()>,
}

/// Keeps forks out, of threads that [`hold`] first.
pub fn undivided() -> ForkGuard {
    #[cfg(not(plextrac_shuttle))]
    static COMMON: ProcessMutex<()> = ProcessMutex::new(());
    ForkGuard {
        #[cfg(not(plextrac_shuttle))]
        _held: COMMON.lock(),
    }
}

/// Before a fork, on its thread. Again does nothing.
pub fn hold() {
    HELD.with(|held| {
        let mut held = held.borrow_mut();
        if held.is_none() {
            *held = Some(undivided());
        }
    });
}

/// After the fork, on its thread, in the parent and in the child. Again does nothing.
pub fn let_go() {
    HELD.with(|held| drop(held.take()));
}

/// Makes what the first session would make for all. A fork in the middle of that would leave the child waiting for a
/// thread that it does not have; so whoever watches forks calls this first, from then on there is no middle.
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
