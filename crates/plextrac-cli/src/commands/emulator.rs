//! `plextrac-auth emulator`: a stand-in for an instance, for programs in any language.

use std::io;
use std::sync::mpsc::{self, Sender};
use std::time::Duration;

use plextrac_emulator::{Account, Emulator, EmulatorBuilder, RetryAfter, Route};
use serde_json::{Map, Value};

use crate::args::emulator::{EmulatorArgs, RetryAfterArg};
use crate::exit::Failure;
use crate::output;

/// Runs until a signal ends it, so that the emulator is dropped and its CA file is removed.
pub(crate) fn run(args: &EmulatorArgs) -> Result<(), Failure> {
    let (end, ended) = mpsc::channel();
    on_signal(end.clone())?;
    let emulator = configured(args)?.start().map_err(|error| not_started(&error))?;
    if args.env {
        output::write(&[shell_lines(&emulator).as_bytes()])?;
        release_stdout()?;
    } else {
        output::line(&emulator.description().to_string())?;
    }
    if args.until_eof {
        std::thread::spawn(move || {
            // The end of the input ends the emulator; so does an error of it.
            let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
            let _ = end.send(());
        });
    }
    // An error would mean that nothing is left that could end this.
    let _ = ended.recv();
    Ok(())
}

fn configured(args: &EmulatorArgs) -> Result<EmulatorBuilder, Failure> {
    let instance = &args.instance;
    let mut builder = with_accounts(Emulator::builder(), args.accounts)
        .bind(args.port, args.tls_port)
        .path_prefix(&instance.path_prefix)
        .limit_per_minute(instance.limit)
        .refresh_counts(!instance.unlimited_refresh)
        .retry_after(match instance.retry_after {
            RetryAfterArg::Auto => RetryAfter::UntilFree,
            RetryAfterArg::None => RetryAfter::Absent,
            RetryAfterArg::Seconds(seconds) => RetryAfter::Seconds(seconds),
        })
        .rejection_status(instance.rejection_status)
        .lock_after(instance.lock_after.0)
        .locked_status(instance.locked_status)
        .challenge_tenant_id(instance.challenge_tenant_id)
        .token_life(Duration::from_secs(instance.token_life))
        .token_padding(instance.token_padding)
        .sign_in_delay(Duration::from_millis(instance.sign_in_delay))
        .refresh_delay(Duration::from_millis(instance.refresh_delay));
    if let Some(text) = &instance.whoami_fields {
        let fields: Map<String, Value> = serde_json::from_str(text).map_err(|error| {
            Failure::usage(format!("--whoami-fields takes a JSON object such as {{\"id\": 7}}: {error}"))
        })?;
        builder =
            fields.into_iter().fold(builder, |builder, (name, value)| builder.whoami_field(name, value));
    }
    if let Some(file) = &instance.routes {
        let routes = Route::read_file(file).map_err(|error| Failure::usage(format!("--routes: {error}")))?;
        builder = routes.into_iter().fold(builder, EmulatorBuilder::route);
    }
    Ok(builder)
}

fn not_started(error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::InvalidInput => Failure::usage(format!("the emulator was not started: {error}")),
        io::ErrorKind::AddrInUse => {
            Failure::other(format!("the emulator could not start: {error}; port 0 takes any free port"))
        }
        _ => Failure::other(format!("the emulator could not start: {error}")),
    }
}

/// Variables that may hold settings of another account. They are used beside or before the emulator's.
const OTHER_ACCOUNT: &str = "PLEXTRAC_CODE PLEXTRAC_CODE_COMMAND PLEXTRAC_PASSWORD_COMMAND PLEXTRAC_PROFILE \
    PLEXTRAC_TOKEN PLEXTRAC_TOTP_SECRET";

/// One line of shell for each variable.
fn shell_lines(emulator: &Emulator) -> String {
    let mut lines = format!("unset {OTHER_ACCOUNT}\n");
    for (name, value) in emulator.environment() {
        lines.push_str(&format!("export {name}={}\n", quoted(&value)));
    }
    lines.push_str(&format!("export PLEXTRAC_EMULATOR_PID={}\n", std::process::id()));
    lines
}

/// Text in single quotes: a POSIX shell takes everything between them literally.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Closes standard output, so that a shell that reads it to its end, as `$(…)` does, goes on.
#[cfg(unix)]
fn release_stdout() -> Result<(), Failure> {
    let nowhere = std::fs::OpenOptions::new().write(true).open("/dev/null");
    nowhere
        .and_then(|nowhere| Ok(rustix::stdio::dup2_stdout(nowhere)?))
        .map_err(|error| Failure::other(format!("standard output cannot be closed: {error}")))
}

#[cfg(not(unix))]
fn release_stdout() -> Result<(), Failure> {
    Ok(())
}

/// The default accounts, or this number of others.
fn with_accounts(builder: EmulatorBuilder, count: Option<u16>) -> EmulatorBuilder {
    match count {
        None => builder,
        Some(count) => {
            (1..=count).map(numbered).fold(builder.no_default_accounts(), EmulatorBuilder::account)
        }
    }
}

/// `user0001@example.com` and so on; the even ones have MFA. Passwords and seeds differ, so that a client that mixes
/// up accounts fails.
fn numbered(number: u16) -> Account {
    let account = Account::new(format!("user{number:04}@example.com"), format!("password-{number:04}"));
    if number % 2 == 1 {
        return account;
    }
    // The seed of RFC 6238, appendix B, with the number at its end, in letters: base32 has no 0, 1, 8 and 9.
    let letters: String =
        [1000, 100, 10, 1].map(|place| char::from(b'A' + (number / place % 10) as u8)).iter().collect();
    account.with_totp(format!("GEZDGNBVGY3TQOJQGEZDGNBVGY3T{letters}"))
}

fn on_signal(end: Sender<()>) -> Result<(), Failure> {
    ctrlc::set_handler(move || {
        // The first signal ends the emulator; later ones have no receiver.
        let _ = end.send(());
    })
    .map_err(|error| Failure::other(format!("signals cannot be received: {error}")))
}
