//! Where things are in this repository and its target folder.

use std::path::{Path, PathBuf};

use xshell::{Shell, cmd};

use crate::steps::Halt;

/// A package with a workspace of its own, because what it proves needs other settings than the workspace's.
pub(crate) const STANDALONE: &str = "tests/nostd";

/// The repository and a shell that stands in its root.
pub(crate) struct Project {
    root: PathBuf,
    metadata: serde_json::Value,
    shell: Shell,
}

impl Project {
    /// Finds the repository by where this program was compiled.
    pub(crate) fn open() -> Result<Self, Halt> {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = here
            .ancestors()
            .nth(2)
            .ok_or_else(|| Halt::Failed(format!("{} is not inside a workspace", here.display())))?
            .to_owned();
        let shell = Shell::new()?;
        shell.change_dir(&root);
        let cargo = cargo();
        let text = cmd!(shell, "{cargo} metadata --no-deps --format-version 1").quiet().read()?;
        let metadata = serde_json::from_str(&text)
            .map_err(|error| Halt::Failed(format!("cargo metadata is not JSON: {error}")))?;
        Ok(Self { root, metadata, shell })
    }

    /// A shell in the root of the repository.
    pub(crate) fn shell(&self) -> &Shell {
        &self.shell
    }

    /// The cargo that runs us, so that every step uses the same toolchain.
    pub(crate) fn cargo(&self) -> String {
        cargo()
    }

    /// An absolute path from one relative to the root.
    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    /// The target folder cargo really uses, whatever sets it.
    pub(crate) fn target_dir(&self) -> PathBuf {
        self.metadata["target_directory"].as_str().map_or_else(|| self.root.join("target"), PathBuf::from)
    }

    /// A folder below the target folder for what the tasks make; created when absent.
    pub(crate) fn scratch_dir(&self, name: &str) -> Result<PathBuf, Halt> {
        Ok(self.shell.create_dir(self.target_dir().join("xtask").join(name))?)
    }

    /// Version and description of a package of the workspace.
    pub(crate) fn package(&self, name: &str) -> Result<(String, String), Halt> {
        let mut packages = self.metadata["packages"].as_array().into_iter().flatten();
        let package = packages.find(|package| package["name"] == name);
        let text = |key: &str| package?[key].as_str().map(str::to_owned);
        text("version").zip(text("description")).ok_or_else(|| {
            Halt::Failed(format!("{name} is no package of this workspace, or lacks a description"))
        })
    }

    /// The names of the workspace's packages.
    pub(crate) fn packages(&self) -> Vec<String> {
        let packages = self.metadata["packages"].as_array().into_iter().flatten();
        packages.filter_map(|package| package["name"].as_str().map(str::to_owned)).collect()
    }

    /// The source files of every example a package of the workspace declares.
    pub(crate) fn declared_examples(&self) -> Vec<PathBuf> {
        let packages = self.metadata["packages"].as_array().into_iter().flatten();
        packages
            .flat_map(|package| package["targets"].as_array().into_iter().flatten())
            .filter(|target| target["kind"] == serde_json::json!(["example"]))
            .filter_map(|target| target["src_path"].as_str().map(PathBuf::from))
            .filter_map(|path| path.canonicalize().ok())
            .collect()
    }

    /// The files in `folder` with this extension, sorted; none if the folder does not exist.
    pub(crate) fn files(&self, folder: &str, extension: &str) -> Vec<PathBuf> {
        let mut files = self.shell.read_dir(self.path(folder)).unwrap_or_default();
        files.retain(|path| path.extension().is_some_and(|found| found == extension));
        files.sort();
        files
    }

    /// A path as a developer would type it from the root.
    pub(crate) fn shown(&self, path: &Path) -> String {
        path.strip_prefix(&self.root).unwrap_or(path).display().to_string()
    }
}

fn cargo() -> String {
    std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned())
}
