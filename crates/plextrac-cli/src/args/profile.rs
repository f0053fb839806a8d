//! The arguments of `plextrac-auth profile`.

use clap::{Args, Subcommand};

#[derive(Debug, Args)]
#[command(after_help = "\
A profile holds the settings of one account, and no secret. `login --save` makes one; the file that holds them can be
edited by hand, and `profile list` says where it is. A setting comes from the first of: a flag, the environment, the
profile, a question on the terminal.")]
pub(crate) struct ProfileArgs {
    #[command(subcommand)]
    pub(crate) action: ProfileAction,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ProfileAction {
    /// List the profiles; a star marks the default
    List(ListArgs),
    /// Show the settings of a profile
    Show(ShowArgs),
    /// Make a profile the default
    Use(NameArgs),
    /// Remove a profile; its session stays until `logout`
    Remove(NameArgs),
}

#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// As one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// The profile [default: the default profile]
    pub(crate) name: Option<String>,

    /// As one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct NameArgs {
    /// The profile
    pub(crate) name: String,
}
