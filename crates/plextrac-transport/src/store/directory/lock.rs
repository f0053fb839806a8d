//! The kernel's lock under which a file is replaced. It is held for the moment of a write, and nothing waits under it.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;
use std::time::Duration;

use super::super::pauses::Pauses;
use super::super::{CallLimits, StoreError};
use super::files::{FileError, Files, unavailable};

/// Held until this is dropped. The kernel takes it from a process that dies.
pub(super) struct Held {
    file: File,
}

impl Drop for Held {
    fn drop(&mut self) {
        // A child of a fork has the file open as well, and would go on holding the lock.
        drop(self.file.unlock());
    }
}

/// Locks the record of that name, within the limits. A lock that is free is taken even when the limits have ended.
pub(super) fn hold(files: &Files, name: &str, limits: &CallLimits<'_>) -> Result<Held, StoreError> {
    let name = format!("{name}.lock");
    let path = files.path_of(&name);
    let (file, _) = files.make_file(&name, OpenOptions::new().read(true).truncate(false))?;
    if is_locked(&file, &path)? {
        return Ok(Held { file });
    }
    // A thread that sleeps in the system's own wait could not be woken at the deadline: so this tries again and again.
    let mut pauses = Pauses::new(limits, SHORTEST_PAUSE, LONGEST_PAUSE);
    while pauses.sleep() {
        if is_locked(&file, &path)? {
            return Ok(Held { file });
        }
    }
    Err(StoreError::busy(format!(
        "another process holds {} and does not let go of it; see which one with fuser, and whether it is stopped",
        path.display()
    )))
}

/// Between two attempts to get a lock that another process holds.
const SHORTEST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(16);

fn is_locked(file: &File, path: &Path) -> Result<bool, FileError> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(unavailable("locked", path, &error)),
    }
}
