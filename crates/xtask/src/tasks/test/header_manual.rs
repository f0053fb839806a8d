//! The C header is its own manual: what reads such manuals has nothing to complain of.

use std::path::Path;

use xshell::cmd;

use crate::project::Project;
use crate::steps::Halt;
use crate::tasks::generate::header;
use crate::toolbox::{DOXYGEN, Toolbox};

/// Doxygen finds everything documented, and nothing that it does not understand.
pub(super) fn read(project: &Project, toolbox: &Toolbox<'_>) -> Result<String, Halt> {
    toolbox.require(&DOXYGEN)?;
    let shell = project.shell();
    let scratch = project.scratch_dir("doxygen")?;
    let header = project.path(header::PATH);
    let complaints = doxygen(project, &scratch, &header)?;
    if !complaints.is_empty() {
        return Err(Halt::Failed(complaints));
    }

    let text = shell.read_file(&header)?;
    // Under the same name, for the header says what it is called.
    let control = scratch.join("control").join("plextrac.h");
    shell.write_file(&control, text.replace(" * Frees an error.", " * Frees @ref what_is_not_there."))?;
    if doxygen(project, &scratch, &control)?.contains("what_is_not_there") {
        Ok("no warning, 1 control".to_owned())
    } else {
        Err(Halt::Failed("the control was not caught: a reference to what is not there".to_owned()))
    }
}

/// What it complains of.
fn doxygen(project: &Project, scratch: &Path, header: &Path) -> Result<String, Halt> {
    let settings = format!(
        "PROJECT_NAME = plextrac\nINPUT = \"{}\"\nOUTPUT_DIRECTORY = \"{}\"\nOPTIMIZE_OUTPUT_FOR_C = YES\n\
         GENERATE_LATEX = NO\nHAVE_DOT = NO\nQUIET = YES\n",
        header.display(),
        scratch.display()
    );
    let file = scratch.join("Doxyfile");
    let shell = project.shell();
    shell.write_file(&file, settings)?;
    Ok(cmd!(shell, "doxygen {file}").quiet().read_stderr()?)
}
