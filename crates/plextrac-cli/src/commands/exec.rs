//! `plextrac-auth exec COMMAND`: a live token in the environment of one command.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::account::{self, Purpose, Shown};
use crate::args::ExecArgs;
use crate::exit::Failure;
use crate::settings::Settings;
use crate::{ca_bundle, program, state_dir};

pub(crate) fn run(args: &ExecArgs) -> Result<(), Failure> {
    let (program, arguments) = args
        .command
        .split_first()
        .filter(|(program, _)| !program.is_empty())
        .ok_or_else(|| Failure::usage("there is no command to run; name one after the options"))?;
    program::check(program)?;
    let mut account = account::open(&args.account, Purpose::Use)?;
    let shown = Shown::of(&mut account)?;
    let mut command = Command::new(program);
    command.args(arguments);
    hand_on(account.settings(), &mut command)?;
    if let Some(path) = &account.settings().ca_file {
        let directory = account.state_dir().map(Path::to_owned);
        let directory = directory.or_else(|| state_dir::for_files(account.settings()));
        ca_bundle::hand_on(&absolute(&path.value)?, directory.as_deref(), &mut command)?;
    }
    command
        .env("PLEXTRAC_URL", account.status().instance)
        .env("PLEXTRAC_TOKEN", shown.token())
        .env("PLEXTRAC_AUTHORIZATION", shown.authorization())
        // What follows from the profile is in the other variables.
        .env_remove("PLEXTRAC_PROFILE");
    for name in SIGN_IN {
        command.env_remove(name);
    }
    // The next step leaves nothing of this process, so what is under way has to end first.
    drop(account);
    become_it(command).map_err(|error| program::failed(program, &error, ""))
}

/// What a token is got with is more than the command needs.
const SIGN_IN: [&str; 5] = [
    "PLEXTRAC_PASSWORD",
    "PLEXTRAC_PASSWORD_COMMAND",
    "PLEXTRAC_TOTP_SECRET",
    "PLEXTRAC_CODE",
    "PLEXTRAC_CODE_COMMAND",
];

/// What flags and the profile set, for a run of this command or a program with the library in it: it goes the same way,
/// and shares session and budget with all that use the same state directory or store.
fn hand_on(settings: &Settings, command: &mut Command) -> Result<(), Failure> {
    command.env("PLEXTRAC_AUTH_SCHEME", settings.scheme().name());
    command.envs(settings.no_state.then_some(("PLEXTRAC_NO_STATE", "1")));
    for (name, text) in [("PLEXTRAC_USERNAME", &settings.username), ("PLEXTRAC_PROXY", &settings.proxy)] {
        command.envs(text.as_ref().map(|text| (name, &text.value)));
    }
    for (name, path) in [
        ("PLEXTRAC_CA_FILE", &settings.ca_file),
        ("PLEXTRAC_HEADERS_FILE", &settings.headers_file),
        ("PLEXTRAC_STATE_DIR", &settings.state_dir),
    ] {
        if let Some(path) = path {
            command.env(name, absolute(&path.value)?);
        }
    }
    if let Some(store) = &settings.store {
        command.env("PLEXTRAC_STORE", &store.url.value);
        // A key that is in the environment already stays there.
        if let Some(path) = &store.key_file {
            command.env_remove("PLEXTRAC_STORE_KEY");
            command.env("PLEXTRAC_STORE_KEY_FILE", absolute(&path.value)?);
        }
        command.envs(store.down.as_ref().map(|choice| ("PLEXTRAC_STORE_DOWN", choice.value.name())));
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
