//! The directory through which all runs of one user share their sessions.

use std::path::{Path, PathBuf};

use plextrac_transport::{DirectoryStore, StoreErrorKind};

use crate::args::AccountArgs;
use crate::exit::{self, Failure};

/// Opens it. Where it cannot be used the command goes on by itself and says so; where it would be unsafe to use
/// it, the command is refused.
pub(crate) fn open(args: &AccountArgs) -> Result<Option<DirectoryStore>, Failure> {
    let Some(path) = place(args) else {
        exit::say(
            "warning: nothing is shared with other runs: there is no home directory; set PLEXTRAC_STATE_DIR",
        );
        return Ok(None);
    };
    match DirectoryStore::open(path) {
        Ok(store) => Ok(Some(store)),
        Err(error) if error.kind == StoreErrorKind::Unsafe => Err(Failure::other(error.message)),
        Err(error) => {
            exit::say(&format!("warning: nothing is shared with other runs: {error}"));
            Ok(None)
        }
    }
}

/// As the flag or the environment says, else the platform's place for state.
pub(crate) fn place(args: &AccountArgs) -> Option<PathBuf> {
    match &args.state_dir {
        Some(path) if !path.as_os_str().is_empty() => Some(path.clone()),
        _ => platform_place().map(|base| base.join("plextrac-auth")),
    }
}

/// The XDG base directory specification; a relative path there says nothing.
#[cfg(not(any(windows, target_os = "macos")))]
fn platform_place() -> Option<PathBuf> {
    let set = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    set.or_else(|| home().map(|home| home.join(".local/state")))
}

#[cfg(target_os = "macos")]
fn platform_place() -> Option<PathBuf> {
    home().map(|home| home.join("Library/Application Support"))
}

#[cfg(windows)]
fn platform_place() -> Option<PathBuf> {
    std::env::var_os("LOCALAPPDATA").map(PathBuf::from).filter(|path| path.is_absolute())
}

#[cfg(not(windows))]
fn home() -> Option<PathBuf> {
    std::env::home_dir().filter(|home| Path::is_absolute(home))
}
