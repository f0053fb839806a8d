//! One-time codes from a secret (RFC 6238): which step, and whether it is wise to begin in it.

use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use percent_encoding::percent_decode_str;
use totp_rs::{Algorithm, Builder, Secret as TotpRsSecret, Totp};
use zeroize::Zeroizing;

use crate::credential::{CredentialError, CredentialErrorKind, CredentialField, OneTimeCode};
use crate::time::UnixTime;

/// The secret an account's authenticator was enrolled with.
#[derive(Clone)]
pub struct TotpSecret(alloc::sync::Arc<Totp>);

impl TotpSecret {
    /// Reads base32 as people copy it (any case, spaces, dashes, padding) or an `otpauth://totp/` URI.
    ///
    /// # Errors
    /// [`CredentialError`] for [`CredentialField::TotpSecret`]; the text is not repeated.
    pub fn parse(text: &str) -> Result<Self, CredentialError> {
        let text = text.trim();
        let totp = match text.split_at_checked(SCHEME.len()) {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case(SCHEME) => from_uri(rest)?,
            _ => Builder::new().with_secret(from_base32(text.bytes(), text.len())?),
        };
        // Not `build`: it refuses the 80 bits that many servers still hand out.
        let totp = totp.build_noncompliant();
        if totp.secret().as_bytes().len() < 10 {
            return Err(error(CredentialErrorKind::TooShort));
        }
        if totp.digits() != 6 || totp.step() == 0 || totp.step() > 86_400 {
            return Err(error(CredentialErrorKind::UnsupportedTotp));
        }
        Ok(Self(alloc::sync::Arc::new(totp)))
    }

    /// The secret's bytes, for fingerprints alone.
    pub(crate) fn key(&self) -> &[u8] {
        self.0.secret().as_bytes()
    }

    /// The number of the step that `unix` falls into.
    pub(crate) fn step_at(&self, unix: UnixTime) -> u64 {
        seconds(unix) / self.0.step()
    }

    /// How long until step `step` begins; zero once it has.
    pub(crate) fn until_step(&self, step: u64, unix: UnixTime) -> Duration {
        let begins_ms = step.saturating_mul(self.0.step()).saturating_mul(1000);
        Duration::from_millis(begins_ms.saturating_sub(u64::try_from(unix.as_millis()).unwrap_or(0)))
    }

    /// The code of a step.
    pub(crate) fn code(&self, step: u64) -> OneTimeCode {
        let token = self.0.generate(step.saturating_mul(self.0.step()));
        let text = Zeroizing::new(alloc::string::ToString::to_string(&token));
        OneTimeCode::new(&text)
            .unwrap_or_else(|_| unreachable!("six digits were asked for when the secret was parsed"))
    }
}

impl fmt::Debug for TotpSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TotpSecret(..)")
    }
}

const SCHEME: &str = "otpauth://";

/// The rest of an `otpauth://` URI (Google's "Key URI Format"). Read here and not by a crate for URIs: those copy the
/// secret into buffers that nobody wipes.
fn from_uri(rest: &str) -> Result<Builder, CredentialError> {
    let rest = rest.split_once('#').map_or(rest, |(rest, _fragment)| rest);
    let (label, query) = rest.split_once('?').ok_or(error(CredentialErrorKind::NotBase32))?;
    let kind = label.split_once('/').map_or(label, |(kind, _account)| kind);
    if !kind.eq_ignore_ascii_case("totp") {
        return Err(error(CredentialErrorKind::NotBase32));
    }
    let (mut builder, mut has_secret) = (Builder::new(), false);
    for (name, value) in query.split('&').filter_map(|field| field.split_once('=')) {
        let unsupported = || error(CredentialErrorKind::UnsupportedTotp);
        builder = match name {
            "secret" => {
                has_secret = true;
                let bytes = percent_decode_str(value).map(|byte| if byte == b'+' { b' ' } else { byte });
                builder.with_secret(from_base32(bytes, value.len())?)
            }
            "algorithm" => builder.with_algorithm(value.parse::<Algorithm>().map_err(|_| unsupported())?),
            "digits" => builder.with_digits(value.parse().map_err(|_| unsupported())?),
            "period" => builder.with_step_duration(value.parse().map_err(|_| unsupported())?),
            _ => builder,
        };
    }
    if has_secret { Ok(builder) } else { Err(error(CredentialErrorKind::NotBase32)) }
}

