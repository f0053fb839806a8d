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

#[cfg(test)]
mod tests {
    use super::*;

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
