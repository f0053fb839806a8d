//! Level 1: a session that does its own HTTP.

use std::ffi::c_char;
use std::ops::Deref;
use std::time::Duration;

use plextrac_transport::{Session, SessionState};

use crate::cancel::plextrac_cancel;
use crate::config::plextrac_config;
use crate::error::{millis, plextrac_error};
use crate::fork::ForkGeneration;
use crate::handle::{self, Boxed, Handle};
use crate::out::Empty;
use crate::plextrac_str;
use crate::request::plextrac_request;
use crate::response::plextrac_response;
use crate::secret::plextrac_secret;
use crate::status::PLEXTRAC_BUFFER_TOO_SMALL;
use crate::text::Text;

/// One account on one instance, for all threads of the program. It signs in when a token is needed,
/// and refreshes the token while it is used.
pub struct plextrac_session {
    session: Session,
    base_url: Text,
    birthplace: ForkGeneration,
}

impl Handle for plextrac_session {
    type Ownership = Boxed;

    fn birthplace(&self) -> Option<ForkGeneration> {
        Some(self.birthplace)
    }
}

/// There is no token and no request.
pub const PLEXTRAC_STATE_SIGNED_OUT: i32 = 1;
/// A request for a token was sent, and there is no usable token.
pub const PLEXTRAC_STATE_SIGNING_IN: i32 = 2;
/// A one-time code is needed.
pub const PLEXTRAC_STATE_MFA_NEEDED: i32 = 3;
/// There is a usable token.
pub const PLEXTRAC_STATE_ACTIVE: i32 = 4;
/// There is a usable token, and a refresh was sent.
pub const PLEXTRAC_STATE_REFRESHING: i32 = 5;
/// A token is wanted, and nothing may be sent now.
pub const PLEXTRAC_STATE_WAITING: i32 = 6;
/// The credentials were rejected and are not sent again.
pub const PLEXTRAC_STATE_LATCHED: i32 = 7;
/// The session was closed.
pub const PLEXTRAC_STATE_CLOSED: i32 = 8;

/// Makes a session. Nothing is sent until a token is needed.
/// Errors: `PLEXTRAC_INVALID_ARGUMENT` if there are no credentials, or the URL is `http://` and
/// that is not allowed; `PLEXTRAC_STORE` if other users can read or change the state directory;
/// `PLEXTRAC_UNSUPPORTED` if the system gives no random bytes.
/// Blocks: with a state directory, on the file system, and up to 5 s while another process creates
/// its key.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_session_new(
    config: *const plextrac_config,
    out: *mut *mut plextrac_session,
    err: *mut *mut plextrac_error,
) -> i32 {
    guarded!(err => shared config, out out; {
        let birthplace = ForkGeneration::here()?;
        let session = Session::new(&config.settings)?;
        let base_url = Text::new(session.base_url().as_bytes());
        out.set(handle::give(plextrac_session { session, base_url, birthplace }));
    })
}

/// Makes another handle of the same session, whose calls have their own time limit. `UINT64_MAX` is
/// no limit.
/// Errors: `PLEXTRAC_INVALID_ARGUMENT` for 0.
/// Ownership: free each handle. Closing one closes the session for all.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_session_with_timeout_ms(
    session: *const plextrac_session,
    ms: u64,
    out: *mut *mut plextrac_session,
    err: *mut *mut plextrac_error,
) -> i32 {
    guarded!(err => shared session, out out; {
        if ms == 0 {
            return Err(plextrac_error::invalid("ms is 0; a timeout is more than nothing"));
        }
        out.set(handle::give(plextrac_session {
            session: session.session.with_timeout(Duration::from_millis(ms)),
            base_url: session.base_url.clone(),
            birthplace: session.birthplace,
        }));
    })
}

/// The base URL of the instance, without a final slash. The path of a request follows it. Valid as
/// long as the handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_session_base_url(session: *const plextrac_session) -> plextrac_str {
    guarded!(or Empty::EMPTY => shared session; { session.base_url.view() })
}