/// The bytes that base32 (RFC 4648 §6) stands for, decoded into one buffer that never grows and is wiped.
fn from_base32(text: impl Iterator<Item = u8>, length: usize) -> Result<TotpRsSecret, CredentialError> {
    const LONGEST: usize = 1024;
    let mut bytes = Zeroizing::new(Vec::with_capacity(length.min(LONGEST) * 5 / 8));
    let (mut bits, mut count, mut digits, mut is_padded) = (0_u32, 0_u32, 0_usize, false);
    for byte in text.filter(|byte| !matches!(byte, b' ' | b'-')) {
        let digit = match byte.to_ascii_uppercase() {
            letter @ b'A'..=b'Z' if !is_padded => letter - b'A',
            number @ b'2'..=b'7' if !is_padded => number - b'2' + 26,
            b'=' => {
                is_padded = true;
                continue;
            }
            _ => return Err(error(CredentialErrorKind::NotBase32)),
        };
        digits += 1;
        if digits > LONGEST {
            return Err(error(CredentialErrorKind::TooLong));
        }
        bits = (bits & 0xFF) << 5 | u32::from(digit);
        count += 5;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    if digits == 0 {
        return Err(error(CredentialErrorKind::Empty));
    }
    Ok(TotpRsSecret::from(bytes.as_slice()))
}

fn error(kind: CredentialErrorKind) -> CredentialError {
    CredentialError { field: CredentialField::TotpSecret, kind }
}

/// A wall clock before 1970 is as good as one at 1970: no step of either is right.
fn seconds(unix: UnixTime) -> u64 {
    u64::try_from(unix.as_millis()).unwrap_or(0) / 1000
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238, appendix B: the last six of the eight digits of its SHA-1 rows.
    #[test]
    fn the_vectors_of_the_rfc_come_out() {
        let secret = TotpSecret::parse("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ").unwrap();
        for (seconds, digits) in
            [(59, "287082"), (1_111_111_109, "081804"), (1_234_567_890, "005924"), (20_000_000_000, "353130")]
        {
            let step = secret.step_at(UnixTime::from_millis(seconds * 1000));
            assert_eq!(secret.code(step).secret().expose(), digits);
        }
    }

    /// RFC 4648, section 10, and the lengths between.
    #[test]
    fn base32_of_any_length_is_decoded() {
        for (text, bytes) in [
            ("MZXW6YTBOI", "foobar"),
            ("MZXW6YTB", "fooba"),
            ("MZXW6YQ", "foob"),
            ("MZXW6", "foo"),
            ("MZXQ", "fo"),
            ("MY", "f"),
            ("M", ""),
        ] {
            assert_eq!(from_base32(text.bytes(), text.len()).unwrap().as_bytes(), bytes.as_bytes(), "{text}");
        }
    }

    #[test]
    fn the_algorithm_and_the_step_of_a_uri_are_used() {
        // RFC 6238, appendix B, the SHA-256 row for 59 s: "46119246".
        let text = "otpauth://totp/x?algorithm=SHA256&secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZA&period=30";
        let secret = TotpSecret::parse(text).unwrap();
        assert_eq!(secret.code(1).secret().expose(), "119246");
        let slow = TotpSecret::parse("otpauth://totp/x?period=60&secret=GEZDGNBVGY3TQOJQ").unwrap();
        assert_eq!(slow.step_at(UnixTime::from_millis(120_000)), 2);
    }

    #[test]
    fn secrets_are_read_as_people_copy_them() {
        let plain = TotpSecret::parse("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ").unwrap();
        for text in [
            " gezd gnbv gy3t qojq gezd gnbv gy3t qojq ",
            "GEZDGNBV-GY3TQOJQ-GEZDGNBV-GY3TQOJQ",
            "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ======",
            "otpauth://totp/PlexTrac:someone@acme.example?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=PlexTrac",
            "OTPAUTH://TOTP/a%3Ab?digits=6&period=30&algorithm=sha1&secret=gezdgnbvgy3tqojqgezdgnbvgy3tqojq%3D#x",
            "otpauth://totp?x&secret=GEZD+GNBV%20GY3TQOJQ-GEZDGNBVGY3TQOJ%51",
        ] {
            assert_eq!(TotpSecret::parse(text).unwrap().key(), plain.key(), "{text}");
        }
        assert!(TotpSecret::parse("GEZDGNBVGY3TQOJQ").is_ok(), "80 bits are common");
    }

    #[test]
    fn what_is_no_secret_is_named() {
        for (text, kind) in [
            ("", CredentialErrorKind::Empty),
            ("====", CredentialErrorKind::Empty),
            ("GEZDGNBVGY3TQOJ1", CredentialErrorKind::NotBase32),
            ("GEZDGNBV=GY3TQOJQ", CredentialErrorKind::NotBase32),
            ("GEZDGNBVGY3TQOJ\u{e9}", CredentialErrorKind::NotBase32),
            ("not base32!", CredentialErrorKind::NotBase32),
            ("GEZDGNBV", CredentialErrorKind::TooShort),
            ("otpauth://totp/x", CredentialErrorKind::NotBase32),
            ("otpauth://hotp/x?secret=GEZDGNBVGY3TQOJQ", CredentialErrorKind::NotBase32),
            ("otpauth://totp/x?secret=GEZDGNBVGY3TQOJQ&digits=8", CredentialErrorKind::UnsupportedTotp),
            ("otpauth://totp/x?secret=GEZDGNBVGY3TQOJQ&period=0", CredentialErrorKind::UnsupportedTotp),
            ("otpauth://totp/x?secret=GEZDGNBVGY3TQOJQ&period=soon", CredentialErrorKind::UnsupportedTotp),
            ("otpauth://totp/x?secret=GEZDGNBVGY3TQOJQ&algorithm=MD5", CredentialErrorKind::UnsupportedTotp),
            ("otpauth://totp/x?secret=", CredentialErrorKind::Empty),
            ("otpauth://totp/x?secret=GEZDGNBV%GY3TQOJQ", CredentialErrorKind::NotBase32),
            (&"A".repeat(1025), CredentialErrorKind::TooLong),
        ] {
            assert_eq!(TotpSecret::parse(text).unwrap_err().kind, kind, "{text}");
        }
    }

    #[test]
    fn the_next_step_is_as_far_as_the_clock_says() {
        let secret = TotpSecret::parse("GEZDGNBVGY3TQOJQ").unwrap();
        let unix = UnixTime::from_millis(59_400);
        assert_eq!(secret.step_at(unix), 1);
        assert_eq!(secret.until_step(2, unix), Duration::from_millis(600));
        assert_eq!(secret.until_step(1, unix), Duration::ZERO);
    }
}
