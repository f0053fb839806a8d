//! `config.toml`: the profiles, with the settings of one account each and no secret.
//!
//! ```toml
//! default_profile = "acme"
//!
//! [profiles.acme]
//! url = "https://acme.plextrac.com"
//! username = "me@acme.example"
//! password_command = "pass show plextrac/acme"
//! ```
//!
//! People edit this file: what they wrote stays, comments too. An error names the line or the key and never shows what
//! stands there.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use toml_edit::{DocumentMut, Item, Table, value};

use crate::args::{AuthScheme, StoreDown};
use crate::exit::Failure;
use crate::{places, shared_store};

/// The file, as it was read.
pub(crate) struct ConfigFile {
    /// None if the user has no home directory.
    path: Option<PathBuf>,
    document: DocumentMut,
    default: Option<String>,
    profiles: BTreeMap<String, Profile>,
}

/// The settings of an account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Profile {
    pub(crate) url: String,
    pub(crate) username: Option<String>,
    pub(crate) ca_file: Option<PathBuf>,
    pub(crate) headers_file: Option<PathBuf>,
    pub(crate) auth_scheme: Option<AuthScheme>,
    pub(crate) proxy: Option<String>,
    pub(crate) state_dir: Option<PathBuf>,
    /// It holds no password.
    pub(crate) store: Option<String>,
    pub(crate) store_key_file: Option<PathBuf>,
    pub(crate) store_down: Option<StoreDown>,
    pub(crate) password_command: Option<String>,
    pub(crate) code_command: Option<String>,
}

const DEFAULT: &str = "default_profile";
const PROFILES: &str = "profiles";

impl ConfigFile {
    /// A file that is not there has no profiles.
    pub(crate) fn read() -> Result<Self, Failure> {
        let path = places::config_dir().map(|folder| folder.join("config.toml"));
        let text = path.as_deref().map_or(Ok(None), read).map_err(Failure::usage)?;
        let place = path.as_deref().unwrap_or(Path::new("config.toml"));
        let (document, default, profiles) = parse(&text.unwrap_or_default())
            .map_err(|error| Failure::usage(format!("{}: {error}", place.display())))?;
        Ok(Self { path, document, default, profiles })
    }

    pub(crate) fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    pub(crate) fn default_profile(&self) -> Option<&str> {
        self.default.as_deref()
    }

    pub(crate) fn profiles(&self) -> &BTreeMap<String, Profile> {
        &self.profiles
    }

    pub(crate) fn into_profiles(self) -> BTreeMap<String, Profile> {
        self.profiles
    }

    pub(crate) fn get(&self, name: &str) -> Result<&Profile, Failure> {
        self.profiles.get(name).ok_or_else(|| self.unknown(name))
    }

    pub(crate) fn take(&mut self, name: &str) -> Result<Profile, Failure> {
        self.profiles.remove(name).ok_or_else(|| self.unknown(name))
    }

    /// Adds or replaces a profile. The first one becomes the default.
    pub(crate) fn save(&mut self, name: &str, profile: &Profile) -> Result<(), Failure> {
        let profiles = self.document.entry(PROFILES).or_insert_with(|| {
            let mut table = Table::new();
            table.set_implicit(true);
            Item::Table(table)
        });
        let entry = profiles
            .as_table_like_mut()
            .map(|profiles| profiles.entry(name).or_insert(Item::Table(Table::new())));
        // It was read as a table.
        let Some(table) = entry.and_then(Item::as_table_like_mut) else { return Err(self.unknown(name)) };
        for (key, text) in profile.entries() {
            match text {
                Some(text) if table.get(key).and_then(Item::as_str) == Some(&text) => {}
                Some(text) => drop(table.insert(key, value(text))),
                None => drop(table.remove(key)),
            }
        }
        if self.default.is_none() {
            self.set_default(name);
        }
        self.profiles.insert(name.to_owned(), profile.clone());
        self.write()
    }

    /// Makes a profile the default.
    pub(crate) fn choose(&mut self, name: &str) -> Result<(), Failure> {
        self.get(name)?;
        self.set_default(name);
        self.write()
    }

    /// Removes a profile. Returns whether it was the default.
    pub(crate) fn remove(&mut self, name: &str) -> Result<bool, Failure> {
        self.take(name)?;
        if let Some(profiles) = self.document.get_mut(PROFILES).and_then(Item::as_table_like_mut) {
            profiles.remove(name);
        }
        let was_default = self.default.as_deref() == Some(name);
        if was_default {
            self.default = None;
            self.document.remove(DEFAULT);
        }
        self.write()?;
        Ok(was_default)
    }

