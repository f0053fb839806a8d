//! Which library this is.

use crate::plextrac_str;

/// The major version that this header belongs to.
pub const PLEXTRAC_VERSION_MAJOR: u32 = 0;
/// The minor version that this header belongs to.
pub const PLEXTRAC_VERSION_MINOR: u32 = 1;
/// The patch that this header belongs to.
pub const PLEXTRAC_VERSION_PATCH: u32 = 0;
/// The version as one number, MMmmpp: 1.2.3 is 10203.
pub const PLEXTRAC_VERSION_NUMBER: u32 = 100;
/// The version of the binary interface: the number after `libplextrac.so.`.
pub const PLEXTRAC_ABI_VERSION: u32 = 0;

/// The version of the loaded library, MMmmpp. Compare it with
/// `PLEXTRAC_VERSION_NUMBER`.
#[unsafe(no_mangle)]
pub extern "C" fn plextrac_version_number() -> u32 {
    PLEXTRAC_VERSION_NUMBER
}

/// The version of the binary interface of the loaded library. Programs built with another one do not
/// work.
#[unsafe(no_mangle)]
pub extern "C" fn plextrac_abi_version() -> u32 {
    PLEXTRAC_ABI_VERSION
}

/// The version of the loaded library, as text such as "1.2.3". Valid for ever.
#[unsafe(no_mangle)]
pub extern "C" fn plextrac_version() -> plextrac_str {
    const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "\0");
    match std::ffi::CStr::from_bytes_with_nul(VERSION.as_bytes()) {
        Ok(version) => plextrac_str::of_static(version),
        Err(_) => plextrac_str::of_static(c""),
    }
}

// The header is generated without evaluating code, so the numbers above are written out. This refuses to compile
// when they are not the package's.
const _: () = {
    assert!(PLEXTRAC_VERSION_MAJOR == number(env!("CARGO_PKG_VERSION_MAJOR")));
    assert!(PLEXTRAC_VERSION_MINOR == number(env!("CARGO_PKG_VERSION_MINOR")));
    assert!(PLEXTRAC_VERSION_PATCH == number(env!("CARGO_PKG_VERSION_PATCH")));
    assert!(
        PLEXTRAC_VERSION_NUMBER
            == PLEXTRAC_VERSION_MAJOR * 10000 + PLEXTRAC_VERSION_MINOR * 100 + PLEXTRAC_VERSION_PATCH
    );
};

const fn number(text: &str) -> u32 {
    match u32::from_str_radix(text, 10) {
        Ok(number) => number,
        Err(_) => panic!("a part of the version is not a number"),
    }
}
