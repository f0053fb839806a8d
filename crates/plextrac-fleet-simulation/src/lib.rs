//! Fleets in virtual time: the coordinator of `plextrac-auth-core`, 10 to 100,000 times.
//!
//! In scope: what a fleet of processes costs the instance and the store, and how long the processes wait. Out of scope:
//! the accidents of single machines (suspend, reboots, full disks); `tests/simulation` of the core has those.
//!
//! A client is a process with one [`Coordinator`](plextrac_auth_core::Coordinator). It is driven as
//! `plextrac-transport` drives it: every request and every store operation takes effect later, and its result comes
//! later still. The records are the coordinator's own bytes.
//!
//! ```text
//!   Plan ──► run ──► clients ──► store: one queue, conditional writes, notices, a clock that changes at a failover
//!                      │  ▲
//!                      ▼  │
//!                   instance: ten authentication requests a minute          ──► Report
//! ```
//!
//! Everything follows from the seed of the [`Plan`]: two runs of one plan give the same [`Report`].

#![forbid(unsafe_code)]

mod client;
mod driving;
mod instance;
mod plan;
mod random;
mod report;
mod store;
mod world;

pub use plan::{Behaviour, Control, Mfa, Mishap, Plan, StoreModel};
pub use report::Report;
pub use world::run;
