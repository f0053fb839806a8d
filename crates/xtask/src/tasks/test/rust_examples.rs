//! The Rust examples build, and none lies there without a package that declares it.

use xshell::cmd;

use crate::project::Project;
use crate::steps::Halt;

const FOLDER: &str = "examples/rust";

pub(super) fn build(project: &Project) -> Result<String, Halt> {
    let examples = project.files(FOLDER, "rs");
    if examples.is_empty() {
        return Err(Halt::NotYet(format!("{FOLDER} holds no Rust file yet")));
    }
    let declared = project.declared_examples();
    let strays: Vec<_> = examples.iter().filter(|path| !declared.contains(path)).collect();
    if let Some(stray) = strays.first() {
        return Err(Halt::Failed(format!(
            "{} is built by nothing: give it an [[example]] in a crate's Cargo.toml",
            project.shown(stray)
        )));
    }
    let (shell, cargo) = (project.shell(), project.cargo());
    cmd!(shell, "{cargo} build --examples").run()?;
    Ok(format!("{} examples", examples.len()))
}
