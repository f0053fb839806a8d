//! The instance of a model, and the client that reaches it: no network, answers after any time.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use http::{HeaderMap, Method};
use zeroize::Zeroizing;

use crate::cancel::CancelToken;
use crate::http::{Answer, Call, HttpError, HttpErrorKind, HttpOptions};
use crate::sync::{Condvar, Mutex, ProcessMutex};

/// Takes the place of the real client in a model.
pub(crate) struct HttpClient {
    instance: Arc<Instance>,
}

/// Answers in the order of its script, and with tokens when that is over.
#[derive(Default)]
pub(super) struct Instance {
    script: ProcessMutex<VecDeque<u16>>,
    sign_ins: AtomicU32,
    refreshes: AtomicU32,
    outstanding: AtomicU32,
    gate: Mutex<Gate>,
    gate_moved: Condvar,
}

#[derive(Default)]
struct Gate {
    is_shut: bool,
    is_somebody_there: bool,
}

// The real kind: all threads of a model are one of the system's, and tests run on several of those.
std::thread_local! {
    static CURRENT: RefCell<Arc<Instance>> = RefCell::default();
}

impl Instance {
    /// The instance of this run, whose first answers have these statuses.
    pub(super) fn with(statuses: &[u16]) -> Arc<Self> {
        let script = ProcessMutex::new(statuses.iter().copied().collect());
        let instance = Arc::new(Self { script, ..Self::default() });
        CURRENT.set(Arc::clone(&instance));
        instance
    }

    /// Keeps all answers back until they are released.
    pub(super) fn hold(&self) {
        self.gate.lock().is_shut = true;
    }

    /// Returns when a request is out whose answer is kept back.
    pub(super) fn await_request(&self) {
        let mut gate = self.gate.lock();
        while !gate.is_somebody_there {
            self.gate_moved.wait(&mut gate);
        }
    }

    pub(super) fn release(&self) {
        self.gate.lock().is_shut = false;
        self.gate_moved.notify_all();
    }

    pub(super) fn sign_ins(&self) -> u32 {
        self.sign_ins.load(Ordering::SeqCst)
    }

    pub(super) fn refreshes(&self) -> u32 {
        self.refreshes.load(Ordering::SeqCst)
    }

    fn answer(&self, method: &Method) -> Answer {
        let counter = if method == Method::PUT { &self.refreshes } else { &self.sign_ins };
        let number = counter.fetch_add(1, Ordering::SeqCst);
        let status = self.script.lock().pop_front().unwrap_or(200);
        let body = match status {
            200 => format!(r#"{{"status":"success","token":"{method}-{number}","cookie":"c"}}"#),
            _ => r#"{"status":"error","message":"no"}"#.to_owned(),
        };
        Answer { status, headers: HeaderMap::new(), body: Zeroizing::new(body.into_bytes()) }
    }
}

impl HttpClient {
    pub(crate) fn new(_: &HttpOptions) -> Result<Self, Infallible> {
        Ok(Self { instance: CURRENT.with_borrow(Arc::clone) })
    }

    pub(crate) fn call(&self, call: &Call<'_>) -> Result<Answer, HttpError> {
        let others = self.instance.outstanding.fetch_add(1, Ordering::SeqCst);
        assert_eq!(others, 0, "two flights of one account");
        let answer = self.exchange(call);
        self.instance.outstanding.fetch_sub(1, Ordering::SeqCst);
        answer
    }

    fn exchange(&self, call: &Call<'_>) -> Result<Answer, HttpError> {
        let cancelled = || call.cancel.iter().any(|token| CancelToken::is_triggered(token));
        let gone = || HttpError::new(HttpErrorKind::Cancelled, "the call was cancelled");
        if cancelled() {
            return Err(gone());
        }
        let answer = self.instance.answer(&call.method);
        let mut gate = self.instance.gate.lock();
        gate.is_somebody_there = true;
        self.instance.gate_moved.notify_all();
        while gate.is_shut {
            self.instance.gate_moved.wait(&mut gate);
        }
        drop(gate);
        if cancelled() { Err(gone()) } else { Ok(answer) }
    }
}
