//! `libplextrac` as cargo leaves it, and how a C program is linked against it.

use std::fmt::Display;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use xshell::{Cmd, cmd};

use crate::isolate::isolate;
use crate::project::Project;
use crate::steps::Halt;

/// The profile that `cargo xtask install` builds with by default.
pub(crate) const INSTALLED_PROFILE: &str = "release";

/// The name of the command's file.
pub(crate) const COMMAND: &str = "plextrac-auth";

/// How a program takes the library in.
#[derive(Clone, Copy)]
pub(crate) enum Linkage {
    Static,
    Shared,
}

impl Linkage {
    pub(crate) const ALL: [Self; 2] = [Self::Static, Self::Shared];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Static => "static",
            Self::Shared => "shared",
        }
    }
}

/// The library, built, and the command with it.
pub(crate) struct Library {
    folder: PathBuf,
    command: PathBuf,
    /// The command as this machine runs it, which differs where the library is built for another machine.
    host_command: PathBuf,
    /// What a static link needs of the system: what std needs. No dependency of ours links anything else; one that did
    /// would break the static link of every C program.
    system_libraries: Vec<String>,
}

impl Library {
    /// Builds both kinds of the library, and the command beside them, in the development profile.
    pub(crate) fn build(project: &Project) -> Result<Self, Halt> {
        let (shell, cargo) = (project.shell(), project.cargo());
        // With the examples, cargo chooses the same features as for the tests, and builds no dependency twice.
        cmd!(shell, "{cargo} build --lib --bins --examples").run()?;
        // rustc must be given a file of ours: it replaces what is at the path, and as root that can be a device.
        let empty = project.scratch_dir("library")?.join("empty.a");
        let note = cmd!(shell, "rustc --crate-type staticlib --print native-static-libs -o {empty} -")
            .stdin("")
            .quiet()
            .read_stderr()?;
        let Some(system_libraries) = system_libraries(&note) else {
            return Err(Halt::Failed(format!("rustc names no system libraries for a static link:\n{note}")));
        };
        Ok(Self::new(project.target_dir().join("debug"), system_libraries))
    }

    /// Builds both kinds of the library as they are installed, and the command. The library is built by itself: a Rust
    /// library beside it would keep the linker from optimising across crates.
    ///
    /// `target` is a target triple of rustc; without one everything is built for this machine.
    pub(crate) fn build_to_install(
        project: &Project,
        profile: &str,
        target: Option<&str>,
    ) -> Result<Self, Halt> {
        let (shell, cargo) = (project.shell(), project.cargo());
        let for_target: Vec<_> = target.iter().flat_map(|target| ["--target", target]).collect();
        let for_target = for_target.as_slice();
        // Cargo keeps the note about system libraries, and shows it again when there is nothing to build.
        let log = tee_stderr(cmd!(
            shell,
            "{cargo} rustc --package plextrac-ffi --lib --crate-type cdylib,staticlib --profile {profile} {for_target...} -- --print native-static-libs"
        ))?;
        cmd!(shell, "{cargo} build --package plextrac-cli --profile {profile} {for_target...}").run()?;
        let Some(system_libraries) = system_libraries(&log) else {
            return Err(Halt::Failed("rustc names no system libraries for a static link".to_owned()));
        };
        let built = Self::new(output_folder(&project.target_dir(), profile, target), system_libraries);
        if target.is_none() {
            return Ok(built);
        }
        cmd!(shell, "{cargo} build --package plextrac-cli").run()?;
        Ok(Self { host_command: project.target_dir().join("debug").join(COMMAND), ..built })
    }

    fn new(folder: PathBuf, system_libraries: Vec<String>) -> Self {
        let command = folder.join(COMMAND);
        Self { host_command: command.clone(), command, folder, system_libraries }
    }

    /// The same library, with a static one that shows nothing but its own functions.
    pub(crate) fn isolated(self, project: &Project) -> Result<Self, Halt> {
        let folder = project.scratch_dir("isolated")?;
        isolate(project, &self.folder.join("libplextrac.a"), &folder.join("libplextrac.a"))?;
        project.shell().copy_file(self.folder.join("libplextrac.so"), folder.join("libplextrac.so"))?;
        Ok(Self { folder, ..self })
    }

