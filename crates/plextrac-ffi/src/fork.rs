//! Recognises handles that were created before a `fork`.
//!
//! In the child the other threads are gone, their locks stay locked, and the sockets are still the parent's. So the child
//! does not touch older handles, and not even their memory. The data that all sessions of a process share is not locked in
//! the child, because no thread can be inside it during a fork: see `plextrac_transport::fork`.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use crate::plextrac_error;
use crate::status::PLEXTRAC_UNSUPPORTED;

/// The process that something was made in.
#[derive(Clone, Copy)]
pub(crate) struct ForkGeneration(u32);

/// How many forks lie between this process and the one that loaded the library.
static GENERATION: AtomicU32 = AtomicU32::new(0);

impl ForkGeneration {
    /// This process. From the first call on, forks are counted, and stood still for.
    pub(crate) fn here() -> Result<Self, plextrac_error> {
        static IS_WATCHED: AtomicBool = AtomicBool::new(false);
        // Not a `Once`: a fork in the middle of one would leave the child waiting. To watch twice does no harm.
        if !IS_WATCHED.load(Ordering::Acquire) {
            watch_forks()?;
            plextrac_transport::fork::prepare();
            IS_WATCHED.store(true, Ordering::Release);
        }
        Ok(Self(GENERATION.load(Ordering::Relaxed)))
    }

    /// Whether this is still that process. No system call: this is asked on every call of a session.
    pub(crate) fn is_here(self) -> bool {
        self.0 == GENERATION.load(Ordering::Relaxed)
    }
}

#[cfg(unix)]
fn watch_forks() -> Result<(), plextrac_error> {
    unsafe extern "C" fn before() {
        plextrac_transport::fork::hold();
    }
    unsafe extern "C" fn in_parent() {
        plextrac_transport::fork::let_go();
    }
    unsafe extern "C" fn in_child() {
        GENERATION.fetch_add(1, Ordering::Relaxed);
        plextrac_transport::fork::let_go();
    }
    type Handler = Option<unsafe extern "C" fn()>;
    unsafe extern "C" {
        fn pthread_atfork(prepare: Handler, parent: Handler, child: Handler) -> std::ffi::c_int;
    }
    // SAFETY: declared as POSIX has it. In a child of many threads the handler adds a number, and lets go of a lock that
    // its own thread holds.
    match unsafe { pthread_atfork(Some(before), Some(in_parent), Some(in_child)) } {
        0 => Ok(()),
        error => Err(plextrac_error::new(
            PLEXTRAC_UNSUPPORTED,
            &format!("the system does not report forks of this process (error {error})"),
        )),
    }
}

#[cfg(not(unix))]
#[allow(clippy::unnecessary_wraps, reason = "where there is no fork, there is nothing to fail")]
fn watch_forks() -> Result<(), plextrac_error> {
    Ok(())
}
