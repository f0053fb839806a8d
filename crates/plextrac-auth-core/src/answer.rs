//! What the server's answer to one of the three authentication calls means.

use alloc::borrow::Cow;
use alloc::string::String;
use core::fmt;
use core::time::Duration;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::credential::{is_cookie, is_token};
use crate::rate_limit;
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
    /// The password was right; six digits are needed. Holds the challenge.
    Challenge(Secret),
    /// The server refuses what was sent.
    Rejected { server_text: Option<String> },
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

/// Classifies an answer. `unix` is used for dates only if the answer has no `Date` of its own.
pub(crate) fn classify(response: &Response<'_>, unix: UnixTime) -> Answer {
    let unusable = |what| Answer::Unusable { what, retry_after: rate_limit::retry_after(response, unix) };
    if response.body.len() > MAX_BODY {
        return unusable(Unusable::TooLarge);
    }
    let body = object(response.body);
    let is_success = (200..300).contains(&response.status);
    if is_success
        && let Some(body) = &body
        && body.status.text().is_none_or(|status| status == "success")
    {
        return granted(body).unwrap_or_else(unusable);
    }
    let body_status = body.as_ref().and_then(|body| body.status_code.integer());
    if let Some(wait) = rate_limit::wait(response, body_status, unix) {
        return Answer::RateLimited { wait };
    }
    match (&body, response.status) {
        (Some(body), 200..300 | 400 | 401 | 403 | 422) => {
            Answer::Rejected { server_text: body.server_text() }
        }
        (_, 300..400) => unusable(Unusable::Redirect),
        _ if looks_like_html(response) => unusable(Unusable::Html),
        (_, 500..) => unusable(Unusable::ServerError),
        (_, 404 | 405) => unusable(Unusable::NotFound),
        _ if response.body.iter().all(u8::is_ascii_whitespace) => unusable(Unusable::Empty),
        _ => unusable(Unusable::Malformed),
    }
}

/// A JSON object. Serde would read an array into a struct by position, and no answer is an array.
fn object(body: &[u8]) -> Option<Body<'_>> {
    let is_object = body.trim_ascii_start().first() == Some(&b'{');
    is_object.then(|| serde_json::from_slice(body).ok()).flatten()
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

fn looks_like_html(response: &Response<'_>) -> bool {
    let typed =
        response.header("content-type").is_some_and(|value| value.to_ascii_lowercase().contains("html"));
    typed || response.body.trim_ascii_start().first() == Some(&b'<')
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
    fn server_text(&self) -> Option<String> {
        self.message.text().or_else(|| self.error.text()).map(String::from)
    }
}

/// A JSON value of which only the simple kinds matter, borrowed from the body: no copy of a token that nobody wipes.
#[derive(Default)]
enum Field<'a> {
    #[default]
    Other,
    Text(Cow<'a, str>),
    Integer(i64),
    Boolean(bool),
}

impl Field<'_> {
    fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    fn integer(&self) -> Option<i64> {
        if let Self::Integer(n) = self { Some(*n) } else { None }
    }

    fn boolean(&self) -> Option<bool> {
        if let Self::Boolean(b) = self { Some(*b) } else { None }
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
                Ok(Field::Text(Cow::Borrowed(text)))
            }
            fn visit_str<E>(self, text: &str) -> Result<Field<'de>, E> {
                Ok(Field::Text(Cow::Owned(text.into())))
            }
            fn visit_i64<E>(self, n: i64) -> Result<Field<'de>, E> {
                Ok(Field::Integer(n))
            }
            fn visit_u64<E>(self, n: u64) -> Result<Field<'de>, E> {
                Ok(i64::try_from(n).map_or(Field::Other, Field::Integer))
            }
            fn visit_f64<E>(self, _: f64) -> Result<Field<'de>, E> {
                Ok(Field::Other)
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
    use alloc::vec;
    use alloc::vec::Vec;

    use super::*;
    use crate::credential::MAX_TOKEN;

    fn answer(status: u16, headers: &[(&str, &[u8])], body: &[u8]) -> Answer {
        classify(&Response { status, headers, body }, UnixTime::from_millis(0))
    }

    fn unusable(status: u16, headers: &[(&str, &[u8])], body: &[u8]) -> Unusable {
        match answer(status, headers, body) {
            Answer::Unusable { what, .. } => what,
            other => panic!("{other:?}"),
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
            (422, r#"{"message":"Nope"}"#),
            (200, r#"{"status":"error","message":"Nope"}"#),
            (200, r#"{"status":"fail","message":"Nope","token":"t"}"#),
        ] {
            match answer(status, &[], body.as_bytes()) {
                Answer::Rejected { server_text } => {
                    assert_eq!(server_text.as_deref(), Some("Nope"), "{body}")
                }
                other => panic!("{status} {body}: {other:?}"),
            }
        }
    }

    #[test]
    fn html_is_never_a_rejection() {
        let html = b"<!DOCTYPE html><title>Attention required</title>";
        for status in [200, 400, 401, 403, 422, 500, 503] {
            assert_eq!(unusable(status, &[], html), Unusable::Html, "{status}");
            assert_eq!(
                unusable(status, &[("content-type", b"text/HTML; charset=x")], b"blocked"),
                Unusable::Html
            );
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
            (401, " \n", Unusable::Empty),
            (200, "{", Unusable::Malformed),
            (200, "[]", Unusable::Malformed),
            (200, r#"["success","t.o.k"]"#, Unusable::Malformed),
            (401, r#"["error"]"#, Unusable::Malformed),
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
    fn a_cookie_that_could_not_be_sent_is_dropped_and_the_token_kept() {
        let body = br#"{"token":"t","cookie":"a; Domain=evil"}"#;
        let Answer::Token(granted) = answer(200, &[], body) else { panic!() };
        assert!(granted.cookie.is_none());
    }
}
