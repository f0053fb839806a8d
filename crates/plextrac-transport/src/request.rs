//! Requests of the program itself.

use std::borrow::Cow;
use std::fmt;
use std::io::{self, Read};
use std::sync::Arc;

use http::{HeaderName, HeaderValue, Method};
use percent_encoding::percent_decode_str;
use plextrac_auth_core::Call;
use serde::Serialize;
use zeroize::Zeroizing;

use crate::error::Error;
use crate::header;
use crate::http::{BodySource, CallBody};
use crate::progress::{Progress, ReportProgress};

/// A request to the instance of a session. It is authorized when it is sent.
#[derive(Clone)]
pub struct Request {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) on_progress: Option<ReportProgress>,
    body: Option<Body>,
}

#[derive(Clone)]
enum Body {
    Bytes(Zeroizing<Vec<u8>>),
    Source(BodySource),
}

impl Request {
    /// A request for `path`, which starts with a slash and may have a query; the instance's base URL comes before it.
    ///
    /// # Errors
    /// `InvalidArgument` for an absolute URL (a token goes to no other host), a path that would have to be
    /// percent-encoded first or has `.` or `..` between its slashes, a method that is none, or one of the calls that
    /// sign in or refresh: they are counted in the instance's budget, and `Session` makes them.
    pub fn new(method: &str, path: &str) -> Result<Self, Error> {
        let method = Method::from_bytes(method.as_bytes())
            .ok()
            .filter(|method| *method != Method::CONNECT && *method != Method::TRACE)
            .ok_or_else(|| {
                Error::invalid(
                    "this is not an HTTP method that can be sent; use GET, POST, PUT, PATCH, DELETE",
                )
            })?;
        if !path.starts_with('/') {
            return Err(Error::invalid(
                "a path starts with a slash, such as /api/v1/client/list; absolute URLs are refused, the token goes to no other host",
            ));
        }
        let is_encoded = path.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"<>\\^`{|}#".contains(&byte));
        if !is_encoded || path.len() > 16 * 1024 {
            return Err(Error::invalid(
                "the path has characters that must be percent-encoded first, or is over 16 KiB",
            ));
        }
        if has_dot_segments(path) {
            return Err(Error::invalid(
                "the path has . or .. between its slashes, plain or percent-encoded, and would name another one; write out the one that is meant",
            ));
        }
        if !method.is_safe() && is_authentication(path) {
            return Err(Error::invalid(
                "this path signs in or refreshes, which a session does by itself and counts in the instance's budget; call its login or refresh instead, or plextrac-auth login in a shell",
            ));
        }
        Ok(Self { method, path: path.to_owned(), headers: Vec::new(), on_progress: None, body: None })
    }

    /// `GET path`.
    ///
    /// # Errors
    /// As [`Request::new`].
    pub fn get(path: &str) -> Result<Self, Error> {
        Self::new("GET", path)
    }

    /// Adds a header. `Authorization` and `Cookie` are the session's business, and those that frame a message HTTP's.
    ///
    /// # Errors
    /// `InvalidArgument` for such a name, or a name or value that cannot stand in a header.
    pub fn header(&mut self, name: &str, value: &str) -> Result<&mut Self, Error> {
        let (name, mut value) = header::for_request(name, value)?;
        value.set_sensitive(value.is_sensitive() && name != http::header::CONTENT_TYPE);
        self.headers.push((name, value));
        Ok(self)
    }

    /// Sends bytes that are JSON already. Without `Content-Type: application/json` PlexTrac sees no body; this sets it.
    pub fn json_bytes(&mut self, json: &[u8]) -> &mut Self {
        self.set_body(HeaderValue::from_static("application/json"), Body::of(json))
    }

    /// Sends a value as JSON.
    ///
    /// # Errors
    /// `InvalidArgument` if it cannot be written as JSON.
    pub fn json<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<&mut Self, Error> {
        let json = serde_json::to_vec(value)
            .map_err(|error| Error::invalid(format!("the value cannot be written as JSON: {error}")))?;
        let json = Zeroizing::new(json);
        Ok(self.json_bytes(&json))
    }

    /// Sends bytes as they are, under the given media type.
    ///
    /// # Errors
    /// `InvalidArgument` if the media type cannot stand in a header.
    pub fn body(&mut self, content_type: &str, bytes: &[u8]) -> Result<&mut Self, Error> {
        let value = header::media_type(content_type)?;
        Ok(self.set_body(value, Body::of(bytes)))
    }

    /// Sends what a reader brings, under the given media type. The body is not held in memory, and the time limit is for
    /// progress: the request may take any time, as long as bytes move.
    ///
    /// With `length`, exactly so many bytes are read and sent; a reader that ends sooner is an error (`Io`). Without it
    /// the body is sent in chunks. The reader is used up when the request is sent: after a 401 the request is not sent
    /// again, and the 401 is the response. [`body_source`](Self::body_source) is for bodies that can be read again.
    ///
    /// A call cannot be cancelled while it waits for the reader.
    ///
    /// # Errors
    /// `InvalidArgument` if the media type cannot stand in a header.
    pub fn body_reader(
        &mut self,
        content_type: &str,
        length: Option<u64>,
        reader: impl Read + Send + 'static,
    ) -> Result<&mut Self, Error> {
        let value = header::media_type(content_type)?;
        Ok(self.set_body(value, Body::Source(BodySource::once(Box::new(reader), length))))
    }

    /// Like [`body_reader`](Self::body_reader), for a body that can be read again: `open` returns a reader at its start,
    /// each time it is called. After a 401 the request is sent once more.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let session: plextrac_transport::Session = unimplemented!();
    /// let length = std::fs::metadata("scan.xml")?.len();
    /// let mut request = plextrac_transport::Request::new("POST", "/api/v1/client/1/report/2/import")?;
    /// request.body_source("text/xml", Some(length), || std::fs::File::open("scan.xml"))?;
    /// println!("{}", session.request(&request)?.status());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// `InvalidArgument` if the media type cannot stand in a header.
    pub fn body_source<R: Read + Send + 'static>(
        &mut self,
        content_type: &str,
        length: Option<u64>,
        open: impl Fn() -> io::Result<R> + Send + Sync + 'static,
    ) -> Result<&mut Self, Error> {
        let value = header::media_type(content_type)?;
        let open = Arc::new(move || Ok(Box::new(open()?) as Box<dyn Read + Send>));
        Ok(self.set_body(value, Body::Source(BodySource::again(open, length))))
    }

    /// Calls `report` while a body from a reader is sent, and while the body of a streamed response is read.
    pub fn on_progress(&mut self, report: impl Fn(&Progress) + Send + Sync + 'static) -> &mut Self {
        self.on_progress = Some(Arc::new(report));
        self
    }

    pub(crate) fn call_body(&self) -> Option<CallBody<'_>> {
        self.body.as_ref().map(|body| match body {
            Body::Bytes(bytes) => CallBody::Bytes(bytes),
            Body::Source(source) => CallBody::Source(source, self.on_progress.as_ref()),
        })
    }

    /// Whether the body is read while it is sent.
    pub(crate) fn is_streamed(&self) -> bool {
        matches!(self.body, Some(Body::Source(_)))
    }

    /// Whether it can be sent (again): its body is still there from its start.
    pub(crate) fn can_be_sent(&self) -> bool {
        self.call_body().is_none_or(CallBody::can_be_sent)
    }

    /// Whether this goes with the cookie and without `Authorization`, as the one endpoint that wants it so.
    pub(crate) fn goes_with_cookie(&self) -> bool {
        self.method == Method::GET && self.path.starts_with("/api/v1/uploads/")
    }

    fn set_body(&mut self, content_type: HeaderValue, body: Body) -> &mut Self {
        self.headers.retain(|(name, _)| *name != http::header::CONTENT_TYPE);
        self.headers.push((http::header::CONTENT_TYPE, content_type));
        self.body = Some(body);
        self
    }
}

