//! `cargo xtask test`: all tests of the project, each runner's own words unfiltered, then one table.

pub(crate) mod abi;
mod c_programs;
mod completion;
mod cxx_face;
mod engines;
mod go_module;
mod header_manual;
mod header_modes;
mod installed;
mod linking_page;
mod model_check;
mod no_std;
mod python_recipes;
mod readme;
mod rust_examples;
mod two_rust_libraries;

use xshell::cmd;

use crate::project::Project;
use crate::steps::{Halt, Steps};
use crate::tasks::generate;
use crate::toolbox::{Toolbox, in_ci};

/// Run all tests: Rust, no_std link, header, C, C++ and Go programs, examples and recipes, the installed library
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Install missing tools (Debian, as root) instead of skipping the steps that need them.
    #[arg(long)]
    install: bool,
    /// Run only the steps with this text in their names, such as "C++" or "installed".
    #[arg(long, default_value = "", hide_default_value = true)]
    only: String,
}

pub(crate) fn run(project: &Project, options: &Options) -> Result<(), Halt> {
    let (shell, cargo) = (project.shell(), project.cargo());
    let toolbox = Toolbox::new(shell, options.install);
    // Where nobody reads the table, a skipped step would be a test that silently stopped to exist.
    let mut steps = Steps::new(in_ci()).only(&options.only);
    steps.run("Rust tests", || {
        cmd!(shell, "{cargo} test --no-fail-fast").run()?;
        Ok(String::new())
    });
    steps.run("model check", || model_check::check(project));
    steps.run("no_std link", || no_std::prove(project, &toolbox));
    generate::check_all(project, &mut steps);
    header_modes::steps(project, &toolbox, &mut steps);
    steps.run("header manual, Doxygen", || header_manual::read(project, &toolbox));
    abi::step(project, &toolbox, &mut steps);
    c_programs::steps(project, &toolbox, &mut steps);
    cxx_face::steps(project, &toolbox, &mut steps);
    installed::steps(project, &toolbox, &mut steps);
    completion::steps(project, &toolbox, &mut steps);
    two_rust_libraries::steps(project, &toolbox, &mut steps);
    engines::steps(project, &toolbox, &mut steps);
    go_module::steps(project, &toolbox, &mut steps);
    steps.run("README, shell", || readme::check_shell(project));
    steps.run("Python recipes", || python_recipes::run(project, &toolbox));
    steps.run("Rust examples", || rust_examples::build(project));
    steps.finish()
}
