//! What std would bring for a panic; here it ends the process.

use core::panic::PanicInfo;

unsafe extern "C" {
    safe fn abort() -> !;
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    abort()
}

// The compiled `alloc` that comes with the toolchain was built to unwind and names these two; with
// panic = "abort" nothing calls them.

#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() {
    abort()
}

#[unsafe(no_mangle)]
extern "C" fn _Unwind_Resume() {
    abort()
}
