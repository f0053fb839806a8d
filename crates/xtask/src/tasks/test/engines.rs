//! The core under other engines: one epoll loop with fifty accounts, and an async client.

use std::fs::File;
use std::path::Path;
use std::process::Command;

use xshell::cmd;

use crate::emulator::Emulator;
use crate::library::{Library, Linkage};
use crate::program;
use crate::project::Project;
use crate::steps::{Halt, Steps};
use crate::toolbox::{GCC, LIBCURL, PKG_CONFIG, Toolbox};

const EPOLL: &str = "examples/c/machine_epoll.c";
const ASYNC: &str = "machine-reqwest";

pub(super) fn steps(project: &Project, toolbox: &Toolbox<'_>, steps: &mut Steps) {
    steps.run("engine: epoll", || epoll(project, toolbox));
    steps.run("engine: async", || {
        let (shell, cargo) = (project.shell(), project.cargo());
        cmd!(shell, "{cargo} test --package {ASYNC}").run()?;
        Ok(String::new())
    });
}

/// Rehearsed: both clocks are moved, and the server says whether its limit was ever passed.
fn epoll(project: &Project, toolbox: &Toolbox<'_>) -> Result<String, Halt> {
    for tool in [&GCC, &PKG_CONFIG, &LIBCURL] {
        toolbox.require(tool)?;
    }
    let shell = project.shell();
    let library = Library::build(project)?;
    let program = project.scratch_dir("c")?.join("machine_epoll");
    let (include, source) = (project.path("include"), project.path(EPOLL));
    let link = library.link_arguments(Linkage::Shared);
    let curl = cmd!(shell, "pkg-config --cflags --libs libcurl").quiet().read()?;
    let curl = curl.split_whitespace();
    cmd!(
        shell,
        "gcc -std=c11 -Wall -Wextra -pedantic -Werror -I{include} -o {program} {source} {link...} {curl...}"
    )
    .quiet()
    .run()?;

    let within = rehearse(project, &library, &program, &["--accounts", "50"])?;
    if !within.has_signed_in || within.is_over_the_limit || within.busiest_minute > AUTH_REQUESTS_A_MINUTE {
        return Err(Halt::Failed(format!("{}: {within:?}", program.display())));
    }
    // The server's report counts for something only if it can say the opposite.
    let control = rehearse(project, &library, &program, &["--accounts", "10", "--limit", "4"])?;
    if !control.is_over_the_limit {
        return Err(Halt::Failed(format!(
            "no request was too many for a limit below the budget: {control:?}"
        )));
    }
    let last = within.told.lines().last().unwrap_or_default();
    Ok(format!("{last}, at most {} in any minute", within.busiest_minute))
}

/// The budget of the program.
const AUTH_REQUESTS_A_MINUTE: u64 = 6;

/// What the program printed, and what the server saw.
#[derive(Debug)]
struct Rehearsal {
    told: String,
    has_signed_in: bool,
    busiest_minute: u64,
    is_over_the_limit: bool,
}

/// Runs the program against an emulator with these arguments, over TLS.
fn rehearse(
    project: &Project,
    library: &Library,
    program: &Path,
    arguments: &[&str],
) -> Result<Rehearsal, Halt> {
    let emulator = Emulator::start_with(library.folder(), arguments)?;
    let accounts = project.scratch_dir("c")?.join("accounts");
    project.shell().write_file(&accounts, emulator.accounts())?;
    let failed = |error: std::io::Error| Halt::Failed(format!("{}: {error}", program.display()));
    let mut command = Command::new(program);
    command.arg("--rehearse").envs(emulator.environment()?).stdin(File::open(&accounts).map_err(failed)?);
    let (told, status) = program::listen(command)?;
    let stats = emulator.stats()?;
    let Some(busiest_minute) = stats["busiest_minute"].as_u64() else {
        return Err(Halt::Failed(format!("the emulator does not say what it saw: {stats}")));
    };
    let is_over_the_limit = stats.to_string().contains("\"rate_limited\"");
    Ok(Rehearsal { told, has_signed_in: status.success(), busiest_minute, is_over_the_limit })
}
