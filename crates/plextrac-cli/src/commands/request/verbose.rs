//! `--verbose`: requests and answers on standard error, in the form that curl made known.

use plextrac_transport::HttpEvent;

use crate::output::one_line;
use crate::progress::write_stderr;

/// What the library shows has no secrets in it.
pub(super) fn show(event: &HttpEvent) {
    let (mark, first, headers) = match event {
        HttpEvent::Request { method, url, headers } => (">", format!("{method} {url}"), headers.as_slice()),
        HttpEvent::Response { status, headers } => ("<", format!("HTTP/1.1 {status}"), headers.as_slice()),
        HttpEvent::Failed { message } => ("*", message.clone(), [].as_slice()),
        _ => return,
    };
    let mut text = format!("{mark} {}\n", one_line(&first));
    for (name, value) in headers {
        text += &format!("{mark} {name}: {}\n", one_line(value));
    }
    // In one piece: a refresh in the background may be seen at the same time.
    write_stderr(&text);
}
