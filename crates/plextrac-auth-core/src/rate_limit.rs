//! Recognising a rate-limit answer, and how long it asks to wait.
//!
//! The status, body and headers of PlexTrac's limit are undocumented (`docs/protocol.md`, "Failures"),
//! so every form that is plausible is read, and words never are.

use core::time::Duration;

use crate::http_date;
use crate::response::Response;
use crate::time::UnixTime;

/// Waited after a rate-limit answer that names no time: the window of 60 s and one second to be sure.
pub const DEFAULT_WAIT: Duration = Duration::from_secs(61);
/// The shortest wait believed.
pub const MIN_WAIT: Duration = Duration::from_secs(1);
/// The longest wait believed: a longer one would outlive every token on the word of one header.
pub const MAX_WAIT: Duration = Duration::from_secs(15 * 60);

/// The wait, if an answer that was no success is a rate limit: `status` 429 (RFC 6585 §4), the same in the body, or a
/// reset header that no "places remaining" header contradicts. `status` is the one that counts: of a 2xx that names
/// an error in its body, the error's.
pub(crate) fn wait(
    response: &Response<'_>,
    status: u16,
    body_code: Option<u16>,
    unix: UnixTime,
) -> Option<Duration> {
    let reset = reset(response, unix);
    let is_limit = status == 429
        || body_code == Some(429)
        || (reset.is_some() && status >= 300 && !has_places_remaining(response));
    is_limit.then(|| retry_after(response, unix).or(reset.map(clamp)).unwrap_or(DEFAULT_WAIT))
}

/// `Retry-After` (RFC 9110 §10.2.3) in seconds, or as a date read against the same answer's `Date`.
pub(crate) fn retry_after(response: &Response<'_>, unix: UnixTime) -> Option<Duration> {
    let value = response.header("retry-after")?.trim();
    let wait = match whole_number(value) {
        Some(seconds) => Duration::from_secs(seconds),
        None => {
            let now = response.date().unwrap_or(unix);
            until(http_date::parse(value)?, now)
        }
    };
    Some(clamp(wait))
}

/// `X-RateLimit-PathReset` is in milliseconds, the common `RateLimit-Reset` names in seconds; either may
/// be a span or a moment since 1970, told apart by size.
fn reset(response: &Response<'_>, unix: UnixTime) -> Option<Duration> {
    let now = response.date().unwrap_or(unix);
    let in_unit = |name, unit_ms: u64| {
        let ms = whole_number(response.header(name)?.trim())?.saturating_mul(unit_ms);
        Some(match i64::try_from(ms) {
            Ok(moment) if ms >= YEAR_2001_MS => until(UnixTime::from_millis(moment), now),
            _ => Duration::from_millis(ms),
        })
    };
    in_unit("x-ratelimit-pathreset", 1)
        .or_else(|| in_unit("x-ratelimit-reset", 1000))
        .or_else(|| in_unit("ratelimit-reset", 1000))
}

fn has_places_remaining(response: &Response<'_>) -> bool {
    ["x-ratelimit-pathremaining", "x-ratelimit-remaining", "ratelimit-remaining"]
        .iter()
        .filter_map(|name| whole_number(response.header(name)?.trim()))
        .any(|places| places > 0)
}

const YEAR_2001_MS: u64 = 978_307_200_000;

fn until(moment: UnixTime, now: UnixTime) -> Duration {
    let ms = moment.as_millis().saturating_sub(now.as_millis());
    Duration::from_millis(u64::try_from(ms).unwrap_or(0))
}

fn clamp(wait: Duration) -> Duration {
    wait.clamp(MIN_WAIT, MAX_WAIT)
}

/// Digits alone; more of them than a u64 holds mean "very long".
pub(crate) fn whole_number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixTime = UnixTime::from_millis(784_111_777_000);

    fn wait_of(status: u16, headers: &[(&str, &[u8])], body_code: Option<u16>) -> Option<Duration> {
        wait(&Response { status, headers, body: b"" }, status, body_code, NOW)
    }

    #[test]
    fn a_rate_limit_is_never_recognised_by_words() {
        assert!(wait_of(429, &[], None).is_some());
        assert!(wait_of(403, &[], Some(429)).is_some());
        assert!(wait_of(403, &[("X-RateLimit-PathReset", b"5000")], None).is_some());
        assert!(wait_of(403, &[], Some(403)).is_none());
        assert!(
            wait_of(403, &[("X-RateLimit-PathReset", b"5000"), ("x-ratelimit-remaining", b"3")], None)
                .is_none()
        );
        assert!(wait_of(200, &[("x-ratelimit-reset", b"5")], None).is_none());
    }

    #[test]
    fn the_wait_is_read_in_every_form_and_clamped() {
        let date: (&str, &[u8]) = ("date", b"Sun, 06 Nov 1994 08:49:37 GMT");
        for (header, value, seconds) in [
            ("retry-after", "7", 7),
            ("Retry-After", "0", 1),
            ("retry-after", "99999999999999999999999", 900),
            ("retry-after", "Sun, 06 Nov 1994 08:50:07 GMT", 30),
            ("retry-after", "Sun, 06 Nov 1994 08:49:07 GMT", 1),
            ("retry-after", "soon", 61),
            ("x-ratelimit-pathreset", "5000", 5),
            ("x-ratelimit-pathreset", "1784111777000", 900),
            ("x-ratelimit-reset", "12", 12),
            ("ratelimit-reset", "1784111777", 900),
            ("x-other", "5", 61),
        ] {
            let wait = wait_of(429, &[(header, value.as_bytes()), date], None);
            assert_eq!(wait, Some(Duration::from_secs(seconds)), "{header}: {value}");
        }
    }

    #[test]
    fn a_date_is_compared_with_the_answers_own_date() {
        let headers: [(&str, &[u8]); 2] =
            [("retry-after", b"Mon, 07 Nov 1994 08:50:07 GMT"), ("date", b"Mon, 07 Nov 1994 08:49:37 GMT")];
        assert_eq!(wait_of(429, &headers, None), Some(Duration::from_secs(30)));
    }
}
