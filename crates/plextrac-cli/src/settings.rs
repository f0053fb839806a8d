//! Who signs in where: a flag, then the environment, then a question on the terminal.
//!
//! Flags and their environment variables are read by clap. Secrets have no flags: they are read here.

use std::env;
use std::fmt::Display;
use std::fs::File;
use std::io::{self, Read};

use zeroize::Zeroizing;

use crate::account::Purpose;
use crate::args::AccountArgs;
use crate::exit::Failure;
use crate::prompt;

/// Longer than any secret that a session would take.
const LONGEST_LINE: usize = 4096;

/// What a session is opened with, besides the way to the instance.
pub(crate) struct Settings {
    pub(crate) url: String,
    /// None with a ready-made token alone.
    pub(crate) username: Option<String>,
    /// Where it is not set, the account's shared session may do without.
    pub(crate) password: Option<Zeroizing<String>>,
    pub(crate) token: Option<Zeroizing<String>>,
    pub(crate) totp_secret: Option<Zeroizing<String>>,
    /// Whether there is a person to ask.
    pub(crate) asks: bool,
}

impl Settings {
    /// Collects what is set, and asks for URL and user name if there is a person to ask.
    pub(crate) fn resolve(args: &AccountArgs, purpose: Purpose) -> Result<Self, Failure> {
        let mut settings = Self::collect(args)?;
        // Whoever signs in anew wants another token than the one that is set.
        settings.token.take_if(|_| purpose == Purpose::SignIn);
        if settings.username.is_none() && (settings.token.is_none() || settings.password.is_some()) {
            if !settings.asks {
                return Err(missing("the user name", "--username or PLEXTRAC_USERNAME"));
            }
            settings.username = Some(prompt::visible("User name")?);
        }
        Ok(settings)
    }

    /// Collects what is set, and asks for the URL alone.
    pub(crate) fn collect(args: &AccountArgs) -> Result<Self, Failure> {
        let asks = !args.no_prompt && prompt::is_possible();
        let url = match given(args.url.as_deref()) {
            Some(url) => url.to_owned(),
            None if asks => prompt::visible("URL of the instance")?,
            None => return Err(missing("the instance's URL", "--url or PLEXTRAC_URL")),
        };
        let password =
            if args.password_stdin { Some(first_line_of_stdin()?) } else { secret("PLEXTRAC_PASSWORD")? };
        Ok(Self {
            url,
            // One account, with and without a space behind its name: what was rejected of it is known by the name.
            username: given(args.username.as_deref()).map(|name| name.trim().to_owned()),
            password,
            token: secret("PLEXTRAC_TOKEN")?,
            totp_secret: secret("PLEXTRAC_TOTP_SECRET")?,
            asks,
        })
    }

    /// Asks for the password that is not set.
    pub(crate) fn ask_password(&self) -> Result<Zeroizing<String>, Failure> {
        match &self.username {
            Some(username) if self.asks => prompt::hidden(&format!("Password of {username}")),
            _ => Err(missing("the password", "PLEXTRAC_PASSWORD, or use --password-stdin")),
        }
    }
}

/// The secret in an environment variable. An empty one is as good as none.
pub(crate) fn secret(name: &str) -> Result<Option<Zeroizing<String>>, Failure> {
    match env::var(name) {
        Ok(value) => Ok(Some(Zeroizing::new(value)).filter(|value| !value.is_empty())),
        Err(env::VarError::NotPresent) => Ok(None),
        Err(env::VarError::NotUnicode(_)) => {
            Err(Failure::usage(format!("{name} is not UTF-8; it was not used")))
        }
    }
}

/// A setting that is not empty: `PLEXTRAC_URL=` in the environment sets nothing.
fn given(setting: Option<&str>) -> Option<&str> {
    setting.filter(|text| !text.trim().is_empty())
}

/// Byte by byte, so that a program that `exec` runs finds what follows.
fn first_line_of_stdin() -> Result<Zeroizing<String>, Failure> {
    let failed = |error: &dyn Display| {
        Failure::usage(format!("the password cannot be read from standard input: {error}"))
    };
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

fn missing(what: &str, how: &str) -> Failure {
    Failure::usage(format!("{what} is not set, and there is no terminal to ask on; set {how}"))
}
