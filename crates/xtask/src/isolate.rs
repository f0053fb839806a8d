//! A static library that shows nothing but its own functions, so that another one written in Rust fits beside it.
//!
//! Every Rust static library brings the standard library along. Where one of the two was optimised across crates, its
//! copy is one object with everything else, and the linker finds `rust_eh_personality` and others twice.

use std::path::Path;

use xshell::cmd;

use crate::project::Project;
use crate::steps::Halt;

/// Makes one object of the archive and hides all but the public functions in it. Needs GNU ld, objcopy and ar.
pub(crate) fn isolate(project: &Project, archive: &Path, isolated: &Path) -> Result<(), Halt> {
    let shell = project.shell();
    let object = isolated.with_extension("o");
    cmd!(shell, "ld --relocatable --whole-archive {archive} -o {object}").run()?;
    // The pointer to the personality stands in a section that the linker keeps one copy of, whichever library it is
    // from: hidden, it would be missing for the other. Bitcode is of no use in a library that is not Rust's, and the
    // joined pieces are none.
    cmd!(
        shell,
        "objcopy --wildcard --keep-global-symbol=plextrac_* --keep-global-symbol=DW.ref.* --remove-section=.llvmbc --remove-section=.llvmcmd {object}"
    )
    .run()?;
    shell.remove_path(isolated)?;
    cmd!(shell, "ar rcs {isolated} {object}").run()?;
    shell.remove_path(&object)?;
    Ok(())
}
