//! Requests with a session's token: what goes out, what comes back, and what never leaves.

#[path = "../stage/mod.rs"]
mod stage;

mod bodies;
mod elsewhere;
mod limits;
mod secrets;
mod streams;
mod unauthorized;
