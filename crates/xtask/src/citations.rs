//! Pages and comments cite sections of the documentation: do those exist?
//!
//! Two forms are known: a link of Markdown, `[text](page.md#section)`, and a page of `docs` with a section in quotation
//! marks, as in `docs/protocol.md, "Failures"`, or in parentheses and quotation marks.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use xshell::cmd;

use crate::project::Project;
use crate::steps::{Halt, Steps};

/// Files of other kinds are not read.
const EXTENSIONS: &[&str] = &["c", "cmake", "cpp", "go", "h", "hpp", "md", "py", "rs", "sh", "supp", "toml"];

/// Where the pages are.
const PAGES: &str = "docs/";

/// One step: every page and every section that is cited exists.
pub(crate) fn check(project: &Project, steps: &mut Steps) {
    steps.run("cited sections exist", || {
        let texts = texts(project)?;
        let sections: BTreeMap<_, _> = texts
            .iter()
            .filter(|(path, _)| has_extension(path, "md"))
            .map(|(path, text)| (path.clone(), headings(text)))
            .collect();
        let exists = |path: &Path| project.path(&path.display().to_string()).exists();
        let (mut count, mut broken) = (0, Vec::new());
        for (path, text) in &texts {
            let mut cited = citations(text);
            if has_extension(path, "md") {
                cited.extend(links(path, text));
            }
            for citation in cited {
                count += 1;
                if let Some(reason) = citation.fault(&sections, &exists) {
                    broken.push(format!("{}: {reason}", path.display()));
                }
            }
        }
        broken.extend(unlisted(&texts));
        if broken.is_empty() && count > 0 {
            Ok(format!("{count} citations"))
        } else {
            Err(Halt::Failed(format!("of {count} citations:\n{}", broken.join("\n"))))
        }
    });
}

/// Pages of `docs` that its index has no line for.
fn unlisted(texts: &[(PathBuf, String)]) -> Vec<String> {
    let index = PathBuf::from(PAGES).join("README.md");
    let listed = texts.iter().find(|(path, _)| *path == index).map(|(path, text)| links(path, text));
    let listed: Vec<_> = listed.into_iter().flatten().map(|citation| citation.path).collect();
    let pages = texts.iter().map(|(path, _)| path);
    pages
        .filter(|path| path.starts_with(PAGES) && has_extension(path, "md") && **path != index)
        .filter(|path| !listed.contains(path))
        .map(|path| format!("{} is not in {}", path.display(), index.display()))
        .collect()
}

/// A page or another file of the repository, and perhaps a section of it.
#[derive(Debug, PartialEq, Eq)]
struct Citation {
    path: PathBuf,
    section: Option<Section>,
}

#[derive(Debug, PartialEq, Eq)]
enum Section {
    /// As the heading has it.
    Heading(String),
    /// As links have it.
    Anchor(String),
}

impl Citation {
    fn fault(
        &self,
        sections: &BTreeMap<PathBuf, Vec<String>>,
        exists: &impl Fn(&Path) -> bool,
    ) -> Option<String> {
        let shown = self.path.display();
        if !exists(&self.path) {
            return Some(format!("there is no {shown}"));
        }
        let headings = sections.get(&self.path).map_or(&[][..], Vec::as_slice);
        let missing = match self.section.as_ref()? {
            Section::Heading(heading) => (!headings.contains(heading)).then_some(heading),
            Section::Anchor(wanted) => {
                (!headings.iter().any(|heading| anchor(heading) == *wanted)).then_some(wanted)
            }
        };
        missing.map(|section| format!("{shown} has no section {section:?}"))
    }
}

/// Pages of `docs` named in a text, in code and in prose.
fn citations(text: &str) -> Vec<Citation> {
    let text = joined(text);
    let mut found = Vec::new();
    for (start, _) in text.match_indices(PAGES) {
        let rest = &text[start..];
        let Some(end) = rest.find(".md").map(|end| end + ".md".len()) else { continue };
        let (page, after) = rest.split_at(end);
        if !page[PAGES.len()..end - ".md".len()].chars().all(|c| c.is_ascii_lowercase() || c == '_') {
            continue;
        }
        let after = after.trim_start_matches('`');
        let quoted = after.strip_prefix(", \"").or_else(|| after.strip_prefix(" (\""));
        let section = match (quoted, after.strip_prefix('#')) {
            (Some(quoted), _) => {
                quoted.split_once('"').map(|(heading, _)| Section::Heading(heading.to_owned()))
            }
            (None, Some(rest)) => {
                let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '-')).unwrap_or(rest.len());
                Some(Section::Anchor(rest[..end].to_owned()))
            }
            (None, None) => None,
        };
        found.push(Citation { path: page.into(), section });
    }
    found
}

