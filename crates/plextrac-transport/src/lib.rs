//! Signs programs in to PlexTrac over HTTP, and keeps them signed in.
//!
//! **In scope**: every effect that `plextrac-auth-core` leaves to its driver. HTTP and TLS (blocking, on ureq and
//! rustls), clocks, threads, waiting, asking for one-time codes, and requests that carry the token.
//!
//! **Out of scope**: decisions. The core's coordinator decides when to refresh, what a failure means, what is never sent
//! again, which caller waits, and when a record is read or written.
//!
//! ```text
//!   callers ──► Session ──► live token ─────────────► Authorization
//!                  │ (none, or its time has come)
//!                  ▼
//!               Coordinator (core) ◄── Budget, one per instance
//!                  │  action ▲ input
//!                  ▼         │
//!               worker threads ──► HTTP client ──► PlexTrac
//!                            └───► store
//! ```
//!
//! ```no_run
//! # fn main() -> Result<(), plextrac_transport::Error> {
//! use plextrac_transport::{Session, SessionConfig};
//!
//! let mut config = SessionConfig::new("https://acme.plextrac.com")?;
//! config.password("someone@acme.example", "correct horse")?.totp_secret("GEZDGNBVGY3TQOJQ")?;
//! let session = Session::new(&config)?;
//! let answer = session.post_json("/api/v1/client/create", &serde_json::json!({ "name": "ACME" }))?;
//! println!("{}: {:?}", answer.status(), answer.body());
//! # Ok(()) }
//! ```
//!
//! Nothing secret is logged by this crate. ureq's protocol crate dumps raw bytes at the `trace` level of the `log`
//! crate: a program that turns that on for the target `ureq_proto` writes its token to its log.

#![cfg_attr(not(test), warn(clippy::unwrap_used))]
// A model has no network.
#![cfg_attr(plextrac_shuttle, allow(dead_code))]

mod aligned_secret;
mod attached_store;
mod budget;
mod callback;
mod cancel;
mod clock;
mod config;
mod driver;
mod error;
mod event;
mod exchange;
pub mod fork;
mod header;
mod http;
mod live;
mod mfa;
#[cfg(plextrac_shuttle)]
mod model_check;
mod probe;
mod progress;
mod record_names;
mod request;
mod response;
mod seed;
mod session;
mod shared;
mod store;
mod sync;

pub use cancel::{CancelToken, TriggerGuard};
pub use clock::{Clock, Instant, SystemClock, Time};
pub use config::SessionConfig;
pub use error::{Error, ErrorCode};
pub use event::{Counters, SessionEvent};
pub use exchange::{Exchange, Outline};
pub use http::{CaBundle, ClientCertificate, HttpEvent, ProxySetting, Roots};
pub use mfa::MfaPrompt;
pub use plextrac_auth_core::{
    ClaimOwner, ClaimedWork, MAX_RECORD, OnStoreFailure, Scheme, Secret, StoreTime, StoredRecord, Version,
    WriteOutcome,
};
pub use probe::{Probe, probe};
pub use progress::{Progress, Transfer};
pub use request::Request;
pub use response::Response;
pub use seed::random_seed;
#[cfg(not(plextrac_shuttle))]
pub use session::stream::StreamedResponse;
pub use session::{ForeignClaim, KeepEnd, Keeper, Session, SessionState, Status};
#[cfg(any(test, feature = "conformance"))]
pub use store::conformance as store_conformance;
pub use store::{
    CallLimits, DirectoryStore, MemoryStore, Presence, RecordStore, StoreError, StoreErrorKind, Watched,
};

/// The Rust program in the README compiles.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
