//! Questions to a person, on the terminal and nowhere else.
//!
//! A question is asked only if standard error is a terminal, where it can be seen. Secrets are read from the
//! controlling terminal without echo, so that standard input stays free for data.
//!
//! Ctrl-C at a secret gives the whole command up, in order: what was begun is told to others as given up.

use std::io::{self, IsTerminal};
use std::sync::atomic::{AtomicBool, Ordering};

use plextrac_transport::MfaPrompt;
use zeroize::Zeroizing;

use crate::exit::Failure;
use crate::progress;

/// Whether there is a person to ask.
pub(crate) fn is_possible() -> bool {
    io::stderr().is_terminal()
}

/// Asks for a line that may be seen while it is typed.
pub(crate) fn visible(question: &str) -> Result<String, Failure> {
    if !io::stdin().is_terminal() {
        return Err(Failure::usage(format!(
            "{question} is not set, and standard input is no terminal to ask on"
        )));
    }
    let mut line = String::new();
    progress::write_stderr(&format!("{question}: "));
    io::stdin().read_line(&mut line).map_err(|error| failed(question, &error))?;
    Ok(line.trim().to_owned())
}

/// Whether a person can answer a question with yes or no.
pub(crate) fn can_confirm() -> bool {
    io::stdin().is_terminal()
}

/// Asks for yes or no. `default` is the answer if nothing is typed; the end of input is no.
pub(crate) fn confirm(question: &str, default: bool) -> Result<bool, Failure> {
    let mut line = String::new();
    progress::write_stderr(&format!("{question} "));
    let count = io::stdin().read_line(&mut line).map_err(|error| failed(question, &error))?;
    Ok(match line.trim().to_lowercase().as_str() {
        "" => default && count > 0,
        answer => matches!(answer, "y" | "yes"),
    })
}

/// What came of a question that is answered without echo.
pub(crate) enum Typed {
    /// A line, without its end.
    Line(Zeroizing<String>),
    /// Ctrl-C.
    #[cfg_attr(not(unix), expect(dead_code, reason = "it ends the process there"))]
    Interrupted,
}

/// The user has interrupted the question for a code.
static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Whether the user has interrupted the question for a code. The session only learns that it gets no code, so the
/// command looks here when it ends.
pub(crate) fn was_interrupted() -> bool {
    INTERRUPTED.load(Ordering::Relaxed)
}

/// Asks for a secret, without echo.
pub(crate) fn hidden(question: &str) -> Result<Zeroizing<String>, Failure> {
    progress::erase();
    match ask_hidden(question).map_err(|error| failed(question, &error))? {
        Typed::Line(line) => Ok(line),
        Typed::Interrupted => Err(Failure::Interrupted),
    }
}

#[cfg(unix)]
use crate::terminal::ask_hidden;

/// Where the terminal is not Unix's, Ctrl-C ends the process.
#[cfg(not(unix))]
fn ask_hidden(question: &str) -> io::Result<Typed> {
    rpassword::prompt_password(format!("{question}: ")).map(|line| Typed::Line(Zeroizing::new(line)))
}

/// Asks for a one-time code; an empty line gives up. Anything but six digits is asked for again: the server would
/// reject it, and the next challenge would cost a request.
pub(crate) fn one_time_code(prompt: &MfaPrompt) -> Option<Zeroizing<String>> {
    let mut question = match prompt.attempt {
        1 => format!("One-time code for {} at {}", prompt.username, prompt.instance),
        _ => "The server refused the code. The next code".to_owned(),
    };
    loop {
        let typed = hidden(&question)
            .inspect_err(|failure| {
                INTERRUPTED.fetch_or(matches!(failure, Failure::Interrupted), Ordering::Relaxed);
            })
            .ok()
            .filter(|typed| !typed.trim().is_empty())?;
        if is_code(&typed) {
            return Some(typed);
        }
        question = "A code has six digits. Enter it again, or nothing to give up".to_owned();
    }
}

pub(crate) fn is_code(typed: &str) -> bool {
    let mut digits = typed.bytes().filter(|byte| !byte.is_ascii_whitespace());
    digits.by_ref().take(6).filter(u8::is_ascii_digit).count() == 6 && digits.next().is_none()
}

fn failed(question: &str, error: &io::Error) -> Failure {
    Failure::usage(format!("{question} could not be asked for on the terminal: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_six_digits() {
        for typed in ["123456", " 123 456 ", "1 2 3 4 5 6"] {
            assert!(is_code(typed), "{typed:?}");
        }
        for typed in ["", "12345", "1234567", "12345a", "a123456", "１２３４５６"] {
            assert!(!is_code(typed), "{typed:?}");
        }
    }
}
