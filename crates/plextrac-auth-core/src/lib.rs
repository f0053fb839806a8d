//! Signing in to PlexTrac and staying signed in: every decision, and nothing else.
//!
//! **In scope**: sign-in with and without MFA, the life of a token, when to refresh, the budget of
//! authentication requests an instance allows, what a failure means and when to try again, what is
//! never sent twice.
//!
//! **Out of scope**: sockets, TLS, clocks, threads, files, randomness, prompts. This crate does no I/O,
//! reads no clock and needs no std; whoever drives it brings those. `plextrac-transport` is such a driver.
//!
//! ```text
//!            want, response, code, 401 …                   time
//!                      │                                    │
//!                      ▼                                    ▼
//!   driver ──► Machine::{want, handle_…, submit_…}   Machine::poll(budget, now)
//!      ▲                                                    │
//!      └── Send · NeedCode · Wait until T, because R · Event ◄──┘
//! ```
//!
//! There is one rule: **after an input, poll until [`Output::is_last`]**. Six steps drive a machine:
//!
//! 1. hand in a [`Want`];
//! 2. [`poll`](Machine::poll);
//! 3. on [`Output::Send`], send the request and hand in its answer, or how it failed, under its id;
//! 4. on [`Output::NeedCode`], hand in a one-time code;
//! 5. on [`Output::Wait`], come back when the moment it names has come or something is handed in;
//! 6. on [`Output::Event`], tell whoever wants to know; when a token came, use
//!    [`authorization`](Machine::authorization).
//!
//! ```
//! use plextrac_auth_core::{
//!     Budget, Config, Credentials, Event, FingerprintKey, Instance, Machine, Output, Response, Seed, Time, Want,
//! };
//!
//! let instance = Instance::parse("acme.plextrac.com")?;
//! let mut config = Config::new(instance);
//! config.credentials = Some(Credentials::new("someone@acme.example", "correct horse")?);
//! // Real programs take both numbers from a random source.
//! let seed = Seed { draws: 1, key: FingerprintKey::new([7; 32]) };
//!
//! let (mut budget, start) = (Budget::default(), Time::from_millis(0, 1_700_000_000_000));
//! let mut machine = Machine::new(config, seed, start);
//! machine.want(Want::default())?;
//! let Output::Send(request) = machine.poll(&mut budget, start) else { panic!() };
//! assert_eq!(request.url, "https://acme.plextrac.com/api/v1/authenticate");
//! assert!(machine.poll(&mut budget, start).is_last());
//!
//! let body = br#"{"status":"success","tenant_id":0,"token":"abc.def.ghi","cookie":"j.k.l"}"#;
//! let answer = Response { status: 200, headers: &[], body };
//! machine.handle_response(request.id, &answer, start)?;
//! let Output::Event(Event::SignedIn { .. }) = machine.poll(&mut budget, start) else { panic!() };
//! assert!(machine.poll(&mut budget, start).is_last());
//! assert_eq!(machine.authorization(start).unwrap().expose(), "abc.def.ghi");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The facts about PlexTrac's API that this rests on, and how far each can be trusted, are in
//! `docs/protocol.md`.

#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(not(test), warn(clippy::unwrap_used))]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod account_record;
mod answer;
mod backoff;
mod budget;
mod budget_record;
mod claim;
mod coordinator;
mod credential;
mod failure;
mod fingerprint;
mod http_date;
mod instance;
mod json;
mod keeper_entry;
mod machine;
mod output;
mod rate_limit;
mod record;
mod refresh_window;
mod request;
mod response;
mod secret;
mod split_mix;
mod store;
pub mod table;
mod time;
mod token;
mod totp;

pub use account_record::{MAX_RECORD, RECORD_VERSION, TokenIdentity};
pub use answer::MAX_BODY;
pub use budget::{Budget, BudgetRecord, COUNTED_AFTER_ANSWER, DEFAULT_PER_MINUTE, OutOfRange, Place, Ticket};
pub use claim::{CLAIM_LEASE, Claim, ClaimOwner, ClaimedWork};
pub use coordinator::{
    Action, CallerId, Coordinator, Keep, KeepEnd, Keeper, Limits, Need, OperationId, Prompt, StoreConfig,
    Wait, Watch, Write,
};
pub use credential::{
    CredentialError, CredentialErrorKind, CredentialField, Credentials, ImportedToken, MfaSource,
    OneTimeCode, Scheme,
};
pub use failure::{Failure, FailureKind, TransportFailure};
pub use fingerprint::{Fingerprint, FingerprintKey};
pub use instance::{Instance, InstanceError, is_localhost};
pub use machine::{
    CHALLENGE_LIFE, Config, InputError, Machine, NotUsable, Seed, State, UNAUTHORIZED_MUTED, Urgency,
    Verdict, Want,
};
pub use output::{Event, Output, WaitReason};
pub use rate_limit::{DEFAULT_WAIT, MAX_WAIT, MIN_WAIT};
pub use record::{SharedBackoff, SharedRecord, SharedToken, Stamp};
pub use refresh_window::{ASSUMED_LIFE, Age, Windows};
pub use request::{Body, Call, Request, RequestId};
pub use response::Response;
pub use secret::Secret;
pub use store::{OnStoreFailure, RecordKind, StoreTime, StoredRecord, Version, WriteOutcome};
pub use time::{Instant, Time, UnixTime};
pub use token::{Generation, Origin, Token};
pub use totp::TotpSecret;
