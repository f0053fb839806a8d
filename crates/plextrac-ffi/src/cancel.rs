//! Ending a blocked call from another thread.

use plextrac_transport::CancelToken;

use crate::fork::ForkGeneration;
use crate::handle::{self, Boxed, Handle};
use crate::plextrac_error;

/// Ends the calls that were given it. Once triggered it stays so: the calls that come later end at
/// once.
pub struct plextrac_cancel {
    pub(crate) token: CancelToken,
    birthplace: ForkGeneration,
}

impl Handle for plextrac_cancel {
    type Ownership = Boxed;

    fn birthplace(&self) -> Option<ForkGeneration> {
        Some(self.birthplace)
    }
}

/// Makes one that nobody has triggered. Any number of calls may be given it, also at the same time.
/// Errors: `PLEXTRAC_UNSUPPORTED` if the system does not tell of forks.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_cancel_new(
    out: *mut *mut plextrac_cancel,
    err: *mut *mut plextrac_error,
) -> i32 {
    guarded!(err => out out; {
        let birthplace = ForkGeneration::here()?;
        out.set(handle::give(plextrac_cancel { token: CancelToken::new(), birthplace }));
    })
}

/// Ends the calls that were given it with `PLEXTRAC_CANCELLED`, those that are blocked and those to
/// come. A sign-in or refresh that other callers wait for goes on. NULL is nothing. What was made
/// before a `fork` does nothing in the child.
/// Threads: any, also while calls are blocked; that is what it is for. Not in a signal handler.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_cancel_trigger(cancel: *const plextrac_cancel) {
    guarded!(or () => shared cancel; { cancel.token.trigger() });
}

/// Frees it.
/// Threads: not before the calls that were given it have returned.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_cancel_free(cancel: *mut plextrac_cancel) {
    // SAFETY: the manual says that a handle is freed once, and by its own function.
    unsafe { handle::free(cancel) };
}
