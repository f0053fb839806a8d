//! The store against a real engine, which the tests start on the loopback device.

mod access;
mod failover;
mod harness;
mod keys;
mod records;
mod sessions;
