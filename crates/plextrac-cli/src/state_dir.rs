//! The directory through which all runs of one user share their sessions.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use plextrac_transport::{CallLimits, CancelToken, DirectoryStore, RecordStore, StoreErrorKind};

use crate::exit::{self, Failure};
use crate::places;
use crate::settings::Settings;

/// What this run shares with others.
pub(crate) enum State {
    Shared(DirectoryStore),
    /// Nothing, as `--no-state` says.
    Off,
    /// Nothing, because the directory cannot be used: why.
    Unusable(String),
}

impl State {
    pub(crate) fn directory(&self) -> Option<PathBuf> {
        match self {
            Self::Shared(store) => Some(store.path().to_owned()),
            Self::Off | Self::Unusable(_) => None,
        }
    }
}

/// Opens the directory.
///
/// # Errors
/// A directory that other users can read or change is refused.
pub(crate) fn open(settings: &Settings) -> Result<State, Failure> {
    if settings.no_state {
        // A run may open its account twice.
        if !IS_OFF.swap(true, Ordering::Relaxed) {
            exit::say(&format!("warning: --no-state: {NOT_REMEMBERED}"));
        }
        return Ok(State::Off);
    }
    let set = settings.state_dir.as_ref().map(|set| set.value.clone());
    let Some(path) = set.or_else(places::state_dir) else {
        return Ok(State::Unusable("there is no home directory".to_owned()));
    };
    let opened = DirectoryStore::open(path);
    // Every record needs the key.
    let limits = CallLimits { deadline: Instant::now() + MAKING_THE_KEY, cancel: &CancelToken::new() };
    match opened.and_then(|store| store.key(&limits).map(|_| store)) {
        Ok(store) => Ok(State::Shared(store)),
        Err(error) if error.kind == StoreErrorKind::Unsafe => Err(Failure::other(error.message)),
        Err(error) => Ok(State::Unusable(error.message)),
    }
}

/// How long another run may take to make the key.
const MAKING_THE_KEY: Duration = Duration::from_secs(5);

const NOT_REMEMBERED: &str = "rejected passwords, used codes and the requests of the last minute are not remembered, so \
     many runs can lock the account or exceed the limit of the instance";

static IS_OFF: AtomicBool = AtomicBool::new(false);

/// Whether `--no-state` is in force.
pub(crate) fn is_off() -> bool {
    IS_OFF.load(Ordering::Relaxed)
}

/// Says that this run goes on without the directory.
pub(crate) fn warn(reason: &str) {
    exit::say(&format!("warning: nothing is shared with other runs: {reason}"));
}

/// Refuses to sign in without the directory.
pub(crate) fn required(reason: &str) -> Failure {
    Failure::other(format!(
        "the state directory cannot be used: {reason}; nothing was sent, because without it every run would send a \
         rejected password again; set PLEXTRAC_STATE_DIR to a directory of your own, or allow it with --no-state"
    ))
}
