//! An answer to a request of the program's own.

use std::ffi::c_char;

use plextrac_transport::{Response, StreamedResponse};

use crate::handle::{self, Boxed, Handle};
use crate::lines::Lines;
use crate::out::Empty;
use crate::plextrac_str;
use crate::text::Text;

/// The answer of the server. It may have any HTTP status.
pub struct plextrac_response {
    status: u16,
    headers: Lines,
    body: Text,
}

impl Handle for plextrac_response {
    type Ownership = Boxed;
}

/// The HTTP status; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_response_status(response: *const plextrac_response) -> u16 {
    guarded!(or 0 => shared response; { response.status })
}

/// The body, byte for byte. It may contain NULs. Valid as long as the response.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_response_body(response: *const plextrac_response) -> plextrac_str {
    guarded!(or Empty::EMPTY => shared response; { response.body.view() })
}

/// The number of header lines.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_response_header_count(response: *const plextrac_response) -> usize {
    guarded!(or 0 => shared response; { response.headers.len() })
}

/// Header line `i`, counted from 0, its name in lower case. False if there are fewer. Valid as long
/// as the response.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_response_header(
    response: *const plextrac_response,
    i: usize,
    name: *mut plextrac_str,
    value: *mut plextrac_str,
) -> bool {
    guarded!(or false => shared response, out name, out value; {
        let line = response.headers.get(i);
        line.map(|(its_name, its_value)| { name.set(its_name); value.set(its_value) }).is_some()
    })
}

/// The value of the first header line of that name, in upper or lower case; false if there is none.
/// Valid as long as the response.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_response_header_by_name(
    response: *const plextrac_response,
    name: *const c_char,
    name_len: usize,
    value: *mut plextrac_str,
) -> bool {
    guarded!(or false => shared response, text (name, name_len), out value; {
        response.headers.find(name).map(|found| value.set(found)).is_some()
    })
}

/// Wipes and frees a response.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_response_free(response: *mut plextrac_response) {
    // SAFETY: the manual says that a handle is freed once, and by its own function.
    unsafe { handle::free(response) };
}

impl plextrac_response {
    pub(crate) fn new(response: Response) -> Self {
        Self {
            status: response.status(),
            headers: lines(response.headers().iter()),
            body: Text::from_bytes(response.into_body()),
        }
    }

    /// Of a response whose body goes elsewhere.
    pub(crate) fn head_of(stream: &StreamedResponse) -> Self {
        Self { status: stream.status(), headers: lines(stream.headers().iter()), body: Text::new(b"") }
    }
}

fn lines<'a, Name: AsRef<str> + 'a, Value: AsRef<[u8]> + 'a>(
    headers: impl Iterator<Item = (&'a Name, &'a Value)>,
) -> Lines {
    let lines: Vec<_> = headers.map(|(name, value)| (name.as_ref(), value.as_ref())).collect();
    Lines::new(&lines)
}
