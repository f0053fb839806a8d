//! A claim: the note in an account's record that says which process works for the account.
//!
//! A process that starts an authentication attempt writes a claim first. Every other process waits for the result
//! instead of starting its own attempt. A claim is a lease: its holder renews it while the work goes on, and another
//! process takes it over when the holder is gone. Kubernetes' leader election works the same way.

use core::fmt;
use core::time::Duration;

use crate::json::{JsonObject, JsonWriter, from_hex};
use crate::store::StoreTime;
use crate::time::millis;

/// How long a claim is valid without being renewed.
pub const CLAIM_LEASE: Duration = Duration::from_secs(10);
/// A request leaves only if the claim was written at most this long ago.
pub(crate) const CLAIM_FRESH: Duration = Duration::from_secs(5);
/// Between two looks at an unchanged claim at most this much counts: a process that was suspended, or just slow, must
/// not end a claim that is alive.
const LOOK_COUNTS: Duration = Duration::from_secs(2);

/// Names the holder of a claim: 16 random bytes, drawn anew after a fork.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ClaimOwner(pub(crate) [u8; 16]);

impl ClaimOwner {
    /// From 16 bytes of a random source.
    #[must_use]
    pub const fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Somewhere in `0..span`, the same for this owner: many processes do not all look at one moment.
    pub(crate) fn spread(&self, span: Duration) -> Duration {
        span * u32::from(u16::from_be_bytes([self.0[14], self.0[15]])) / (u32::from(u16::MAX) + 1)
    }
}

impl fmt::Display for ClaimOwner {
    /// As 32 hexadecimal digits: usable as a file name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ClaimOwner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClaimOwner({:02x}{:02x}..)", self.0[0], self.0[1])
    }
}

/// What the holder of a claim does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ClaimedWork {
    /// It refreshes the token.
    Refresh,
    /// It signs in.
    SignIn,
    /// It waits for a person's one-time code.
    Asking,
}

/// The note in the record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Who holds it.
    pub owner: ClaimOwner,
    /// What for.
    pub work: ClaimedWork,
    /// When it was written or renewed, on the store's clock.
    pub renewed: StoreTime,
    /// How long it is valid without being renewed.
    pub lease: Duration,
    /// While a person is asked: when the challenge ends, on the store's clock, in milliseconds.
    pub asks_until_ms: Option<u64>,
}

impl Claim {
    /// Whether this differs from `before` in the time of its renewal alone.
    pub(crate) fn is_renewal_of(&self, before: &Self) -> bool {
        let renewed = StoreTime { ms: self.renewed.ms, ..before.renewed.clone() };
        *self == Self { renewed, ..before.clone() }
    }

    pub(crate) fn write(&self, json: &mut JsonWriter) {
        json.begin_object();
        json.name("owner");
        json.hex(&self.owner.0);
        json.name("work");
        json.string(match self.work {
            ClaimedWork::Refresh => "refresh",
            ClaimedWork::SignIn => "sign-in",
            ClaimedWork::Asking => "asking",
        });
        json.name("clock");
        json.string(&self.renewed.clock);
        json.name("at");
        json.unsigned(self.renewed.ms);
        json.name("lease");
        json.unsigned(millis(self.lease));
        if let Some(until) = self.asks_until_ms {
            json.name("asks_until");
            json.unsigned(until);
        }
        json.end_object();
    }

    pub(crate) fn read(mut fields: JsonObject<'_>) -> Option<Self> {
        let text = |fields: &mut JsonObject<'_>, name| fields.take::<alloc::string::String>(name);
        let owner = ClaimOwner(from_hex(&text(&mut fields, "owner")?)?);
        // A newer version may name other work; what counts is that somebody works.
        let work = match text(&mut fields, "work").as_deref() {
            Some("refresh") => ClaimedWork::Refresh,
            Some("asking") => ClaimedWork::Asking,
            _ => ClaimedWork::SignIn,
        };
        let renewed = StoreTime { clock: text(&mut fields, "clock")?, ms: fields.take("at")? };
        let lease = Duration::from_millis(fields.take("lease")?).min(LONGEST_LEASE);
        Some(Self { owner, work, renewed, lease, asks_until_ms: fields.take("asks_until") })
    }
}

/// A driver that blocks in a request takes a claim that lasts until the request's deadline: an hour at most.
const LONGEST_LEASE: Duration = Duration::from_secs(3600);

/// What an observer knows of another process's claim.
///
/// Clocks of different machines are not compared. If the claim was stamped by the clock that the observer reads, too, two
/// leases without a renewal end it at first sight. If the store has a clock of its own, the claim ends at the second look
/// that finds it a lease old. Otherwise the observer waits until it has seen the claim unchanged for a whole lease of its
/// own monotonic clock.
#[derive(Clone, Debug)]
pub(crate) struct ObservedClaim {
    pub(crate) claim: Claim,
    last_look: crate::time::Instant,
    unchanged_for: Duration,
    is_owner_gone: bool,
}

impl ObservedClaim {
    /// Looks at a claim. `before` is what was known of the claim at the last look. `store_now` is the time of this
    /// look on the store's own clock, if the store has one. A suspend of the observer does not make it later.
    pub(crate) fn look(
        claim: Claim,
        before: Option<Self>,
        store_now: Option<&StoreTime>,
        now: crate::time::Instant,
    ) -> Self {
        match before.filter(|before| before.claim == claim) {
            Some(before) => {
                let seen_for = now.since(before.last_look).min(LOOK_COUNTS);
                let counted = before.unchanged_for + seen_for;
                let age = store_now.and_then(|store_now| store_now.since(&claim.renewed));
                Self { last_look: now, unchanged_for: age.map_or(counted, |age| age.max(counted)), ..before }
            }
            None => Self { claim, last_look: now, unchanged_for: Duration::ZERO, is_owner_gone: false },
        }
    }

    /// When the claim was looked at last.
    pub(crate) const fn last_look(&self) -> crate::time::Instant {
        self.last_look
    }

    /// The store knows that the owner's process is gone.
    pub(crate) fn owner_is_gone(&mut self) {
        self.is_owner_gone = true;
    }

    /// Whether the claim may be taken over. `store_now` is the time of the store's clock.
    pub(crate) fn is_over(&self, store_now: &StoreTime) -> bool {
        let lapsed = store_now.since(&self.claim.renewed).is_some_and(|age| age > 2 * self.claim.lease);
        self.is_owner_gone || lapsed || self.unchanged_for >= self.claim.lease
    }
}
