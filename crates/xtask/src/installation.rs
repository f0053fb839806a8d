//! What is installed: the library with its headers and its files for build systems, and the command.
//!
//! ```text
//!   PREFIX/bin/plextrac-auth
//!   PREFIX/include/plextrac.h  plextrac.hpp  plextrac/*.hpp
//!   PREFIX/LIBDIR/libplextrac.a
//!   PREFIX/LIBDIR/libplextrac.so -> libplextrac.so.ABI -> libplextrac.so.VERSION
//!   PREFIX/LIBDIR/pkgconfig/plextrac.pc
//!   PREFIX/LIBDIR/cmake/plextrac/*.cmake
//!   PREFIX/share/man/man1/plextrac-auth*.1
//!   PREFIX/share/bash-completion/completions/plextrac-auth
//!   PREFIX/share/zsh/site-functions/_plextrac-auth
//!   PREFIX/share/fish/vendor_completions.d/plextrac-auth.fish
//!   PREFIX/share/systemd/user/plextrac-auth-keep@.service
//!   PREFIX/share/plextrac/valgrind.supp
//!   PREFIX/share/licenses/plextrac-auth/LICENSE-*
//! ```

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use xshell::cmd;

use crate::library::Library;
use crate::project::Project;
use crate::steps::Halt;

/// Where an installation goes.
pub(crate) struct Destination {
    prefix: PathBuf,
    /// Below the prefix.
    libdir: PathBuf,
    /// Where it is put for now, as packagers do: a folder that stands for `/`.
    staging: Option<PathBuf>,
}

impl Destination {
    /// Refuses what the installed files could not express.
    pub(crate) fn new(prefix: &Path, libdir: &Path, staging: Option<&Path>) -> Result<Self, Halt> {
        if !prefix.is_absolute() {
            return Err(Halt::Failed(format!(
                "--prefix {}: give an absolute path, it is written into plextrac.pc",
                prefix.display()
            )));
        }
        if !is_below(libdir) {
            return Err(Halt::Failed(format!(
                "--libdir {}: give a folder below the prefix, such as lib64 or lib/x86_64-linux-gnu",
                libdir.display()
            )));
        }
        let has_blank = |path: &Path| path.as_os_str().to_string_lossy().contains(char::is_whitespace);
        if has_blank(prefix) || has_blank(libdir) {
            return Err(Halt::Failed(format!(
                "{}: pkg-config takes no blanks in paths",
                prefix.join(libdir).display()
            )));
        }
        Ok(Self {
            prefix: prefix.to_owned(),
            libdir: libdir.to_owned(),
            staging: staging.map(Path::to_owned),
        })
    }

    /// The folder files of the prefix are really written to.
    fn root(&self) -> PathBuf {
        match &self.staging {
            // An absolute path joined to another replaces it.
            Some(staging) => staging.join(self.prefix.strip_prefix("/").unwrap_or(&self.prefix)),
            None => self.prefix.clone(),
        }
    }
}

/// Where each shell looks for the completion script of a command.
const COMPLETIONS: &[(&str, &str)] = &[
    ("bash", "share/bash-completion/completions/plextrac-auth"),
    ("zsh", "share/zsh/site-functions/_plextrac-auth"),
    ("fish", "share/fish/vendor_completions.d/plextrac-auth.fish"),
];

const PKG_CONFIG: &str = "packaging/plextrac.pc.in";
const KEEP_UNIT: &str = "packaging/systemd/plextrac-auth-keep@.service.in";
/// systemd looks below each folder of `XDG_DATA_DIRS`, and below `~/.local/share`.
const KEEP_UNIT_PATH: &str = "share/systemd/user/plextrac-auth-keep@.service";
const LICENCES: &[&str] = &["LICENSE-APACHE", "LICENSE-MIT"];

