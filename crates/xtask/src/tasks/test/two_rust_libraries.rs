//! What docs/linking.md says about two Rust libraries in one program.

use std::path::{Path, PathBuf};

use xshell::cmd;

use crate::isolate::isolate;
use crate::library::{Library, Linkage};
use crate::project::Project;
use crate::steps::{Halt, Steps};
use crate::toolbox::{GCC, Toolbox};

const FOLDER: &str = "tests/two_rust_libraries";

pub(super) fn steps(project: &Project, toolbox: &Toolbox<'_>, steps: &mut Steps) {
    steps.run("two Rust libraries", || link_both(project, toolbox));
}

fn link_both(project: &Project, toolbox: &Toolbox<'_>) -> Result<String, Halt> {
    toolbox.require(&GCC)?;
    let shell = project.shell();
    let library = Library::build(project)?;
    let scratch = project.scratch_dir("two")?;
    let other = scratch.join("libother.a");
    let source = project.path(FOLDER).join("other.rs");
    // Optimised across crates, as whoever hands out a library does: this is what does not fit beside another.
    cmd!(shell, "rustc --edition 2024 --crate-type staticlib -C opt-level=3 -C lto=fat -C panic=unwind -o {other} {source}")
        .run()?;

    let ours = library.folder().join("libplextrac.a");
    let control = link(project, &library, "control", &[&ours, &other], &[]);
    let Err(Halt::Failed(said)) = control else {
        return Err(Halt::Failed(
            "both archives link as they are: docs/linking.md and this step can be simplified".to_owned(),
        ));
    };
    if !said.contains("multiple definition of `rust_eh_personality'") {
        return Err(Halt::Failed(format!(
            "the archives do not link, for another reason than is known:\n{said}"
        )));
    }

    let isolated = scratch.join("libplextrac.a");
    isolate(project, &ours, &isolated)?;
    let seen = cmd!(shell, "nm --extern-only --defined-only --format=just-symbols {isolated}").read()?;
    let strangers: Vec<_> = seen.lines().filter(|name| is_strange(name)).collect();
    if !strangers.is_empty() {
        return Err(Halt::Failed(format!("the isolated library shows {}", strangers.join(", "))));
    }

    run(&link(project, &library, "isolated", &[&isolated, &other], &[])?, project)?;
    run(&link(project, &library, "isolated-second", &[&other, &isolated], &[])?, project)?;
    run(
        &link(
            project,
            &library,
            "allowed",
            &[&ours, &other],
            &["-Wl,--allow-multiple-definition".to_owned()],
        )?,
        project,
    )?;
    run(&link(project, &library, "shared", &[&other], &library.link_arguments(Linkage::Shared))?, project)?;
    Ok("isolated in either order, duplicates allowed, one shared; as they are they do not link".to_owned())
}

/// The name of the archive and of its one member are lines of their own.
fn is_strange(name: &str) -> bool {
    !(name.is_empty() || name.ends_with(':') || name.starts_with("plextrac_") || name.starts_with("DW.ref."))
}

fn link(
    project: &Project,
    library: &Library,
    name: &str,
    archives: &[&Path],
    flags: &[String],
) -> Result<PathBuf, Halt> {
    let shell = project.shell();
    let program = project.scratch_dir("two")?.join(name);
    let (include, main) = (project.path("include"), project.path(FOLDER).join("main.c"));
    let system = library.system_libraries();
    let link = cmd!(shell, "gcc -std=c11 -Wall -Werror -I{include} -o {program} {main}");
    let output = link.args(archives).args(flags).args(system).quiet().ignore_status().output()?;
    if output.status.success() {
        Ok(program)
    } else {
        Err(Halt::Failed(String::from_utf8_lossy(&output.stderr).into_owned()))
    }
}

fn run(program: &Path, project: &Project) -> Result<(), Halt> {
    // The panic of the other library is reported on stderr, as Rust does.
    cmd!(project.shell(), "{program}").quiet().ignore_stderr().run()?;
    println!("{}: ok", program.display());
    Ok(())
}
