//! `cargo xtask simulate`: fleets of up to 100,000 processes in virtual time, and the figures of `docs/scale.md`.

use xshell::cmd;

use crate::project::Project;
use crate::steps::Halt;

/// Simulate fleets, print the tables of docs/scale.md, and write them and the plots there
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The most processes of one fleet; 100,000 of them take about a gigabyte and some minutes.
    #[arg(long, value_name = "CLIENTS", default_value_t = 100_000)]
    most: u32,
}

pub(crate) fn run(project: &Project, options: &Options) -> Result<(), Halt> {
    let (shell, cargo) = (project.shell(), project.cargo());
    let (docs, most) = (project.path("docs"), options.most.to_string());
    cmd!(shell, "{cargo} run --quiet --release -p plextrac-fleet-simulation -- {docs} {most}").run()?;
    Ok(())
}