/// Signs in if there is no usable token. If there is one, it sends nothing. The other functions do
/// this by themselves.
/// Errors: `PLEXTRAC_MFA_REQUIRED`: call `plextrac_session_submit_mfa` within two minutes. Until
/// then, other calls return the same and send nothing. `PLEXTRAC_REJECTED`: this session, and
/// others that share its state directory, do not send this password again until it changes or
/// `plextrac_session_forget_rejection` is called. A 401, 403 or 423 that is not HTML counts as a
/// rejection: if the message names a gateway, check the gateway. `PLEXTRAC_MUST_WAIT`, `_BUSY`,
/// `_CLOSED`, `_CANCELLED`, `_TIMEOUT` (the attempt continues, and its result is kept), `_NETWORK`
/// (also if no thread could be started), `_TLS`, `_UNEXPECTED_ANSWER`, `_TOO_LARGE`; `_EXPIRED` if
/// an imported token has expired and there is no password; `_NOT_READY` if another caller dropped
/// the new token meanwhile: call again.
/// Blocks: up to the timeout, plus the time in which a person is asked.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_session_login(
    session: *const plextrac_session,
    cancel: *const plextrac_cancel,
    err: *mut *mut plextrac_error,
) -> i32 {
    guarded!(err => shared session, optional cancel; {
        session.bound_to(cancel).login()?;
    })
}

/// Sends a one-time code after `PLEXTRAC_MFA_REQUIRED`, and waits for the token.
/// Errors: as `plextrac_session_login`; `PLEXTRAC_INVALID_ARGUMENT` if it is not six digits, or was
/// sent before; `PLEXTRAC_WRONG_STATE` if no code is needed; `PLEXTRAC_REJECTED` if it is wrong:
/// the next sign-in starts with the password.
/// Blocks: up to the timeout.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_session_submit_mfa(
    session: *const plextrac_session,
    code: *const c_char,
    code_len: usize,
    cancel: *const plextrac_cancel,
    err: *mut *mut plextrac_error,
) -> i32 {
    guarded!(err => shared session, text (code, code_len), optional cancel; {
        session.bound_to(cancel).submit_mfa(code)?;
    })
}

/// The value for the `Authorization` header of your own request. Signs in or refreshes if needed.
/// Errors: as `plextrac_session_login`.
/// Blocks: not with a live token; otherwise as `plextrac_session_login`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_session_authorization(
    session: *const plextrac_session,
    cancel: *const plextrac_cancel,
    out: *mut *mut plextrac_secret,
    err: *mut *mut plextrac_error,
) -> i32 {
    guarded!(err => shared session, optional cancel, out out; {
        let secret = session.bound_to(cancel).authorization()?;
        out.set(handle::give(plextrac_secret::new(&secret)));
    })
}

/// Copies the same value into `buf`, which has `cap` bytes. This is the fast path: it does not
/// allocate. `*len` is the length of the value. A NUL follows it if there is room. `(NULL, 0)`
/// returns only the length.
/// Errors: `PLEXTRAC_BUFFER_TOO_SMALL` sets `*len` to the required length (the NUL needs one more);
/// the next token may be longer. Otherwise as `plextrac_session_login`.
/// Blocks: not with a live token; otherwise as `plextrac_session_login`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_session_copy_authorization(
    session: *const plextrac_session,
    buf: *mut c_char,
    cap: usize,
    len: *mut usize,
    cancel: *const plextrac_cancel,
    err: *mut *mut plextrac_error,
) -> i32 {
    guarded!(err => shared session, out len, optional cancel; {
        if buf.is_null() && cap > 0 {
            return Err(plextrac_error::null("buf"));
        }
        let fits = session.bound_to(cancel).with_authorization(|value| {
            len.set(value.len());
            // SAFETY: `buf` has room for `cap` bytes, as the manual asks.
            unsafe { copy(value.as_bytes(), buf, cap) }
        })?;
        if !fits {
            let sentence = "the buffer is too small for the header value; see the length that was set";
            return Err(plextrac_error::new(PLEXTRAC_BUFFER_TOO_SMALL, sentence));
        }
    })
}

/// The value for `Cookie: token=VALUE`, which `GET /api/v1/uploads/...` needs instead of
/// `Authorization`. Signs in or refreshes if needed.
/// Errors: as `plextrac_session_login`; `PLEXTRAC_UNSUPPORTED` if the token came without one.
/// Blocks: not with a live token and its cookie; otherwise as `plextrac_session_login`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_session_cookie(
    session: *const plextrac_session,
    cancel: *const plextrac_cancel,
    out: *mut *mut plextrac_secret,
    err: *mut *mut plextrac_error,
) -> i32 {
    guarded!(err => shared session, optional cancel, out out; {
        let secret = session.bound_to(cancel).cookie()?;
        out.set(handle::give(plextrac_secret::new(&secret)));
    })
}

