//! The standard library's locks without poison: a panic leaves the store usable.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::clock::now;

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits until the condition is notified or the moment has come.
pub(crate) fn wait_until<'a, T>(
    condition: &Condvar,
    guard: MutexGuard<'a, T>,
    moment: Instant,
) -> MutexGuard<'a, T> {
    let left = moment.saturating_duration_since(now());
    let waited = condition.wait_timeout(guard, left);
    waited.unwrap_or_else(PoisonError::into_inner).0
}
