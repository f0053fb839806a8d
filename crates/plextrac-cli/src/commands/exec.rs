//! `plextrac-auth exec -- COMMAND`: a live token in the environment of one command.

use std::process::Command;

use crate::account::{self, Purpose, Shown};
use crate::args::ExecArgs;
use crate::exit::Failure;

pub(crate) fn run(args: &ExecArgs) -> Result<(), Failure> {
    let (program, arguments) = args
        .command
        .split_first()
        .ok_or_else(|| Failure::usage("there is no command to run; give one after --"))?;
    let account = account::open(&args.account, Purpose::Use)?;
    let shown = Shown::of(&account, &args.account)?;
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env("PLEXTRAC_URL", account.status().instance)
        .env("PLEXTRAC_TOKEN", shown.token())
        .env("PLEXTRAC_AUTHORIZATION", shown.authorization())
        // What the token is got with is more than the command needs.
        .env_remove("PLEXTRAC_PASSWORD")
        .env_remove("PLEXTRAC_TOTP_SECRET");
    // The next step leaves nothing of this process, so what is under way has to end first.
    drop(account);
    become_it(command).map_err(|error| {
        Failure::other(format!("{} could not be started: {error}", program.to_string_lossy()))
    })
}

/// Takes the place of this process, so that signals and the exit code are the command's own.
#[cfg(unix)]
fn become_it(mut command: Command) -> std::io::Result<()> {
    Err(std::os::unix::process::CommandExt::exec(&mut command))
}

#[cfg(not(unix))]
fn become_it(mut command: Command) -> std::io::Result<()> {
    let status = command.status()?;
    std::process::exit(status.code().unwrap_or(1))
}
