//! Ending a blocked call from another thread.

use plextrac_transport::CancelToken;

use crate::fork::ForkGeneration;
use crate::handle::{self, Boxed, Handle};
use crate::plextrac_error;

/// Cancels the calls that it is passed to. It stays triggered: later calls end at once.
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

/// Makes a cancellation that is not triggered. Any number of calls may use it, also at the same
/// time.
/// Errors: `PLEXTRAC_UNSUPPORTED` if the system does not report forks.
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

/// Ends current and later calls that use it with `PLEXTRAC_CANCELLED`. A sign-in or refresh for
/// which other callers wait continues. NULL does nothing. A cancellation from before a `fork` does
/// nothing in the child.
/// Threads: any, also while calls are blocked. Not in a signal handler.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_cancel_trigger(cancel: *const plextrac_cancel) {
    guarded!(or () => shared cancel; { cancel.token.trigger() });
}

/// Frees it.
/// Threads: not before the calls that use it have returned.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_cancel_free(cancel: *mut plextrac_cancel) {
    // SAFETY: the manual says that a handle is freed once, and by its own function.
    unsafe { handle::free(cancel) };
}
