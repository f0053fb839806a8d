//! Requests off the wire: HTTP/1.1 with limits on everything (RFC 9112).

use std::io::{self, Read, Write};

const MAX_HEAD: usize = 64 * 1024;
const MAX_HEADERS: usize = 100;
const READ_AT_ONCE: usize = 16 * 1024;

/// A request, whole.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// As sent.
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) keep_alive: bool,
}

impl Request {
    /// The path alone: no query, and no scheme and authority if the client sent the form meant for proxies.
    pub(crate) fn path(&self) -> &str {
        let target = self.target.split(['?', '#']).next().unwrap_or_default();
        match target.split_once("://") {
            Some((_, rest)) => rest.find('/').map_or("/", |slash| &rest[slash..]),
            None => target,
        }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }

    pub(crate) fn header_count(&self, name: &str) -> usize {
        self.headers.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name)).count()
    }

    /// The media type of the body in lower case, without parameters; empty when there is none.
    pub(crate) fn media_type(&self) -> String {
        let value = self.header("content-type").unwrap_or_default();
        value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
    }
}

/// The first value of a header, whatever the case of its name.
pub(crate) fn header<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
}

/// Why there is no request.
#[derive(Debug)]
pub(crate) enum NoRequest {
    /// The client is done.
    Closed,
    /// The line broke, in the middle of a request or not.
    Broken,
    /// It is answered with this status, and the connection ends.
    Refused(u16, &'static str),
}

impl From<io::Error> for NoRequest {
    fn from(_: io::Error) -> NoRequest {
        NoRequest::Broken
    }
}

/// What has arrived on one connection and was not taken yet. Requests may follow one another without waiting.
pub(crate) struct Inbox {
    arrived: Vec<u8>,
    max_body: usize,
}

impl Inbox {
    pub(crate) fn new(max_body: usize) -> Inbox {
        Inbox { arrived: Vec::new(), max_body }
    }

    /// The next request. Writes only to say `100 Continue` to a client that waits for it before its body.
    pub(crate) fn next<S: Read + Write>(&mut self, stream: &mut S) -> Result<Request, NoRequest> {
        let head = loop {
            if let Some((head, length)) = parse_head(&self.arrived)? {
                self.arrived.drain(..length);
                break head;
            }
            if self.arrived.len() > MAX_HEAD {
                return Err(NoRequest::Refused(431, "The request's headers are larger than 64 KiB"));
            }
            let waiting_for_a_request = self.arrived.is_empty();
            match self.read_more(stream) {
                Err(NoRequest::Broken) if waiting_for_a_request => return Err(NoRequest::Closed),
                other => other?,
            }
        };
        let length = body_length(&head.headers)?;
        let waits = header(&head.headers, "expect").is_some_and(|v| v.eq_ignore_ascii_case("100-continue"));
        if waits && self.arrived.is_empty() && length != Length::Known(0) {
            stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
            stream.flush()?;
        }
        let body = match length {
            Length::Known(length) => self.take(length, stream)?,
            Length::Chunked => self.take_chunks(stream)?,
        };
        Ok(Request { body, ..head })
    }

    fn take<S: Read>(&mut self, length: usize, stream: &mut S) -> Result<Vec<u8>, NoRequest> {
        if length > self.max_body {
            return Err(TOO_LARGE);
        }
        while self.arrived.len() < length {
            self.read_more(stream)?;
        }
        let rest = self.arrived.split_off(length);
        Ok(std::mem::replace(&mut self.arrived, rest))
    }

    fn take_chunks<S: Read>(&mut self, stream: &mut S) -> Result<Vec<u8>, NoRequest> {
        let mut body = Vec::new();
        loop {
            let length = self.take_chunk_length(stream)?;
            if length == 0 {
                self.take_trailers(stream)?;
                return Ok(body);
            }
            if length > self.max_body - body.len() {
                return Err(TOO_LARGE);
            }
            body.append(&mut self.take(length, stream)?);
            if self.take(2, stream)? != b"\r\n" {
                return Err(BAD_CHUNK);
            }
        }
    }

