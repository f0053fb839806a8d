//! A master, a replica and Sentinels, and what is left when the master dies.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use plextrac_transport::{RecordStore, StoredRecord, Watched, WriteOutcome};
use rustix::process::{Pid, Signal, kill_process};

use crate::harness::{ACCOUNT, LONG, Server, Store, answers, client, free_port, new_key, wait_for, within};

/// How fast Sentinels take a master for dead.
const DOWN_AFTER_MS: u32 = 300;

pub(crate) struct Fleet {
    pub(crate) master: Server,
    pub(crate) replica: Server,
    sentinels: Vec<Sentinel>,
}

struct Sentinel {
    child: Child,
    port: u16,
    _directory: tempfile::TempDir,
}

impl Fleet {
    pub(crate) fn start() -> Self {
        let master = Server::with(&["--repl-diskless-sync-delay", "0"]);
        let replica = Server::with(&["--replicaof", &format!("127.0.0.1 {}", master.port)]);
        let mut to_replica = replica.client();
        wait_for(|| info(&mut to_replica).contains("master_link_status:up"));
        let sentinels: Vec<_> = (0..3).map(|_| Sentinel::start(&master)).collect();
        let fleet = Self { master, replica, sentinels };
        for sentinel in &fleet.sentinels {
            let mut client = client(&format!("redis://127.0.0.1:{}", sentinel.port));
            wait_for(|| {
                let quorum: redis::RedisResult<String> =
                    redis::cmd("SENTINEL").arg("CKQUORUM").arg("fleet").query(&mut client);
                let replicas: Vec<redis::Value> =
                    redis::cmd("SENTINEL").arg("REPLICAS").arg("fleet").query(&mut client).unwrap();
                quorum.is_ok_and(|answer| answer.contains("3 usable")) && replicas.len() == 1
            });
        }
        fleet
    }

    pub(crate) fn url(&self) -> String {
        let hosts: Vec<_> =
            self.sentinels.iter().map(|sentinel| format!("127.0.0.1:{}", sentinel.port)).collect();
        format!("redis+sentinel://{}/fleet", hosts.join(","))
    }

    /// Waits until the replica has all that the master has.
    pub(crate) fn replicate(&self) {
        let acknowledged: i64 =
            redis::cmd("WAIT").arg(1).arg(10_000).query(&mut self.master.client()).unwrap();
        assert_eq!(acknowledged, 1);
    }

    /// The master acknowledges what `write` writes, and dies before the replica has it.
    pub(crate) fn lose<T>(&mut self, write: impl FnOnce() -> T) -> T {
        self.replicate();
        let replica = Pid::from_raw(i32::try_from(self.replica.process()).unwrap()).unwrap();
        kill_process(replica, Signal::STOP).unwrap();
        // From here on the master sends nothing more to the replica, which cannot come back.
        let killed: i64 = redis::cmd("CLIENT")
            .arg("KILL")
            .arg("TYPE")
            .arg("replica")
            .query(&mut self.master.client())
            .unwrap();
        assert_eq!(killed, 1);
        let written = write();
        self.master.kill();
        kill_process(replica, Signal::CONT).unwrap();
        written
    }
}

impl Sentinel {
    fn start(master: &Server) -> Self {
        let (directory, port) = (tempfile::tempdir().unwrap(), free_port());
        let path = directory.path().join("sentinel.conf");
        let monitors = format!(
            "port {port}\nbind 127.0.0.1\nsentinel monitor fleet 127.0.0.1 {} 2\n\
             sentinel down-after-milliseconds fleet {DOWN_AFTER_MS}\nsentinel failover-timeout fleet 3000\n",
            master.port
        );
        fs::write(&path, monitors).unwrap();
        let child = Command::new("redis-server")
            .args([path.as_os_str(), "--sentinel".as_ref()])
            .stdout(Stdio::null())
            .spawn()
            .expect("install Debian's package redis-server");
        let sentinel = Self { child, port, _directory: directory };
        wait_for(|| answers(port));
        sentinel
    }
}

