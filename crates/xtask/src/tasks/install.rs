//! `cargo xtask install`: the library, where compilers find it, and the command with its man pages and completions.

use std::path::PathBuf;

use crate::installation::{Destination, install};
use crate::library::{INSTALLED_PROFILE, Library};
use crate::project::Project;
use crate::steps::Halt;

/// Install libplextrac with its headers, and the command with man pages and completions, below a prefix
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Where it is going to live, such as /usr/local.
    #[arg(long)]
    prefix: PathBuf,
    /// The folder for libraries, below the prefix.
    #[arg(long, default_value = "lib")]
    libdir: PathBuf,
    /// Write below this folder instead of /, for a package to be made of it.
    #[arg(long)]
    destdir: Option<PathBuf>,
    /// The target triple to build for, such as aarch64-unknown-linux-gnu [default: this machine]
    #[arg(long, value_name = "TRIPLE")]
    target: Option<String>,
    /// The build profile of cargo.
    #[arg(long, default_value = INSTALLED_PROFILE)]
    profile: String,
    /// Hide everything but its own functions in the static library, so that another one written in Rust can be linked
    /// beside it. Needs GNU binutils.
    #[arg(long)]
    isolate: bool,
}

pub(crate) fn run(project: &Project, options: &Options) -> Result<(), Halt> {
    let destination = Destination::new(&options.prefix, &options.libdir, options.destdir.as_deref())?;
    let library = Library::build_to_install(project, &options.profile, options.target.as_deref())?;
    let library = if options.isolate { library.isolated(project)? } else { library };
    for path in install(project, &library, &destination)? {
        println!("{}", path.display());
    }
    Ok(())
}
