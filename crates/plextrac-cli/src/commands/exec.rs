//! `plextrac-auth exec COMMAND`: a live token in the environment of one command.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::account::{self, Purpose, Shown};
use crate::args::{AccountArgs, AuthScheme, ExecArgs};
use crate::exit::Failure;
use crate::{ca_bundle, program};

pub(crate) fn run(args: &ExecArgs) -> Result<(), Failure> {
    let (program, arguments) = args
        .command
        .split_first()
        .filter(|(program, _)| !program.is_empty())
        .ok_or_else(|| Failure::usage("there is no command to run; name one after the options"))?;
    program::check(program)?;
    let account = account::open(&args.account, Purpose::Use)?;
    let shown = Shown::of(&account, &args.account)?;
    let mut command = Command::new(program);
    command.args(arguments);
    hand_on(&args.account, &mut command)?;
    if let Some(path) = args.account.ca_file.as_deref().filter(|path| !path.as_os_str().is_empty()) {
        ca_bundle::hand_on(&absolute(path)?, account.state_dir(), &mut command)?;
    }
    command
        .env("PLEXTRAC_URL", account.status().instance)
        .env("PLEXTRAC_TOKEN", shown.token())
        .env("PLEXTRAC_AUTHORIZATION", shown.authorization())
        // What the token is got with is more than the command needs.
        .env_remove("PLEXTRAC_PASSWORD")
        .env_remove("PLEXTRAC_TOTP_SECRET");
    // The next step leaves nothing of this process, so what is under way has to end first.
    drop(account);
    become_it(command).map_err(|error| program::failed(program, &error, ""))
}

/// What was set by flags, for a run of this command or a program with the library in it: it goes the same way, and
/// shares the session and the budget with everybody who uses that state directory.
fn hand_on(args: &AccountArgs, command: &mut Command) -> Result<(), Failure> {
    command.env(
        "PLEXTRAC_AUTH_SCHEME",
        match args.auth_scheme {
            AuthScheme::Raw => "raw",
            AuthScheme::Bearer => "bearer",
        },
    );
    let texts = [("PLEXTRAC_USERNAME", &args.username), ("PLEXTRAC_PROXY", &args.proxy)];
    command.envs(texts.into_iter().filter_map(|(name, text)| Some((name, text.as_ref()?))));
    for (name, path) in [
        ("PLEXTRAC_CA_FILE", &args.ca_file),
        ("PLEXTRAC_HEADERS_FILE", &args.headers_file),
        ("PLEXTRAC_STATE_DIR", &args.state_dir),
    ] {
        if let Some(path) = path.as_deref().filter(|path| !path.as_os_str().is_empty()) {
            command.env(name, absolute(path)?);
        }
    }
    Ok(())
}

/// Good in whatever folder the command goes to.
fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    std::path::absolute(path)
        .map_err(|error| Failure::other(format!("{} cannot be handed on: {error}", path.display())))
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
