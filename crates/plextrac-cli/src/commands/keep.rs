//! `plextrac-auth keep`: refreshes the session of an account in time, though no run needs it.

use std::time::Duration;

use plextrac_transport::{Error, ErrorCode, KeepEnd, Keeper};
use serde_json::json;

use crate::account::{self, Account, Purpose};
use crate::args::KeepArgs;
use crate::background;
use crate::durations::spoken;
use crate::exit::{Exit, Failure};
use crate::output;
use crate::settings::Settings;

pub(crate) fn run(args: &KeepArgs) -> Result<(), Failure> {
    if args.in_background {
        background::leave_terminal();
    }
    let mut settings = Settings::resolve(&args.account, Purpose::Keep)?;
    if settings.username.is_none() {
        return Err(Failure::usage(
            "the user name is not set; set --username, PLEXTRAC_USERNAME or a profile",
        ));
    }
    settings.forget_secrets();
    let account = account::open_settings(settings, Purpose::Keep, |_| Ok(()))?;
    #[cfg(unix)]
    end_with_signals(&account)?;
    let mut written = Ok(());
    let end = account.keep(args.duration, |keeper| {
        if args.in_background {
            return keeper.is_own;
        }
        written = report(args, &account, keeper);
        written.is_ok()
    });
    written?;
    match end {
        Ok(end) => report_end(args, end),
        // A signal ends the process as soon as the record does not name it any more.
        Err(error) if error.code() == ErrorCode::Closed => loop {
            std::thread::park();
        },
        Err(error) => {
            let failure = why_it_ended(&error);
            if args.json {
                output::line(
                    &json!({ "event": "ended", "reason": "failed", "message": error.message() }).to_string(),
                )?;
            }
            Err(failure)
        }
    }
}

fn report(args: &KeepArgs, account: &Account, keeper: &Keeper) -> Result<(), Failure> {
    let ends_in_ms = u64::try_from(keeper.ends_in.as_millis()).unwrap_or(u64::MAX);
    if args.json {
        let event = json!({
            "event": "keeping",
            "ends_in_ms": ends_in_ms,
            "keeper": keeper.label,
            "is_this_process": keeper.is_own,
        });
        return output::line(&event.to_string());
    }
    // Rounded up: the first milliseconds have passed.
    let left = spoken(Duration::from_secs(ends_in_ms.div_ceil(1000)));
    let (instance, label) = (account.base_url(), output::one_line(&keeper.label));
    output::line(&if keeper.is_own {
        format!("keeping the session on {instance} alive for {left}")
    } else {
        format!("{label} keeps the session on {instance} alive for {left}; this process stands by")
    })
}

fn report_end(args: &KeepArgs, end: KeepEnd) -> Result<(), Failure> {
    let (reason, sentence) = match end {
        KeepEnd::TimeOver => ("time_over", "the time is over"),
        KeepEnd::SignedOut => ("signed_out", "the account was signed out"),
        _ => return Ok(()),
    };
    if args.in_background {
        return Ok(());
    }
    output::line(&if args.json {
        json!({ "event": "ended", "reason": reason }).to_string()
    } else {
        sentence.to_owned()
    })
}

/// In terms of this command: the library's sentences about codes speak of its functions.
fn why_it_ended(error: &Error) -> Failure {
    let exit = match error.code() {
        ErrorCode::MfaRequired => Exit::MfaNeeded,
        ErrorCode::Expired => Exit::Rejected,
        _ => return error.clone().into(),
    };
    Failure::Message(exit, format!("{}: `plextrac-auth login`", error.message()))
}

/// Ctrl-C and the like end the process in order, so that the next keeper need not find out that this one is gone.
#[cfg(unix)]
fn end_with_signals(account: &Account) -> Result<(), Failure> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    let failed = |error| Failure::other(format!("signals cannot be received: {error}"));
    let mut signals = signal_hook::iterator::Signals::new([SIGHUP, SIGINT, SIGTERM]).map_err(failed)?;
    let session = (**account).clone();
    std::thread::Builder::new()
        .name("plextrac-signals".into())
        .spawn(move || {
            for signal in signals.forever() {
                session.close();
                let _ = signal_hook::low_level::emulate_default_handler(signal);
            }
        })
        .map_err(failed)?;
    Ok(())
}
