//! A command that prints a secret: a password manager, as a rule.
//!
//! Its output is never shown. Its standard error is this command's, so that it can say what it waits for; its standard
//! input is empty, since that of this command may hold data.

use std::io::{self, Read};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use crate::exit::Failure;

/// A person may have to unlock the password manager.
const TIME_LIMIT: Duration = Duration::from_secs(60);

/// Password managers print notes after the first line.
const MOST_OUTPUT: usize = 64 * 1024;

/// How often a command is looked at that has closed its output and not ended.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// Runs the command for `what`, and returns the first line that it prints.
///
/// It finds the account in PLEXTRAC_URL and PLEXTRAC_USERNAME.
pub(crate) fn run(
    what: &str,
    command: &str,
    url: &str,
    username: &str,
) -> Result<Zeroizing<String>, Failure> {
    within(TIME_LIMIT, command, url, username)
        .map_err(|error| Failure::usage(format!("the {what} command {error}; nothing was sent")))
}

fn within(limit: Duration, command: &str, url: &str, username: &str) -> Result<Zeroizing<String>, String> {
    let ends = Instant::now() + limit;
    let words =
        shell_words::split(command).map_err(|_| "has a quotation mark without a second one".to_owned())?;
    let (program, arguments) = words.split_first().ok_or("is empty")?;
    let mut child = Command::new(program)
        .args(arguments)
        .env("PLEXTRAC_URL", url)
        .env("PLEXTRAC_USERNAME", username)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => format!("cannot be run: there is no program {program}"),
            _ => format!("cannot be run: {program}: {error}"),
        })?;
    let output = output_of(&mut child, ends);
    let ended = if output.is_ok() { await_end(&mut child, ends) } else { None };
    let Some(ended) = ended else {
        // It may have ended by now.
        drop(child.kill());
        drop(child.wait());
        return Err(output.err().unwrap_or_else(|| format!("has not ended after {} s", limit.as_secs())));
    };
    if !ended.success() {
        return Err(format!("has failed ({ended}); see what {program} says"));
    }
    first_line(&output?)
}

/// Everything that the command prints. It is read on a thread of its own, because reading has no time limit.
fn output_of(child: &mut Child, ends: Instant) -> Result<Zeroizing<Vec<u8>>, String> {
    let stdout = child.stdout.take().ok_or("has no output")?;
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || sender.send(read(stdout)));
    let left = ends.saturating_duration_since(Instant::now());
    match receiver.recv_timeout(left) {
        Ok(Ok(output)) => Ok(output),
        Ok(Err(error)) => Err(format!("has an output that cannot be read: {error}")),
        Err(_) => Err("has not ended in time".to_owned()),
    }
}

fn read(mut stdout: ChildStdout) -> io::Result<Zeroizing<Vec<u8>>> {
    // Sized once: a buffer that grew would leave pieces of the secret behind.
    let mut output = Zeroizing::new(vec![0; MOST_OUTPUT]);
    let mut length = 0;
    loop {
        match stdout.read(&mut output[length..]) {
            Ok(0) if length == MOST_OUTPUT => {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "it is longer than 64 KiB"));
            }
            Ok(0) => break,
            Ok(count) => length += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    output.truncate(length);
    Ok(output)
}

/// None if it has not ended in time.
fn await_end(child: &mut Child, ends: Instant) -> Option<std::process::ExitStatus> {
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) if Instant::now() < ends => thread::sleep(LOOK_EVERY),
            Ok(None) | Err(_) => return None,
        }
    }
}

fn first_line(output: &[u8]) -> Result<Zeroizing<String>, String> {
    let line = output.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    match std::str::from_utf8(line) {
        Ok("") => Err("prints nothing on its first line".to_owned()),
        Ok(line) => Ok(Zeroizing::new(line.to_owned())),
        Err(_) => Err("prints a first line that is not UTF-8".to_owned()),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn run(command: &str) -> Result<String, String> {
        let line = within(Duration::from_secs(20), command, "https://acme.example", "me");
        line.map(|line| line.to_string())
    }

    #[test]
    fn the_first_line_is_the_secret() {
        assert_eq!(run(r"printf 'two words\r\nnote\n'").unwrap(), "two words");
        assert_eq!(
            run(r#"sh -c 'echo "$PLEXTRAC_USERNAME at $PLEXTRAC_URL"'"#).unwrap(),
            "me at https://acme.example"
        );
        assert_eq!(run("echo $HOME").unwrap(), "$HOME", "no shell in between");
    }

    #[test]
    fn what_goes_wrong_is_named_without_the_output() {
        for (command, told) in [
            ("echo 'hunter2", "a quotation mark"),
            ("  ", "is empty"),
            ("/there/is/no/such/program hunter2", "there is no program /there/is/no/such/program"),
            ("sh -c 'echo hunter2; exit 3'", "has failed (exit status: 3)"),
            ("true", "prints nothing"),
            (r"printf '\377hunter2\n'", "not UTF-8"),
            ("yes hunter2", "longer than 64 KiB"),
        ] {
            let error = run(command).unwrap_err();
            assert!(error.contains(told) && !error.contains("hunter2"), "{command}: {error}");
        }
    }

    #[test]
    fn a_command_that_does_not_end_is_ended() {
        for command in ["cat /dev/zero", "sh -c 'exec >&-; exec sleep 600'", "sleep 600"] {
            let began = Instant::now();
            let error = within(Duration::from_millis(200), command, "", "").unwrap_err();
            assert!(began.elapsed() < Duration::from_secs(20), "{command}: {error}");
        }
    }
}
