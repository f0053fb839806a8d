//! The C header, generated from the declarations in `plextrac-ffi`.

use crate::project::Project;
use crate::steps::Halt;

/// Where the header lies in the repository.
pub(crate) const PATH: &str = "include/plextrac.h";

const CRATE: &str = "crates/plextrac-ffi";
const CONFIGURATION: &str = "crates/plextrac-ffi/cbindgen.toml";

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
    Ok(without_line_comments(&String::from_utf8_lossy(&content)).into_bytes())
}

/// cbindgen ends its own blocks with comments that C89 does not know.
fn without_line_comments(header: &str) -> String {
    header.replace("// __cplusplus", "/* __cplusplus */").replace("// extern \"C\"", "/* extern \"C\" */")
}
