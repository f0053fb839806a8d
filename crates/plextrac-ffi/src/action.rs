//! What a machine says is to be done.

use plextrac_auth_core::{Body, CallerId, Failure, Instant, Prompt, Request, Wait, WaitReason};
use zeroize::Zeroizing;

use crate::handle::{self, Boxed, Handle};
use crate::lines::Lines;
use crate::out::Empty;
use crate::status::{PLEXTRAC_INVALID_ARGUMENT, PLEXTRAC_OK};
use crate::text::Text;
use crate::{plextrac_error, plextrac_str};

/// One output of a machine: something to do, or a report. It owns its data and may outlive its
/// machine.
pub struct plextrac_action {
    kind: i32,
    deadline: Option<Instant>,
    reason: Text,
    error: Option<plextrac_error>,
    caller: u64,
    attempt: u32,
    request: Option<Outgoing>,
}

/// The request to send.
struct Outgoing {
    id: u64,
    method: Text,
    url: Text,
    headers: Lines,
    body: Text,
}

impl Handle for plextrac_action {
    type Ownership = Boxed;
}

/// Nothing to do until the next input. The last of a drain.
pub const PLEXTRAC_ACTION_IDLE: i32 = 1;
/// Send this request now. Pass its answer or its failure to the machine under its id.
pub const PLEXTRAC_ACTION_SEND: i32 = 2;
/// Pass a one-time code with `plextrac_machine_submit_mfa`. The last of a drain.
pub const PLEXTRAC_ACTION_NEED_MFA: i32 = 3;
/// Nothing to do until the deadline or the next input. The last of a drain.
pub const PLEXTRAC_ACTION_WAIT: i32 = 4;
/// A sign-in brought a token.
pub const PLEXTRAC_ACTION_SIGNED_IN: i32 = 5;
/// A new token replaced the old one.
pub const PLEXTRAC_ACTION_TOKEN_REPLACED: i32 = 6;
/// The token has expired. The next want signs in.
pub const PLEXTRAC_ACTION_SIGNED_OUT: i32 = 7;
/// The want ended without a new token. There may still be a usable one.
pub const PLEXTRAC_ACTION_FAILED: i32 = 8;
/// The call of a caller from `plextrac_machine_need_token` is complete. Without an error there is a
/// usable token. Only programs that call that function get this action.
pub const PLEXTRAC_ACTION_WAKE: i32 = 9;

/// One of `PLEXTRAC_ACTION_...`; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_action_kind(action: *const plextrac_action) -> i32 {
    guarded!(or 0 => shared action; { action.kind })
}

/// The reason of WAIT, FAILED and a WAKE with an error, in English. Empty for others. Valid as long
/// as the action.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_action_reason(action: *const plextrac_action) -> plextrac_str {
    guarded!(or Empty::EMPTY => shared action; { action.reason.view() })
}

/// For FAILED, and for WAKE if the caller gets no token: returns the status, and sets `out` to a
/// copy of the error. For others it returns `PLEXTRAC_OK`.
/// Ownership: the copy is yours; free it with `plextrac_error_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_action_error(
    action: *const plextrac_action,
    out: *mut *mut plextrac_error,
) -> i32 {
    guarded!(or PLEXTRAC_INVALID_ARGUMENT => shared action, out out; {
        match &action.error {
            Some(error) => {
                out.set(handle::give(error.clone()));
                error.status()
            }
            None => PLEXTRAC_OK,
        }
    })
}

/// WAKE: the id of the caller; 0 for others.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_action_caller(action: *const plextrac_action) -> u64 {
    guarded!(or 0 => shared action; { action.caller })
}

/// NEED_MFA: 1 for the first question, 2 after a wrong code. There is no third. 0 for others.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_action_mfa_attempt(action: *const plextrac_action) -> u32 {
    guarded!(or 0 => shared action; { action.attempt })
}

/// SEND: the id of the request, which you pass with its answer. One machine uses each id once, and
/// never 0. 0 for others.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_action_request_id(action: *const plextrac_action) -> u64 {
    guarded!(or 0 => shared action; { action.request.as_ref().map_or(0, |request| request.id) })
}

/// SEND: the HTTP method. Valid as long as the action.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_action_method(action: *const plextrac_action) -> plextrac_str {
    guarded!(or Empty::EMPTY => shared action; { action.shown(|request| &request.method) })
}

/// SEND: the absolute URL. Follow no redirect. Valid as long as the action.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_action_url(action: *const plextrac_action) -> plextrac_str {
    guarded!(or Empty::EMPTY => shared action; { action.shown(|request| &request.url) })
}

/// SEND: the body, empty for a refresh. It may hold the password. Valid as long as the action.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_action_body(action: *const plextrac_action) -> plextrac_str {
    guarded!(or Empty::EMPTY => shared action; { action.shown(|request| &request.body) })
}

