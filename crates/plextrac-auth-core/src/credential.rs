//! What an account signs in with, checked before anything is sent.

use alloc::string::{String, ToString};
use core::fmt;

use zeroize::Zeroizing;

use crate::secret::Secret;
use crate::totp::TotpSecret;

/// A user name (an e-mail address, as a rule) and its password.
#[derive(Clone, Debug)]
pub struct Credentials {
    username: String,
    password: Secret,
}

impl Credentials {
    /// Checks and copies both. At most 1,024 bytes each: more is a file handed in by mistake.
    ///
    /// # Errors
    /// [`CredentialError`] names the part and what is wrong with it.
    pub fn new(username: &str, password: &str) -> Result<Self, CredentialError> {
        check(Part::Username, username, 1024)?;
        check(Part::Password, password, 1024)?;
        Ok(Self { username: username.to_string(), password: Secret::new(password) })
    }

    /// The user name as it is sent.
    #[must_use]
    pub fn username(&self) -> &str {
        &self.username
    }

    pub(crate) fn password(&self) -> &Secret {
        &self.password
    }
}

/// A token obtained elsewhere, to be used as long as it lives.
#[derive(Clone, Debug)]
pub struct ReadyToken(Secret);

impl ReadyToken {
    /// Checks and copies a token, with or without `Bearer ` in front.
    ///
    /// # Errors
    /// [`CredentialError`] if it is empty, over 16 KiB, or could not stand in a header.
    pub fn new(token: &str) -> Result<Self, CredentialError> {
        let token = token.trim();
        let token = match token.strip_prefix("Bearer") {
            Some(rest) if rest.is_empty() || rest.starts_with(' ') => rest.trim_start(),
            _ => token,
        };
        check(Part::Token, token, MAX_TOKEN)?;
        if !is_header_safe(token) {
            return Err(CredentialError { part: Part::Token, problem: Problem::NotHeaderSafe });
        }
        Ok(Self(Secret::new(token)))
    }

    /// The token.
    #[must_use]
    pub const fn secret(&self) -> &Secret {
        &self.0
    }
}

/// Six digits typed or computed, not yet sent.
#[derive(Clone, Debug)]
pub struct Digits(Secret);

impl Digits {
    /// Exactly six ASCII digits; white space around and between them is forgiven, authenticator apps show `123 456`.
    ///
    /// # Errors
    /// [`CredentialError`] for anything else.
    pub fn new(code: &str) -> Result<Self, CredentialError> {
        let wrong = CredentialError { part: Part::Digits, problem: Problem::NotSixDigits };
        if code.len() > 64 {
            return Err(wrong);
        }
        let mut digits = Zeroizing::new([0_u8; 6]);
        let mut count = 0;
        for byte in code.bytes().filter(|byte| !byte.is_ascii_whitespace()) {
            if !byte.is_ascii_digit() || count == digits.len() {
                return Err(wrong);
            }
            digits[count] = byte;
            count += 1;
        }
        match core::str::from_utf8(digits.as_slice()) {
            Ok(text) if count == digits.len() => Ok(Self(Secret::new(text))),
            _ => Err(wrong),
        }
    }

    pub(crate) fn secret(&self) -> &Secret {
        &self.0
    }
}

/// Where the six digits come from.
#[derive(Clone, Debug, Default)]
pub enum MfaSource {
    /// Somebody hands them in after the machine said that they are needed.
    #[default]
    Submitted,
    /// A person or program is asked on the spot, at most twice for one want.
    Asked,
    /// They are computed (RFC 6238).
    Totp(TotpSecret),
}

/// How the token stands in the `Authorization` header; both forms are in live use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Scheme {
    /// `Authorization: <token>`, as the vendor's own code sends it.
    #[default]
    Raw,
    /// `Authorization: Bearer <token>` (RFC 6750).
    Bearer,
}

/// Why something handed in cannot be what it should be. Never repeats it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CredentialError {
    /// Which part.
    pub part: Part,
    /// What is wrong with it.
    pub problem: Problem,
}

/// Which part of the credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Part {
    /// The user name.
    Username,
    /// The password.
    Password,
    /// A ready-made token.
    Token,
    /// The six digits of MFA.
    Digits,
    /// The TOTP secret.
    TotpSecret,
}

