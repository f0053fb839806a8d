//! What `cargo publish` would upload: is every package complete?

use xshell::cmd;

use crate::project::Project;
use crate::steps::{Halt, Steps};

/// Packages that are not published.
const INTERNAL: &[&str] = &["xtask", "machine-reqwest", "plextrac-fleet-simulation"];

/// Files that every package has, and files of one package beside its sources.
const NEEDED: &[(&str, &[&str])] = &[
    ("", &["Cargo.toml", "README.md", "LICENSE-APACHE", "LICENSE-MIT"]),
    ("plextrac-ffi", &["include/plextrac.h", "include/plextrac.hpp", "include/plextrac/session.hpp"]),
];

/// One step: cargo makes every package, and the files that are needed are in it. The packages are not built: that takes
/// minutes, and belongs to a release (CONTRIBUTING.md).
pub(crate) fn check(project: &Project, steps: &mut Steps) {
    steps.run("packages are complete", || {
        let (shell, cargo) = (project.shell(), project.cargo());
        let excluded: Vec<_> = INTERNAL.iter().flat_map(|name| ["--exclude", name]).collect();
        // What is not committed yet is checked as well.
        cmd!(shell, "{cargo} package --workspace {excluded...} --no-verify --allow-dirty").run()?;
        let packages = project.packages();
        let published: Vec<_> = packages.iter().filter(|name| !INTERNAL.contains(&name.as_str())).collect();
        let mut missing = Vec::new();
        for name in &published {
            let list = cmd!(shell, "{cargo} package --list --allow-dirty --package {name}").quiet().read()?;
            let needed =
                NEEDED.iter().filter(|(of, _)| of.is_empty() || of == name).flat_map(|(_, files)| *files);
            let lacks = needed.filter(|file| !list.lines().any(|line| line == **file));
            missing.extend(lacks.map(|file| format!("{name} has no {file}")));
        }
        if missing.is_empty() && !published.is_empty() {
            Ok(format!("{} packages", published.len()))
        } else {
            Err(Halt::Failed(missing.join("\n")))
        }
    });
}
