//! The library as its users meet it: installed, found by pkg-config and by CMake, linked static and shared, run.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use xshell::cmd;

use crate::installation::{Destination, install};
use crate::library::{INSTALLED_PROFILE, Library, Linkage};
use crate::program;
use crate::project::Project;
use crate::steps::{Halt, Steps};
use crate::tasks::test::linking_page::LinkingPage;
use crate::toolbox::{CMAKE, GCC, GXX, LIBCURL, PKG_CONFIG, Toolbox};

/// Examples that ask a person, or want accounts on standard input; they are built and not run here.
const ASKING: &[&str] = &["mfa_prompt", "machine_epoll"];

/// What the others are given, where they need anything.
const ARGUMENTS: &[(&str, &[&str])] =
    &[("upload_findings", &["/api/v1/echo/findings", "examples/cpp/findings.jsonl"])];

pub(super) fn steps(project: &Project, toolbox: &Toolbox<'_>, steps: &mut Steps) {
    steps.run("installed: pkg-config", || by_pkg_config(project, toolbox));
    steps.run("installed: CMake, moved", || by_cmake(project, toolbox));
}

fn by_pkg_config(project: &Project, toolbox: &Toolbox<'_>) -> Result<String, Halt> {
    for tool in [&GCC, &GXX, &PKG_CONFIG, &LIBCURL] {
        toolbox.require(tool)?;
    }
    let library = Library::build_to_install(project, INSTALLED_PROFILE, None)?;
    let prefix = fresh_install(project, &library, "prefix")?;
    let page = LinkingPage::read(project)?;
    let [shared, for_static] = page.pkg_config_words(&prefix)?;
    expect_words(project, &prefix, &[], &shared)?;
    expect_words(project, &prefix, &["--static"], &for_static)?;
    first_link(project, &library, &prefix, &page)?;

    let examples = Example::all(project);
    for example in &examples {
        for linkage in Linkage::ALL {
            let program = project.scratch_dir("installed")?.join(example.program(linkage));
            compile(project, &prefix, example, linkage, &program)?;
            example.check(project, &library, &program, linkage)?;
        }
    }
    Ok(format!("{} examples, static and shared", examples.len()))
}

/// The installed folder is moved as a whole before anything is built with it.
fn by_cmake(project: &Project, toolbox: &Toolbox<'_>) -> Result<String, Halt> {
    for tool in [&GCC, &GXX, &CMAKE, &LIBCURL] {
        toolbox.require(tool)?;
    }
    let shell = project.shell();
    let library = Library::build_to_install(project, INSTALLED_PROFILE, None)?;
    let installed = fresh_install(project, &library, "before")?;
    let moved = installed.with_file_name("moved");
    shell.remove_path(&moved)?;
    fs::rename(&installed, &moved).map_err(|error| Halt::Failed(format!("{}: {error}", moved.display())))?;

    let build = project.scratch_dir("installed")?.join("cmake");
    shell.remove_path(&build)?;
    let (source, examples) = (project.path("tests/cmake"), project.path("examples"));
    let (version, _) = project.package("plextrac-ffi")?;
    cmd!(shell, "cmake -S {source} -B {build} -DCMAKE_PREFIX_PATH={moved} -DEXAMPLES={examples} -DEXPECTED_VERSION={version}")
        .run()?;
    cmd!(shell, "cmake --build {build} --parallel 2").run()?;

    let examples = Example::all(project);
    for example in &examples {
        for linkage in Linkage::ALL {
            example.check(project, &library, &build.join(example.program(linkage)), linkage)?;
        }
    }
    Ok(format!("{} examples, static and shared, from a moved prefix", examples.len()))
}

/// A copy below the scratch folder, with nothing of an earlier one in it. Returns its prefix.
pub(super) fn fresh_install(project: &Project, library: &Library, name: &str) -> Result<PathBuf, Halt> {
    let prefix = project.scratch_dir("installed")?.join(name);
    project.shell().remove_path(&prefix)?;
    let destination = Destination::new(&prefix, Path::new("lib"), None)?;
    let written = install(project, library, &destination)?;
    let below = |path: &PathBuf| path.strip_prefix(&prefix).ok().map(|path| path.display().to_string());
    let differences =
        LinkingPage::read(project)?.differences(&written.iter().filter_map(below).collect::<Vec<_>>());
    if !differences.is_empty() {
        return Err(Halt::Failed(differences.join("\n")));
    }
    println!("{} files below {}", written.len(), prefix.display());
    Ok(prefix)
}