/// Whether a client, a gateway or the server may take the path for one that is elsewhere (RFC 3986 §5.2.4).
/// Decoded only once: what comes out of that encoded still, stays a name.
fn has_dot_segments(path: &str) -> bool {
    decoded(path).split(['/', '\\']).any(|segment| matches!(segment, "." | ".."))
}

/// One of the calls that the core makes, however a forgiving server reads its path.
fn is_authentication(path: &str) -> bool {
    let decoded = decoded(path).to_ascii_lowercase();
    let segments = |path| str::split(path, '/').filter(|segment| !segment.is_empty());
    Call::ALL.into_iter().any(|call| segments(&decoded).eq(segments(call.path())))
}

/// The path without its query, and nothing in it percent-encoded.
fn decoded(path: &str) -> Cow<'_, str> {
    percent_decode_str(path.split('?').next().unwrap_or_default()).decode_utf8_lossy()
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A path's query may hold what should not be seen.
        let path = self.path.split('?').next().unwrap_or_default();
        let length = match &self.body {
            None => Some(0),
            Some(Body::Bytes(bytes)) => Some(bytes.len() as u64),
            Some(Body::Source(source)) => source.length(),
        };
        match length {
            Some(length) => write!(f, "Request({} {path}, {length} body bytes)", self.method),
            None => write!(f, "Request({} {path}, body of unknown length)", self.method),
        }
    }
}

