//! `plextrac-auth login`: a session, told in words.

use plextrac_transport::Status;

use crate::account::{self, Purpose};
use crate::args::LoginArgs;
use crate::commands::status;
use crate::durations::spoken;
use crate::exit::Failure;
use crate::{background, output, remember};

pub(crate) fn run(args: &LoginArgs) -> Result<(), Failure> {
    let purpose = if args.again { Purpose::SignIn } else { Purpose::Use };
    let session = account::open(&args.account, purpose)?;
    if args.again { session.login_again() } else { session.login() }?;
    let counters = session.counters();
    let is_new = counters.sign_ins_sent + counters.mfa_sent > 0;
    let verb = if is_new { "signed in" } else { "already signed in" };
    if !args.json {
        output::line(&format!("{verb} {}", whereabouts(&session.status())))?;
    }
    let saved = remember::after_login(args, session.settings())?;
    if let Some(duration) = args.keep {
        background::keep(&session, duration)?;
    }
    if args.json {
        let mut object = status::as_json(&session.status(), session.settings());
        object["signed_in_now"] = is_new.into();
        object["saved_profile"] = saved.map(|(name, _)| name).into();
        return output::line(&object.to_string());
    }
    if let Some((name, is_default)) = saved {
        let default = if is_default { ", the default" } else { "" };
        output::line(&format!("saved as profile \"{}\"{default}", output::one_line(&name)))?;
    }
    match session.status().keeper.filter(|_| args.keep.is_some()) {
        Some(keeper) => output::line(&status::kept(&keeper)),
        None => Ok(()),
    }
}

fn whereabouts(status: &Status) -> String {
    let mut text = format!("to {}", status.instance);
    if let Some(username) = &status.username {
        text += &format!(" as {username}");
    }
    if let Some(life) = status.expires_in {
        text += &format!("; the token lives {} more", spoken(life));
    }
    text
}
