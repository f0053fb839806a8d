//! Out-parameters: empty from the first moment on, and a value only on success.

use std::ptr;

use crate::{plextrac_error, plextrac_str};

/// What an out-parameter holds until there is a value.
pub(crate) trait Empty {
    const EMPTY: Self;
}

impl<T> Empty for *mut T {
    const EMPTY: Self = ptr::null_mut();
}

impl Empty for plextrac_str {
    const EMPTY: Self = Self { data: ptr::null(), len: 0 };
}

macro_rules! zero_is_empty {
    ($($number:ty),+) => { $( impl Empty for $number { const EMPTY: Self = 0; } )+ };
}
zero_is_empty!(u16, u64, i64, usize);

impl Empty for bool {
    const EMPTY: Self = false;
}

/// An out-parameter that is not NULL. It stays a pointer, because a caller may pass the same one
/// twice.
pub(crate) struct Out<T>(*mut T);

impl<T> Out<T> {
    pub(crate) fn new(out: *mut T, name: &'static str) -> Result<Self, plextrac_error> {
        if out.is_null() { Err(plextrac_error::null(name)) } else { Ok(Self(out)) }
    }

    pub(crate) fn set(&self, value: T) {
        // SAFETY: not NULL, and `empty` has written to it before.
        unsafe { self.0.write(value) };
    }
}

/// Empties an out-parameter before anything can fail.
///
/// # Safety
/// `out` is NULL or may be written to.
pub(crate) unsafe fn empty<T: Empty>(out: *mut T) {
    if !out.is_null() {
        // SAFETY: as the caller promises.
        unsafe { out.write(T::EMPTY) };
    }
}
