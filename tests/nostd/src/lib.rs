//! Proves by linking that `plextrac-auth-core` needs no std: this library brings the panic handler and the
//! allocator that std would bring, so a std anywhere among the core's dependencies is a second one, and an error.
//! `cargo xtask no-std` builds it, links it with libc alone and runs it.
#![no_std]

#[cfg(feature = "std-control")]
extern crate std;

mod arena;
mod panic;

/// Uses the core; 0 if it did what it should.
#[unsafe(no_mangle)]
pub extern "C" fn plextrac_nostd_probe() -> i32 {
    use plextrac_auth_core as _;
    0
}
