//! The arguments of `plextrac-auth keep`.

use std::time::Duration;

use clap::Args;

use super::AccountArgs;
use crate::durations;

#[derive(Debug, Args)]
#[command(after_help = "\
The command keeps the session that `login` has left in the state directory. It needs neither password nor code. An account \
has one keeper: a second one sets the later end, stands by, and takes over when the first one is gone.

It exits with 0 when the time is over or after `logout`. If the session ends and a one-time code is needed for a new one, \
as after a suspend that is longer than the life of a token, it exits with 3.")]
pub(crate) struct KeepArgs {
    /// How long, such as 8h, 30m, 90s or 1h30m; at most 31 days
    #[arg(long = "for", value_name = "DURATION", value_parser = durations::parse)]
    pub(crate) duration: Duration,

    /// Report as JSON objects, one a line; durations in milliseconds
    #[arg(long)]
    pub(crate) json: bool,

    /// For `login --keep`: leave the session of the terminal, and end at once if another process keeps the account's
    /// session
    #[arg(long, hide = true)]
    pub(crate) in_background: bool,

    #[command(flatten)]
    pub(crate) account: AccountArgs,
}
