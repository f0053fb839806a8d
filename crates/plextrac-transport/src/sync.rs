//! Every lock of this crate comes through here, so that a model checker can take their place.

pub(crate) use parking_lot::{Condvar, Mutex, RwLock};
