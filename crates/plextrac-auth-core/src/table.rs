//! All transitions of the machine, in one place.
//!
//! [`next`] is the only function that says what follows what; the machine's phase is set from its
//! answer and nowhere else. The drawing in `docs/states.md` is generated from it.

/// An enumeration whose documentation, list of members and text for the drawing are one and the same.
macro_rules! told {
    ($(#[$about:meta])* $name:ident { $($member:ident: $meaning:literal,)+ }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name {
            $(#[doc = $meaning] $member,)+
        }

        impl $name {
            /// All of them, in the order of the drawing.
            pub const ALL: [Self; [$(stringify!($member)),+].len()] = [$(Self::$member),+];

            /// What it means, in a sentence.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self {
                    $(Self::$member => $meaning,)+
                }
            }
        }
    };
}

told! {
    /// Where a machine stands. What a caller is told ([`State`](crate::State)) is derived from this.
    Phase {
        SignedOut: "No token, nothing under way.",
        Authenticating: "User name and password are on their way.",
        AwaitingDigits: "The password was right; six digits are needed.",
        Verifying: "The six digits are on their way.",
        Active: "A usable token.",
        Refreshing: "A usable token, and its refresh on the way.",
        Suspect: "A token that is not handed out, answered with 401, of doubtful age, or seconds before its end; it is good for one refresh.",
        Reviving: "The refresh of such a token is on its way.",
        Latched: "The credentials were rejected and are not sent again.",
    }
}

told! {
    /// What can happen to a machine, after the raw input was understood.
    Trigger {
        SignInSent: "The sign-in request goes out.",
        DigitsSent: "The six digits go out.",
        RefreshSent: "The refresh goes out.",
        Granted: "A token came in answer.",
        Challenged: "A challenge came in answer.",
        Refused: "The server refused what was sent.",
        NotSent: "What was to go out did not go out.",
        Failed: "No answer, a rate limit, or an answer that says neither yes nor no.",
        Adopted: "A usable token was taken over from the shared record, or handed in.",
        AdoptedDoubtful: "A doubtful one was.",
        Unauthorized: "The token in hand was answered with 401.",
        Expiring: "The token in hand reached the point from which it is not handed out.",
        Expired: "The token in hand reached its end.",
        ChallengeDropped: "The challenge was dropped: too old, or nobody will answer it.",
        LatchFound: "The credentials are known to be rejected.",
        Forgiven: "The rejection may be forgotten.",
        SignOut: "The user signs out.",
    }
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
        (Authenticating, T::NotSent) => SignedOut,
        (Verifying, T::NotSent) => AwaitingDigits,

        (AwaitingDigits, T::DigitsSent) => Verifying,
        (AwaitingDigits, T::ChallengeDropped) => SignedOut,
        // Wrong digits say nothing about the password: only two wrong computed codes latch, from SignedOut.
        (Verifying, T::Refused) => SignedOut,

        (Active, T::RefreshSent) => Refreshing,
        (Active, T::Unauthorized | T::Expiring) => Suspect,
        (Refreshing, T::Refused | T::Failed | T::NotSent) => Active,
        (Refreshing, T::Unauthorized | T::Expiring) => Reviving,

        (Suspect, T::RefreshSent) => Reviving,
        (Suspect, T::Expired) => SignedOut,
        (Reviving, T::Refused) => SignedOut,
        (Reviving, T::Failed | T::NotSent) => Suspect,

        (Latched, T::Forgiven) => SignedOut,
        // Signing out drops the token and nothing else: a rejection stays known.
        (Latched, T::SignOut) => Latched,
        (_, T::SignOut) => SignedOut,
        _ => return None,
    })
}
