//! A process of the fleet: this program again. It gets one token, prints it and ends.

use std::env;
use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use plextrac_emulator::Account;
use plextrac_store_redis::{RedisOptions, RedisStore, StoreKey};
use plextrac_transport::{Session, SessionConfig};

const MARK: &str = "PLEXTRAC_TEST_FLEET";
/// What is set, in this order.
const NAMES: [&str; 4] = ["TEST_URL", "TEST_USERNAME", "TEST_STORE", "TEST_KEY"];
pub(crate) const PASSWORD: &str = "a password of the test";

pub(crate) fn is_one() -> bool {
    env::var_os(MARK).is_some()
}

/// Starts a process for an account of the emulator at `url`.
pub(crate) fn start(url: &str, username: &str, store: &str, key: &StoreKey) -> Child {
    start_by(Command::new(env::current_exe().unwrap()), url, username, store, key)
}

/// The same, by a command that ends in the name of this program.
pub(crate) fn start_by(
    mut command: Command,
    url: &str,
    username: &str,
    store: &str,
    key: &StoreKey,
) -> Child {
    command.env(MARK, "1").envs(NAMES.into_iter().zip([url, username, store, &key.to_base64()]));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// An account whose password every process knows.
pub(crate) fn account(username: &str) -> Account {
    let mut account = Account::service();
    account.username = username.to_owned();
    account.password = PASSWORD.to_owned();
    account
}

pub(crate) fn run() {
    let [url, username, store, key] = NAMES.map(|name| env::var(name).unwrap());
    let key = StoreKey::from_base64(&key).unwrap();
    let store = RedisStore::open(&store, &key, RedisOptions::default()).unwrap();
    let mut config = SessionConfig::new(&url).unwrap();
    config.allow_http(true).proxy("").unwrap().auth_budget(60).unwrap().store(Arc::new(store));
    config.timeout(Duration::from_secs(60)).unwrap().password(&username, PASSWORD).unwrap();
    let session = Session::new(&config).unwrap();
    let token = session.authorization().unwrap();
    println!("{}", token.expose());
    std::io::stdout().flush().unwrap();
    session.settle();
}