    fn set_default(&mut self, name: &str) {
        self.document[DEFAULT] = value(name);
        self.default = Some(name.to_owned());
    }

    fn write(&self) -> Result<(), Failure> {
        let path = self.path.as_deref().ok_or_else(|| {
            Failure::other("there is no home directory to keep profiles in; set XDG_CONFIG_HOME or HOME")
        })?;
        write(path, &self.document.to_string())
            .map_err(|error| Failure::other(format!("{} cannot be written: {error}", path.display())))
    }

    fn unknown(&self, name: &str) -> Failure {
        let known: Vec<_> = self.profiles.keys().map(|name| format!("\"{name}\"")).collect();
        let known = if known.is_empty() {
            "there are none".to_owned()
        } else {
            format!("there are {}", known.join(", "))
        };
        Failure::usage(format!("there is no profile \"{name}\"; {known}"))
    }
}

impl Profile {
    /// The instance and the way to it.
    pub(crate) fn without_user(self) -> Self {
        Self { username: None, password_command: None, code_command: None, ..self }
    }

    /// The entries of the file, in their order.
    pub(crate) fn entries(&self) -> [(&'static str, Option<String>); 12] {
        let path = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string());
        let scheme = self.auth_scheme.map(|scheme| scheme.name().to_owned());
        let store_down = self.store_down.map(|choice| choice.name().to_owned());
        [
            ("url", Some(self.url.clone())),
            ("username", self.username.clone()),
            ("ca_file", path(&self.ca_file)),
            ("headers_file", path(&self.headers_file)),
            ("auth_scheme", scheme),
            ("proxy", self.proxy.clone()),
            ("state_dir", path(&self.state_dir)),
            ("store", self.store.clone()),
            ("store_key_file", path(&self.store_key_file)),
            ("store_down", store_down),
            ("password_command", self.password_command.clone()),
            ("code_command", self.code_command.clone()),
        ]
    }

    fn read(name: &str, item: &Item) -> Result<Self, String> {
        let what = |key: &str| format!("{key} of the profile \"{name}\"");
        let table = item.as_table_like().ok_or_else(|| format!("the profile \"{name}\" is not a table"))?;
        let mut profile = Self::default();
        for (key, item) in table.iter() {
            let text = item.as_str().ok_or_else(|| format!("{} is not a text", what(key)))?.to_owned();
            let path = || {
                let path = PathBuf::from(&text);
                if path.is_absolute() {
                    Ok(path)
                } else {
                    Err(format!("{} is not an absolute path", what(key)))
                }
            };
            match key {
                "url" => profile.url = text,
                "username" => profile.username = Some(text),
                "ca_file" => profile.ca_file = Some(path()?),
                "headers_file" => profile.headers_file = Some(path()?),
                "auth_scheme" => {
                    let scheme = AuthScheme::of(&text);
                    profile.auth_scheme =
                        Some(scheme.ok_or_else(|| format!("{} is neither raw nor bearer", what(key)))?);
                }
                "proxy" => profile.proxy = Some(text),
                "state_dir" => profile.state_dir = Some(path()?),
                "store" if shared_store::may_hold_password(&text) => {
                    return Err(format!(
                        "{} holds a password, which a profile does not hold; put it into a file and add \
                         ?password-file=/FILE to the URL",
                        what(key)
                    ));
                }
                "store" => profile.store = Some(text),
                "store_key_file" => profile.store_key_file = Some(path()?),
                "store_down" => {
                    let choice = StoreDown::of(&text);
                    profile.store_down =
                        Some(choice.ok_or_else(|| format!("{} is neither stop nor alone", what(key)))?);
                }
                "password_command" => profile.password_command = Some(text),
                "code_command" => profile.code_command = Some(text),
                "store_key" => {
                    return Err(format!(
                        "{} is a secret, which a profile does not hold; use store_key_file",
                        what(key)
                    ));
                }
                "password" | "totp_secret" | "token" | "code" => {
                    return Err(format!(
                        "{} is a secret, which a profile does not hold; use a command",
                        what(key)
                    ));
                }
                _ => return Err(format!("{} is not a setting", what(key))),
            }
        }
        if profile.url.trim().is_empty() {
            return Err(format!("{} is missing", what("url")));
        }
        Ok(profile)
    }
}

type Parsed = (DocumentMut, Option<String>, BTreeMap<String, Profile>);

