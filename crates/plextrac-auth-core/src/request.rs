//! The three authentication requests, as values for the driver to send.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use zeroize::Zeroizing;

use crate::credential::{Credentials, OneTimeCode, Scheme};
use crate::instance::Instance;
use crate::secret::Secret;
use crate::time::Instant;

/// Names one request of one machine; never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RequestId(pub u64);

/// Which of the three calls that count against the budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Call {
    /// `POST /api/v1/authenticate`.
    SignIn,
    /// `POST /api/v1/authenticate/mfa`.
    Mfa,
    /// `PUT /api/v1/token/refresh`.
    Refresh,
}

/// Send this, and hand the answer (or the failure) in under its id.
#[derive(Debug)]
pub struct Request {
    /// Under which the answer is handed in.
    pub id: RequestId,
    /// Which call this is.
    pub call: Call,
    /// The HTTP method.
    pub method: &'static str,
    /// The absolute URL.
    pub url: String,
    /// The path that follows the instance's base URL.
    pub path: &'static str,
    /// Every header the call needs; a driver adds its own (`Host`, `Content-Length`, the account's extra ones).
    pub headers: Vec<(&'static str, Secret)>,
    /// The body; none for a refresh.
    pub body: Option<Body>,
    /// The latest moment at which an answer is still of use.
    pub deadline: Instant,
}

/// A request body. Wiped when dropped, redacted in `Debug`: it may hold the password.
pub struct Body(Zeroizing<Vec<u8>>);

impl Body {
    /// The bytes to send, as they are.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Body({} bytes)", self.0.len())
    }
}

impl Call {
    /// All three.
    pub const ALL: [Self; 3] = [Self::SignIn, Self::Mfa, Self::Refresh];

    /// Its path on an instance.
    #[must_use]
    pub const fn path(self) -> &'static str {
        match self {
            Self::SignIn => "/api/v1/authenticate",
            Self::Mfa => "/api/v1/authenticate/mfa",
            Self::Refresh => "/api/v1/token/refresh",
        }
    }
}

/// What goes into a request besides its frame.
pub(crate) enum Payload<'a> {
    SignIn(&'a Credentials),
    Mfa { challenge: &'a Secret, code: &'a OneTimeCode },
    Refresh { token: &'a Secret, scheme: Scheme },
}

impl Payload<'_> {
    pub(crate) const fn call(&self) -> Call {
        match self {
            Self::SignIn(_) => Call::SignIn,
            Self::Mfa { .. } => Call::Mfa,
            Self::Refresh { .. } => Call::Refresh,
        }
    }
}

/// Builds the request for `payload`.
pub(crate) fn build(id: RequestId, instance: &Instance, payload: &Payload<'_>, deadline: Instant) -> Request {
    let call = payload.call();
    let accept = ("Accept", Secret::new("application/json"));
    let json = ("Content-Type", Secret::new("application/json"));
    let (method, headers, body) = match payload {
        Payload::SignIn(credentials) => {
            let fields =
                [("username", credentials.username()), ("password", credentials.password().expose())];
            ("POST", [accept, json].into(), Some(json_object(&fields)))
        }
        Payload::Mfa { challenge, code } => {
            // The names swap meaning here: `code` is the challenge of step 1, `token` the six digits.
            let fields = [("code", challenge.expose()), ("token", code.secret().expose())];
            ("POST", [accept, json].into(), Some(json_object(&fields)))
        }
        Payload::Refresh { token, scheme } => {
            ("PUT", [accept, ("Authorization", authorization(*scheme, token))].into(), None)
        }
    };
    let url = format!("{}{}", instance.base_url(), call.path());
    Request { id, call, method, url, path: call.path(), headers, body, deadline }
}

/// The value of the `Authorization` header.
pub(crate) fn authorization(scheme: Scheme, token: &Secret) -> Secret {
    match scheme {
        Scheme::Raw => token.clone(),
        Scheme::Bearer => Secret::from_parts(&["Bearer ", token.expose()]),
    }
}

/// A flat JSON object of strings, written into a buffer that never grows: serde_json without std has no
/// writer to hand such a buffer to, and its own would leave unwiped pieces of the password behind.
fn json_object(fields: &[(&str, &str)]) -> Body {
    let size = 2 + fields.iter().map(|(name, value)| name.len() + 6 * value.len() + 6).sum::<usize>();
    let mut json = Zeroizing::new(Vec::with_capacity(size));
    for (index, (name, value)) in fields.iter().enumerate() {
        json.push(if index == 0 { b'{' } else { b',' });
        push_string(&mut json, name);
        json.push(b':');
        push_string(&mut json, value);
    }
    json.push(b'}');
    debug_assert!(json.len() <= size, "the buffer must not have grown");
    Body(json)
}

/// A JSON string (RFC 8259 §7) with the escapes that are required and no others.
fn push_string(json: &mut Vec<u8>, text: &str) {
    json.push(b'"');
    for &byte in text.as_bytes() {
        match byte {
            b'"' | b'\\' => json.extend([b'\\', byte]),
            0..0x20 => {
                let hex = |nibble: u8| b"0123456789abcdef"[usize::from(nibble)];
                json.extend([b'\\', b'u', b'0', b'0', hex(byte >> 4), hex(byte & 15)]);
            }
            _ => json.push(byte),
        }
    }
    json.push(b'"');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_text_survives_the_way_through_the_body(username in ".*", password in any::<String>()) {
            let body = json_object(&[("username", &username), ("password", &password)]);
            let read: serde_json::Value = serde_json::from_slice(body.expose()).unwrap();
            prop_assert_eq!(&read["username"], &username);
            prop_assert_eq!(&read["password"], &password);
        }
    }

    #[test]
    fn the_requests_are_the_documented_ones() {
        let instance = Instance::parse("https://acme.example/pt").unwrap();
        let build = |payload: Payload<'_>| super::build(RequestId(1), &instance, &payload, Instant::NEVER);
        let text =
            |request: &Request| String::from_utf8(request.body.as_ref().unwrap().expose().into()).unwrap();

        let sign_in = build(Payload::SignIn(&Credentials::new("u@x", "p\"w").unwrap()));
        assert_eq!(
            (sign_in.method, sign_in.url.as_str()),
            ("POST", "https://acme.example/pt/api/v1/authenticate")
        );
        assert_eq!(text(&sign_in), r#"{"username":"u@x","password":"p\"w"}"#);
        assert!(sign_in.headers.iter().all(|(name, _)| *name != "Authorization"));

        let code = OneTimeCode::new("123456").unwrap();
        let mfa = build(Payload::Mfa { challenge: &Secret::new("chal"), code: &code });
        assert_eq!((mfa.method, mfa.path), ("POST", "/api/v1/authenticate/mfa"));
        assert_eq!(text(&mfa), r#"{"code":"chal","token":"123456"}"#);

        let refresh = build(Payload::Refresh { token: &Secret::new("t.o.k"), scheme: Scheme::Bearer });
        assert_eq!((refresh.method, refresh.path), ("PUT", "/api/v1/token/refresh"));
        assert!(refresh.body.is_none());
        assert!(refresh.headers.iter().any(|(n, v)| *n == "Authorization" && v.expose() == "Bearer t.o.k"));
        let shown = format!("{sign_in:?}{mfa:?}{refresh:?}");
        assert!(!shown.contains("p\"w") && !shown.contains("123456") && !shown.contains("t.o.k"), "{shown}");
    }
}
