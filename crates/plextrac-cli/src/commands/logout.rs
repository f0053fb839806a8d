//! `plextrac-auth logout`: forgets the token.

use crate::account;
use crate::args::LogoutArgs;
use crate::exit::Failure;
use crate::output;

pub(crate) fn run(args: &LogoutArgs) -> Result<(), Failure> {
    let session = account::open(&args.account)?;
    session.logout()?;
    output::line(&format!("signed out of {}", session.status().instance))
}
