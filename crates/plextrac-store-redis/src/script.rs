//! What runs in the engine: one script for each operation, each atomic, each naming its keys.
//!
//! Every script answers with a status, the engine's time, and the id of its replication history. That id is another
//! one after a failover and after a restart, which is when acknowledged writes may be gone.

use redis::Cmd;

use crate::key_record::HEADER;

/// What the engine answered.
pub(crate) struct Reply {
    pub(crate) status: Status,
    /// The engine's time.
    pub(crate) ms: u64,
    /// The id of the engine's replication history.
    pub(crate) run: String,
    /// What was read; the version of the record after a conflict.
    pub(crate) value: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    /// It was done.
    Done,
    /// The record has another version; nothing was written.
    Conflict,
    /// The key record is another one, or gone; nothing was done.
    OtherKeys,
    /// This engine is a replica: what it says may be old.
    Replica,
}

/// Comes before each script.
const PRELUDE: &str = "
local replication = redis.call('INFO', 'replication')
local time = redis.call('TIME')
local run = string.match(replication, 'master_replid:(%w+)') or ''
local function answer(status, value) return {status, time[1], time[2], run, value} end
if not string.find(replication, 'role:master', 1, true) then return answer('replica', '') end
";

/// Looks whether the key record is the one that the caller knows.
const CHECK_KEYS: &str = "
if redis.call('GETRANGE', KEYS[1], 20, 51) ~= ARGV[1] then return answer('keys', '') end
";

const READ: &str = "
return answer('done', redis.call('GET', KEYS[2]) or '')
";

/// A script is atomic, and what it has done stays when it fails. So the notice comes first: where it is not allowed
/// nothing is written.
const WRITE: &str = "
local version = redis.call('GETRANGE', KEYS[2], 0, 15)
if version ~= ARGV[2] then return answer('conflict', version) end
if ARGV[5] ~= '' then redis.call('PUBLISH', KEYS[2], ARGV[5]) end
redis.call('SET', KEYS[2], ARGV[3], 'PX', ARGV[4])
return answer('done', '')
";

const SWAP_KEYS: &str = "
local found = redis.call('GET', KEYS[1]) or ''
if found == ARGV[1] and ARGV[2] ~= '' then
    redis.call('SET', KEYS[1], ARGV[2])
    found = ARGV[2]
end
return answer('done', found)
";

// Where CHECK_KEYS looks for the epoch.
const _: () = assert!(HEADER.len() == 20);

/// Reads a record.
pub(crate) fn read(keys_name: &str, epoch: &str, name: &str) -> Cmd {
    let mut cmd = eval(&[PRELUDE, CHECK_KEYS, READ], &[keys_name, name]);
    cmd.arg(epoch);
    cmd
}

/// Replaces a record if its version is still `expected`.
pub(crate) fn write(keys_name: &str, epoch: &str, name: &str, expected: &str, write: &NewRecord) -> Cmd {
    let mut cmd = eval(&[PRELUDE, CHECK_KEYS, WRITE], &[keys_name, name]);
    cmd.arg(epoch).arg(expected).arg(&write.kept).arg(write.lives_ms).arg(&write.notice);
    cmd
}

/// A record to be written.
pub(crate) struct NewRecord {
    pub(crate) kept: Vec<u8>,
    pub(crate) lives_ms: u64,
    /// What is published on the record's channel; nothing if it is empty.
    pub(crate) notice: String,
}

/// Replaces the key record if it is still `expected`, and returns what it is then. With an empty `new` it is read.
pub(crate) fn swap_keys(keys_name: &str, expected: &[u8], new: &[u8]) -> Cmd {
    let mut cmd = eval(&[PRELUDE, SWAP_KEYS], &[keys_name]);
    cmd.arg(expected).arg(new);
    cmd
}

/// Reads the version of a record alone.
pub(crate) fn version(name: &str) -> Cmd {
    let mut cmd = redis::cmd("GETRANGE");
    cmd.arg(name).arg(0).arg(15);
    cmd
}

/// Reads the answer of a script; `None` if it is no such answer.
pub(crate) fn parse(answer: Vec<Vec<u8>>) -> Option<Reply> {
    let [status, seconds, micros, run, value] = <[Vec<u8>; 5]>::try_from(answer).ok()?;
    let number = |text: &[u8]| str::from_utf8(text).ok()?.parse::<u64>().ok();
    Some(Reply {
        status: match status.as_slice() {
            b"done" => Status::Done,
            b"conflict" => Status::Conflict,
            b"keys" => Status::OtherKeys,
            b"replica" => Status::Replica,
            _ => return None,
        },
        ms: number(&seconds)?.checked_mul(1000)?.checked_add(number(&micros)? / 1000)?,
        run: String::from_utf8(run).ok().filter(|run| !run.is_empty())?,
        value,
    })
}

/// The engine keeps a compiled script by its text, so the text is the same each time.
fn eval(parts: &[&str], keys: &[&str]) -> Cmd {
    let mut cmd = redis::cmd("EVAL");
    cmd.arg(parts.concat()).arg(keys.len()).arg(keys);
    cmd
}
