//! Proves by linking that `plextrac-auth-core` needs no std: this library brings the panic handler and the
//! allocator that std would bring, so a std anywhere among the core's dependencies is a second one, and an error.
//! `cargo xtask test --only no_std` builds it, links it with libc alone and runs it.
#![no_std]

#[cfg(feature = "std-control")]
extern crate std;

mod arena;
mod panic;
mod sign_in;

/// Signs in with the core. 0: it got its token; else the number of the step that went wrong.
#[unsafe(no_mangle)]
pub extern "C" fn plextrac_nostd_probe() -> i32 {
    match sign_in::with_totp() {
        Ok(()) => 0,
        Err(step) => step as i32,
    }
}
