//! A store that all processes of one user share: a directory that is theirs alone.
//!
//! ```text
//! DIR                            0700, owned by the user, not a symbolic link
//! ├── plextrac-auth-key          a line that names this library, and 32 random bytes; made once
//! ├── plextrac-auth-t1f0c…       a record, 0600: replaced by renaming plextrac-auth-t1f0c….new over it
//! └── plextrac-auth-t1f0c….lock  empty, never deleted: the kernel's lock on it goes with its holder
//! ```
//!
//! The user may have other files in the directory. The store creates, changes and removes only files whose names begin
//! with [`PREFIX`], and never replaces a key file that does not begin with [`KEY_HEADER`].

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use super::memory::random_key;
use super::{LONGEST_PAUSE, MAX_RECORD, SHORTEST_PAUSE, SessionStore, StoreError, StoreLock};
use crate::clock::real_now;

/// Begins the name of every file of the store.
const PREFIX: &str = "plextrac-auth-";

/// Begins the content of the key file. The file of another program, such as a TLS key, does not begin with it.
const KEY_HEADER: &[u8] = b"plextrac-auth state key 1\n";

const KEY_FILE_LENGTH: usize = KEY_HEADER.len() + 32;

/// How long another process may take to make the key.
const KEY_PATIENCE: Duration = Duration::from_secs(5);

/// A token lives for a day at most; the wall clock, by which files are dated, may be days off.
const KEPT: Duration = Duration::from_secs(7 * 24 * 3600);

/// Records in files of a directory. Nothing in it tells whose they are: names are keyed digests.
#[derive(Clone, Debug)]
pub struct DirectoryStore {
    directory: PathBuf,
}

impl DirectoryStore {
    /// Opens a directory, and makes it if it is not there.
    ///
    /// # Errors
    /// [`Unsafe`](super::StoreErrorKind::Unsafe) if it is a symbolic link, belongs to somebody else, or others may
    /// look into it; [`Unavailable`](super::StoreErrorKind::Unavailable) if it cannot be made or read.
    pub fn open(directory: impl Into<PathBuf>) -> Result<Self, StoreError> {
        // Without a slash at its end, which would hide that it is a symbolic link.
        let directory: PathBuf = directory.into().components().collect();
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        match builder.create(&directory) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(unavailable("made", &directory, &error));
            }
            _ => {}
        }
        let metadata =
            directory.symlink_metadata().map_err(|error| unavailable("read", &directory, &error))?;
        if metadata.is_symlink() {
            return Err(StoreError::not_safe(format!(
                "the state directory {} is a symbolic link; name the directory itself",
                directory.display()
            )));
        }
        if !metadata.is_dir() {
            return Err(StoreError::not_safe(format!(
                "the state directory {} is no directory",
                directory.display()
            )));
        }
        check_private(&directory, &metadata, "chmod 700")?;
        forget_the_dead(&directory);
        Ok(Self { directory })
    }

    /// The directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.directory
    }

    /// The file of a record, or beside it.
    fn path_of(&self, name: &str) -> PathBuf {
        self.directory.join(format!("{PREFIX}{name}"))
    }

    fn open_file(&self, name: &str, options: &mut OpenOptions) -> Result<Option<File>, StoreError> {
        let path = self.path_of(name);
        private(options);
        let file = match options.open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) if is_symlink_refused(&error) => {
                return Err(StoreError::not_safe(format!(
                    "{} is a symbolic link; somebody else put it there, remove it",
                    path.display()
                )));
            }
            Err(error) => return Err(unavailable("opened", &path, &error)),
        };
        let metadata = file.metadata().map_err(|error| unavailable("read", &path, &error))?;
        if !metadata.is_file() {
            return Err(StoreError::not_safe(format!("{} is no regular file; remove it", path.display())));
        }
        check_private(&path, &metadata, "chmod 600")?;
        Ok(Some(file))
    }

    fn read_whole(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        let Some(mut file) = self.open_file(name, OpenOptions::new().read(true))? else { return Ok(None) };
        let failed = |error| unavailable("read", &self.path_of(name), &error);
        let size = file.metadata().map_err(failed)?.len();
        // A record that is too long is damaged, and a damaged one is as good as none.
        let Some(size) = usize::try_from(size).ok().filter(|size| *size <= MAX_RECORD) else {
            return Ok(None);
        };
        // Sized once: a buffer that grew would leave pieces of a token behind.
        let mut record = Zeroizing::new(vec![0; size]);
        match file.read_exact(&mut record) {
            Ok(()) => Ok(Some(record)),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
            Err(error) => Err(failed(error)),
        }
    }

    /// The key; `None` if there is none, or only the beginning of one, which a power loss can leave behind.
    fn read_key(&self) -> Result<Option<Zeroizing<[u8; 32]>>, StoreError> {
        let Some(file) = self.open_file("key", OpenOptions::new().read(true))? else { return Ok(None) };
        let path = self.path_of("key");
        // One byte more than a key file has. Sized once: a buffer that grew would leave pieces of the key behind.
        let mut content = Zeroizing::new(Vec::with_capacity(KEY_FILE_LENGTH + 1));
        file.take(KEY_FILE_LENGTH as u64 + 1)
            .read_to_end(&mut content)
            .map_err(|error| unavailable("read", &path, &error))?;
        if let Some(key) = content.strip_prefix(KEY_HEADER)
            && let Ok(key) = key.try_into()
        {
            return Ok(Some(Zeroizing::new(key)));
        }
        if content.starts_with(KEY_HEADER) || KEY_HEADER.starts_with(&content) {
            return Ok(None);
        }
        Err(StoreError::not_safe(format!(
            "{} is not a key of plextrac-auth and is not replaced; move it away, or use another state directory",
            path.display()
        )))
    }
}

