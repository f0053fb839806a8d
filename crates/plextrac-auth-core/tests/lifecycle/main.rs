//! Whole lives of a session in virtual time, against a scripted server.

#[path = "../driver/mod.rs"]
mod driver;

mod failures;
mod lockout;
mod not_sent;
mod secrets;
mod shared_record;
mod sign_in;
mod token_life;
mod totp;
mod unauthorized;
