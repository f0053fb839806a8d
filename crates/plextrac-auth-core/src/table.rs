//! All transitions of the machine, in one place.
//!
//! [`next`] alone defines the transitions. The machine's phase is set from its result and nowhere else. The diagram in
//! `docs/states.md` is generated from it.

/// Defines an enumeration. One text per member is its documentation and its line in the generated page.
macro_rules! documented_enum {
    ($(#[$about:meta])* $name:ident { $($member:ident: $meaning:literal,)+ }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name {
            $(#[doc = $meaning] $member,)+
        }

        impl $name {
            /// All members, in the order of the generated page.
            pub const ALL: [Self; [$(stringify!($member)),+].len()] = [$(Self::$member),+];

            /// The meaning, in one sentence.
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
    /// The state of a machine. [`State`](crate::State), which callers see, is derived from this.
    Phase {
        SignedOut: "There is no token and no request.",
        Authenticating: "The user name and the password were sent.",
        AwaitingCode: "The password was right; a one-time code is needed.",
        Verifying: "The one-time code was sent.",
        Active: "There is a usable token.",
        Refreshing: "There is a usable token, and its refresh was sent.",
        Suspect: "There is a token that is used for one refresh only. It was answered with 401, has a doubtful age, or expires in seconds.",
        Reviving: "The refresh of a suspect token was sent.",
        LockedOut: "The credentials were rejected, and are not sent again.",
    }
}

documented_enum! {
    /// What can happen to a machine, after the raw input was read.
    Trigger {
        SignInSent: "The sign-in request is sent.",
        CodeSent: "The one-time code is sent.",
        RefreshSent: "The refresh is sent.",
        Granted: "The answer has a token.",
        Challenged: "The answer has a challenge.",
        Refused: "The server refused the request.",
        NotSent: "The driver did not send the request.",
        Failed: "There was no answer, a rate limit, or an answer that neither grants nor refuses.",
        Adopted: "A usable token came from the shared record, or was imported.",
        AdoptedDoubtful: "A token of doubtful age came from the shared record, or was imported.",
        Unauthorized: "The current token was answered with 401.",
        Expiring: "The current token reached its hand-out limit.",
        Expired: "The current token expired.",
        ChallengeDropped: "The challenge was dropped: it is too old, or there will be no code.",
        LockoutFound: "The credentials are known to be rejected.",
        LockoutCleared: "The rejected credentials may be sent again.",
        SignOut: "The user signs out.",
    }
}

/// The next phase. `None`: the trigger cannot happen in this phase, and nothing changes.
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
        // A wrong code says nothing about the password. Only two wrong computed codes in a row lock out, from SignedOut.
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
