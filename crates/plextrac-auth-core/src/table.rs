//! All transitions of the machine, in one place.
//!
//! [`next`] is the only function that says what follows what; the machine's phase is set from its
//! answer and nowhere else. The drawing in `docs/states.md` is generated from it.

/// An enumeration whose documentation, list of members and text for the drawing are one and the same.
macro_rules! documented_enum {
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

documented_enum! {
    /// Where a machine stands. [`State`](crate::State), which callers see, is derived from this.
    Phase {
        SignedOut: "No token, nothing under way.",
        Authenticating: "User name and password are on their way.",
        AwaitingCode: "The password was right; a one-time code is needed.",
        Verifying: "The one-time code is on its way.",
        Active: "A usable token.",
        Refreshing: "A usable token, and its refresh on the way.",
        Suspect: "A token that is not handed out, answered with 401, of doubtful age, or seconds before its end; it is good for one refresh.",
        Reviving: "The refresh of such a token is on its way.",
        LockedOut: "The credentials were rejected and are not sent again.",
    }
}

documented_enum! {
    /// What can happen to a machine, after the raw input was understood.
    Trigger {
        SignInSent: "The sign-in request goes out.",
        CodeSent: "The one-time code goes out.",
        RefreshSent: "The refresh goes out.",
        Granted: "A token came in answer.",
        Challenged: "A challenge came in answer.",
        Refused: "The server refused what was sent.",
        NotSent: "The request was not sent after all.",
        Failed: "No answer, a rate limit, or an answer that says neither yes nor no.",
        Adopted: "A usable token was taken over from the shared record, or handed in.",
        AdoptedDoubtful: "A doubtful one was.",
        Unauthorized: "The token in hand was answered with 401.",
        Expiring: "The token in hand reached the point from which it is not handed out.",
        Expired: "The token in hand reached its end.",
        ChallengeDropped: "The challenge was dropped: too old, or nobody will answer it.",
        LockoutFound: "The credentials are known to be rejected.",
        LockoutCleared: "The rejected credentials may be sent again.",
        SignOut: "The user signs out.",
    }
}

/// What follows. `None`: the trigger cannot happen in this phase, and nothing changes.
#[must_use]
pub const fn next(phase: Phase, trigger: Trigger) -> Option<Phase> {
    use Phase::{
        Active, Authenticating, AwaitingCode, LockedOut, Refreshing, Reviving, SignedOut, Suspect, Verifying,
    };
    use Trigger as T;
    Some(match (phase, trigger) {
        (SignedOut, T::SignInSent) => Authenticating,
        (SignedOut, T::LockoutFound) => LockedOut,
        (SignedOut | AwaitingCode | LockedOut | Active | Suspect, T::Adopted) => Active,
        (SignedOut | LockedOut, T::AdoptedDoubtful) => Suspect,

        (Authenticating, T::Challenged) => AwaitingCode,
        (Authenticating, T::Refused) => LockedOut,
        (Authenticating | Verifying | Refreshing | Reviving, T::Granted) => Active,
        (Authenticating | Verifying, T::Failed) => SignedOut,
        (Authenticating, T::NotSent) => SignedOut,
        (Verifying, T::NotSent) => AwaitingCode,

        (AwaitingCode, T::CodeSent) => Verifying,
        (AwaitingCode, T::ChallengeDropped) => SignedOut,
        // Wrong digits say nothing about the password: only two wrong computed codes in a row lock out, from SignedOut.
        (Verifying, T::Refused) => SignedOut,

        (Active, T::RefreshSent) => Refreshing,
        (Active, T::Unauthorized | T::Expiring) => Suspect,
        (Refreshing, T::Refused | T::Failed | T::NotSent) => Active,
        (Refreshing, T::Unauthorized | T::Expiring) => Reviving,

        (Suspect, T::RefreshSent) => Reviving,
        (Suspect, T::Expired) => SignedOut,
        (Reviving, T::Refused) => SignedOut,
        (Reviving, T::Failed | T::NotSent) => Suspect,

        (LockedOut, T::LockoutCleared) => SignedOut,
        // Signing out drops the token and nothing else: a rejection stays known.
        (LockedOut, T::SignOut) => LockedOut,
        (_, T::SignOut) => SignedOut,
        _ => return None,
    })
}
