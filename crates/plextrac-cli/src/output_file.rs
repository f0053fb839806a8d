//! A file that an answer is written to.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::exit::Failure;

/// Opened before anything is sent, so that no answer is lost to a file that cannot be written; and replaced only by a
/// whole answer.
pub(crate) struct OutputFile {
    place: Place,
    path: PathBuf,
}

enum Place {
    /// Takes the name of the file when it is whole.
    Beside(NamedTempFile),
    /// Written in place: a pipe, a device, or a file in a folder where no other can be made.
    Itself { file: File, is_begun: bool },
}

impl OutputFile {
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        let place = Self::place(path).map_err(|error| {
            Failure::usage(format!("{} cannot be written: {error}; nothing was sent", path.display()))
        })?;
        // A link stays one, and what it names is replaced.
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        Ok(Self { place, path })
    }

    fn place(path: &Path) -> io::Result<Place> {
        let existing = match OpenOptions::new().write(true).open(path) {
            Ok(file) => Some(file),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let Some(file) = existing else { return Ok(Place::Beside(beside(path, None)?)) };
        let metadata = file.metadata()?;
        if metadata.is_file()
            && let Ok(temporary) = beside(&fs::canonicalize(path)?, Some(metadata.permissions()))
        {
            return Ok(Place::Beside(temporary));
        }
        Ok(Place::Itself { file, is_begun: false })
    }

    /// Adds to the answer.
    pub(crate) fn write(&mut self, part: &[u8]) -> Result<(), Failure> {
        let written = match &mut self.place {
            Place::Beside(file) => file.write_all(part),
            Place::Itself { file, is_begun } => begin(file, is_begun).and_then(|()| file.write_all(part)),
        };
        written.map_err(|error| self.lost(&error))
    }

    /// The answer is whole.
    pub(crate) fn finish(mut self) -> Result<(), Failure> {
        let path = self.path.clone();
        let lost = |error: &io::Error| lost(&path, error);
        match &mut self.place {
            Place::Itself { file, is_begun } => begin(file, is_begun).map_err(|error| lost(&error)),
            Place::Beside(_) => {
                let Place::Beside(file) = self.place else { return Ok(()) };
                file.persist(&self.path).map(drop).map_err(|error| lost(&error.error))
            }
        }
    }

    fn lost(&self, error: &io::Error) -> Failure {
        lost(&self.path, error)
    }
}

fn lost(path: &Path, error: &io::Error) -> Failure {
    Failure::other(format!("{} could not be written: {error}; the answer is lost", path.display()))
}

/// What was in the file goes when the first part of an answer comes.
fn begin(file: &File, is_begun: &mut bool) -> io::Result<()> {
    // A pipe or a device has no length to set.
    if !std::mem::replace(is_begun, true) && file.metadata()?.is_file() {
        file.set_len(0)?;
    }
    Ok(())
}

/// A new file in the same folder, which goes away unless it is kept.
fn beside(path: &Path, permissions: Option<fs::Permissions>) -> io::Result<NamedTempFile> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    builder.prefix(".plextrac-auth-").suffix(".part");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let file = builder.tempfile_in(folder)?;
    if let Some(permissions) = permissions {
        file.as_file().set_permissions(permissions)?;
    }
    Ok(file)
}
