//! A secret that was handed to the program.

use plextrac_auth_core::Secret;

use crate::handle::{self, Boxed, Handle};
use crate::text::Text;
use crate::{out, plextrac_str};

/// A header or cookie value. It is wiped when it is freed. If you copy it, wipe your copy.
pub struct plextrac_secret(Text);

impl Handle for plextrac_secret {
    type Ownership = Boxed;
}

impl plextrac_secret {
    pub(crate) fn new(secret: &Secret) -> Self {
        Self(Text::new(secret.expose().as_bytes()))
    }
}

/// The secret itself. Valid as long as the handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_secret_str(secret: *const plextrac_secret) -> plextrac_str {
    guarded!(or out::Empty::EMPTY => shared secret; { secret.0.view() })
}

/// Wipes and frees a secret.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_secret_free(secret: *mut plextrac_secret) {
    // SAFETY: the manual says that a handle is freed once, and by its own function.
    unsafe { handle::free(secret) };
}