impl SessionStore for DirectoryStore {
    fn name(&self) -> String {
        format!("the state directory {}", self.directory.display())
    }

    fn key(&self) -> Result<Zeroizing<[u8; 32]>, StoreError> {
        if let Some(key) = self.read_key()? {
            return Ok(key);
        }
        // Under a lock, so that two processes that start at once do not make two keys.
        let _lock = self.lock("key", real_now() + KEY_PATIENCE)?;
        if let Some(key) = self.read_key()? {
            return Ok(key);
        }
        let key = random_key()?;
        let mut content = Zeroizing::new(Vec::with_capacity(KEY_FILE_LENGTH));
        content.extend_from_slice(KEY_HEADER);
        content.extend_from_slice(key.as_slice());
        self.write("key", &content)?;
        Ok(key)
    }

    fn lock(&self, name: &str, deadline: Instant) -> Result<Box<dyn StoreLock>, StoreError> {
        let name = format!("{name}.lock");
        let mut options = OpenOptions::new();
        let file = self.open_file(&name, options.read(true).write(true).create(true).truncate(false))?;
        let path = self.path_of(&name);
        let file = file.ok_or_else(|| unavailable("made", &path, &io::ErrorKind::NotFound.into()))?;
        match file.try_lock() {
            Ok(()) => Ok(Box::new(Held { file })),
            Err(TryLockError::WouldBlock) => wait_for_lock(file, &path, deadline),
            Err(TryLockError::Error(error)) => Err(unavailable("locked", &path, &error)),
        }
    }

    fn read(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        self.read_whole(name)
    }

    fn write(&self, name: &str, record: &[u8]) -> Result<(), StoreError> {
        let (path, new) = (self.path_of(name), format!("{name}.new"));
        let failed = |error| unavailable("written", &path, &error);
        let mut options = OpenOptions::new();
        let file = self.open_file(&new, options.write(true).create(true).truncate(true))?;
        let mut file = file.ok_or_else(|| failed(io::ErrorKind::NotFound.into()))?;
        // No fsync: after a power loss a record that is not whole counts as absent, and costs one sign-in.
        let renamed = file.write_all(record).and_then(|()| std::fs::rename(self.path_of(&new), &path));
        renamed.map_err(|error| {
            // A full disk must not keep half a record, secrets and all.
            drop(std::fs::remove_file(self.path_of(&new)));
            failed(error)
        })
    }

