//! The C header compiles, alone and included twice, in every language mode promised to its users.

use xshell::cmd;

use crate::project::Project;
use crate::steps::{Halt, Steps};
use crate::tasks::generate::header;
use crate::toolbox::{CLANG, GCC, GXX, Tool, Toolbox};

/// C23 goes by its working name: the compilers of current distributions know no other.
const C: &[&str] = &["c89", "gnu89", "c99", "c11", "c17", "c2x"];
const CXX: &[&str] = &["c++11", "c++17", "c++20"];
const WARNINGS: &[&str] = &["-Wall", "-Wextra", "-pedantic", "-Wundef", "-Werror"];
/// Of C++ alone; the last one clang does not know.
const CLANGXX_WARNINGS: &[&str] = &["-Wold-style-cast"];
const GXX_WARNINGS: &[&str] = &["-Wold-style-cast", "-Wuseless-cast"];

/// What macros stand for is compiled where they are used.
const USE_OF_MACROS: &str =
    "size_t nul_terminated(void);\nsize_t nul_terminated(void) { return PLEXTRAC_NTS; }\n";

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

/// One step a compiler.
pub(super) fn steps(project: &Project, toolbox: &Toolbox<'_>, steps: &mut Steps) {
    for compiler in COMPILERS {
        steps.run(&format!("header modes, {}", compiler.name), || compile(project, toolbox, compiler));
    }
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
            shell.write_file(&source, "#include <plextrac.h>\n".repeat(times) + USE_OF_MACROS)?;
            let more: &[&str] = match driver {
                "g++" => GXX_WARNINGS,
                "clang++" => CLANGXX_WARNINGS,
                _ => &[],
            };
            for mode in modes {
                let compile = cmd!(
                    shell,
                    "{driver} -std={mode} {WARNINGS...} {more...} -I{include} -fsyntax-only {source}"
                );
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
