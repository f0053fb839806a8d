//! The file of headers that go with every request. A file, because their values are secrets as a rule.

use std::fs;
use std::path::Path;

use plextrac_transport::SessionConfig;
use zeroize::Zeroizing;

use crate::exit::Failure;

/// Sets the headers in `path`: `Name: value` line by line; empty lines and those that begin with `#` say nothing.
/// Errors name the line and never repeat it.
pub(crate) fn apply(path: &Path, config: &mut SessionConfig) -> Result<(), Failure> {
    let text = fs::read_to_string(path).map(Zeroizing::new).map_err(|error| {
        Failure::usage(format!("the headers file {} cannot be read: {error}", path.display()))
    })?;
    for (number, line) in (1..).zip(text.lines()) {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        let place = || format!("line {number} of the headers file {}", path.display());
        let (name, value) = line
            .split_once(':')
            .ok_or_else(|| Failure::usage(format!("{} is not `Name: value`", place())))?;
        config
            .header(name.trim(), value.trim())
            .map_err(|error| Failure::usage(format!("{}: {error}", place())))?;
    }
    Ok(())
}
