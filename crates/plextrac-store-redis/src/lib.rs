//! Shares the sessions of PlexTrac accounts between machines, on a Redis or Valkey server that you have already.
//!
//! **In scope**: one implementation of [`RecordStore`], for a fleet. Records are sealed before they leave the process.
//!
//! **Out of scope**: decisions. What is in a record, and when it is read and written, is the business of
//! `plextrac-auth-core`. Redis Cluster is not supported; Sentinel is.
//!
//! ```no_run
//! use plextrac_store_redis::{RedisOptions, RedisStore, StoreKey};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let key = StoreKey::from_file("/etc/plextrac/store.key")?;
//! let store = RedisStore::open("rediss://fleet@redis.example/0?password-file=/etc/plextrac/redis", &key, RedisOptions::default())?;
//! # Ok(()) }
//! ```
//!
//! # What is in the engine
//!
//! | key | holds | expires |
//! |---|---|---|
//! | `PREFIX` `keys` | the data keys, wrapped by each operator's key | never |
//! | `PREFIX` 32 hexadecimal digits | a record: its version in clear, and sealed bytes | 30 days after its last write; a budget after one day |
//!
//! `PREFIX` is `plextrac-auth:` unless the URL names another one. Records are sealed with AES-256-GCM. The key's name,
//! the record's version and the epoch of the key record are authenticated with them. Names are keyed digests. An
//! onlooker learns how many accounts and instances there are, how long their records are, and when they change.
//!
//! # What the operator must allow
//!
//! A user with these rights, and no others, is enough:
//!
//! ```text
//! ACL SETUSER fleet on >PASSWORD resetkeys resetchannels ~plextrac-auth:* &plextrac-auth:* -@all +eval +info +time
//!     +get +set +getrange +publish +subscribe +unsubscribe +punsubscribe +ping +select
//! ```
//!
//! `+select` is needed for a database other than 0 alone. A Sentinel is asked one thing: `+sentinel|get-master-addr-by-name`.
//! Evicting keys loses what was rejected and spent, so give the engine `maxmemory-policy noeviction`.
//!
//! # When the engine loses data
//!
//! The store's clock is the engine's `TIME`. It is named after the engine's replication history and the key record's
//! epoch. So a failover, a restart and a flush each begin a new clock, and
//! [`may_lose_writes`](RecordStore::may_lose_writes) makes the core count the current TOTP step as spent and the
//! budget as full for 61 s. A first replica that is attached begins a new clock as well: it costs one such wait.
//! An absent record is a first use.
//!
//! After a flush the key record is made anew by the first program that comes. Programs with the same operator's key
//! find each other again. If the key was rotated before, and a program that just started made the record, a
//! program that ran on fails with an error that asks to start it again.
//!
//! # Old records that come back
//!
//! A person who controls the engine can put an older record back. **Noticed**: a process remembers the highest version of
//! each record it has seen. A lower version on the same clock is an error, and nothing is sent. **Harmless**: with
//! another clock the older record counts as one that a failover left: see above. A process that sees the record for
//! the first time cannot know. It then uses a token that ended, or sends a rejected password or a spent code once more:
//! the server refuses each, and the process remembers that. A person who controls the engine can also delete records, with
//! the same effect, and can keep everybody from signing in. Neither shows or changes a token.

#![forbid(unsafe_code)]
#![deny(missing_docs)]
#![cfg_attr(not(test), warn(clippy::unwrap_used))]

mod address;
mod clock;
mod engine;
mod failure;
mod files;
mod hub;
mod key_record;
mod script;
mod seal;
mod store;
mod store_key;
mod sync;
mod url_error;
mod watches;
mod worker;

#[cfg(doc)]
use plextrac_transport::RecordStore;

pub use store::{RedisOptions, RedisStore};
pub use store_key::StoreKey;
pub use url_error::StoreUrlError;
