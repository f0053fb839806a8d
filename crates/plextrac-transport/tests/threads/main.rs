//! One session, many threads: interleavings that are forced, not hoped for.

#[path = "../stage/mod.rs"]
mod stage;

mod budget;
mod callbacks;
mod closing;
mod crowds;
mod failing;
mod held;
mod leaving;
mod outside;
mod windows;
