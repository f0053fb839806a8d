//! `plextrac-auth emulator`: a stand-in for an instance, for programs in any language.

use std::io;
use std::sync::mpsc::{self, Sender};
use std::time::Duration;

use plextrac_emulator::Emulator;

use crate::args::EmulatorArgs;
use crate::exit::Failure;
use crate::output;

/// Runs until a signal ends it, so that the emulator is dropped and its CA file goes with it.
pub(crate) fn run(args: &EmulatorArgs) -> Result<(), Failure> {
    let (end, ended) = mpsc::channel();
    on_signal(end.clone())?;
    let emulator = Emulator::builder()
        .bind(args.port, args.tls_port)
        .limit_per_minute(args.limit)
        .token_life(Duration::from_secs(args.token_life))
        .token_padding(args.token_padding)
        .sign_in_delay(Duration::from_millis(args.sign_in_delay))
        .refresh_delay(Duration::from_millis(args.refresh_delay))
        .path_prefix(&args.path_prefix)
        .start()
        .map_err(|error| {
            Failure::other(format!("the emulator could not start: {error}; --port 0 takes any free port"))
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

fn on_signal(end: Sender<()>) -> Result<(), Failure> {
    ctrlc::set_handler(move || {
        // Only the first signal is listened to.
        let _ = end.send(());
    })
    .map_err(|error| Failure::other(format!("signals cannot be received: {error}")))
}
