//! Answers, and the ways in which they reach the client or do not.

use std::io::{self, Write};
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::gate::Gate;

/// A status, its headers and its body.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn new(status: u16, content_type: &str, body: &[u8]) -> Answer {
        let headers = if content_type.is_empty() {
            Vec::new()
        } else {
            vec![("Content-Type".to_owned(), content_type.to_owned())]
        };
        Answer { status, headers, body: body.to_vec() }
    }

    pub(crate) fn json(status: u16, value: &Value) -> Answer {
        Answer::new(status, "application/json", value.to_string().as_bytes())
    }

    /// The first error shape (docs/protocol.md, "Failures").
    pub(crate) fn refusal(status: u16, message: &str) -> Answer {
        Answer::json(status, &json!({ "status": "error", "message": message }))
    }

    /// The second error shape.
    pub(crate) fn error(status: u16, message: &str) -> Answer {
        Answer::json(status, &json!({ "statusCode": status, "error": reason(status), "message": message }))
    }

    pub(crate) fn with_header(mut self, name: &str, value: &str) -> Answer {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Changes the body if it is a JSON object; leaves it alone otherwise.
    pub(crate) fn change_object(&mut self, change: impl FnOnce(&mut Map<String, Value>)) {
        if let Ok(Value::Object(mut object)) = serde_json::from_slice(&self.body) {
            change(&mut object);
            self.body = Value::Object(object).to_string().into_bytes();
        }
    }
}

/// How an answer leaves, or fails to.
#[derive(Debug)]
pub(crate) enum Delivery {
    /// As HTTP has it.
    Whole(Answer),
    /// Its length promises more than comes.
    Truncated(Answer),
    /// The body byte by byte.
    Dripping { answer: Answer, between_bytes: Duration },
    /// 200 with a JSON string of this many bytes.
    Huge(u64),
    /// These bytes and the end of the connection.
    Raw(Vec<u8>),
    /// The end of the connection.
    Nothing,
    /// Silence, until the client goes.
    Never,
}

/// What is to happen with the connection afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Then {
    KeepOpen,
    Close,
    /// Not even closed by us; the client has to go first.
    WaitForTheClient,
}

/// What an answer needs to know of its request and its time.
pub(crate) struct Circumstances<'a> {
    pub(crate) date: String,
    pub(crate) keep_alive: bool,
    /// HEAD: everything but the body.
    pub(crate) head_only: bool,
    pub(crate) gate: &'a Gate,
}

impl Delivery {
    /// The status the client is meant to see.
    pub(crate) fn status(&self) -> Option<u16> {
        match self {
            Delivery::Whole(answer) | Delivery::Truncated(answer) | Delivery::Dripping { answer, .. } => {
                Some(answer.status)
            }
            Delivery::Huge(_) => Some(200),
            Delivery::Raw(_) | Delivery::Nothing | Delivery::Never => None,
        }
    }

    pub(crate) fn send(self, stream: &mut impl Write, about: &Circumstances<'_>) -> io::Result<Then> {
        match self {
            Delivery::Whole(answer) => {
                let length = u64::try_from(answer.body.len()).unwrap_or(u64::MAX);
                let mut bytes = head(&answer, length, about.keep_alive, &about.date);
                if !about.head_only && may_have_body(answer.status) {
                    bytes.extend_from_slice(&answer.body);
                }
                stream.write_all(&bytes)?;
                stream.flush()?;
                Ok(if about.keep_alive { Then::KeepOpen } else { Then::Close })
            }
            Delivery::Truncated(answer) => {
                const MISSING: u64 = 64;
                let length = u64::try_from(answer.body.len()).unwrap_or(u64::MAX).saturating_add(MISSING);
                let mut bytes = head(&answer, length, about.keep_alive, &about.date);
                bytes.extend_from_slice(&answer.body);
                stream.write_all(&bytes)?;
                stream.flush()?;
                Ok(Then::Close)
            }
            Delivery::Dripping { answer, between_bytes } => {
                let length = u64::try_from(answer.body.len()).unwrap_or(u64::MAX);
                stream.write_all(&head(&answer, length, about.keep_alive, &about.date))?;
                stream.flush()?;
                for byte in answer.body {
                    if !about.gate.pause(between_bytes) {
                        return Ok(Then::Close);
                    }
                    stream.write_all(&[byte])?;
                    stream.flush()?;
                }
                Ok(if about.keep_alive { Then::KeepOpen } else { Then::Close })
            }
            Delivery::Huge(length) => {
                let answer = Answer::new(200, "application/json", b"");
                stream.write_all(&head(&answer, length, about.keep_alive, &about.date))?;
                write_string_of(length, stream)?;
                stream.flush()?;
                Ok(if about.keep_alive { Then::KeepOpen } else { Then::Close })
            }
            Delivery::Raw(bytes) => {
                stream.write_all(&bytes)?;
                stream.flush()?;
                Ok(Then::Close)
            }
            Delivery::Nothing => Ok(Then::Close),
            Delivery::Never => Ok(Then::WaitForTheClient),
        }
    }
}

fn head(answer: &Answer, length: u64, keep_alive: bool, date: &str) -> Vec<u8> {
    let status = answer.status;
    let mut head = format!("HTTP/1.1 {status} {}\r\nDate: {date}\r\n", reason(status));
    for (name, value) in &answer.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    if may_have_body(status) {
        head.push_str(&format!("Content-Length: {length}\r\n"));
    }
    if !keep_alive {
        head.push_str("Connection: close\r\n");
    }
    head.push_str("\r\n");
    head.into_bytes()
}

/// RFC 9110, 6.4.1: these statuses end with their headers.
pub(crate) fn may_have_body(status: u16) -> bool {
    status >= 200 && status != 204 && status != 304
}

/// A JSON string that fills this many bytes, quotes included.
fn write_string_of(length: u64, stream: &mut impl Write) -> io::Result<()> {
    const BLOCK: [u8; 16 * 1024] = [b'x'; 16 * 1024];
    let Some(mut left) = length.checked_sub(2) else {
        return stream.write_all(&b"0"[..usize::from(length == 1)]);
    };
    stream.write_all(b"\"")?;
    while left > 0 {
        let now = usize::try_from(left).unwrap_or(BLOCK.len()).min(BLOCK.len());
        stream.write_all(&BLOCK[..now])?;
        left -= u64::try_from(now).unwrap_or(left);
    }
    stream.write_all(b"\"")
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        204 => "No Content",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        304 => "Not Modified",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        409 => "Conflict",
        413 => "Content Too Large",
        422 => "Unprocessable Content",
        423 => "Locked",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "Status",
    }
}
