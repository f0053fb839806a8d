//! `plextrac-auth token`: a live token, alone on standard output.

use crate::account::{self, Purpose, Shown};
use crate::args::TokenArgs;
use crate::exit::Failure;
use crate::output;
use crate::settings::secrets;

pub(crate) fn run(args: &TokenArgs) -> Result<(), Failure> {
    let rejected = args.rejected_stdin.then(secrets::first_line_of_stdin).transpose()?;
    let mut account = account::open(&args.account, Purpose::Use)?;
    if let Some(rejected) = rejected {
        account.give_up(&rejected)?;
    }
    let shown = Shown::of(&mut account)?;
    output::write(&[shown.token().as_bytes(), b"\n"])
}
