//! Level 2: the coordinator, driven by the program's own HTTP stack and event loop.

use std::ffi::c_char;
use std::time::Duration;

use plextrac_auth_core::{
    Action, CallerId, Coordinator, DEFAULT_PER_MINUTE, Event, InputError, Limits, Need, NotUsable,
    OneTimeCode, RequestId, Response, Time, TransportFailure, Verdict,
};

use crate::action::plextrac_action;
use crate::budget::SharedBudget;
use crate::config::plextrac_config;
use crate::error::{millis, plextrac_error};
use crate::handle::{self, Boxed, Handle};
use crate::secret::plextrac_secret;
use crate::status::PLEXTRAC_UNSUPPORTED;
use crate::text;
use crate::{plextrac_str, plextrac_time};

/// Makes all decisions about one account on one instance. It has no clock, no threads and no
/// network, and it never blocks.
pub struct plextrac_machine {
    coordinator: Coordinator,
    budget: SharedBudget,
    /// Of every request that is sent.
    extra_headers: Vec<(String, zeroize::Zeroizing<Vec<u8>>)>,
    /// The moment of the latest call that was not refused.
    latest: Time,
}

impl Handle for plextrac_machine {
    type Ownership = Boxed;
}

/// There was no answer in time.
pub const PLEXTRAC_FAILURE_TIMEOUT: i32 = 1;
/// There was no connection: name resolution, refusal, proxy.
pub const PLEXTRAC_FAILURE_CONNECT: i32 = 2;
/// The TLS handshake failed.
pub const PLEXTRAC_FAILURE_TLS: i32 = 3;
/// The program cancelled the request.
pub const PLEXTRAC_FAILURE_CANCELLED: i32 = 4;
/// Any other failure.
pub const PLEXTRAC_FAILURE_OTHER: i32 = 5;

/// Makes a machine that has sent nothing. It uses these parts of the configuration: URL,
/// credentials, token, MFA, authorization scheme, extra headers, timeout and budget. Your HTTP
/// stack is responsible for the rest, such as certificates.
/// Errors: `PLEXTRAC_INVALID_ARGUMENT` as `plextrac_session_new`; `PLEXTRAC_UNSUPPORTED` if the
/// system gives no random bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_machine_new(
    config: *const plextrac_config,
    now: plextrac_time,
    out: *mut *mut plextrac_machine,
    err: *mut *mut plextrac_error,
) -> i32 {
    guarded!(err => shared config, out out; {
        let settings = &config.settings;
        let seed = plextrac_transport::random_seed()?;
        let coordinator = Coordinator::new(settings.machine_config()?, seed, None, now.into());
        let budget = match &config.budget {
            Some(budget) => budget.clone(),
            None => SharedBudget::new(settings.auth_budget_per_minute().unwrap_or(DEFAULT_PER_MINUTE))?,
        };
        let extra_headers = settings
            .extra_headers()
            .map(|(name, value)| (name.to_owned(), value.to_vec().into()))
            .collect();
        out.set(handle::give(plextrac_machine { coordinator, budget, extra_headers, latest: now.into() }));
    })
}

/// Asks once for a usable token. Polls then return actions until SIGNED_IN, TOKEN_REPLACED,
/// NEED_MFA, WAIT or FAILED. If the token is live and no refresh is due, there is no action.
/// Without a want, nothing is sent: to keep a token alive, want one at the moment that WAIT names.
/// Errors: `PLEXTRAC_MUST_DRAIN`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_machine_want_token(
    machine: *mut plextrac_machine,
    now: plextrac_time,
    err: *mut *mut plextrac_error,
) -> i32 {
    guarded!(err => exclusive machine; {
        machine.hand_in(now, |coordinator, _| coordinator.want())?;
    })
}

