//! `plextrac-auth emulator`: a stand-in for an instance, for programs in any language.

use std::io;
use std::sync::mpsc::{self, Sender};
use std::time::Duration;

use plextrac_emulator::{Account, Emulator, EmulatorBuilder};

use crate::args::EmulatorArgs;
use crate::exit::Failure;
use crate::output;

/// Runs until a signal ends it, so that the emulator is dropped and its CA file goes with it.
pub(crate) fn run(args: &EmulatorArgs) -> Result<(), Failure> {
    let (end, ended) = mpsc::channel();
    on_signal(end.clone())?;
    let emulator = with_accounts(Emulator::builder(), args.accounts)
        .bind(args.port, args.tls_port)
        .limit_per_minute(args.limit)
        .token_life(Duration::from_secs(args.token_life))
        .token_padding(args.token_padding)
        .sign_in_delay(Duration::from_millis(args.sign_in_delay))
        .refresh_delay(Duration::from_millis(args.refresh_delay))
        .path_prefix(&args.path_prefix)
        .start()
        .map_err(|error| match error.kind() {
            io::ErrorKind::InvalidInput => Failure::usage(format!("the emulator was not started: {error}")),
            _ => {
                Failure::other(format!("the emulator could not start: {error}; --port 0 takes any free port"))
            }
        })?;
    output::line(&emulator.description().to_string())?;
    if args.until_eof {
        std::thread::spawn(move || {
            // Whatever ends the input ends the emulator; so does an error of it.
            let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
            let _ = end.send(());
        });
    }
    // An error would mean that nobody is left who could end this.
    let _ = ended.recv();
    Ok(())
}

/// The default accounts, or so many others.
fn with_accounts(builder: EmulatorBuilder, count: Option<u16>) -> EmulatorBuilder {
    match count {
        None => builder,
        Some(count) => {
            (1..=count).map(numbered).fold(builder.no_default_accounts(), EmulatorBuilder::account)
        }
    }
}

/// `user0001@example.com` and so on; the even ones have MFA. Passwords and seeds differ, so that a client that mixes
/// accounts up is found out.
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
        // Only the first signal is listened to.
        let _ = end.send(());
    })
    .map_err(|error| Failure::other(format!("signals cannot be received: {error}")))
}
