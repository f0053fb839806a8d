//! The C++ face compiles in every mode promised to its users, and its tests run against the emulator.

use std::path::{Path, PathBuf};
use std::process::Command;

use xshell::cmd;

use crate::library::{Library, Linkage};
use crate::program;
use crate::project::Project;
use crate::steps::{Halt, Steps};
use crate::tasks::test::readme;
use crate::toolbox::{CLANG, GCC, GXX, Tool, Toolbox};

const FACE: &str = "include/plextrac.hpp";
const TESTS: &str = "tests/cpp";

/// C++23 goes by its working name: the compilers of current distributions know no other.
const STANDARDS: &[&str] = &["c++17", "c++20", "c++2b"];
const WITHOUT_RUNTIME: &[&str] = &["-fno-exceptions", "-fno-rtti"];
const FLAGS: &[&str] = &[
    "-Wall",
    "-Wextra",
    "-Wpedantic",
    "-Wconversion",
    "-Wsign-conversion",
    "-Wshadow",
    "-Wundef",
    "-Werror",
    "-g",
    "-pthread",
];

/// How each test is built and run: with results of its own, and with those of the standard library.
const RUNS: &[(&str, Linkage)] = &[("c++17", Linkage::Shared), ("c++2b", Linkage::Static)];

pub(super) fn steps(project: &Project, toolbox: &Toolbox<'_>, steps: &mut Steps) {
    for (name, driver, tool) in [("gcc", "g++", &GXX), ("clang", "clang++", &CLANG)] {
        steps.run(&format!("C++ modes, {name}"), || compile_in_all_modes(project, toolbox, driver, tool));
    }
    steps.run("C++ manual", || compile_manual(project, toolbox));
    steps.run("C++ tests", || run_tests(project, toolbox));
}

/// All tests in one translation unit: reading the headers is what takes the time.
fn compile_in_all_modes(
    project: &Project,
    toolbox: &Toolbox<'_>,
    driver: &str,
    tool: &Tool,
) -> Result<String, Halt> {
    let tests = tests(project)?;
    toolbox.require(tool)?;
    let shell = project.shell();
    let mut unit = "#include <plextrac.hpp>\n".repeat(2);
    for test in &tests {
        let name = test.file_stem().unwrap_or_default().display();
        unit.push_str(&format!(
            "#define main main_of_{name}\n#include \"{}\"\n#undef main\n",
            test.display()
        ));
    }
    let source = project.scratch_dir("cxx")?.join("all.cpp");
    shell.write_file(&source, unit)?;

    let include = project.path("include");
    let mut broken = Vec::new();
    for standard in STANDARDS {
        for without in [&[], WITHOUT_RUNTIME] {
            // A main under another name would have to return something.
            let flags = [FLAGS, without, &["-Wno-return-type"]].concat();
            let compile =
                cmd!(shell, "{driver} -std={standard} {flags...} -I{include} -fsyntax-only {source}");
            if compile.quiet().run().is_err() {
                broken.push(format!("{standard} {}", without.join(" ")));
            }
        }
    }
    if !broken.is_empty() {
        return Err(Halt::Failed(format!("does not compile as {}", broken.join(", "))));
    }
    Ok(format!("{}, each with and without exceptions and RTTI", STANDARDS.join(" ")))
}

/// The programs on the first page of the header, and the one in the README.
fn compile_manual(project: &Project, toolbox: &Toolbox<'_>) -> Result<String, Halt> {
    toolbox.require(&GXX)?;
    let shell = project.shell();
    let scratch = project.scratch_dir("cxx")?;
    let include = project.path("include");
    let mut programs = programs(&shell.read_file(project.path(FACE))?);
    programs.push(readme::program(project, "cpp")?);
    for (index, program) in programs.iter().enumerate() {
        let source = scratch.join(format!("manual_{index}.cpp"));
        shell.write_file(&source, program)?;
        cmd!(shell, "g++ -std=c++17 {FLAGS...} -I{include} -fsyntax-only {source}").quiet().run()?;
    }
    match programs.len() {
        4 => Ok("4 programs".to_owned()),
        found => Err(Halt::Failed(format!(
            "{FACE} shows 3 programs and the README 1, and {found} were found in all"
        ))),
    }
}

