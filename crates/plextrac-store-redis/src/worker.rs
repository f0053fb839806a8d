//! The thread that talks to the engine for all callers of this process.
//!
//! A caller hands a job to the thread and waits for its result, its deadline or its cancellation. So every call ends in
//! time, whatever the thread is blocked in: a name service, a handshake, an engine that was stopped. The job of a caller
//! that left goes on. If it holds up others for a while, they get another thread and another connection, and the old
//! thread ends when its job does.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use plextrac_transport::CallLimits;

use crate::address::Address;
use crate::clock::now;
use crate::engine::{Deadline, Engine, EngineError};
use crate::sync::{lock, wait_until};

/// Threads that run jobs, one at a time.
pub(crate) struct Worker(Arc<Desk>);

struct Desk {
    address: Arc<Address>,
    queue: Mutex<Queue>,
    /// A job came, or a thread was left behind.
    changed: Condvar,
}

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Job>,
    /// The thread that takes jobs. One with another number was left behind.
    thread: u64,
    has_thread: bool,
    /// Since when the thread runs a job whose caller has left.
    left_at: Option<Instant>,
}

/// It is given the thread's engine and number.
type Job = Box<dyn FnOnce(&mut Engine, u64) + Send>;

/// Where a job's result is put.
struct Slot<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

enum State<T> {
    Waits,
    /// On the thread of that number.
    Runs(u64),
    Done(Result<T, EngineError>),
    /// The caller has gone.
    Left,
}

/// A thread without jobs ends, and closes its connection.
const IDLE: Duration = Duration::from_secs(60);
/// A job whose caller has left holds up others for so long at most.
const HOLDS_UP: Duration = Duration::from_millis(250);
/// A connection is given up when the engine has not answered for so long, though the caller's limits end before.
const ENGINE_ANSWERS: Duration = Duration::from_secs(2);
/// A call whose token was triggered before ends a claim: it gets so long.
const LAST_CALL: Duration = Duration::from_secs(1);

impl Worker {
    pub(crate) fn new(address: Arc<Address>) -> Self {
        Self(Arc::new(Desk { address, queue: Mutex::default(), changed: Condvar::new() }))
    }

    /// Runs a job on the thread, and waits for it within the limits.
    pub(crate) fn run<T: Send + 'static>(
        &self,
        limits: &CallLimits<'_>,
        job: impl FnOnce(&mut Engine, Deadline) -> Result<T, EngineError> + Send + 'static,
    ) -> Result<T, EngineError> {
        let is_last_call = limits.cancel.is_triggered();
        let deadline = if is_last_call { limits.deadline.min(now() + LAST_CALL) } else { limits.deadline };
        let slot = Arc::new(Slot { state: Mutex::new(State::Waits), changed: Condvar::new() });
        let _guard = (!is_last_call).then(|| {
            let slot = Arc::clone(&slot);
            limits.cancel.on_trigger(Box::new(move || {
                // Under the mutex: between the last look at the token and the sleep no wake-up is lost.
                drop(lock(&slot.state));
                slot.changed.notify_all();
            }))
        });
        let given = Arc::clone(&slot);
        self.enqueue(Box::new(move |engine, thread| {
            let of_connection = deadline.max(now() + ENGINE_ANSWERS);
            given.run(thread, || job(engine, Deadline { of_caller: deadline, of_connection }));
        }))?;
        let mut state = lock(&slot.state);
        loop {
            if let State::Done(result) = &mut *state {
                return std::mem::replace(result, Err(EngineError::TooLate));
            }
            let is_cancelled = !is_last_call && limits.cancel.is_triggered();
            if is_cancelled || now() >= deadline {
                let left = std::mem::replace(&mut *state, State::Left);
                drop(state);
                if let State::Runs(thread) = left {
                    self.leave(thread);
                }
                return Err(if is_cancelled { EngineError::Cancelled } else { EngineError::TooLate });
            }
            if !matches!(*state, State::Waits) {
                state = wait_until(&slot.changed, state, deadline);
                continue;
            }
            state = wait_until(&slot.changed, state, deadline.min(now() + HOLDS_UP));
            if matches!(*state, State::Waits) {
                // The queue's lock comes first: the thread takes it before the slot's.
                drop(state);
                self.replace_held_up();
                state = lock(&slot.state);
            }
        }
    }

    fn enqueue(&self, job: Job) -> Result<(), EngineError> {
        let mut queue = lock(&self.0.queue);
        queue.jobs.push_back(job);
        self.0.changed.notify_all();
        self.start_thread(&mut queue)
    }

    /// Starts a thread if there is none and there are jobs.
    fn start_thread(&self, queue: &mut Queue) -> Result<(), EngineError> {
        if queue.has_thread || queue.jobs.is_empty() {
            return Ok(());
        }
        queue.thread += 1;
        let (desk, number) = (Arc::clone(&self.0), queue.thread);
        let started =
            thread::Builder::new().name("plextrac-store".into()).spawn(move || desk.take_jobs(number));
        match started {
            Ok(_) => {
                queue.has_thread = true;
                Ok(())
            }
            Err(error) => {
                queue.jobs.clear();
                Err(EngineError::Unreachable(format!("the system starts no thread: {error}")))
            }
        }
    }

    /// The caller of the job on that thread has left.
    fn leave(&self, thread: u64) {
        let mut queue = lock(&self.0.queue);
        if queue.thread == thread && queue.has_thread {
            queue.left_at.get_or_insert_with(now);
        }
    }

    /// Starts another thread if a job whose caller has left holds up the queue.
    fn replace_held_up(&self) {
        let mut queue = lock(&self.0.queue);
        if queue.left_at.is_some_and(|left| left + HOLDS_UP <= now()) {
            queue.has_thread = false;
            queue.left_at = None;
            // A job whose caller is not served sees its deadline.
            drop(self.start_thread(&mut queue));
        }
    }
}

impl Desk {
    fn take_jobs(&self, number: u64) {
        let mut engine = Engine::new(Arc::clone(&self.address));
        while let Some(job) = self.next_job(number) {
            job(&mut engine, number);
        }
    }

    fn next_job(&self, number: u64) -> Option<Job> {
        let ends = now() + IDLE;
        let mut queue = lock(&self.queue);
        if queue.thread == number {
            queue.left_at = None;
        }
        loop {
            if queue.thread != number || !queue.has_thread {
                return None;
            }
            if let Some(job) = queue.jobs.pop_front() {
                return Some(job);
            }
            if now() >= ends {
                queue.has_thread = false;
                return None;
            }
            queue = wait_until(&self.changed, queue, ends);
        }
    }
}

impl<T> Slot<T> {
    fn run(&self, thread: u64, job: impl FnOnce() -> Result<T, EngineError>) {
        let mut state = lock(&self.state);
        if matches!(*state, State::Left) {
            return;
        }
        *state = State::Runs(thread);
        drop(state);
        let result = catch_unwind(AssertUnwindSafe(job))
            .unwrap_or_else(|_| Err(EngineError::Unreachable("the client of the engine panicked".into())));
        let mut state = lock(&self.state);
        if !matches!(*state, State::Left) {
            *state = State::Done(result);
        }
        self.changed.notify_all();
    }
}

impl Drop for Worker {
    /// The thread ends when its job does.
    fn drop(&mut self) {
        let mut queue = lock(&self.0.queue);
        queue.has_thread = false;
        self.0.changed.notify_all();
    }
}
