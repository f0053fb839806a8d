//! One file a task.

pub(crate) mod bench;
pub(crate) mod check;
pub(crate) mod generate;
pub(crate) mod install;
pub(crate) mod sanitize;
pub(crate) mod simulate;
pub(crate) mod test;
pub(crate) mod tools;
