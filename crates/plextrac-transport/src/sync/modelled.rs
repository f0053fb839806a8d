//! The locks of the model: shuttle's, with the face of parking_lot's.

use std::ops::{Deref, DerefMut};
use std::time::{Duration, Instant};

use shuttle::sync;

#[derive(Default)]
pub(crate) struct Mutex<T>(sync::Mutex<T>);

/// Empty only while its thread waits for a condition.
pub(crate) struct MutexGuard<'a, T>(Option<sync::MutexGuard<'a, T>>);

#[derive(Default)]
pub(crate) struct Condvar {
    condvar: sync::Condvar,
    /// Looked at where another thread may go on.
    crossroads: sync::atomic::AtomicBool,
}

#[derive(Default)]
pub(crate) struct RwLock<T>(sync::RwLock<T>);

/// Time stands still in a model: nobody is ever out of it. Whoever only a timeout would wake is found as a deadlock.
pub(crate) struct WaitTimeoutResult;

impl<T> Mutex<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(sync::Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        MutexGuard(Some(whole(self.0.lock())))
    }

    pub(crate) fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        self.0.try_lock().ok().map(|guard| MutexGuard(Some(guard)))
    }
}

impl Condvar {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn wait<T>(&self, guard: &mut MutexGuard<'_, T>) {
        // Between the last look and the sleep: shuttle alone would let nobody in there, and miss the wake-up that is
        // lost for want of the lock.
        self.crossroads.load(std::sync::atomic::Ordering::SeqCst);
        guard.0 = guard.0.take().map(|held| whole(self.condvar.wait(held)));
    }

    pub(crate) fn wait_until<T>(&self, guard: &mut MutexGuard<'_, T>, _: Instant) -> WaitTimeoutResult {
        self.wait(guard);
        WaitTimeoutResult
    }

    pub(crate) fn wait_for<T>(&self, guard: &mut MutexGuard<'_, T>, _: Duration) -> WaitTimeoutResult {
        self.wait(guard);
        WaitTimeoutResult
    }

    pub(crate) fn notify_all(&self) {
        self.condvar.notify_all();
    }
}

impl WaitTimeoutResult {
    pub(crate) fn timed_out(&self) -> bool {
        false
    }
}

impl<T> RwLock<T> {
    pub(crate) fn read(&self) -> impl Deref<Target = T> + '_ {
        whole(self.0.read())
    }

    pub(crate) fn write(&self) -> impl DerefMut<Target = T> + '_ {
        whole(self.0.write())
    }
}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0.as_deref().expect("nobody uses a lock while waiting")
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.0.as_deref_mut().expect("nobody uses a lock while waiting")
    }
}

/// parking_lot knows no poison.
fn whole<G>(locked: Result<G, std::sync::PoisonError<G>>) -> G {
    locked.unwrap_or_else(std::sync::PoisonError::into_inner)
}