/// Reports that your own request, with `rejected` as its `Authorization`, was answered with 401.
/// Only this token is dropped. If `*retry` is true: get the authorization again, and send the
/// request once more. If it is false: a new token was already tried, and the 401 is the answer.
/// Errors: `PLEXTRAC_CLOSED`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_session_report_unauthorized_retry(
    session: *const plextrac_session,
    rejected: *const c_char,
    rejected_len: usize,
    retry: *mut bool,
    err: *mut *mut plextrac_error,
) -> i32 {
    guarded!(err => shared session, text (rejected, rejected_len), out retry; {
        retry.set(session.session.report_unauthorized(rejected)?);
    })
}

/// The same without `*retry`. If the authorization is the same value again, a new token was already
/// tried, and the 401 is the answer.
/// Errors: `PLEXTRAC_CLOSED`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_session_report_unauthorized(
    session: *const plextrac_session,
    rejected: *const c_char,
    rejected_len: usize,
    err: *mut *mut plextrac_error,
) -> i32 {
    guarded!(err => shared session, text (rejected, rejected_len); {
        session.session.report_unauthorized(rejected)?;
    })
}

/// Sends a request with the session's token. After a 401 it gets one new token and sends the
/// request once more. Redirects are not followed. `GET /api/v1/uploads/...` is sent with the cookie
/// and without `Authorization`.
/// Errors: an answer with any status is a response and not an error. As `plextrac_session_login`
/// for the token; `PLEXTRAC_TIMEOUT`, `_CANCELLED`, `_CLOSED`, `_NETWORK`, `_TLS`, `_TOO_LARGE`
/// (see `plextrac_config_set_response_limit`) for the request; `PLEXTRAC_UNSUPPORTED` for uploads
/// if the token came without a cookie.
/// Blocks: up to the timeout, plus the time in which a person is asked. With
/// `plextrac_request_set_body_reader` the timeout is for progress.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_session_request(
    session: *const plextrac_session,
    request: *const plextrac_request,
    cancel: *const plextrac_cancel,
    out: *mut *mut plextrac_response,
    err: *mut *mut plextrac_error,
) -> i32 {
    guarded!(err => shared session, shared request, optional cancel, out out; {
        let response = session.bound_to(cancel).request(&request.request)?;
        out.set(handle::give(plextrac_response::new(response)));
    })
}

/// Gets a new token now, even if the current one is live.
/// Errors: as `plextrac_session_login`; the current token stays.
/// Blocks: as `plextrac_session_login`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_session_refresh(
    session: *const plextrac_session,
    cancel: *const plextrac_cancel,
    err: *mut *mut plextrac_error,
) -> i32 {
    guarded!(err => shared session, optional cancel; {
        session.bound_to(cancel).refresh()?;
    })
}

/// The state of the session: one of `PLEXTRAC_STATE_...`. It is ACTIVE or REFRESHING exactly while
/// a token is usable. 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_session_state(session: *const plextrac_session) -> i32 {
    guarded!(or 0 => shared session; {
        match session.session.state() {
            SessionState::SigningIn => PLEXTRAC_STATE_SIGNING_IN,
            SessionState::MfaNeeded => PLEXTRAC_STATE_MFA_NEEDED,
            SessionState::Active => PLEXTRAC_STATE_ACTIVE,
            SessionState::Refreshing => PLEXTRAC_STATE_REFRESHING,
            SessionState::Waiting => PLEXTRAC_STATE_WAITING,
            SessionState::LockedOut => PLEXTRAC_STATE_LATCHED,
            SessionState::Closed => PLEXTRAC_STATE_CLOSED,
            _ => PLEXTRAC_STATE_SIGNED_OUT,
        }
    })
}

/// How many milliseconds the token lives. False if there is no usable token.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_session_expires_in_ms(
    session: *const plextrac_session,
    out: *mut u64,
) -> bool {
    guarded!(or false => shared session, out out; {
        session.session.expires_in().map(|life| out.set(millis(life))).is_some()
    })
}

