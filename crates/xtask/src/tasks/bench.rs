//! `cargo xtask bench`: what the design promises of speed, each measured in turn with its reference in one run.
//!
//! Ratios are reported and never asserted: a machine that does much else has its say in them.

use xshell::cmd;

use crate::emulator::Emulator;
use crate::library::{INSTALLED_PROFILE, Library};
use crate::project::Project;
use crate::steps::Halt;
use crate::toolbox::{GCC, LIBCURL, PKG_CONFIG, REDIS, Toolbox};

const PROGRAMS: &str = "tests/bench";
const FLAGS: &[&str] = &["-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-pthread"];

/// Measure what is promised of speed, side by side with a reference; close other programs first
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Only the benchmarks whose name contains this.
    filter: Option<String>,
}

pub(crate) fn run(project: &Project, options: &Options) -> Result<(), Halt> {
    let (shell, cargo) = (project.shell(), project.cargo());
    let wanted = |name: &str| options.filter.as_deref().is_none_or(|part| name.contains(part));
    let toolbox = Toolbox::new(shell, false);
    for tool in [&GCC, &PKG_CONFIG, &LIBCURL] {
        toolbox.require(tool)?;
    }
    let library = Library::build_to_install(project, INSTALLED_PROFILE, None)?;
    let curl = cmd!(shell, "pkg-config --cflags --libs libcurl").quiet().read()?;
    let include = project.path("include");
    for source in project.files(PROGRAMS, "c") {
        let name = source.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        if !wanted(&name) {
            continue;
        }
        let program = project.scratch_dir("bench")?.join(&name);
        let link = library.link_arguments(crate::library::Linkage::Shared);
        let curl = curl.split_whitespace();
        cmd!(shell, "gcc {FLAGS...} -I{include} -o {program} {source} {link...} {curl...}").quiet().run()?;
        // A token of 1.2 KB, as one with permissions in it is.
        let emulator = Emulator::start_with(library.folder(), &["--token-padding", "700"])?;
        // cargo's own search path leads to the library of the development profile.
        cmd!(shell, "{program}").envs(emulator.environment()?).env_remove("LD_LIBRARY_PATH").quiet().run()?;
    }
    if wanted("cached_token") {
        cmd!(shell, "{cargo} bench --quiet -p plextrac-transport --bench cached_token").run()?;
    }
    if wanted("shared_store") {
        toolbox.require(&REDIS)?;
        cmd!(shell, "{cargo} bench --quiet -p plextrac-store-redis --bench shared_store").run()?;
    }
    Ok(())
}
