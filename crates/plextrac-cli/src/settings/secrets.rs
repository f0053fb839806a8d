//! The secrets of an account, and where they come from. No flag takes one.

use std::env;
use std::fmt::Display;
use std::fs::File;
use std::io::{self, Read};

use zeroize::Zeroizing;

use super::source::{Set, Source};
use super::{by_flag_or_environment, by_profile};
use crate::args::AccountArgs;
use crate::config_file::Profile;
use crate::exit::Failure;
use crate::prompt;

/// Longer than any password or token that a session takes.
const LONGEST_LINE: usize = 64 * 1024;

/// What is set. No command has run yet.
pub(crate) struct Secrets {
    /// An imported token.
    pub(crate) token: Option<Zeroizing<String>>,
    pub(crate) password: Option<Password>,
    pub(crate) code: Option<Code>,
}

/// Where the password comes from, if not from a person.
pub(crate) enum Password {
    Text(Set<Zeroizing<String>>),
    Command(Set<String>),
}

/// Where one-time codes come from, if not from a person.
pub(crate) enum Code {
    TotpSecret(Zeroizing<String>),
    /// One code, for this run.
    Once(Zeroizing<String>),
    Command(Set<String>),
}

impl Secrets {
    /// A command of the profile comes after the environment, and one by flag before it.
    pub(crate) fn collect(args: &AccountArgs, profile: Option<&Profile>) -> Result<Self, Failure> {
        let is_flag = |command: &Set<String>| command.source == Source::Flag;
        let command = by_flag_or_environment(args, "password_command", args.password_command.as_ref())
            .or_else(|| by_profile(profile?.password_command.as_ref()));
        let password = if args.password_stdin {
            Some(Password::Text(Set::new(first_line_of_stdin()?, Source::Flag)))
        } else if command.as_ref().is_some_and(is_flag) {
            command.map(Password::Command)
        } else {
            let text = from_environment("PLEXTRAC_PASSWORD")?;
            let text = text.map(|text| Password::Text(Set::new(text, Source::Environment)));
            text.or(command.map(Password::Command))
        };
        let command = by_flag_or_environment(args, "code_command", args.code_command.as_ref())
            .or_else(|| by_profile(profile?.code_command.as_ref()));
        let code = if let Some(code) = from_environment("PLEXTRAC_CODE")? {
            if !prompt::is_code(&code) {
                return Err(Failure::usage("PLEXTRAC_CODE is not a one-time code of six digits"));
            }
            Some(Code::Once(code))
        } else if command.as_ref().is_some_and(is_flag) {
            command.map(Code::Command)
        } else {
            from_environment("PLEXTRAC_TOTP_SECRET")?.map(Code::TotpSecret).or(command.map(Code::Command))
        };
        Ok(Self { token: from_environment("PLEXTRAC_TOKEN")?, password, code })
    }
}

/// The secret in an environment variable. An empty one sets nothing.
pub(crate) fn from_environment(name: &str) -> Result<Option<Zeroizing<String>>, Failure> {
    match env::var(name) {
        Ok(value) => Ok(Some(Zeroizing::new(value)).filter(|value| !value.is_empty())),
        Err(env::VarError::NotPresent) => Ok(None),
        Err(env::VarError::NotUnicode(_)) => {
            Err(Failure::usage(format!("{name} is not UTF-8; it was not used")))
        }
    }
}

/// Byte by byte, so that a program that `exec` runs finds what follows.
pub(crate) fn first_line_of_stdin() -> Result<Zeroizing<String>, Failure> {
    let failed = |error: &dyn Display| Failure::usage(format!("standard input cannot be read: {error}"));
    let mut stdin = unbuffered_stdin().map_err(|error| failed(&error))?;
    // Sized once: a buffer that grew would leave pieces of the password behind.
    let mut line = Zeroizing::new(Vec::with_capacity(LONGEST_LINE));
    let mut byte = Zeroizing::new([0]);
    loop {
        match stdin.read(&mut byte[..]) {
            Ok(0) => break,
            Ok(_) if byte[0] == b'\n' => break,
            Ok(_) if line.len() == LONGEST_LINE => return Err(failed(&"the line is too long")),
            Ok(_) => line.push(byte[0]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(failed(&error)),
        }
    }
    let text = std::str::from_utf8(&line).map_err(|_| failed(&"it is not UTF-8"))?;
    Ok(Zeroizing::new(text.trim_end_matches('\r').to_owned()))
}

#[cfg(unix)]
fn unbuffered_stdin() -> io::Result<File> {
    use std::os::fd::AsFd;
    Ok(File::from(io::stdin().as_fd().try_clone_to_owned()?))
}

#[cfg(windows)]
fn unbuffered_stdin() -> io::Result<File> {
    use std::os::windows::io::AsHandle;
    Ok(File::from(io::stdin().as_handle().try_clone_to_owned()?))
}
