//! Disks that are full, or cannot be written to. Each is a file system of its own.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use plextrac_transport::{RecordStore, StoreErrorKind, Version, Watched, WriteOutcome};

use crate::child::{Store, owner};
use crate::tests;

tests! {
    on_a_full_disk_a_shorter_record_replaces_a_longer_one
    on_a_full_disk_records_of_one_length_replace_each_other
    on_a_full_disk_nothing_is_left_of_what_could_not_be_written
    on_a_read_only_disk_records_are_read_and_writes_say_so
}

/// A file system in memory.
struct Disk {
    path: PathBuf,
    _parent: tempfile::TempDir,
}

impl Disk {
    /// `None` where this user cannot mount.
    fn new() -> Option<Self> {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("state");
        fs::create_dir(&path).unwrap();
        if !mount(&["-t", "tmpfs", "-o", "mode=0700,size=256k", "none"], &path) {
            println!("skipped: this user cannot mount a file system");
            return None;
        }
        Some(Self { path, _parent: parent })
    }

    /// Fills it to the last byte, and returns the file that does.
    fn fill(&self) -> PathBuf {
        let path = self.path.join("filler");
        let mut file = File::create(&path).unwrap();
        let mut size = 65_536;
        while size > 0 {
            while file.write_all(&vec![b'x'; size]).is_ok() {}
            size /= 2;
        }
        assert!(fs::write(self.path.join("probe"), "x").is_err(), "control: it is full");
        drop(fs::remove_file(self.path.join("probe")));
        path
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.path).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// Whether some file has these bytes.
    fn holds(&self, secret: &str) -> bool {
        let has = |name: &String| {
            name != "filler"
                && String::from_utf8_lossy(&fs::read(self.path.join(name)).unwrap()).contains(secret)
        };
        self.names().iter().any(has)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        drop(Command::new("umount").arg(&self.path).status());
    }
}

fn mount(options: &[&str], path: &Path) -> bool {
    let mounted = Command::new("mount").args(options).arg(path).output();
    mounted.is_ok_and(|output| output.status.success())
}

fn written(outcome: Result<WriteOutcome, plextrac_transport::StoreError>) -> Version {
    match outcome {
        Ok(WriteOutcome::Written(version)) => version,
        other => panic!("{other:?}"),
    }
}

fn record(secret: &str, length: usize) -> Vec<u8> {
    let mut record = secret.as_bytes().to_vec();
    record.resize(length, b'.');
    record
}

fn on_a_full_disk_a_shorter_record_replaces_a_longer_one() {
    let Some(disk) = Disk::new() else { return };
    let store = Store::open(&disk.path);
    let first = written(store.try_write(Version::ABSENT, &record("the-old-secret", 6_000)));
    let filler = disk.fill();
    // So signing out works.
    let second = written(store.try_write(first, b"{\"signed\":\"out\"}"));
    assert_ne!(first, second);
    assert_eq!(store.try_write(first, b"stale").unwrap(), WriteOutcome::Conflict);
    let read = store.read();
    assert_eq!((read.version, read.bytes.as_slice()), (second, b"{\"signed\":\"out\"}".as_slice()));
    assert!(!disk.holds("the-old-secret"));
    let third = written(store.try_write(second, &record("again", 5_000)));
    assert_eq!(store.read().bytes.len(), 5_000);
    fs::remove_file(filler).unwrap();
    written(store.try_write(third, &record("longer", 20_000)));
    assert_eq!(store.read().bytes.len(), 20_000);
}

fn on_a_full_disk_records_of_one_length_replace_each_other() {
    let Some(disk) = Disk::new() else { return };
    let store = Store::open(&disk.path);
    let mut version = Version::ABSENT;
    for number in 0..6 {
        if number == 2 {
            disk.fill();
        }
        version = written(store.try_write(version, &record(&format!("secret-{number}"), 6_000)));
        assert!(disk.holds(&format!("secret-{number}")), "control");
        assert!(number == 0 || !disk.holds(&format!("secret-{}", number - 1)));
    }
}

fn on_a_full_disk_nothing_is_left_of_what_could_not_be_written() {
    let Some(disk) = Disk::new() else { return };
    let store = Store::open(&disk.path);
    let version = written(store.try_write(Version::ABSENT, b"short"));
    let filler = disk.fill();
    let error = store.try_write(version, &record("the-new-secret", 30_000)).unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Unavailable);
    assert!(error.message.contains("No space left"), "{error}");
    assert!(!disk.holds("the-new-secret"));
    assert!(disk.names().iter().all(|name| !name.ends_with(".spare")), "{:?}", disk.names());
    assert_eq!(store.read().version, version, "the old record stays");
    // A process that cannot make itself known is taken for alive, until its claim's lease ends.
    let presence = store.0.announce(owner(1)).unwrap();
    assert!(!presence.is_known());
    assert_eq!(store.watch(owner(1), Duration::from_millis(100)), Watched::Over);
    assert!(!disk.names().iter().any(|name| name.starts_with("plextrac-auth-o")), "{:?}", disk.names());
    // When there is room again, it is written.
    fs::remove_file(&filler).unwrap();
    written(store.try_write(version, &record("the-new-secret", 30_000)));
    assert!(disk.holds("the-new-secret"), "control");
}

fn on_a_read_only_disk_records_are_read_and_writes_say_so() {
    let Some(disk) = Disk::new() else { return };
    let store = Store::open(&disk.path);
    let key = store.key();
    let version = written(store.try_write(Version::ABSENT, b"record"));
    assert!(mount(&["-o", "remount,ro"], &disk.path));
    let store = Store::open(&disk.path);
    assert_eq!(store.key(), key);
    assert_eq!(store.read().bytes.as_slice(), b"record");
    let error = store.try_write(version, b"new").unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Unavailable);
    assert!(error.message.contains("Read-only"), "{error}");
    assert!(!store.0.announce(owner(1)).unwrap().is_known());
    assert_eq!(store.watch(owner(1), Duration::from_millis(100)), Watched::Over);
    assert_eq!(store.read().version, version);
}