/// Starts the call of one caller that needs a token. It joins the current attempt, or starts one. A
/// WAKE action with this id ends the call; poll until then. Any number of callers may wait at once,
/// and one attempt serves them all.
/// (`other_than`, `other_than_len`): an `Authorization` value that the caller does not accept. If
/// the current token has this value, a refresh or sign-in replaces it first. (NULL, 0): any token.
/// `timeout_ms`: how long the call may take, UINT64_MAX for no limit. Time in which a person is
/// asked for a code does not count. `wait_ms`: how long the caller may wait for the budget, a rate
/// limit or a back-off. If that takes longer, the WAKE has `PLEXTRAC_MUST_WAIT` at once.
/// If a one-time code is needed, and the configuration has neither TOTP secret nor MFA callback,
/// the WAKE has `PLEXTRAC_MFA_REQUIRED`. If it has a callback, which is never called, the caller
/// continues to wait: pass the code after NEED_MFA, or report that there is none.
/// `caller`: the id. One machine uses each id once, and never 0.
/// Errors: `PLEXTRAC_MUST_DRAIN`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_machine_need_token(
    machine: *mut plextrac_machine,
    other_than: *const c_char,
    other_than_len: usize,
    timeout_ms: u64,
    wait_ms: u64,
    now: plextrac_time,
    caller: *mut u64,
    err: *mut *mut plextrac_error,
) -> i32 {
    guarded!(err => exclusive machine, text (other_than, other_than_len), out caller; {
        let limits =
            Limits { timeout: Duration::from_millis(timeout_ms), wait: Duration::from_millis(wait_ms) };
        let id = machine.hand_in(now, |coordinator, now| {
            let need = match coordinator.machine().generation_of(other_than) {
                Some(held) => Need::NewerThan(Some(held)),
                None => Need::Usable,
            };
            coordinator.need_token(need, limits, now)
        })?;
        caller.set(id.0);
    })
}

/// Ends the call of a caller, without a WAKE. A request that was sent continues, and its token is
/// kept. An attempt that has sent nothing ends with its last caller.
/// Errors: `PLEXTRAC_STALE` if no caller with this id waits, because its WAKE was already polled
/// (this is harmless); `PLEXTRAC_MUST_DRAIN`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_machine_leave(
    machine: *mut plextrac_machine,
    caller: u64,
    now: plextrac_time,
    err: *mut *mut plextrac_error,
) -> i32 {
    guarded!(err => exclusive machine; {
        machine.hand_in(now, |coordinator, now| coordinator.leave(CallerId(caller), now))?;
    })
}

/// Returns what to do next. After each input, and at the moment of a WAIT, poll until the kind is
/// IDLE, WAIT or NEED_MFA. Inputs before that are refused with `PLEXTRAC_MUST_DRAIN`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_machine_poll(
    machine: *mut plextrac_machine,
    now: plextrac_time,
    out: *mut *mut plextrac_action,
    err: *mut *mut plextrac_error,
) -> i32 {
    guarded!(err => exclusive machine, out out; {
        machine.latest = now.into();
        out.set(handle::give(machine.next_action()));
    })
}

/// Passes the answer to the SEND with this id: the status, `count` header lines as two arrays, and
/// the whole body. Call it once the whole body has arrived. You may stop reading a body after 1
/// MiB: a larger one is ignored.
/// Errors: `PLEXTRAC_STALE` if the request with this id is not outstanding; `PLEXTRAC_MUST_DRAIN`;
/// `PLEXTRAC_INVALID_ARGUMENT` for an invalid status.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_machine_handle_response(
    machine: *mut plextrac_machine,
    id: u64,
    status: u16,
    names: *const plextrac_str,
    values: *const plextrac_str,
    count: usize,
    body: *const c_char,
    body_len: usize,
    now: plextrac_time,
    err: *mut *mut plextrac_error,
) -> i32 {
    guarded!(err => exclusive machine, bytes (body, body_len); {
        if !(100..1000).contains(&status) {
            let sentence = format!("{status} is no HTTP status; hand in a failure if there was no answer");
            return Err(plextrac_error::invalid(sentence));
        }
        // SAFETY: both arrays have `count` elements, as the manual asks.
        let (names, values) = unsafe { (array(names, count, "names")?, array(values, count, "values")?) };
        let mut headers = Vec::with_capacity(count);
        for (name, value) in names.iter().zip(values) {
            // SAFETY: each element is a text argument like any other.
            let (name, value) = unsafe {
                (text::bytes(name.data, name.len, "names")?, text::bytes(value.data, value.len, "values")?)
            };
            // No header that matters has a name that is not text.
            headers.extend(std::str::from_utf8(name).ok().map(|name| (name, value)));
        }
        let response = Response { status, headers: &headers, body };
        machine.hand_in(now, |coordinator, now| coordinator.handle_response(RequestId(id), &response, now))?;
    })
}

