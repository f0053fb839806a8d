//! Level 2: the machine, driven by the program's own HTTP stack and event loop.

use std::ffi::c_char;

use plextrac_auth_core::{
    DEFAULT_PER_MINUTE, Event, InputError, Machine, NotUsable, OneTimeCode, Output, RequestId, Response,
    Time, TransportFailure, Verdict, Want,
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

/// Every decision about one account on one instance, and nothing else: no clock, no threads, no
/// network. It never blocks.
pub struct plextrac_machine {
    machine: Machine,
    budget: SharedBudget,
    /// For every request that is sent.
    extra_headers: Vec<(String, zeroize::Zeroizing<Vec<u8>>)>,
    /// The latest moment it was told.
    latest: Time,
}

impl Handle for plextrac_machine {
    type Ownership = Boxed;
}

/// No answer in time.
pub const PLEXTRAC_FAILURE_TIMEOUT: i32 = 1;
/// No connection: name resolution, refusal, proxy.
pub const PLEXTRAC_FAILURE_CONNECT: i32 = 2;
/// The TLS handshake failed.
pub const PLEXTRAC_FAILURE_TLS: i32 = 3;
/// Given up on purpose.
pub const PLEXTRAC_FAILURE_CANCELLED: i32 = 4;
/// Anything else.
pub const PLEXTRAC_FAILURE_OTHER: i32 = 5;

/// Makes a machine that has sent nothing. Of the configuration it uses URL, credentials, token, MFA,
/// header form, extra headers, timeout and budget; the rest is the business of your HTTP stack,
/// certificates among it.
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
        let machine = Machine::new(settings.machine_config()?, seed, now.into());
        let budget = match &config.budget {
            Some(budget) => budget.clone(),
            None => SharedBudget::new(settings.auth_budget_per_minute().unwrap_or(DEFAULT_PER_MINUTE))?,
        };
        let extra_headers = settings
            .extra_headers()
            .map(|(name, value)| (name.to_owned(), value.to_vec().into()))
            .collect();
        out.set(handle::give(plextrac_machine { machine, budget, extra_headers, latest: now.into() }));
    })
}

/// One request for a usable token. Polls then yield what to do until SIGNED_IN, TOKEN_REPLACED,
/// NEED_MFA, WAIT or FAILED; nothing if the token is live and its refresh not due. Without a want
/// nothing is ever sent: to keep a token alive, want one at the moment that WAIT names.
/// Errors: `PLEXTRAC_MUST_DRAIN`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_machine_want_token(
    machine: *mut plextrac_machine,
    now: plextrac_time,
    err: *mut *mut plextrac_error,
) -> i32 {
    guarded!(err => exclusive machine; {
        machine.told(now, |machine, _| machine.want(Want::default()))?;
    })
}

/// What to do next. After anything was handed in, and when the moment of a WAIT has come, poll until
/// the kind is IDLE, WAIT or NEED_MFA; anything else that is handed in before is refused with
/// `PLEXTRAC_MUST_DRAIN`.
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

/// Hands in the answer to the SEND of that id: status, `count` header lines as two arrays, and the
/// whole body. An answer that came in pieces is handed in when it is whole; one over 1 MiB need not
/// be read on, it is of no use.
/// Errors: `PLEXTRAC_STALE` if that request is not the one that is out; `PLEXTRAC_MUST_DRAIN`;
/// `PLEXTRAC_INVALID_ARGUMENT` for a status that is none.
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
            // SAFETY: each element is text as any other that is handed in.
            let (name, value) = unsafe {
                (text::bytes(name.data, name.len, "names")?, text::bytes(value.data, value.len, "values")?)
            };
            // No header that matters has a name that is not text.
            headers.extend(std::str::from_utf8(name).ok().map(|name| (name, value)));
        }
        let response = Response { status, headers: &headers, body };
        machine.told(now, |machine, now| machine.handle_response(RequestId(id), &response, now))?;
    })
}

/// Says that the SEND of that id brought no answer, and how: one of `PLEXTRAC_FAILURE_...`.
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
        machine.told(now, |machine, now| machine.handle_failure(RequestId(id), failure, now))?;
    })
}

