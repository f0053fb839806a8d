//! Durations as people read them.

use std::time::Duration;

/// `59 s`, `14 min 59 s`, `1 h 0 min`: the two largest units, and nothing below a second.
pub(crate) fn spoken(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, s) => format!("{s} s"),
        (0, min, s) => format!("{min} min {s} s"),
        (h, min, _) => format!("{h} h {min} min"),
    }
}

/// Longest duration that is taken.
const LONGEST: Duration = Duration::from_secs(31 * 24 * 3600);

/// Reads `8h`, `30m`, `90s` or `1h30m`.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let mut total = Duration::ZERO;
    let mut rest = text;
    let mut last_unit = u64::MAX;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit_and_more) = rest.split_at(digits);
        let seconds = match unit_and_more.chars().next() {
            Some('h') => 3600,
            Some('m') => 60,
            Some('s') => 1,
            _ => return Err(NOT_A_DURATION.to_owned()),
        };
        let number: u64 = number.parse().map_err(|_| NOT_A_DURATION.to_owned())?;
        if seconds >= last_unit {
            return Err(NOT_A_DURATION.to_owned());
        }
        last_unit = seconds;
        total = number
            .checked_mul(seconds)
            .and_then(|seconds| total.checked_add(Duration::from_secs(seconds)))
            .ok_or_else(|| TOO_LONG.to_owned())?;
        rest = &unit_and_more[1..];
    }
    match total {
        Duration::ZERO => Err(NOT_A_DURATION.to_owned()),
        total if total > LONGEST => Err(TOO_LONG.to_owned()),
        total => Ok(total),
    }
}

const NOT_A_DURATION: &str = "not a duration; write hours, minutes or seconds, such as 8h, 30m, 90s or 1h30m";
const TOO_LONG: &str = "longer than 31 days";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_read_in_hours_minutes_and_seconds() {
        for (text, seconds) in
            [("8h", 28_800), ("30m", 1800), ("90s", 90), ("1h30m", 5400), ("744h", 2_678_400)]
        {
            assert_eq!(parse(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "8", "h", "8d", "-1h", "1.5h", "30m1h", "1h1h", "0s", "8 h", "8h ", "é"] {
            assert_eq!(parse(text), Err(NOT_A_DURATION.to_owned()), "{text:?}");
        }
        for text in ["745h", "99999999999999999h", "18446744073709551615s"] {
            assert_eq!(parse(text), Err(TOO_LONG.to_owned()), "{text:?}");
        }
    }

    #[test]
    fn durations_are_told_in_their_two_largest_units() {
        for (ms, text) in [
            (999, "0 s"),
            (59_000, "59 s"),
            (60_000, "1 min 0 s"),
            (899_999, "14 min 59 s"),
            (3_600_000, "1 h 0 min"),
            (90_061_000, "25 h 1 min"),
        ] {
            assert_eq!(spoken(Duration::from_millis(ms)), text);
        }
    }
}