impl Drop for Sentinel {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn info(client: &mut redis::Connection) -> String {
    redis::cmd("INFO").arg("replication").query(client).unwrap()
}

/// Reads until the new master answers.
fn read_again(store: &Store, name: &str) -> StoredRecord {
    let mut record = None;
    wait_for(|| {
        record = within(Duration::from_secs(5), |limits| store.0.read(name, limits)).ok();
        record.is_some()
    });
    record.unwrap()
}

#[test]
fn after_a_failover_the_store_goes_on_under_a_new_clock() {
    let mut fleet = Fleet::start();
    let key = new_key();
    let (store, waiter) = (Store::open(&fleet.url(), &key), Store::open(&fleet.url(), &key));
    store.put(ACCOUNT, b"kept");
    let before = store.read(ACCOUNT);
    fleet.replicate();
    let (began, after) = std::thread::scope(|scope| {
        let watching = scope.spawn(|| waiter.watch_through_failures(ACCOUNT, before.version));
        fleet.master.kill();
        let began = Instant::now();
        let after = read_again(&store, ACCOUNT);
        println!("the new master answered {:?} after the old one died", began.elapsed());
        assert_eq!(after.bytes.as_slice(), b"kept");
        assert_eq!(after.version, before.version);
        store.write(ACCOUNT, after.version, b"changed");
        assert_eq!(watching.join().unwrap(), Watched::Changed);
        (began, after)
    });
    assert!(began.elapsed() < LONG);
    assert_ne!(after.time.unwrap().clock, before.time.unwrap().clock);
    assert_eq!(waiter.read(ACCOUNT).bytes.as_slice(), b"changed");
}

#[test]
fn a_write_that_a_failover_lost_is_no_replay() {
    let mut fleet = Fleet::start();
    let store = Store::open(&fleet.url(), &new_key());
    store.put(ACCOUNT, b"kept");
    let before = store.read(ACCOUNT).time.unwrap().clock;
    let lost = fleet.lose(|| store.put(ACCOUNT, b"lost"));
    let after = read_again(&store, ACCOUNT);
    // The control: the write was acknowledged, and is gone.
    assert_eq!(after.bytes.as_slice(), b"kept");
    assert!(after.version < lost);
    assert_ne!(after.time.unwrap().clock, before, "the core recognises the failover by the clock's name");
    // The lost version is not the current one, and never is again.
    assert_eq!(store.try_write(ACCOUNT, lost, b"x"), Ok(WriteOutcome::Conflict));
    let next = store.write(ACCOUNT, after.version, b"new");
    assert_ne!(next, lost);
}

#[test]
fn a_replica_is_not_believed() {
    let master = Server::start();
    let replica = Server::with(&["--replicaof", &format!("127.0.0.1 {}", master.port)]);
    let key = new_key();
    Store::open(&master.url(), &key).put(ACCOUNT, b"account");
    let mut client = replica.client();
    wait_for(|| info(&mut client).contains("master_link_status:up"));
    let error = Store::open(&replica.url(), &key).try_read(ACCOUNT).unwrap_err();
    assert!(error.message.contains("it is a replica"), "{error}");
}

#[test]
fn a_service_that_no_sentinel_knows_is_named() {
    let fleet = Fleet::start();
    let store = Store::open(&fleet.url().replace("/fleet", "/other"), &new_key());
    let error = within(LONG, |limits| store.0.read(ACCOUNT, limits)).unwrap_err();
    assert!(error.message.contains("the store other of") && error.message.contains("do not know"), "{error}");
}

#[test]
fn a_sentinel_that_is_gone_is_passed_over() {
    let fleet = Fleet::start();
    let url = fleet.url().replace("sentinel://", &format!("sentinel://127.0.0.1:{},", free_port()));
    Store::open(&url, &new_key()).put(ACCOUNT, b"account");
    let nowhere = Store::open(&format!("redis+sentinel://127.0.0.1:{}/fleet", free_port()), &new_key());
    let error = within(Duration::from_secs(1), |limits| nowhere.0.read(ACCOUNT, limits)).unwrap_err();
    assert!(error.message.contains("cannot be reached: Connection refused"), "{error}");
}