/// Installs everything, over what may be there already. Returns the paths of what was written.
pub(crate) fn install(
    project: &Project,
    library: &Library,
    destination: &Destination,
) -> Result<Vec<PathBuf>, Halt> {
    let facts = Facts::of(project, library)?;
    let mut files = Files { root: destination.root(), written: Vec::new() };
    let include = Path::new("include");
    files.copy(&project.path("include/plextrac.h"), include)?;
    files.copy(&project.path("include/plextrac.hpp"), include)?;
    for header in project.files("include/plextrac", "hpp") {
        files.copy(&header, &include.join("plextrac"))?;
    }

    let libdir = &destination.libdir;
    files.copy(&library.folder().join("libplextrac.a"), libdir)?;
    let with_version = format!("libplextrac.so.{}", facts.version);
    let with_abi = format!("libplextrac.so.{}", facts.abi_version);
    files.copy_as(&library.folder().join("libplextrac.so"), &libdir.join(&with_version))?;
    files.link(&with_version, &libdir.join(&with_abi))?;
    files.link(&with_version, &libdir.join("libplextrac.so"))?;

    for (template, path) in
        [(PKG_CONFIG, libdir.join("pkgconfig/plextrac.pc")), (KEEP_UNIT, PathBuf::from(KEEP_UNIT_PATH))]
    {
        let filled = fs::read_to_string(project.path(template))
            .map_err(|error| Halt::Failed(format!("{template}: {error}")))?;
        files.write(facts.fill(&filled, destination), &path)?;
    }
    for module in project.files("packaging/cmake", "cmake") {
        files.copy(&module, &libdir.join("cmake/plextrac"))?;
    }
    let suppressions = Path::new("share/plextrac/valgrind.supp");
    files.copy_as(&project.path("packaging/valgrind/plextrac.supp"), suppressions)?;
    install_command(project, library, &mut files)?;
    for licence in LICENCES {
        files.copy(&project.path(licence), Path::new("share/licenses/plextrac-auth"))?;
    }
    Ok(files.written)
}

/// The command, and what it prints about itself.
fn install_command(project: &Project, library: &Library, files: &mut Files) -> Result<(), Halt> {
    let (shell, printer) = (project.shell(), library.host_command());
    let command = files.copy(library.command(), Path::new("bin"))?;
    set_mode(&command, 0o755)?;
    let pages = project.scratch_dir("man")?;
    shell.remove_path(&pages)?;
    cmd!(shell, "{printer} man --output-dir {pages}").quiet().run()?;
    for page in shell.read_dir(&pages)? {
        files.copy(&page, Path::new("share/man/man1"))?;
    }
    for (name, path) in COMPLETIONS {
        // xshell takes the last line break away.
        let script = cmd!(shell, "{printer} completion {name}").quiet().read()? + "\n";
        files.write(script, Path::new(path))?;
    }
    Ok(())
}

/// What the installed files say about the library.
struct Facts {
    version: String,
    abi_version: String,
    description: String,
    system_libraries: String,
}

impl Facts {
    fn of(project: &Project, library: &Library) -> Result<Self, Halt> {
        let (version, description) = project.package("plextrac-ffi")?;
        let header = project.shell().read_file(project.path("include/plextrac.h"))?;
        let Some(abi_version) = abi_version(&header) else {
            return Err(Halt::Failed("include/plextrac.h defines no PLEXTRAC_ABI_VERSION".to_owned()));
        };
        Ok(Self {
            version,
            abi_version: abi_version.to_owned(),
            description,
            system_libraries: library.system_libraries().join(" "),
        })
    }

    fn fill(&self, template: &str, destination: &Destination) -> String {
        template
            .replace("@prefix@", &destination.prefix.display().to_string())
            .replace("@libdir@", &destination.libdir.display().to_string())
            .replace("@description@", &self.description)
            .replace("@version@", &self.version)
            .replace("@system_libraries@", &self.system_libraries)
    }
}

/// Writes below one folder, and remembers what.
struct Files {
    root: PathBuf,
    written: Vec<PathBuf>,
}

impl Files {
    fn copy(&mut self, source: &Path, folder: &Path) -> Result<PathBuf, Halt> {
        self.copy_as(source, &folder.join(source.file_name().unwrap_or_default()))
    }

    fn copy_as(&mut self, source: &Path, path: &Path) -> Result<PathBuf, Halt> {
        let content =
            fs::read(source).map_err(|error| Halt::Failed(format!("{}: {error}", source.display())))?;
        self.write(content, path)
    }

