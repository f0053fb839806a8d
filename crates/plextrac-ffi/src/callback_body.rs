//! A body that callbacks of the program read.

use std::ffi::{c_char, c_void};
use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use crate::request::plextrac_rewind_fn;
use crate::userdata::{Userdata, plextrac_free_fn};

type ReadFn = unsafe extern "C" fn(*mut c_void, *mut c_char, usize) -> i64;

/// The callbacks of one body, and what they are given. It has one place that it is read at.
pub(crate) struct CallbackBody {
    read: ReadFn,
    rewind: plextrac_rewind_fn,
    pointer: *mut c_void,
    /// Frees what `pointer` points to, if that is this body's.
    owned: OnceLock<Userdata>,
    is_open: AtomicBool,
    was_opened: AtomicBool,
}

// SAFETY: as for `Userdata`: the manual says that callbacks run on the thread that makes the call, whichever that is.
unsafe impl Send for CallbackBody {}
// SAFETY: as above; `is_open` lets one reader call them at a time.
unsafe impl Sync for CallbackBody {}

impl CallbackBody {
    pub(crate) fn new(read: ReadFn, rewind: plextrac_rewind_fn, pointer: *mut c_void) -> Arc<Self> {
        Arc::new(Self {
            read,
            rewind,
            pointer,
            owned: OnceLock::new(),
            is_open: AtomicBool::new(false),
            was_opened: AtomicBool::new(false),
        })
    }

    /// From here on, the userdata is freed with this body.
    pub(crate) fn owns(&self, free: plextrac_free_fn) {
        let _ = self.owned.set(Userdata { pointer: self.pointer, free });
    }

    /// The body from its start.
    pub(crate) fn open(self: &Arc<Self>) -> io::Result<CallbackReader> {
        if self.is_open.swap(true, Ordering::Acquire) {
            return Err(io::Error::other("another call is sending it"));
        }
        let reader = CallbackReader(Arc::clone(self));
        if self.was_opened.swap(true, Ordering::Relaxed)
            && let Some(rewind) = self.rewind
        {
            // SAFETY: the program gave callback and userdata for each other.
            let failed = unsafe { rewind(self.pointer) };
            if failed != 0 {
                return Err(io::Error::other(format!("the rewind callback returned {failed}")));
            }
        }
        Ok(reader)
    }
}

/// The one reader of a body at a time.
pub(crate) struct CallbackReader(Arc<CallbackBody>);

impl Read for CallbackReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        // SAFETY: the program gave callback and userdata for each other; the buffer has room for so many bytes.
        let count = unsafe { (self.0.read)(self.0.pointer, buffer.as_mut_ptr().cast(), buffer.len()) };
        match usize::try_from(count) {
            Ok(count) if count <= buffer.len() => Ok(count),
            Ok(count) => Err(io::Error::other(format!(
                "the read callback returned {count}, and there was room for {} bytes",
                buffer.len()
            ))),
            Err(_) => Err(io::Error::other(format!("the read callback returned {count}"))),
        }
    }
}

impl Drop for CallbackReader {
    fn drop(&mut self) {
        self.0.is_open.store(false, Ordering::Release);
    }
}
