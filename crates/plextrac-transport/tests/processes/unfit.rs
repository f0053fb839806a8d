//! Directories that cannot be used as they should: each gets a clear answer, and no session is lost.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use plextrac_emulator::Emulator;

use crate::child::{Reply, Settings};
use crate::stage::private_directory;
use crate::tests;

tests! {
    on_a_full_disk_a_session_goes_on_alone
    in_a_read_only_directory_a_session_uses_what_it_finds
    a_directory_of_somebody_else_is_refused
    a_record_of_another_user_is_replaced
}

/// Names of the files in a directory.
fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn assert_alone(reply: Reply) {
    let reply = reply.unwrap();
    assert!(reply.is_unshared(), "{:?}", reply.events);
    assert!(reply.token.is_some());
}

fn on_a_full_disk_a_session_goes_on_alone() {
    let emulator = Emulator::start().unwrap();
    let (empty, used) = (private_directory(), private_directory());
    // Without a key nothing can be named, and with one nothing can be written.
    Settings::service(&emulator, used.path()).start().order("login").unwrap();
    for directory in [empty.path(), used.path()] {
        let settings = Settings::service(&emulator, directory);
        settings.start().order("logout").unwrap();
        let mut process = settings.start_on_a_full_disk();
        assert_alone(process.order("login"));
        process.order("refresh").unwrap();
        process.order("login").unwrap();
        assert!(names(directory).iter().all(|name| !name.ends_with(".spare")), "{:?}", names(directory));
    }
    // When there is room again, sharing goes on.
    let again = Settings::service(&emulator, used.path());
    again.start().order("login").unwrap();
    let sent = emulator.stats().authentication_requests();
    again.start().order("login").unwrap();
    assert_eq!(emulator.stats().authentication_requests(), sent);
}

/// A directory on a file system of its own, if that can be had; else one that its owner cannot write to.
struct ReadOnly {
    path: PathBuf,
    is_mounted: bool,
    _parent: tempfile::TempDir,
}

impl ReadOnly {
    fn new(fill: impl FnOnce(&Path)) -> Self {
        let parent = private_directory();
        let path = parent.path().join("state");
        fs::create_dir(&path).unwrap();
        let is_mounted = mount(&["-t", "tmpfs", "-o", "mode=0700", "none"], &path);
        fs::set_permissions(&path, Permissions::from_mode(0o700)).unwrap();
        fill(&path);
        if is_mounted {
            assert!(mount(&["-o", "remount,ro"], &path));
        } else {
            fs::set_permissions(&path, Permissions::from_mode(0o500)).unwrap();
        }
        Self { path, is_mounted, _parent: parent }
    }

    /// Root writes where it likes, unless the file system forbids it.
    fn is_one(&self) -> bool {
        fs::write(self.path.join("probe"), "").is_err()
    }
}

impl Drop for ReadOnly {
    fn drop(&mut self) {
        if self.is_mounted {
            drop(Command::new("umount").arg(&self.path).status());
        } else {
            drop(fs::set_permissions(&self.path, Permissions::from_mode(0o700)));
        }
    }
}

fn mount(options: &[&str], path: &Path) -> bool {
    let mounted = Command::new("mount").args(options).arg(path).output();
    mounted.is_ok_and(|output| output.status.success())
}

fn in_a_read_only_directory_a_session_uses_what_it_finds() {
    let emulator = Emulator::start().unwrap();
    let empty = ReadOnly::new(|_| {});
    if !empty.is_one() {
        println!("skipped: this user can write everywhere and mount nothing");
        return;
    }
    assert_alone(Settings::service(&emulator, &empty.path).start().order("login"));
    let sent = emulator.stats().authentication_requests();
    let used = ReadOnly::new(|path| {
        Settings::service(&emulator, path).start().order("login").unwrap();
    });
    let mut process = Settings::service(&emulator, &used.path).start();
    let found = process.order("login").unwrap();
    assert_eq!(emulator.stats().authentication_requests(), sent + 1, "the token that is there is used");
    let refreshed = process.order("refresh").unwrap();
    assert!(found.is_unshared() || refreshed.is_unshared(), "{:?}", (found.events, refreshed.events));
    assert_ne!(found.token, refreshed.token);
}

fn a_directory_of_somebody_else_is_refused() {
    let emulator = Emulator::start().unwrap();
    let directory = private_directory();
    // Only root can give away; to anybody else, root's own directories are somebody else's.
    let foreign = match chown(directory.path(), Some(12_345), None) {
        Ok(()) => directory.path(),
        Err(_) => Path::new("/usr"),
    };
    let reply = Settings::service(&emulator, foreign).start().order("login");
    assert_eq!(reply.error.as_deref(), Some("Store"));
    assert_eq!(emulator.stats().authentication_requests(), 0);
}

fn a_record_of_another_user_is_replaced() {
    let emulator = Emulator::start().unwrap();
    let directory = private_directory();
    let settings = Settings::service(&emulator, directory.path());
    settings.start().order("login").unwrap();
    let records: Vec<_> = names(directory.path())
        .into_iter()
        .filter(|name| name.starts_with("plextrac-auth-a") && !name.contains('.'))
        .map(|name| directory.path().join(name))
        .collect();
    assert_eq!(records.len(), 1);
    if chown(&records[0], Some(12_345), None).is_err() {
        println!("skipped: this user cannot give files away");
        return;
    }
    assert_alone(settings.start().order("login"));
    assert_eq!(emulator.stats().authentication_requests(), 2);
    let shared = settings.start().order("login").unwrap();
    assert!(!shared.is_unshared(), "{:?}", shared.events);
    assert_eq!(emulator.stats().authentication_requests(), 2);
}