impl Body {
    fn of(bytes: &[u8]) -> Self {
        Self::Bytes(Zeroizing::new(bytes.to_vec()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorCode;

    #[test]
    fn a_path_is_below_the_instance_and_nowhere_else() {
        for path in
            ["https://evil.example/", "evil.example/x", "", "/a b", "/a\r\nX: y", "/ä", "/x#y", "/a\\b"]
        {
            assert!(Request::get(path).is_err(), "{path:?}");
        }
        for path in ["/", "/api/v1/client/list?limit=5&x=%20", "//x"] {
            assert!(Request::get(path).is_ok(), "{path:?}");
        }
    }

    #[test]
    fn a_path_that_would_name_another_one_is_refused() {
        for path in [
            "/..",
            "/.",
            "/./x",
            "/x/.",
            "/x/./",
            "/../../x",
            "/api/v1/uploads/../x",
            "/%2e%2e/x",
            "/%2E%2e/x",
            "/.%2e/x",
            "/%2E./x",
            "/%2e",
            "/x/%2E/y",
            "/x/..?q=1",
            "/x%2f..%2fy",
            "/x/..%2Fy",
            "/x%5c..",
            "/x/%2e%2E%5cy",
        ] {
            let error = Request::get(path).expect_err(path);
            assert_eq!(error.code(), ErrorCode::InvalidArgument, "{path}");
            assert!(error.message().contains("between its slashes"), "{path}: {error}");
        }
        for path in [
            "/...",
            "/.hidden",
            "/x..",
            "/..x/y",
            "/x.y/z",
            "/a%2e",
            "/%2e%2e%2e",
            "/%252e%252e/x",
            "/x%2Fy",
            "/?..",
            "/x?next=/../y&up=%2e%2e/",
            "/x?/./",
        ] {
            assert!(Request::get(path).is_ok(), "{path}");
        }
    }

    #[test]
    fn what_signs_in_or_refreshes_is_the_sessions_business() {
        for (method, path) in [
            ("POST", "/api/v1/authenticate"),
            ("POST", "/api/v1/authenticate/mfa"),
            ("PUT", "/api/v1/token/refresh"),
            // What a server may take for one of them.
            ("PUT", "/api/v1/authenticate"),
            ("POST", "/api/v1/authenticate/"),
            ("POST", "//api/v1//authenticate?x"),
            ("POST", "/API/v1/Authenticate"),
            ("POST", "/api/v1/%61uthenticate"),
            ("POST", "/api/v1%2Fauthenticate%2fmfa"),
        ] {
            let error = Request::new(method, path).expect_err(path);
            assert_eq!(error.code(), ErrorCode::InvalidArgument, "{path}");
            assert!(error.message().contains("call its login or refresh"), "{path}: {error}");
        }
        for (method, path) in [
            ("GET", "/api/v2/authenticate/providers"),
            ("GET", "/api/v1/authenticate"),
            ("POST", "/api/v1/authenticated"),
            ("POST", "/api/v1/tenant/0/authenticate"),
            ("PUT", "/api/v1/token"),
            ("POST", "/api/v1/echo?path=/api/v1/authenticate"),
        ] {
            assert!(Request::new(method, path).is_ok(), "{method} {path}");
        }
    }

    #[test]
    fn what_is_no_method_is_refused() {
        for method in ["", "GET /x HTTP/1.1\r\n", "CONNECT", "TRACE"] {
            assert!(Request::new(method, "/").is_err(), "{method:?}");
        }
        assert!(Request::new("PATCH", "/").is_ok());
    }

    #[test]
    fn only_a_get_of_uploads_goes_with_the_cookie() {
        let goes = |method, path| Request::new(method, path).unwrap().goes_with_cookie();
        assert!(goes("GET", "/api/v1/uploads/logo.png"));
        assert!(!goes("POST", "/api/v1/uploads/logo.png"));
        assert!(!goes("GET", "/api/v1/uploads"));
    }
}
