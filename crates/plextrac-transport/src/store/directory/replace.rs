//! Replacing a file as a whole.
//!
//! The new content is written beside the old file, and the two exchange their names. The old file is wiped and stays
//! beside the new one, as the place for the next content: so a write neither makes nor deletes a file, which on some
//! filesystems takes ten times as long as the rest, and it needs no room on a full disk. A filesystem that cannot
//! exchange names renames the new file over the old one.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use super::files::{FileError, Files, unavailable};
use super::record::LONGEST_FILE;

/// Ends the name of the file beside.
const SPARE: &str = ".spare";

/// Makes a file, or puts a new one in the place of one that is not to be kept.
pub(super) fn put(files: &Files, name: &str, content: &[u8]) -> Result<(), FileError> {
    let spare = write_spare(files, name, content, OpenOptions::new().truncate(true))?;
    fs::rename(&spare, files.path_of(name)).map_err(|error| give_up(files, name, &spare, &error))
}

/// Replaces a file that is the store's own. The new file may be longer than `content`: spaces follow.
pub(super) fn replace(files: &Files, name: &str, content: &[u8]) -> Result<(), FileError> {
    let spare = match write_spare(files, name, content, OpenOptions::new().truncate(false)) {
        Err(failed) if !failed.is_denied && overwrite(files, name, content) => return Ok(()),
        written => written?,
    };
    let path = files.path_of(name);
    if !exchange(&spare, &path) {
        return fs::rename(&spare, &path).map_err(|error| give_up(files, name, &spare, &error));
    }
    // It is the old file now. If it cannot be wiped, nothing of it stays at all.
    let wiped = files.make_file(&format!("{name}{SPARE}"), &mut OpenOptions::new());
    if !wiped.is_ok_and(|(mut file, length)| fill(&mut file, b"", length).is_ok()) {
        drop(fs::remove_file(&spare));
    }
    Ok(())
}

fn write_spare(
    files: &Files,
    name: &str,
    content: &[u8],
    options: &mut OpenOptions,
) -> Result<std::path::PathBuf, FileError> {
    let spare = format!("{name}{SPARE}");
    let path = files.path_of(&spare);
    let (mut file, length) = files.make_file(&spare, options)?;
    match fill(&mut file, content, length) {
        Ok(()) => Ok(path),
        Err(error) => Err(give_up(files, name, &path, &error)),
    }
}

/// A disk that is full must not keep half a record, with its secrets.
fn give_up(files: &Files, name: &str, spare: &Path, error: &io::Error) -> FileError {
    drop(fs::remove_file(spare));
    unavailable("written", &files.path_of(name), error)
}

/// Overwrites a file that is at least as long, in place: so signing out works where there is no place for the new
/// content, as on a full disk. If this process is killed meanwhile, the checksum is wrong and the record counts as absent.
fn overwrite(files: &Files, name: &str, content: &[u8]) -> bool {
    let Ok(Some((mut file, metadata))) = files.open_file(name, OpenOptions::new().write(true)) else {
        return false;
    };
    metadata.len() >= content.len() as u64 && fill(&mut file, content, metadata.len()).is_ok()
}

/// Writes the content, and spaces over what else is in the file.
fn fill(file: &mut File, content: &[u8], length: u64) -> io::Result<()> {
    if length > LONGEST_FILE as u64 {
        file.set_len(0)?;
        return file.write_all(content);
    }
    let rest = usize::try_from(length).unwrap_or(0).saturating_sub(content.len());
    file.write_all(content)?;
    file.write_all(&vec![b' '; rest])
}

#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
fn exchange(spare: &Path, path: &Path) -> bool {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    renameat_with(CWD, spare, CWD, path, RenameFlags::EXCHANGE).is_ok()
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
fn exchange(_: &Path, _: &Path) -> bool {
    false
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

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

        fn write(&self, name: &str, content: &[u8]) {
            let path = self.files.path_of(name);
            fs::write(&path, content).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        }

        fn read(&self, name: &str) -> String {
            fs::read_to_string(self.files.path_of(name)).unwrap()
        }

        fn holds(&self, secret: &str) -> bool {
            let entries = fs::read_dir(self.files.directory()).unwrap();
            entries
                .map(|entry| fs::read(entry.unwrap().path()).unwrap())
                .any(|content| content.windows(secret.len()).any(|part| part == secret.as_bytes()))
        }
    }

    #[test]
    fn nothing_is_left_of_what_was_replaced() {
        let state = State::new();
        for (number, length) in [(0, 5_000), (1, 10), (2, 9_000), (3, 100), (4, 9_000)] {
            let content = format!("secret-{number}{}", ".".repeat(length));
            replace(&state.files, "a", content.as_bytes()).unwrap();
            assert_eq!(state.read("a").trim_end_matches(' '), content);
            for number in 0..number {
                assert!(!state.holds(&format!("secret-{number}")));
            }
        }
    }

    #[test]
    fn what_a_killed_writer_left_beside_is_overwritten() {
        let state = State::new();
        state.write("a", b"old");
        for left in ["x".repeat(5_000), "x".repeat(LONGEST_FILE + 1), String::new()] {
            state.write("a.spare", left.as_bytes());
            replace(&state.files, "a", b"new").unwrap();
            assert_eq!(state.read("a").trim_end_matches(' '), "new");
            assert!(state.read("a").len() <= LONGEST_FILE);
            assert!(!state.holds("old") && !state.holds("xx"));
        }
    }

    #[test]
    fn a_file_that_is_put_has_the_length_of_its_content() {
        let state = State::new();
        state.write("key.spare", &[b'x'; 5_000]);
        state.write("key", b"damaged");
        put(&state.files, "key", b"content").unwrap();
        assert_eq!(state.read("key"), "content");
        assert!(!state.files.path_of("key.spare").exists());
    }

    #[test]
    fn what_is_in_the_place_of_the_spare_file_is_kept() {
        let state = State::new();
        state.write("a", b"old");
        let foreign = state.files.directory().join("of the user");
        fs::write(&foreign, "kept").unwrap();
        symlink(&foreign, state.files.path_of("a.spare")).unwrap();
        let failed = replace(&state.files, "a", b"longer").unwrap_err();
        assert!(failed.error.message.contains("is a symbolic link"), "{}", failed.error);
        assert_eq!(state.read("a"), "old");
        // What fits is written all the same.
        replace(&state.files, "a", b"new").unwrap();
        assert_eq!(
            (state.read("a").as_str(), fs::read_to_string(foreign).unwrap().as_str()),
            ("new", "kept")
        );
    }

    #[test]
    fn the_two_files_exchange_their_names() {
        let state = State::new();
        let inode = |name| fs::metadata(state.files.path_of(name)).unwrap().ino();
        state.write("a", b"old");
        let old = inode("a");
        replace(&state.files, "a", b"new").unwrap();
        if !state.files.path_of("a.spare").exists() {
            println!("skipped: this filesystem cannot exchange names");
            return;
        }
        assert_eq!(inode("a.spare"), old);
        replace(&state.files, "a", b"again").unwrap();
        assert_eq!((inode("a"), state.read("a").trim_end_matches(' ')), (old, "again"));
    }

    #[test]
    fn an_overwritten_file_keeps_its_length() {
        let state = State::new();
        state.write("a", b"the old content");
        assert!(overwrite(&state.files, "a", b"new"));
        assert_eq!(state.read("a"), "new            ");
        assert!(!overwrite(&state.files, "a", b"longer than the old content"));
        assert_eq!(state.read("a"), "new            ");
    }
}
