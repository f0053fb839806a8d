//! The header as C programmers have it: complete, and true to its own examples.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

#[test]
fn the_list_of_symbols_is_what_the_header_declares() {
    let declared: BTreeSet<&str> = header_names(HEADER).collect();
    let listed: Vec<&str> = SYMBOLS.lines().collect();
    assert!(listed.is_sorted());
    assert_eq!(declared, listed.into_iter().collect());
    assert!(declared.contains("plextrac_session_login"), "control");
}

#[test]
fn the_programs_on_the_first_page_compile_without_a_warning() {
    let programs = programs(HEADER);
    assert_eq!(programs.len(), 2, "one for each level");
    for (index, program) in programs.iter().enumerate() {
        let source = scratch(&format!("manual_{index}.c"));
        std::fs::write(&source, program).unwrap();
        let output = cc(&source);
        assert!(output.status.success(), "{program}\n{}", String::from_utf8_lossy(&output.stderr));
    }
    let source = scratch("control.c");
    std::fs::write(&source, programs[0].replace("plextrac_session_new", "plextrac_session_knew")).unwrap();
    assert!(!cc(&source).status.success(), "control: a function that does not exist");
}

#[test]
fn the_header_is_plain_ascii_and_no_line_is_over_100_columns() {
    assert!(HEADER.is_ascii());
    let long: Vec<&str> = HEADER.lines().filter(|line| line.len() > 100).collect();
    assert!(long.is_empty(), "{long:#?}");
}

const HEADER: &str = include_str!("../../../include/plextrac.h");
const SYMBOLS: &str = include_str!("../symbols.txt");

/// Functions are declared at the beginning of a line; comments and typedefs are not.
fn header_names(header: &str) -> impl Iterator<Item = &str> {
    header
        .lines()
        .filter(|line| !line.starts_with([' ', '/', '#', '}']) && !line.starts_with("typedef"))
        .filter_map(|line| line.split_once('(')?.0.rsplit([' ', '*']).next())
}

/// What is indented by four on the first page, cut where a new program includes the header.
fn programs(header: &str) -> Vec<String> {
    let (page, _) = header.split_once("*/").unwrap();
    let code: Vec<&str> = page
        .lines()
        .filter_map(|line| line.strip_prefix(" *     ").or_else(|| (line == " *").then_some("")))
        .collect();
    let code = code.join("\n");
    let mut programs: Vec<String> = Vec::new();
    for part in code.split("#include <plextrac.h>").skip(1) {
        programs.push(format!("#include <plextrac.h>{part}"));
    }
    programs
}

fn cc(source: &Path) -> std::process::Output {
    let include = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../include");
    Command::new("cc")
        .args(["-std=c11", "-Wall", "-Wextra", "-pedantic", "-Werror", "-fsyntax-only"])
        .arg("-I")
        .arg(include)
        .arg(source)
        .output()
        .expect("a C compiler is there, for rustc links by it")
}

fn scratch(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}
