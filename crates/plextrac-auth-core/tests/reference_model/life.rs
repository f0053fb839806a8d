//! A random life: what two sessions are set up with, and what happens to them.

use plextrac_auth_core::TransportFailure;
use proptest::prelude::*;

use crate::driver::FAILURES;

#[derive(Clone, Debug)]
pub(crate) struct Setup {
    pub(crate) limit: u32,
    pub(crate) mfa: [u8; 2],
    /// Both sessions are of one account, and share its record.
    pub(crate) shares: bool,
    pub(crate) life_s: i64,
    pub(crate) seed: u64,
}

#[derive(Clone, Debug)]
pub(crate) enum Step {
    Want {
        fresh: bool,
        patience_s: Option<u64>,
    },
    Withdraw,
    Answer(Answer),
    Fails(TransportFailure),
    Stale,
    OneTimeCode(u8),
    AbandonMfa,
    Unauthorized {
        is_old: bool,
    },
    Forget,
    SignOut,
    Poll,
    Pass(u64),
    /// To the moment that the last output named, so many milliseconds off.
    ToMoment(i64),
    WallClock(i64),
}

#[derive(Clone, Debug)]
pub(crate) enum Answer {
    /// The server made it this long after the request went out, as a share of the way in percent.
    Token(u64),
    Challenge,
    Rejected,
    BareUnauthorized,
    RateLimited(u64),
    Html,
    ServerError,
    HostileToken,
}

pub(crate) fn setups() -> impl Strategy<Value = Setup> {
    let life = prop_oneof![Just(900), Just(60), 5_i64..2000];
    (2_u32..8, [0_u8..3, 0_u8..3], any::<bool>(), life, any::<u64>())
        .prop_map(|(limit, mfa, shares, life_s, seed)| Setup { limit, mfa, shares, life_s, seed })
}

/// Each step is about one of the two sessions.
pub(crate) fn steps() -> impl Strategy<Value = (usize, Step)> {
    let patience = prop_oneof![Just(None), (0_u64..60).prop_map(Some)];
    let step = prop_oneof![
        8 => (any::<bool>(), patience).prop_map(|(fresh, patience_s)| Step::Want { fresh, patience_s }),
        1 => Just(Step::Withdraw),
        10 => answers().prop_map(Step::Answer),
        2 => prop::sample::select(FAILURES.to_vec()).prop_map(Step::Fails),
        1 => Just(Step::Stale),
        4 => (0_u8..3).prop_map(Step::OneTimeCode),
        1 => Just(Step::AbandonMfa),
        2 => any::<bool>().prop_map(|is_old| Step::Unauthorized { is_old }),
        1 => Just(Step::Forget),
        1 => Just(Step::SignOut),
        2 => Just(Step::Poll),
        6 => prop_oneof![0_u64..2_000, 0_u64..70_000, 0_u64..1_000_000].prop_map(Step::Pass),
        4 => (-1_i64..2).prop_map(Step::ToMoment),
        1 => prop_oneof![Just(0), Just(-86_400_000), Just(86_400_000), -60_000_i64..60_000].prop_map(Step::WallClock),
    ];
    (0_usize..2, step)
}

pub(crate) fn answers() -> impl Strategy<Value = Answer> {
    prop_oneof![
        6 => (0_u64..=100).prop_map(Answer::Token),
        6 => Just(Answer::Challenge),
        2 => Just(Answer::Rejected),
        1 => Just(Answer::BareUnauthorized),
        1 => (0_u64..200).prop_map(Answer::RateLimited),
        1 => Just(Answer::Html),
        1 => Just(Answer::ServerError),
        1 => Just(Answer::HostileToken),
    ]
}
