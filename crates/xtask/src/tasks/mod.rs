//! One file a task.

pub(crate) mod abi;
pub(crate) mod bench;
pub(crate) mod check;
pub(crate) mod header;
pub(crate) mod install;
pub(crate) mod manual;
pub(crate) mod model_check;
pub(crate) mod no_std;
pub(crate) mod sanitize;
pub(crate) mod states;
pub(crate) mod test;
pub(crate) mod tools;
