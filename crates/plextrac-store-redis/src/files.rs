//! Files that hold a secret or certificates.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use zeroize::Zeroizing;

use crate::url_error::StoreUrlError;

/// No key and no password is longer.
const LONGEST_SECRET: usize = 4096;

/// The text of a file that only its user can read, without the end of its last line.
pub(crate) fn read_secret(path: &Path, what: &'static str) -> Result<Zeroizing<String>, StoreUrlError> {
    // A path that leads nowhere may be a secret in the wrong place: it is not repeated.
    let mut file = File::open(path).map_err(|error| not_opened(what, &error))?;
    let failed = |reason: &str| StoreUrlError::new(what, format!("{}: {reason}", path.display()));
    let metadata = file.metadata().map_err(|error| failed(&error.to_string()))?;
    if !metadata.is_file() {
        return Err(failed("it is not a file"));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        if metadata.permissions().mode() & 0o077 != 0 {
            return Err(failed("other users can read it; change that with `chmod 600`"));
        }
    }
    // Sized once: a buffer that grew would leave pieces of the secret behind.
    let mut bytes = Zeroizing::new(vec![0; LONGEST_SECRET + 1]);
    let mut length = 0;
    while length < bytes.len() {
        match file.read(&mut bytes[length..]).map_err(|error| failed(&error.to_string()))? {
            0 => break,
            read => length += read,
        }
    }
    if length > LONGEST_SECRET {
        return Err(failed(&format!("it is longer than {LONGEST_SECRET} bytes")));
    }
    let text = str::from_utf8(&bytes[..length]).map_err(|_| failed("it is not UTF-8"))?;
    Ok(Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned()))
}

/// The certificates in a PEM file.
pub(crate) fn read_certificates(path: &Path) -> Result<Vec<u8>, StoreUrlError> {
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject;
    let failed = |reason: &str| StoreUrlError::new("ca-file", format!("{}: {reason}", path.display()));
    let pem = std::fs::read(path).map_err(|error| not_opened("ca-file", &error))?;
    let found = CertificateDer::pem_slice_iter(&pem)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| failed(&format!("it is damaged: {error}")))?;
    match found.is_empty() {
        true => Err(failed("it holds no certificate in PEM format")),
        false => Ok(pem),
    }
}

fn not_opened(what: &'static str, error: &std::io::Error) -> StoreUrlError {
    StoreUrlError::new(what, format!("the file that it names cannot be read: {error}"))
}
