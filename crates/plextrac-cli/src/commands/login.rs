//! `plextrac-auth login`: a session, told in words.

use plextrac_transport::Status;

use crate::account;
use crate::args::LoginArgs;
use crate::durations::spoken;
use crate::exit::Failure;
use crate::output;

pub(crate) fn run(args: &LoginArgs) -> Result<(), Failure> {
    let session = account::open(&args.account)?;
    if args.again {
        session.forget_rejection()?;
        session.logout()?;
    }
    let sent_before = session.counters();
    session.login()?;
    let verb = if session.counters() == sent_before { "already signed in" } else { "signed in" };
    output::line(&format!("{verb} {}", whereabouts(&session.status())))
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
