//! The recipes in `examples/python`, with the libraries that they are for, against an emulator.

use std::env;
use std::process::Command;

use crate::emulator::Emulator;
use crate::library::Library;
use crate::program;
use crate::project::Project;
use crate::steps::Halt;
use crate::toolbox::{PYTHON, PYTHON_HTTP, Toolbox, VENV};

const TEST: &str = "tests/python/recipes_test.py";

pub(super) fn run(project: &Project, toolbox: &Toolbox<'_>) -> Result<String, Halt> {
    toolbox.require(&PYTHON)?;
    let versions = toolbox.require(&PYTHON_HTTP)?;
    let library = Library::build(project)?;
    let emulator = Emulator::start(library.folder())?;
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(library.folder().to_owned()).chain(env::split_paths(&path));
    let path = env::join_paths(folders).map_err(|error| Halt::Failed(error.to_string()))?;
    let mut command = Command::new(project.path(VENV).join("bin/python"));
    command.arg(project.path(TEST)).envs(emulator.environment()?).env("PATH", path);
    for (name, value) in emulator.environment()? {
        match name {
            "PLEXTRAC_PLAIN_USERNAME" => command.env("PLEXTRAC_USERNAME", value),
            "PLEXTRAC_PLAIN_PASSWORD" => command.env("PLEXTRAC_PASSWORD", value),
            "PLEXTRAC_CA_FILE" => command.env("REQUESTS_CA_BUNDLE", &value).env("SSL_CERT_FILE", value),
            _ => &mut command,
        };
    }
    command.env_remove("PLEXTRAC_TOTP_SECRET").env("NO_PROXY", "127.0.0.1");
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    let (told, status) = program::listen(command)?;
    if status.success() { Ok(versions) } else { Err(Halt::Failed(format!("{status}\n{told}"))) }
}