    fn take_chunk_length<S: Read>(&mut self, stream: &mut S) -> Result<usize, NoRequest> {
        loop {
            match httparse::parse_chunk_size(&self.arrived) {
                Ok(httparse::Status::Complete((used, length))) => {
                    self.arrived.drain(..used);
                    return usize::try_from(length).map_err(|_| TOO_LARGE);
                }
                Ok(httparse::Status::Partial) if self.arrived.len() <= MAX_HEAD => self.read_more(stream)?,
                _ => return Err(BAD_CHUNK),
            }
        }
    }

    fn take_trailers<S: Read>(&mut self, stream: &mut S) -> Result<(), NoRequest> {
        loop {
            let mut trailers = [httparse::EMPTY_HEADER; MAX_HEADERS];
            match httparse::parse_headers(&self.arrived, &mut trailers) {
                Ok(httparse::Status::Complete((used, _))) => {
                    self.arrived.drain(..used);
                    return Ok(());
                }
                Ok(httparse::Status::Partial) if self.arrived.len() <= MAX_HEAD => self.read_more(stream)?,
                _ => return Err(BAD_CHUNK),
            }
        }
    }

    fn read_more<S: Read>(&mut self, stream: &mut S) -> Result<(), NoRequest> {
        let before = self.arrived.len();
        self.arrived.resize(before + READ_AT_ONCE, 0);
        let read = loop {
            match stream.read(&mut self.arrived[before..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        self.arrived.truncate(before + read.as_ref().copied().unwrap_or(0));
        match read? {
            0 => Err(NoRequest::Broken),
            _ => Ok(()),
        }
    }
}

const TOO_LARGE: NoRequest = NoRequest::Refused(413, "The request's body is larger than the emulator takes");
const BAD_CHUNK: NoRequest = NoRequest::Refused(400, "The request's chunks are malformed");

#[derive(Debug, PartialEq, Eq)]
enum Length {
    Known(usize),
    Chunked,
}

/// The head, without its body yet, and how many bytes it took; `None` while it is not whole.
fn parse_head(bytes: &[u8]) -> Result<Option<(Request, usize)>, NoRequest> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut parsed = httparse::Request::new(&mut headers);
    let length = match parsed.parse(bytes) {
        Ok(httparse::Status::Complete(length)) if length <= MAX_HEAD => length,
        Ok(httparse::Status::Complete(_)) => {
            return Err(NoRequest::Refused(431, "The request's headers are larger than 64 KiB"));
        }
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => {
            return Err(NoRequest::Refused(431, "The request has more than 100 headers"));
        }
        Err(_) => return Err(NoRequest::Refused(400, "The request is not HTTP/1.1")),
    };
    let (Some(method), Some(target), Some(version)) = (parsed.method, parsed.path, parsed.version) else {
        return Ok(None);
    };
    let headers: Vec<(String, String)> = parsed
        .headers
        .iter()
        .map(|header| (header.name.to_owned(), String::from_utf8_lossy(header.value).into_owned()))
        .collect();
    let connection = header(&headers, "connection").unwrap_or_default().to_ascii_lowercase();
    let keep_alive =
        if version == 0 { connection.contains("keep-alive") } else { !connection.contains("close") };
    let (method, target) = (method.to_owned(), target.to_owned());
    Ok(Some((Request { method, target, headers, body: Vec::new(), keep_alive }, length)))
}

/// RFC 9112, 6.3. What two readers could understand differently is refused.
fn body_length(headers: &[(String, String)]) -> Result<Length, NoRequest> {
    let values = |wanted: &str| {
        headers
            .iter()
            .filter(move |(name, _)| name.eq_ignore_ascii_case(wanted))
            .map(|(_, value)| value.trim())
            .collect::<Vec<_>>()
    };
    match (values("content-length").as_slice(), values("transfer-encoding").as_slice()) {
        ([], []) => Ok(Length::Known(0)),
        ([], [coding]) if coding.eq_ignore_ascii_case("chunked") => Ok(Length::Chunked),
        ([], _) => Err(NoRequest::Refused(501, "The request's transfer coding is not chunked")),
        ([length], []) if !length.is_empty() && length.bytes().all(|b| b.is_ascii_digit()) => {
            length.parse().map(Length::Known).map_err(|_| TOO_LARGE)
        }
        _ => Err(NoRequest::Refused(400, "The length of the request's body is not clear")),
    }
}
