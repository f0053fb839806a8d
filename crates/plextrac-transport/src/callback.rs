//! Which callback of the program runs on this thread: what it must not wait for is known here.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use crate::shared::Shared;
use crate::sync::thread_local;

/// The program's code that a session calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Callback {
    /// Runs on a worker thread: waiting for that attempt would never end.
    Mfa,
    /// Runs wherever something happens, with no lock held.
    Events,
}

/// Runs a callback of the session, which may panic.
pub(crate) fn run<T>(callback: Callback, shared: &Shared, call: impl FnOnce() -> T) -> thread::Result<T> {
    let outer = RUNNING.with(|running| running.replace(Some((callback, id(shared)))));
    let returned = catch_unwind(AssertUnwindSafe(call));
    RUNNING.with(|running| running.set(outer));
    returned
}

/// The callback of the session that this thread is in.
pub(crate) fn running_for(shared: &Shared) -> Option<Callback> {
    RUNNING.with(Cell::get).filter(|(_, of)| *of == id(shared)).map(|(callback, _)| callback)
}

fn id(shared: &Shared) -> usize {
    std::ptr::from_ref(shared) as usize
}

thread_local! {
    static RUNNING: Cell<Option<(Callback, usize)>> = const { Cell::new(None) };
}
