//! Six digits from a secret (RFC 6238): which step, and whether it is wise to begin in it.

use alloc::string::String;
use core::fmt;
use core::time::Duration;

use totp_rs::{Builder, Secret as TotpRsSecret, Totp};
use zeroize::Zeroizing;

use crate::credential::{CredentialError, Digits, Part, Problem};
use crate::time::UnixTime;

/// The secret an account's authenticator was enrolled with.
#[derive(Clone)]
pub struct TotpSecret(alloc::sync::Arc<Totp>);

impl TotpSecret {
    /// Reads base32 as people copy it (any case, spaces, dashes, padding) or an `otpauth://totp/` URI.
    ///
    /// # Errors
    /// [`CredentialError`] for [`Part::TotpSecret`]; the text is not repeated.
    pub fn parse(text: &str) -> Result<Self, CredentialError> {
        let text = text.trim();
        let totp = if text.get(..10).is_some_and(|scheme| scheme.eq_ignore_ascii_case("otpauth://")) {
            Totp::from_url_unchecked(text).map_err(|_| error(Problem::NotBase32))?
        } else {
            let mut base32 = Zeroizing::new(String::with_capacity(text.len()));
            base32.extend(
                text.trim_end_matches('=')
                    .chars()
                    .filter(|c| *c != ' ' && *c != '-')
                    .map(|c| c.to_ascii_uppercase()),
            );
            if base32.is_empty() {
                return Err(error(Problem::Empty));
            }
            if base32.len() > 1024 {
                return Err(error(Problem::TooLong));
            }
            let secret =
                TotpRsSecret::try_from_base32(base32.as_str()).map_err(|_| error(Problem::NotBase32))?;
            // Not `build`: it refuses the 80 bits that many servers still hand out.
            Builder::new().with_secret(secret).build_noncompliant()
        };
        if totp.secret().as_bytes().len() < 10 {
            return Err(error(Problem::TooShort));
        }
        if totp.digits() != 6 || totp.step() == 0 || totp.step() > 86_400 {
            return Err(error(Problem::UnsupportedTotp));
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

    /// The digits of a step.
    pub(crate) fn digits(&self, step: u64) -> Digits {
        let token = self.0.generate(step.saturating_mul(self.0.step()));
        let text = Zeroizing::new(alloc::string::ToString::to_string(&token));
        Digits::new(&text)
            .unwrap_or_else(|_| unreachable!("six digits were asked for when the secret was parsed"))
    }
}

impl fmt::Debug for TotpSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TotpSecret(..)")
    }
}

fn error(problem: Problem) -> CredentialError {
    CredentialError { part: Part::TotpSecret, problem }
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
            assert_eq!(secret.digits(step).secret().expose(), digits);
        }
    }

    #[test]
    fn secrets_are_read_as_people_copy_them() {
        let plain = TotpSecret::parse("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ").unwrap();
        for text in [
            " gezd gnbv gy3t qojq gezd gnbv gy3t qojq ",
            "GEZDGNBV-GY3TQOJQ-GEZDGNBV-GY3TQOJQ",
            "otpauth://totp/PlexTrac:someone@acme.example?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=PlexTrac",
        ] {
            assert_eq!(TotpSecret::parse(text).unwrap().key(), plain.key(), "{text}");
        }
        assert!(TotpSecret::parse("GEZDGNBVGY3TQOJQ").is_ok(), "80 bits are common");
    }

    #[test]
    fn what_is_no_secret_is_named() {
        for (text, problem) in [
            ("", Problem::Empty),
            ("====", Problem::Empty),
            ("GEZDGNBVGY3TQOJ1", Problem::NotBase32),
            ("not base32!", Problem::NotBase32),
            ("GEZDGNBV", Problem::TooShort),
            ("otpauth://totp/x", Problem::NotBase32),
            ("otpauth://hotp/x?secret=GEZDGNBVGY3TQOJQ", Problem::NotBase32),
            ("otpauth://totp/x?secret=GEZDGNBVGY3TQOJQ&digits=8", Problem::UnsupportedTotp),
            ("otpauth://totp/x?secret=GEZDGNBVGY3TQOJQ&period=0", Problem::UnsupportedTotp),
        ] {
            assert_eq!(TotpSecret::parse(text).unwrap_err().problem, problem, "{text}");
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
