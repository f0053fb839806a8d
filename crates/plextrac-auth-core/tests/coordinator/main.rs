//! The coordinator: callers of one process, and processes on one store, in virtual time.

#[path = "../driver/mod.rs"]
mod driver;
mod harness;

mod claims;
mod closing;
mod codes;
mod conflicts;
mod crowds;
mod early;
mod engine;
mod joining;
mod keeping;
mod looking;
mod program;
mod records;
mod rejection;
mod sharing;
mod sign_out;
mod store_failures;
mod waiting;
