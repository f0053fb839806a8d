//! Bugs on purpose: tests see from C what becomes of one.
//!
//! None of this is in a release. In the shared library it is hidden always, so that what that exports is the list; a test
//! that is linked with the static one declares the functions for itself.

use crate::handle;
use crate::{plextrac_cancel, plextrac_error, plextrac_machine, plextrac_mfa_reply, plextrac_session};

// rustc exports every function that C can call. A symbol that one object marks as hidden is not exported.
std::arch::global_asm!(
    ".hidden plextrac_panic_with_session",
    ".hidden plextrac_panic_without_status",
    ".hidden plextrac_panic_with_machine",
    ".hidden plextrac_panic_after_mfa",
);

#[unsafe(no_mangle)]
unsafe extern "C" fn plextrac_panic_with_session(
    session: *const plextrac_session,
    cancel: *const plextrac_cancel,
    out: *mut u64,
    err: *mut *mut plextrac_error,
) -> i32 {
    guarded!(err => shared session, optional cancel, out out; {
        let _ = (session, cancel, out);
        assert!(bug(), "the bug has not panicked");
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn plextrac_panic_without_status(session: *const plextrac_session, out: *mut u64) -> bool {
    guarded!(or false => shared session, out out; {
        let _ = (session, out);
        bug()
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn plextrac_panic_with_machine(
    machine: *mut plextrac_machine,
    err: *mut *mut plextrac_error,
) -> i32 {
    guarded!(err => exclusive machine; {
        machine.panic_in_budget();
    })
}

/// The sign-in that asks panics when the callback has returned.
#[unsafe(no_mangle)]
unsafe extern "C" fn plextrac_panic_after_mfa(reply: *mut plextrac_mfa_reply) {
    // SAFETY: the callback that was lent it calls.
    if let Ok(reply) = unsafe { handle::exclusive(reply, "reply") } {
        reply.panics = true;
    }
}

/// To the compiler a function like any other.
fn bug() -> bool {
    panic!("on purpose")
}
