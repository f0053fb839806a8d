//! Telling the program what happens to its sessions.

use std::ffi::{CStr, c_char, c_void};

use plextrac_transport::SessionEvent;

use crate::plextrac_error;
use crate::userdata::Userdata;

/// A person must act: the credentials were rejected and are not sent again.
pub const PLEXTRAC_LOG_ERROR: i32 = 1;
/// An attempt to get a token failed, or the server's clock is far from this machine's.
pub const PLEXTRAC_LOG_WARN: i32 = 2;
/// A sign-in or sign-out, an expired token, a wait.
pub const PLEXTRAC_LOG_INFO: i32 = 3;
/// Frequent events: a refresh, a token that came from another session.
pub const PLEXTRAC_LOG_DEBUG: i32 = 4;

/// Logs one line. Both texts are valid during the call, and a NUL follows them. It must not throw,
/// `longjmp` or end the thread. No lock is held. It may call any function, but a call that waits for
/// a sign-in may delay others.
pub type plextrac_log_fn = Option<
    unsafe extern "C" fn(
        userdata: *mut c_void,
        level: i32,
        target: *const c_char,
        target_len: usize,
        message: *const c_char,
        message_len: usize,
    ),
>;

/// Where every line comes from.
const TARGET: &CStr = c"plextrac";

/// A callback of the program's.
pub(crate) struct Log {
    pub(crate) callback: unsafe extern "C" fn(*mut c_void, i32, *const c_char, usize, *const c_char, usize),
    /// The most talkative level that is wanted.
    pub(crate) level: i32,
    pub(crate) userdata: Userdata,
}

impl Log {
    pub(crate) fn tell(&self, event: &SessionEvent) {
        let level = level_of(event);
        if level > self.level {
            return;
        }
        let message = format!("{event}\0");
        // SAFETY: the program gave callback and userdata for each other; both texts outlive the call.
        unsafe {
            (self.callback)(
                self.userdata.pointer,
                level,
                TARGET.as_ptr(),
                TARGET.count_bytes(),
                message.as_ptr().cast(),
                message.len() - 1,
            );
        }
    }
}

pub(crate) fn check_level(level: i32) -> Result<(), plextrac_error> {
    if (PLEXTRAC_LOG_ERROR..=PLEXTRAC_LOG_DEBUG).contains(&level) {
        Ok(())
    } else {
        Err(plextrac_error::unknown_number("level", level))
    }
}

/// The level of an event that is newer than this table.
fn level_of(event: &SessionEvent) -> i32 {
    match event {
        SessionEvent::LockedOut => PLEXTRAC_LOG_ERROR,
        SessionEvent::Failed(_)
        | SessionEvent::KeepEnded(Err(_))
        | SessionEvent::CodeRefused
        | SessionEvent::UnauthorizedMuted { .. }
        | SessionEvent::SkewSeen { .. } => PLEXTRAC_LOG_WARN,
        SessionEvent::Refreshed | SessionEvent::Adopted => PLEXTRAC_LOG_DEBUG,
        _ => PLEXTRAC_LOG_INFO,
    }
}
