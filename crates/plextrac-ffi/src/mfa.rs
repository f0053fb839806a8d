//! Asking the program for a one-time code.

use std::ffi::{c_char, c_void};
use std::ptr;

use plextrac_auth_core::OneTimeCode;
use plextrac_transport::MfaPrompt;
use zeroize::Zeroizing;

use crate::handle::{self, Handle, Lent};
use crate::plextrac_error;
use crate::userdata::Userdata;

/// Asks for a one-time code. Puts it into `reply` and returns 0, or returns another number to give
/// up. `attempt` is 1, or 2 after a wrong code. There is no third. The callback may take as long as
/// a person needs: no timeout counts this time, and no lock is held. It must not throw, `longjmp`
/// or end the thread. A call on its own session that would wait for the callback returns
/// `PLEXTRAC_BUSY`. Other calls are allowed.
pub type plextrac_mfa_fn =
    Option<unsafe extern "C" fn(userdata: *mut c_void, attempt: u32, reply: *mut plextrac_mfa_reply) -> i32>;

/// Takes the answer of an MFA callback. Valid while the callback runs.
pub struct plextrac_mfa_reply {
    code: Option<Zeroizing<String>>,
    #[cfg(debug_assertions)]
    pub(crate) panics: bool,
}

impl Handle for plextrac_mfa_reply {
    type Ownership = Lent;
}

/// Sets the one-time code. It is copied, and can be set again.
/// Errors: `PLEXTRAC_INVALID_ARGUMENT` if it is not six digits (blanks between them are allowed):
/// ask again. There is no detail.
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
    /// The code. None if the callback gave up, or returned without one.
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
