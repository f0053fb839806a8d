//! The header as C programmers have it: complete, and true to its own examples.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

#[test]
fn the_list_of_symbols_is_what_the_header_declares() {
    let declared: BTreeSet<&str> = declarations(HEADER).map(|function| function.name).collect();
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

#[test]
fn every_pointer_of_every_function_is_tried_with_null() {
    let missing: Vec<String> = parameters(HEADER)
        .filter(|(function, parameter)| parameter.is_pointer() && !function.ends_with("_free"))
        .map(|(function, parameter)| format!("{function}, {}", parameter.name))
        .filter(|row| !is_in_tables(row))
        .collect();
    assert!(missing.is_empty(), "not in tests/c: {missing:#?}");
    assert!(!is_in_tables("plextrac_session_login, sessio"), "control");
}

#[test]
fn every_out_parameter_is_tried_after_a_failure() {
    let missing: Vec<String> = parameters(HEADER)
        // There is nothing that plextrac_cancel_new can fail by.
        .filter(|(function, parameter)| parameter.is_out() && *function != "plextrac_cancel_new")
        .map(|(function, parameter)| format!("IS_EMPTIED({function}, {}", parameter.name))
        .filter(|row| !is_in_tables(row))
        .collect();
    assert!(missing.is_empty(), "not in tests/c: {missing:#?}");
}

/// What the manual allows to be NULL.
const MAY_BE_NULL: &[&str] = &["err", "cancel", "userdata", "free_fn"];

const HEADER: &str = include_str!("../../../include/plextrac.h");
const SYMBOLS: &str = include_str!("../symbols.txt");

struct Function<'a> {
    name: &'a str,
    parameters: Vec<Parameter<'a>>,
}

struct Parameter<'a> {
    kind: &'a str,
    name: &'a str,
}

impl Parameter<'_> {
    fn is_pointer(&self) -> bool {
        self.kind.ends_with('*') || self.kind.ends_with("_fn")
    }

    /// A pointer to a pointer, a number or a view that is not const; handles and buffers are not meant.
    fn is_out(&self) -> bool {
        let Some(to) = self.kind.strip_suffix('*').map(str::trim_end) else {
            return false;
        };
        !to.starts_with("const") && (to.ends_with('*') || to.ends_with("_t") || to == "plextrac_str")
    }
}

/// Functions are declared at the beginning of a line, and end with the next semicolon.
fn declarations(header: &str) -> impl Iterator<Item = Function<'_>> {
    let begins = |line: &str| {
        !line.starts_with([' ', '/', '#', '}']) && !line.starts_with("typedef") && line.contains("plextrac_")
    };
    let starts = header.match_indices('\n').map(|(end, _)| end + 1);
    starts.filter_map(move |start| {
        let rest = &header[start..];
        begins(rest.lines().next()?).then_some(())?;
        let (head, parameters) = rest.split_once(';')?.0.split_once('(')?;
        let parameters = parameters.trim_end_matches(')').split(',').map(str::trim);
        Some(Function {
            name: head.rsplit([' ', '*']).next()?,
            parameters: parameters.filter_map(parameter).collect(),
        })
    })
}

/// Every parameter that must not be NULL, with its function.
fn parameters(header: &str) -> impl Iterator<Item = (&str, Parameter<'_>)> {
    declarations(header)
        .flat_map(|function| function.parameters.into_iter().map(move |parameter| (function.name, parameter)))
        .filter(|(_, parameter)| !MAY_BE_NULL.contains(&parameter.name))
}

fn parameter(text: &str) -> Option<Parameter<'_>> {
    let start = text.rfind([' ', '*'])? + 1;
    Some(Parameter { kind: text[..start].trim_end(), name: &text[start..] })
}

/// Whether a program in tests/c says exactly this.
fn is_in_tables(row: &str) -> bool {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/c");
    let programs = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    programs.filter(|path| path.extension().is_some_and(|extension| extension == "c")).any(|path| {
        let text = std::fs::read_to_string(path).unwrap();
        text.match_indices(row).any(|(at, _)| {
            !text[at + row.len()..].starts_with(|next: char| next.is_alphanumeric() || next == '_')
        })
    })
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
