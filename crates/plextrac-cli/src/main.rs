//! The command `plextrac-auth`: a PlexTrac session for the shell.
//!
//! **In scope**: settings, questions on a terminal, output, exit codes. **Out of scope**: everything about signing
//! in, which is the transport's and the core's.
//!
//! ```text
//!   args ──► settings ──► account ──► Session (plextrac-transport)
//!             ▲ prompt       │
//!                            ▼
//!                      commands/… ──► output, exit
//! ```

mod account;
mod args;
mod background;
mod ca_bundle;
mod commands;
mod config_file;
mod durations;
mod exit;
mod headers_file;
mod one_time_code;
mod output;
mod output_file;
mod paint;
mod places;
mod program;
mod progress;
mod prompt;
mod remember;
mod secret_command;
mod settings;
mod shared_store;
mod state_dir;
#[cfg(unix)]
mod terminal;

use std::process::ExitCode;

use args::Command;
use exit::Failure;

fn main() -> ExitCode {
    let outcome = match args::parse() {
        Ok(cli) => run(&cli.command),
        Err(error) if error.use_stderr() => return exit::usage(&error),
        Err(help) => output::written(help.print()),
    };
    exit::report(outcome)
}

fn run(command: &Command) -> Result<(), Failure> {
    match command {
        Command::Login(args) => commands::login::run(args),
        Command::Token(args) => commands::token::run(args),
        Command::Header(args) => commands::header::run(args),
        Command::Request(args) => commands::request::run(args),
        Command::Exec(args) => commands::exec::run(args),
        Command::Keep(args) => commands::keep::run(args),
        Command::Status(args) => commands::status::run(args),
        Command::Logout(args) => commands::logout::run(args),
        Command::Profile(args) => commands::profile::run(args),
        #[cfg(feature = "redis")]
        Command::StoreKey(args) => commands::store_key::run(args),
        Command::Doctor(args) => commands::doctor::run(args),
        Command::Emulator(args) => commands::emulator::run(args),
        Command::Demo(_) => commands::demo::run(),
        Command::Completion(args) => commands::completion::run(args),
        Command::Man(args) => commands::man::run(args),
    }
}
