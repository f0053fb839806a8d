//! `plextrac-auth request [METHOD] PATH`: one authorized request. Neither body is held in memory.

mod content;
mod form;
mod retries;
mod target;
mod verbose;

use std::io::{self, IsTerminal, Read};

use plextrac_transport::{Error, Request, StreamedResponse};
use zeroize::Zeroizing;

use crate::account::{self, Account, Purpose};
use crate::args::RequestArgs;
use crate::exit::Failure;
use crate::output::Sink;
use crate::output_file::OutputFile;
use crate::progress::Bar;

use content::Content;
use retries::Retries;
use target::Target;

/// The media type of `--data` unless a header says otherwise. Not a form, as other tools have it: of a form
/// PlexTrac sees no body.
const BYTES: &str = "application/octet-stream";
const JSON: &str = "application/json";

/// How much of an answer is in memory at a time.
const PART: usize = 32 * 1024;

pub(crate) fn run(args: &RequestArgs) -> Result<(), Failure> {
    let target = Target::of(args)?;
    let body = Body::of(args)?;
    let retries = Retries::new(args, &target, body.as_ref())?;
    let file = args.output.as_deref().map(OutputFile::open).transpose()?;
    let mut request = None;
    let mut account = account::open_with(&args.account, Purpose::Use, |config| {
        request = Some(target.request(config.base_url())?);
        if args.verbose {
            config.on_http(verbose::show);
        }
        Ok(())
    })?;
    let mut request = request.ok_or_else(|| Failure::other("the request was not made"))?;
    prepare(&mut request, args, body)?;
    if shows_progress(args) {
        let bar = Bar::new();
        request.on_progress(move |progress| bar.show(progress));
    }
    let mut response = exchange(&mut account, &request, retries)?;
    let is_kept = response.is_success() || !args.fail;
    if is_kept {
        let mut sink = Sink::new(file);
        match deliver(args, &mut response, &mut sink).and_then(|()| sink.finish()) {
            // Who has read enough of the body still wants to know how it went.
            Ok(()) | Err(Failure::ReaderGone) => {}
            failed => return failed,
        }
    }
    target.judge(&response)
}

/// Sends it, again and again if that is wanted.
fn exchange(
    account: &mut Account,
    request: &Request,
    mut retries: Retries,
) -> Result<StreamedResponse, Failure> {
    // The wait for a turn to sign in is no part of the timeout: it is over when there is a token.
    match account.login() {
        Err(error) if account.resume(&error)? => account.login(),
        outcome => outcome,
    }?;
    loop {
        let outcome = account.stream(request);
        if let Err(error) = &outcome
            && retries.can_send_again
            && account.resume(error)?
        {
            continue;
        }
        if !retries.again_after(&outcome) {
            return Ok(outcome?);
        }
    }
}

/// Hands on what comes, as it comes.
fn deliver(args: &RequestArgs, response: &mut StreamedResponse, sink: &mut Sink) -> Result<(), Failure> {
    if args.include {
        sink.write(&head_of(response))?;
    }
    let mut part = Zeroizing::new(vec![0; PART]);
    loop {
        match response.read(&mut part) {
            Ok(0) => return Ok(()),
            Ok(count) => sink.write(&part[..count])?,
            Err(error) => return Err(failure(error)),
        }
    }
}

/// The error inside of one from reading a response.
fn failure(error: io::Error) -> Failure {
    match error.downcast::<Error>() {
        Ok(error) => error.into(),
        Err(error) => Failure::other(format!("the answer cannot be read: {error}")),
    }
}

/// A body and its media type.
struct Body {
    content: Content,
    content_type: String,
}

impl Body {
    fn of(args: &RequestArgs) -> Result<Option<Self>, Failure> {
        let stdin_is_taken = args.account.password_stdin;
        let (content, content_type) = if let Some(json) = &args.json {
            (Content::json(json, stdin_is_taken)?, JSON.to_owned())
        } else if let Some(data) = &args.data {
            (Content::data(data, stdin_is_taken)?, BYTES.to_owned())
        } else if args.form.is_empty() {
            return Ok(None);
        } else {
            form::of(&args.form, stdin_is_taken)?
        };
        Ok(Some(Self { content, content_type }))
    }
}

fn prepare(request: &mut Request, args: &RequestArgs, body: Option<Body>) -> Result<(), Failure> {
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
    match (body, content_type) {
        (Some(_), Some(_)) if !args.form.is_empty() => Err(Failure::usage(
            "--form sets Content-Type itself, with the boundary between its parts; leave that header out",
        )),
        (Some(body), given) => {
            let content_type = given.unwrap_or(&body.content_type).to_owned();
            body.content.put_into(request, &content_type)
        }
        (None, Some(given)) => {
            request.header("content-type", given)?;
            Ok(())
        }
        (None, None) => Ok(()),
    }
}

/// A person sees the line, and it gets in nobody's way.
fn shows_progress(args: &RequestArgs) -> bool {
    let is_free = args.output.is_some() || !io::stdout().is_terminal();
    io::stderr().is_terminal() && is_free && !args.quiet && !args.verbose
}

/// Status line and headers as in HTTP/1.1, which is the one version that is spoken.
fn head_of(response: &StreamedResponse) -> Vec<u8> {
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
