//! `plextrac-auth logout`: forgets the token.

use crate::account::{self, Account, Purpose};
use crate::args::LogoutArgs;
use crate::exit::{self, Failure};
use crate::output;
use crate::settings::Settings;

pub(crate) fn run(args: &LogoutArgs) -> Result<(), Failure> {
    if !args.all {
        return sign_out(&account::open(&args.account, Purpose::Look)?);
    }
    let mut outcome = Ok(());
    for settings in Settings::of_all_profiles(&args.account)? {
        let opened = account::open_settings(settings, Purpose::Look, |_| Ok(()));
        match opened.and_then(|account| sign_out(&account)) {
            // One that fails does not keep the others signed in.
            Err(Failure::Message(exit, message)) => {
                exit::say(&message);
                outcome = outcome.and(Err(Failure::Shown(exit)));
            }
            signed_out => signed_out?,
        }
    }
    outcome
}

fn sign_out(account: &Account) -> Result<(), Failure> {
    account.logout()?;
    let status = account.status();
    let user = status.username.map_or(String::new(), |username| format!(" as {username}"));
    let note = if account.settings().secrets.token.is_some() {
        "; PLEXTRAC_TOKEN is still set, and its token lives on to its end"
    } else {
        ""
    };
    output::line(&format!("signed out of {}{user}{note}", status.instance))
}
