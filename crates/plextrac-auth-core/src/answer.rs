//! What the server's answer to one of the three authentication calls means.

use core::fmt;
use core::time::Duration;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::credential::{is_cookie, is_token};
use crate::rate_limit;
use crate::request::Call;
use crate::response::Response;
use crate::secret::Secret;
use crate::time::UnixTime;

/// Longest body read for meaning, in bytes; the answers are a few kilobytes.
pub const MAX_BODY: usize = 1024 * 1024;
/// Longest challenge accepted, in bytes.
const MAX_CHALLENGE: usize = 4096;

/// An answer, classified.
#[derive(Debug)]
pub(crate) enum Answer {
    /// Signed in, or refreshed.
    Token(Granted),
    /// The password was right; a one-time code is needed. Holds the challenge.
    Challenge(Secret),
    /// The server refuses what was sent. If the answer is not JSON, a gateway in front of the API may have sent it.
    Rejected { server_text: Option<Secret>, is_json: bool },
    /// Too many authentication requests, by whomever.
    RateLimited { wait: Duration },
    /// Neither yes nor no: something stands in front, or the answer makes no sense.
    Unusable { what: Unusable, retry_after: Option<Duration> },
}

/// What a granted token came with.
#[derive(Debug)]
pub(crate) struct Granted {
    pub(crate) token: Secret,
    pub(crate) cookie: Option<Secret>,
    /// Zero is a tenant like any other.
    pub(crate) tenant_id: Option<i64>,
}

/// Why an answer could not be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unusable {
    /// A page for people: a firewall, a proxy, a challenge, maintenance.
    Html,
    /// A redirect, which an authentication call never follows.
    Redirect,
    /// The path does not exist there.
    NotFound,
    /// A 5xx.
    ServerError,
    /// Nothing where JSON should be.
    Empty,
    /// Not JSON, or JSON of the wrong shape.
    Malformed,
    /// A token that could not stand in a header, or is over 16 KiB.
    UnsafeToken,
    /// A body over 1 MiB.
    TooLarge,
}

/// Classifies the answer to `call`. `unix` is used for dates only if the answer has no `Date` of its own.
///
/// Accounts lock after repeated failures. So an answer that may be the API's "no" counts as one, in whatever form it
/// comes: a password that is right is then held back until the caller allows it, which harms less than a wrong one
/// that is sent again. HTML is never a rejection. The rules are in `docs/protocol.md`, "Failures".
pub(crate) fn classify(call: Call, response: &Response<'_>, unix: UnixTime) -> Answer {
    let unusable = |what| Answer::Unusable { what, retry_after: rate_limit::retry_after(response, unix) };
    let is_too_large = response.body.len() > MAX_BODY;
    let body = if is_too_large { None } else { object(response.body) };
    let error_code = body.as_ref().and_then(Body::error_code);
    let is_2xx = (200..300).contains(&response.status);
    let status = error_code.filter(|_| is_2xx).unwrap_or(response.status);
    let denies_success = body.as_ref().is_some_and(Body::denies_success);
    if let Some(body) = &body
        && (200..300).contains(&status)
        && !denies_success
    {
        return granted(body).unwrap_or_else(unusable);
    }
    if let Some(wait) = rate_limit::wait(response, status, error_code, unix) {
        return Answer::RateLimited { wait };
    }
    let is_html = body.is_none() && looks_like_html(response);
    let is_denied = is_2xx && denies_success && status < 500;
    if !is_html && (is_denied || is_rejection(call, status, body.is_some())) {
        let server_text = body.as_ref().and_then(Body::server_text);
        return Answer::Rejected { server_text, is_json: body.is_some() };
    }
    unusable(match status {
        _ if is_too_large => Unusable::TooLarge,
        300..400 => Unusable::Redirect,
        _ if is_html => Unusable::Html,
        500.. => Unusable::ServerError,
        404 | 405 => Unusable::NotFound,
        _ if is_blank(response.body) => Unusable::Empty,
        _ => Unusable::Malformed,
    })
}

