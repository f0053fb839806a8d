//! Which processes live: each that works for an account locks a file of its own.
//!
//! The lock is one of POSIX, on a whole file: it belongs to the process, so a forked child neither has it nor keeps it,
//! and the kernel takes it away when the process ends in any way. It has two traps. A process does not see its own
//! locks, and closing *any* descriptor of a file drops the process's locks on it. So a process keeps a list of its own
//! owners, and never opens their files again.
//!
//! A free lock proves that the process is gone only where the lock would be seen: on the same boot, in the same file of
//! the same mount. So the file names these; a file that names others proves nothing.
//!
//! Limits: a program that opens and closes the file of its own process drops the lock. So does a second copy of this
//! library in one process that watches the first copy's owner. Other processes then take the owner for gone, and one
//! more attempt is made than was needed.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::time::Duration;

use plextrac_auth_core::ClaimOwner;
use rustix::fs::FlockOperation;
use rustix::process::{Flock, FlockType};

use super::super::{Presence, StoreError, StoreErrorKind};
use super::files::{FileError, Files, PREFIX, unavailable};
use crate::clock::boot;
use crate::fork;
use crate::sync::ProcessMutex;

/// Begins the name of an owner's file; 32 hexadecimal digits follow.
const OWNER: char = 'o';

/// Ends the name of a file that is not locked yet.
const NEW: &str = ".new";

/// Makes it known that the process of `owner` lives. Where that cannot be done, other processes wait for the end of a
/// claim's lease.
pub(super) fn announce(files: &Files, owner: ClaimOwner) -> Result<Presence, StoreError> {
    let boot = boot();
    if boot.is_empty() {
        return Ok(Presence::none());
    }
    remove_dead(files, &boot);
    match Present::new(files, owner, &boot) {
        Ok(present) => Ok(Presence::new(present)),
        Err(failed) if failed.error.kind == StoreErrorKind::Unsafe => Err(failed.error),
        Err(_) => Ok(Presence::none()),
    }
}

/// The owner's file, locked by this process.
struct Present {
    path: PathBuf,
    process: u32,
    /// Closed by the drop of this, and before the owner leaves the list.
    _locked: File,
    _listed: Listed,
}

impl Present {
    fn new(files: &Files, owner: ClaimOwner, boot: &str) -> Result<Self, FileError> {
        let listed = Listed::new(owner);
        let name = format!("{OWNER}{owner}");
        let (path, new) = (files.path_of(&name), format!("{name}{NEW}"));
        let new_path = files.path_of(&new);
        // Under another name until it is locked: a free lock on a file with an owner's name belongs to a dead process.
        let (mut file, _) = files.make_file(&new, OpenOptions::new().truncate(true))?;
        let made = rustix::fs::fcntl_lock(&file, FlockOperation::NonBlockingLockExclusive)
            .map_err(std::io::Error::from)
            .and_then(|()| file.metadata())
            .and_then(|metadata| file.write_all(proof(boot, &metadata).as_bytes()))
            .and_then(|()| fs::rename(&new_path, &path));
        made.map_err(|error| {
            drop(fs::remove_file(&new_path));
            unavailable("locked", &path, &error)
        })?;
        Ok(Self { path, process: std::process::id(), _locked: file, _listed: listed })
    }
}

impl Drop for Present {
    fn drop(&mut self) {
        // A forked child drops its copy of this: the file is its parent's.
        if self.process == std::process::id() {
            drop(fs::remove_file(&self.path));
        }
    }
}

/// Whether the process of an owner, which has written something on this boot, is gone. Where processes can be known its
/// file was there before it wrote; a look after its end removed the file.
pub(super) fn is_gone(files: &Files, owner: ClaimOwner) -> bool {
    match ObservedOwner::new(files, owner) {
        ObservedOwner::Unknown => {
            let name = format!("{OWNER}{owner}");
            let is_absent = matches!(files.open_file(&name, OpenOptions::new().read(true)), Ok(None));
            is_absent && !boot().is_empty()
        }
        known => known.is_gone(),
    }
}

/// The process of an owner, as another process, or another session of this one, sees it.
pub(super) enum ObservedOwner {
    /// It is this process.
    Own(ClaimOwner),
    /// The lock on this file says whether it lives. Held open: it says so even when its owner has removed it.
    Locked { file: File, path: PathBuf },
    /// Nothing says whether it lives.
    Unknown,
}

impl ObservedOwner {
    pub(super) fn new(files: &Files, owner: ClaimOwner) -> Self {
        if Listed::contains(owner) {
            return Self::Own(owner);
        }
        let name = format!("{OWNER}{owner}");
        let Ok(Some((mut file, metadata))) = files.open_file(&name, OpenOptions::new().read(true)) else {
            return Self::Unknown;
        };
        if proves(&mut file, &metadata, &boot()) {
            Self::Locked { file, path: files.path_of(&name) }
        } else {
            Self::Unknown
        }
    }

