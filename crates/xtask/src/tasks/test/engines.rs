//! The core under another engine: one epoll loop with fifty accounts.

use std::process::{Command, Stdio};

use xshell::cmd;

use crate::emulator::Emulator;
use crate::library::{Library, Linkage};
use crate::project::Project;
use crate::steps::{Halt, Steps};
use crate::toolbox::{GCC, LIBCURL, PKG_CONFIG, Toolbox};

const EPOLL: &str = "examples/c/machine_epoll.c";

pub(super) fn steps(project: &Project, toolbox: &Toolbox<'_>, steps: &mut Steps) {
    steps.run("engine: epoll", || epoll(project, toolbox));
}

/// Rehearsed: both clocks are moved, and the program asks the server whether its limit was ever passed.
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

    let emulator = Emulator::start_with(library.folder(), &["--accounts", "50"])?;
    let accounts = project.scratch_dir("c")?.join("accounts");
    shell.write_file(&accounts, emulator.accounts())?;
    let input = std::fs::File::open(&accounts).map_err(|error| Halt::Failed(error.to_string()))?;
    let output = Command::new(&program)
        .arg("--rehearse")
        .env("PLEXTRAC_URL", emulator.http_url())
        .stdin(input)
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| Halt::Failed(error.to_string()))?;
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    match told.lines().last() {
        Some(last) if output.status.success() => Ok(last.to_owned()),
        _ => Err(Halt::Failed(format!("{}: {}\n{told}", program.display(), output.status))),
    }
}
