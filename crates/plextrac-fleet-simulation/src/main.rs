//! `cargo xtask simulate` runs this: it prints the tables of `docs/scale.md`, and draws its plots.
//!
//! The first argument is the folder `docs`; the second, if there is one, the most clients of a run. Everything but the
//! time and the memory that a run takes follows from the plans' seeds.
#![allow(clippy::print_stdout, reason = "a command line program speaks on its streams")]

mod study;

use std::path::PathBuf;

fn main() -> std::io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let docs = arguments.next().map(PathBuf::from);
    let most = arguments.next().and_then(|most| most.parse().ok()).unwrap_or(100_000);
    let study = study::run(most);
    for (_, table) in &study.tables {
        println!("{table}");
    }
    match docs {
        Some(docs) => study.write(&docs),
        None => Ok(()),
    }
}
