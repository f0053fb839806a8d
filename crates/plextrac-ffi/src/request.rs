//! A request of the program's own.

use std::ffi::c_char;

use plextrac_transport::Request;

use crate::handle::{self, Boxed, Handle};
use crate::plextrac_error;

/// A request to the instance of a session. It is authorized when it is sent, and can be sent any
/// number of times.
pub struct plextrac_request {
    pub(crate) request: Request,
}

impl Handle for plextrac_request {
    type Ownership = Boxed;
}

/// A request for `path`, which starts with a slash and may have a query; it follows the URL of the
/// instance.
/// Errors: `PLEXTRAC_INVALID_ARGUMENT` for an absolute URL (a token goes to no other host), a path
/// that would have to be percent-encoded first, or a method that is none.
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
/// Errors: `PLEXTRAC_INVALID_ARGUMENT` for what cannot stand in a header, for `Authorization` and
/// `Cookie`, and for those that frame a message.
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

/// Sends bytes that are JSON already, under `Content-Type: application/json`; without that PlexTrac
/// sees no body. They are copied, and not looked into.
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
/// Errors: `PLEXTRAC_INVALID_ARGUMENT` if the media type cannot stand in a header.
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

/// Frees a request.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_request_free(request: *mut plextrac_request) {
    // SAFETY: the manual says that a handle is freed once, and by its own function.
    unsafe { handle::free(request) };
}
