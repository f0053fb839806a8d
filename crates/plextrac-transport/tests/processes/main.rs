//! One session, many processes: real ones, which are this program again, and which are killed without a word.

#![allow(clippy::print_stdout, reason = "tests report figures, and children their replies")]

#[path = "../stage/mod.rs"]
mod stage;

mod child;
mod clock;
mod killed;
mod together;
mod unfit;

use libtest_mimic::{Arguments, Trial};

fn main() {
    if child::is_one() {
        return child::run();
    }
    let trials: Vec<Trial> =
        [together::tests(), killed::tests(), unfit::tests()].into_iter().flatten().collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

/// Names each function as a test.
macro_rules! tests {
    ($($name:ident)*) => {
        pub(crate) fn tests() -> Vec<libtest_mimic::Trial> {
            let module = module_path!().rsplit("::").next().unwrap();
            vec![$(libtest_mimic::Trial::test(format!("{module}::{}", stringify!($name)), || {
                $name();
                Ok(())
            })),*]
        }
    };
}
use tests;