/// Reports that the SEND with this id got no answer, and why: one of `PLEXTRAC_FAILURE_...`.
/// Errors: as `plextrac_machine_handle_response`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_machine_handle_failure(
    machine: *mut plextrac_machine,
    id: u64,
    kind: i32,
    now: plextrac_time,
    err: *mut *mut plextrac_error,
) -> i32 {
    guarded!(err => exclusive machine; {
        let failure = match kind {
            PLEXTRAC_FAILURE_TIMEOUT => TransportFailure::Timeout,
            PLEXTRAC_FAILURE_CONNECT => TransportFailure::Connect,
            PLEXTRAC_FAILURE_TLS => TransportFailure::Tls,
            PLEXTRAC_FAILURE_CANCELLED => TransportFailure::Cancelled,
            PLEXTRAC_FAILURE_OTHER => TransportFailure::Other,
            unknown => return Err(plextrac_error::unknown_number("kind", unknown)),
        };
        machine.hand_in(now, |coordinator, now| coordinator.handle_failure(RequestId(id), failure, now))?;
    })
}

/// Passes a one-time code (six digits) after NEED_MFA.
/// Errors: `PLEXTRAC_INVALID_ARGUMENT` if it is not six digits, or was sent before;
/// `PLEXTRAC_WRONG_STATE` if no code is needed, or the challenge is over; `PLEXTRAC_MUST_DRAIN`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_machine_submit_mfa(
    machine: *mut plextrac_machine,
    code: *const c_char,
    code_len: usize,
    now: plextrac_time,
    err: *mut *mut plextrac_error,
) -> i32 {
    guarded!(err => exclusive machine, text (code, code_len); {
        let code = OneTimeCode::new(code)?;
        machine.hand_in(now, |coordinator, now| coordinator.provide_code(code, now))?;
    })
}

/// Reports after NEED_MFA that there is no code. The challenge is dropped, and callers that wait
/// for the code get `PLEXTRAC_MFA_REQUIRED`.
/// Errors: `PLEXTRAC_WRONG_STATE` if no code is needed; `PLEXTRAC_MUST_DRAIN`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_machine_decline_mfa(
    machine: *mut plextrac_machine,
    now: plextrac_time,
    err: *mut *mut plextrac_error,
) -> i32 {
    guarded!(err => exclusive machine; {
        machine.hand_in(now, Coordinator::decline_code)?;
    })
}

/// Reports that your request, with `rejected` as its `Authorization`, was answered with 401. Only
/// this token is dropped. If `*retry` is true: want a token, poll, and send the request once more.
/// If it is false: a new token was already tried, and the 401 is the answer.
/// Errors: `PLEXTRAC_MUST_DRAIN`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_machine_report_unauthorized_retry(
    machine: *mut plextrac_machine,
    rejected: *const c_char,
    rejected_len: usize,
    now: plextrac_time,
    retry: *mut bool,
    err: *mut *mut plextrac_error,
) -> i32 {
    guarded!(err => exclusive machine, text (rejected, rejected_len), out retry; {
        retry.set(machine.report_unauthorized(rejected, now)?);
    })
}

/// The same without `*retry`. If the authorization is the same value again, a new token was already
/// tried, and the 401 is the answer.
/// Errors: `PLEXTRAC_MUST_DRAIN`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_machine_report_unauthorized(
    machine: *mut plextrac_machine,
    rejected: *const c_char,
    rejected_len: usize,
    now: plextrac_time,
    err: *mut *mut plextrac_error,
) -> i32 {
    guarded!(err => exclusive machine, text (rejected, rejected_len); {
        machine.report_unauthorized(rejected, now)?;
    })
}

/// The value for the `Authorization` header.
/// Errors: `PLEXTRAC_NOT_READY` if there is no token yet, `PLEXTRAC_EXPIRED` if it has expired:
/// want one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_machine_authorization(
    machine: *const plextrac_machine,
    now: plextrac_time,
    out: *mut *mut plextrac_secret,
    err: *mut *mut plextrac_error,
) -> i32 {
    guarded!(err => shared machine, out out; {
        let secret = machine.coordinator.machine().authorization(now.into())?;
        out.set(handle::give(plextrac_secret::new(&secret)));
    })
}

