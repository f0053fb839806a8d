//! `cargo xtask manual`: man pages and shell completions of the command, generated from its command line.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::generated::{self, Generated};
use crate::project::Project;
use crate::steps::Halt;

/// The command's own file: what it parses is what the pages say.
#[path = "../../../plextrac-cli/src/args.rs"]
#[allow(
    dead_code,
    missing_docs,
    unused_imports,
    reason = "only the description of the command line is used here"
)]
mod args;

const MAN: &str = "packaging/man";
const COMPLETIONS: &str = "packaging/completions";

/// Generate man pages and shell completions in packaging/ (--check: only say whether they have drifted)
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Write nothing; fail if a file is not what the command line says.
    #[arg(long)]
    check: bool,
}

pub(crate) fn run(project: &Project, options: &Options) -> Result<(), Halt> {
    project.shell().create_dir(project.path(MAN))?;
    project.shell().create_dir(project.path(COMPLETIONS))?;
    for Generated { path, task, content } in generate() {
        println!("{}", generated::write_or_check(project, &path, task, &content?, options.check)?);
    }
    Ok(())
}

/// One page for the command and one for each subcommand; completions for three shells.
pub(crate) fn generate() -> Vec<Generated> {
    let mut command = args::Cli::command().disable_help_subcommand(true);
    command.build();
    let name = command.get_name().to_owned();
    let mut files = vec![page(&name, command.clone())];
    for subcommand in command.get_subcommands() {
        let name = format!("{name}-{}", subcommand.get_name());
        files.push(page(&name, subcommand.clone().disable_help_flag(true)));
    }
    for shell in [Shell::Bash, Shell::Fish, Shell::Zsh] {
        let mut content = Vec::new();
        clap_complete::generate(shell, &mut command, &name, &mut content);
        files.push(Generated {
            path: format!("{COMPLETIONS}/{name}.{shell}"),
            task: "manual",
            content: Ok(content),
        });
    }
    files
}

fn page(name: &str, command: clap::Command) -> Generated {
    let mut content = Vec::new();
    let rendered = clap_mangen::Man::new(command).render(&mut content);
    let content = rendered.map(|()| content).map_err(|error| Halt::Failed(format!("{name}: {error}")));
    Generated { path: format!("{MAN}/{name}.1"), task: "manual", content }
}
