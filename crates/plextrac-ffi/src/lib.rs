//! The C library `libplextrac`: the interface of `plextrac-transport` and `plextrac-auth-core` for other languages.
//!
//! **In scope**: handles, text, errors, callbacks and panics at the boundary to C.
//!
//! **Out of scope**: anything that decides or sends. A function here checks its arguments, makes one call, and
//! returns its result.
//!
//! The manual is the first page of `include/plextrac.h`. That header is generated from the declarations and the
//! comments in here, so these are written for C programmers.
//!
//! ```text
//!   plumbing                                a file for each C type
//!   guard    one macro around every body    secret  cancel  budget  config  mfa  log
//!   handle   owners of what C points to      session request response        (level 1)
//!   text     strings in and out             stream
//!   callback_body                           machine action                  (level 2)
//!   out      out-parameters                 status  error  time  version
//!   userdata the data of a callback  
//!   fork     handles from before a fork
//!   memory   wipes freed memory
//!   panics   for tests: bugs on purpose
//! ```
//!
//! This library installs no logger. A program that loads it cannot install one either, because the library has its own
//! copy of the `log` crate. So the protocol traces of its HTTP client, which would show tokens, are never logged. They
//! are not compiled out, because the features of `log` apply to everything that is built with this crate, and a Rust
//! program would then lose its own log.

#![cfg_attr(
    test,
    allow(clippy::undocumented_unsafe_blocks, reason = "tests hand in what they made themselves")
)]
#![allow(unsafe_code, reason = "this is the crate that talks to C")]
#![allow(non_camel_case_types, reason = "types have the names they have in C")]
#![allow(
    clippy::missing_safety_doc,
    reason = "what a C caller has to keep to is the same for all functions, and is the manual on the header's first page"
)]

#[macro_use]
mod guard;
mod callback_body;
mod fork;
mod handle;
mod lines;
mod memory;
mod out;
#[cfg(all(debug_assertions, target_os = "linux"))]
mod panics;
mod text;
mod userdata;

// The header has its chapters in the order of these.
mod error;
mod secret;
mod status;
mod store;
mod time;
mod version;

mod budget;
mod cancel;
mod config;
mod log;
mod mfa;

mod session;

mod request;
mod response;
mod stream;

mod machine;

mod action;

pub use action::*;
pub use budget::*;
pub use cancel::*;
pub use config::*;
pub use error::*;
pub use log::*;
pub use machine::*;
pub use mfa::*;
pub use request::*;
pub use response::*;
pub use secret::*;
pub use session::*;
pub use status::*;
pub use stream::*;
pub use text::plextrac_str;
pub use time::*;
pub use userdata::plextrac_free_fn;
pub use version::*;
