//! An emulator, and runs of the command that know nothing but what a test tells them.

use std::ffi::OsStr;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use plextrac_emulator::{Account, Emulator, EmulatorBuilder};

pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_plextrac-auth");

/// The accounts of the emulator, and a home of their own for its users.
pub(crate) struct Stand {
    pub(crate) emulator: Emulator,
    home: tempfile::TempDir,
}

/// How a run ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

impl Stand {
    pub(crate) fn new() -> Self {
        Self::with(Emulator::builder())
    }

    pub(crate) fn with(builder: EmulatorBuilder) -> Self {
        Self { emulator: builder.start().unwrap(), home: tempfile::tempdir().unwrap() }
    }

    /// Nobody, nowhere: an environment with nothing of ours in it. Nothing it writes to is a terminal.
    pub(crate) fn nobody<S: AsRef<OsStr>>(&self, args: &[S]) -> Command {
        let mut command = Command::new(BINARY);
        command
            .args(args)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.home.path())
            .stdin(Stdio::null());
        command
    }

    /// The way to the emulator, and no account.
    pub(crate) fn somewhere<S: AsRef<OsStr>>(&self, args: &[S]) -> Command {
        let mut command = self.nobody(args);
        command.env("PLEXTRAC_URL", self.emulator.tls_url()).env("PLEXTRAC_CA_FILE", self.emulator.ca_file());
        command
    }

    /// The account without MFA.
    pub(crate) fn service<S: AsRef<OsStr>>(&self, args: &[S]) -> Command {
        self.signed(args, &Account::service())
    }

    /// The account with MFA, with its TOTP secret.
    pub(crate) fn analyst<S: AsRef<OsStr>>(&self, args: &[S]) -> Command {
        self.signed(args, &Account::analyst())
    }

    /// A path in the home folder, where there is nothing yet.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// A file in the home folder.
    pub(crate) fn file(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    pub(crate) fn authentication_requests(&self) -> u64 {
        self.emulator.stats().authentication_requests()
    }

    /// All requests, whatever they asked for.
    pub(crate) fn requests(&self) -> u64 {
        self.emulator.stats().requests.values().flat_map(|outcomes| outcomes.values()).sum()
    }

    fn signed<S: AsRef<OsStr>>(&self, args: &[S], account: &Account) -> Command {
        let mut command = self.somewhere(args);
        command.env("PLEXTRAC_USERNAME", &account.username).env("PLEXTRAC_PASSWORD", &account.password);
        if let Some(secret) = &account.totp_secret {
            command.env("PLEXTRAC_TOTP_SECRET", secret);
        }
        command
    }
}

impl Ran {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.stdout).unwrap()
    }

    /// The text, of a run that did what was asked and complained of nothing.
    #[track_caller]
    pub(crate) fn fine(&self) -> &str {
        assert_eq!((self.code, self.stderr.as_str()), (0, ""), "{self:?}");
        self.text()
    }

    /// The text, of a `status` that finds no live session.
    #[track_caller]
    pub(crate) fn signed_out(&self) -> &str {
        assert_eq!((self.code, self.stderr.as_str()), (8, ""), "{self:?}");
        self.text()
    }

    /// The complaint, of a run that exited with `code` and wrote nothing to standard output.
    #[track_caller]
    pub(crate) fn refused(&self, code: i32) -> &str {
        assert_eq!((self.code, self.text()), (code, ""), "{self:?}");
        let line = self.stderr.strip_suffix('\n').unwrap();
        assert!(!line.contains('\n'), "one line: {line}");
        line.strip_prefix("plextrac-auth: ").unwrap()
    }
}

pub(crate) fn run(command: &mut Command) -> Ran {
    command.output().unwrap().into()
}

pub(crate) fn run_with_input(command: &mut Command, input: &[u8]) -> Ran {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // A run that ends before it has read everything is no failure of the test.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap().into()
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            // A signal has no code; no test expects one.
            code: output.status.code().unwrap_or(-1),
            stdout: output.stdout,
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}
