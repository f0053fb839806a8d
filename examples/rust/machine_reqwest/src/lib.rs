//! The core under an asynchronous engine: tokio and reqwest do what `plextrac-auth-core`'s machine decides.
//!
//! **In scope**: one flight per account among any number of tasks, six digits by TOTP, one budget for all accounts of
//! an instance, a new token and one retry after a 401. **Out of scope**: asking a person, sharing between processes;
//! `plextrac-transport`, which needs no async runtime, does both.
//!
//! ```text
//!  tasks ──► Account::{token, send} ──► Machine ──► a flight, on a task of its own ──► reqwest
//!                     ▲                    ▲                        │
//!                     └── who waits ◄──────┴──── answer, time ◄─────┘
//! ```
//!
//! A machine neither waits nor sends, so the lock around it is held for microseconds and never across an `await`.
//! A flight outlives the task that started it: a sign-in whose caller was cancelled is not a request wasted.
//!
//! What reqwest copies of a request it does not wipe; where memory may be read by others, `plextrac-transport` is the
//! better engine.

#![forbid(unsafe_code)]

mod account;
mod clock;
mod engine;
mod error;
mod flight;

pub use account::Account;
pub use clock::{Clock, SystemClock};
pub use engine::Engine;
pub use error::{Error, NoToken};
