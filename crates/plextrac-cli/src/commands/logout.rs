//! `plextrac-auth logout`: forgets the token.

use crate::account::{self, Purpose};
use crate::args::LogoutArgs;
use crate::exit::Failure;
use crate::output;

pub(crate) fn run(args: &LogoutArgs) -> Result<(), Failure> {
    let session = account::open(&args.account, Purpose::Look)?;
    session.logout()?;
    output::line(&format!("signed out of {}", session.status().instance))
}
