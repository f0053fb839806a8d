//! Where runs share their sessions: the directory of one user, or a store that several machines use.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use plextrac_transport::{CallLimits, CancelToken, DirectoryStore, RecordStore, StoreErrorKind};

use crate::exit::{self, Failure};
use crate::settings::Settings;
use crate::{places, shared_store};

/// What this run shares with others.
pub(crate) enum State {
    /// With the runs of this user.
    Shared(Arc<DirectoryStore>),
    /// With the runs on several machines.
    Fleet(Arc<dyn RecordStore>),
    /// Nothing, as `--no-state` says.
    Off,
    /// Nothing, because the directory cannot be used: why.
    Unusable(String),
}

impl State {
    pub(crate) fn directory(&self) -> Option<PathBuf> {
        match self {
            Self::Shared(store) => Some(store.path().to_owned()),
            Self::Fleet(_) | Self::Off | Self::Unusable(_) => None,
        }
    }
}

/// Opens the store if one is set, else the directory.
///
/// # Errors
/// A directory that other users can read or change is refused, and a store whose settings are wrong.
pub(crate) fn open(settings: &Settings) -> Result<State, Failure> {
    if let Some(store) = &settings.store {
        if settings.no_state {
            return Err(Failure::usage(
                "a store and --no-state exclude each other; leave one out: --store or PLEXTRAC_STORE, --no-state or \
                 PLEXTRAC_NO_STATE",
            ));
        }
        return shared_store::open(store).map(State::Fleet);
    }
    if settings.no_state {
        // A run may open its account twice.
        if !IS_OFF.swap(true, Ordering::Relaxed) {
            exit::say(&format!("warning: --no-state: {NOT_REMEMBERED}"));
        }
        return Ok(State::Off);
    }
    let Some(path) = place(settings) else {
        return Ok(State::Unusable("there is no home directory".to_owned()));
    };
    let opened = DirectoryStore::open(path);
    // Every record needs the key.
    let limits = CallLimits { deadline: Instant::now() + MAKING_THE_KEY, cancel: &CancelToken::new() };
    match opened.and_then(|store| store.key(&limits).map(|_| store)) {
        Ok(store) => Ok(State::Shared(Arc::new(store))),
        Err(error) if error.kind == StoreErrorKind::Unsafe => Err(Failure::other(error.message)),
        Err(error) => Ok(State::Unusable(error.message)),
    }
}

/// Where a run that shares its session elsewhere keeps files that are no secret; none if it keeps no state at all.
pub(crate) fn for_files(settings: &Settings) -> Option<PathBuf> {
    let path = place(settings).filter(|_| !settings.no_state)?;
    DirectoryStore::open(path).ok().map(|store| store.path().to_owned())
}

fn place(settings: &Settings) -> Option<PathBuf> {
    settings.state_dir.as_ref().map(|set| set.value.clone()).or_else(places::state_dir)
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
