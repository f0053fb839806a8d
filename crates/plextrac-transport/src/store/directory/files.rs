//! The files of the directory: their names, and that they belong to the user alone.

use std::fs::{DirBuilder, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::super::StoreError;

/// Begins the name of every file of the store.
pub(super) const PREFIX: &str = "plextrac-auth-";

/// A directory that is the user's alone, and the store's files in it.
#[derive(Clone, Debug)]
pub(super) struct Files {
    directory: PathBuf,
}

impl Files {
    pub(super) fn open(directory: PathBuf) -> Result<Self, FileError> {
        // Without a slash at its end, which would hide that it is a symbolic link.
        let directory: PathBuf = directory.components().collect();
        let metadata = match directory.symlink_metadata() {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                make(&directory)?;
                directory.symlink_metadata()
            }
            found => found,
        };
        let metadata = metadata.map_err(|error| unavailable("read", &directory, &error))?;
        if metadata.is_symlink() {
            return Err(not_safe(format!(
                "the state directory {} is a symbolic link; name the directory itself",
                directory.display()
            )));
        }
        if !metadata.is_dir() {
            return Err(not_safe(format!("the state directory {} is no directory", directory.display())));
        }
        check_private(&directory, &metadata, "chmod 700")?;
        Ok(Self { directory })
    }

    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    /// The file of a record, or beside it.
    pub(super) fn path_of(&self, name: &str) -> PathBuf {
        self.directory.join(format!("{PREFIX}{name}"))
    }

    /// Opens one of the store's files; `None` if it is not there.
    pub(super) fn open_file(
        &self,
        name: &str,
        options: &mut OpenOptions,
    ) -> Result<Option<(File, Metadata)>, FileError> {
        let path = self.path_of(name);
        private(options);
        let file = match options.open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) if is_symlink_refused(&error) => {
                return Err(not_safe(format!(
                    "{} is a symbolic link, which this library never creates; remove it",
                    path.display()
                )));
            }
            Err(error) => return Err(unavailable("opened", &path, &error)),
        };
        let metadata = file.metadata().map_err(|error| unavailable("read", &path, &error))?;
        if !metadata.is_file() {
            return Err(not_safe(format!("{} is no regular file; remove it", path.display())));
        }
        check_private(&path, &metadata, "chmod 600")?;
        Ok(Some((file, metadata)))
    }

    /// Opens one of the store's files to write it, and makes it if it is not there. Returns its length, too.
    pub(super) fn make_file(&self, name: &str, options: &mut OpenOptions) -> Result<(File, u64), FileError> {
        let opened = self.open_file(name, options.write(true).create(true))?;
        let missing = || unavailable("made", &self.path_of(name), &ErrorKind::NotFound.into());
        opened.map(|(file, metadata)| (file, metadata.len())).ok_or_else(missing)
    }
}

/// Why a file cannot be used.
#[derive(Debug)]
pub(super) struct FileError {
    pub(super) error: StoreError,
    /// This user may not write there.
    pub(super) is_denied: bool,
}

impl From<FileError> for StoreError {
    fn from(failed: FileError) -> Self {
        failed.error
    }
}

pub(super) fn unavailable(what: &str, path: &Path, error: &io::Error) -> FileError {
    FileError {
        error: StoreError::unavailable(format!("{} cannot be {what}: {error}", path.display())),
        is_denied: matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem),
    }
}

pub(super) fn not_safe(message: String) -> FileError {
    FileError { error: StoreError::not_safe(message), is_denied: false }
}

fn make(directory: &Path) -> Result<(), FileError> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory).map_err(|error| unavailable("made", directory, &error))
}

#[cfg(unix)]
fn private(options: &mut OpenOptions) {
    use std::os::unix::fs::OpenOptionsExt;

    use rustix::fs::OFlags;
    // What is in the way is neither followed nor, if it is a pipe, waited for.
    options.mode(0o600).custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed());
}

#[cfg(unix)]
fn is_symlink_refused(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error())
}

/// What is ours and only ours: anybody else could read tokens, or hand us theirs.
#[cfg(unix)]
fn check_private(path: &Path, metadata: &Metadata, mend: &str) -> Result<(), FileError> {
    use std::os::unix::fs::MetadataExt;
    let us = rustix::process::geteuid().as_raw();
    if metadata.uid() != us {
        return Err(not_safe(format!(
            "{} belongs to user {} and not to user {us}; use a directory of your own",
            path.display(),
            metadata.uid()
        )));
    }
    // A directory of the system or of everybody, which must stay open.
    if metadata.is_dir() && (metadata.mode() & 0o1000 != 0 || path.parent().is_none()) {
        return Err(not_safe(format!(
            "{} is open to other users, as it has to be; name a directory of your own",
            path.display()
        )));
    }
    if metadata.mode() & 0o077 != 0 {
        return Err(not_safe(format!(
            "{} is open to other users (mode {:03o}); close it: {mend} {}",
            path.display(),
            metadata.mode() & 0o777,
            path.display()
        )));
    }
    Ok(())
}

#[cfg(not(unix))]
fn private(_: &mut OpenOptions) {}

#[cfg(not(unix))]
fn is_symlink_refused(_: &io::Error) -> bool {
    false
}

/// The user's own profile is the boundary there; its files are not looked at one by one.
#[cfg(not(unix))]
fn check_private(_: &Path, _: &Metadata, _: &str) -> Result<(), FileError> {
    Ok(())
}