    fn remove(&self, name: &str) -> Result<(), StoreError> {
        let path = self.path_of(name);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(unavailable("removed", &path, &error))
            }
            _ => Ok(()),
        }
    }
}

/// Takes away tokens that ended long ago: each that was ever handed in has a record of its own. It is no matter whether
/// this can be done.
fn forget_the_dead(directory: &Path) {
    let Ok(entries) = std::fs::read_dir(directory) else { return };
    for entry in entries.flatten() {
        let is_token = entry.file_name().to_str().is_some_and(is_token_record);
        let is_dead = || {
            let changed = entry.metadata().ok().filter(std::fs::Metadata::is_file)?.modified().ok()?;
            Some(changed.elapsed().ok()? > KEPT)
        };
        if is_token && is_dead() == Some(true) {
            drop(std::fs::remove_file(entry.path()));
        }
    }
}

/// Whether a file has the name that a token's record has, or is written under. The directory may be one in which a user
/// has other files.
fn is_token_record(name: &str) -> bool {
    let Some(name) = name.strip_prefix(PREFIX) else { return false };
    let name = name.strip_suffix(".new").unwrap_or(name);
    let digest = name.strip_prefix('t').unwrap_or_default();
    digest.len() == 32 && digest.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Closing the file, by whatever end the process comes to, lets go of the lock.
struct Held {
    file: File,
}

impl StoreLock for Held {}

impl Drop for Held {
    fn drop(&mut self) {
        // A child of a fork has the file open as well, and would go on holding the lock.
        drop(self.file.unlock());
    }
}

/// Tries again and again: a thread that sleeps in the system's own wait could not be called off at the deadline.
fn wait_for_lock(file: File, path: &Path, deadline: Instant) -> Result<Box<dyn StoreLock>, StoreError> {
    let mut pause = SHORTEST_PAUSE;
    loop {
        let left = deadline.saturating_duration_since(real_now());
        if left.is_zero() {
            return Err(held_by_another(path));
        }
        thread::sleep(pause.min(left));
        match file.try_lock() {
            Ok(()) => return Ok(Box::new(Held { file })),
            Err(TryLockError::WouldBlock) => pause = (pause * 2).min(LONGEST_PAUSE),
            Err(TryLockError::Error(error)) => return Err(unavailable("locked", path, &error)),
        }
    }
}

fn held_by_another(path: &Path) -> StoreError {
    StoreError::busy(format!(
        "another process holds {} and does not let go of it; see which one with fuser, and whether it is stopped",
        path.display()
    ))
}

fn unavailable(what: &str, path: &Path, error: &io::Error) -> StoreError {
    StoreError::unavailable(format!("{} cannot be {what}: {error}", path.display()))
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
fn check_private(path: &Path, metadata: &std::fs::Metadata, mend: &str) -> Result<(), StoreError> {
    use std::os::unix::fs::MetadataExt;
    let us = rustix::process::geteuid().as_raw();
    if metadata.uid() != us {
        return Err(StoreError::not_safe(format!(
            "{} belongs to user {} and not to user {us}; use a directory of your own",
            path.display(),
            metadata.uid()
        )));
    }
    // A directory of the system or of everybody, which must stay open.
    if metadata.is_dir() && (metadata.mode() & 0o1000 != 0 || path.parent().is_none()) {
        return Err(StoreError::not_safe(format!(
            "{} is open to other users, as it has to be; name a directory of your own",
            path.display()
        )));
    }
    if metadata.mode() & 0o077 != 0 {
        return Err(StoreError::not_safe(format!(
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
fn check_private(_: &Path, _: &std::fs::Metadata, _: &str) -> Result<(), StoreError> {
    Ok(())
}
