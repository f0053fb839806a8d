//! One directory, many processes: real ones, which are this program again. They are killed, stopped and forked.

#![allow(clippy::print_stdout, reason = "tests report figures, and children their replies")]
#![cfg_attr(not(unix), allow(unused))]

#[cfg(unix)]
mod child;
#[cfg(unix)]
mod disks;
#[cfg(unix)]
mod owners;
#[cfg(unix)]
mod writers;

use libtest_mimic::Arguments;

#[cfg(unix)]
fn main() {
    if child::is_one() {
        return child::run();
    }
    let trials = [owners::tests(), writers::tests(), disks::tests()].into_iter().flatten().collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

#[cfg(not(unix))]
fn main() {
    libtest_mimic::run(&Arguments::from_args(), Vec::new()).exit();
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
