//! A record in a file: a line with its version, its length and a checksum, and the record's bytes.
//!
//! ```text
//! plextrac-auth record 1 0123456789abcdef 00000c5a 00112233445566778899aabbccddeeff
//! …record…
//! ```
//!
//! A version is a random number, so it does not come again, even after the file was deleted. A file whose checksum is
//! wrong counts as absent: a record is whole or it is not there. There is no `fsync`: after a power loss the last write
//! may be lost, which costs an authentication attempt.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Read};

use plextrac_auth_core::{FingerprintKey, StoredRecord, Version, WriteOutcome};
use zeroize::Zeroizing;

use super::super::memory::no_random_bytes;
use super::super::{CallLimits, MAX_RECORD, StoreError, StoreErrorKind, too_long};
use super::files::{FileError, Files, unavailable};
use super::{lock, replace};

/// Begins the file.
const MAGIC: &str = "plextrac-auth record 1 ";

/// The first line, with its end.
pub(super) const HEADER_LENGTH: usize = MAGIC.len() + 16 + 1 + 8 + 1 + 32 + 1;

pub(super) const LONGEST_FILE: usize = HEADER_LENGTH + MAX_RECORD;

/// The record of that name, or an absent one.
pub(super) fn read(files: &Files, name: &str, limits: &CallLimits<'_>) -> Result<StoredRecord, StoreError> {
    // The file that was opened may have been replaced and wiped meanwhile.
    for _ in 0..2 {
        match read_file(files, name)? {
            FileContent::Damaged => {}
            content @ (FileContent::Whole(_) | FileContent::Absent) => return Ok(content.whole()),
        }
    }
    // It is perhaps being overwritten just now, which happens on a full disk: under the lock it is not.
    let _held = lock::hold(files, name, limits);
    Ok(read_file(files, name)?.whole())
}

/// Replaces the record of that name if its version is still the expected one.
pub(super) fn write(
    files: &Files,
    name: &str,
    expected: Version,
    record: &[u8],
    limits: &CallLimits<'_>,
) -> Result<WriteOutcome, StoreError> {
    if record.len() > MAX_RECORD {
        return Err(too_long(record));
    }
    let _held = lock::hold(files, name, limits)?;
    let (current, is_own) = match read_file(files, name) {
        Ok(content) => (content.whole().version, true),
        // Nobody believes a file that others could have written: it makes way for a record of our own.
        Err(failed) if failed.error.kind == StoreErrorKind::Unsafe => (Version::ABSENT, false),
        Err(failed) => return Err(failed.into()),
    };
    if current != expected {
        return Ok(WriteOutcome::Conflict);
    }
    let version = new_version()?;
    let content = encode(version, record);
    match is_own {
        true => replace::replace(files, name, &content)?,
        false => replace::put(files, name, &content)?,
    }
    Ok(WriteOutcome::Written(version))
}

/// What is in the file of a record.
pub(super) enum FileContent {
    Absent,
    /// Not whole, or no record at all.
    Damaged,
    Whole(StoredRecord),
}

impl FileContent {
    pub(super) fn whole(self) -> StoredRecord {
        match self {
            Self::Whole(record) => record,
            Self::Absent | Self::Damaged => {
                StoredRecord { version: Version::ABSENT, bytes: Zeroizing::default(), time: None }
            }
        }
    }
}

fn read_file(files: &Files, name: &str) -> Result<FileContent, FileError> {
    match files.open_file(name, OpenOptions::new().read(true))? {
        None => Ok(FileContent::Absent),
        Some((mut file, metadata)) => read_opened(&mut file, &metadata)
            .map_err(|error| unavailable("read", &files.path_of(name), &error)),
    }
}

/// Reads a record's file that was just opened.
pub(super) fn read_opened(file: &mut File, metadata: &Metadata) -> io::Result<FileContent> {
    let Some(length) = usize::try_from(metadata.len()).ok().filter(|length| *length <= LONGEST_FILE) else {
        return Ok(FileContent::Damaged);
    };
    // Sized once: a buffer that grew would leave pieces of a token behind.
    let mut content = Zeroizing::new(vec![0; length]);
    match file.read_exact(&mut content) {
        Ok(()) => Ok(decode(content)),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(FileContent::Damaged),
        Err(error) => Err(error),
    }
}

fn decode(mut content: Zeroizing<Vec<u8>>) -> FileContent {
    let Some((version, length)) = read_header(&content) else { return FileContent::Damaged };
    // Moved to the front of the same buffer, which is wiped as a whole.
    content.drain(..HEADER_LENGTH);
    content.truncate(length);
    FileContent::Whole(StoredRecord { version, bytes: content, time: None })
}