/// Whether `status` refuses what was sent. A refused refresh costs a sign-in, so a refresh needs a clearer "no".
const fn is_rejection(call: Call, status: u16, is_json: bool) -> bool {
    match call {
        Call::SignIn | Call::Mfa => {
            matches!(status, 401 | 403 | 423) || is_json && matches!(status, 400 | 409 | 422)
        }
        Call::Refresh => status == 401 || is_json && matches!(status, 400 | 403 | 422),
    }
}

/// A JSON object. Serde would read an array into a struct by position, and no answer is an array.
fn object(body: &[u8]) -> Option<Body<'_>> {
    let text = text_of(body);
    let is_object = text.first() == Some(&b'{');
    is_object.then(|| serde_json::from_slice(text).ok()).flatten()
}

fn granted(body: &Body<'_>) -> Result<Answer, Unusable> {
    if body.mfa_enabled.boolean() == Some(true)
        && let Some(code) = body.code.text().filter(|code| !code.is_empty())
    {
        let fits = code.len() <= MAX_CHALLENGE;
        return if fits { Ok(Answer::Challenge(Secret::new(code))) } else { Err(Unusable::Malformed) };
    }
    let token = body.token.text().filter(|token| !token.is_empty()).ok_or(Unusable::Malformed)?;
    if !is_token(token) {
        return Err(Unusable::UnsafeToken);
    }
    // The cookie serves one endpoint; one that could not be sent is as good as none.
    let cookie = body.cookie.text().filter(|cookie| is_cookie(cookie));
    Ok(Answer::Token(Granted {
        token: Secret::new(token),
        cookie: cookie.map(Secret::new),
        tenant_id: body.tenant_id.integer(),
    }))
}

/// A page for people: its type says so, or it begins with a tag. XML is no page, and neither is an empty body,
/// whatever its type: some servers call everything HTML.
fn looks_like_html(response: &Response<'_>) -> bool {
    let kind = response.header("content-type").unwrap_or_default().to_ascii_lowercase();
    let text = text_of(response.body);
    let is_tag = text.first() == Some(&b'<') && !text.starts_with(b"<?xml") && !kind.contains("xml");
    !is_blank(text) && (kind.contains("html") || is_tag)
}

/// A body without a byte order mark and white space in front.
fn text_of(body: &[u8]) -> &[u8] {
    body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body).trim_ascii_start()
}

fn is_blank(body: &[u8]) -> bool {
    text_of(body).is_empty()
}

/// Every field that any of the answers has. Wrong types are kept apart from absent ones by [`Field`].
#[derive(Default, Deserialize)]
#[serde(default)]
struct Body<'a> {
    #[serde(borrow)]
    status: Field<'a>,
    #[serde(borrow)]
    token: Field<'a>,
    #[serde(borrow)]
    cookie: Field<'a>,
    #[serde(borrow)]
    code: Field<'a>,
    #[serde(borrow)]
    message: Field<'a>,
    #[serde(borrow)]
    error: Field<'a>,
    tenant_id: Field<'a>,
    mfa_enabled: Field<'a>,
    #[serde(rename = "statusCode")]
    status_code: Field<'a>,
}

impl Body<'_> {
    /// It may repeat a secret.
    fn server_text(&self) -> Option<Secret> {
        self.message.text().or_else(|| self.error.text()).map(Secret::new)
    }

    /// Whether there is a `status`, and it is not `"success"`. A null counts as any other value does: to the vendor's
    /// own client, `"success"` alone is a success.
    fn denies_success(&self) -> bool {
        !matches!(self.status, Field::Absent) && self.status.text() != Some("success")
    }

    /// The HTTP status of an error, if the body names one: in `statusCode`, or in a `status` that is a number. A rate
    /// limit goes first.
    fn error_code(&self) -> Option<u16> {
        let codes = [self.status_code.error_code(), self.status.error_code()];
        codes.into_iter().flatten().find(|code| *code == 429).or(codes[0]).or(codes[1])
    }
}

