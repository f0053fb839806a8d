//! Responses whose bodies are not held in memory.

use std::ffi::{c_char, c_void};
use std::io::{self, Read, Write};

use plextrac_transport::{Error, StreamedResponse};

use crate::cancel::plextrac_cancel;
use crate::error::plextrac_error;
use crate::fork::ForkGeneration;
use crate::handle::{self, Boxed, Handle};
use crate::request::plextrac_request;
use crate::response::plextrac_response;
use crate::session::plextrac_session;
use crate::status::PLEXTRAC_IO;

/// A response whose body is read in parts. It keeps the session open and its connection busy.
pub struct plextrac_stream {
    stream: StreamedResponse,
    /// Status and headers.
    head: *mut plextrac_response,
    /// What was read last. The program's buffer may never have been written to.
    part: Box<[u8]>,
    birthplace: ForkGeneration,
}

impl Handle for plextrac_stream {
    type Ownership = Boxed;

    fn birthplace(&self) -> Option<ForkGeneration> {
        Some(self.birthplace)
    }
}

impl Drop for plextrac_stream {
    fn drop(&mut self) {
        // SAFETY: it was made with this, and ends with it.
        unsafe { handle::free(self.head) };
    }
}

/// Takes the next part of a body. `response` has the status and the headers, and is valid during
/// the call. Returns 0, or another number to give up. It must not throw, `longjmp` or end the
/// thread. No lock is held; a cancellation does not interrupt it.
pub type plextrac_write_fn = Option<
    unsafe extern "C" fn(
        userdata: *mut c_void,
        response: *const plextrac_response,
        bytes: *const c_char,
        len: usize,
    ) -> i32,
>;

/// Like `plextrac_session_request`, but passes the body of a 2xx answer to `write` in parts. The
/// body is not held in memory, and `*out` has no body. The body of any other answer is in `*out`.
/// The timeout is for progress: the call fails if no byte moves for that time, and may take any
/// time in total.
/// Errors: as `plextrac_session_request`; `PLEXTRAC_IO` if `write` gives up. After an error `write`
/// may have received a part of the body.
/// Threads: `write` runs on the thread that makes the call.
/// Blocks: while bytes move, up to the timeout if none do, plus the time in which a person is
/// asked.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_session_download(
    session: *const plextrac_session,
    request: *const plextrac_request,
    write: plextrac_write_fn,
    userdata: *mut c_void,
    cancel: *const plextrac_cancel,
    out: *mut *mut plextrac_response,
    err: *mut *mut plextrac_error,
) -> i32 {
    guarded!(err => shared session, shared request, callback write, optional cancel, out out; {
        let mut stream = session.bound_to(cancel).stream(&request.request)?;
        if !stream.is_success() {
            out.set(handle::give(plextrac_response::new(stream.into_response()?)));
            return Ok(());
        }
        let response = Owned(handle::give(plextrac_response::head_of(&stream)));
        stream.copy_to(&mut Callback { write, userdata, response: response.0 })?;
        out.set(response.keep());
    })
}

/// Like `plextrac_session_request`, but returns when the status and the headers have arrived. Read
/// the body with `plextrac_stream_read`.
/// Errors: as `plextrac_session_request`.
/// Ownership: the stream is yours. Free it before its end to drop the rest of the body.
/// Blocks: as `plextrac_session_request`; while a body is sent, as long as bytes move. `cancel`
/// applies to the whole stream, and may be freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_session_stream(
    session: *const plextrac_session,
    request: *const plextrac_request,
    cancel: *const plextrac_cancel,
    out: *mut *mut plextrac_stream,
    err: *mut *mut plextrac_error,
) -> i32 {
    guarded!(err => shared session, shared request, optional cancel, out out; {
        let birthplace = ForkGeneration::here()?;
        let stream = session.bound_to(cancel).stream(&request.request)?;
        let head = handle::give(plextrac_response::head_of(&stream));
        let part = vec![0; LARGEST_PART].into_boxed_slice();
        out.set(handle::give(plextrac_stream { stream, head, part, birthplace }));
    })
}

/// The status and the headers, with an empty body. The stream owns it. Valid as long as the stream.
/// NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_stream_response(
    stream: *const plextrac_stream,
) -> *const plextrac_response {
    guarded!(or std::ptr::null() => shared stream; { stream.head.cast_const() })
}

/// Reads the next part of the body into `buf`, which has `cap` bytes. `*len` is set to the number
/// of bytes that were read, and is 0 at the end of the body.
/// Errors: `PLEXTRAC_NETWORK` if the body is cut short, `PLEXTRAC_TIMEOUT` if no byte comes within
/// the timeout, `PLEXTRAC_CANCELLED`, `_CLOSED`, `_TLS`; `PLEXTRAC_INVALID_ARGUMENT` if `cap` is 0.
/// After an error the rest of the body is lost.
/// Blocks: until there is a byte, up to the timeout.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_stream_read(
    stream: *mut plextrac_stream,
    buf: *mut c_char,
    cap: usize,
    len: *mut usize,
    err: *mut *mut plextrac_error,
) -> i32 {
    guarded!(err => exclusive stream, out len; {
        if buf.is_null() {
            return Err(plextrac_error::null("buf"));
        }
        if cap == 0 {
            return Err(plextrac_error::invalid("cap is 0; give room for at least one byte"));
        }
        let room = cap.min(LARGEST_PART);
        let count = stream.stream.read(&mut stream.part[..room]).map_err(inner)?;
        // SAFETY: `buf` has room for `cap` bytes, as the manual asks, and is not this buffer.
        unsafe { buf.cast::<u8>().copy_from_nonoverlapping(stream.part.as_ptr(), count) };
        len.set(count);
    })
}

/// Frees a stream, and closes its connection unless the body was read to its end.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_stream_free(stream: *mut plextrac_stream) {
    // SAFETY: the manual says that a handle is freed once, and by its own function.
    unsafe { handle::free(stream) };
}

/// As much as a connection hands out at a time.
const LARGEST_PART: usize = 32 * 1024;

/// The program's writer.
struct Callback {
    write: unsafe extern "C" fn(*mut c_void, *const plextrac_response, *const c_char, usize) -> i32,
    userdata: *mut c_void,
    response: *const plextrac_response,
}

impl Write for Callback {
    fn write(&mut self, part: &[u8]) -> io::Result<usize> {
        // SAFETY: the program gave callback and userdata for each other; the rest outlives the call.
        let gave_up = unsafe { (self.write)(self.userdata, self.response, part.as_ptr().cast(), part.len()) };
        match gave_up {
            0 => Ok(part.len()),
            code => Err(io::Error::other(format!("the write callback returned {code}"))),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A response that is freed unless it is handed out.
struct Owned(*mut plextrac_response);

impl Owned {
    fn keep(self) -> *mut plextrac_response {
        let response = self.0;
        std::mem::forget(self);
        response
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        // SAFETY: it was made by `give`, and is this one's alone.
        unsafe { handle::free(self.0) };
    }
}

/// The error inside of one from reading a stream.
fn inner(error: io::Error) -> plextrac_error {
    match error.downcast::<Error>() {
        Ok(error) => error.into(),
        Err(error) => plextrac_error::new(PLEXTRAC_IO, &error.to_string()),
    }
}
