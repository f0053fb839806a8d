//! Watching a record for a change, and the process of its claim for its end.
//!
//! Both are looked at every few milliseconds. A notice of the kernel would not say that a process has died, and does not
//! come for what another machine writes to a network filesystem.

use std::fs::{File, OpenOptions};
use std::time::Duration;

use plextrac_auth_core::{ClaimOwner, Version};

use super::super::pauses::Pauses;
use super::super::{CallLimits, StoreError, Watched};
use super::files::{Files, unavailable};
#[cfg(unix)]
use super::owner::ObservedOwner;
use super::record::{self, HEADER_LENGTH};

/// Between two looks.
const SHORTEST_PAUSE: Duration = Duration::from_millis(2);
const LONGEST_PAUSE: Duration = Duration::from_millis(25);

pub(super) fn watch(
    files: &Files,
    name: &str,
    known: Version,
    owner: Option<ClaimOwner>,
    limits: &CallLimits<'_>,
) -> Result<Watched, StoreError> {
    let mut pauses = Pauses::new(limits, SHORTEST_PAUSE, LONGEST_PAUSE);
    let owner = owner.map(|owner| ObservedOwner::new(files, owner));
    let mut seen = Seen::look(files, name)?;
    loop {
        if seen.version != known {
            return Ok(Watched::Changed);
        }
        if owner.as_ref().is_some_and(ObservedOwner::is_gone) {
            return Ok(Watched::OwnerGone);
        }
        if !pauses.sleep() {
            return Ok(Watched::Over);
        }
        if !seen.is_current(files, name) {
            seen = Seen::look(files, name)?;
        }
    }
}

/// A record's file as it was looked at.
struct Seen {
    version: Version,
    /// Held open: as long as it is, no other file has its inode's number. `None` if there was no file.
    file: Option<(File, [u8; HEADER_LENGTH])>,
}

impl Seen {
    fn look(files: &Files, name: &str) -> Result<Self, StoreError> {
        let Some((mut file, metadata)) = files.open_file(name, OpenOptions::new().read(true))? else {
            return Ok(Self { version: Version::ABSENT, file: None });
        };
        let header = first_line(&file);
        let content = record::read_opened(&mut file, &metadata)
            .map_err(|error| unavailable("read", &files.path_of(name), &error))?;
        Ok(Self { version: content.whole().version, file: Some((file, header)) })
    }

    /// Whether the file is the same and begins with the same line. That costs two system calls.
    #[cfg(unix)]
    fn is_current(&self, files: &Files, name: &str) -> bool {
        use std::os::unix::fs::MetadataExt;
        let place = |metadata: std::fs::Metadata| (metadata.dev(), metadata.ino());
        let found = files.path_of(name).symlink_metadata().ok().map(place);
        match &self.file {
            Some((file, header)) => {
                found.is_some() && found == file.metadata().ok().map(place) && first_line(file) == *header
            }
            None => found.is_none(),
        }
    }

    #[cfg(not(unix))]
    fn is_current(&self, _: &Files, _: &str) -> bool {
        false
    }
}

/// The line that has the version; zeros where the file is shorter.
#[cfg(unix)]
fn first_line(file: &File) -> [u8; HEADER_LENGTH] {
    let mut line = [0; HEADER_LENGTH];
    drop(std::os::unix::fs::FileExt::read_at(file, &mut line, 0));
    line
}

#[cfg(not(unix))]
fn first_line(_: &File) -> [u8; HEADER_LENGTH] {
    [0; HEADER_LENGTH]
}

/// There is no lock that says whether a process lives.
#[cfg(not(unix))]
struct ObservedOwner;

#[cfg(not(unix))]
impl ObservedOwner {
    fn new(_: &Files, _: ClaimOwner) -> Self {
        Self
    }