/// A JSON value of which only the simple kinds matter. Text is borrowed from the body, or wiped if it had escapes.
#[derive(Default)]
enum Field<'a> {
    #[default]
    Absent,
    /// Null, a fraction, an array, an object.
    Other,
    Text(&'a str),
    Unescaped(Secret),
    Integer(i64),
    Boolean(bool),
}

impl Field<'_> {
    fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Unescaped(text) => Some(text.expose()),
            _ => None,
        }
    }

    fn integer(&self) -> Option<i64> {
        if let Self::Integer(n) = self { Some(*n) } else { None }
    }

    fn boolean(&self) -> Option<bool> {
        if let Self::Boolean(b) = self { Some(*b) } else { None }
    }

    /// A number from 400 on, also as a string of digits.
    fn error_code(&self) -> Option<u16> {
        let number = match self {
            Self::Integer(number) => u64::try_from(*number).ok(),
            _ => self.text().and_then(|text| rate_limit::whole_number(text.trim())),
        };
        number.filter(|number| *number >= 400).map(|number| u16::try_from(number).unwrap_or(u16::MAX))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Field<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AnyValue;
        impl<'de> Visitor<'de> for AnyValue {
            type Value = Field<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("any JSON value")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Field<'de>, E> {
                Ok(Field::Text(text))
            }
            fn visit_str<E>(self, text: &str) -> Result<Field<'de>, E> {
                Ok(Field::Unescaped(Secret::new(text)))
            }
            fn visit_i64<E>(self, n: i64) -> Result<Field<'de>, E> {
                Ok(Field::Integer(n))
            }
            fn visit_u64<E>(self, n: u64) -> Result<Field<'de>, E> {
                Ok(i64::try_from(n).map_or(Field::Other, Field::Integer))
            }
            fn visit_f64<E>(self, n: f64) -> Result<Field<'de>, E> {
                // `401.0` and `4.01e2` are whole numbers to JSON. The cast saturates.
                let whole = n as i64;
                Ok(if whole as f64 == n { Field::Integer(whole) } else { Field::Other })
            }
            fn visit_bool<E>(self, b: bool) -> Result<Field<'de>, E> {
                Ok(Field::Boolean(b))
            }
            fn visit_unit<E>(self) -> Result<Field<'de>, E> {
                Ok(Field::Other)
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Field<'de>, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Field::Other)
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Field<'de>, A::Error> {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Field::Other)
            }
        }
        deserializer.deserialize_any(AnyValue)
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::String;
    use alloc::vec;
    use alloc::vec::Vec;

    use super::*;
    use crate::credential::MAX_TOKEN;

    type Headers<'a> = &'a [(&'a str, &'a [u8])];

    const JSON: (&str, &[u8]) = ("content-type", b"application/json");
    const PLAIN: (&str, &[u8]) = ("content-type", b"text/plain");
    const HTML: (&str, &[u8]) = ("content-type", b"text/HTML; charset=x");
    const XML: (&str, &[u8]) = ("content-type", b"application/xml");
    /// The answers to these refuse what a person can change.
    const SECRETS: [Call; 2] = [Call::SignIn, Call::Mfa];

    fn answer_to(call: Call, status: u16, headers: Headers<'_>, body: &[u8]) -> Answer {
        classify(call, &Response { status, headers, body }, UnixTime::from_millis(0))
    }

    fn answer(status: u16, headers: Headers<'_>, body: &[u8]) -> Answer {
        answer_to(Call::SignIn, status, headers, body)
    }

    fn unusable(status: u16, headers: Headers<'_>, body: &[u8]) -> Unusable {
        match answer(status, headers, body) {
            Answer::Unusable { what, .. } => what,
            other => panic!("{status} {}: {other:?}", String::from_utf8_lossy(body)),
        }
    }

    /// Whether an answer is a rejection, and if it is, whether it was JSON.
    fn rejection(call: Call, status: u16, headers: Headers<'_>, body: &[u8]) -> Option<bool> {
        match answer_to(call, status, headers, body) {
            Answer::Rejected { is_json, .. } => Some(is_json),
            _ => None,
        }
    }

    #[test]
    fn the_documented_answers_are_understood() {
        let body = br#"{"status":"success","tenant_id":0,"cookie":"c.o.o","token":"t.o.k"}"#;
        let Answer::Token(granted) = answer(200, &[], body) else { panic!() };
        assert_eq!(granted.token.expose(), "t.o.k");
        assert_eq!(granted.cookie.unwrap().expose(), "c.o.o");
        assert_eq!(granted.tenant_id, Some(0), "zero is a value");
        let body = br#"{"status":"success","mfa_enabled":true,"code":"abc","token":""}"#;
        let Answer::Challenge(code) = answer(200, &[], body) else { panic!() };
        assert_eq!(code.expose(), "abc");
    }

    #[test]
    fn both_error_shapes_are_rejections_with_the_servers_text() {
        for (status, body) in [
            (401, r#"{"status":"error","message":"Nope"}"#),
            (400, r#"{"statusCode":400,"error":"Bad Request","message":"Nope"}"#),
            (403, r#"{"statusCode":403,"error":"Nope"}"#),
            (409, r#"{"statusCode":409,"error":"Conflict","message":"Nope"}"#),
            (422, r#"{"message":"Nope"}"#),
            (423, r#"{"statusCode":423,"message":"Nope"}"#),
            (200, r#"{"status":"error","message":"Nope"}"#),
            (200, r#"{"status":"fail","message":"Nope","token":"t"}"#),
            (200, r#"{"statusCode":401,"error":"Unauthorized","message":"Nope"}"#),
        ] {
            match answer(status, &[], body.as_bytes()) {
                Answer::Rejected { server_text, is_json } => {
                    let text = server_text.as_ref().map(Secret::expose);
                    assert_eq!((text, is_json), (Some("Nope"), true), "{body}");
                }
                other => panic!("{status} {body}: {other:?}"),
            }
        }
    }

    #[test]
    fn a_no_to_a_secret_is_a_rejection_in_whatever_form() {
        for status in [401, 403, 423] {
            for (headers, body) in [
                (&[JSON] as Headers<'_>, r#"{"message":"no"}"#),
                (&[HTML], r#"{"message":"no"}"#),
                (&[JSON], r#"{"message":"#),
                (&[JSON], r#"["error"]"#),
                (&[JSON], r#""Unauthorized""#),
                (&[JSON], "null"),
                (&[PLAIN], "Unauthorized"),
                (&[XML], "<?xml version=\"1.0\"?><error/>"),
                (&[XML], "<error/>"),
                (&[], "<?xml version=\"1.0\"?><error/>"),
                (&[], "Unauthorized"),
                (&[], ""),
                (&[PLAIN], " \r\n"),
                (&[HTML], ""),
                (&[], "\0\u{FFFD}"),
            ] {
                for call in SECRETS {
                    let is_json = body == r#"{"message":"no"}"#;
                    let found = rejection(call, status, headers, body.as_bytes());
                    assert_eq!(found, Some(is_json), "{call:?} {status} {body:?}");
                }
            }
            assert_eq!(rejection(Call::SignIn, status, &[], &vec![b'x'; MAX_BODY + 1]), Some(false));
        }
        for status in [400, 409, 422] {
            for call in SECRETS {
                assert_eq!(rejection(call, status, &[], b"{}"), Some(true), "{call:?} {status}");
                assert_eq!(rejection(call, status, &[PLAIN], b"no"), None, "{call:?} {status}");
            }
        }
    }

    #[test]
    fn a_refresh_is_refused_by_a_401_or_by_json() {
        for (status, body, is_refused) in [
            (401, r#"{"message":"no"}"#, true),
            (401, "Unauthorized", true),
            (401, "", true),
            (400, "{}", true),
            (403, "{}", true),
            (422, "{}", true),
            (200, r#"{"statusCode":401}"#, true),
            (200, r#"{"status":403}"#, true),
            (200, r#"{"status":"error"}"#, true),
            (403, "Forbidden", false),
            (403, "", false),
            (409, "{}", false),
            (423, "{}", false),
            (423, "", false),
            (401, "<html>", false),
            (200, r#"{"statusCode":503}"#, false),
        ] {
            let is_rejection = rejection(Call::Refresh, status, &[], body.as_bytes()).is_some();
            assert_eq!(is_rejection, is_refused, "{status} {body}");
        }
    }

    #[test]
    fn a_status_that_is_not_success_is_never_a_success() {
        for status in [
            "\"error\"",
            "\"Success\"",
            "\"\"",
            "null",
            "false",
            "true",
            "0",
            "200",
            "401",
            "403",
            "404",
            "1.5",
            "[]",
            "{}",
        ] {
            let body = format!(r#"{{"status":{status},"token":"t.o.k","mfa_enabled":true,"code":"c"}}"#);
            for call in Call::ALL {
                assert_eq!(rejection(call, 200, &[], body.as_bytes()), Some(true), "{call:?} {body}");
            }
        }
    }

    #[test]
    fn a_status_code_in_a_2xx_body_is_read_as_the_status() {
        for code in ["401", "403", "423", "400", "409", "422", "\"401\"", "\" 423 \"", "401.0", "4.03e2"] {
            for body in [
                format!(r#"{{"statusCode":{code},"token":"t.o.k"}}"#),
                format!(r#"{{"status":"success","statusCode":{code},"token":"t.o.k"}}"#),
                format!(r#"{{"status":{code},"token":"t.o.k"}}"#),
            ] {
                for (call, status) in [(Call::SignIn, 200), (Call::Mfa, 200), (Call::SignIn, 201)] {
                    assert_eq!(rejection(call, status, &[], body.as_bytes()), Some(true), "{body}");
                }
            }
        }
        for (body, what) in [
            (r#"{"statusCode":500}"#, Unusable::ServerError),
            (r#"{"statusCode":"503","token":"t.o.k"}"#, Unusable::ServerError),
            (r#"{"status":"error","statusCode":503}"#, Unusable::ServerError),
            (r#"{"status":503,"token":"t.o.k"}"#, Unusable::ServerError),
            (r#"{"status":"502"}"#, Unusable::ServerError),
            (r#"{"statusCode":99999,"token":"t.o.k"}"#, Unusable::ServerError),
            (r#"{"statusCode":404,"token":"t.o.k"}"#, Unusable::NotFound),
            (r#"{"statusCode":418,"token":"t.o.k"}"#, Unusable::Malformed),
        ] {
            assert_eq!(unusable(200, &[], body.as_bytes()), what, "{body}");
        }
        for body in [
            r#"{"statusCode":200,"token":"t.o.k"}"#,
            r#"{"statusCode":"200","status":"success","token":"t.o.k"}"#,
            r#"{"statusCode":null,"token":"t.o.k"}"#,
            r#"{"statusCode":-401,"token":"t.o.k"}"#,
        ] {
            assert!(matches!(answer(200, &[], body.as_bytes()), Answer::Token(_)), "{body}");
        }
    }

    #[test]
    fn a_rate_limit_in_the_body_of_any_answer_goes_first() {
        for status in [200, 201, 400, 401, 403, 500] {
            for body in [
                r#"{"statusCode":429}"#,
                r#"{"statusCode":"429","token":"t.o.k"}"#,
                r#"{"status":429}"#,
                r#"{"status":"429"}"#,
                r#"{"status":401,"statusCode":429}"#,
                r#"{"status":429,"statusCode":401}"#,
                r#"{"status":"error","statusCode":429}"#,
            ] {
                let found = answer(status, &[], body.as_bytes());
                assert!(matches!(found, Answer::RateLimited { .. }), "{status} {body}: {found:?}");
            }
        }
        let reset: Headers<'_> = &[("x-ratelimit-reset", b"5")];
        let found = answer(200, reset, br#"{"statusCode":403}"#);
        assert!(matches!(found, Answer::RateLimited { .. }), "{found:?}");
    }

    #[test]
    fn html_is_never_a_rejection() {
        let html = b"<!DOCTYPE html><title>Attention required</title>";
        for status in [200, 400, 401, 403, 409, 422, 423, 500, 503] {
            for (headers, body) in [
                (&[] as Headers<'_>, html.as_slice()),
                (&[PLAIN], html),
                (&[], b"\xEF\xBB\xBF <html>"),
                (&[HTML], b"blocked"),
                (&[HTML], b"<?xml version=\"1.0\"?><html>"),
                (&[HTML], b"[]"),
            ] {
                assert_eq!(unusable(status, headers, body), Unusable::Html, "{status} {body:?}");
            }
        }
    }

    #[test]
    fn what_is_neither_yes_nor_no_is_unusable_and_says_what_it_is() {
        for (status, body, what) in [
            (302, "", Unusable::Redirect),
            (307, "<html>", Unusable::Redirect),
            (404, r#"{"message":"Not Found"}"#, Unusable::NotFound),
            (500, r#"{"message":"boom"}"#, Unusable::ServerError),
            (200, "", Unusable::Empty),
            (400, " \n", Unusable::Empty),
            (200, "{", Unusable::Malformed),
            (200, "[]", Unusable::Malformed),
            (200, r#"["success","t.o.k"]"#, Unusable::Malformed),
            (400, r#"["error"]"#, Unusable::Malformed),
            (402, r#"{"message":"no"}"#, Unusable::Malformed),
            (200, "null", Unusable::Malformed),
            (200, "{}", Unusable::Malformed),
            (200, r#"{"token":""}"#, Unusable::Malformed),
            (200, r#"{"token":7}"#, Unusable::Malformed),
            (200, r#"{"token":{"a":[1]}}"#, Unusable::Malformed),
            (200, r#"{"token":"a","token":"b"}"#, Unusable::Malformed),
            (200, r#"{"mfa_enabled":true,"code":""}"#, Unusable::Malformed),
            (200, r#"{"mfa_enabled":"yes","code":"x"}"#, Unusable::Malformed),
            (200, r#"{"token":"a\r\nX-Evil: 1"}"#, Unusable::UnsafeToken),
            (200, r#"{"token":"a\u0000"}"#, Unusable::UnsafeToken),
            (200, r#"{"token":"tökén"}"#, Unusable::UnsafeToken),
        ] {
            assert_eq!(unusable(status, &[], body.as_bytes()), what, "{status} {body}");
        }
        let long = format!(r#"{{"token":"{}"}}"#, "x".repeat(MAX_TOKEN + 1));
        assert_eq!(unusable(200, &[], long.as_bytes()), Unusable::UnsafeToken);
        assert_eq!(unusable(200, &[], &vec![b' '; MAX_BODY + 1]), Unusable::TooLarge);
    }

    #[test]
    fn deep_nesting_and_broken_text_do_no_harm() {
        let deep: Vec<u8> = core::iter::repeat_n(b'[', 100_000).collect();
        let body = [b"{\"x\":".as_slice(), &deep].concat();
        assert_eq!(unusable(200, &[], &body), Unusable::Malformed);
        assert_eq!(unusable(200, &[], b"{\"token\":\"\xff\xfe\"}"), Unusable::Malformed);
    }

    #[test]
    fn a_cookie_that_cannot_be_sent_is_dropped() {
        let body = br#"{"token":"t","cookie":"a; Domain=evil"}"#;
        let Answer::Token(granted) = answer(200, &[], body) else { panic!() };
        assert!(granted.cookie.is_none());
    }
}
