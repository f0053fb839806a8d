//! The core under an asynchronous engine: tokio and reqwest carry out what the core's coordinator decides.
//!
//! **In scope**: any number of tasks that share one account, one-time codes by TOTP, one budget for all accounts of an
//! instance, a new token and one retry after a 401. **Out of scope**: asking a person, sharing between processes.
//! `plextrac-transport`, which needs no async runtime, does both.
//!
//! ```text
//!  tasks ──► Account::{token, send} ──► Coordinator ──► Send: a task of its own ──► reqwest
//!                     ▲                    ▲   │                    │
//!                     └───── Wake ─────────┼───┘    answer, time    │
//!                                          └────────────────────────┘
//! ```
//!
//! A coordinator neither waits nor sends. So the lock around it is held for microseconds and never across an `await`.
//! A request goes on when the task that caused it is cancelled: the next caller uses its answer.
//!
//! reqwest does not wipe its copies of a request. Where other programs may read this one's memory, use
//! `plextrac-transport`.

#![forbid(unsafe_code)]

mod account;
mod clock;
mod engine;
mod error;

pub use account::Account;
pub use clock::{Clock, SystemClock};
pub use engine::Engine;
pub use error::Error;
