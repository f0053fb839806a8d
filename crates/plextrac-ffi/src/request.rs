//! A request of the program's own.

use std::ffi::{c_char, c_void};
use std::sync::Arc;

use plextrac_transport::Request;

use crate::callback_body::CallbackBody;
use crate::handle::{self, Boxed, Handle};
use crate::plextrac_error;
use crate::userdata::plextrac_free_fn;

/// A request to the instance of a session. It is authorized when it is sent, and can be sent any
/// number of times, unless its body can be read once only.
pub struct plextrac_request {
    pub(crate) request: Request,
}

impl Handle for plextrac_request {
    type Ownership = Boxed;
}

/// A request for `path`, which starts with a slash and may have a query; it follows the URL of the
/// instance.
/// Errors: `PLEXTRAC_INVALID_ARGUMENT` for an absolute URL (a token goes to no other host), a path
/// that must be percent-encoded first, or an invalid method.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_request_new(
    method: *const c_char,
    method_len: usize,
    path: *const c_char,
    path_len: usize,
    out: *mut *mut plextrac_request,
    err: *mut *mut plextrac_error,
) -> i32 {
    guarded!(err => text (method, method_len), text (path, path_len), out out; {
        let request = Request::new(method, path)?;
        out.set(handle::give(plextrac_request { request }));
    })
}

/// Adds a header.
/// Errors: `PLEXTRAC_INVALID_ARGUMENT` if it is not valid in a header, for `Authorization` and
/// `Cookie`, and for headers that frame a message.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_request_add_header(
    request: *mut plextrac_request,
    name: *const c_char,
    name_len: usize,
    value: *const c_char,
    value_len: usize,
    err: *mut *mut plextrac_error,
) -> i32 {
    guarded!(err => exclusive request, text (name, name_len), text (value, value_len); {
        request.request.header(name, value)?;
    })
}

/// Sends bytes that are already JSON, with `Content-Type: application/json`. Without that header
/// PlexTrac ignores the body. The bytes are copied and not checked.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_request_set_json(
    request: *mut plextrac_request,
    json: *const c_char,
    json_len: usize,
    err: *mut *mut plextrac_error,
) -> i32 {
    guarded!(err => exclusive request, bytes (json, json_len); {
        request.request.json_bytes(json);
    })
}

/// Sends bytes as they are, under the media type `content_type`. They are copied.
/// Errors: `PLEXTRAC_INVALID_ARGUMENT` if the media type is not valid in a header.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_request_set_body(
    request: *mut plextrac_request,
    content_type: *const c_char,
    content_type_len: usize,
    body: *const c_char,
    body_len: usize,
    err: *mut *mut plextrac_error,
) -> i32 {
    guarded!(err => exclusive request, text (content_type, content_type_len), bytes (body, body_len); {
        request.request.body(content_type, body)?;
    })
}

/// The length of the body is not known. It is sent in chunks.
pub const PLEXTRAC_LENGTH_UNKNOWN: u64 = u64::MAX;

/// Reads the next part of a body into `buf`, which has room for `cap` bytes (never 0), and returns
/// how many bytes it read: 0 at the end, a negative number if it fails. It must not throw, `longjmp`
/// or end the thread. No lock is held; a cancellation does not interrupt it.
pub type plextrac_read_fn =
    Option<unsafe extern "C" fn(userdata: *mut c_void, buf: *mut c_char, cap: usize) -> i64>;

/// Goes back to the start of a body, so that it can be read again. Returns 0, or anything else if
/// that fails.
pub type plextrac_rewind_fn = Option<unsafe extern "C" fn(userdata: *mut c_void) -> i32>;

/// Sends the bytes that `read` returns as the body, with the media type `content_type`. The body is
/// not held in memory. The timeout of the call is for progress: the call fails if no byte moves for
/// that time, and may take any time in total. With `length`, exactly that many bytes are read. With
/// `PLEXTRAC_LENGTH_UNKNOWN`, all bytes until the end.
/// `rewind` may be NULL. Then the request can be sent once, and after a 401 it is not sent again:
/// the 401 is the response, and the next request has a new token.
/// Errors: `PLEXTRAC_INVALID_ARGUMENT` if the media type is not valid in a header. The call that
/// sends the request fails with `PLEXTRAC_IO` if a callback fails, the body ends before `length`, or
/// another call is sending it; with `PLEXTRAC_INVALID_ARGUMENT` if it was read before and cannot be
/// rewound.
/// Ownership: after `PLEXTRAC_OK`, `free_fn` (which may be NULL) frees `userdata`, when the request
/// is freed or gets another body; after an error the program still owns it.
/// Threads: the callbacks run on the thread that makes the call. One call at a time can send it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_request_set_body_reader(
    request: *mut plextrac_request,
    content_type: *const c_char,
    content_type_len: usize,
    length: u64,
    read: plextrac_read_fn,
    rewind: plextrac_rewind_fn,
    userdata: *mut c_void,
    free_fn: plextrac_free_fn,
    err: *mut *mut plextrac_error,
) -> i32 {
    guarded!(err => exclusive request, text (content_type, content_type_len), callback read; {
        let length = Some(length).filter(|length| *length != PLEXTRAC_LENGTH_UNKNOWN);
        let body = CallbackBody::new(read, rewind, userdata);
        if rewind.is_some() {
            let opened = Arc::clone(&body);
            request.request.body_source(content_type, length, move || opened.open())?;
        } else {
            let reader = body.open().map_err(|error| plextrac_error::invalid(error.to_string()))?;
            request.request.body_reader(content_type, length, reader)?;
        }
        // After an error the program keeps its userdata.
        body.owns(free_fn);
    })
}

/// Frees a request.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_request_free(request: *mut plextrac_request) {
    // SAFETY: the manual says that a handle is freed once, and by its own function.
    unsafe { handle::free(request) };
}
