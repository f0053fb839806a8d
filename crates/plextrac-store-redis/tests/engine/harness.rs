//! A `redis-server` of a test's own, and calls of a store that must succeed.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use plextrac_store_redis::{RedisOptions, RedisStore, StoreKey};
use plextrac_transport::{
    CallLimits, CancelToken, RecordStore, StoreError, StoredRecord, Version, Watched, WriteOutcome,
};

/// What a test waits for at most.
pub(crate) const LONG: Duration = Duration::from_secs(20);

/// Names like those that sessions use.
pub(crate) const ACCOUNT: &str = "a0123456789abcdef0123456789abcdef";
pub(crate) const BUDGET: &str = "b0123456789abcdef0123456789abcdef";

/// A process of Debian's package redis-server. It ends with the value.
pub(crate) struct Server {
    child: Child,
    pub(crate) port: u16,
    directory: tempfile::TempDir,
    options: Vec<String>,
}

impl Server {
    pub(crate) fn start() -> Self {
        Self::with(&[])
    }

    /// Starts an engine with more options, as on its command line.
    pub(crate) fn with(options: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let options: Vec<_> = options.iter().map(|option| (*option).to_owned()).collect();
        let port = free_port();
        let child = spawn(directory.path(), port, &options);
        let mut server = Self { child, port, directory, options };
        // Another program may have taken the port meanwhile.
        for _ in 0..5 {
            if server.answers() {
                return server;
            }
            server.kill();
            server.port = free_port();
            server.child = spawn(server.directory.path(), server.port, &server.options);
        }
        panic!("redis-server did not start on five ports");
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// A connection to look at what is in the engine.
    pub(crate) fn client(&self) -> redis::Connection {
        client(&self.url())
    }

    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts the engine again on its port. Nothing that it held is there any more, unless its options keep it.
    pub(crate) fn restart(&mut self) {
        self.kill();
        self.child = spawn(self.directory.path(), self.port, &self.options);
        assert!(self.answers(), "redis-server did not start again");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Server {
    /// Whether it answers, within some time.
    fn answers(&mut self) -> bool {
        let mut is_up = false;
        wait_for(|| {
            is_up = answers(self.port);
            is_up || self.child.try_wait().unwrap().is_some()
        });
        is_up
    }
}

/// Starts a program of the package and says which package is absent.
fn spawn(directory: &Path, port: u16, options: &[String]) -> Child {
    let mut command = Command::new("redis-server");
    command.args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--loglevel", "warning"]);
    if !options.iter().any(|option| option == "--port") {
        command.args(["--port", &port.to_string()]);
    }
    command.args(options).current_dir(directory).stdout(Stdio::null());
    command.spawn().unwrap_or_else(|error| {
        panic!("redis-server cannot be started ({error}); install Debian's package redis-server")
    })
}

pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Whether a program of the package listens there.
pub(crate) fn answers(port: u16) -> bool {
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else { return false };
    let mut answer = [0; 1];
    stream.write_all(b"PING\r\n").is_ok()
        && stream.set_read_timeout(Some(Duration::from_secs(1))).is_ok()
        && stream.read_exact(&mut answer).is_ok()
        && matches!(answer[0], b'+' | b'-')
}

pub(crate) fn client(url: &str) -> redis::Connection {
    redis::Client::open(url).unwrap().get_connection_with_timeout(LONG).unwrap()
}

/// Waits until something is so; panics if that takes too long.
#[track_caller]
pub(crate) fn wait_for(mut is_so: impl FnMut() -> bool) {
    let ends = Instant::now() + LONG;
    while !is_so() {
        assert!(Instant::now() < ends, "it did not come about in time");
        std::thread::park_timeout(Duration::from_millis(5));
    }
}

/// A store with calls that must succeed. Each has connections of its own.
pub(crate) struct Store(pub(crate) RedisStore);

impl Store {
    #[track_caller]
    pub(crate) fn open(url: &str, key: &StoreKey) -> Self {
        Self(RedisStore::open(url, key, RedisOptions::default()).unwrap())
    }

    #[track_caller]
    pub(crate) fn read(&self, name: &str) -> StoredRecord {
        self.try_read(name).unwrap()
    }

    pub(crate) fn try_read(&self, name: &str) -> Result<StoredRecord, StoreError> {
        within(LONG, |limits| self.0.read(name, limits))
    }

    #[track_caller]
    pub(crate) fn write(&self, name: &str, expected: Version, record: &[u8]) -> Version {
        match self.try_write(name, expected, record).unwrap() {
            WriteOutcome::Written(version) => version,
            WriteOutcome::Conflict => panic!("a conflict"),
        }
    }

    pub(crate) fn try_write(
        &self,
        name: &str,
        expected: Version,
        record: &[u8],
    ) -> Result<WriteOutcome, StoreError> {
        within(LONG, |limits| self.0.write(name, expected, record, limits))
    }

    /// Replaces the record whatever its version is.
    #[track_caller]
    pub(crate) fn put(&self, name: &str, record: &[u8]) -> Version {
        self.write(name, self.read(name).version, record)
    }

    #[track_caller]
    pub(crate) fn watch(&self, name: &str, known: Version, limit: Duration) -> Watched {
        within(limit, |limits| self.0.watch(name, known, None, limits)).unwrap()
    }

    /// Watches again after each failure, as a session does.
    pub(crate) fn watch_through_failures(&self, name: &str, known: Version) -> Watched {
        let ends = Instant::now() + LONG;
        loop {
            let watched = within(Duration::from_secs(1), |limits| self.0.watch(name, known, None, limits));
            match watched {
                Ok(Watched::Changed) => return Watched::Changed,
                Ok(ended) if Instant::now() >= ends => return ended,
                Ok(_) => {}
                Err(error) => {
                    assert!(Instant::now() < ends, "{error}");
                    std::thread::park_timeout(Duration::from_millis(50));
                }
            }
        }
    }

    pub(crate) fn key(&self) -> Result<[u8; 32], StoreError> {
        within(LONG, |limits| self.0.key(limits)).map(|key| *key)
    }
}

pub(crate) fn within<T>(limit: Duration, call: impl FnOnce(&CallLimits<'_>) -> T) -> T {
    call(&CallLimits { deadline: Instant::now() + limit, cancel: &CancelToken::new() })
}

pub(crate) fn new_key() -> StoreKey {
    StoreKey::generate().unwrap()
}

/// Every key of the engine with its value, as bytes.
pub(crate) fn dump(client: &mut redis::Connection) -> Vec<(String, Vec<u8>)> {
    let names: Vec<String> = redis::cmd("KEYS").arg("*").query(client).unwrap();
    names
        .into_iter()
        .map(|name| {
            let value = redis::cmd("GET").arg(&name).query(client).unwrap();
            (name, value)
        })
        .collect()
}

/// The name of the one record in the engine.
#[track_caller]
pub(crate) fn only_record(client: &mut redis::Connection) -> String {
    let mut names: Vec<_> = dump(client).into_iter().map(|(name, _)| name).collect();
    names.retain(|name| !name.ends_with(":keys"));
    assert_eq!(names.len(), 1, "{names:?}");
    names.remove(0)
}
