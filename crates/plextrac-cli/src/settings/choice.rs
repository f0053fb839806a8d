//! Which profile is used.
//!
//! A profile describes one account. So its settings never mix with those of another account: where a flag or the
//! environment names another URL or user name, the default profile is not used, and a profile that was asked for is an
//! error.

use plextrac_transport::SessionConfig;

use super::{Named, Set, Source, is_given};
use crate::args::{AccountArgs, NewProfile};
use crate::config_file::{ConfigFile, Profile};
use crate::exit::Failure;

pub(super) enum Choice {
    None,
    /// The default profile is for another account: why.
    Unfit(String),
    Profile(String, Box<Profile>),
    /// It does not exist and is to be saved after the sign-in.
    New(String),
}

/// The profile that `--profile` or PLEXTRAC_PROFILE names, else the default one, if there is one and it fits.
pub(super) fn of_profile(
    args: &AccountArgs,
    named: &Named,
    has_token: bool,
    asks: bool,
) -> Result<Choice, Failure> {
    let mut file = ConfigFile::read()?;
    if let Some(name) = args.profile.as_deref().filter(|name| is_given(name)) {
        let may_be_new = match args.new_profile {
            NewProfile::Refused => false,
            NewProfile::Offered => asks,
            NewProfile::Saved => true,
        };
        if may_be_new && !file.profiles().contains_key(name) {
            return Ok(Choice::New(name.to_owned()));
        }
        let profile = file.take(name)?;
        return match conflict(named, &profile) {
            None => Ok(Choice::Profile(name.to_owned(), Box::new(profile))),
            Some(conflict) => Err(Failure::usage(format!("the profile \"{name}\" {conflict}"))),
        };
    }
    let Some(name) = file.default_profile().map(str::to_owned) else { return Ok(Choice::None) };
    let profile = file.take(&name)?;
    if let Some(conflict) = conflict(named, &profile) {
        return Ok(Choice::Unfit(format!("the default profile \"{name}\" is not used: it {conflict}")));
    }
    // The user of an imported token is not known. A sign-in as the user of the profile must not follow it.
    let profile = if has_token && named.username.is_none() { profile.without_user() } else { profile };
    Ok(Choice::Profile(name, Box::new(profile)))
}

/// What another account than that of the profile is named by.
fn conflict(named: &Named, profile: &Profile) -> Option<String> {
    if let Some(url) = &named.url
        && instance(&url.value) != instance(&profile.url)
    {
        return Some(format!("is for {}, and {} names another URL", profile.url, origin(url, "url")));
    }
    let username = profile.username.as_deref()?;
    let other = named.username.as_ref().filter(|name| name.value.trim() != username.trim())?;
    Some(format!("is for the user {username}, and {} names another", origin(other, "username")))
}

/// Two addresses of one instance are the same here. One that is none is an error later.
fn instance(url: &str) -> String {
    SessionConfig::new(url).map_or_else(|_| url.to_owned(), |config| config.base_url().to_owned())
}

fn origin<T>(set: &Set<T>, name: &str) -> String {
    match set.source {
        Source::Environment => format!("PLEXTRAC_{}", name.to_uppercase()),
        Source::Flag | Source::Profile | Source::Prompt => format!("--{name}"),
    }
}
