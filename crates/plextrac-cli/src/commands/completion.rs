//! `plextrac-auth completion`: the completion script for a shell.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::args::{Cli, CompletionArgs};
use crate::exit::Failure;
use crate::output;

pub(crate) fn run(args: &CompletionArgs) -> Result<(), Failure> {
    output::write(&[script(args.shell).as_bytes()])
}

fn script(shell: Shell) -> String {
    let mut command = Cli::command();
    let name = command.get_name().to_owned();
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, &name, &mut script);
    let script = String::from_utf8_lossy(&script);
    // clap_complete 4.6 writes the hyphen of the command's name in two ways in the script for bash: the first loop sets
    // `cmd` to plextrac__auth__subcmd__login, and the label of that block is plextrac__subcmd__auth__subcmd__login.
    script.replace(&name.replace('-', "__subcmd__"), &name.replace('-', "__"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bash_has_a_block_for_every_subcommand() {
        let script = script(Shell::Bash);
        let assigned: Vec<_> = script
            .lines()
            .filter_map(|line| line.trim().strip_prefix("cmd=\"")?.strip_suffix('"'))
            .filter(|block| !block.is_empty())
            .collect();
        assert!(assigned.len() > 10, "{assigned:?}");
        for block in assigned {
            assert!(script.lines().any(|line| line.trim() == format!("{block})")), "no block {block}");
        }
    }
}
