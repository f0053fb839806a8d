//! Who signs in where: a flag, then the environment, then a question on the terminal.
//!
//! Flags and their environment variables are read by clap. Secrets have no flags: they are read here.

use std::env;
use std::io::{self, BufRead};

use zeroize::Zeroizing;

use crate::args::AccountArgs;
use crate::exit::Failure;
use crate::prompt;

/// Longer than any secret that a session would take.
const LONGEST_LINE: u64 = 64 * 1024;

/// What a session is opened with, besides how to get to the instance.
pub(crate) struct Settings {
    pub(crate) url: String,
    /// None with a ready-made token alone.
    pub(crate) credentials: Option<(String, Zeroizing<String>)>,
    pub(crate) token: Option<Zeroizing<String>>,
    pub(crate) totp_secret: Option<Zeroizing<String>>,
    /// Whether six digits may be asked for.
    pub(crate) asks: bool,
}

impl Settings {
    /// Collects everything, and asks for what is missing if there is a person to ask.
    pub(crate) fn resolve(args: &AccountArgs) -> Result<Self, Failure> {
        let asks = !args.no_prompt && prompt::is_possible();
        let url = match given(args.url.as_deref()) {
            Some(url) => url.to_owned(),
            None if asks => prompt::visible("URL of the instance")?,
            None => return Err(missing("the instance's URL", "--url or PLEXTRAC_URL")),
        };
        let token = secret("PLEXTRAC_TOKEN")?;
        let username = match given(args.username.as_deref()) {
            Some(username) => Some(username.to_owned()),
            None if token.is_some() && !args.password_stdin => None,
            None if asks => Some(prompt::visible("User name")?),
            None => return Err(missing("the user name", "--username or PLEXTRAC_USERNAME")),
        };
        let credentials = match username {
            Some(username) => {
                password(args, asks, &username, token.is_some())?.map(|password| (username, password))
            }
            None => None,
        };
        Ok(Self { url, credentials, token, totp_secret: secret("PLEXTRAC_TOTP_SECRET")?, asks })
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
pub(crate) fn given(setting: Option<&str>) -> Option<&str> {
    setting.filter(|text| !text.trim().is_empty())
}

fn password(
    args: &AccountArgs,
    asks: bool,
    username: &str,
    has_token: bool,
) -> Result<Option<Zeroizing<String>>, Failure> {
    if args.password_stdin {
        return first_line_of_stdin().map(Some);
    }
    if let Some(password) = secret("PLEXTRAC_PASSWORD")? {
        return Ok(Some(password));
    }
    if has_token {
        // It does without, for as long as it lives.
        Ok(None)
    } else if asks {
        prompt::hidden(&format!("Password of {username}")).map(Some)
    } else {
        Err(missing("the password", "PLEXTRAC_PASSWORD or --password-stdin"))
    }
}

fn first_line_of_stdin() -> Result<Zeroizing<String>, Failure> {
    let mut line = Zeroizing::new(String::with_capacity(1024));
    io::Read::take(io::stdin().lock(), LONGEST_LINE).read_line(&mut line).map_err(|error| {
        Failure::usage(format!("the password cannot be read from standard input: {error}"))
    })?;
    let length = line.trim_end_matches(['\r', '\n']).len();
    line.truncate(length);
    Ok(line)
}

fn missing(what: &str, how: &str) -> Failure {
    Failure::usage(format!("{what} is not set, and there is no terminal to ask on; set {how}"))
}
