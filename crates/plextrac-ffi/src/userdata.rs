//! What a callback is given, and its end.

use std::ffi::c_void;

/// Frees the `userdata` of a callback. Runs exactly once, on the thread that drops the last
/// configuration, session or request that holds the callback. A sign-in that is out holds it for
/// longer than until `plextrac_session_free` returns, and a callback that runs then is waited for.
/// Must not call back into that session. In the child of a `fork` it does not run for what a session
/// holds.
pub type plextrac_free_fn = Option<unsafe extern "C" fn(userdata: *mut c_void)>;

/// A pointer of the program's, and what frees it.
pub(crate) struct Userdata {
    pub(crate) pointer: *mut c_void,
    pub(crate) free: plextrac_free_fn,
}

// SAFETY: the manual says that callbacks, and with them userdata, are used on any thread; it is never looked into here.
unsafe impl Send for Userdata {}
// SAFETY: as above; callbacks that can run at the same time are documented so.
unsafe impl Sync for Userdata {}

impl Drop for Userdata {
    fn drop(&mut self) {
        if let Some(free) = self.free {
            // SAFETY: it is what the program gave along with `free`, and this is its one end.
            unsafe { free(self.pointer) };
        }
    }
}
