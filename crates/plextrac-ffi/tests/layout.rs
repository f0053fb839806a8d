//! The structs that programs lay out themselves, as Rust sees them; tests/c/layout.c has the same as C sees them.

use std::ffi::c_char;
use std::mem::{align_of, offset_of, size_of};

use plextrac::{plextrac_str, plextrac_time};

#[test]
fn public_structs_lie_in_rust_as_they_lie_in_c() {
    assert_eq!(offset_of!(plextrac_str, data), 0);
    assert_eq!(offset_of!(plextrac_str, len), size_of::<*const c_char>());
    assert_eq!(size_of::<plextrac_str>(), 2 * size_of::<usize>());
    assert_eq!(align_of::<plextrac_str>(), align_of::<usize>());

    assert_eq!(offset_of!(plextrac_time, monotonic_ms), 0);
    assert_eq!(offset_of!(plextrac_time, unix_ms), 8);
    assert_eq!(size_of::<plextrac_time>(), 16);
    assert_eq!(align_of::<plextrac_time>(), align_of::<u64>());
}