/// What is wrong with a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// There is nothing.
    Empty,
    /// Too long to be meant.
    TooLong,
    /// Contains a NUL or another control character.
    ControlCharacter,
    /// Contains characters that cannot stand in a header.
    NotHeaderSafe,
    /// Not exactly six digits.
    NotSixDigits,
    /// Neither base32 (RFC 4648) nor an `otpauth://totp/` URI with a secret.
    NotBase32,
    /// Fewer than 80 bits.
    TooShort,
    /// An `otpauth://` URI with another algorithm, number of digits or step length than is supported.
    UnsupportedTotp,
}

impl fmt::Display for CredentialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = match self.part {
            Part::Username => "the user name",
            Part::Password => "the password",
            Part::Token => "the token",
            Part::Digits => "the MFA code",
            Part::TotpSecret => "the TOTP secret",
        };
        let problem = match self.problem {
            Problem::Empty => "is empty",
            Problem::TooLong => "is too long to be meant",
            Problem::ControlCharacter => {
                "contains a control character, such as a tab, or a line end that was read along with it"
            }
            Problem::NotHeaderSafe => "contains characters that cannot stand in an HTTP header",
            Problem::NotSixDigits => "is not six digits",
            Problem::NotBase32 => "is neither base32 nor an otpauth://totp/ URI with a secret",
            Problem::TooShort => "has fewer than 80 bits",
            Problem::UnsupportedTotp => {
                "is a URI whose algorithm, number of digits or step length is not supported: SHA1, SHA256 or SHA512, 6 digits, \
                 1 to 86400 s"
            }
        };
        write!(f, "{part} {problem}")
    }
}

impl core::error::Error for CredentialError {}

/// Longest token accepted from anywhere, in bytes: permissions can make a JWT long, but not endless.
pub(crate) const MAX_TOKEN: usize = 16 * 1024;

/// A token that can be sent.
pub(crate) fn is_token(text: &str) -> bool {
    !text.is_empty() && text.len() <= MAX_TOKEN && is_header_safe(text)
}

/// A cookie value that can be sent (RFC 6265 §4.1.1).
pub(crate) fn is_cookie(text: &str) -> bool {
    is_token(text) && !text.contains(['"', ',', ';', '\\'])
}

/// Visible ASCII only (RFC 9110 §5.5 allows more, a JWT needs less): nothing that could end or split a header.
pub(crate) fn is_header_safe(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic())
}

fn check(part: Part, text: &str, limit: usize) -> Result<(), CredentialError> {
    let problem = if text.is_empty() {
        Problem::Empty
    } else if text.len() > limit {
        Problem::TooLong
    } else if text.chars().any(char::is_control) {
        Problem::ControlCharacter
    } else {
        return Ok(());
    };
    Err(CredentialError { part, problem })
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    #[test]
    fn what_cannot_be_a_credential_is_named_and_not_repeated() {
        let long = "x".repeat(1025);
        for (username, password, part, problem) in [
            ("", "p", Part::Username, Problem::Empty),
            ("u", "", Part::Password, Problem::Empty),
            ("u", "hunter2\0", Part::Password, Problem::ControlCharacter),
            ("u\n", "p", Part::Username, Problem::ControlCharacter),
            ("u", long.as_str(), Part::Password, Problem::TooLong),
        ] {
            let error = Credentials::new(username, password).unwrap_err();
            assert_eq!((error.part, error.problem), (part, problem));
            assert!(!format!("{error} {error:?}").contains("hunter2"));
        }
    }

    #[test]
    fn six_digits_are_six_digits() {
        for code in ["123456", " 123 456\n", "000000"] {
            assert!(Digits::new(code).is_ok(), "{code:?}");
        }
        for code in ["", "12345", "1234567", "12345a", "１２３４５６", "-12345", "12345\u{0}"] {
            assert!(Digits::new(code).is_err(), "{code:?}");
        }
    }

    #[test]
    fn a_ready_made_token_must_fit_a_header() {
        assert_eq!(ReadyToken::new(" Bearer abc.def ").unwrap().secret().expose(), "abc.def");
        for token in ["", "a b", "a\r\nx: y", "ä", "Bearer "] {
            assert!(ReadyToken::new(token).is_err(), "{token:?}");
        }
        assert!(ReadyToken::new(&"x".repeat(MAX_TOKEN + 1)).is_err());
    }

    #[test]
    fn debug_shows_no_secret() {
        let credentials = Credentials::new("someone", "hunter2").unwrap();
        let shown = format!("{credentials:?} {:?} {:?}", Digits::new("123456"), ReadyToken::new("tok.en"));
        assert!(shown.contains("someone"), "control: {shown}");
        assert!(
            !shown.contains("hunter2") && !shown.contains("123456") && !shown.contains("tok.en"),
            "{shown}"
        );
    }
}