/// The first chapter of docs/linking.md, after the installation: the program that it makes runs, and signs in.
fn first_link(project: &Project, library: &Library, prefix: &Path, page: &LinkingPage) -> Result<(), Halt> {
    let shell = project.shell();
    let folder = project.scratch_dir("installed")?.join("first");
    shell.remove_path(&folder)?;
    shell.create_dir(&folder)?;
    let examples = project.path("examples");
    let commands = page.first_link()?.replace("examples/", &format!("{}/", examples.display()));
    let _inside = shell.push_dir(&folder);
    cmd!(shell, "sh -e -u -c {commands}").env("prefix", prefix).quiet().run()?;
    program::run(Command::new(folder.join("login")), library.folder())
}

fn pkg_config(project: &Project, prefix: &Path, arguments: &[&str]) -> Result<Vec<String>, Halt> {
    let said = cmd!(project.shell(), "pkg-config {arguments...}")
        .env("PKG_CONFIG_PATH", prefix.join("lib/pkgconfig"))
        .quiet()
        .read()?;
    Ok(said.split_whitespace().map(str::to_owned).collect())
}

fn expect_words(project: &Project, prefix: &Path, options: &[&str], expected: &str) -> Result<(), Halt> {
    let arguments = [&["--cflags", "--libs"], options, &["plextrac"]].concat();
    let said = pkg_config(project, prefix, &arguments)?.join(" ");
    if said == expected {
        return Ok(());
    }
    Err(Halt::Failed(format!("pkg-config {} says\n  {said}\nand not\n  {expected}", arguments.join(" "))))
}

/// Compiles as docs/linking.md says: for the static library, its name with `-l:` in place of `-lplextrac`.
fn compile(
    project: &Project,
    prefix: &Path,
    example: &Example,
    linkage: Linkage,
    program: &Path,
) -> Result<(), Halt> {
    let shell = project.shell();
    let mut words = match linkage {
        Linkage::Shared => pkg_config(project, prefix, &["--cflags", "--libs", "plextrac"])?,
        Linkage::Static => pkg_config(project, prefix, &["--cflags", "--libs", "--static", "plextrac"])?
            .into_iter()
            .map(|word| if word == "-lplextrac" { "-l:libplextrac.a".to_owned() } else { word })
            .collect(),
    };
    if let Linkage::Shared = linkage {
        words.push(format!("-Wl,-rpath,{}", prefix.join("lib").display()));
    }
    if example.uses_curl(project)? {
        words.extend(pkg_config(project, prefix, &["--cflags", "--libs", "libcurl"])?);
    }
    let (driver, standard) = if example.is_cxx() { ("g++", "-std=c++17") } else { ("gcc", "-std=c11") };
    let source = &example.source;
    cmd!(shell, "{driver} {standard} -Wall -Wextra -Werror -o {program} {source} {words...}")
        .quiet()
        .run()?;
    Ok(())
}

/// A program that users are shown.
struct Example {
    source: PathBuf,
}

impl Example {
    fn all(project: &Project) -> Vec<Self> {
        let mut sources = project.files("examples/c", "c");
        sources.extend(project.files("examples/cpp", "cpp"));
        sources.into_iter().map(|source| Self { source }).collect()
    }

    fn name(&self) -> String {
        self.source.file_stem().unwrap_or_default().display().to_string()
    }

    fn program(&self, linkage: Linkage) -> String {
        format!("{}-{}", self.name(), linkage.name())
    }

    fn is_cxx(&self) -> bool {
        self.source.extension().is_some_and(|extension| extension == "cpp")
    }

    fn uses_curl(&self, project: &Project) -> Result<bool, Halt> {
        Ok(project.shell().read_file(&self.source)?.contains("#include <curl/"))
    }

    /// The program is linked the way it is called, and runs, if nobody has to be asked.
    fn check(
        &self,
        project: &Project,
        library: &Library,
        program: &Path,
        linkage: Linkage,
    ) -> Result<(), Halt> {
        let dynamic = cmd!(project.shell(), "readelf --dynamic {program}").quiet().read()?;
        let needs_library = dynamic.contains("NEEDED") && dynamic.contains("[libplextrac.so.");
        if needs_library != matches!(linkage, Linkage::Shared) {
            return Err(Halt::Failed(format!(
                "{} is not linked {}:\n{dynamic}",
                program.display(),
                linkage.name()
            )));
        }
        let name = self.name();
        if ASKING.contains(&name.as_str()) {
            println!("{}: builds", program.display());
            return Ok(());
        }
        let mut command = Command::new(program);
        if let Some((_, arguments)) = ARGUMENTS.iter().find(|(example, _)| *example == name) {
            command.args(*arguments);
        }
        command.current_dir(project.path(""));
        program::run(command, library.folder())
            .map_err(|halt| Halt::Failed(format!("{}: {halt}", program.display())))?;
        println!("{}: ok", program.display());
        Ok(())
    }
}
