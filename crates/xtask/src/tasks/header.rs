//! `cargo xtask header`: the C header, generated from the declarations in `plextrac-ffi`.

use crate::generated;
use crate::project::Project;
use crate::steps::Halt;

/// Where the header lies in the repository.
pub(crate) const PATH: &str = "include/plextrac.h";

const CRATE: &str = "crates/plextrac-ffi";
const CONFIGURATION: &str = "crates/plextrac-ffi/cbindgen.toml";

/// Generate include/plextrac.h from plextrac-ffi (--check: only say whether it has drifted)
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Write nothing; fail if the header is not what the code says.
    #[arg(long)]
    check: bool,
}

pub(crate) fn run(project: &Project, options: &Options) -> Result<(), Halt> {
    let content = generate(project)?;
    let said = generated::write_or_check(project, PATH, "header", &content, options.check)?;
    println!("{said}");
    Ok(())
}

/// The header as the code has it now.
pub(crate) fn generate(project: &Project) -> Result<Vec<u8>, Halt> {
    let configuration = project.path(CONFIGURATION);
    if !configuration.exists() {
        return Err(Halt::NotYet(format!("{CONFIGURATION} does not exist yet")));
    }
    let configuration = cbindgen::Config::from_file(configuration)
        .map_err(|error| Halt::Failed(format!("{CONFIGURATION}: {error}")))?;
    let bindings = cbindgen::Builder::new()
        .with_config(configuration)
        .with_crate(project.path(CRATE))
        .generate()
        .map_err(|error| Halt::Failed(format!("cbindgen on {CRATE}: {error}")))?;
    let mut content = Vec::new();
    bindings.write(&mut content);
    Ok(content)
}
