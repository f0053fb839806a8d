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

/// One account on one instance, for all threads of the program: signs in when a token is needed, and
/// keeps it alive for as long as it is used.
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

/// No token, and nothing under way.
pub const PLEXTRAC_STATE_SIGNED_OUT: i32 = 1;
/// A request that may bring a token is out, and there is no usable one.
pub const PLEXTRAC_STATE_SIGNING_IN: i32 = 2;
/// Six digits are needed.
pub const PLEXTRAC_STATE_MFA_NEEDED: i32 = 3;
/// There is a usable token.
pub const PLEXTRAC_STATE_ACTIVE: i32 = 4;
/// There is a usable token, and a refresh is out.
pub const PLEXTRAC_STATE_REFRESHING: i32 = 5;
/// A token is wanted, and nothing may be sent yet.
pub const PLEXTRAC_STATE_WAITING: i32 = 6;
/// The credentials were rejected and are not sent again.
pub const PLEXTRAC_STATE_LATCHED: i32 = 7;
/// The session was closed.
pub const PLEXTRAC_STATE_CLOSED: i32 = 8;

/// Makes a session. Nothing is sent until a token is needed.
/// Errors: `PLEXTRAC_INVALID_ARGUMENT` if there is nothing to sign in with, or the URL is `http://`
/// and that is not allowed; `PLEXTRAC_STORE` if others could read or change what is in the state
/// directory by now; `PLEXTRAC_UNSUPPORTED` if the system gives no random bytes.
/// Blocks: with a state directory on the file system, and up to 5 s while another process makes its
/// key.
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

/// Another handle of the same session, whose calls have a timeout of their own: a time limit for one
/// call, or for some. `UINT64_MAX` is no limit.
/// Errors: `PLEXTRAC_INVALID_ARGUMENT` for 0.
/// Ownership: each handle is freed. Closing one closes the session for all.
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

/// The address of the instance, without a slash at the end: the path of a request follows it. Valid
/// as long as the handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_session_base_url(session: *const plextrac_session) -> plextrac_str {
    guarded!(or Empty::EMPTY => shared session; { session.base_url.view() })
}

/// Makes sure that there is a usable token: signs in if there is none, and sends nothing if there is
/// one. The other functions do this by themselves.
/// Errors: `PLEXTRAC_MFA_REQUIRED`: go on with `plextrac_session_submit_mfa`, within two minutes;
/// calls meanwhile answer the same without sending anything. `PLEXTRAC_REJECTED`: this session
/// does not send that password again until it changes or `plextrac_session_forget_rejection` is
/// called, nor do other sessions that share its state directory. An answer with 401, 403 or
/// 423 that is not HTML counts as a rejection: if the message names a gateway, look there.
/// `PLEXTRAC_MUST_WAIT`, `_BUSY`, `_CLOSED`, `_CANCELLED`, `_TIMEOUT` (the attempt goes on, and its
/// result is kept), `_NETWORK` (also if no thread could be started), `_TLS`, `_UNEXPECTED_ANSWER`,
/// `_TOO_LARGE`; `_EXPIRED` if a ready-made token has ended and there is no password; `_NOT_READY`
/// if the new token was given up meanwhile, by another caller or thread: call again.
/// Blocks: up to the timeout, and for as long as a person is being asked.
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

/// Hands in six digits after `PLEXTRAC_MFA_REQUIRED`, and waits for the token.
/// Errors: as `plextrac_session_login`; `PLEXTRAC_INVALID_ARGUMENT` if these are not six digits, or
/// were sent before; `PLEXTRAC_WRONG_STATE` if none are asked for; `PLEXTRAC_REJECTED` if they are
/// wrong: the next sign-in starts anew.
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

/// The value for the `Authorization` header of a request of your own; signs in or refreshes when
/// needed.
/// Errors: as `plextrac_session_login`.
/// Blocks: not with a live token; else as `plextrac_session_login`.
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

/// The same, copied into `buf`, which has room for `cap` bytes: the fast path, without an
/// allocation. `*len` is the length of the value; a NUL follows it where there is room. `(NULL, 0)`
/// asks for the length alone.
/// Errors: `PLEXTRAC_BUFFER_TOO_SMALL` sets `*len` to what is needed (and one more for the NUL); the
/// next token may be longer. Otherwise as `plextrac_session_login`.
/// Blocks: not with a live token; else as `plextrac_session_login`.
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

