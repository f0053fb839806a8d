//! All transitions of the machine, in one place.
//!
//! [`next`] is the only function that says what follows what; the machine's phase is set from its
//! answer and nowhere else. The drawing in `docs/states.md` is generated from it.

/// Where a machine stands. What a caller is told ([`State`](crate::State)) is derived from this.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// No token, nothing under way.
    SignedOut,
    /// User name and password are on their way.
    Authenticating,
    /// The password was right; six digits are needed.
    AwaitingDigits,
    /// The six digits are on their way.
    Verifying,
    /// A usable token.
    Active,
    /// A usable token, and its refresh on the way.
    Refreshing,
    /// A token that is not handed out: answered with 401, of doubtful age, or seconds before its end.
    /// It is good for one refresh.
    Suspect,
    /// The refresh of such a token is on its way.
    Reviving,
    /// The credentials were rejected and are not sent again.
    Latched,
}

/// What can happen to a machine, after the raw input was understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Trigger {
    /// The sign-in request goes out.
    SignInSent,
    /// The six digits go out.
    DigitsSent,
    /// The refresh goes out.
    RefreshSent,
    /// A token came in answer.
    Granted,
    /// A challenge came in answer.
    Challenged,
    /// The server refused what was sent.
    Refused,
    /// No answer, a rate limit, or an answer that says neither yes nor no.
    Failed,
    /// A usable token was taken over from the shared record, or handed in.
    Adopted,
    /// A doubtful one was.
    AdoptedDoubtful,
    /// The token in hand was answered with 401.
    Unauthorized,
    /// The token in hand reached the point from which it is not handed out.
    Expiring,
    /// The token in hand reached its end.
    Expired,
    /// The challenge was dropped: too old, or nobody will answer it.
    ChallengeDropped,
    /// The credentials are known to be rejected.
    LatchFound,
    /// The rejection may be forgotten.
    Forgiven,
    /// The user signs out.
    SignOut,
}

/// What follows. `None`: the trigger cannot happen in this phase, and nothing changes.
#[must_use]
pub const fn next(phase: Phase, trigger: Trigger) -> Option<Phase> {
    use Phase::{
        Active, Authenticating, AwaitingDigits, Latched, Refreshing, Reviving, SignedOut, Suspect, Verifying,
    };
    use Trigger as T;
    Some(match (phase, trigger) {
        (SignedOut, T::SignInSent) => Authenticating,
        (SignedOut, T::LatchFound) => Latched,
        (SignedOut | AwaitingDigits | Latched | Active | Suspect, T::Adopted) => Active,
        (SignedOut | Latched, T::AdoptedDoubtful) => Suspect,

        (Authenticating, T::Challenged) => AwaitingDigits,
        (Authenticating, T::Refused) => Latched,
        (Authenticating | Verifying | Refreshing | Reviving, T::Granted) => Active,
        (Authenticating | Verifying, T::Failed) => SignedOut,

        (AwaitingDigits, T::DigitsSent) => Verifying,
        (AwaitingDigits, T::ChallengeDropped) => SignedOut,
        // Wrong digits say nothing about the password: only two wrong computed codes latch, from SignedOut.
        (Verifying, T::Refused) => SignedOut,

        (Active, T::RefreshSent) => Refreshing,
        (Active, T::Unauthorized | T::Expiring) => Suspect,
        (Refreshing, T::Refused | T::Failed) => Active,
        (Refreshing, T::Unauthorized | T::Expiring) => Reviving,

        (Suspect, T::RefreshSent) => Reviving,
        (Suspect, T::Expired) => SignedOut,
        (Reviving, T::Refused) => SignedOut,
        (Reviving, T::Failed) => Suspect,

        (Latched, T::Forgiven) => SignedOut,
        // Signing out drops the token and nothing else: a rejection stays known.
        (Latched, T::SignOut) => Latched,
        (_, T::SignOut) => SignedOut,
        _ => return None,
    })
}

impl Phase {
    /// All of them, in the order of the drawing.
    pub const ALL: [Self; 9] = [
        Self::SignedOut,
        Self::Authenticating,
        Self::AwaitingDigits,
        Self::Verifying,
        Self::Active,
        Self::Refreshing,
        Self::Suspect,
        Self::Reviving,
        Self::Latched,
    ];
}

impl Trigger {
    /// All of them.
    pub const ALL: [Self; 16] = [
        Self::SignInSent,
        Self::DigitsSent,
        Self::RefreshSent,
        Self::Granted,
        Self::Challenged,
        Self::Refused,
        Self::Failed,
        Self::Adopted,
        Self::AdoptedDoubtful,
        Self::Unauthorized,
        Self::Expiring,
        Self::Expired,
        Self::ChallengeDropped,
        Self::LatchFound,
        Self::Forgiven,
        Self::SignOut,
    ];
}