    /// Every user may read the file, whatever the installing user's umask is.
    fn write(&mut self, content: impl AsRef<[u8]>, path: &Path) -> Result<PathBuf, Halt> {
        let path = self.put(path, |path| fs::write(path, content))?;
        set_mode(&path, 0o644)?;
        Ok(path)
    }

    fn link(&mut self, target: &str, path: &Path) -> Result<PathBuf, Halt> {
        self.put(path, |path| symlink(target, path))
    }

    /// What is at the path is removed first: a program that runs keeps the library that it has loaded, and a link is
    /// not written through.
    fn put(&mut self, path: &Path, make: impl FnOnce(&Path) -> io::Result<()>) -> Result<PathBuf, Halt> {
        let path = self.root.join(path);
        let made =
            path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                _ => make(&path),
            });
        made.map_err(|error| Halt::Failed(format!("{} cannot be written: {error}", path.display())))?;
        self.written.push(path.clone());
        Ok(path)
    }
}

fn is_below(path: &Path) -> bool {
    let mut parts = path.components().peekable();
    parts.peek().is_some() && parts.all(|part| matches!(part, Component::Normal(_)))
}

fn abi_version(header: &str) -> Option<&str> {
    header.lines().find_map(|line| line.strip_prefix("#define PLEXTRAC_ABI_VERSION "))
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) -> Result<(), Halt> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
        .map_err(|error| Halt::Failed(format!("{}: its mode cannot be set: {error}", path.display())))
}

#[cfg(not(unix))]
fn set_mode(_: &Path, _: u32) -> Result<(), Halt> {
    Ok(())
}

#[cfg(unix)]
fn symlink(target: &str, path: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, path)
}

#[cfg(not(unix))]
fn symlink(_: &str, _: &Path) -> io::Result<()> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "installing is for systems with symbolic links"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn destination(prefix: &str, libdir: &str) -> Result<Destination, Halt> {
        Destination::new(Path::new(prefix), Path::new(libdir), None)
    }

    #[test]
    fn places_that_installed_files_cannot_express_are_refused() {
        for (prefix, libdir) in [
            ("usr/local", "lib"),
            ("/usr/local", "/usr/lib"),
            ("/usr/local", "../lib"),
            ("/usr/local", ""),
            ("/opt/my library", "lib"),
        ] {
            assert!(destination(prefix, libdir).is_err(), "{prefix} {libdir}");
        }
        assert!(destination("/usr", "lib/x86_64-linux-gnu").is_ok());
    }

    #[test]
    fn a_staging_folder_is_not_in_the_installed_files() {
        let staging = Some(Path::new("/tmp/stage"));
        let destination = Destination::new(Path::new("/usr"), Path::new("lib64"), staging).expect("fine");
        assert_eq!(destination.root(), Path::new("/tmp/stage/usr"));
        let facts = Facts {
            version: "1.2.3".to_owned(),
            abi_version: "1".to_owned(),
            description: "d".to_owned(),
            system_libraries: "-lm -lc".to_owned(),
        };
        let template = "@prefix@ @libdir@ @version@ @description@ @system_libraries@";
        assert_eq!(facts.fill(template, &destination), "/usr lib64 1.2.3 d -lm -lc");
    }

    #[test]
    fn what_was_there_is_replaced_and_a_link_is_not_written_through() {
        let folder = tempfile::tempdir().expect("a folder");
        let elsewhere = folder.path().join("elsewhere");
        fs::write(&elsewhere, "kept").expect("written");
        let mut files = Files { root: folder.path().to_owned(), written: Vec::new() };
        files.link("elsewhere", Path::new("lib/it")).expect("linked");
        files.link("../elsewhere", Path::new("lib/it")).expect("linked anew");
        files.write("new", Path::new("lib/it")).expect("replaced");
        assert_eq!(fs::read_to_string(&elsewhere).expect("still there"), "kept");
        assert_eq!(fs::read_to_string(folder.path().join("lib/it")).expect("there"), "new");
        assert_eq!(files.written.len(), 3);
    }

    #[test]
    fn the_abi_version_is_read_from_the_header() {
        assert_eq!(abi_version("#define A 1\n#define PLEXTRAC_ABI_VERSION 3\n"), Some("3"));
        assert_eq!(abi_version("#define A 1\n"), None);
    }
}
