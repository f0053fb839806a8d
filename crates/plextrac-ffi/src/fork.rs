//! Knowing that a `fork` came between.
//!
//! In the child the other threads are gone, with whatever they were doing and whatever they had locked, and the sockets
//! are still the parent's. So what was made before is left alone there, down to its memory.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use crate::plextrac_error;
use crate::status::PLEXTRAC_UNSUPPORTED;

/// The process that something was made in.
#[derive(Clone, Copy)]
pub(crate) struct Birthplace(u32);

/// How many forks lie between this process and the one that loaded the library.
static GENERATION: AtomicU32 = AtomicU32::new(0);

impl Birthplace {
    /// This process. From the first call on, forks are counted.
    pub(crate) fn here() -> Result<Self, plextrac_error> {
        static IS_COUNTED: AtomicBool = AtomicBool::new(false);
        // Not a `Once`: a fork in the middle of one would leave the child waiting. To count twice does no harm.
        if !IS_COUNTED.load(Ordering::Acquire) {
            count_forks()?;
            IS_COUNTED.store(true, Ordering::Release);
        }
        Ok(Self(GENERATION.load(Ordering::Relaxed)))
    }

    /// Whether this is still that process. No system call: this is asked on every call of a session.
    pub(crate) fn is_here(self) -> bool {
        self.0 == GENERATION.load(Ordering::Relaxed)
    }
}

#[cfg(unix)]
fn count_forks() -> Result<(), plextrac_error> {
    unsafe extern "C" fn in_child() {
        GENERATION.fetch_add(1, Ordering::Relaxed);
    }
    type Handler = Option<unsafe extern "C" fn()>;
    unsafe extern "C" {
        fn pthread_atfork(prepare: Handler, parent: Handler, child: Handler) -> std::ffi::c_int;
    }
    // SAFETY: declared as POSIX has it; the handler does nothing that a child of many threads may not do.
    match unsafe { pthread_atfork(None, None, Some(in_child)) } {
        0 => Ok(()),
        error => Err(plextrac_error::new(
            PLEXTRAC_UNSUPPORTED,
            &format!("the system counts no forks for this process (error {error})"),
        )),
    }
}

#[cfg(not(unix))]
#[allow(clippy::unnecessary_wraps, reason = "where there is no fork, there is nothing to fail")]
fn count_forks() -> Result<(), plextrac_error> {
    Ok(())
}
