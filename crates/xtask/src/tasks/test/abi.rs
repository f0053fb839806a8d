//! What the header promises to programs that are compiled already, against what was promised before.
//!
//! libabigail reads debug information, and that of the library tells of Rust's types and not of C's. So it is given a
//! stand-in that C compiled from the header alone: every declaration, with a body that does nothing. That the library
//! exports just these functions is said by the tests of plextrac-ffi.

use std::path::{Path, PathBuf};

use xshell::cmd;

use crate::project::Project;
use crate::steps::{Halt, Steps};
use crate::toolbox::{ABIGAIL, GCC, Toolbox};

const BASELINE: &str = "crates/plextrac-ffi/abi/x86_64-linux-gnu.abi";

/// Writes the baseline anew.
pub(crate) fn accept(project: &Project) -> Result<(), Halt> {
    let toolbox = Toolbox::new(project.shell(), false);
    let library = stand_in(project, &toolbox, "kept", &declarations(project, &toolbox)?)?;
    let baseline = project.path(BASELINE);
    let shell = project.shell();
    shell.create_dir(baseline.parent().unwrap_or(&baseline))?;
    cmd!(shell, "abidw --no-corpus-path --no-comp-dir-path --no-show-locs --out-file {baseline} {library}")
        .run()?;
    println!("{BASELINE} written");
    Ok(())
}

/// The comparison, with what it must catch: a function that is gone, and one with another parameter.
pub(super) fn step(project: &Project, toolbox: &Toolbox<'_>, steps: &mut Steps) {
    steps.run("ABI against the baseline", || {
        let declared = declarations(project, toolbox)?;
        let count = declared.lines().count();
        let told = difference(project, &stand_in(project, toolbox, "now", &declared)?)?;
        if let Some(told) = told {
            return Err(Halt::Failed(format!("the ABI has changed other than by addition:\n{told}")));
        }
        let without: String = declared
            .lines()
            .filter(|line| !line.contains("plextrac_session_close "))
            .map(|line| format!("{line}\n"))
            .collect();
        let changed = declared.replace("plextrac_time_now (void)", "plextrac_time_now (int)");
        for (name, control) in [("without", without), ("changed", changed)] {
            if control == declared
                || difference(project, &stand_in(project, toolbox, name, &control)?)?.is_none()
            {
                return Err(Halt::Failed(format!(
                    "the control {name:?} was not caught: nothing is compared"
                )));
            }
        }
        Ok(format!("{count} functions; a missing and a changed one are caught"))
    });
}

/// The functions of the header, one a line, as the compiler has read them.
fn declarations(project: &Project, toolbox: &Toolbox<'_>) -> Result<String, Halt> {
    for tool in [&GCC, &ABIGAIL] {
        toolbox.require(tool)?;
    }
    let (shell, include) = (project.shell(), project.path("include"));
    let folder = project.scratch_dir("abi")?;
    let (source, list) = (folder.join("header.c"), folder.join("declarations"));
    shell.write_file(&source, "#include <plextrac.h>\n")?;
    cmd!(shell, "gcc -std=gnu2x -I{include} -fsyntax-only -aux-info {list} {source}").quiet().run()?;
    let listed = shell.read_file(&list)?;
    // Each line begins with a comment that says where the declaration stands.
    let ours = listed.lines().filter(|line| line.contains("plextrac.h:"));
    Ok(ours
        .filter_map(|line| line.split_once("*/ extern "))
        .map(|(_, declared)| format!("{declared}\n"))
        .collect())
}

fn stand_in(project: &Project, toolbox: &Toolbox<'_>, name: &str, declared: &str) -> Result<PathBuf, Halt> {
    toolbox.require(&GCC)?;
    let (shell, include) = (project.shell(), project.path("include"));
    let folder = project.scratch_dir("abi")?.join(name);
    shell.create_dir(&folder)?;
    // The same name each time: it is part of what is compared. The header's own declarations are left out, so that a
    // control may differ from them.
    let (source, library) = (folder.join("stand_in.c"), folder.join("stand_in.so"));
    let types = types_of(&shell.read_file(include.join("plextrac.h"))?)?;
    let bodies: String =
        declared.lines().map(|line| line.replace(");", ") { __builtin_trap(); }\n")).collect();
    shell.write_file(&source, format!("{types}{bodies}"))?;
    cmd!(
        shell,
        "gcc -std=gnu2x -g -shared -fPIC -ffile-prefix-map={folder}=. -I{include} -o {library} {source}"
    )
    .quiet()
    .run()?;
    Ok(library)
}

/// The header's types alone: all functions stand in its C++ linkage block, which comes last.
fn types_of(header: &str) -> Result<String, Halt> {
    let Some((types, _)) = header.split_once("#ifdef __cplusplus\nextern \"C\" {") else {
        return Err(Halt::Failed("the header has no block of C linkage around its functions".to_owned()));
    };
    Ok(format!("{types}#endif\n"))
}

/// What libabigail says, if there is anything but additions.
fn difference(project: &Project, library: &Path) -> Result<Option<String>, Halt> {
    let (shell, baseline) = (project.shell(), project.path(BASELINE));
    let output =
        cmd!(shell, "abidiff --no-added-syms {baseline} {library}").quiet().ignore_status().output()?;
    match output.status.code() {
        Some(0) => Ok(None),
        // The two lowest bits are for usage and for errors of the tool itself.
        Some(code) if code & 3 == 0 => Ok(Some(String::from_utf8_lossy(&output.stdout).into_owned())),
        _ => Err(Halt::Failed(format!("abidiff: {}", String::from_utf8_lossy(&output.stderr)))),
    }
}
