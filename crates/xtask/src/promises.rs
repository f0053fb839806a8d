//! The promises of the documentation name the tests that prove them: do those exist?

use std::fs;
use std::io;
use std::path::Path;

use crate::project::Project;
use crate::steps::{Halt, Steps};

/// Where tests live, and by what each language introduces one.
const PLACES: &[(&str, &str, &str)] = &[
    ("crates", "rs", "fn "),
    ("tests", "rs", "fn "),
    ("go", "go", "func "),
    ("tests", "c", "void "),
    ("tests", "cpp", "void "),
];

/// One step: every test named in the last column of a table whose last heading is "test" exists.
pub(crate) fn check(project: &Project, steps: &mut Steps) {
    steps.run("promises name their tests", || {
        let mut sources = String::new();
        for (folder, extension, _) in PLACES {
            gather(&project.path(folder), extension, &mut sources)
                .map_err(|error| unreadable(folder, &error))?;
        }
        let (mut missing, mut count) = (Vec::new(), 0);
        for page in project.files("docs", "md") {
            let text =
                fs::read_to_string(&page).map_err(|error| unreadable(&project.shown(&page), &error))?;
            for name in named_tests(&text) {
                count += 1;
                if !exists(&name, &sources) {
                    missing.push(format!("{}: no test {name}", project.shown(&page)));
                }
            }
        }
        if missing.is_empty() && count > 0 {
            Ok(format!("{count} promises"))
        } else {
            Err(Halt::Failed(format!("of {count} promises:\n{}", missing.join("\n"))))
        }
    });
}

/// What stands in backticks in the last cell of each row of such a table.
fn named_tests(page: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut is_table_of_promises = false;
    for line in page.lines() {
        let Some(row) = line.trim().strip_prefix('|').and_then(|row| row.strip_suffix('|')) else {
            is_table_of_promises = false;
            continue;
        };
        let last = row.rsplit('|').next().unwrap_or_default().trim();
        if last == "test" {
            is_table_of_promises = true;
        } else if is_table_of_promises {
            names.extend(last.split('`').skip(1).step_by(2).map(str::to_owned));
        }
    }
    names
}

fn unreadable(what: &str, error: &io::Error) -> Halt {
    Halt::Failed(format!("{what}: {error}"))
}

fn exists(name: &str, sources: &str) -> bool {
    PLACES.iter().any(|(_, _, introduced_by)| sources.contains(&format!("{introduced_by}{name}(")))
}

fn gather(folder: &Path, extension: &str, sources: &mut String) -> io::Result<()> {
    let Ok(entries) = fs::read_dir(folder) else { return Ok(()) };
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            gather(&path, extension, sources)?;
        } else if path.extension().is_some_and(|found| found == extension) {
            sources.push_str(&fs::read_to_string(&path)?);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{exists, named_tests};

    const PAGE: &str =
        "| a | test |\n|---|---|\n| x | `one`, `two` |\n\n| a | b |\n|---|---|\n| x | `three` |\n";

    #[test]
    fn only_tables_of_promises_name_tests() {
        assert_eq!(named_tests(PAGE), ["one", "two"]);
    }

    #[test]
    fn a_test_is_found_by_its_whole_name() {
        assert!(exists("one", "#[test]\nfn one() {"));
        assert!(!exists("one", "#[test]\nfn one_more() {"));
    }
}
