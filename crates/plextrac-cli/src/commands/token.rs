//! `plextrac-auth token`: a live token, alone on standard output.

use crate::account::{self, Purpose, Shown};
use crate::args::TokenArgs;
use crate::exit::Failure;
use crate::output;

pub(crate) fn run(args: &TokenArgs) -> Result<(), Failure> {
    let session = account::open(&args.account, Purpose::Use)?;
    let shown = Shown::of(&session)?;
    output::write(&[shown.token().as_bytes(), b"\n"])
}
