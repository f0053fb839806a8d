//! One file for each command.

pub(crate) mod completion;
pub(crate) mod demo;
pub(crate) mod doctor;
pub(crate) mod emulator;
pub(crate) mod exec;
pub(crate) mod header;
pub(crate) mod keep;
pub(crate) mod login;
pub(crate) mod logout;
pub(crate) mod man;
pub(crate) mod profile;
pub(crate) mod request;
pub(crate) mod status;
#[cfg(feature = "redis")]
pub(crate) mod store_key;
pub(crate) mod token;
