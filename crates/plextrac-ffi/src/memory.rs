//! The allocator of the two C libraries: what is freed is wiped.
//!
//! Our own secrets are wiped where they lie. What has passed through TLS is not: rustls frees a copy of each record that
//! it has read, the answer with the token among them. So all memory is wiped as it is freed.
//!
//! A program written in Rust chooses its allocator itself. Therefore this is here, and in no other crate.

use std::alloc::{GlobalAlloc, Layout, System};
use std::mem::MaybeUninit;
use std::slice;

use zeroize::Zeroize;

#[global_allocator]
static MEMORY: Wiped = Wiped;

/// The allocator of the system, with memory wiped before it goes back. A block that is resized takes the way that
/// the trait provides: a new one, a copy, and the old one freed through here.
struct Wiped;

// SAFETY: every block is one of the system's, with the layout it was asked for; that keeps the contract, and wiping is
// done while the block is still ours.
unsafe impl GlobalAlloc for Wiped {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller promises what `System` asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the block is as long as its layout says, and no other code uses it any more. It is not known whether
        // each byte was ever written. This type allows both.
        let bytes = unsafe { slice::from_raw_parts_mut(block.cast::<MaybeUninit<u8>>(), layout.size()) };
        bytes.zeroize();
        // SAFETY: the caller promises what `System` asks for.
        unsafe { System.dealloc(block, layout) }
    }
}
