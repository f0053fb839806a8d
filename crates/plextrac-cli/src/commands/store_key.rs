//! `plextrac-auth store-key`: makes the key of a shared store, and changes which keys open one.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use plextrac_store_redis::StoreKey;
use plextrac_transport::{CallLimits, CancelToken, StoreError};

use crate::args::StoreKeyArgs;
use crate::config_file::{ConfigFile, Profile};
use crate::exit::{Exit, Failure};
use crate::output;
use crate::settings::StoreSettings;
use crate::shared_store;

/// How long a change may take.
const LONGEST: Duration = Duration::from_secs(10);

pub(crate) fn run(args: &StoreKeyArgs) -> Result<(), Failure> {
    let wrong = |error: plextrac_store_redis::StoreUrlError| Failure::usage(error.to_string());
    if let Some(path) = &args.add {
        return change(args, &StoreKey::from_file(path).map_err(wrong)?, true);
    }
    if let Some(path) = &args.remove {
        return change(args, &StoreKey::from_file(path).map_err(wrong)?, false);
    }
    if args.list {
        return list(args);
    }
    let key = StoreKey::generate().map_err(|error| Failure::other(error.to_string()))?;
    let Some(path) = &args.output else { return output::line(&key.to_base64()) };
    write(path, &key).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => Failure::usage(format!(
            "{} exists, and a key in use must not be lost; name a file that does not exist",
            path.display()
        )),
        _ => Failure::other(format!("{} cannot be written: {error}", path.display())),
    })?;
    output::line(&format!("wrote the key {} to {}; give it to every machine", key.id(), path.display()))
}

fn change(args: &StoreKeyArgs, key: &StoreKey, is_new: bool) -> Result<(), Failure> {
    let store = shared_store::open_redis(&settings(args)?)?;
    let cancel = CancelToken::new();
    let limits = CallLimits { deadline: Instant::now() + LONGEST, cancel: &cancel };
    if is_new { store.add_key(key, &limits) } else { store.remove_key(key, &limits) }.map_err(failed)?;
    let what = if is_new { "opens the store now" } else { "does not open the store any more" };
    output::line(&format!("the key {} {what}", key.id()))
}

fn list(args: &StoreKeyArgs) -> Result<(), Failure> {
    let settings = settings(args)?;
    let (store, own) = (shared_store::open_redis(&settings)?, shared_store::key(&settings)?.id());
    let cancel = CancelToken::new();
    let limits = CallLimits { deadline: Instant::now() + LONGEST, cancel: &cancel };
    let ids = store.key_ids(&limits).map_err(failed)?;
    if ids.is_empty() {
        return output::line("no key yet: the first run that uses the store lets its key open it");
    }
    let marked = |id: &String| if *id == own { format!("{id}  the key of this run") } else { id.clone() };
    output::line(&ids.iter().map(marked).collect::<Vec<_>>().join("\n"))
}

fn settings(args: &StoreKeyArgs) -> Result<StoreSettings, Failure> {
    StoreSettings::collect(&args.store, &args.origins, profile(args)?.as_ref())?.ok_or_else(|| {
        Failure::usage("the store is not set; set --store, PLEXTRAC_STORE or a profile with a store")
    })
}

/// The profile that is named, else the default one.
fn profile(args: &StoreKeyArgs) -> Result<Option<Profile>, Failure> {
    let file = ConfigFile::read()?;
    let name = args.profile.as_deref().filter(|name| !name.trim().is_empty());
    name.or(file.default_profile()).map(|name| file.get(name).cloned()).transpose()
}

fn failed(error: StoreError) -> Failure {
    Failure::Message(Exit::Network, error.message)
}

/// Makes a file that only its user can read. An existing one stays.
fn write(path: &Path, key: &StoreKey) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(key.to_base64().as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()
}
