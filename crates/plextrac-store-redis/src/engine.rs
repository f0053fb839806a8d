//! A connection to the engine, opened when it is needed and opened again after an error.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use redis::{Cmd, Connection, ErrorKind, FromRedisValue, RedisError, ServerErrorKind};

use crate::address::Address;
use crate::clock::now;
use crate::script::{self, Reply, Status};

/// Why the engine did not do something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum EngineError {
    /// It cannot be reached, or a connection broke.
    Unreachable(String),
    /// It refused, and says why.
    Refused(String),
    /// The deadline came first.
    TooLate,
    /// The caller left.
    Cancelled,
}

/// Until when a call is worth something.
#[derive(Clone, Copy)]
pub(crate) struct Deadline {
    /// The caller leaves. Nothing is tried again later.
    pub(crate) of_caller: Instant,
    /// The connection is given up. It is later: a short limit of a caller must not close a slow connection.
    pub(crate) of_connection: Instant,
}

impl Deadline {
    /// Both at once.
    pub(crate) fn after(limit: Duration) -> Self {
        let ends = now() + limit;
        Self { of_caller: ends, of_connection: ends }
    }
}

/// The connection of one thread.
pub(crate) struct Engine {
    address: Arc<Address>,
    connection: Option<Connection>,
    /// The Sentinel that answered last.
    sentinel: usize,
}

/// A Sentinel that does not answer so fast is passed over.
const SENTINEL_ANSWERS: Duration = Duration::from_secs(1);
/// Between two questions for the master while there is none.
const FAILOVER_PAUSE: Duration = Duration::from_millis(100);
/// A socket's timeout must not be zero.
const SHORTEST: Duration = Duration::from_millis(1);

impl Engine {
    pub(crate) const fn new(address: Arc<Address>) -> Self {
        Self { address, connection: None, sentinel: 0 }
    }

    /// Runs a script. A script that was sent on a broken connection is sent again: each may run twice, see
    /// [`crate::script`].
    pub(crate) fn run(&mut self, cmd: &Cmd, deadline: Deadline) -> Result<Reply, EngineError> {
        loop {
            let answer = self.query(cmd, deadline)?;
            let reply = script::parse(answer).ok_or_else(|| {
                EngineError::Refused("it answered with something that is no answer of the script".into())
            })?;
            if reply.status != Status::Replica {
                return Ok(reply);
            }
            self.connection = None;
            let reason = "it is a replica; address the master, or the Sentinels that know it";
            self.wait_for_master(EngineError::Refused(reason.into()), deadline)?;
        }
    }

    /// Runs a command that may run twice.
    pub(crate) fn query<T: FromRedisValue>(
        &mut self,
        cmd: &Cmd,
        deadline: Deadline,
    ) -> Result<T, EngineError> {
        loop {
            let was_kept = self.connection.is_some();
            let connection = match self.connected(deadline) {
                Ok(connection) => connection,
                Err(error @ EngineError::Unreachable(_)) => {
                    self.wait_for_master(error, deadline)?;
                    continue;
                }
                Err(error) => return Err(error),
            };
            match cmd.query(connection) {
                Ok(answer) => return Ok(answer),
                Err(error) if answered(&error) && !is_no_master(&error) => {
                    return Err(EngineError::Refused(explained(&error)));
                }
                Err(error) => {
                    self.connection = None;
                    if error.is_timeout() || now() >= deadline.of_connection {
                        return Err(EngineError::TooLate);
                    }
                    // A connection that was idle may have ended long ago.
                    if !was_kept || answered(&error) {
                        let failed = match answered(&error) {
                            true => EngineError::Refused(explained(&error)),
                            false => EngineError::Unreachable(error.to_string()),
                        };
                        self.wait_for_master(failed, deadline)?;
                    }
                }
            }
        }
    }

    /// Another connection, for a subscriber.
    pub(crate) fn open(&mut self, deadline: Deadline) -> Result<Connection, EngineError> {
        self.connected(deadline)?;
        self.connection.take().ok_or(EngineError::TooLate)
    }

    fn connected(&mut self, deadline: Deadline) -> Result<&mut Connection, EngineError> {
        if self.connection.is_none() {
            self.connection = Some(self.connect(deadline)?);
        }
        let connection = self.connection.as_mut().ok_or(EngineError::TooLate)?;
        let left = Some(left(deadline)?);
        let is_set = connection.set_read_timeout(left).and_then(|()| connection.set_write_timeout(left));
        is_set.map_err(|error| failed(&error))?;
        Ok(connection)
    }

