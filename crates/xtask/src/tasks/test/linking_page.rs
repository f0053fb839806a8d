//! What docs/linking.md says, in a form that the installed files are compared with.

use std::path::Path;

use crate::project::Project;
use crate::steps::Halt;

const PAGE: &str = "docs/linking.md";
/// The prefix in the page's examples.
const PREFIX: &str = "/usr/local";

pub(super) struct LinkingPage(String);

impl LinkingPage {
    pub(super) fn read(project: &Project) -> Result<Self, Halt> {
        Ok(Self(project.shell().read_file(project.path(PAGE))?))
    }

    /// The words of pkg-config for a shared and for a static program, with another prefix than the page's.
    pub(super) fn pkg_config_words(&self, prefix: &Path) -> Result<[String; 2], Halt> {
        let prefix = prefix.display().to_string();
        let lines: Vec<_> = self
            .0
            .lines()
            .filter(|line| line.starts_with("-I"))
            .map(|line| line.replace(PREFIX, &prefix))
            .collect();
        lines.try_into().map_err(|_| Halt::Failed(format!("{PAGE} has not two lines of pkg-config's words")))
    }

    /// The commands of the first chapter after those that install: what a user types to link a program.
    pub(super) fn first_link(&self) -> Result<String, Halt> {
        let block = self.0.split("```").nth(1).and_then(|block| block.strip_prefix("sh\n"));
        let (_, commands) = block
            .and_then(|block| block.split_once("cargo xtask install"))
            .and_then(|(_, rest)| rest.split_once('\n'))
            .ok_or_else(|| Halt::Failed(format!("{PAGE} begins with no commands that install and link")))?;
        Ok(commands.to_owned())
    }

    /// What differs between the page's list of files and the paths that were installed.
    pub(super) fn differences(&self, installed: &[String]) -> Vec<String> {
        let patterns = self.patterns();
        let missing = patterns.iter().filter(|pattern| !installed.iter().any(|path| matches(pattern, path)));
        let unlisted = installed.iter().filter(|path| !patterns.iter().any(|pattern| matches(pattern, path)));
        missing
            .map(|pattern| format!("{pattern} is in {PAGE} and is not installed"))
            .chain(unlisted.map(|path| format!("{path} is installed and is not in {PAGE}")))
            .collect()
    }

    /// The paths below the prefix. A line may go on with others of the same folder, or with a remark.
    fn patterns(&self) -> Vec<String> {
        let mut patterns = Vec::new();
        for line in self.0.lines().filter_map(|line| line.strip_prefix("PREFIX/")) {
            let mut columns = line.split("  ").map(str::trim).filter(|column| !column.is_empty());
            let first = columns.next().unwrap_or_default();
            let (path, target) =
                first.split_once(" -> ").map_or((first, None), |(path, target)| (path, Some(target)));
            patterns.push(path.to_owned());
            let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
            // After a link stands a remark, after a file others of its folder.
            let others: Vec<_> = target.map_or_else(|| columns.collect(), |target| vec![target]);
            patterns.extend(others.iter().map(|name| format!("{folder}/{name}")));
        }
        patterns
    }
}

/// A star stands for any part of one name.
fn matches(pattern: &str, path: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == path,
        Some((before, after)) => path
            .strip_prefix(before)
            .and_then(|rest| rest.strip_suffix(after))
            .is_some_and(|rest| !rest.contains('/')),
    }
}

#[cfg(test)]
mod tests {
    use super::LinkingPage;

    #[test]
    fn the_list_of_files_is_compared_in_both_directions() {
        let page = LinkingPage(
            "PREFIX/include/a.h  b.hpp  b/*.hpp\nPREFIX/lib/l.so -> l.so.1      a remark\n".to_owned(),
        );
        let complete = ["include/a.h", "include/b.hpp", "include/b/c.hpp", "lib/l.so", "lib/l.so.1"];
        let complete = complete.map(str::to_owned).to_vec();
        assert_eq!(page.differences(&complete), Vec::<String>::new());
        assert_eq!(page.differences(&complete[1..]).len(), 1);
        let more = [complete, vec!["include/b/c/d.hpp".to_owned()]].concat();
        assert_eq!(page.differences(&more).len(), 1);
    }
}
