//! Headers that a program adds, checked so that none can inject another.

use http::{HeaderName, HeaderValue};

use crate::error::Error;
use crate::http::secret_header_value;

/// Longest value in bytes: servers take 8 KiB for all headers, as a rule.
const MAX_VALUE: usize = 8 * 1024;

/// A header for every request of a session: nothing that this library or HTTP itself sets.
pub(crate) fn extra(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), Error> {
    let (name, value) = checked(name, value)?;
    refuse(&name, &["accept", "content-type", "authorization", "cookie"])?;
    Ok((name, value))
}

/// A header for one request.
pub(crate) fn for_request(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), Error> {
    let (name, value) = checked(name, value)?;
    refuse(&name, &["authorization", "cookie"])?;
    Ok((name, value))
}

/// The value of `Content-Type`. It is no secret.
pub(crate) fn media_type(value: &str) -> Result<HeaderValue, Error> {
    let (_, mut value) = for_request("content-type", value)?;
    value.set_sensitive(false);
    Ok(value)
}

fn checked(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), Error> {
    let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| {
        Error::invalid("a header's name is letters, digits and dashes, and not empty (RFC 9110 §5.1)")
    })?;
    refuse(
        &name,
        &[
            "host",
            "content-length",
            "transfer-encoding",
            "connection",
            "upgrade",
            "expect",
            "te",
            "trailer",
            "keep-alive",
            "proxy-authorization",
            "proxy-connection",
        ],
    )?;
    let is_plain = value.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ' || byte == b'\t');
    if !is_plain || value.len() > MAX_VALUE {
        return Err(Error::invalid(format!(
            "the value of header {name} must be printable ASCII of at most {MAX_VALUE} bytes; it was not used"
        )));
    }
    let value = secret_header_value(value.trim())
        .map_err(|_| Error::invalid(format!("the value of header {name} cannot stand in a header")))?;
    Ok((name, value))
}

fn refuse(name: &HeaderName, names: &[&str]) -> Result<(), Error> {
    if names.contains(&name.as_str()) {
        return Err(Error::invalid(format!("the header {name} is set by this library and cannot be added")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_that_injects_another_is_refused() {
        for (name, value) in [
            ("X-Key", "hunter2\r\nX-Evil: 1"),
            ("X-Key", "hunter2\n"),
            ("X-Key", "hunter2\0"),
            ("X-Key", "hünter2"),
            ("X Key", "hunter2"),
            ("X-Key:", "hunter2"),
            ("", "hunter2"),
            ("Authorization", "hunter2"),
            ("cookie", "hunter2"),
            ("Host", "hunter2"),
            ("Content-Length", "hunter2"),
        ] {
            let error = extra(name, value).unwrap_err();
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
        assert!(extra("X-Key", &"x".repeat(MAX_VALUE + 1)).is_err());
        assert_eq!(extra("cf-access-token", " abc ").unwrap().1.as_bytes(), b"abc");
    }

    #[test]
    fn a_request_may_name_its_own_user_agent() {
        assert_eq!(for_request("User-Agent", "mine/1").unwrap().1.as_bytes(), b"mine/1");
    }

    #[test]
    fn a_request_may_set_its_content_type_and_a_session_may_not() {
        assert!(for_request("Content-Type", "text/plain").is_ok());
        assert!(extra("Content-Type", "text/plain").is_err());
    }
}
