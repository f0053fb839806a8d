//! Requests of the program itself, and their answers.

use std::borrow::Cow;
use std::fmt;

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use percent_encoding::percent_decode_str;
use plextrac_auth_core::Call;
use serde::Serialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use crate::error::{Error, ErrorCode};
use crate::header;
use crate::http::Answer;

/// A request to the instance of a session. It is authorized when it is sent.
#[derive(Clone)]
pub struct Request {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) body: Option<Zeroizing<Vec<u8>>>,
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
        Ok(Self { method, path: path.to_owned(), headers: Vec::new(), body: None })
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
        self.headers.push(header::for_request(name, value)?);
        Ok(self)
    }

    /// Sends bytes that are JSON already. Without `Content-Type: application/json` PlexTrac sees no body; this sets it.
    pub fn json_bytes(&mut self, json: &[u8]) -> &mut Self {
        self.set_body(HeaderValue::from_static("application/json"), json)
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
        let (_, value) = header::for_request("content-type", content_type)?;
        Ok(self.set_body(value, bytes))
    }

    /// Whether this goes with the cookie and without `Authorization`, as the one endpoint that wants it so.
    pub(crate) fn goes_with_cookie(&self) -> bool {
        self.method == Method::GET && self.path.starts_with("/api/v1/uploads/")
    }

    fn set_body(&mut self, content_type: HeaderValue, bytes: &[u8]) -> &mut Self {
        self.headers.retain(|(name, _)| *name != http::header::CONTENT_TYPE);
        self.headers.push((http::header::CONTENT_TYPE, content_type));
        self.body = Some(Zeroizing::new(bytes.to_vec()));
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
        write!(
            f,
            "Request({} {path}, {} body bytes)",
            self.method,
            self.body.as_ref().map_or(0, |body| body.len())
        )
    }
}

/// An answer of the instance. HTTP errors are answers as well.
pub struct Response {
    status: u16,
    headers: HeaderMap,
    body: Zeroizing<Vec<u8>>,
}

impl Response {
    /// The status code.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// Whether the status is 2xx.
    #[must_use]
    pub const fn is_success(&self) -> bool {
        self.status >= 200 && self.status < 300
    }

    /// The headers.
    #[must_use]
    pub const fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The body, byte for byte. Wiped with the response.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The body, taken out instead of copied.
    #[must_use]
    pub fn into_body(self) -> Zeroizing<Vec<u8>> {
        self.body
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// `UnexpectedAnswer` if it is not the JSON that `T` wants.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_slice(&self.body).map_err(|error| {
            // serde_json's text names types and places; it can quote a value, which is the program's own.
            let place = format!("line {} column {}", error.line(), error.column());
            Error::new(
                ErrorCode::UnexpectedAnswer,
                format!("the answer is not the JSON that was expected, at {place}"),
            )
        })
    }
}

impl From<Answer> for Response {
    fn from(answer: Answer) -> Self {
        Self { status: answer.status, headers: answer.headers, body: answer.body }
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Response({}, {} body bytes)", self.status, self.body.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
