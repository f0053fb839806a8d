//! The core links into a program that has no Rust standard library.

use xshell::cmd;

use crate::project::{Project, STANDALONE as PACKAGE};
use crate::steps::Halt;
use crate::toolbox::{GCC, Toolbox};

/// Builds the core into a static library with its own panic handler, links that into a C program with libc
/// alone, runs it; then proves the proof: the same library with std in it must not build.
pub(super) fn prove(project: &Project, toolbox: &Toolbox<'_>) -> Result<String, Halt> {
    toolbox.require(&GCC)?;
    let (shell, cargo) = (project.shell(), project.cargo());
    // The versions proved are the versions shipped: cargo keeps of this copy what the package needs.
    shell.copy_file(project.path("Cargo.lock"), project.path(PACKAGE).join("Cargo.lock"))?;

    let target = project.scratch_dir("nostd")?;
    let manifest = project.path(PACKAGE).join("Cargo.toml");
    let build = cmd!(shell, "{cargo} build --quiet --manifest-path {manifest} --target-dir {target}");
    build.run()?;

    let archive = target.join("debug/libplextrac_nostd.a");
    let source = project.path(PACKAGE).join("main.c");
    let program = target.join("main");
    cmd!(
        shell,
        "gcc -std=c11 -Wall -Wextra -Werror -o {program} {source} {archive} -nodefaultlibs -lc -lgcc"
    )
    .run()?;
    cmd!(shell, "{program}").run()?;

    let control =
        cmd!(shell, "{cargo} build --manifest-path {manifest} --target-dir {target} --features std-control");
    let control = control.ignore_status().quiet().read_stderr()?;
    if !control.contains("duplicate lang item `panic_impl`") {
        return Err(Halt::Failed(format!(
            "the check is blind: with std linked in on purpose, {PACKAGE} should fail on a second panic \
             handler, but cargo said:\n{control}"
        )));
    }
    Ok("links with libc alone and runs; with std linked in on purpose it does not build".to_owned())
}
