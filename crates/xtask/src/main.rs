//! Developer tasks: `cargo xtask TASK`.
//!
//! In scope: what a developer or the continuous integration runs on this repository. Out of scope: anything a
//! user of the libraries needs; that is in the crates and in `plextrac-auth`.
//!
//! A task is one file in `src/tasks/`: its options, its one line of help, and `run`. To add one, write the file
//! and give it an arm in [`Task`].
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line program speaks on its streams")]

mod citations;
mod emulator;
mod installation;
mod isolate;
mod library;
mod packages;
mod program;
mod project;
mod promises;
mod steps;
mod tasks;
mod toolbox;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::project::Project;
use crate::steps::Halt;

/// Developer tasks of plextrac-auth.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", disable_version_flag = true)]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

/// The first line of each file's `Options` is the task's line in `cargo xtask help`.
#[derive(Subcommand)]
enum Task {
    Bench(tasks::bench::Options),
    Check(tasks::check::Options),
    Generate(tasks::generate::Options),
    Install(tasks::install::Options),
    Sanitize(tasks::sanitize::Options),
    Simulate(tasks::simulate::Options),
    Test(tasks::test::Options),
    Tools(tasks::tools::Options),
}

fn main() -> ExitCode {
    // clap ends the process itself with status 2 on a usage error, an unknown task included.
    let cli = Cli::parse();
    match run(&cli.task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(halt) => {
            eprintln!("cargo xtask: {halt}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: &Task) -> Result<(), Halt> {
    let project = Project::open()?;
    match task {
        Task::Bench(options) => tasks::bench::run(&project, options),
        Task::Check(options) => tasks::check::run(&project, options),
        Task::Generate(options) => tasks::generate::run(&project, options),
        Task::Install(options) => tasks::install::run(&project, options),
        Task::Sanitize(options) => tasks::sanitize::run(&project, options),
        Task::Simulate(options) => tasks::simulate::run(&project, options),
        Task::Test(options) => tasks::test::run(&project, options),
        Task::Tools(options) => tasks::tools::run(&project, options),
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser, error::ErrorKind};

    use super::Cli;

    #[test]
    fn an_unknown_task_is_a_usage_error_with_exit_status_2() {
        let error = Cli::try_parse_from(["cargo xtask", "tset"]).err().expect("no such task");
        assert_eq!(error.kind(), ErrorKind::InvalidSubcommand);
        assert_eq!(error.exit_code(), 2);
    }

    #[test]
    fn every_task_has_its_line_in_the_help() {
        let cli = Cli::command();
        let silent: Vec<_> = cli.get_subcommands().filter(|task| task.get_about().is_none()).collect();
        assert!(silent.is_empty(), "tasks without help: {silent:?}");
        assert!(cli.get_subcommands().count() > 0);
    }
}
