//! Status codes. Stable: a number is never given another meaning; the gaps are for later ones.

use plextrac_transport::ErrorCode;

use crate::plextrac_str;

/// Done.
pub const PLEXTRAC_OK: i32 = 0;

/// Invalid argument. Nothing was changed.
pub const PLEXTRAC_INVALID_ARGUMENT: i32 = 10;
/// The buffer is too small. The required length was set.
pub const PLEXTRAC_BUFFER_TOO_SMALL: i32 = 11;
/// The call does not fit the state of the session or machine. Nothing was changed.
pub const PLEXTRAC_WRONG_STATE: i32 = 12;
/// The machine's actions must first be polled to the end. Nothing was changed.
pub const PLEXTRAC_MUST_DRAIN: i32 = 13;
/// No request with this id is outstanding. This is harmless. Nothing was changed.
pub const PLEXTRAC_STALE: i32 = 14;
/// A callback called the session that waits for the callback.
pub const PLEXTRAC_BUSY: i32 = 15;
/// Not available on this system.
pub const PLEXTRAC_UNSUPPORTED: i32 = 16;
/// A callback of the program that reads or writes a body failed.
pub const PLEXTRAC_IO: i32 = 17;

/// The session was closed.
pub const PLEXTRAC_CLOSED: i32 = 30;
/// The session was created before a `fork`. Create a new one in the child.
pub const PLEXTRAC_FORKED: i32 = 31;
/// A bug in this library was caught. The handles of the call can only be freed.
pub const PLEXTRAC_PANIC: i32 = 32;

/// The caller cancelled the call.
pub const PLEXTRAC_CANCELLED: i32 = 50;
/// The call reached its time limit.
pub const PLEXTRAC_TIMEOUT: i32 = 51;
/// Nothing may be sent now. `plextrac_error_retry_after_ms` returns how long to wait.
pub const PLEXTRAC_MUST_WAIT: i32 = 52;

/// The password was right. A one-time code is needed.
pub const PLEXTRAC_MFA_REQUIRED: i32 = 70;
/// The server rejected the credentials, the one-time code or the refresh.
pub const PLEXTRAC_REJECTED: i32 = 71;
/// There is no token yet.
pub const PLEXTRAC_NOT_READY: i32 = 72;
/// The token has expired.
pub const PLEXTRAC_EXPIRED: i32 = 73;

/// The server could not be reached, or the connection broke.
pub const PLEXTRAC_NETWORK: i32 = 90;
/// The TLS handshake failed, or the certificate is not trusted.
pub const PLEXTRAC_TLS: i32 = 91;
/// The answer is an HTML page, a redirect or the wrong JSON.
pub const PLEXTRAC_UNEXPECTED_ANSWER: i32 = 92;
/// The answer exceeds the size limit.
pub const PLEXTRAC_TOO_LARGE: i32 = 93;

/// The shared state is not safe to use, or a change could not be written for other processes.
pub const PLEXTRAC_STORE: i32 = 110;

/// The name of a status without its prefix, such as "MUST_WAIT". "UNKNOWN" for other numbers. Valid
/// for ever.
#[unsafe(no_mangle)]
pub extern "C" fn plextrac_status_name(status: i32) -> plextrac_str {
    let name = NAMES.iter().find(|(known, _)| *known == status);
    plextrac_str::of_static(name.map_or(c"UNKNOWN", |(_, name)| *name))
}

const NAMES: &[(i32, &std::ffi::CStr)] = &[
    (PLEXTRAC_OK, c"OK"),
    (PLEXTRAC_INVALID_ARGUMENT, c"INVALID_ARGUMENT"),
    (PLEXTRAC_BUFFER_TOO_SMALL, c"BUFFER_TOO_SMALL"),
    (PLEXTRAC_WRONG_STATE, c"WRONG_STATE"),
    (PLEXTRAC_MUST_DRAIN, c"MUST_DRAIN"),
    (PLEXTRAC_STALE, c"STALE"),
    (PLEXTRAC_BUSY, c"BUSY"),
    (PLEXTRAC_UNSUPPORTED, c"UNSUPPORTED"),
    (PLEXTRAC_IO, c"IO"),
    (PLEXTRAC_CLOSED, c"CLOSED"),
    (PLEXTRAC_FORKED, c"FORKED"),
    (PLEXTRAC_PANIC, c"PANIC"),
    (PLEXTRAC_CANCELLED, c"CANCELLED"),
    (PLEXTRAC_TIMEOUT, c"TIMEOUT"),
    (PLEXTRAC_MUST_WAIT, c"MUST_WAIT"),
    (PLEXTRAC_MFA_REQUIRED, c"MFA_REQUIRED"),
    (PLEXTRAC_REJECTED, c"REJECTED"),
    (PLEXTRAC_NOT_READY, c"NOT_READY"),
    (PLEXTRAC_EXPIRED, c"EXPIRED"),
    (PLEXTRAC_NETWORK, c"NETWORK"),
    (PLEXTRAC_TLS, c"TLS"),
    (PLEXTRAC_UNEXPECTED_ANSWER, c"UNEXPECTED_ANSWER"),
    (PLEXTRAC_TOO_LARGE, c"TOO_LARGE"),
    (PLEXTRAC_STORE, c"STORE"),
];

/// The status of an error class. An unknown class becomes an unexpected answer.
pub(crate) fn of(code: ErrorCode) -> i32 {
    match code {
        ErrorCode::InvalidArgument => PLEXTRAC_INVALID_ARGUMENT,
        ErrorCode::WrongState => PLEXTRAC_WRONG_STATE,
        ErrorCode::Busy => PLEXTRAC_BUSY,
        ErrorCode::Closed => PLEXTRAC_CLOSED,
        ErrorCode::Forked => PLEXTRAC_FORKED,
        ErrorCode::Panic => PLEXTRAC_PANIC,
        ErrorCode::Cancelled => PLEXTRAC_CANCELLED,
        ErrorCode::Timeout => PLEXTRAC_TIMEOUT,
        ErrorCode::MfaRequired => PLEXTRAC_MFA_REQUIRED,
        ErrorCode::Rejected => PLEXTRAC_REJECTED,
        ErrorCode::MustWait => PLEXTRAC_MUST_WAIT,
        ErrorCode::NotReady => PLEXTRAC_NOT_READY,
        ErrorCode::Expired => PLEXTRAC_EXPIRED,
        ErrorCode::Network => PLEXTRAC_NETWORK,
        ErrorCode::Tls => PLEXTRAC_TLS,
        ErrorCode::TooLarge => PLEXTRAC_TOO_LARGE,
        ErrorCode::Io => PLEXTRAC_IO,
        ErrorCode::Store => PLEXTRAC_STORE,
        ErrorCode::Unsupported => PLEXTRAC_UNSUPPORTED,
        _ => PLEXTRAC_UNEXPECTED_ANSWER,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_statuses_share_a_number_or_a_name() {
        for (index, (number, name)) in NAMES.iter().enumerate() {
            for (other_number, other_name) in &NAMES[..index] {
                assert!(number != other_number && name != other_name, "{name:?}");
            }
        }
    }
}