/// The value for `Cookie: token=VALUE`, which `GET /api/v1/uploads/...` needs instead of
/// `Authorization`, at the time of the latest call that passed a time.
/// Errors: as `plextrac_machine_authorization`; `PLEXTRAC_UNSUPPORTED` if the token came without
/// one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_machine_cookie(
    machine: *const plextrac_machine,
    out: *mut *mut plextrac_secret,
    err: *mut *mut plextrac_error,
) -> i32 {
    guarded!(err => shared machine, out out; {
        let now = machine.latest;
        let Some(token) = machine.coordinator.usable_token(now) else {
            return Err(machine.coordinator.machine().authorization(now).err().unwrap_or(NotUsable::NotReady).into());
        };
        let Some(cookie) = token.cookie() else {
            let sentence = "the token came without a cookie; a refresh may bring one";
            return Err(plextrac_error::new(PLEXTRAC_UNSUPPORTED, sentence));
        };
        out.set(handle::give(plextrac_secret::new(cookie)));
    })
}

/// How many milliseconds the token lives from `now` on. False if there is no usable token.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_machine_expires_in_ms(
    machine: *const plextrac_machine,
    now: plextrac_time,
    out: *mut u64,
) -> bool {
    guarded!(or false => shared machine, out out; {
        let now: Time = now.into();
        let token = machine.coordinator.usable_token(now);
        token.map(|token| out.set(millis(token.windows().ends_at.since(now.monotonic)))).is_some()
    })
}

/// Frees a machine. Drop its outstanding request, or let it end; the answer is not needed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_machine_free(machine: *mut plextrac_machine) {
    // SAFETY: the manual says that a handle is freed once, and by its own function.
    unsafe { handle::free(machine) };
}

impl plextrac_machine {
    /// Passes an input at a moment. A refused input changes nothing, not even the moment.
    fn hand_in<T>(
        &mut self,
        now: plextrac_time,
        input: impl FnOnce(&mut Coordinator, Time) -> Result<T, InputError>,
    ) -> Result<T, plextrac_error> {
        let taken = input(&mut self.coordinator, now.into())?;
        self.latest = now.into();
        Ok(taken)
    }

    /// Whether another attempt can help.
    fn report_unauthorized(&mut self, rejected: &str, now: plextrac_time) -> Result<bool, plextrac_error> {
        let verdict =
            self.hand_in(now, |coordinator, now| match coordinator.machine().generation_of(rejected) {
                Some(generation) => coordinator.report_unauthorized(generation, false, now),
                // It was replaced meanwhile; the order of calls is checked all the same.
                None if !coordinator.is_drained() => Err(InputError::MustDrain),
                None => Ok(Verdict::Replaced),
            })?;
        Ok(verdict != Verdict::Final)
    }

    /// Where a lock is held that other machines share.
    #[cfg(debug_assertions)]
    pub(crate) fn panic_in_budget(&self) {
        self.budget.spend(|_| panic!("on purpose"));
    }

    fn next_action(&mut self) -> plextrac_action {
        loop {
            let action = self.budget.spend(|budget| self.coordinator.poll(budget, self.latest));
            return match action {
                Action::Send(request) => plextrac_action::send(&request, &self.extra_headers),
                Action::Wake { caller, result } => plextrac_action::wake(caller, result.err()),
                Action::Wait(wait) => match self.coordinator.code_needed() {
                    Some(prompt) => plextrac_action::need_mfa(prompt),
                    None => plextrac_action::wait(&wait),
                },
                Action::Event(Event::SignedIn { .. }) => plextrac_action::signed_in(),
                Action::Event(Event::TokenReplaced { .. } | Event::Adopted { .. }) => {
                    plextrac_action::token_replaced()
                }
                Action::Event(Event::SignInNeeded | Event::SignedOut) => plextrac_action::signed_out(),
                Action::Event(Event::Failed(failure)) => plextrac_action::failed(failure),
                // Nothing that a program has to act on. NEED_MFA, at the end of the drain, is what asks for a code, and
                // without a store nothing is read or written.
                _ => continue,
            };
        }
    }
}

/// # Safety
/// `data` is NULL, or has `count` elements.
unsafe fn array<'a>(
    data: *const plextrac_str,
    count: usize,
    name: &'static str,
) -> Result<&'a [plextrac_str], plextrac_error> {
    if count == 0 {
        return Ok(&[]);
    }
    if data.is_null() {
        return Err(plextrac_error::null(name));
    }
    if count > isize::MAX as usize / size_of::<plextrac_str>() {
        return Err(plextrac_error::invalid("count is more than there can be"));
    }
    // SAFETY: as the caller promises.
    Ok(unsafe { std::slice::from_raw_parts(data, count) })
}
