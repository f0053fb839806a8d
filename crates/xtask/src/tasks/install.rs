//! `cargo xtask install`: the library for C and C++ programs, where their compilers find it.

use std::path::PathBuf;

use crate::installation::{Destination, install};
use crate::library::Library;
use crate::project::Project;
use crate::steps::Halt;

/// Install headers, libplextrac, plextrac.pc and the CMake package below a prefix
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
    /// The build profile of cargo.
    #[arg(long, default_value = "release")]
    profile: String,
    /// Hide everything but its own functions in the static library, so that another one written in Rust can be linked
    /// beside it. Needs GNU binutils.
    #[arg(long)]
    isolate: bool,
}

pub(crate) fn run(project: &Project, options: &Options) -> Result<(), Halt> {
    let destination = Destination::new(&options.prefix, &options.libdir, options.destdir.as_deref())?;
    let library = Library::build_alone(project, &options.profile)?;
    let library = if options.isolate { library.isolated(project)? } else { library };
    for path in install(project, &library, &destination)? {
        println!("{}", path.display());
    }
    Ok(())
}