/// Links of a page of Markdown to files and sections of this repository.
fn links(page: &Path, text: &str) -> Vec<Citation> {
    let folder = page.parent().unwrap_or(Path::new(""));
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target);
    targets
        .filter(|target| !target.contains("://") && !target.starts_with("mailto:"))
        .map(|target| {
            let (path, section) = target
                .split_once('#')
                .map_or((target, None), |(path, anchor)| (path, Some(Section::Anchor(anchor.to_owned()))));
            let path = if path.is_empty() { page.to_owned() } else { normalized(&folder.join(path)) };
            Citation { path, section }
        })
        .collect()
}

/// The text without line breaks, and without the marks that begin a line of a comment.
fn joined(text: &str) -> String {
    let lines = text.lines().map(|line| line.trim_start().trim_start_matches(['/', '!', '*', '#']).trim());
    lines.collect::<Vec<_>>().join(" ")
}

/// Outside blocks of code.
fn headings(page: &str) -> Vec<String> {
    let outside = page.split("```").step_by(2).flat_map(str::lines);
    outside
        .filter(|line| line.starts_with('#'))
        .map(|line| line.trim_start_matches('#').trim().to_owned())
        .collect()
}

/// The name that GitHub gives to a heading in a link.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.flat_map(char::to_lowercase).map(|c| if c == ' ' { '-' } else { c }).collect()
}

fn normalized(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => _ = normal.pop(),
            Component::CurDir => {}
            part => normal.push(part),
        }
    }
    normal
}

/// Every text of the repository: what git keeps, and what is new and not ignored.
fn texts(project: &Project) -> Result<Vec<(PathBuf, String)>, Halt> {
    let shell = project.shell();
    let list = cmd!(shell, "git ls-files --cached --others --exclude-standard").quiet().read()?;
    let mut texts = Vec::new();
    for path in list.lines().map(PathBuf::from) {
        let file = project.path(&path.display().to_string());
        // A link leads to a file that is in the list itself.
        if EXTENSIONS.iter().any(|extension| has_extension(&path, extension))
            && file.is_file()
            && !file.is_symlink()
        {
            texts.push((path, shell.read_file(file)?));
        }
    }
    Ok(texts)
}

fn has_extension(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|found| found == extension)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Not written out, or this file would cite a page that does not exist.
    fn page(name: &str) -> String {
        format!("{PAGES}{name}.md")
    }

    fn heading(path: &str, heading: &str) -> Citation {
        Citation { path: path.into(), section: Some(Section::Heading(heading.to_owned())) }
    }

    #[test]
    fn a_citation_goes_on_in_the_next_line_of_a_comment() {
        let page = page("a");
        let code = format!(
            "/// As `{page}`, \"One\", says. And ({page},\n//! \"Two\nwords\"); {page} (\"Three\").\n"
        );
        assert_eq!(citations(&code), ["One", "Two words", "Three"].map(|section| heading(&page, section)));
        assert_eq!(citations(&format!("see {page}")), [Citation { path: page.into(), section: None }]);
    }

    #[test]
    fn a_link_leads_from_its_own_page() {
        let found = links(
            Path::new(&page("a")),
            "[x](b.md#one-two) [y](#here) [z](../README.md) [w](https://x.example)",
        );
        let anchor = |path: &str, anchor: &str| Citation {
            path: path.into(),
            section: Some(Section::Anchor(anchor.to_owned())),
        };
        let file = Citation { path: "README.md".into(), section: None };
        assert_eq!(found, [anchor(&page("b"), "one-two"), anchor(&page("a"), "here"), file]);
    }

    #[test]
    fn a_page_that_the_index_leaves_out_is_a_fault() {
        let index = (PathBuf::from(page("README")), "[a](a.md)".to_owned());
        let texts = |name: &str| [index.clone(), (PathBuf::from(page(name)), String::new())];
        assert_eq!(unlisted(&texts("a")), Vec::<String>::new());
        assert_eq!(unlisted(&texts("b")), [format!("{} is not in {}", page("b"), page("README"))]);
    }

    #[test]
    fn a_missing_page_and_a_missing_section_are_faults() {
        let text = "# A page\n\n## One: two, three\n\n```sh\n# no heading\n```\n";
        let sections = BTreeMap::from([(PathBuf::from(page("a")), headings(text))]);
        let exists = |path: &Path| path == Path::new(&page("a"));
        let fault = |path: &str, section| Citation { path: path.into(), section }.fault(&sections, &exists);
        assert_eq!(fault(&page("a"), None), None);
        assert_eq!(fault(&page("a"), Some(Section::Heading("One: two, three".to_owned()))), None);
        assert_eq!(fault(&page("a"), Some(Section::Anchor("one-two-three".to_owned()))), None);
        for section in [Section::Heading("One".to_owned()), Section::Anchor("no-heading".to_owned())] {
            assert!(fault(&page("a"), Some(section)).is_some());
        }
        assert!(fault(&page("b"), None).is_some());
    }
}