/// SEND: the number of header lines. Your HTTP stack adds only `Host` and `Content-Length`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_action_header_count(action: *const plextrac_action) -> usize {
    guarded!(or 0 => shared action; { action.request.as_ref().map_or(0, |request| request.headers.len()) })
}

/// SEND: header line `i`, counted from 0. False if there are fewer. Valid as long as the action.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_action_header(
    action: *const plextrac_action,
    i: usize,
    name: *mut plextrac_str,
    value: *mut plextrac_str,
) -> bool {
    guarded!(or false => shared action, out name, out value; {
        let line = action.request.as_ref().and_then(|request| request.headers.get(i));
        line.map(|(its_name, its_value)| { name.set(its_name); value.set(its_value) }).is_some()
    })
}

/// A moment on the monotonic clock. SEND: the deadline for the answer. WAIT: when to poll, or to
/// want a token again. NEED_MFA: the end of the challenge. False for others, and for a WAIT without
/// an end.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_action_deadline_ms(
    action: *const plextrac_action,
    monotonic_ms: *mut u64,
) -> bool {
    guarded!(or false => shared action, out monotonic_ms; {
        action.deadline.map(|deadline| monotonic_ms.set(deadline.as_millis())).is_some()
    })
}

/// Wipes and frees an action: the body of a sign-in holds the password.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_action_free(action: *mut plextrac_action) {
    // SAFETY: the manual says that a handle is freed once, and by its own function.
    unsafe { handle::free(action) };
}

impl plextrac_action {
    pub(crate) fn signed_in() -> Self {
        Self::plain(PLEXTRAC_ACTION_SIGNED_IN)
    }

    pub(crate) fn token_replaced() -> Self {
        Self::plain(PLEXTRAC_ACTION_TOKEN_REPLACED)
    }

    pub(crate) fn signed_out() -> Self {
        Self::plain(PLEXTRAC_ACTION_SIGNED_OUT)
    }

    pub(crate) fn need_mfa(prompt: Prompt) -> Self {
        let Prompt { until, attempt } = prompt;
        Self { deadline: Some(until), attempt, ..Self::plain(PLEXTRAC_ACTION_NEED_MFA) }
    }

    /// WAIT, or IDLE if nothing comes by itself. Callers' deadlines count on the only clock that C
    /// programs give.
    pub(crate) fn wait(wait: &Wait) -> Self {
        let Some(until) = [wait.until, wait.awake_until].into_iter().flatten().min() else {
            return Self::plain(PLEXTRAC_ACTION_IDLE);
        };
        Self {
            deadline: (until != Instant::NEVER).then_some(until),
            reason: Text::new(wait.reason.map_or("", WaitReason::as_str).as_bytes()),
            ..Self::plain(PLEXTRAC_ACTION_WAIT)
        }
    }

    pub(crate) fn failed(failure: Failure) -> Self {
        Self::plain(PLEXTRAC_ACTION_FAILED).because(failure)
    }

    pub(crate) fn wake(caller: CallerId, failure: Option<Failure>) -> Self {
        let wake = Self { caller: caller.0, ..Self::plain(PLEXTRAC_ACTION_WAKE) };
        match failure {
            Some(failure) => wake.because(failure),
            None => wake,
        }
    }

    pub(crate) fn send(request: &Request, extra_headers: &[(String, Zeroizing<Vec<u8>>)]) -> Self {
        let deadline = request.deadline;
        let own = request.headers.iter().map(|(name, value)| (*name, value.expose().as_bytes()));
        let extra = extra_headers.iter().map(|(name, value)| (name.as_str(), value.as_slice()));
        let request = Outgoing {
            id: request.id.0,
            method: Text::new(request.method.as_bytes()),
            url: Text::new(request.url.as_bytes()),
            headers: Lines::new(&own.chain(extra).collect::<Vec<_>>()),
            body: Text::new(request.body.as_ref().map_or(&[], Body::expose)),
        };
        Self { deadline: Some(deadline), request: Some(request), ..Self::plain(PLEXTRAC_ACTION_SEND) }
    }

    fn plain(kind: i32) -> Self {
        Self {
            kind,
            deadline: None,
            reason: Text::new(b""),
            error: None,
            caller: 0,
            attempt: 0,
            request: None,
        }
    }

    fn because(self, failure: Failure) -> Self {
        let error = plextrac_error::from(plextrac_transport::Error::from(failure));
        Self { reason: error.message().clone(), error: Some(error), ..self }
    }

    fn shown(&self, part: impl Fn(&Outgoing) -> &Text) -> plextrac_str {
        match &self.request {
            Some(request) => part(request).view(),
            None => plextrac_str::of_static(c""),
        }
    }
}
