//! Saves the account of a sign-in as a profile, if that is wanted.

use std::path::{Path, PathBuf};

use crate::args::LoginArgs;
use crate::config_file::{ConfigFile, Profile};
use crate::exit::{self, Failure};
use crate::settings::{Code, Password, Set, Settings, Source};
use crate::{account, output, prompt, shared_store};

/// Saves it with `--save`. A person who has typed what a profile would remember is asked. Returns the name of the
/// profile, and whether it is the default.
pub(crate) fn after_login(args: &LoginArgs, settings: &Settings) -> Result<Option<(String, bool)>, Failure> {
    if args.no_save || !(args.save || is_worth_asking(settings)) {
        return Ok(None);
    }
    let mut file = ConfigFile::read()?;
    let profile = profile_of(settings)?;
    let name = settings.profile_name().map_or_else(|| name_of(&profile, &file), str::to_owned);
    let question = format!("Save URL and user name as profile \"{}\"? [Y/n]", output::one_line(&name));
    if !args.save && !prompt::confirm(&question, true)? {
        return Ok(None);
    }
    file.save(&name, &profile)?;
    let is_default = file.default_profile() == Some(&name);
    Ok(Some((name, is_default)))
}

fn is_worth_asking(settings: &Settings) -> bool {
    let is_typed = |set: &Set<String>| set.source == Source::Prompt;
    let is_new = settings.new_profile.is_some();
    let has_typed = is_typed(&settings.url) || settings.username.as_ref().is_some_and(is_typed);
    settings.asks && prompt::can_confirm() && (is_new || has_typed)
}

/// Everything but secrets, so that the next run needs no flag and no variable to go the same way.
fn profile_of(settings: &Settings) -> Result<Profile, Failure> {
    let path = |path: &Option<Set<PathBuf>>| path.as_ref().map(|path| absolute(&path.value)).transpose();
    let proxy = settings.proxy.as_ref().map(|proxy| proxy.value.clone());
    if proxy.as_ref().is_some_and(|proxy| proxy.contains('@')) {
        exit::say("warning: the proxy is not saved, because its address may hold a password");
    }
    let password_command = match &settings.secrets.password {
        Some(Password::Command(command)) => Some(command.value.clone()),
        _ => None,
    };
    let code_command = match &settings.secrets.code {
        Some(Code::Command(command)) => Some(command.value.clone()),
        _ => None,
    };
    let (mut store, mut store_key_file, mut store_down) = (None, None, None);
    if let Some(set) = &settings.store {
        if shared_store::may_hold_password(&set.url.value) {
            exit::say(
                "warning: the store is not saved, because its URL holds a password; use ?password-file=/FILE",
            );
        } else {
            store = Some(set.url.value.clone());
            store_key_file = path(&set.key_file)?;
            store_down = set.down.as_ref().map(|choice| choice.value);
        }
    }
    Ok(Profile {
        url: account::way_to(settings)?.base_url().to_owned(),
        username: settings.username().map(str::to_owned),
        ca_file: path(&settings.ca_file)?,
        headers_file: path(&settings.headers_file)?,
        auth_scheme: settings.auth_scheme.as_ref().map(|scheme| scheme.value),
        proxy: proxy.filter(|proxy| !proxy.contains('@')),
        state_dir: path(&settings.state_dir)?,
        store,
        store_key_file,
        store_down,
        password_command,
        code_command,
    })
}

/// The host, and the user if another one of this host has that name already.
fn name_of(profile: &Profile, file: &ConfigFile) -> String {
    let host = profile.url.split_once("://").map_or(profile.url.as_str(), |(_, host)| host);
    let other = file.profiles().get(host).filter(|other| other.username != profile.username);
    match (other, &profile.username) {
        (Some(_), Some(username)) => format!("{username}@{host}"),
        _ => host.to_owned(),
    }
}

/// Good in whatever folder the next run begins.
fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    std::path::absolute(path)
        .map_err(|error| Failure::other(format!("{} cannot be saved: {error}", path.display())))
}