    /// Whether its process is known to be gone. Then its file is removed.
    pub(super) fn is_gone(&self) -> bool {
        match self {
            Self::Own(owner) => !Listed::contains(*owner),
            Self::Locked { file, path } => {
                let is_gone = is_free(file);
                if is_gone {
                    drop(fs::remove_file(path));
                }
                is_gone
            }
            Self::Unknown => false,
        }
    }
}

/// Removes the files of processes that are gone, and what such processes left half made. Nothing depends on it.
fn remove_dead(files: &Files, boot: &str) {
    let Ok(entries) = fs::read_dir(files.directory()) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let Some(name) = name.to_str().and_then(|name| name.strip_prefix(PREFIX)) else { continue };
        let Some(owner) = owner_of(name.strip_suffix(NEW).unwrap_or(name)) else { continue };
        if Listed::contains(owner) {
            continue;
        }
        let Ok(Some((mut file, metadata))) = files.open_file(name, OpenOptions::new().read(true)) else {
            continue;
        };
        // An empty one may be locked in a moment, and one of another boot proves nothing. After a day nobody needs them.
        let is_dead = proves(&mut file, &metadata, boot) || is_older_than(&metadata, DAY);
        if is_dead && is_free(&file) {
            drop(fs::remove_file(entry.path()));
        }
    }
}

const DAY: Duration = Duration::from_secs(24 * 3600);

fn is_older_than(metadata: &Metadata, age: Duration) -> bool {
    metadata.modified().ok().and_then(|changed| changed.elapsed().ok()).is_some_and(|elapsed| elapsed > age)
}

/// The owner whose file has that name.
fn owner_of(name: &str) -> Option<ClaimOwner> {
    let digits = name.strip_prefix(OWNER)?;
    let number = u128::from_str_radix(digits, 16).ok()?;
    let owner = ClaimOwner::new(number.to_be_bytes());
    (owner.to_string() == digits).then_some(owner)
}

/// Where the lock on a file can be seen: on this boot, in this file of this mount.
fn proof(boot: &str, metadata: &Metadata) -> String {
    format!("plextrac-auth owner 1\n{boot}\n{} {}\n", metadata.dev(), metadata.ino())
}

/// Whether a free lock on the file would prove that its process is gone.
fn proves(file: &mut File, metadata: &Metadata, boot: &str) -> bool {
    let mut content = String::new();
    let read = file.take(LONGEST_PROOF).read_to_string(&mut content);
    read.is_ok() && !boot.is_empty() && content == proof(boot, metadata)
}

const LONGEST_PROOF: u64 = 1024;

/// Whether no other process has the lock.
fn is_free(file: &File) -> bool {
    matches!(rustix::process::fcntl_getlk(file, &Flock::from(FlockType::WriteLock)), Ok(None))
}

/// The owners that live in this process; entries of another process were inherited by a fork.
static OWNERS: ProcessMutex<Vec<(u32, ClaimOwner)>> = ProcessMutex::new(Vec::new());

/// An owner's entry in the list.
struct Listed(u32, ClaimOwner);

impl Listed {
    fn new(owner: ClaimOwner) -> Self {
        let entry = (std::process::id(), owner);
        let _undivided = fork::undivided();
        OWNERS.lock().push(entry);
        Self(entry.0, entry.1)
    }

