//! The system's roots and the CA file in one file, for programs that `exec` runs.
//!
//! OpenSSL, curl and requests trust the certificates of one file *instead of* the system's. So they need both in one.
//! The file lies in the state directory; its name is a digest of its content, so that runs with other roots or another
//! CA file do not change it.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use crate::exit::{self, Failure};

/// Each takes the place of the system's roots.
const REPLACING: [&str; 3] = ["SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE"];

/// Comes on top of Node's own roots.
const ADDING: &str = "NODE_EXTRA_CA_CERTS";

/// The name begins as those of all files in a state directory.
const PREFIX: &str = "plextrac-auth-ca-";

/// A program that `exec` runs may read its bundle late.
const KEPT: Duration = Duration::from_secs(7 * 24 * 3600);

/// Has the command trust `ca_file` beside the system's roots. A variable that the user has set stays.
pub(crate) fn hand_on(
    ca_file: &Path,
    state_dir: Option<&Path>,
    command: &mut Command,
) -> Result<(), Failure> {
    let is_unset = |name: &&str| std::env::var_os(name).is_none();
    if is_unset(&ADDING) {
        command.env(ADDING, ca_file);
    }
    let unset: Vec<&str> = REPLACING.into_iter().filter(is_unset).collect();
    if unset.is_empty() {
        return Ok(());
    }
    let Some(directory) = state_dir else {
        exit::say(&format!(
            "warning: curl, OpenSSL and requests do not trust {}: there is no state directory for a file with it and the \
             system's certificates",
            ca_file.display()
        ));
        return Ok(());
    };
    let bundle = write(ca_file, directory).map_err(|error| {
        Failure::other(format!(
            "the certificates of {} and of the system cannot be written to {}: {error}",
            ca_file.display(),
            directory.display()
        ))
    })?;
    for name in unset {
        command.env(name, &bundle);
    }
    Ok(())
}

fn write(ca_file: &Path, directory: &Path) -> io::Result<PathBuf> {
    let bundle = content(&fs::read(ca_file)?);
    let name: String = Sha256::digest(&bundle)[..16].iter().map(|byte| format!("{byte:02x}")).collect();
    let path = std::path::absolute(directory)?.join(format!("{PREFIX}{name}.pem"));
    // The next run sees by its date that it is in use.
    if File::options().write(true).open(&path).and_then(|file| file.set_modified(SystemTime::now())).is_ok() {
        return Ok(path);
    }
    let mut file = tempfile::Builder::new().prefix(PREFIX).tempfile_in(directory)?;
    file.write_all(&bundle)?;
    file.persist(&path)?;
    remove_old(directory);
    Ok(path)
}

fn content(ca_file: &[u8]) -> Vec<u8> {
    // Roots that cannot be read are missing for the system's programs as well.
    let roots = rustls_native_certs::load_native_certs().certs;
    let mut bundle = Vec::with_capacity(ca_file.len() + 2048 * roots.len());
    for root in &roots {
        bundle.extend_from_slice(b"-----BEGIN CERTIFICATE-----\n");
        for line in STANDARD.encode(root).as_bytes().chunks(64) {
            bundle.extend_from_slice(line);
            bundle.push(b'\n');
        }
        bundle.extend_from_slice(b"-----END CERTIFICATE-----\n");
    }
    bundle.extend_from_slice(ca_file);
    bundle
}

/// A bundle that cannot be removed does no harm.
fn remove_old(directory: &Path) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let is_bundle = entry.file_name().to_str().is_some_and(|name| name.starts_with(PREFIX));
        let age = || entry.metadata().ok()?.modified().ok()?.elapsed().ok();
        if is_bundle && age().is_some_and(|age| age > KEPT) {
            drop(fs::remove_file(entry.path()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_is_written_once_and_old_ones_go() {
        let directory = tempfile::tempdir().unwrap();
        let ca = directory.path().join("ca.pem");
        fs::write(&ca, "first").unwrap();
        let first = write(&ca, directory.path()).unwrap();
        assert!(fs::read(&first).unwrap().ends_with(b"first"));
        assert_eq!(write(&ca, directory.path()).unwrap(), first);
        let old = SystemTime::now() - KEPT - Duration::from_secs(60);
        File::options().write(true).open(&first).unwrap().set_modified(old).unwrap();
        fs::write(&ca, "second").unwrap();
        let second = write(&ca, directory.path()).unwrap();
        assert!(!first.exists() && second.exists());
    }
}