    /// Arguments for the compiler driver, after the sources.
    pub(crate) fn link_arguments(&self, linkage: Linkage) -> Vec<String> {
        let folder = self.folder.display();
        match linkage {
            // By its path: with `-lplextrac` the linker would take the shared one beside it.
            Linkage::Static => std::iter::once(format!("{folder}/libplextrac.a"))
                .chain(self.system_libraries.iter().cloned())
                .collect(),
            Linkage::Shared => {
                vec![format!("-L{folder}"), format!("-Wl,-rpath,{folder}"), "-lplextrac".to_owned()]
            }
        }
    }

    /// What a static link needs besides.
    pub(crate) fn system_libraries(&self) -> &[String] {
        &self.system_libraries
    }

    /// Where the library lies.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The command `plextrac-auth`.
    pub(crate) fn command(&self) -> &Path {
        &self.command
    }

    /// The same command, built for this machine.
    pub(crate) fn host_command(&self) -> &Path {
        &self.host_command
    }
}

/// Where cargo leaves what it builds.
fn output_folder(target_dir: &Path, profile: &str, target: Option<&str>) -> PathBuf {
    let folder = if profile == "dev" { "debug" } else { profile };
    target.map_or_else(|| target_dir.to_owned(), |target| target_dir.join(target)).join(folder)
}

/// Runs a command that takes minutes: what it says on stderr is shown at once, and returned.
fn tee_stderr(command: Cmd<'_>) -> Result<String, Halt> {
    let shown = command.to_string();
    let failed = |what: &dyn Display| Halt::Failed(format!("{shown}: {what}"));
    eprintln!("$ {shown}");
    let mut child = Command::from(command).stderr(Stdio::piped()).spawn().map_err(|error| failed(&error))?;
    let mut log = String::new();
    for line in child.stderr.take().into_iter().flat_map(|stderr| BufReader::new(stderr).lines()) {
        let line = line.map_err(|error| failed(&error))?;
        eprintln!("{line}");
        log.push_str(&line);
        log.push('\n');
    }
    let status = child.wait().map_err(|error| failed(&error))?;
    if status.success() { Ok(log) } else { Err(failed(&status)) }
}

/// What follows `native-static-libs:` in rustc's note; nothing if the build did not get that far.
///
/// Several crates name the same libraries. The last mention of each is enough, and it is needed there: a linker searches
/// a library for what the words before it lack.
fn system_libraries(log: &str) -> Option<Vec<String>> {
    let (_, flags) = log.lines().find_map(|line| line.split_once("native-static-libs:"))?;
    let words: Vec<_> = flags.split_whitespace().collect();
    let is_last = |index: &usize| !words[index + 1..].contains(&words[*index]);
    Some((0..words.len()).filter(is_last).map(|index| words[index].to_owned()).collect())
}

#[cfg(test)]
mod tests {
    use super::{Path, output_folder, system_libraries};

    #[test]
    fn a_build_for_another_machine_has_a_folder_of_its_own() {
        let folder = |profile, target| output_folder(Path::new("/t"), profile, target);
        assert_eq!(folder("dev", None), Path::new("/t/debug"));
        assert_eq!(
            folder("release", Some("aarch64-unknown-linux-gnu")),
            Path::new("/t/aarch64-unknown-linux-gnu/release")
        );
    }

    #[test]
    fn the_system_libraries_are_read_from_the_compilers_note() {
        let note = "note: link against the following\n\nnote: native-static-libs: -lgcc_s -lm -lc\n";
        assert_eq!(system_libraries(note).as_deref(), Some(&["-lgcc_s", "-lm", "-lc"].map(String::from)[..]));
    }

    #[test]
    fn a_library_named_twice_stands_where_it_is_named_last() {
        let note = "note: native-static-libs: -lc -lm -lgcc_s -lm -ldl -lc\n";
        assert_eq!(system_libraries(note).unwrap_or_default(), ["-lgcc_s", "-lm", "-ldl", "-lc"]);
    }

    #[test]
    fn a_note_without_system_libraries_is_not_an_empty_list() {
        assert_eq!(system_libraries("error: unknown print request"), None);
    }
}
