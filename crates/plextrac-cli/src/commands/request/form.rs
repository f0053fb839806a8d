//! `--form`: fields and files as multipart/form-data (RFC 7578).

use std::path::Path;

use plextrac_transport::random_seed;
use zeroize::Zeroizing;

use super::content::{Content, Piece};
use crate::exit::Failure;

/// The body, and its media type with the boundary.
pub(super) fn of(fields: &[String], stdin_is_taken: bool) -> Result<(Content, String), Failure> {
    let boundary = format!("{:016x}{:016x}", random_seed()?.draws, random_seed()?.draws);
    let mut pieces = Vec::new();
    for field in fields {
        let (name, value) = match field.split_once('=') {
            Some((name, value)) if !name.is_empty() => (name, value),
            _ => {
                return Err(Failure::usage(
                    "a --form is NAME=VALUE or NAME=@FILE; one has no name or no `=`",
                ));
            }
        };
        let head = format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{}\"", quoted(name));
        match value.strip_prefix('@') {
            None => pieces.push(bytes(format!("{head}\r\n\r\n{value}"))),
            Some(file) => {
                let (path, media_type) = split_type(file)?;
                let content = match path {
                    "-" => Piece::stdin(stdin_is_taken)?,
                    path => Piece::file(Path::new(path))?,
                };
                let name = Path::new(path).file_name().unwrap_or_default().to_string_lossy();
                pieces.push(bytes(format!(
                    "{head}; filename=\"{}\"\r\nContent-Type: {media_type}\r\n\r\n",
                    quoted(&name)
                )));
                pieces.push(content);
            }
        }
        pieces.push(bytes("\r\n".to_owned()));
    }
    pieces.push(bytes(format!("--{boundary}--\r\n")));
    Ok((Content::of(pieces), format!("multipart/form-data; boundary={boundary}")))
}

/// `FILE;type=MEDIA/TYPE`, as curl has it.
fn split_type(file: &str) -> Result<(&str, &str), Failure> {
    match file.rsplit_once(";type=") {
        None => Ok((file, super::BYTES)),
        Some((path, media_type))
            if media_type.contains('/')
                && media_type.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ') =>
        {
            Ok((path, media_type))
        }
        Some(_) => Err(Failure::usage(
            "the type of a --form file is not a media type; write NAME=@FILE;type=text/csv, for example",
        )),
    }
}

/// As browsers write it (WHATWG, "multipart/form-data encoding algorithm").
fn quoted(name: &str) -> String {
    name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}

fn bytes(text: String) -> Piece {
    Piece::Bytes(Zeroizing::new(text.into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_end_its_own_quotation() {
        assert_eq!(quoted("a\"; filename=\"x\r\nX: y"), "a%22; filename=%22x%0D%0AX: y");
        assert_eq!(quoted("Bericht für Müller.pdf"), "Bericht für Müller.pdf");
    }

    #[test]
    fn a_file_may_have_a_media_type() {
        assert_eq!(split_type("a.csv").ok(), Some(("a.csv", "application/octet-stream")));
        assert_eq!(
            split_type("a;b.csv;type=text/csv; charset=utf-8").ok(),
            Some(("a;b.csv", "text/csv; charset=utf-8"))
        );
        for wrong in ["a;type=", "a;type=csv", "a;type=text/csv\r\nX: y"] {
            assert!(split_type(wrong).is_err(), "{wrong}");
        }
    }
}
