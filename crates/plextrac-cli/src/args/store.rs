//! The arguments that name a store, and those of `store-key`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

#[cfg(feature = "redis")]
use super::Origins;

/// The store that several machines share.
#[derive(Debug, Default, Args)]
pub(crate) struct StoreArgs {
    /// Share sessions with other machines on this Redis or Valkey server, such as rediss://USER@HOST, and not in a state
    /// directory
    #[arg(long, value_name = "URL", env = "PLEXTRAC_STORE", hide_env_values = true)]
    pub(crate) store: Option<String>,

    /// The key that opens the store, in a file that only its user can read; `plextrac-auth store-key` makes one
    #[arg(long, value_name = "FILE", env = "PLEXTRAC_STORE_KEY_FILE", hide_env_values = true)]
    pub(crate) store_key_file: Option<PathBuf>,

    /// What to do while the store cannot be used [default: stop]
    #[arg(long, value_enum, env = "PLEXTRAC_STORE_DOWN", hide_env_values = true)]
    pub(crate) store_down: Option<StoreDown>,
}

/// What a run does while the shared store cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum StoreDown {
    /// Send no sign-in and no refresh, and exit with 6
    Stop,
    /// Sign in without the other machines; many machines that do so lock the account out
    Alone,
}

impl StoreDown {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Alone => "alone",
        }
    }

    pub(crate) fn of(name: &str) -> Option<Self> {
        [Self::Stop, Self::Alone].into_iter().find(|choice| choice.name() == name)
    }
}

#[cfg(feature = "redis")]
#[derive(Debug, Args)]
#[command(
    group = clap::ArgGroup::new("action").multiple(false),
    after_help = "\
Without an option the command prints a new key. Every machine that shares the store needs the same key.

To replace a key:
  plextrac-auth store-key --output new.key
  plextrac-auth store-key --add new.key           with the old key in --store-key-file
  give new.key to every machine
  plextrac-auth store-key --remove old.key        with the new key in --store-key-file"
)]
pub(crate) struct StoreKeyArgs {
    /// Write a new key to this file, which must not exist and which only its user can read
    #[arg(short, long, value_name = "FILE", group = "action")]
    pub(crate) output: Option<PathBuf>,

    /// Let the key in this file open the store as well
    #[arg(long, value_name = "FILE", group = "action")]
    pub(crate) add: Option<PathBuf>,

    /// No longer let the key in this file open the store; programs that run go on until they start again
    #[arg(long, value_name = "FILE", group = "action")]
    pub(crate) remove: Option<PathBuf>,

    /// List the ids of the keys that open the store, and mark the key of this run
    #[arg(long, group = "action")]
    pub(crate) list: bool,

    /// Use the store of this profile [default: the one that `profile use` has set]
    #[arg(long, value_name = "NAME", env = "PLEXTRAC_PROFILE", hide_env_values = true)]
    pub(crate) profile: Option<String>,

    #[command(flatten)]
    pub(crate) store: StoreArgs,

    #[arg(skip)]
    pub(crate) origins: Origins,
}