    fn connect(&mut self, deadline: Deadline) -> Result<Connection, EngineError> {
        if self.address.is_tls() {
            choose_provider();
        }
        let client = match self.address.sentinels() {
            0 => self.address.engine(),
            sentinels => {
                let (host, port) = self.ask_sentinels(sentinels, deadline)?;
                self.address.engine_at(&host, port)
            }
        };
        let client = client.map_err(|error| failed(&error))?;
        client.get_connection_with_timeout(left(deadline)?).map_err(|error| failed(&error))
    }

    /// Where the master is.
    fn ask_sentinels(&mut self, count: usize, deadline: Deadline) -> Result<(String, u16), EngineError> {
        let mut last = None;
        for _ in 0..count {
            match self.ask_sentinel(deadline) {
                Ok(Some(master)) => return Ok(master),
                // A Sentinel that cannot be reached says less than one that answers.
                Ok(None) => {
                    let reason = "its Sentinels do not know the service; check its name in the URL";
                    last = Some(EngineError::Refused(reason.into()));
                }
                Err(EngineError::TooLate) => {
                    let reason = "a Sentinel did not answer in time";
                    last = last.or_else(|| Some(EngineError::Unreachable(reason.into())));
                }
                Err(error) => last = last.or(Some(error)),
            }
            self.sentinel += 1;
        }
        Err(last.unwrap_or(EngineError::TooLate))
    }

    fn ask_sentinel(&self, deadline: Deadline) -> Result<Option<(String, u16)>, EngineError> {
        let limit = left(deadline)?.min(SENTINEL_ANSWERS);
        let client = self.address.sentinel(self.sentinel).map_err(|error| failed(&error))?;
        let mut connection = client.get_connection_with_timeout(limit).map_err(|error| failed(&error))?;
        let is_set =
            connection.set_read_timeout(Some(limit)).and_then(|()| connection.set_write_timeout(Some(limit)));
        is_set.map_err(|error| failed(&error))?;
        let mut question = redis::cmd("SENTINEL");
        question.arg("get-master-addr-by-name").arg(self.address.service());
        question.query(&mut connection).map_err(|error| failed(&error))
    }

    /// Where there are Sentinels, a failover may be under way: waits a moment. Otherwise nothing will change soon.
    fn wait_for_master(&self, failed: EngineError, deadline: Deadline) -> Result<(), EngineError> {
        let left = deadline.of_caller.saturating_duration_since(now());
        if self.address.sentinels() == 0 || left <= FAILOVER_PAUSE {
            return Err(failed);
        }
        thread::sleep(FAILOVER_PAUSE);
        Ok(())
    }
}

fn left(deadline: Deadline) -> Result<Duration, EngineError> {
    let left = deadline.of_connection.saturating_duration_since(now());
    if left.is_zero() { Err(EngineError::TooLate) } else { Ok(left.max(SHORTEST)) }
}

/// Whether the engine itself answered with an error, so that the connection is whole.
fn answered(error: &RedisError) -> bool {
    matches!(error.kind(), ErrorKind::Server(_) | ErrorKind::Extension | ErrorKind::AuthenticationFailed)
}

/// Whether the engine is not, or not yet, one that can write.
fn is_no_master(error: &RedisError) -> bool {
    use ServerErrorKind::{BusyLoading, ClusterDown, MasterDown, ReadOnly, TryAgain};
    matches!(error.kind(), ErrorKind::Server(BusyLoading | ClusterDown | MasterDown | ReadOnly | TryAgain))
}

fn failed(error: &RedisError) -> EngineError {
    if error.is_timeout() {
        EngineError::TooLate
    } else if answered(error) {
        EngineError::Refused(explained(error))
    } else {
        EngineError::Unreachable(error.to_string())
    }
}

fn explained(error: &RedisError) -> String {
    let text = error.to_string();
    let denials = ["NOPERM", "no permissions", "ACL failure", "can't publish", "can't run this command"];
    match denials.iter().any(|denial| text.contains(denial)) {
        true => {
            format!("{text}; allow the commands, keys and channels that the documentation of the store lists")
        }
        false => text,
    }
}

/// The redis crate uses the provider of the process. Where a program links two and chose none, it would panic.
fn choose_provider() {
    use rustls::crypto::{CryptoProvider, ring};
    if CryptoProvider::get_default().is_none() {
        // An error means that another thread was faster.
        drop(ring::default_provider().install_default());
    }
}
