//! How the command ends: exit codes, and the one line on standard error.

use std::process::ExitCode;
use std::time::Duration;

use plextrac_transport::{Error, ErrorCode};

use crate::output::one_line;
use crate::paint::Paint;
use crate::progress::write_stderr;
use crate::{prompt, shared_store, state_dir};

/// The exit codes. They are promised to scripts: none changes its meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Anything that has no code of its own.
    Other = 1,
    /// Wrong arguments, settings or input; nothing was sent. clap exits with this one as well.
    Usage = 2,
    /// A one-time code is needed, and there is no terminal to ask on.
    MfaNeeded = 3,
    /// The server rejected the credentials, the code or the token.
    Rejected = 4,
    /// Nothing may be sent yet; standard error says "N s".
    MustWait = 5,
    /// Network, TLS, timeout, or the shared store.
    Network = 6,
    /// An answer that is not the documented one.
    Unexpected = 7,
    /// There is no live session, says `status`.
    SignedOut = 8,
    /// The program of `exec` is there and cannot be executed.
    NotExecutable = 126,
    /// The program of `exec` is not there.
    NotFound = 127,
    /// Ctrl-C at a question; as a shell says it of a command that SIGINT has ended.
    Interrupted = 130,
}

/// Every exit code with its meaning, as the help and the man pages show it.
pub(crate) const EXIT_CODES: &[(u8, &str)] = &[
    (0, "success"),
    (Exit::Other as u8, "any other failure"),
    (Exit::Usage as u8, "wrong arguments, settings or input; nothing was sent"),
    (Exit::MfaNeeded as u8, "a one-time code is needed, and there is no terminal to ask on"),
    (Exit::Rejected as u8, "the server rejected the credentials, the code or the token"),
    (Exit::MustWait as u8, "nothing may be sent yet; standard error says \"N s\""),
    (Exit::Network as u8, "network or TLS failure, timeout, or a shared store that cannot be used"),
    (Exit::Unexpected as u8, "the server's answer is not a documented one"),
    (Exit::SignedOut as u8, "status: there is no live session"),
    (Exit::NotExecutable as u8, "exec: the command cannot be executed"),
    (Exit::NotFound as u8, "exec: the command was not found"),
    (Exit::Interrupted as u8, "Ctrl-C at a hidden prompt"),
];

/// Why the command did not do what was asked.
#[derive(Debug)]
pub(crate) enum Failure {
    /// One line that says what happened, to what, and what to do next.
    Message(Exit, String),
    /// Standard output says it already.
    Shown(Exit),
    /// The reader of standard output has closed it (`| head -1`). This is no failure.
    ReaderGone,
    /// The user pressed Ctrl-C.
    Interrupted,
}

impl Failure {
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::Message(Exit::Usage, message.into())
    }

    pub(crate) fn with_note(self, note: &str) -> Self {
        match self {
            Self::Message(exit, message) => Self::Message(exit, format!("{message}; {note}")),
            other => other,
        }
    }

    pub(crate) fn other(message: impl Into<String>) -> Self {
        Self::Message(Exit::Other, message.into())
    }
}

/// Says what is to be said, and gives the code to exit with.
pub(crate) fn report(outcome: Result<(), Failure>) -> ExitCode {
    match outcome {
        Ok(()) | Err(Failure::ReaderGone) => ExitCode::SUCCESS,
        Err(Failure::Interrupted) => ExitCode::from(Exit::Interrupted as u8),
        Err(_) if prompt::was_interrupted() => ExitCode::from(Exit::Interrupted as u8),
        Err(Failure::Shown(exit)) => ExitCode::from(exit as u8),
        Err(Failure::Message(exit, message)) => {
            say(&message);
            ExitCode::from(exit as u8)
        }
    }
}

/// Shows what is wrong with the arguments.
pub(crate) fn usage(error: &clap::Error) -> ExitCode {
    let text = error.render();
    write_stderr(&match Paint::for_stderr().is_on() {
        true => text.ansi().to_string(),
        false => text.to_string(),
    });
    ExitCode::from(Exit::Usage as u8)
}

/// One line on standard error.
pub(crate) fn say(message: &str) {
    write_stderr(&format!("plextrac-auth: {}\n", one_line(message)));
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let message = match (hint(&error), error.retry_after()) {
            // The library's sentence speaks of its functions.
            (Some(hint), _) if error.code() == ErrorCode::MfaRequired => hint.to_owned(),
            (_, Some(wait)) if matches!(error.code(), ErrorCode::MustWait | ErrorCode::Rejected) => {
                format!("{error}; --wait {} waits for it", enough(wait))
            }
            (Some(hint), _) => format!("{error}; {hint}"),
            (None, _) => error.to_string(),
        };
        Self::Message(exit_of(error.code()), message)
    }
}

/// The number of seconds for `--wait` that allows this wait, even if the next run takes a second before it has to wait.
fn enough(wait: Duration) -> u64 {
    wait.as_secs() + 2
}

fn exit_of(code: ErrorCode) -> Exit {
    match code {
        ErrorCode::InvalidArgument => Exit::Usage,
        ErrorCode::MfaRequired => Exit::MfaNeeded,
        // An ended token without a password needs the same remedy as a rejected one.
        ErrorCode::Rejected | ErrorCode::Expired => Exit::Rejected,
        ErrorCode::MustWait => Exit::MustWait,
        ErrorCode::Network | ErrorCode::Tls | ErrorCode::Timeout => Exit::Network,
        ErrorCode::Store if shared_store::is_used() => Exit::Network,
        ErrorCode::UnexpectedAnswer | ErrorCode::TooLarge => Exit::Unexpected,
        _ => Exit::Other,
    }
}

/// What to do next in terms of this command, where the library cannot know it.
fn hint(error: &Error) -> Option<&'static str> {
    match error.code() {
        ErrorCode::MfaRequired => Some(
            "the password was right, and a one-time code is needed: run it on a terminal, or set PLEXTRAC_TOTP_SECRET, \
             PLEXTRAC_CODE or PLEXTRAC_CODE_COMMAND",
        ),
        ErrorCode::Rejected if state_dir::is_off() => {
            Some("with --no-state, the next run does not know of this rejection and sends the password again")
        }
        // No other sentence about TLS asks for a CA bundle.
        ErrorCode::Tls if error.message().contains("CA bundle") => {
            Some("an instance with a private CA needs --ca-file")
        }
        ErrorCode::Timeout => Some("--timeout SECONDS allows more"),
        ErrorCode::Expired => Some("set a new PLEXTRAC_TOKEN, or user name and password"),
        _ => None,
    }
}
