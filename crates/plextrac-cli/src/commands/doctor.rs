//! `plextrac-auth doctor`: what stands between here and a sign-in.

use crate::args::DoctorArgs;
use crate::exit::Failure;

pub(crate) fn run(_args: &DoctorArgs) -> Result<(), Failure> {
    Err(Failure::other("not yet"))
}
