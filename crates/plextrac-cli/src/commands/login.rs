//! `plextrac-auth login`: a session, told in words.

use plextrac_transport::Status;

use crate::account::{self, Purpose};
use crate::args::LoginArgs;
use crate::durations::spoken;
use crate::exit::Failure;
use crate::{output, remember};

pub(crate) fn run(args: &LoginArgs) -> Result<(), Failure> {
    let purpose = if args.again { Purpose::SignIn } else { Purpose::Use };
    let session = account::open(&args.account, purpose)?;
    if args.again { session.login_again() } else { session.login() }?;
    let counters = session.counters();
    let verb = if counters.sign_ins_sent + counters.mfa_sent > 0 { "signed in" } else { "already signed in" };
    output::line(&format!("{verb} {}", whereabouts(&session.status())))?;
    remember::after_login(args, session.settings())
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