/// The tenant of the current token. False if there is no token or the server named no tenant. 0 is
/// a tenant.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_session_tenant_id(session: *const plextrac_session, out: *mut i64) -> bool {
    guarded!(or false => shared session, out out; {
        session.session.tenant_id().map(|tenant| out.set(tenant)).is_some()
    })
}

/// Allows rejected credentials to be sent again. Repeated failures lock accounts.
/// Errors: `PLEXTRAC_CLOSED`; `PLEXTRAC_BUSY` in a log callback of this session. With a state
/// directory `PLEXTRAC_TIMEOUT` if another process keeps a lock for too long;
/// `PLEXTRAC_STORE` if this session forgets it, but it could not be written for other sessions.
/// Blocks: with a state directory, on the file system, up to the timeout; `plextrac_session_close`
/// ends that.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_session_forget_rejection(
    session: *const plextrac_session,
    err: *mut *mut plextrac_error,
) -> i32 {
    guarded!(err => shared session; {
        session.session.forget_rejection()?;
    })
}

/// Ends the session. Every current and every later call returns `PLEXTRAC_CLOSED`. Closing again
/// does nothing.
/// Threads: any, also while other threads are inside a call. Use it to end those calls before you
/// free the session.
/// Blocks: at most a second, for an authentication request that was sent.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_session_close(
    session: *const plextrac_session,
    err: *mut *mut plextrac_error,
) -> i32 {
    guarded!(err => shared session; {
        session.session.close();
    })
}

/// Forgets the token. PlexTrac has no call for this: the token itself stays valid until it expires.
/// The budget, rejected credentials and used one-time codes are still remembered.
/// Errors: `PLEXTRAC_CLOSED`; `PLEXTRAC_BUSY` in a log callback of this session. With a state
/// directory `PLEXTRAC_TIMEOUT` if another process keeps a lock for too long;
/// `PLEXTRAC_STORE` if this session is signed out, but others can still find the token.
/// Blocks: as `plextrac_session_forget_rejection`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_session_logout(
    session: *const plextrac_session,
    err: *mut *mut plextrac_error,
) -> i32 {
    guarded!(err => shared session; {
        session.session.logout()?;
    })
}

/// Frees a handle of a session. Freeing the last handle closes the session.
/// Ownership: a current sign-in or refresh may end after this returns. Until then its callbacks may
/// run, or start to run. `free_fn` runs once, after the last of them; see also `plextrac_free_fn`.
/// Threads: not before every call on it has returned; `plextrac_session_close` makes them return.
/// Blocks: as `plextrac_session_close`. In a child after `fork` it returns at once and does not
/// change the memory.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_session_free(session: *mut plextrac_session) {
    // SAFETY: the manual says that a handle is freed once, and by its own function.
    unsafe { handle::free(session) };
}

impl plextrac_session {
    /// The session under a cancellation; without one, itself and nothing more.
    pub(crate) fn bound_to(&self, cancel: Option<&plextrac_cancel>) -> Bound<'_> {
        match cancel {
            None => Bound::Plain(&self.session),
            Some(cancel) => Bound::Cancellable(self.session.with_cancel(&cancel.token)),
        }
    }
}

pub(crate) enum Bound<'a> {
    Plain(&'a Session),
    Cancellable(Session),
}

impl Deref for Bound<'_> {
    type Target = Session;

    fn deref(&self) -> &Session {
        match self {
            Self::Plain(session) => session,
            Self::Cancellable(session) => session,
        }
    }
}

/// Copies `value`, and a NUL where there is room for it. False, and nothing is copied, if there is
/// no room at all.
///
/// # Safety
/// `buf` has room for `cap` bytes.
unsafe fn copy(value: &[u8], buf: *mut c_char, cap: usize) -> bool {
    if value.len() > cap {
        return false;
    }
    // SAFETY: there is room, and a buffer of the caller's does not overlap with ours.
    unsafe { buf.cast::<u8>().copy_from_nonoverlapping(value.as_ptr(), value.len()) };
    if value.len() < cap {
        // SAFETY: there is room for one more.
        unsafe { buf.add(value.len()).write(0) };
    }
    true
}