fn parse(text: &str) -> Result<Parsed, String> {
    let document: DocumentMut = text.parse().map_err(|error: toml_edit::TomlError| {
        let at = error.span().map_or(0, |span| span.start);
        format!("line {} is not TOML", text[..at].matches('\n').count() + 1)
    })?;
    let (mut default, mut profiles) = (None, BTreeMap::new());
    for (key, item) in document.iter() {
        match key {
            DEFAULT => {
                default = Some(item.as_str().ok_or_else(|| format!("{DEFAULT} is not a text"))?.to_owned())
            }
            PROFILES => {
                let table = item.as_table_like().ok_or_else(|| format!("{PROFILES} is not a table"))?;
                for (name, item) in table.iter() {
                    profiles.insert(name.to_owned(), Profile::read(name, item)?);
                }
            }
            _ => return Err(format!("{key} is not a setting; a profile is a table [{PROFILES}.NAME]")),
        }
    }
    Ok((document, default, profiles))
}

/// The text of the file, unless other users could have written it: it names commands that are run.
fn read(path: &Path) -> Result<Option<String>, String> {
    let cannot = |error: io::Error| format!("{} cannot be read: {error}", path.display());
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(cannot(error)),
    };
    check_owner(path, &metadata)?;
    fs::read_to_string(path).map(Some).map_err(cannot)
}

#[cfg(unix)]
fn check_owner(path: &Path, metadata: &fs::Metadata) -> Result<(), String> {
    use std::os::unix::fs::MetadataExt;
    let us = rustix::process::geteuid().as_raw();
    if metadata.uid() != us && metadata.uid() != 0 {
        return Err(format!("{} belongs to user {}; it is not used", path.display(), metadata.uid()));
    }
    if metadata.mode() & 0o022 != 0 {
        return Err(format!("other users can write {}; it is not used: chmod 600 it", path.display()));
    }
    Ok(())
}

#[cfg(not(unix))]
fn check_owner(_: &Path, _: &fs::Metadata) -> Result<(), String> {
    Ok(())
}

/// Replaces the file as a whole; only its owner can read it.
fn write(path: &Path, text: &str) -> io::Result<()> {
    // A link leads to where the user keeps such files.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let folder = path.parent().ok_or(io::ErrorKind::NotFound)?;
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.persist(&path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_by_hand_is_read() {
        let text = "default_profile = 'a'\n[profiles.a]\nurl = 'https://a.example'\nauth_scheme = 'bearer'\n\n\
                    [profiles]\n'b c' = { url = 'b.example', username = 'b', ca_file = '/ca.pem' }\n";
        let (_, default, profiles) = parse(text).unwrap();
        assert_eq!(default.as_deref(), Some("a"));
        assert_eq!(profiles["a"].auth_scheme, Some(AuthScheme::Bearer));
        assert_eq!(profiles["b c"].ca_file.as_deref(), Some(Path::new("/ca.pem")));
    }

    #[test]
    fn an_error_names_the_place_and_shows_no_value() {
        let profile = |line: &str| format!("[profiles.a]\nurl = 'https://a.example'\n{line}\n");
        for (text, told) in [
            ("\npassword = hunter2".to_owned(), "line 2 is not TOML"),
            ("profile = 'hunter2'".to_owned(), "profile is not a setting"),
            ("default_profile = 1".to_owned(), "default_profile is not a text"),
            ("profiles = 'hunter2'".to_owned(), "profiles is not a table"),
            ("[profiles.a]".to_owned(), "url of the profile \"a\" is missing"),
            (profile("password = 'hunter2'"), "password of the profile \"a\" is a secret"),
            (profile("usrname = 'hunter2'"), "usrname of the profile \"a\" is not a setting"),
            (profile("auth_scheme = 'hunter2'"), "is neither raw nor bearer"),
            (profile("ca_file = 'hunter2'"), "is not an absolute path"),
            (profile("store = 'redis://user:hunter2@engine'"), "add ?password-file=/FILE to the URL"),
            (profile("store = 'redis://user:hun/ter?hunter2@engine'"), "holds a password"),
            (profile("store_key = 'hunter2'"), "use store_key_file"),
            (profile("store_key_file = 'hunter2'"), "is not an absolute path"),
            (profile("store_down = 'hunter2'"), "is neither stop nor alone"),
        ] {
            let error = parse(&text).unwrap_err();
            assert!(error.contains(told) && !error.contains("hunter2"), "{text}: {error}");
        }
    }
}
