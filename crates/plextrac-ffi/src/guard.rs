//! The macro around the body of every function that C calls.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Guards a body: clears out-parameters, checks the arguments, and catches panics.
///
/// Arguments are listed by kind. Inside the body their names have these Rust types:
///
/// | kind | C | in the body |
/// |---|---|---|
/// | `shared x` | `const T *x` | `&T` |
/// | `exclusive x` | `T *x` | `&mut T` |
/// | `optional x` | `const T *x`, may be NULL | `Option<&T>` |
/// | `text (x, len)` | `const char *x, size_t len` | `&str` |
/// | `bytes (x, len)` | `const char *x, size_t len` | `&[u8]` |
/// | `callback x` | a function pointer | a function pointer that is not NULL |
/// | `out x` | `T *x` | [`Out<T>`](crate::out::Out) |
///
/// `guarded!(err => …; { … })` returns a status and fills `err`. Its body ends with `?` or `()`.
/// `guarded!(or value => …; { … })` returns the value of the body, or `value` if an argument is invalid or a panic occurs.
/// After a panic the handles of the call are unusable, except optional ones.
macro_rules! guarded {
    (or $otherwise:expr => $($kind:ident $argument:tt),+; $body:block) => {{
        $( guarded!(@empty $kind $argument); )+
        let outcome = $crate::guard::caught(|| -> Result<_, $crate::plextrac_error> {
            $( guarded!(@take $kind $argument); )+
            Ok($body)
        });
        match outcome {
            Some(Ok(answer)) => answer,
            Some(Err(_)) => $otherwise,
            None => {
                $( guarded!(@poison $kind $argument); )+
                $otherwise
            }
        }
    }};
    ($err:ident => $($kind:ident $argument:tt),+; $body:block) => {{
        // SAFETY: `err` is NULL or may be written to, as the manual asks.
        unsafe { $crate::out::empty($err) };
        $( guarded!(@empty $kind $argument); )+
        let outcome = $crate::guard::caught(|| -> Result<(), $crate::plextrac_error> {
            $( guarded!(@take $kind $argument); )+
            let () = $body;
            Ok(())
        });
        let outcome = outcome.unwrap_or_else(|| {
            $( guarded!(@poison $kind $argument); )+
            Err($crate::plextrac_error::panicked())
        });
        // SAFETY: as above.
        unsafe { $crate::error::report(outcome, $err) }
    }};

    (@empty out $x:ident) => {
        // SAFETY: an out-parameter is NULL or may be written to, as the manual asks.
        unsafe { $crate::out::empty($x) };
    };
    (@empty $kind:ident $argument:tt) => {};

    (@take shared $x:ident) => {
        // SAFETY: a handle is NULL or lives until its free function is called, as the manual asks.
        let $x = unsafe { $crate::handle::shared($x, stringify!($x)) }?;
    };
    (@take exclusive $x:ident) => {
        // SAFETY: as for a shared handle; and no other thread uses it meanwhile, as the manual asks.
        let $x = unsafe { $crate::handle::exclusive($x, stringify!($x)) }?;
    };
    (@take optional $x:ident) => {
        let $x = if $x.is_null() {
            None
        } else {
            // SAFETY: as for a shared handle.
            Some(unsafe { $crate::handle::shared($x, stringify!($x)) }?)
        };
    };
    (@take text ($x:ident, $len:ident)) => {
        // SAFETY: a text is NULL, or as long as its length says, or followed by a NUL, as the manual asks.
        let $x = unsafe { $crate::text::text($x, $len, stringify!($x)) }?;
    };
    (@take bytes ($x:ident, $len:ident)) => {
        // SAFETY: as for a text.
        let $x = unsafe { $crate::text::bytes($x, $len, stringify!($x)) }?;
    };
    (@take callback $x:ident) => {
        let $x = $x.ok_or_else(|| $crate::plextrac_error::null(stringify!($x)))?;
    };
    (@take out $x:ident) => {
        let $x = $crate::out::Out::new($x, stringify!($x))?;
    };

    (@poison shared $x:ident) => {
        // SAFETY: the handle was good when the body began, and nothing has freed it since.
        unsafe { $crate::handle::poison($x) };
    };
    (@poison exclusive $x:ident) => {
        // SAFETY: as for a shared handle; the body's reference to it has ended.
        unsafe { $crate::handle::poison($x) };
    };
    (@poison $kind:ident $argument:tt) => {};
}

/// Runs `body`; nothing if it panicked.
pub(crate) fn caught<T>(body: impl FnOnce() -> T) -> Option<T> {
    // Data that a panic left inconsistent is behind a poisoned handle, so it cannot be reached.
    catch_unwind(AssertUnwindSafe(body)).ok()
}

#[cfg(test)]
mod tests {
    use std::ptr;

    use crate::handle::{self, Boxed, Handle};
    use crate::*;

    struct Bomb {
        fuse: u32,
    }

    impl Handle for Bomb {
        type Ownership = Boxed;
    }

    unsafe extern "C" fn light(bomb: *mut Bomb, err: *mut *mut plextrac_error) -> i32 {
        guarded!(err => exclusive bomb; {
            bomb.fuse = bomb.fuse.checked_sub(1).expect("boom");
        })
    }

    unsafe extern "C" fn fuse(bomb: *const Bomb, out: *mut u64) -> bool {
        guarded!(or false => shared bomb, out out; {
            assert_ne!(bomb.fuse, 7, "boom");
            out.set(u64::from(bomb.fuse));
            true
        })
    }

    fn message(err: *mut plextrac_error) -> String {
        let text = unsafe { plextrac_error_message(err) };
        let bytes = unsafe { std::slice::from_raw_parts(text.data.cast::<u8>(), text.len) };
        let message = String::from_utf8(bytes.to_vec()).unwrap();
        unsafe { plextrac_error_free(err) };
        message
    }

    #[test]
    fn a_panic_becomes_a_status_and_ends_the_handle() {
        let bomb = handle::give(Bomb { fuse: 1 });
        let mut err = ptr::null_mut();
        assert_eq!(unsafe { light(bomb, &mut err) }, PLEXTRAC_OK, "control");
        assert!(err.is_null());
        for _ in 0..2 {
            assert_eq!(unsafe { light(bomb, &mut err) }, PLEXTRAC_PANIC);
            assert!(message(err).contains("free it"));
        }
        let mut out = 9;
        assert!(!unsafe { fuse(bomb, &mut out) }, "other functions see it too");
        assert_eq!(out, 0);
        unsafe { handle::free(bomb) };
    }

    #[test]
    fn a_panic_without_a_status_is_the_empty_answer() {
        let bomb = handle::give(Bomb { fuse: 7 });
        let mut out = 9;
        assert!(!unsafe { fuse(bomb, &mut out) });
        assert_eq!(out, 0);
        assert_eq!(unsafe { light(bomb, ptr::null_mut()) }, PLEXTRAC_PANIC);
        unsafe { handle::free(bomb) };
    }

    #[test]
    fn null_is_an_error_that_names_the_parameter() {
        let mut err = ptr::null_mut();
        assert_eq!(unsafe { light(ptr::null_mut(), &mut err) }, PLEXTRAC_INVALID_ARGUMENT);
        assert!(message(err).contains("bomb"));
        let bomb = handle::give(Bomb { fuse: 1 });
        assert!(!unsafe { fuse(bomb, ptr::null_mut()) });
        unsafe { handle::free(bomb) };
    }
}
