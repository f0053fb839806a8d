//! `cargo xtask tools`: what the machine has of what the tasks need.

use crate::project::Project;
use crate::steps::{Halt, Steps};
use crate::toolbox::{ALL, Toolbox};

/// List the tools the tasks need, with their versions (--install: bring the missing ones)
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Install missing tools (Debian, as root).
    #[arg(long)]
    install: bool,
}

pub(crate) fn run(project: &Project, options: &Options) -> Result<(), Halt> {
    let toolbox = Toolbox::new(project.shell(), options.install);
    let mut steps = Steps::new(true);
    for tool in ALL {
        steps.run(tool.name, || match toolbox.require(tool) {
            Err(Halt::Missing(reason)) => {
                Err(Halt::Missing(format!("{reason} (needed for: {})", tool.needed_for)))
            }
            found => found,
        });
    }
    steps.finish()
}
