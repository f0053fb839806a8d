//! Asking the program for six digits.

use std::ffi::{c_char, c_void};
use std::ptr;

use plextrac_auth_core::OneTimeCode;
use plextrac_transport::MfaPrompt;
use zeroize::Zeroizing;

use crate::handle::{self, Handle, Lent};
use crate::plextrac_error;
use crate::userdata::Userdata;

/// Asks for six digits: puts them into `reply` and returns 0, or returns anything else to give up.
/// `attempt` is 1, or 2 after wrong digits; there is no third. It may take as long as a person
/// takes: that counts against no timeout, and no lock is held meanwhile. It must not throw,
/// `longjmp` or end the thread. A call on its own session that would have to wait for it answers
/// `PLEXTRAC_BUSY`; other calls are fine.
pub type plextrac_mfa_fn =
    Option<unsafe extern "C" fn(userdata: *mut c_void, attempt: u32, reply: *mut plextrac_mfa_reply) -> i32>;

/// Takes the answer of an MFA callback, and is valid while that callback runs.
pub struct plextrac_mfa_reply {
    code: Option<Zeroizing<String>>,
    #[cfg(debug_assertions)]
    pub(crate) panics: bool,
}

impl Handle for plextrac_mfa_reply {
    type Ownership = Lent;
}

/// The six digits; they are copied, and can be set again.
/// Errors: `PLEXTRAC_INVALID_ARGUMENT` if these are not six digits (blanks between them are
/// forgiven): ask again. There is no detail.
/// Threads: inside the callback, on its thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_mfa_reply_set_code(
    reply: *mut plextrac_mfa_reply,
    code: *const c_char,
    code_len: usize,
) -> i32 {
    let no_detail: *mut *mut plextrac_error = ptr::null_mut();
    guarded!(no_detail => exclusive reply, text (code, code_len); {
        OneTimeCode::new(code)?;
        reply.code = Some(Zeroizing::new(code.to_owned()));
    })
}

/// A callback of the program's.
pub(crate) struct Asker {
    pub(crate) callback: unsafe extern "C" fn(*mut c_void, u32, *mut plextrac_mfa_reply) -> i32,
    pub(crate) userdata: Userdata,
}

impl Asker {
    /// The digits; none if the callback gave up, or returned without any.
    pub(crate) fn ask(&self, prompt: &MfaPrompt) -> Option<Zeroizing<String>> {
        let reply = plextrac_mfa_reply {
            code: None,
            #[cfg(debug_assertions)]
            panics: false,
        };
        let (reply, answer) = handle::lend(reply, |reply| {
            // SAFETY: the program gave callback and userdata for each other; the reply outlives the call.
            unsafe { (self.callback)(self.userdata.pointer, prompt.attempt, reply) }
        });
        #[cfg(debug_assertions)]
        assert!(!reply.panics, "on purpose");
        reply.code.filter(|_| answer == 0)
    }
}
