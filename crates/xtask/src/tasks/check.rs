//! `cargo xtask check`: what can be said about the tree without running it.

use xshell::cmd;

use crate::generated;
use crate::project::{Project, STANDALONE};
use crate::promises;
use crate::steps::{Halt, Steps};

/// Check format, lints, documentation and drift of everything generated
#[derive(clap::Args)]
pub(crate) struct Options {}

pub(crate) fn run(project: &Project, _: &Options) -> Result<(), Halt> {
    let (shell, cargo) = (project.shell(), project.cargo());
    let mut steps = Steps::new(true);
    steps.run("format", || {
        cmd!(shell, "{cargo} fmt --all --check").run()?;
        for package in STANDALONE {
            cmd!(shell, "{cargo} fmt --manifest-path {package}/Cargo.toml --check").run()?;
        }
        Ok(String::new())
    });
    steps.run("lints", || {
        cmd!(shell, "{cargo} clippy --workspace --all-targets -- -D warnings").run()?;
        let target = project.scratch_dir("standalone")?;
        for package in STANDALONE {
            let manifest = format!("{package}/Cargo.toml");
            cmd!(shell, "{cargo} clippy --manifest-path {manifest} --target-dir {target} -- -D warnings")
                .run()?;
        }
        Ok(String::new())
    });
    steps.run("documentation", || {
        cmd!(shell, "{cargo} doc --workspace --no-deps").env("RUSTDOCFLAGS", "-D warnings").run()?;
        Ok(String::new())
    });
    generated::check_all(project, &mut steps);
    promises::check(project, &mut steps);
    steps.finish()
}
