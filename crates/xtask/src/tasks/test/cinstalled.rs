//! `cargo cinstall` puts the same files in the same places as `cargo xtask install`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use xshell::cmd;

use crate::installation::{Destination, install};
use crate::library::Library;
use crate::project::Project;
use crate::steps::Halt;
use crate::toolbox::{CARGO_C, PKG_CONFIG, Toolbox};

/// Programs know both by these words, and nothing else is said of a library.
const QUESTIONS: &[&[&str]] = &[&["--modversion"], &["--cflags"], &["--libs"], &["--libs", "--static"]];

pub(super) fn compare(project: &Project, toolbox: &Toolbox<'_>) -> Result<String, Halt> {
    toolbox.require_if_quick(&CARGO_C)?;
    toolbox.require(&PKG_CONFIG)?;
    let shell = project.shell();
    let scratch = project.scratch_dir("cinstalled")?;
    let (ours, theirs) = (scratch.join("xtask"), scratch.join("cargo-c"));
    for prefix in [&ours, &theirs] {
        shell.remove_path(prefix)?;
    }
    let library = Library::build(project)?;
    install(project, &library, &Destination::new(&ours, Path::new("lib"), None)?)?;
    let (cargo, target) = (project.cargo(), scratch.join("target"));
    // In the development profile, as the other: a release takes minutes, and has the same files.
    cmd!(
        shell,
        "{cargo} cinstall --package plextrac-ffi --debug --prefix {theirs} --libdir lib --target-dir {target}"
    )
    .run()?;

    let (our_files, their_files) = (Files::of(&ours)?, Files::of(&theirs)?);
    let mut differences = our_files.differences(&their_files);
    for question in QUESTIONS {
        let answers = [pkg_config(project, &ours, question)?, pkg_config(project, &theirs, question)?];
        if answers[0] != answers[1] {
            differences.push(format!("pkg-config {}: {answers:?}", question.join(" ")));
        }
    }
    let facts = [dynamic_facts(project, &ours)?, dynamic_facts(project, &theirs)?];
    if facts[0] != facts[1] {
        differences.push(format!("libplextrac.so: {facts:?}"));
    }
    if !differences.is_empty() {
        return Err(Halt::Failed(format!(
            "it differs from `cargo xtask install`:\n{}",
            differences.join("\n")
        )));
    }
    // A file that is not there, and one that says something else.
    let mut control = Files::of(&theirs)?;
    control.0.pop_first();
    if let Some((_, Content::Text(text))) =
        control.0.iter_mut().find(|(_, content)| matches!(content, Content::Text(_)))
    {
        text.push(b'\n');
    }
    match our_files.differences(&control).len() {
        2 => Ok(format!("{} files and links, 2 controls", our_files.0.len())),
        found => Err(Halt::Failed(format!("of the 2 controls {found} were caught"))),
    }
}

/// What lies below a prefix.
struct Files(BTreeMap<PathBuf, Content>);

#[derive(PartialEq, Eq)]
enum Content {
    Link(PathBuf),
    /// Headers and the like; the same in both.
    Text(Vec<u8>),
    /// What two builds made, or two programs wrote.
    Other,
}

impl Files {
    fn of(prefix: &Path) -> Result<Self, Halt> {
        let mut files = BTreeMap::new();
        let failed =
            |path: &Path, error: std::io::Error| Halt::Failed(format!("{}: {error}", path.display()));
        let mut folders = vec![prefix.to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).map_err(|error| failed(&folder, error))? {
                let path = entry.map_err(|error| failed(&folder, error))?.path();
                let name = path.strip_prefix(prefix).unwrap_or(&path).to_owned();
                let is_text = name.starts_with("include") || name.starts_with("lib/cmake");
                if path.is_symlink() {
                    let target = fs::read_link(&path).map_err(|error| failed(&path, error))?;
                    files.insert(name, Content::Link(target));
                } else if path.is_dir() {
                    folders.push(path);
                } else if is_text {
                    let text = fs::read(&path).map_err(|error| failed(&path, error))?;
                    files.insert(name, Content::Text(text));
                } else {
                    files.insert(name, Content::Other);
                }
            }
        }
        Ok(Self(files))
    }

    /// One line for each file that the other has not, has alone, or has with other content.
    fn differences(&self, other: &Self) -> Vec<String> {
        let lacks = |in_one: &Self, in_other: &Self, what: &str| -> Vec<String> {
            let names = in_one.0.keys().filter(|name| !in_other.0.contains_key(*name));
            names.map(|name| format!("{what}: {}", name.display())).collect()
        };
        let mut found = lacks(self, other, "missing");
        found.extend(lacks(other, self, "more"));
        let both = self.0.iter().filter_map(|(name, ours)| Some((name, ours, other.0.get(name)?)));
        found.extend(
            both.filter(|(_, ours, theirs)| ours != theirs)
                .map(|(name, ..)| format!("other: {}", name.display())),
        );
        found
    }
}

/// The words that pkg-config says, with the prefix left out. cargo-c says some of them twice.
fn pkg_config(project: &Project, prefix: &Path, question: &[&str]) -> Result<BTreeSet<String>, Halt> {
    let said = cmd!(project.shell(), "pkg-config {question...} plextrac")
        .env("PKG_CONFIG_PATH", prefix.join("lib/pkgconfig"))
        .quiet()
        .read()?;
    let prefix = prefix.display().to_string();
    Ok(said.split_whitespace().map(|word| word.replace(&prefix, "PREFIX")).collect())
}

/// The name that programs load it by, and what it exports.
fn dynamic_facts(project: &Project, prefix: &Path) -> Result<Vec<String>, Halt> {
    let (shell, library) = (project.shell(), prefix.join("lib/libplextrac.so"));
    let dynamic = cmd!(shell, "readelf --dynamic {library}").quiet().read()?;
    let symbols = cmd!(shell, "nm --dynamic --defined-only {library}").quiet().read()?;
    let name =
        dynamic.lines().filter_map(|line| line.split_once("soname: ")).map(|(_, name)| name.to_owned());
    let exported = symbols.lines().filter_map(|line| line.split_whitespace().nth(2)).map(str::to_owned);
    let facts: Vec<_> = name.chain(exported).collect();
    if facts.len() < 2 {
        return Err(Halt::Failed(format!("{}: no SONAME, or nothing exported", library.display())));
    }
    Ok(facts)
}
