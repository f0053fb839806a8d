//! A program of the repository, run against an emulator of its own.

use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::emulator::Emulator;
use crate::steps::Halt;

/// A program that takes this long hangs.
const RUN_LIMIT: Duration = Duration::from_secs(120);

/// Runs it with what it finds in its environment; `folder` holds the command that is the emulator. Each run has one
/// of its own, so that no program spends another's sign-ins or six digits.
pub(crate) fn run(mut program: Command, folder: &Path) -> Result<(), Halt> {
    let emulator = Emulator::start(folder)?;
    let mut child = program
        .envs(emulator.environment()?)
        // cargo's own search path must not stand in for the one linked into the program.
        .env_remove("LD_LIBRARY_PATH")
        .spawn()
        .map_err(|error| Halt::Failed(error.to_string()))?;
    let status = end_of(&mut child)?;
    if status.success() { Ok(()) } else { Err(Halt::Failed(status.to_string())) }
}

/// Runs it and listens: what it said on its standard output, and how it ended.
pub(crate) fn listen(mut program: Command) -> Result<(String, ExitStatus), Halt> {
    let failed = |error: std::io::Error| Halt::Failed(error.to_string());
    let mut child = program.env_remove("LD_LIBRARY_PATH").stdout(Stdio::piped()).spawn().map_err(failed)?;
    let stdout = child.stdout.take();
    // Beside the wait: a full pipe would have it last for ever.
    let listener = std::thread::spawn(move || {
        let mut told = Vec::new();
        stdout.map_or(Ok(0), |mut stdout| stdout.read_to_end(&mut told)).map(|_| told)
    });
    let status = end_of(&mut child)?;
    let told = listener.join().map_err(|_| Halt::Failed("listening failed".to_owned()))?.map_err(failed)?;
    Ok((String::from_utf8_lossy(&told).into_owned(), status))
}

fn end_of(child: &mut Child) -> Result<ExitStatus, Halt> {
    match wait(child, RUN_LIMIT) {
        Ok(Some(status)) => Ok(status),
        Ok(None) => Err(Halt::Failed(format!("still running after {} s, ended", RUN_LIMIT.as_secs()))),
        Err(error) => Err(Halt::Failed(error.to_string())),
    }
}

/// Nothing if the child was still running at the limit; it has been ended then.
fn wait(child: &mut Child, limit: Duration) -> std::io::Result<Option<ExitStatus>> {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if start.elapsed() >= limit {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        // std has no wait with a deadline.
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[cfg(test)]
mod tests {
    use super::{Command, Duration, wait};

    #[test]
    fn a_program_that_hangs_is_ended_at_the_limit() {
        let mut child = Command::new("sleep").arg("600").spawn().expect("sleep is everywhere");
        assert_eq!(wait(&mut child, Duration::ZERO).expect("waited"), None);
        assert!(child.try_wait().expect("asked").is_some(), "it is still there");
    }
}
