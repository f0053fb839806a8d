//! The shared library as the linker left it.

#![cfg(target_os = "linux")]

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;

use plextrac::plextrac_abi_version;

#[test]
fn nothing_is_public_but_the_listed_symbols() {
    let output = run("nm", &["--dynamic", "--defined-only"]);
    let exported: BTreeSet<&str> = output.lines().filter_map(|line| line.split_whitespace().nth(2)).collect();
    assert_eq!(exported, include_str!("../symbols.txt").lines().collect());
}

#[test]
fn programs_find_the_library_by_its_abi_version() {
    let output = run("readelf", &["--dynamic"]);
    let name = format!("Library soname: [libplextrac.so.{}]", plextrac_abi_version());
    assert!(output.contains(&name), "{name} is not in\n{output}");
}

fn run(tool: &str, options: &[&str]) -> String {
    let output = Command::new(tool)
        .args(options)
        .arg(library())
        .output()
        .expect("binutils are there, for rustc links by them");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Cargo builds it along with the tests, and leaves it beside them.
fn library() -> PathBuf {
    let mut path = std::env::current_exe().unwrap();
    path.set_file_name("libplextrac.so");
    path
}