    fn contains(owner: ClaimOwner) -> bool {
        let entry = (std::process::id(), owner);
        let _undivided = fork::undivided();
        OWNERS.lock().contains(&entry)
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        let _undivided = fork::undivided();
        let mut owners = OWNERS.lock();
        if let Some(index) = owners.iter().position(|entry| *entry == (self.0, self.1)) {
            owners.swap_remove(index);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::time::SystemTime;

    use super::*;

    struct State {
        files: Files,
        _parent: tempfile::TempDir,
    }

    impl State {
        fn new() -> Self {
            let parent = tempfile::tempdir().unwrap();
            let files = Files::open(parent.path().join("state")).unwrap();
            Self { files, _parent: parent }
        }

        fn path(&self, owner: ClaimOwner) -> PathBuf {
            self.files.path_of(&format!("{OWNER}{owner}"))
        }

        /// The file of a process that died: nobody has its lock.
        fn put(&self, owner: ClaimOwner, boot: &str) -> PathBuf {
            let path = self.path(owner);
            fs::write(&path, "").unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
            fs::write(&path, proof(boot, &fs::metadata(&path).unwrap())).unwrap();
            path
        }

        fn is_gone(&self, owner: ClaimOwner) -> bool {
            ObservedOwner::new(&self.files, owner).is_gone()
        }
    }

    fn owner(number: u8) -> ClaimOwner {
        // The list of owners is the process's, and tests run side by side: each owner is another one.
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).unwrap();
        bytes[15] = number;
        ClaimOwner::new(bytes)
    }

    #[test]
    fn a_dropped_presence_takes_its_file_away() {
        let (state, owner) = (State::new(), owner(1));
        let presence = announce(&state.files, owner).unwrap();
        assert_eq!(presence.is_known(), !boot().is_empty());
        let path = state.path(owner);
        if presence.is_known() {
            assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        }
        drop(presence);
        assert!(!path.exists());
        assert_eq!(fs::read_dir(state.files.directory()).unwrap().count(), 0);
    }

    #[test]
    fn looking_at_an_own_owner_does_not_free_its_lock() {
        let (state, owner) = (State::new(), owner(1));
        let presence = announce(&state.files, owner).unwrap();
        for _ in 0..3 {
            assert!(!state.is_gone(owner));
            remove_dead(&state.files, &boot());
        }
        assert_eq!(state.path(owner).exists(), presence.is_known());
    }

    #[test]
    fn a_free_lock_of_this_boot_says_that_the_owner_is_gone() {
        let (state, owner) = (State::new(), owner(1));
        let path = state.put(owner, &boot());
        assert_eq!(state.is_gone(owner), !boot().is_empty());
        assert_eq!(path.exists(), boot().is_empty(), "the first observer removes the file");
        assert!(!state.is_gone(owner), "without a file nothing is known");
    }

    #[test]
    fn a_free_lock_proves_nothing_of_another_boot_or_file() {
        let (state, rebooted, copied, damaged) = (State::new(), owner(1), owner(2), owner(3));
        let paths =
            [state.put(rebooted, "another boot"), state.put(copied, &boot()), state.put(damaged, &boot())];
        let content = fs::read(&paths[1]).unwrap();
        // A copy has another inode: the old one stays, so that its number is not given again.
        fs::rename(&paths[1], state.files.directory().join("old")).unwrap();
        fs::write(&paths[1], content).unwrap();
        fs::set_permissions(&paths[1], fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(&paths[2], "plextrac-auth owner 1\n").unwrap();
        for owner in [rebooted, copied, damaged] {
            assert!(!state.is_gone(owner));
        }
        remove_dead(&state.files, &boot());
        assert!(paths.iter().all(|path| path.exists()), "only their age says that nobody needs them");
    }

    #[test]
    fn files_of_dead_processes_are_removed_and_no_others() {
        let state = State::new();
        let living = owner(1);
        let presence = announce(&state.files, living).unwrap();
        let dead = state.put(owner(2), &boot());
        let rebooted = state.put(owner(3), "another boot");
        let unfinished = state.files.path_of(&format!("{OWNER}{}{NEW}", owner(4)));
        let ages = [
            (&rebooted, 23, false),
            (&rebooted, 25, true),
            (&unfinished, 23, false),
            (&unfinished, 25, true),
        ];
        for (path, hours, is_removed) in ages {
            if !path.exists() {
                fs::write(path, "").unwrap();
                fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
            }
            let modified = SystemTime::now() - Duration::from_secs(hours * 3600);
            File::options().write(true).open(path).unwrap().set_modified(modified).unwrap();
            remove_dead(&state.files, &boot());
            assert_eq!(path.exists(), !is_removed, "{path:?} after {hours} hours");
        }
        assert_eq!(dead.exists(), boot().is_empty());
        assert_eq!(state.path(living).exists(), presence.is_known());
    }

    #[test]
    fn files_that_no_owner_has_are_left_alone() {
        let state = State::new();
        let digest = "0123456789abcdef0123456789abcdef";
        let names = [
            format!("o{digest}"),
            format!("{PREFIX}a{digest}"),
            format!("{PREFIX}a{digest}.new"),
            format!("{PREFIX}a{digest}.lock"),
            format!("{PREFIX}o{digest}0"),
            format!("{PREFIX}o{}", digest.to_uppercase()),
            format!("{PREFIX}o{digest}.txt"),
            format!("{PREFIX}o"),
            format!("{PREFIX}key"),
            "thesis.tex".to_owned(),
        ];
        for name in &names {
            let path = state.files.directory().join(name);
            let file = File::create(&path).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
            file.set_modified(SystemTime::now() - 30 * DAY).unwrap();
        }
        remove_dead(&state.files, &boot());
        for name in names {
            assert!(state.files.directory().join(&name).exists(), "{name}");
        }
    }
}
