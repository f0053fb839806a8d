//! The platform's directories for a user's settings and state.
//!
//! On Linux these are the XDG base directories; a relative path in one of their variables is ignored, as that
//! specification says.

use std::path::PathBuf;

const NAME: &str = "plextrac-auth";

/// For the file with the profiles.
pub(crate) fn config_dir() -> Option<PathBuf> {
    base("XDG_CONFIG_HOME", ".config", "APPDATA").map(|base| base.join(NAME))
}

/// For what the runs of a user share.
pub(crate) fn state_dir() -> Option<PathBuf> {
    base("XDG_STATE_HOME", ".local/state", "LOCALAPPDATA").map(|base| base.join(NAME))
}

#[cfg(not(any(windows, target_os = "macos")))]
fn base(variable: &str, below_home: &str, _: &str) -> Option<PathBuf> {
    absolute(variable).or_else(|| home().map(|home| home.join(below_home)))
}

#[cfg(target_os = "macos")]
fn base(_: &str, _: &str, _: &str) -> Option<PathBuf> {
    home().map(|home| home.join("Library/Application Support"))
}

#[cfg(windows)]
fn base(_: &str, _: &str, variable: &str) -> Option<PathBuf> {
    absolute(variable)
}

#[cfg(not(target_os = "macos"))]
fn absolute(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute())
}

#[cfg(not(windows))]
fn home() -> Option<PathBuf> {
    std::env::home_dir().filter(|home| home.is_absolute())
}
