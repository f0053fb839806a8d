//! The C header compiles, alone and included twice, in every language mode promised to its users; and it is a manual.

use std::path::Path;

use xshell::cmd;

use crate::project::Project;
use crate::steps::{Halt, Steps};
use crate::tasks::header;
use crate::toolbox::{CLANG, DOXYGEN, GCC, GXX, Tool, Toolbox};

/// C23 goes by its working name: the compilers of current distributions know no other.
const C: &[&str] = &["c99", "c11", "c17", "c2x"];
const CXX: &[&str] = &["c++11", "c++17", "c++20"];
const WARNINGS: &[&str] = &["-Wall", "-Wextra", "-pedantic", "-Wundef", "-Werror"];

struct Compiler {
    name: &'static str,
    c: &'static str,
    cxx: &'static str,
    tools: &'static [&'static Tool],
}

const COMPILERS: &[Compiler] = &[
    Compiler { name: "gcc", c: "gcc", cxx: "g++", tools: &[&GCC, &GXX] },
    Compiler { name: "clang", c: "clang", cxx: "clang++", tools: &[&CLANG] },
];

/// One step a compiler, and one for those who read it.
pub(super) fn steps(project: &Project, toolbox: &Toolbox<'_>, steps: &mut Steps) {
    for compiler in COMPILERS {
        steps.run(&format!("header modes, {}", compiler.name), || compile(project, toolbox, compiler));
    }
    steps.run("header manual, Doxygen", || read_as_manual(project, toolbox));
}

fn compile(project: &Project, toolbox: &Toolbox<'_>, compiler: &Compiler) -> Result<String, Halt> {
    let header = project.path(header::PATH);
    if !header.exists() {
        return Err(Halt::NotYet(format!("{} does not exist yet", header::PATH)));
    }
    for tool in compiler.tools {
        toolbox.require(tool)?;
    }
    let shell = project.shell();
    let scratch = project.scratch_dir("header")?;
    let include = project.path("include");
    let mut compiled = 0;
    let mut broken = Vec::new();
    for (driver, extension, modes) in [(compiler.c, "c", C), (compiler.cxx, "cpp", CXX)] {
        for times in [1, 2] {
            let source = scratch.join(format!("included_{times}.{extension}"));
            shell.write_file(&source, "#include <plextrac.h>\n".repeat(times))?;
            for mode in modes {
                let compile =
                    cmd!(shell, "{driver} -std={mode} {WARNINGS...} -I{include} -fsyntax-only {source}");
                match compile.quiet().run() {
                    Ok(()) => compiled += 1,
                    Err(_) => broken.push(format!("{mode} included {times}x")),
                }
            }
        }
    }
    if !broken.is_empty() {
        return Err(Halt::Failed(format!("does not compile as {}", broken.join(", "))));
    }
    Ok(format!("{compiled} compilations: {} {}, each alone and twice", C.join(" "), CXX.join(" ")))
}

/// Doxygen finds everything documented, and nothing that it does not understand.
fn read_as_manual(project: &Project, toolbox: &Toolbox<'_>) -> Result<String, Halt> {
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
