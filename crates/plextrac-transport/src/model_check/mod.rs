//! The single flight under a model checker: `RUSTFLAGS="--cfg plextrac_shuttle" cargo test -p plextrac-transport --lib
//! model_check`, or `cargo xtask test --only model`.
//!
//! [shuttle](https://docs.rs/shuttle) runs each test thousands of times, and at every lock, atomic and wait lets
//! another thread go on, by chance or by a scheduler that is good at rare orders. A wake-up that is lost is found as a
//! deadlock, for in a model nobody is ever out of time. A failing run prints a schedule that replays it.
//!
//! What is real here: session, flight, machine, budget, live token, cancellation, memory store. What is not: the network.

mod instance;
#[cfg(test)]
mod runs;

pub(crate) use instance::HttpClient;
