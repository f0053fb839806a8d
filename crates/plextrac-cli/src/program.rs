//! The program that a command line names, looked for before anything is done for its sake.
//!
//! As `execvp` finds it, which is what starts it in the end: a name with a slash is a path, any other is looked for
//! along `PATH`. What only the start itself can tell is told then.

use std::ffi::OsStr;
use std::io;

use crate::exit::{Exit, Failure};

/// Why the program cannot be started, if that is known before it is.
#[cfg(unix)]
pub(crate) fn check(program: &OsStr) -> Result<(), Failure> {
    use std::os::unix::ffi::OsStrExt;
    use std::path::Path;

    if program.as_bytes().contains(&b'/') {
        return is_executable(Path::new(program))
            .map_err(|error| failed(program, &error, "; nothing was sent"));
    }
    // Without one the system has a path of its own, which it does not tell.
    let Some(path) = std::env::var_os("PATH") else { return Ok(()) };
    let mut error = io::Error::from(rustix::io::Errno::NOENT);
    for folder in std::env::split_paths(&path) {
        // An empty entry is the current folder, and so is the name alone.
        match is_executable(&folder.join(program)) {
            Ok(()) => return Ok(()),
            // What stands there and must not be executed is worth telling, wherever the rest is missing.
            Err(denied) if denied.kind() == io::ErrorKind::PermissionDenied => error = denied,
            Err(_) => {}
        }
    }
    Err(failed(program, &error, "; nothing was sent"))
}

#[cfg(unix)]
fn is_executable(path: &std::path::Path) -> io::Result<()> {
    if std::fs::metadata(path)?.is_file() {
        Ok(rustix::fs::access(path, rustix::fs::Access::EXEC_OK)?)
    } else {
        Err(rustix::io::Errno::ACCESS.into())
    }
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "elsewhere it may fail")]
pub(crate) fn check(_: &OsStr) -> Result<(), Failure> {
    Ok(())
}

/// That it was not started, with the exit codes of env(1) and the shells.
pub(crate) fn failed(program: &OsStr, error: &io::Error, note: &str) -> Failure {
    let program = program.to_string_lossy();
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
            Failure::Message(Exit::NotFound, format!("{program} was not found{note}"))
        }
        _ => Failure::Message(Exit::NotExecutable, format!("{program} cannot be executed: {error}{note}")),
    }
}
