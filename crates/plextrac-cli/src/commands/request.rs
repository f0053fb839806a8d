//! `plextrac-auth request METHOD PATH`: one authorized request.

use std::fs;
use std::io::{self, Read};

use plextrac_transport::{Request, Response};
use serde::de::IgnoredAny;
use zeroize::Zeroizing;

use crate::account::{self, Purpose};
use crate::args::RequestArgs;
use crate::exit::Failure;
use crate::output;
use crate::output_file::OutputFile;

/// The media type of `--data` unless a header says otherwise. Not a form, as other tools have it: of a form
/// PlexTrac sees no body.
const BYTES: &str = "application/octet-stream";
const JSON: &str = "application/json";

/// What is read of standard input, which may have no end.
const LARGEST_INPUT: u64 = 256 << 20;

pub(crate) fn run(args: &RequestArgs) -> Result<(), Failure> {
    let request = build(args)?;
    let file = args.output.as_deref().map(OutputFile::open).transpose()?;
    let session = account::open_with(&args.account, Purpose::Use, |config| {
        config.response_limit(args.max_body);
    })?;
    let response = session.request(&request)?;
    let head = if args.include { head_of(&response) } else { Vec::new() };
    let written = match file {
        Some(file) => file.keep(&[&head, response.body()]),
        None => output::write(&[&head, response.body()]),
    };
    match written {
        // Whoever has read enough of the body still wants to know how it went.
        Ok(()) | Err(Failure::ReaderGone) => judge(args, &response),
        failed => failed,
    }
}

/// Whether it was done, by the status alone.
fn judge(args: &RequestArgs, response: &Response) -> Result<(), Failure> {
    if response.is_success() {
        return Ok(());
    }
    let note = match response.status() {
        300..=399 => "; redirects are not followed",
        401 => "; a fresh token does not help",
        403 => "; the account lacks the permission, as a rule",
        _ => "",
    };
    Err(Failure::other(format!(
        "{} {} was answered with HTTP {}{note}",
        args.method,
        args.path.split('?').next().unwrap_or_default(),
        response.status()
    )))
}

fn build(args: &RequestArgs) -> Result<Request, Failure> {
    let mut request = Request::new(&args.method, &args.path)?;
    let mut content_type = None;
    for header in &args.headers {
        let (name, value) = header
            .split_once(':')
            .ok_or_else(|| Failure::usage("a --header is `Name: value`; one has no colon"))?;
        let (name, value) = (name.trim(), value.trim());
        if name.eq_ignore_ascii_case("content-type") {
            content_type = Some(value);
        } else {
            request.header(name, value)?;
        }
    }
    let stdin_is_taken = args.account.password_stdin;
    if let Some(json) = &args.json {
        let bytes = payload(json, stdin_is_taken)?;
        check_json(&bytes)?;
        request.body(content_type.unwrap_or(JSON), &bytes)?;
    } else if let Some(data) = &args.data {
        request.body(content_type.unwrap_or(BYTES), &payload(data, stdin_is_taken)?)?;
    } else if let Some(content_type) = content_type {
        request.header("content-type", content_type)?;
    }
    Ok(request)
}

/// Text as it is, `@FILE`, or standard input for `-` (and `@-`, as curl has it).
fn payload(argument: &str, stdin_is_taken: bool) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let read = match argument.strip_prefix('@') {
        _ if matches!(argument, "-" | "@-") => {
            if stdin_is_taken {
                return Err(Failure::usage(
                    "standard input cannot bring both the password and the data; put one of them elsewhere",
                ));
            }
            return bounded(io::stdin().lock(), LARGEST_INPUT).map_err(Failure::usage);
        }
        Some(path) => fs::read(path).map_err(|error| format!("{path} cannot be read: {error}")),
        None => Ok(argument.as_bytes().to_vec()),
    };
    read.map(Zeroizing::new).map_err(Failure::usage)
}

/// All that comes of a reader that may never end, unless that is more than `most` bytes.
fn bounded(reader: impl Read, most: u64) -> Result<Zeroizing<Vec<u8>>, String> {
    let mut bytes = Zeroizing::new(Vec::new());
    let count = reader
        .take(most + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| format!("standard input cannot be read: {error}"))?;
    if count as u64 > most {
        return Err(format!(
            "standard input brings more than {} MiB, and nothing was sent; what is meant to be larger goes into a file: @FILE",
            most >> 20
        ));
    }
    Ok(bytes)
}

/// What is no JSON would reach the server as no body at all, or worse.
fn check_json(bytes: &[u8]) -> Result<(), Failure> {
    serde_json::from_slice::<IgnoredAny>(bytes).map(drop).map_err(|error| {
        Failure::usage(format!(
            "what --json brings is not JSON, at line {} column {}; nothing was sent (--data sends any bytes)",
            error.line(),
            error.column()
        ))
    })
}

/// Status line and headers as in HTTP/1.1, which is the one version that is spoken.
fn head_of(response: &Response) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {}\r\n", response.status()).into_bytes();
    for (name, value) in response.headers() {
        head.extend_from_slice(name.as_str().as_bytes());
        head.extend_from_slice(b": ");
        head.extend_from_slice(value.as_bytes());
        head.extend_from_slice(b"\r\n");
    }
    head.extend_from_slice(b"\r\n");
    head
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_input_without_an_end_is_refused_and_one_that_just_fits_is_taken() {
        let refused = bounded(io::repeat(b'x'), 3 << 20).unwrap_err();
        assert!(refused.contains("more than 3 MiB, and nothing was sent"), "{refused}");
        assert_eq!(bounded(&b"1234"[..], 4).unwrap().as_slice(), b"1234");
        assert!(bounded(&b"12345"[..], 4).is_err());
    }
}
