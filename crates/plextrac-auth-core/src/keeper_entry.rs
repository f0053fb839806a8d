//! The entry of a keeper: the note in an account's record that says which process keeps the session alive.
//!
//! An entry is no claim. It gives no right to send anything: a keeper claims the account for each refresh, as every
//! process does. The entry only keeps a second process from doing the same work, and names the keeper for people.

use alloc::string::String;

use crate::claim::ClaimOwner;
use crate::json::{JsonObject, JsonWriter, from_hex};
use crate::store::StoreTime;
use crate::time::{Instant, Time, UnixTime};

/// Longest label in bytes.
const MAX_LABEL: usize = 128;

/// The note in the record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeeperEntry {
    /// Names the keeper's session. Stores that know which processes live know it by this name.
    pub(crate) owner: ClaimOwner,
    /// Names the keeper for people: its process id and its host, as a rule.
    pub(crate) label: String,
    /// When it ends, on the store's clock.
    pub(crate) until: StoreTime,
    /// The same moment on the wall clock, for stores whose clock has no name.
    pub(crate) until_unix: UnixTime,
}

impl KeeperEntry {
    pub(crate) fn new(
        owner: ClaimOwner,
        label: &str,
        until: Instant,
        store_now: &StoreTime,
        now: Time,
    ) -> Self {
        let mut entry =
            Self { owner, label: shortened(label).into(), until: store_now.clone(), until_unix: now.unix };
        entry.set_until(until, store_now, now);
        entry
    }

    /// When the keeper ends, on this process's monotonic clock. `None` if it has ended, or is of another boot.
    pub(crate) fn ends_at(&self, store_now: &StoreTime, now: Time) -> Option<Instant> {
        let left_ms = if self.until.clock.is_empty() || store_now.clock.is_empty() {
            u64::try_from(self.until_unix.as_millis().saturating_sub(now.unix.as_millis())).unwrap_or(0)
        } else if self.until.clock == store_now.clock {
            self.until.ms.saturating_sub(store_now.ms)
        } else {
            0
        };
        (left_ms > 0).then(|| now.monotonic + core::time::Duration::from_millis(left_ms))
    }

    pub(crate) fn set_until(&mut self, until: Instant, store_now: &StoreTime, now: Time) {
        let left_ms = crate::time::millis(until.since(now.monotonic));
        let ms = store_now.ms.saturating_add(left_ms);
        self.until = StoreTime { clock: store_now.clock.clone(), ms };
        self.until_unix = now.unix.offset(i64::try_from(left_ms).unwrap_or(i64::MAX));
    }

    pub(crate) fn write(&self, json: &mut JsonWriter) {
        json.begin_object();
        json.name("owner");
        json.hex(&self.owner.0);
        json.name("label");
        json.string(&self.label);
        json.name("clock");
        json.string(&self.until.clock);
        json.name("until");
        json.unsigned(self.until.ms);
        json.name("until_unix");
        json.signed(self.until_unix.as_millis());
        json.end_object();
    }

    pub(crate) fn read(mut fields: JsonObject<'_>) -> Option<Self> {
        let text = |fields: &mut JsonObject<'_>, name| fields.take::<String>(name);
        let owner = ClaimOwner(from_hex(&text(&mut fields, "owner")?)?);
        let label = shortened(&text(&mut fields, "label")?).into();
        let until = StoreTime { clock: text(&mut fields, "clock")?, ms: fields.take("until")? };
        let until_unix = UnixTime::from_millis(fields.take("until_unix")?);
        Some(Self { owner, label, until, until_unix })
    }

    /// The most bytes that it takes.
    pub(crate) fn size(&self) -> usize {
        256 + 6 * (self.label.len() + self.until.clock.len())
    }
}

/// At most [`MAX_LABEL`] bytes of it, in whole characters.
fn shortened(label: &str) -> &str {
    let end = (0..=MAX_LABEL.min(label.len())).rev().find(|end| label.is_char_boundary(*end));
    &label[..end.unwrap_or(0)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(clock: &str) -> (KeeperEntry, StoreTime, Time) {
        let now = Time::from_millis(50_000, 1_000_000);
        let store_now = StoreTime { clock: clock.into(), ms: 7_000 };
        let until = Instant::from_millis(60_000);
        (KeeperEntry::new(ClaimOwner::new([1; 16]), "process 7", until, &store_now, now), store_now, now)
    }

    #[test]
    fn the_end_is_told_by_the_clock_of_the_store() {
        let (entry, store_now, now) = entry("run-1");
        assert_eq!(entry.ends_at(&store_now, now), Some(Instant::from_millis(60_000)));
        // The wall clock was set: that changes nothing.
        let set = Time { unix: UnixTime::from_millis(9_000_000), ..now };
        assert_eq!(entry.ends_at(&store_now, set), Some(Instant::from_millis(60_000)));
        let over = StoreTime { ms: 17_000, ..store_now };
        assert_eq!(entry.ends_at(&over, now), None);
    }

    #[test]
    fn a_keeper_of_another_boot_has_ended() {
        let (entry, store_now, now) = entry("boot-1");
        let other = StoreTime { clock: "boot-2".into(), ..store_now };
        assert_eq!(entry.ends_at(&other, now), None);
    }

    #[test]
    fn without_a_named_clock_the_wall_clock_counts() {
        let (entry, store_now, now) = entry("");
        assert_eq!(entry.ends_at(&store_now, now), Some(Instant::from_millis(60_000)));
        let later = Time { unix: UnixTime::from_millis(1_010_000), ..now };
        assert_eq!(entry.ends_at(&store_now, later), None);
    }

    #[test]
    fn a_long_label_is_cut_between_characters() {
        assert_eq!(shortened(&"ä".repeat(100)).len(), 128);
        assert_eq!(shortened(&alloc::format!("x{}", "ä".repeat(100))).len(), 127);
        assert_eq!(shortened("pid 7"), "pid 7");
    }
}