fn run_tests(project: &Project, toolbox: &Toolbox<'_>) -> Result<String, Halt> {
    let tests = tests(project)?;
    toolbox.require(&GCC)?;
    toolbox.require(&GXX)?;
    let library = Library::build(project)?;
    let mut failures = Vec::new();
    for test in &tests {
        for (standard, linkage) in RUNS {
            let outcome = build(project, &library, test, standard, *linkage)
                .and_then(|program| program::run(Command::new(program), library.folder()));
            let what = format!("{} ({standard}, {})", project.shown(test), linkage.name());
            match outcome {
                Ok(()) => println!("{what}: ok"),
                Err(halt) => {
                    println!("{what}: {halt}");
                    failures.push(format!("{what}: {halt}"));
                }
            }
        }
    }
    if let Err(halt) = link_side_by_side(project, &library) {
        failures.push(format!("{TESTS}/side_by_side: {halt}"));
    }
    if !failures.is_empty() {
        return Err(Halt::Failed(failures.join("\n")));
    }
    let modes: Vec<_> =
        RUNS.iter().map(|(standard, linkage)| format!("{standard} {}", linkage.name())).collect();
    Ok(format!("{} programs, each as {}; and two modes in one program", tests.len(), modes.join(" and ")))
}

fn build(
    project: &Project,
    library: &Library,
    source: &Path,
    standard: &str,
    linkage: Linkage,
) -> Result<PathBuf, Halt> {
    let shell = project.shell();
    let stem = source.file_stem().unwrap_or_default().display();
    let program = project.scratch_dir("cxx")?.join(format!("{stem}-{standard}-{}", linkage.name()));
    let include = project.path("include");
    let link = library.link_arguments(linkage);
    cmd!(shell, "g++ -std={standard} {FLAGS...} -I{include} -o {program} {source} {link...}")
        .quiet()
        .run()?;
    Ok(program)
}

/// Two files of one program that differ in what results are and in whether there are exceptions.
fn link_side_by_side(project: &Project, library: &Library) -> Result<(), Halt> {
    let shell = project.shell();
    let folder = project.path(TESTS).join("side_by_side");
    let scratch = project.scratch_dir("cxx")?;
    let include = project.path("include");
    let (part, main) = (scratch.join("part.o"), scratch.join("main.o"));
    let compile = |standard: &str, flags: &[&str], source: &str, object: &Path| {
        let source = folder.join(source);
        cmd!(shell, "g++ -std={standard} {FLAGS...} {flags...} -I{include} -c -o {object} {source}")
            .quiet()
            .run()
    };
    compile("c++17", WITHOUT_RUNTIME, "part.cpp", &part)?;
    compile("c++2b", &[], "main.cpp", &main)?;
    let program = scratch.join("side_by_side");
    let link = library.link_arguments(Linkage::Shared);
    // The object without exceptions first: its functions are the ones a linker would keep.
    cmd!(shell, "g++ -o {program} {part} {main} {link...}").quiet().run()?;
    cmd!(shell, "{program}").run()?;
    Ok(())
}

fn tests(project: &Project) -> Result<Vec<PathBuf>, Halt> {
    let tests = project.files(TESTS, "cpp");
    if tests.is_empty() { Err(Halt::NotYet(format!("{TESTS} holds no C++ file yet"))) } else { Ok(tests) }
}

/// What is indented by four on the first page, cut where a new program includes the header.
fn programs(face: &str) -> Vec<String> {
    const INCLUDE: &str = "#include <plextrac.hpp>";
    let page = face.split_once("*/").map_or("", |(page, _)| page);
    let code = page.lines().filter_map(|line| line.strip_prefix(" *     ").or((line == " *").then_some("")));
    let code: Vec<_> = code.collect();
    code.join("\n").split(INCLUDE).skip(1).map(|program| format!("{INCLUDE}{program}")).collect()
}

#[cfg(test)]
mod tests {
    use super::programs;

    #[test]
    fn the_programs_of_a_page_are_its_indented_blocks() {
        let page = "/**\n * Text.\n *\n *     #include <plextrac.hpp>\n *     int a;\n *\n *     int b;\n * More:\n \
                    *     #include <plextrac.hpp>\n *     int c;\n */\n#include <plextrac.hpp>\n";
        assert_eq!(
            programs(page),
            ["#include <plextrac.hpp>\nint a;\n\nint b;\n", "#include <plextrac.hpp>\nint c;"]
        );
    }
}
