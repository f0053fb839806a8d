//! Files that a task generates and the repository keeps, and whether they still say what the code says.

use std::path::Path;

use crate::project::Project;
use crate::steps::{Halt, Steps};
use crate::tasks::{header, manual, states};

/// A generated file: where it lies, which task writes it, and what it should hold now.
pub(crate) struct Generated {
    pub(crate) path: String,
    pub(crate) task: &'static str,
    pub(crate) content: Result<Vec<u8>, Halt>,
}

/// Everything generated. What is not in this list is not checked.
fn all(project: &Project) -> Vec<Generated> {
    let header = Generated { path: header::PATH.into(), task: "header", content: header::generate(project) };
    let states = Generated { path: states::PATH.into(), task: "states", content: states::generate(project) };
    [header, states].into_iter().chain(manual::generate()).collect()
}

/// Writes what a task generated, or says whether what the repository keeps has drifted from it.
pub(crate) fn write_or_check(
    project: &Project,
    shown: &str,
    task: &str,
    content: &[u8],
    only_check: bool,
) -> Result<String, Halt> {
    let path = project.path(shown);
    if only_check {
        return check(&path, shown, task, content);
    }
    project.shell().write_file(&path, content)?;
    Ok(format!("{shown} written, {} lines", content.iter().filter(|byte| **byte == b'\n').count()))
}

/// One step for each generated file: does it say what the code says?
pub(crate) fn check_all(project: &Project, steps: &mut Steps) {
    for file in all(project) {
        let Generated { path, task, content } = file;
        steps.run(&format!("drift: {path}"), || check(&project.path(&path), &path, task, &content?));
    }
}

/// [`Halt::Failed`] with the first line that differs and the task that mends it.
pub(crate) fn check(path: &Path, shown: &str, task: &str, content: &[u8]) -> Result<String, Halt> {
    let kept = std::fs::read(path)
        .map_err(|error| Halt::Failed(format!("{shown}: {error}; write it with: cargo xtask {task}")))?;
    if kept == content {
        return Ok(format!("{shown} is up to date"));
    }
    let (kept, fresh) = (String::from_utf8_lossy(&kept), String::from_utf8_lossy(content));
    let line = kept.lines().zip(fresh.lines()).take_while(|(old, new)| old == new).count();
    Err(Halt::Failed(format!(
        "{shown} has drifted from the code at line {}; write it anew with: cargo xtask {task}\n  kept: {}\n  code: {}",
        line + 1,
        kept.lines().nth(line).unwrap_or("(end of file)"),
        fresh.lines().nth(line).unwrap_or("(end of file)"),
    )))
}

#[cfg(test)]
mod tests {
    use super::{Halt, check};

    #[test]
    fn drift_names_the_file_the_line_and_the_task_that_mends_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("plextrac.h");
        std::fs::write(&path, "one\ntwo\n").expect("written");

        assert!(check(&path, "plextrac.h", "header", b"one\ntwo\n").is_ok());

        let Err(Halt::Failed(reason)) = check(&path, "plextrac.h", "header", b"one\n2\n") else {
            panic!("it differs")
        };
        for expected in ["plextrac.h", "line 2", "cargo xtask header", "two", "2"] {
            assert!(reason.contains(expected), "{expected} is not in {reason}");
        }
    }

    #[test]
    fn a_shorter_file_is_drift_too() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("plextrac.h");
        std::fs::write(&path, "one\n").expect("written");
        assert!(check(&path, "plextrac.h", "header", b"one\ntwo\n").is_err());
    }
}
