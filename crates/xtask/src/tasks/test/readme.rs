//! The programs of the README. Each language's own step compiles its program; the Rust one is a documentation test of
//! `plextrac-transport`, and the C one a test of `plextrac-ffi`.

use std::process::Command;

use xshell::cmd;

use crate::project::Project;
use crate::steps::Halt;

const PAGE: &str = "README.md";

/// The one complete program in this language.
pub(super) fn program(project: &Project, language: &str) -> Result<String, Halt> {
    let blocks = blocks(&project.shell().read_file(project.path(PAGE))?, language);
    <[String; 1]>::try_from(blocks).map(|[program]| program).map_err(|blocks| {
        Halt::Failed(format!("{PAGE} must have one block of {language}, and has {}", blocks.len()))
    })
}

/// The commands for a shell are POSIX shell. shellcheck reads them as well if it is installed.
pub(super) fn check_shell(project: &Project) -> Result<String, Halt> {
    let shell = project.shell();
    let scripts = blocks(&shell.read_file(project.path(PAGE))?, "sh");
    if scripts.is_empty() {
        return Err(Halt::Failed(format!("{PAGE} has no commands for a shell")));
    }
    let has_shellcheck = Command::new("shellcheck").arg("--version").output().is_ok();
    let scratch = project.scratch_dir("readme")?;
    for (index, script) in scripts.iter().enumerate() {
        let file = scratch.join(format!("{index}.sh"));
        shell.write_file(&file, script)?;
        cmd!(shell, "sh -n {file}").quiet().run()?;
        if has_shellcheck {
            cmd!(shell, "shellcheck --shell=sh {file}").quiet().run()?;
        }
    }
    let by = if has_shellcheck { "sh and shellcheck" } else { "sh" };
    Ok(format!("{} blocks, by {by}", scripts.len()))
}

/// The contents of the page's code blocks that begin with three backticks and `language`.
fn blocks(page: &str, language: &str) -> Vec<String> {
    let code = page.split("```").skip(1).step_by(2);
    code.filter_map(|block| block.split_once('\n'))
        .filter(|(name, _)| *name == language)
        .map(|(_, code)| code.to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::blocks;

    #[test]
    fn blocks_are_found_by_their_whole_language() {
        let page = "a `b`\n```c\nint c;\n```\nd\n```cpp\nint e;\n```\n```c\nint f;\n```\n";
        assert_eq!(blocks(page, "c"), ["int c;\n", "int f;\n"]);
        assert_eq!(blocks(page, "cpp"), ["int e;\n"]);
        assert_eq!(blocks(page, "go"), [""; 0]);
    }
}
