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
fn the_c_program_in_the_readme_compiles_without_a_warning() {
    let (_, after) = README.split_once("```c\n").unwrap();
    let (program, _) = after.split_once("```").unwrap();
    let source = scratch("readme.c");
    std::fs::write(&source, program).unwrap();
    let output = cc(&source);
    assert!(output.status.success(), "{program}\n{}", String::from_utf8_lossy(&output.stderr));
    std::fs::write(&source, program.replace("plextrac_session_new", "plextrac_session_knew")).unwrap();
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
        // What plextrac_cancel_new can fail by cannot be brought about.
        .filter(|(function, parameter)| parameter.is_out() && *function != "plextrac_cancel_new")
        .map(|(function, parameter)| format!("IS_EMPTIED({function}, {}", parameter.name))
        .filter(|row| !is_in_tables(row))
        .collect();
    assert!(missing.is_empty(), "not in tests/c: {missing:#?}");
}

#[test]
fn every_blocked_call_can_be_cancelled_and_closed() {
    let takes_one =
        |function: &Function<'_>| function.parameters.iter().any(|parameter| parameter.name == "cancel");
    let blocking: Vec<_> = declarations(HEADER)
        .filter(|function| takes_one(function) && function.says("Blocks"))
        .map(|function| format!("BLOCKS({}", function.name))
        .collect();
    let missing: Vec<_> = blocking.iter().filter(|row| !is_in_tables(row)).collect();
    assert!(missing.is_empty(), "not in tests/c/interrupt.c: {missing:#?}");
    assert!(blocking.len() >= 6 && !is_in_tables("BLOCKS(plextrac_session_state"), "control");
}

/// The manual has the rules; a function says where it departs from them. What can be told from a declaration:
/// whether it can fail, whether it can be blocked, and whether it takes a callback.
#[test]
fn a_function_says_where_it_departs_from_the_rules() {
    let departures = |function: &Function<'_>| {
        let takes = |name: &str| function.parameters.iter().any(|parameter| parameter.name == name);
        let can_fail = takes("err") && !FAIL_BY_THE_RULES_ALONE.contains(&function.name);
        let words = [
            ("Errors", can_fail),
            ("Blocks", takes("session") && takes("cancel")),
            ("Ownership", takes("free_fn")),
        ];
        let callback = ("Threads", takes("free_fn"));
        words.into_iter().chain([callback]).filter(|(_, departs)| *departs).map(|(word, _)| word)
    };
    let missing: Vec<String> = declarations(HEADER)
        .flat_map(|function| {
            let silent = departures(&function).filter(|word| !function.says(word)).collect::<Vec<_>>();
            silent.into_iter().map(move |word| format!("{}: {word}", function.name))
        })
        .collect();
    assert!(missing.is_empty(), "{missing:#?}");

    let functions: Vec<_> = declarations(HEADER).collect();
    let undocumented: Vec<_> =
        functions.iter().filter(|f| f.comment.trim().is_empty()).map(|f| f.name).collect();
    assert!(undocumented.is_empty(), "{undocumented:#?}");
    let listed_in_vain = |name: &&&str| !functions.iter().any(|f| f.name == **name && !f.says("Errors"));
    assert_eq!(FAIL_BY_THE_RULES_ALONE.iter().find(listed_in_vain), None, "it says Errors, or is gone");

    let silenced = HEADER.replace(" * Blocks: ", " * Waits: ");
    assert!(declarations(&silenced).any(|f| departures(&f).any(|word| !f.says(word))), "control");
}

/// Under other words nobody looks.
#[test]
fn departures_are_told_under_the_words_of_the_manual() {
    const WORDS: &[&str] = &["Ownership", "Threads", "Errors", "Blocks"];
    let is_word =
        |word: &&str| word.starts_with(char::is_uppercase) && word.chars().skip(1).all(char::is_lowercase);
    let others = |header: &str| -> Vec<String> {
        let comments = declarations(header).map(|function| function.comment);
        let lines = comments.flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>());
        lines
            .filter(|line| {
                let word = line.split_once(": ").map(|(word, _)| word).filter(is_word);
                word.is_some_and(|word| !WORDS.contains(&word))
            })
            .collect()
    };
    assert_eq!(others(HEADER), Vec::<String>::new());
    assert!(!others(&HEADER.replace(" * Blocks: ", " * Waits: ")).is_empty(), "control");
}

/// What these are given can only be NULL, or not UTF-8.
const FAIL_BY_THE_RULES_ALONE: &[&str] = &[
    "plextrac_config_set_allow_http",
    "plextrac_config_set_budget",
    "plextrac_config_set_danger_accept_invalid_certs",
    "plextrac_config_set_keep_alive_ms",
    "plextrac_config_set_mfa_callback",
    "plextrac_config_set_response_limit",
    "plextrac_config_set_wait_ms",
    "plextrac_machine_poll",
    "plextrac_request_set_json",
    "plextrac_session_close",
];

/// What the manual allows to be NULL.
const MAY_BE_NULL: &[&str] = &["err", "cancel", "userdata", "free_fn", "rewind"];

const HEADER: &str = include_str!("../../../include/plextrac.h");
const README: &str = include_str!("../../../README.md");
const SYMBOLS: &str = include_str!("../symbols.txt");

struct Function<'a> {
    /// What stands before it, each line without its asterisk.
    comment: String,
    name: &'a str,
    parameters: Vec<Parameter<'a>>,
}

struct Parameter<'a> {
    kind: &'a str,
    name: &'a str,
}

impl Function<'_> {
    fn says(&self, word: &str) -> bool {
        self.comment.lines().any(|line| line.strip_prefix(word).is_some_and(|rest| rest.starts_with(':')))
    }
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
        !to.starts_with("const")
            && (to.ends_with('*') || to.ends_with("_t") || to == "bool" || to == "plextrac_str")
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
            comment: comment_before(&header[..start]),
            name: head.rsplit([' ', '*']).next()?,
            parameters: parameters.filter_map(parameter).collect(),
        })
    })
}

fn comment_before(text: &str) -> String {
    let comment =
        text.trim_end().strip_suffix("*/").and_then(|text| text.rsplit_once("/**")).map_or("", |(_, it)| it);
    comment.lines().map(|line| line.trim_start_matches([' ', '*'])).collect::<Vec<_>>().join("\n")
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
