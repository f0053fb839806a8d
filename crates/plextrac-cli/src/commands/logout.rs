//! `plextrac-auth logout`: forgets the token.

use crate::account::{self, Purpose};
use crate::args::LogoutArgs;
use crate::exit::Failure;
use crate::{output, settings};

pub(crate) fn run(args: &LogoutArgs) -> Result<(), Failure> {
    let session = account::open(&args.account, Purpose::Look)?;
    session.logout()?;
    let instance = session.status().instance;
    output::line(&match settings::secret("PLEXTRAC_TOKEN")? {
        None => format!("signed out of {instance}"),
        Some(_) => format!(
            "signed out of {instance}; PLEXTRAC_TOKEN is still set, and its token lives on to its end"
        ),
    })
}