    fn is_gone(&self) -> bool {
        false
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;
    use std::os::unix::fs::{FileExt, PermissionsExt, symlink};
    use std::thread;

    use plextrac_auth_core::WriteOutcome;

    use super::*;
    use crate::cancel::CancelToken;
    use crate::clock::real_now;

    const NAME: &str = "a0123";

    /// Waits for the end of a watch at most.
    const LONG: Duration = Duration::from_secs(10);

    struct State {
        files: Files,
        cancel: CancelToken,
        _parent: tempfile::TempDir,
    }

    impl State {
        fn new() -> Self {
            let parent = tempfile::tempdir().unwrap();
            let files = Files::open(parent.path().join("state")).unwrap();
            Self { files, cancel: CancelToken::new(), _parent: parent }
        }

        fn limits(&self, limit: Duration) -> CallLimits<'_> {
            CallLimits { deadline: real_now() + limit, cancel: &self.cancel }
        }

        fn write(&self, expected: Version, record: &[u8]) -> Version {
            match record::write(&self.files, NAME, expected, record, &self.limits(LONG)) {
                Ok(WriteOutcome::Written(version)) => version,
                other => panic!("{other:?}"),
            }
        }

        /// What a watch says that is under way while `change` happens.
        fn watch_while(&self, known: Version, change: impl FnOnce()) -> Result<Watched, StoreError> {
            thread::scope(|scope| {
                let watching = scope.spawn(|| watch(&self.files, NAME, known, None, &self.limits(LONG)));
                thread::park_timeout(Duration::from_millis(20));
                change();
                watching.join().unwrap()
            })
        }
    }

    #[test]
    fn a_watch_ends_when_the_file_is_deleted() {
        let state = State::new();
        let version = state.write(Version::ABSENT, b"record");
        let ended = state.watch_while(version, || fs::remove_file(state.files.path_of(NAME)).unwrap());
        assert_eq!(ended, Ok(Watched::Changed));
    }

    #[test]
    fn a_watch_ends_when_the_file_is_overwritten_in_place() {
        let state = State::new();
        let version = state.write(Version::ABSENT, b"record");
        let file = OpenOptions::new().read(true).write(true).open(state.files.path_of(NAME)).unwrap();
        // The first digit of the version.
        const DIGIT: u64 = "plextrac-auth record 1 ".len() as u64;
        let mut digit = [0; 1];
        file.read_exact_at(&mut digit, DIGIT).unwrap();
        let modified = file.metadata().unwrap().modified().unwrap();
        // Neither its size, nor its inode, nor its date say so.
        let ended = state.watch_while(version, || {
            file.write_all_at(if digit == *b"0" { b"1" } else { b"0" }, DIGIT).unwrap();
            file.set_modified(modified).unwrap();
        });
        assert_eq!(ended, Ok(Watched::Changed));
    }

    #[test]
    fn a_damaged_file_that_stays_so_is_no_change() {
        let state = State::new();
        state.write(Version::ABSENT, b"record");
        fs::write(state.files.path_of(NAME), b"damaged").unwrap();
        let limits = state.limits(Duration::from_millis(100));
        assert_eq!(watch(&state.files, NAME, Version::ABSENT, None, &limits), Ok(Watched::Over));
        assert!(real_now() >= limits.deadline);
    }

    #[test]
    fn a_watch_says_what_is_in_the_way_of_the_record() {
        let state = State::new();
        let path = state.files.path_of(NAME);
        let ended = state.watch_while(Version::ABSENT, || symlink("/dev/zero", &path).unwrap());
        assert!(ended.unwrap_err().message.contains("is a symbolic link"));
        fs::remove_file(&path).unwrap();
        let version = state.write(Version::ABSENT, b"record");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let ended = watch(&state.files, NAME, version, None, &state.limits(LONG));
        assert!(ended.unwrap_err().message.contains("chmod 600"));
    }

    #[test]
    fn a_watch_ends_at_once_when_it_is_cancelled() {
        let state = State::new();
        let ended = state.watch_while(Version::ABSENT, || state.cancel.trigger());
        assert_eq!(ended, Ok(Watched::Over));
    }
}
