//! `cargo xtask generate`: the files that are generated from the code and kept in the repository.

pub(crate) mod header;
mod states;

use std::path::Path;

use crate::project::Project;
use crate::steps::{Halt, Steps};
use crate::tasks::test::abi;

/// Write the generated files: include/plextrac.h and docs/states.md (--abi: the ABI baseline too)
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Make additions to the header part of the ABI baseline, or write the one of a new ABI version.
    #[arg(long)]
    abi: bool,
}

pub(crate) fn run(project: &Project, options: &Options) -> Result<(), Halt> {
    for file in all(project) {
        let content = file.content?;
        project.shell().write_file(project.path(file.path), &content)?;
        println!("{} written, {} lines", file.path, content.iter().filter(|byte| **byte == b'\n').count());
    }
    if options.abi { abi::accept(project) } else { Ok(()) }
}

/// One step for each generated file: does it say what the code says?
pub(crate) fn check_all(project: &Project, steps: &mut Steps) {
    for file in all(project) {
        let path = project.path(file.path);
        steps.run(&format!("drift: {}", file.path), || check(&path, file.path, &file.content?));
    }
}

/// A generated file: its path in the repository, and its content according to the code.
struct Generated {
    path: &'static str,
    content: Result<Vec<u8>, Halt>,
}

/// Every generated file. What is not in this list is not checked.
fn all(project: &Project) -> [Generated; 2] {
    [
        Generated { path: header::PATH, content: header::generate(project) },
        Generated { path: states::PATH, content: Ok(states::generate()) },
    ]
}

/// [`Halt::Failed`] with the first line that differs.
fn check(path: &Path, shown: &str, content: &[u8]) -> Result<String, Halt> {
    const REMEDY: &str = "write it with: cargo xtask generate";
    let kept = std::fs::read(path).map_err(|error| Halt::Failed(format!("{shown}: {error}; {REMEDY}")))?;
    if kept == content {
        return Ok(format!("{shown} is up to date"));
    }
    let (kept, fresh) = (String::from_utf8_lossy(&kept), String::from_utf8_lossy(content));
    let line = kept.lines().zip(fresh.lines()).take_while(|(old, new)| old == new).count();
    Err(Halt::Failed(format!(
        "{shown} differs from the code at line {}; {REMEDY}\n  kept: {}\n  code: {}",
        line + 1,
        kept.lines().nth(line).unwrap_or("(end of file)"),
        fresh.lines().nth(line).unwrap_or("(end of file)"),
    )))
}

#[cfg(test)]
mod tests {
    use super::{Halt, check};

    #[test]
    fn drift_names_the_file_and_the_line() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("plextrac.h");
        std::fs::write(&path, "one\ntwo\n").expect("written");

        assert!(check(&path, "plextrac.h", b"one\ntwo\n").is_ok());

        let Err(Halt::Failed(reason)) = check(&path, "plextrac.h", b"one\n2\n") else { panic!("it differs") };
        for expected in ["plextrac.h", "line 2", "cargo xtask generate", "two", "2"] {
            assert!(reason.contains(expected), "{expected} is not in {reason}");
        }
    }

    #[test]
    fn a_shorter_file_is_drift_too() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("plextrac.h");
        std::fs::write(&path, "one\n").expect("written");
        assert!(check(&path, "plextrac.h", b"one\ntwo\n").is_err());
    }
}
