//! A `redis-server` of a test's own.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::stand::{Stand, run};

/// A process of Debian's package redis-server, with a user `fleet` that may do what the documentation lists and no more.
/// It ends with the value.
pub(crate) struct Engine {
    child: Child,
    port: u16,
    _directory: tempfile::TempDir,
}

/// The page for operators.
pub(crate) const PAGE: &str = include_str!("../../../../docs/fleet.md");

pub(crate) const PASSWORD: &str = "hunter2-of-the-engine";

impl Engine {
    pub(crate) fn start() -> Self {
        // The rights that the page lists.
        let line = PAGE.lines().find_map(|line| line.strip_prefix("user fleet on #$HASH "));
        Self::with_rights(line.expect("docs/fleet.md has the rights of the user"))
    }

    pub(crate) fn with_rights(rights: &str) -> Self {
        // Another program may take the port before the engine does.
        let engine =
            (0..5).map(|_| Self::spawn(rights)).find_map(|mut engine| engine.answers().then_some(engine));
        engine.expect("redis-server did not start on five ports")
    }

    fn spawn(rights: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let child = Command::new("redis-server")
            .args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--loglevel", "warning"])
            .args(["--port", &port.to_string(), "--user", "fleet", "on", &format!(">{PASSWORD}")])
            .args(rights.split_whitespace())
            .current_dir(directory.path())
            .stdout(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| {
                panic!("redis-server cannot be started ({error}); install Debian's package redis-server")
            });
        Self { child, port, _directory: directory }
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// The URL with a password file in it, and the key: what a machine of the fleet is given.
    pub(crate) fn options(&self, stand: &Stand) -> (String, PathBuf) {
        let key = stand.path("store.key");
        if !key.exists() {
            run(stand.nobody(&["store-key", "--output"]).arg(&key)).fine();
        }
        let password = stand.path("engine-password");
        if !password.exists() {
            private_file(stand, "engine-password", PASSWORD);
        }
        (format!("redis://fleet@127.0.0.1:{}?password-file={}", self.port, password.display()), key)
    }

    /// Has a run use the store.
    pub(crate) fn share<'a>(&self, stand: &Stand, command: &'a mut Command) -> &'a mut Command {
        let (url, key) = self.options(stand);
        command.env("PLEXTRAC_STORE", url).env("PLEXTRAC_STORE_KEY_FILE", key)
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Whether it answers, within some time.
    fn answers(&mut self) -> bool {
        let ends = Instant::now() + Duration::from_secs(20);
        while Instant::now() < ends && self.child.try_wait().unwrap().is_none() {
            let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)) else {
                std::thread::park_timeout(Duration::from_millis(5));
                continue;
            };
            let mut answer = [0; 1];
            stream.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
            if stream.write_all(b"PING\r\n").is_ok() && stream.read_exact(&mut answer).is_ok() {
                return true;
            }
        }
        false
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A file in the home folder that only its user can read.
pub(crate) fn private_file(stand: &Stand, name: &str, content: &str) -> PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let path = stand.file(name, content.as_bytes());
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    path
}
