//! The single flight of the transport, tried in thousands of orders of its threads.

use xshell::cmd;

use crate::project::Project;
use crate::steps::Halt;

/// Tests the transport with the model's locks in place of the system's. Everything is built for that anew, so it has a
/// target folder of its own.
pub(super) fn check(project: &Project) -> Result<String, Halt> {
    let (shell, cargo) = (project.shell(), project.cargo());
    let target = project.scratch_dir("model-check")?;
    cmd!(shell, "{cargo} test --package plextrac-transport --lib --target-dir {target} model_check")
        .env("RUSTFLAGS", "--cfg plextrac_shuttle")
        .run()?;
    Ok(String::new())
}
