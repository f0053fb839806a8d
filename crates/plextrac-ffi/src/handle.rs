//! What C points to, and who owns it.

use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::fork::ForkGeneration;
use crate::guard;
use crate::plextrac_error;

/// A type that C holds pointers to.
pub(crate) trait Handle: Sized {
    /// [`Boxed`] or [`Lent`]. Only what is boxed can be given away or freed; anything else does not
    /// compile.
    type Ownership;

    /// The process it belongs to, if it cannot be used in a child of that.
    fn birthplace(&self) -> Option<ForkGeneration> {
        None
    }
}

/// C owns it until it calls the free function.
pub(crate) enum Boxed {}
/// C may use it while a callback runs, and never owns it.
pub(crate) enum Lent {}

/// Hands `value` to C.
pub(crate) fn give<H: Handle<Ownership = Boxed>>(value: H) -> *mut H {
    Box::into_raw(Box::new(Guarded::new(value))).cast()
}

/// Takes back what [`give`] gave, and drops it. NULL is nothing.
///
/// # Safety
/// `handle` is NULL or came from [`give`], and is not used from here on.
pub(crate) unsafe fn free<H: Handle<Ownership = Boxed>>(handle: *mut H) {
    if !handle.is_null() {
        // SAFETY: it came from `give`, as the caller promises.
        let boxed = unsafe { Box::from_raw(handle.cast::<Guarded<H>>()) };
        if boxed.is_foreign() {
            // Its destructor would wait for threads that are not here, and hang up the parent's connections.
            std::mem::forget(boxed);
            return;
        }
        // A panic in a destructor cannot be reported: there is no handle any more.
        let _ = guard::caught(|| drop(boxed));
    }
}

/// Lends `value` to `borrower` and takes it back.
pub(crate) fn lend<H: Handle<Ownership = Lent>, T>(value: H, borrower: impl FnOnce(*mut H) -> T) -> (H, T) {
    let mut lent = Guarded::new(value);
    let answer = borrower(ptr::from_mut(&mut lent).cast());
    (lent.value, answer)
}

/// The handle, for functions that many threads may call at once.
///
/// # Safety
/// `handle` is NULL, or came from [`give`] or [`lend`] and lives for `'a`.
#[inline]
pub(crate) unsafe fn shared<'a, H: Handle>(
    handle: *const H,
    name: &'static str,
) -> Result<&'a H, plextrac_error> {
    let guarded = handle.cast::<Guarded<H>>();
    // SAFETY: as the caller promises.
    unsafe { usable(guarded, name)? };
    // SAFETY: not NULL, and as the caller promises.
    Ok(unsafe { &(*guarded).value })
}

/// The handle, for functions that one thread may call at a time.
///
/// # Safety
/// As for [`shared`]; and nothing else uses it for `'a`.
#[inline]
pub(crate) unsafe fn exclusive<'a, H: Handle>(
    handle: *mut H,
    name: &'static str,
) -> Result<&'a mut H, plextrac_error> {
    let guarded = handle.cast::<Guarded<H>>();
    // SAFETY: as the caller promises.
    unsafe { usable(guarded, name)? };
    // SAFETY: not NULL, and as the caller promises. The flag beside the value stays free to be read.
    Ok(unsafe { &mut (*guarded).value })
}

/// Makes a handle unusable: a panic may have left anything behind it.
///
/// # Safety
/// As for [`shared`].
pub(crate) unsafe fn poison<H: Handle>(handle: *const H) {
    let guarded = handle.cast::<Guarded<H>>();
    if !guarded.is_null() {
        // SAFETY: not NULL, and as the caller promises.
        unsafe { (*guarded).is_poisoned.store(true, Ordering::Release) };
    }
}

/// The value comes first, so that a pointer to this is a pointer to it.
#[repr(C)]
struct Guarded<H> {
    value: H,
    is_poisoned: AtomicBool,
}

impl<H> Guarded<H> {
    const fn new(value: H) -> Self {
        Self { value, is_poisoned: AtomicBool::new(false) }
    }
}

impl<H: Handle> Guarded<H> {
    /// Whether it was made before a fork that this process came from.
    fn is_foreign(&self) -> bool {
        self.value.birthplace().is_some_and(|place| !place.is_here())
    }
}

/// Whether a function may use a handle: the one place that says so.
///
/// # Safety
/// As for [`shared`].
#[inline]
unsafe fn usable<H: Handle>(guarded: *const Guarded<H>, name: &'static str) -> Result<(), plextrac_error> {
    if guarded.is_null() {
        return Err(plextrac_error::null(name));
    }
    // SAFETY: not NULL, and as the caller promises.
    if unsafe { (*guarded).is_poisoned.load(Ordering::Acquire) } {
        return Err(plextrac_error::poisoned(name));
    }
    // SAFETY: as above.
    if unsafe { (*guarded).is_foreign() } {
        return Err(plextrac_error::forked(name));
    }
    Ok(())
}
