//! The shared store, and what opens it.

use std::path::PathBuf;

use zeroize::Zeroizing;

use super::secrets;
use super::source::{Set, Source};
use crate::args::{Origins, StoreArgs, StoreDown};
use crate::config_file::Profile;
use crate::exit::Failure;
use crate::shared_store;

/// A store that is set. Whether the URL and the key are good is checked when the store is opened.
pub(crate) struct StoreSettings {
    pub(crate) url: Set<String>,
    pub(crate) key_file: Option<Set<PathBuf>>,
    /// The key itself, from the environment. Then there is no file.
    pub(crate) key: Option<Zeroizing<String>>,
    pub(crate) down: Option<Set<StoreDown>>,
}

impl StoreSettings {
    /// What is set; none without a URL.
    pub(crate) fn collect(
        args: &StoreArgs,
        origins: &Origins,
        profile: Option<&Profile>,
    ) -> Result<Option<Self>, Failure> {
        let source = |id| if origins.is_environment(id) { Source::Environment } else { Source::Flag };
        let url = args.store.as_ref().filter(|url| !url.trim().is_empty());
        let url = url
            .map(|url| Set::new(url.trim().to_owned(), source("store")))
            .or_else(|| Some(Set::new(profile?.store.clone()?, Source::Profile)));
        let Some(url) = url else { return Ok(None) };
        if url.source == Source::Flag && shared_store::may_hold_password(&url.value) {
            return Err(Failure::usage(
                "--store holds a password, and other users can read the arguments of every process; put the password \
                 into a file and add ?password-file=/FILE to the URL",
            ));
        }
        let given = args.store_key_file.as_ref().filter(|path| !path.as_os_str().is_empty());
        let given = given.map(|path| Set::new(path.clone(), source("store_key_file")));
        let key = secrets::from_environment("PLEXTRAC_STORE_KEY")?;
        let (key_file, key) = match (given, key) {
            (Some(given), Some(_)) if given.source == Source::Environment => {
                return Err(Failure::usage(
                    "PLEXTRAC_STORE_KEY and PLEXTRAC_STORE_KEY_FILE are both set; leave one out",
                ));
            }
            (Some(given), _) => (Some(given), None),
            (None, Some(key)) => (None, Some(key)),
            (None, None) => {
                let of_profile = profile.and_then(|profile| profile.store_key_file.clone());
                (of_profile.map(|path| Set::new(path, Source::Profile)), None)
            }
        };
        let down = args.store_down.map(|choice| Set::new(choice, source("store_down")));
        let down = down.or_else(|| Some(Set::new(profile?.store_down?, Source::Profile)));
        Ok(Some(Self { url, key_file, key, down }))
    }
}
