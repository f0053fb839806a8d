//! `cargo xtask check`: what can be said about the tree without running it.

use xshell::cmd;

use crate::project::{Project, STANDALONE};
use crate::steps::{Halt, Steps};
use crate::tasks::generate;
use crate::{citations, packages, promises};

/// Check format, lints, documentation, generated files, citations and packages
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Run only the steps with this text in their names, such as "drift".
    #[arg(long, default_value = "", hide_default_value = true)]
    only: String,
}

pub(crate) fn run(project: &Project, options: &Options) -> Result<(), Halt> {
    let (shell, cargo) = (project.shell(), project.cargo());
    let mut steps = Steps::new(true).only(&options.only);
    steps.run("format", || {
        cmd!(shell, "{cargo} fmt --all --check").run()?;
        cmd!(shell, "{cargo} fmt --manifest-path {STANDALONE}/Cargo.toml --check").run()?;
        Ok(String::new())
    });
    steps.run("lints", || {
        cmd!(shell, "{cargo} clippy --workspace --all-targets -- -D warnings").run()?;
        let target = project.scratch_dir("standalone")?;
        let manifest = format!("{STANDALONE}/Cargo.toml");
        cmd!(shell, "{cargo} clippy --manifest-path {manifest} --target-dir {target} -- -D warnings")
            .run()?;
        Ok(String::new())
    });
    steps.run("documentation", || {
        cmd!(shell, "{cargo} doc --workspace --no-deps").env("RUSTDOCFLAGS", "-D warnings").run()?;
        Ok(String::new())
    });
    generate::check_all(project, &mut steps);
    promises::check(project, &mut steps);
    citations::check(project, &mut steps);
    packages::check(project, &mut steps);
    steps.finish()
}
