//! Every lock, atomic and thread of a session comes through here, so that a model checker can take their place: see
//! `model_check`.

/// For what is only ever tried, never waited for. It is let go by a plain store.
#[cfg(not(plextrac_shuttle))]
pub(crate) use spin::mutex::SpinMutex;
#[cfg(not(plextrac_shuttle))]
pub(crate) use std::{
    sync::atomic::{AtomicBool, AtomicU64},
    thread::Builder as ThreadBuilder,
    thread_local,
};
#[cfg(not(plextrac_shuttle))]
pub(crate) use unpoisoned::{Condvar, Mutex, MutexGuard, RwLock};
/// For what belongs to the process: it outlives a model's run, and nothing may wait while it is held.
pub(crate) use unpoisoned::{Mutex as ProcessMutex, MutexGuard as ProcessMutexGuard};

#[cfg(plextrac_shuttle)]
pub(crate) use modelled::{Condvar, Mutex, Mutex as SpinMutex, MutexGuard, RwLock};
#[cfg(plextrac_shuttle)]
pub(crate) use shuttle::{
    sync::atomic::{AtomicBool, AtomicU64},
    thread::Builder as ThreadBuilder,
    thread_local,
};

#[cfg(plextrac_shuttle)]
mod modelled;
mod unpoisoned;
