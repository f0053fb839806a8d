//! Man pages and completion scripts, printed and written.

use std::fs;

use crate::stand::{Stand, run};

#[test]
fn a_man_page_has_values_variables_and_exit_codes() {
    let stand = Stand::new();
    let ran = run(&mut stand.nobody(&["man", "request"]));
    let page = ran.fine();
    for expected in [
        ".TH plextrac-auth-request 1 \" \" \"plextrac-auth 0",
        "plextrac\\-auth\\-request \\- ",
        "\\fBplextrac\\-auth request\\fR [OPTIONS] [METHOD] <PATH>",
        "\\fB\\-\\-retry\\fR \\fI<TIMES>\\fR [default: 0]",
        ".SH ENVIRONMENT",
        "\\fBPLEXTRAC_URL\\fR",
        "\\fBPLEXTRAC_PASSWORD\\fR",
        ".SH \"EXIT STATUS\"",
        "nothing may be sent yet",
    ] {
        assert!(page.contains(expected), "{expected} is not in:\n{page}");
    }
    assert!(!page.contains("exec: the command"), "{page}");
}

#[test]
fn a_page_that_is_unknown_exits_with_2() {
    let stand = Stand::new();
    let ran = run(&mut stand.nobody(&["man", "logon"]));
    assert!(ran.refused(2).contains("plextrac-auth-logon"));
}

#[test]
fn all_pages_are_written_to_a_directory() {
    let stand = Stand::new();
    let folder = stand.path("man/man1");
    let arguments = ["man".as_ref(), "--output-dir".as_ref(), folder.as_os_str()];
    assert_eq!(run(&mut stand.nobody(&arguments)).fine(), "");
    let mut written = Vec::new();
    let mut listed = vec!["plextrac-auth.1".to_owned()];
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        written.push(path.file_name().unwrap().to_str().unwrap().to_owned());
        let page = fs::read_to_string(path).unwrap();
        let names =
            page.lines().filter_map(|line| line.strip_prefix("plextrac\\-auth\\-")?.strip_suffix("(1)"));
        listed.extend(names.map(|name| format!("plextrac-auth-{}.1", name.replace('\\', ""))));
    }
    written.sort();
    listed.sort();
    assert_eq!(written, listed);
    assert!(written.contains(&"plextrac-auth-profile-list.1".to_owned()), "{written:?}");
}

#[test]
fn each_shell_has_a_completion_script() {
    let stand = Stand::new();
    for (shell, expected) in [
        ("bash", "complete -F _plextrac__auth"),
        ("zsh", "#compdef plextrac-auth"),
        ("fish", "complete -c plextrac-auth"),
        ("elvish", "edit:completion:arg-completer[plextrac-auth]"),
        ("powershell", "Register-ArgumentCompleter"),
    ] {
        let ran = run(&mut stand.nobody(&["completion", shell]));
        assert!(ran.fine().contains(expected), "{shell}");
    }
}