/// Hands in six digits after NEED_MFA.
/// Errors: `PLEXTRAC_INVALID_ARGUMENT` if these are not six digits, or were sent before;
/// `PLEXTRAC_WRONG_STATE` if none are asked for, or the challenge is over; `PLEXTRAC_MUST_DRAIN`.
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
        machine.told(now, |machine, now| machine.submit_code(code, now))?;
    })
}

/// A request of yours, with `rejected` as its `Authorization`, was answered with 401. That token is
/// given up, and no other. `*retry` says what to do: true: want a token, poll, and send the request
/// once more; false: a new token was tried already, and the 401 is the answer.
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

/// The same without `*retry`. If the authorization is the same value again, a new token was tried
/// already, and the 401 is the answer.
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
/// Errors: `PLEXTRAC_NOT_READY` if there is no token yet, `PLEXTRAC_EXPIRED` if it has ended: want
/// one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_machine_authorization(
    machine: *const plextrac_machine,
    now: plextrac_time,
    out: *mut *mut plextrac_secret,
    err: *mut *mut plextrac_error,
) -> i32 {
    guarded!(err => shared machine, out out; {
        let secret = machine.machine.authorization(now.into())?;
        out.set(handle::give(plextrac_secret::new(&secret)));
    })
}

/// The value for `Cookie: token=VALUE`, which `GET /api/v1/uploads/...` wants instead of
/// `Authorization`; as of the latest moment that the machine was told.
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
        let Some(token) = machine.machine.usable_token(now) else {
            return Err(machine.machine.authorization(now).err().unwrap_or(NotUsable::NotReady).into());
        };
        let Some(cookie) = token.cookie() else {
            let sentence = "the token came without a cookie; a refresh may bring one";
            return Err(plextrac_error::new(PLEXTRAC_UNSUPPORTED, sentence));
        };
        out.set(handle::give(plextrac_secret::new(cookie)));
    })
}

/// How many milliseconds the token lives from `now` on; false if there is no usable one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_machine_expires_in_ms(
    machine: *const plextrac_machine,
    now: plextrac_time,
    out: *mut u64,
) -> bool {
    guarded!(or false => shared machine, out out; {
        let now: Time = now.into();
        let token = machine.machine.usable_token(now);
        token.map(|token| out.set(millis(token.windows().ends_at.since(now.monotonic)))).is_some()
    })
}

/// Frees a machine. A request that is out need not be answered any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_machine_free(machine: *mut plextrac_machine) {
    // SAFETY: the manual says that a handle is freed once, and by its own function.
    unsafe { handle::free(machine) };
}

impl plextrac_machine {
    /// Hands something in, at a moment. What is refused changes nothing: no moment was told either.
    fn told<T>(
        &mut self,
        now: plextrac_time,
        input: impl FnOnce(&mut Machine, Time) -> Result<T, InputError>,
    ) -> Result<T, plextrac_error> {
        let answer = input(&mut self.machine, now.into())?;
        self.latest = now.into();
        Ok(answer)
    }

    /// Whether one more try can help.
    fn report_unauthorized(&mut self, rejected: &str, now: plextrac_time) -> Result<bool, plextrac_error> {
        let verdict = self.told(now, |machine, now| match machine.generation_of(rejected) {
            Some(generation) => machine.report_unauthorized(generation, now),
            // It was replaced meanwhile; the order of calls is checked all the same.
            None if !machine.is_drained() => Err(InputError::MustDrain),
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
            let output = self.budget.spend(|budget| self.machine.poll(budget, self.latest));
            return match output {
                Output::Send(request) => plextrac_action::send(&request, &self.extra_headers),
                Output::NeedCode { until, .. } => plextrac_action::need_mfa(until),
                Output::Wait { until, reason } => plextrac_action::wait(until, reason),
                Output::Event(Event::SignedIn { .. }) => plextrac_action::signed_in(),
                Output::Event(Event::TokenReplaced { .. } | Event::Adopted { .. }) => {
                    plextrac_action::token_replaced()
                }
                Output::Event(Event::SignInNeeded | Event::SignedOut) => plextrac_action::signed_out(),
                Output::Event(Event::Failed(failure)) => plextrac_action::failed(failure),
                // Nothing that a program has to act on.
                Output::Event(_) => continue,
                // A machine without a store speaks of no records.
                _ => plextrac_action::idle(),
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
