//! The other processes: this program again, with a role.

use std::io::{BufRead, BufReader, Write, stdin};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use fork::Fork;
use plextrac_transport::{
    CallLimits, CancelToken, ClaimOwner, DirectoryStore, RecordStore, StoreError, StoredRecord, Version,
    Watched, WriteOutcome,
};
use serde::{Deserialize, Serialize};

/// How long a test waits for what must come. It never waits so long when all is well.
pub(crate) const LONGEST: Duration = Duration::from_secs(20);

/// What a process does.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) enum Role {
    /// Makes an owner known, and waits.
    Owns(u8),
    /// The same, and forks: the child obeys, its parent only lives.
    OwnsAndForks(u8),
    /// Again and again: makes an owner known, writes its claim, and ends it.
    Claims,
    /// Counts in this place of the record, without an end.
    Counts(usize),
    /// Reads the key.
    ReadsKey,
}

#[derive(Serialize, Deserialize)]
struct Settings {
    role: Role,
    directory: PathBuf,
}

const VARIABLE: &str = "PLEXTRAC_TEST_STORE_CHILD";

/// The record that all use.
pub(crate) const NAME: &str = "a0123456789abcdef0123456789abcdef";

/// A process that has a role. Killed when dropped.
pub(crate) struct Process {
    child: Child,
    orders: ChildStdin,
    replies: Receiver<String>,
}

impl Process {
    pub(crate) fn start(directory: &Path, role: Role) -> Self {
        let settings = Settings { role, directory: directory.to_owned() };
        let mut child = Command::new(std::env::current_exe().unwrap())
            .env(VARIABLE, serde_json::to_string(&settings).unwrap())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (send, replies) = channel();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || stdout.lines().map_while(Result::ok).try_for_each(|line| send.send(line)));
        Self { orders: child.stdin.take().unwrap(), child, replies }
    }

    /// The next line that it writes.
    #[track_caller]
    pub(crate) fn reply(&self) -> String {
        self.replies.recv_timeout(LONGEST).expect("the process wrote nothing")
    }

    /// The last line that a killed process wrote, of those that were not read yet.
    pub(crate) fn last_reply(&self) -> Option<String> {
        let mut last = None;
        loop {
            match self.replies.recv_timeout(LONGEST) {
                Ok(line) => last = Some(line),
                Err(RecvTimeoutError::Disconnected) => return last,
                Err(RecvTimeoutError::Timeout) => panic!("its output does not end"),
            }
        }
    }

    #[track_caller]
    pub(crate) fn order(&mut self, order: &str) -> String {
        writeln!(self.orders, "{order}").unwrap();
        self.reply()
    }

    /// `kill -9`: it can clean up nothing.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(crate) fn signal(&self, signal: &str) {
        let sent = Command::new("kill").arg(signal).arg(self.child.id().to_string()).status();
        assert!(sent.unwrap().success());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may be dead already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The store, as this process and its children use it.
pub(crate) struct Store(pub(crate) DirectoryStore);

impl Store {
    pub(crate) fn open(directory: &Path) -> Self {
        Self(DirectoryStore::open(directory).unwrap())
    }

    pub(crate) fn key(&self) -> [u8; 32] {
        *within(LONGEST, |limits| self.0.key(limits)).unwrap()
    }

    pub(crate) fn read(&self) -> StoredRecord {
        within(LONGEST, |limits| self.0.read(NAME, limits)).unwrap()
    }

    pub(crate) fn try_write(&self, expected: Version, record: &[u8]) -> Result<WriteOutcome, StoreError> {
        within(LONGEST, |limits| self.0.write(NAME, expected, record, limits))
    }

    /// Writes what `change` makes of the record, again after each conflict.
    pub(crate) fn update(&self, change: impl Fn(&StoredRecord) -> Vec<u8>) {
        loop {
            let record = self.read();
            if self.try_write(record.version, &change(&record)).unwrap() != WriteOutcome::Conflict {
                return;
            }
        }
    }

    /// Watches an owner, of a record that does not change.
    pub(crate) fn watch(&self, owner: ClaimOwner, limit: Duration) -> Watched {
        let version = self.read().version;
        within(limit, |limits| self.0.watch(NAME, version, Some(owner), limits)).unwrap()
    }
}

fn within<T>(limit: Duration, call: impl FnOnce(&CallLimits<'_>) -> T) -> T {
    call(&CallLimits { deadline: Instant::now() + limit, cancel: &CancelToken::new() })
}

pub(crate) fn owner(number: u8) -> ClaimOwner {
    ClaimOwner::new([number; 16])
}

/// Whether this process was started to play a role.
pub(crate) fn is_one() -> bool {
    std::env::var_os(VARIABLE).is_some()
}

pub(crate) fn run() {
    let settings: Settings = serde_json::from_str(&std::env::var(VARIABLE).unwrap()).unwrap();
    let store = Store::open(&settings.directory);
    match settings.role {
        Role::Owns(number) => {
            let presence = store.0.announce(owner(number)).unwrap();
            println!("{}", presence.is_known());
            obey(&store, presence);
        }
        Role::OwnsAndForks(number) => {
            let presence = store.0.announce(owner(number)).unwrap();
            match fork::fork().unwrap() {
                Fork::Child => {
                    println!("forked");
                    obey(&store, presence);
                }
                Fork::Parent(_) => loop {
                    std::thread::park();
                },
            }
        }
        Role::Claims => claim_without_end(&store),
        Role::Counts(place) => count_without_end(&store, place),
        Role::ReadsKey => println!("{:?}", store.key()),
    }
}

/// Does what it is told until the test ends.
fn obey(store: &Store, presence: plextrac_transport::Presence) {
    let mut presences = vec![presence];
    for order in stdin().lines().map_while(Result::ok) {
        match order.split_once(' ').unwrap_or((&order, "")) {
            ("hello", _) => println!("hello"),
            ("drop", _) => {
                presences.clear();
                println!("dropped");
            }
            ("announce", number) => {
                presences.push(store.0.announce(owner(number.parse().unwrap())).unwrap());
                println!("announced");
            }
            _ => panic!("what is {order:?}?"),
        }
    }
}

fn claim_without_end(store: &Store) {
    println!("begins");
    for number in (0..=255).cycle() {
        let presence = store.0.announce(owner(number)).unwrap();
        store.update(|_| vec![number]);
        // The claim lasts a moment, in which most of the kills are to come.
        std::thread::park_timeout(Duration::from_millis(1));
        store.update(|_| Vec::new());
        drop(presence);
    }
}

fn count_without_end(store: &Store, place: usize) {
    for count in 1_u64.. {
        store.update(|record| {
            let mut counts = counts_in(record);
            counts[place] = count;
            serde_json::to_vec(&counts).unwrap()
        });
        println!("{count}");
    }
}

/// One count for each process.
pub(crate) fn counts_in(record: &StoredRecord) -> [u64; 3] {
    if record.version == Version::ABSENT {
        return [0; 3];
    }
    serde_json::from_slice(&record.bytes).expect("a whole record")
}
