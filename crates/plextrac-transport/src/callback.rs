//! Which callback of the program runs on this thread: what it must not wait for is known here.

use std::cell::{Cell, RefCell};
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use crate::event::SessionEvent;
use crate::shared::Shared;
use crate::sync::thread_local;

/// The program's code that a session calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Callback {
    /// Runs on a flight's thread: waiting for that flight would never end.
    Mfa,
    /// Runs wherever something happens, in a flight as well, though with no lock held: see [`put_off`].
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

/// From here on what is to be told on this thread is put off: it holds a lock that a sink might wait for.
pub(crate) fn put_off() {
    PUT_OFF.with(|put_off| {
        put_off.borrow_mut().get_or_insert_default();
    });
}

/// Takes what was put off, and puts off no more.
pub(crate) fn take_put_off() -> Vec<SessionEvent> {
    PUT_OFF.with(|put_off| put_off.borrow_mut().take()).unwrap_or_default()
}

/// Puts an event off, if that is what this thread does.
pub(crate) fn is_put_off(event: &SessionEvent) -> bool {
    PUT_OFF.with(|put_off| put_off.borrow_mut().as_mut().map(|events| events.push(event.clone())).is_some())
}

fn id(shared: &Shared) -> usize {
    std::ptr::from_ref(shared) as usize
}

thread_local! {
    static RUNNING: Cell<Option<(Callback, usize)>> = const { Cell::new(None) };
    // Without a destructor it is there for calls from those of others, at the end of the thread; it is empty by then.
    static PUT_OFF: ManuallyDrop<RefCell<Option<Vec<SessionEvent>>>> =
        const { ManuallyDrop::new(RefCell::new(None)) };
}
