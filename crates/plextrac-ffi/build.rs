//! The name that programs know the shared library by.
//!
//! What it exports is not said here: rustc hides everything but the functions for C, in a version script of its own beside
//! which GNU ld takes no other (docs/abi.md says what linkers answer). `symbols.txt` is what a test holds that against.

use std::path::Path;
use std::{env, io};

/// The number that `plextrac_abi_version` tells.
const ABI_VERSION: u32 = 0;

fn main() -> io::Result<()> {
    println!("cargo:rerun-if-changed=build.rs");
    if env::var("CARGO_CFG_TARGET_OS").as_deref() != Ok("linux") {
        return Ok(());
    }
    let name = format!("libplextrac.so.{ABI_VERSION}");
    println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,{name}");
    let out = env::var("OUT_DIR").map_err(io::Error::other)?;
    // target/PROFILE/build/PACKAGE/out
    match Path::new(&out).ancestors().nth(3) {
        Some(folder) => link_to_library(&folder.join(name)),
        None => Ok(()),
    }
}

/// A program linked with the library where cargo leaves it looks for it there under its own name.
#[cfg(unix)]
fn link_to_library(path: &Path) -> io::Result<()> {
    match std::fs::symlink_metadata(path) {
        Ok(_) => Ok(()),
        Err(_) => std::os::unix::fs::symlink("libplextrac.so", path),
    }
}

#[cfg(not(unix))]
fn link_to_library(_: &Path) -> io::Result<()> {
    Ok(())
}
