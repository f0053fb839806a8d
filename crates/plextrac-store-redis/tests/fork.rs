//! A process that forks: the child opens connections of its own, and the parent's go on.
//!
//! It is a program of its own, with one thread, because a fork takes one thread along.

#[cfg(not(unix))]
fn main() {}

#[cfg(unix)]
#[path = "engine/harness.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod harness;

#[cfg(unix)]
fn main() {
    use fork::Fork;
    use harness::{ACCOUNT, Server, Store, new_key};

    let server = Server::start();
    let store = Store::open(&server.url(), &new_key());
    let version = store.put(ACCOUNT, b"of the parent");
    // A watch has its own connection and thread.
    store.watch(ACCOUNT, version, std::time::Duration::from_millis(50));
    let connections = || -> usize {
        let list: String = redis::cmd("CLIENT").arg("LIST").query(&mut server.client()).unwrap();
        list.lines().count()
    };
    let before = connections();

    plextrac_transport::fork::prepare();
    plextrac_transport::fork::hold();
    let forked = fork::fork();
    plextrac_transport::fork::let_go();
    match forked.unwrap() {
        Fork::Child => {
            let read = store.try_read(ACCOUNT);
            let is_right = read.is_ok_and(|record| record.bytes.as_slice() == b"of the parent");
            let written = is_right && store.try_write(ACCOUNT, version, b"of the child").is_ok();
            drop(store);
            // The engine is the parent's.
            std::process::exit(i32::from(!written));
        }
        Fork::Parent(child) => {
            let status = fork::waitpid(child).unwrap();
            assert_eq!(status, 0, "the child could not use the store");
            assert_eq!(store.read(ACCOUNT).bytes.as_slice(), b"of the child");
            assert_eq!(connections(), before, "the parent's connections are as they were");
        }
    }
}