/// The version and the length of the record, if it is whole.
fn read_header(content: &[u8]) -> Option<(Version, usize)> {
    let header = str::from_utf8(content.get(..HEADER_LENGTH)?).ok()?;
    let mut fields = header.strip_prefix(MAGIC)?.strip_suffix('\n')?.split(' ');
    let version = Version::new(u64::from_str_radix(fields.next()?, 16).ok()?);
    let length = usize::from_str_radix(fields.next()?, 16).ok()?;
    let record = content[HEADER_LENGTH..].get(..length)?;
    (version != Version::ABSENT && header == self::header(version, record)).then_some((version, length))
}

fn encode(version: Version, record: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut content = Zeroizing::new(Vec::with_capacity(HEADER_LENGTH + record.len()));
    content.extend_from_slice(header(version, record).as_bytes());
    content.extend_from_slice(record);
    content
}

fn header(version: Version, record: &[u8]) -> String {
    let version = version.number();
    // A checksum, not a proof of origin: the key is public.
    let checksum = Vec::from(FingerprintKey::new([0; 32]).of(&[&version.to_le_bytes(), record]));
    let checksum: String = checksum.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("{MAGIC}{version:016x} {:08x} {checksum}\n", record.len())
}

fn new_version() -> Result<Version, StoreError> {
    let number = getrandom::u64().map_err(no_random_bytes)?;
    Ok(Version::new(number.max(1)))
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;
    use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt, symlink};
    use std::path::PathBuf;
    use std::time::Duration;

    use super::*;
    use crate::cancel::CancelToken;
    use crate::clock::real_now;

    const NAME: &str = "a0123";
    const FIRST: &[u8] = b"{\"token\":\"the first token\"}";
    const SECOND: &[u8] = b"{\"token\":\"another one\"}";

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

        fn limits(&self) -> CallLimits<'_> {
            CallLimits { deadline: real_now() + Duration::from_secs(10), cancel: &self.cancel }
        }

        fn path(&self) -> PathBuf {
            self.files.path_of(NAME)
        }

        fn read(&self) -> StoredRecord {
            read(&self.files, NAME, &self.limits()).unwrap()
        }

        #[track_caller]
        fn write(&self, expected: Version, record: &[u8]) -> Version {
            match write(&self.files, NAME, expected, record, &self.limits()) {
                Ok(WriteOutcome::Written(version)) => version,
                other => panic!("{other:?}"),
            }
        }

        fn names(&self) -> Vec<String> {
            let entries = fs::read_dir(self.files.directory()).unwrap();
            let mut names: Vec<_> =
                entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
            names.sort();
            names
        }
    }

    #[test]
    fn each_file_of_a_record_is_private() {
        let state = State::new();
        let version = state.write(Version::ABSENT, FIRST);
        assert_eq!(state.names(), ["plextrac-auth-a0123", "plextrac-auth-a0123.lock"]);
        state.write(version, SECOND);
        for name in state.names() {
            let metadata = fs::metadata(state.files.directory().join(&name)).unwrap();
            assert_eq!(metadata.mode() & 0o777, 0o600, "{name}");
        }
    }

    #[test]
    fn a_torn_file_is_absent_at_every_length() {
        let state = State::new();
        state.write(Version::ABSENT, FIRST);
        let whole = fs::read(state.path()).unwrap();
        for length in 0..whole.len() {
            fs::write(state.path(), &whole[..length]).unwrap();
            assert_eq!(state.read().version, Version::ABSENT, "{length} of {} bytes", whole.len());
        }
        fs::write(state.path(), &whole).unwrap();
        assert_eq!(state.read().bytes.as_slice(), FIRST, "control");
    }

    #[test]
    fn a_file_with_one_wrong_byte_is_absent() {
        let state = State::new();
        state.write(Version::ABSENT, FIRST);
        let whole = fs::read(state.path()).unwrap();
        for index in 0..whole.len() {
            for change in [1, 0x20] {
                let mut wrong = whole.clone();
                wrong[index] ^= change;
                fs::write(state.path(), &wrong).unwrap();
                assert_eq!(state.read().version, Version::ABSENT, "byte {index}");
            }
        }
    }

    #[test]
    fn a_file_that_is_no_record_makes_way_for_one() {
        let state = State::new();
        for content in [b"".as_slice(), b"{}", &[0; 1_000], &[b'['; 60_000], &[b' '; 70_000], &[0xff; 90]] {
            fs::write(state.path(), content).unwrap();
            fs::set_permissions(state.path(), fs::Permissions::from_mode(0o600)).unwrap();
            assert_eq!(state.read().version, Version::ABSENT);
            state.write(Version::ABSENT, FIRST);
            assert_eq!(state.read().bytes.as_slice(), FIRST);
        }
    }

    #[test]
    fn a_deleted_record_gets_none_of_its_old_versions() {
        let state = State::new();
        let mut versions = Vec::new();
        for _ in 0..50 {
            versions.push(state.write(Version::ABSENT, FIRST));
            fs::remove_file(state.path()).unwrap();
        }
        let version = state.write(Version::ABSENT, FIRST);
        for old in versions {
            assert_ne!(old, version);
            let stale = write(&state.files, NAME, old, SECOND, &state.limits());
            assert_eq!(stale, Ok(WriteOutcome::Conflict));
        }
    }

    #[test]
    fn a_record_open_to_others_is_an_error_and_makes_way() {
        let state = State::new();
        type Put = fn(&std::path::Path);
        let puts: [(&str, Put); 3] = [
            ("chmod 600", |path| fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap()),
            ("is a symbolic link", |path| {
                fs::remove_file(path).unwrap();
                symlink("/dev/zero", path).unwrap();
            }),
            ("is a symbolic link", |path| {
                fs::remove_file(path).unwrap();
                symlink("/nowhere/at/all", path).unwrap();
            }),
        ];
        for (says, put) in puts {
            let version = state.write(state.read().version, FIRST);
            put(&state.path());
            let error = read(&state.files, NAME, &state.limits()).unwrap_err();
            assert_eq!(error.kind, StoreErrorKind::Unsafe);
            assert!(error.message.contains(says), "{error}");
            let stale = write(&state.files, NAME, version, SECOND, &state.limits());
            assert_eq!(stale, Ok(WriteOutcome::Conflict), "nobody believes its version");
            state.write(Version::ABSENT, SECOND);
            assert_eq!(state.read().bytes.as_slice(), SECOND);
        }
    }

    #[test]
    fn a_directory_in_the_way_of_a_record_is_an_error() {
        let state = State::new();
        fs::create_dir(state.path()).unwrap();
        assert!(read(&state.files, NAME, &state.limits()).is_err());
        assert!(write(&state.files, NAME, Version::ABSENT, FIRST, &state.limits()).is_err());
        assert!(!state.names().iter().any(|name| name.ends_with(".spare")), "{:?}", state.names());
    }

    #[test]
    fn a_reader_waits_for_a_record_that_is_being_overwritten() {
        let state = State::new();
        state.write(Version::ABSENT, FIRST);
        let whole = fs::read(state.path()).unwrap();
        let held = lock::hold(&state.files, NAME, &state.limits()).unwrap();
        let file = OpenOptions::new().write(true).open(state.path()).unwrap();
        file.write_all_at(b"torn", 0).unwrap();
        std::thread::scope(|scope| {
            let reader = scope.spawn(|| state.read());
            std::thread::park_timeout(Duration::from_millis(20));
            file.write_all_at(&whole, 0).unwrap();
            drop(held);
            assert_eq!(reader.join().unwrap().bytes.as_slice(), FIRST);
        });
    }

    #[test]
    fn a_write_waits_for_the_lock_until_its_limits_end() {
        let state = State::new();
        let held = lock::hold(&state.files, NAME, &state.limits()).unwrap();
        let limits =
            CallLimits { deadline: real_now() + Duration::from_millis(50), cancel: &CancelToken::new() };
        let error = write(&state.files, NAME, Version::ABSENT, FIRST, &limits).unwrap_err();
        assert_eq!(error.kind, StoreErrorKind::Busy);
        assert!(error.message.contains("a0123.lock") && error.message.contains("fuser"), "{error}");
        assert!(real_now() >= limits.deadline);

        let cancel = CancelToken::new();
        let limits = CallLimits { deadline: real_now() + Duration::from_secs(60), cancel: &cancel };
        std::thread::scope(|scope| {
            let writer = scope.spawn(|| write(&state.files, NAME, Version::ABSENT, FIRST, &limits));
            std::thread::park_timeout(Duration::from_millis(20));
            cancel.trigger();
            assert_eq!(writer.join().unwrap().unwrap_err().kind, StoreErrorKind::Busy);
        });
        assert!(real_now() < limits.deadline, "the cancel ended it");

        // A free lock is taken though the limits have ended: closing a session ends its claim with such a write.
        drop(held);
        let limits = CallLimits { deadline: real_now(), cancel: &cancel };
        let written = write(&state.files, NAME, Version::ABSENT, FIRST, &limits);
        assert!(matches!(written, Ok(WriteOutcome::Written(_))), "{written:?}");
    }
}