/// The value for `Cookie: token=VALUE`, which `GET /api/v1/uploads/...` wants instead of
/// `Authorization`; signs in or refreshes when needed.
/// Errors: as `plextrac_session_login`; `PLEXTRAC_UNSUPPORTED` if the token came without one.
/// Blocks: not with a live token and its cookie; else as `plextrac_session_login`.
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

/// A request of your own, with `rejected` as its `Authorization`, was answered with 401. That token
/// is given up, and no other. `*retry` says what to do: true: ask for the authorization again, and
/// send the request once more; false: a new token was tried already, and the 401 is the answer.
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

/// The same without `*retry`. If the authorization is the same value again, a new token was tried
/// already, and the 401 is the answer.
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

/// Sends a request with the session's token. After a 401 it gets one new token and sends the request
/// once more. Redirects are not followed. `GET /api/v1/uploads/...` goes with the cookie and without
/// `Authorization`.
/// Errors: what the server answers is a response, whatever its status. As `plextrac_session_login`
/// for the token; `PLEXTRAC_TIMEOUT`, `_CANCELLED`, `_CLOSED`, `_NETWORK`, `_TLS`, `_TOO_LARGE`
/// (see `plextrac_config_set_response_limit`) for the request; `PLEXTRAC_UNSUPPORTED` for uploads
/// if the token came without a cookie.
/// Blocks: up to the timeout, and for as long as a person is being asked. With
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

/// Gets a new token now, even if the one in hand is live.
/// Errors: as `plextrac_session_login`; the token in hand stays.
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

/// Where the session stands: one of `PLEXTRAC_STATE_...`, ACTIVE or REFRESHING exactly while a token
/// is usable; 0 for NULL.
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

/// How many milliseconds the token lives; false if there is no usable one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_session_expires_in_ms(
    session: *const plextrac_session,
    out: *mut u64,
) -> bool {
    guarded!(or false => shared session, out out; {
        session.session.expires_in().map(|life| out.set(millis(life))).is_some()
    })
}

/// The tenant of the token in hand; false if there is no token or the server did not say. 0 is a
/// tenant.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_session_tenant_id(session: *const plextrac_session, out: *mut i64) -> bool {
    guarded!(or false => shared session, out out; {
        session.session.tenant_id().map(|tenant| out.set(tenant)).is_some()
    })
}

/// Allows rejected credentials to be sent again. Repeated failures lock accounts.
/// Errors: `PLEXTRAC_CLOSED`; `PLEXTRAC_BUSY` in a log callback of this session. With a state
/// directory `PLEXTRAC_TIMEOUT` if another process does not let go of the account;
/// `PLEXTRAC_STORE` if this session forgets it, but the others of the account cannot be told.
/// Blocks: with a state directory, while another session of the account signs in or refreshes, up to
/// the timeout; `plextrac_session_close` ends that.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_session_forget_rejection(
    session: *const plextrac_session,
    err: *mut *mut plextrac_error,
) -> i32 {
    guarded!(err => shared session; {
        session.session.forget_rejection()?;
    })
}

/// Ends the session: every caller returns with `PLEXTRAC_CLOSED`, and so does every later call.
/// Closing again does nothing.
/// Threads: any, also while others are inside a call: this is how to get them out before the session
/// is freed.
/// Blocks: at most a second, for an authentication request that is out.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_session_close(
    session: *const plextrac_session,
    err: *mut *mut plextrac_error,
) -> i32 {
    guarded!(err => shared session; {
        session.session.close();
    })
}

/// Forgets the token. PlexTrac has no call for this: the token itself lives on to its end. What is
/// known of the budget, of rejected credentials and of six digits that were used stays.
/// Errors: `PLEXTRAC_CLOSED`; `PLEXTRAC_BUSY` in a log callback of this session. With a state
/// directory `PLEXTRAC_TIMEOUT` if another process does not let go of the account;
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

/// Frees a handle of a session, and closes the session with the last one.
/// Ownership: a sign-in or refresh that is out may end later than this returns, and until then its
/// callbacks run, or begin to. `free_fn` runs once, after the last of them; see also
/// `plextrac_free_fn`.
/// Threads: not before every call on it has returned; `plextrac_session_close` makes them return.
/// Blocks: as `plextrac_session_close`. In a child after `fork` it returns at once, and leaves the
/// memory as it is.
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
