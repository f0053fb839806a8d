//! A file that an answer is written to.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::exit::Failure;

/// Opened before anything is sent, so that no answer is lost to a file that cannot be written; changed only
/// when there is an answer.
pub(crate) struct OutputFile {
    file: File,
    path: PathBuf,
    /// Made by us, and still empty.
    is_new: bool,
}

impl OutputFile {
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        let mut options = OpenOptions::new();
        options.write(true);
        let opened = match options.clone().create_new(true).open(path) {
            Ok(file) => Ok((file, true)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                options.open(path).map(|file| (file, false))
            }
            Err(error) => Err(error),
        };
        let (file, is_new) = opened.map_err(|error| {
            Failure::usage(format!("{} cannot be written: {error}; nothing was sent", path.display()))
        })?;
        Ok(Self { file, path: path.to_owned(), is_new })
    }

    /// Replaces what is in the file.
    pub(crate) fn keep(mut self, parts: &[&[u8]]) -> Result<(), Failure> {
        self.is_new = false;
        self.replace(parts).map_err(|error| {
            Failure::other(format!(
                "{} could not be written: {error}; the answer is lost",
                self.path.display()
            ))
        })
    }

    fn replace(&mut self, parts: &[&[u8]]) -> io::Result<()> {
        // A pipe or a device has no length to set.
        if self.file.metadata()?.is_file() {
            self.file.set_len(0)?;
        }
        parts.iter().try_for_each(|part| self.file.write_all(part))
    }
}

impl Drop for OutputFile {
    fn drop(&mut self) {
        if self.is_new {
            // It stays empty then, which is no harm.
            let _ = fs::remove_file(&self.path);
        }
    }
}
