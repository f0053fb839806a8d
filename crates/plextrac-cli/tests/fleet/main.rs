//! A fleet: many processes, several homes and hosts, one `redis-server`. This program is also the processes that are
//! killed.

#![allow(clippy::print_stdout, reason = "tests report figures, and children their tokens")]
#![allow(dead_code, reason = "the helpers are those of the other tests")]

#[cfg(unix)]
#[path = "../command/engine.rs"]
mod engine;
#[cfg(unix)]
#[path = "../command/stand.rs"]
mod stand;

#[cfg(unix)]
mod child;
#[cfg(unix)]
mod crowd;
#[cfg(target_os = "linux")]
mod hosts;
#[cfg(unix)]
mod killed;

#[cfg(unix)]
fn main() {
    use libtest_mimic::{Arguments, Trial};
    if child::is_one() {
        return child::run();
    }
    let tests: &[(&'static str, fn())] = &[
        ("a_crowd_signs_in_once", crowd::a_crowd_signs_in_once),
        ("a_crowd_replaces_an_expired_token_once", crowd::a_crowd_replaces_an_expired_token_once),
        ("a_crowd_sends_a_code_once", crowd::a_crowd_sends_a_code_once),
        ("a_crowd_sends_a_wrong_password_once", crowd::a_crowd_sends_a_wrong_password_once),
        ("others_go_on_when_a_holder_is_killed", killed::others_go_on_when_a_holder_is_killed),
    ];
    let trial = |&(name, test): &(&'static str, fn())| {
        Trial::test(name, move || {
            test();
            Ok(())
        })
    };
    let mut trials: Vec<Trial> = tests.iter().map(trial).collect();
    // Only root can make network namespaces. Continuous integration has to be root.
    #[cfg(target_os = "linux")]
    trials.push(
        trial(&("a_partition_of_hosts_ends_no_session", hosts::a_partition_of_hosts_ends_no_session))
            .with_ignored_flag(!rustix::process::geteuid().is_root() && std::env::var_os("CI").is_none()),
    );
    // Each needs the whole machine.
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1);
    libtest_mimic::run(&arguments, trials).exit();
}

#[cfg(not(unix))]
fn main() {}
