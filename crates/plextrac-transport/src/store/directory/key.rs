//! The key file: 32 random bytes that key the names of records and the fingerprints in them.

use std::fs::OpenOptions;
use std::io::Read;

use zeroize::Zeroizing;

use super::super::memory::random_key;
use super::super::{CallLimits, StoreError};
use super::files::{FileError, Files, not_safe, unavailable};
use super::{lock, replace};

/// Begins the content of the key file. The file of another program, such as a TLS key, does not begin with it.
const KEY_HEADER: &[u8] = b"plextrac-auth state key 1\n";

const KEY_FILE_LENGTH: usize = KEY_HEADER.len() + 32;

const KEY: &str = "key";

pub(super) fn read_or_make(
    files: &Files,
    limits: &CallLimits<'_>,
) -> Result<Zeroizing<[u8; 32]>, StoreError> {
    if let Some(key) = read(files)? {
        return Ok(key);
    }
    // Under a lock, so that two processes that start at once do not make two keys.
    let _held = lock::hold(files, KEY, limits)?;
    if let Some(key) = read(files)? {
        return Ok(key);
    }
    let key = random_key()?;
    let mut content = Zeroizing::new(Vec::with_capacity(KEY_FILE_LENGTH));
    content.extend_from_slice(KEY_HEADER);
    content.extend_from_slice(key.as_slice());
    replace::put(files, KEY, &content)?;
    Ok(key)
}

/// The key; `None` if there is none, or only the beginning of one, which a power loss can leave behind.
fn read(files: &Files) -> Result<Option<Zeroizing<[u8; 32]>>, FileError> {
    let Some((mut file, metadata)) = files.open_file(KEY, OpenOptions::new().read(true))? else {
        return Ok(None);
    };
    let path = files.path_of(KEY);
    let foreign = || {
        not_safe(format!(
            "{} is not a key of plextrac-auth and is not replaced; move it away, or use another state directory",
            path.display()
        ))
    };
    // Sized once: a buffer that grew would leave pieces of the key behind.
    let length = usize::try_from(metadata.len()).unwrap_or(usize::MAX);
    let mut content = Zeroizing::new(vec![0; length.min(KEY_FILE_LENGTH + 1)]);
    file.read_exact(&mut content).map_err(|error| unavailable("read", &path, &error))?;
    match content.strip_prefix(KEY_HEADER) {
        Some(key) => Ok(key.try_into().ok().map(Zeroizing::new)),
        None if KEY_HEADER.starts_with(&content) => Ok(None),
        None => Err(foreign()),
    }
}
