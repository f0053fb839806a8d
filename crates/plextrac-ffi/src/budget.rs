//! The budget of authentication requests that several machines share.

use std::sync::{Arc, Mutex, PoisonError};

use plextrac_auth_core::Budget;
use plextrac_transport::fork;

use crate::handle::{self, Boxed, Handle};
use crate::plextrac_error;

/// The authentication requests a minute that all machines of one instance may send together. It has
/// its own lock.
pub struct plextrac_budget {
    pub(crate) shared: SharedBudget,
}

/// The budget, by whichever machine it is used: of this process, and of a child that comes of it.
#[derive(Clone)]
pub(crate) struct SharedBudget(Arc<Mutex<Budget>>);

impl SharedBudget {
    pub(crate) fn new(per_minute: u32) -> Result<Self, plextrac_error> {
        let budget = Budget::new(per_minute).map_err(|error| plextrac_error::invalid(error.to_string()))?;
        Ok(Self(Arc::new(Mutex::new(budget))))
    }

    /// Lends it, with no fork in between: a child finds it whole, and free.
    pub(crate) fn spend<T>(&self, spend: impl FnOnce(&mut Budget) -> T) -> T {
        let _undivided = fork::undivided();
        spend(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Handle for plextrac_budget {
    type Ownership = Boxed;
}

/// Makes a budget for all machines of one instance: for all accounts and all event loops.
/// Errors: `PLEXTRAC_INVALID_ARGUMENT` if `per_minute` is not 2 to 60. An instance accepts 10 from
/// all clients together; 6 is a good share.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_budget_new(
    per_minute: u32,
    out: *mut *mut plextrac_budget,
    err: *mut *mut plextrac_error,
) -> i32 {
    guarded!(err => out out; {
        let shared = SharedBudget::new(per_minute)?;
        out.set(handle::give(plextrac_budget { shared }));
    })
}

/// Frees the handle. Configurations and machines that have the budget keep it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plextrac_budget_free(budget: *mut plextrac_budget) {
    // SAFETY: the manual says that a handle is freed once, and by its own function.
    unsafe { handle::free(budget) };
}
