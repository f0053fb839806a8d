//! The C programs of the repository build against the library, static and shared, and the tests among them run
//! against the emulator.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use xshell::cmd;

use crate::library::{Library, Linkage};
use crate::program;
use crate::project::Project;
use crate::steps::{Halt, Steps};
use crate::toolbox::{GCC, LIBCURL, PKG_CONFIG, Toolbox};

const TESTS: &str = "tests/c";
const EXAMPLES: &str = "examples/c";
const FLAGS: &[&str] = &["-std=c11", "-Wall", "-Wextra", "-pedantic", "-Werror", "-g", "-pthread"];

/// One step builds the examples, one builds and runs the tests.
pub(super) fn steps(project: &Project, toolbox: &Toolbox<'_>, steps: &mut Steps) {
    steps.run("C examples build", || {
        each(project, toolbox, EXAMPLES, |source, program, _| {
            println!("{} builds: {}", project.shown(source), program.display());
            Ok(())
        })
    });
    steps.run("C tests", || {
        each(project, toolbox, TESTS, |source, program, library| {
            let start = Instant::now();
            program::run(Command::new(program), library.folder())?;
            println!(
                "{} ({}): ok, {:.2} s",
                project.shown(source),
                program.display(),
                start.elapsed().as_secs_f64()
            );
            Ok(())
        })
    });
}

/// Builds every program of a folder in both linkages and does `work` with it; all of them, even after a failure.
fn each(
    project: &Project,
    toolbox: &Toolbox<'_>,
    folder: &str,
    work: impl Fn(&Path, &Path, &Library) -> Result<(), Halt>,
) -> Result<String, Halt> {
    let sources = project.files(folder, "c");
    if sources.is_empty() {
        return Err(Halt::NotYet(format!("{folder} holds no C file yet")));
    }
    toolbox.require(&GCC)?;
    let library = Library::build(project)?;
    let mut failures = Vec::new();
    for source in &sources {
        for linkage in Linkage::ALL {
            let outcome = build(project, toolbox, source, &library, linkage)
                .and_then(|program| work(source, &program, &library));
            match outcome {
                Ok(()) => {}
                // Nothing is wrong with the program: the step cannot be done here.
                Err(missing @ Halt::Missing(_)) => return Err(missing),
                Err(halt) => {
                    let failure = format!("{} ({}): {halt}", project.shown(source), linkage.name());
                    println!("{failure}");
                    failures.push(failure);
                }
            }
        }
    }
    if !failures.is_empty() {
        return Err(Halt::Failed(failures.join("\n")));
    }
    Ok(format!("{} programs, static and shared", sources.len()))
}

fn build(
    project: &Project,
    toolbox: &Toolbox<'_>,
    source: &Path,
    library: &Library,
    linkage: Linkage,
) -> Result<PathBuf, Halt> {
    let shell = project.shell();
    let curl = if shell.read_file(source)?.contains("#include <curl/") {
        toolbox.require(&PKG_CONFIG)?;
        toolbox.require(&LIBCURL)?;
        cmd!(shell, "pkg-config --cflags --libs libcurl").quiet().read()?
    } else {
        String::new()
    };
    let curl = curl.split_whitespace();
    let stem = source.file_stem().unwrap_or_default();
    let program = project.scratch_dir("c")?.join(format!("{}-{}", stem.display(), linkage.name()));
    let include = project.path("include");
    let link = library.link_arguments(linkage);
    // What is hidden in the shared library can be called in the static one.
    let told = match linkage {
        Linkage::Static => Some("-DLINKED_STATIC"),
        Linkage::Shared => None,
    };
    cmd!(shell, "gcc {FLAGS...} {told...} -I{include} -o {program} {source} {link...} {curl...}")
        .quiet()
        .run()?;
    Ok(program)
}
