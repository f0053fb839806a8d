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
        check(CredentialField::Username, username, 1024)?;
        check(CredentialField::Password, password, 1024)?;
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
pub struct ImportedToken(Secret);

impl ImportedToken {
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
        check(CredentialField::Token, token, MAX_TOKEN)?;
        if !is_header_safe(token) {
            return Err(CredentialError {
                field: CredentialField::Token,
                kind: CredentialErrorKind::NotHeaderSafe,
            });
        }
        Ok(Self(Secret::new(token)))
    }

    /// The token.
    #[must_use]
    pub const fn secret(&self) -> &Secret {
        &self.0
    }
}

/// A one-time code, typed or computed, not yet sent.
#[derive(Clone, Debug)]
pub struct OneTimeCode(Secret);

impl OneTimeCode {
    /// Exactly six ASCII digits; white space around and between them is ignored: authenticator apps show `123 456`.
    ///
    /// # Errors
    /// [`CredentialError`] for anything else.
    pub fn new(code: &str) -> Result<Self, CredentialError> {
        let wrong =
            CredentialError { field: CredentialField::OneTimeCode, kind: CredentialErrorKind::NotSixDigits };
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

/// Where one-time codes come from.
#[derive(Clone, Debug, Default)]
pub enum MfaSource {
    /// The caller hands one in after the machine asked for it.
    #[default]
    Submitted,
    /// A person or program is asked at once, at most twice for one want.
    Asked,
    /// There is no source. If the account is known to need a code, nothing is sent.
    Unavailable,
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

/// Why a credential is invalid. Never repeats it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CredentialError {
    /// Which credential.
    pub field: CredentialField,
    /// What is wrong with it.
    pub kind: CredentialErrorKind,
}

/// Which credential an error is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CredentialField {
    /// The user name.
    Username,
    /// The password.
    Password,
    /// An imported token.
    Token,
    /// The one-time code of MFA.
    OneTimeCode,
    /// The TOTP secret.
    TotpSecret,
}

/// What is wrong with a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CredentialErrorKind {
    /// There is nothing.
    Empty,
    /// Longer than any such value.
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
        let field = match self.field {
            CredentialField::Username => "the user name",
            CredentialField::Password => "the password",
            CredentialField::Token => "the token",
            CredentialField::OneTimeCode => "the one-time code",
            CredentialField::TotpSecret => "the TOTP secret",
        };
        let problem = match self.kind {
            CredentialErrorKind::Empty => "is empty",
            CredentialErrorKind::TooLong => "is too long",
            CredentialErrorKind::ControlCharacter => {
                "contains a control character, such as a tab, or a line end that was read along with it"
            }
            CredentialErrorKind::NotHeaderSafe => "contains characters that cannot stand in an HTTP header",
            CredentialErrorKind::NotSixDigits => "is not six digits",
            CredentialErrorKind::NotBase32 => "is neither base32 nor an otpauth://totp/ URI with a secret",
            CredentialErrorKind::TooShort => "has fewer than 80 bits",
            CredentialErrorKind::UnsupportedTotp => {
                "is a URI whose algorithm, number of digits or step length is not supported: SHA1, SHA256 or SHA512, 6 digits, \
                 1 to 86400 s"
            }
        };
        write!(f, "{field} {problem}")
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

fn check(field: CredentialField, text: &str, limit: usize) -> Result<(), CredentialError> {
    let kind = if text.is_empty() {
        CredentialErrorKind::Empty
    } else if text.len() > limit {
        CredentialErrorKind::TooLong
    } else if text.chars().any(char::is_control) {
        CredentialErrorKind::ControlCharacter
    } else {
        return Ok(());
    };
    Err(CredentialError { field, kind })
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    #[test]
    fn what_cannot_be_a_credential_is_named_and_not_repeated() {
        let long = "x".repeat(1025);
        for (username, password, field, kind) in [
            ("", "p", CredentialField::Username, CredentialErrorKind::Empty),
            ("u", "", CredentialField::Password, CredentialErrorKind::Empty),
            ("u", "hunter2\0", CredentialField::Password, CredentialErrorKind::ControlCharacter),
            ("u\n", "p", CredentialField::Username, CredentialErrorKind::ControlCharacter),
            ("u", long.as_str(), CredentialField::Password, CredentialErrorKind::TooLong),
        ] {
            let error = Credentials::new(username, password).unwrap_err();
            assert_eq!((error.field, error.kind), (field, kind));
            assert!(!format!("{error} {error:?}").contains("hunter2"));
        }
    }

    #[test]
    fn six_digits_are_six_digits() {
        for code in ["123456", " 123 456\n", "000000"] {
            assert!(OneTimeCode::new(code).is_ok(), "{code:?}");
        }
        for code in ["", "12345", "1234567", "12345a", "１２３４５６", "-12345", "12345\u{0}"] {
            assert!(OneTimeCode::new(code).is_err(), "{code:?}");
        }
    }

    #[test]
    fn an_imported_token_must_fit_a_header() {
        assert_eq!(ImportedToken::new(" Bearer abc.def ").unwrap().secret().expose(), "abc.def");
        for token in ["", "a b", "a\r\nx: y", "ä", "Bearer "] {
            assert!(ImportedToken::new(token).is_err(), "{token:?}");
        }
        assert!(ImportedToken::new(&"x".repeat(MAX_TOKEN + 1)).is_err());
    }

    #[test]
    fn debug_shows_no_secret() {
        let credentials = Credentials::new("someone", "hunter2").unwrap();
        let shown =
            format!("{credentials:?} {:?} {:?}", OneTimeCode::new("123456"), ImportedToken::new("tok.en"));
        assert!(shown.contains("someone"), "control: {shown}");
        assert!(
            !shown.contains("hunter2") && !shown.contains("123456") && !shown.contains("tok.en"),
            "{shown}"
        );
    }
}
