//! A task made of steps: each is run, timed and kept for the closing table, whatever became of the ones before.

use std::fmt;
use std::time::{Duration, Instant};

/// Why a step or a task did not come to its end.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Halt {
    /// What the step looks at is not in the tree yet, or is not worth the minutes that it takes to bring. Never a
    /// failure.
    NotYet(String),
    /// A tool of the machine is missing; the text names the command that installs it. A failure where the
    /// steps are strict.
    Missing(String),
    /// The step found something wrong.
    Failed(String),
}

impl fmt::Display for Halt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::NotYet(text) | Self::Missing(text) | Self::Failed(text)) = self;
        f.write_str(text)
    }
}

impl From<xshell::Error> for Halt {
    fn from(error: xshell::Error) -> Self {
        Self::Failed(error.to_string())
    }
}

/// The steps of one run, in order.
pub(crate) struct Steps {
    strict: bool,
    only: String,
    done: Vec<Step>,
}

impl Steps {
    /// With `strict`, a missing tool fails the run; else it is a skipped step with a reason.
    pub(crate) fn new(strict: bool) -> Self {
        Self { strict, only: String::new(), done: Vec::new() }
    }

    /// Leaves out the steps whose names do not contain the text.
    pub(crate) fn only(mut self, text: &str) -> Self {
        text.clone_into(&mut self.only);
        self
    }

    /// Runs one step. Its note (on success) or its reason (otherwise) is shown at once and again in the table.
    pub(crate) fn run(&mut self, name: &str, work: impl FnOnce() -> Result<String, Halt>) {
        if !name.contains(&self.only) {
            return;
        }
        println!("\n==> {name}");
        let start = Instant::now();
        let (verdict, note) = match work() {
            Ok(note) => (Verdict::Passed, note),
            Err(Halt::NotYet(reason)) => (Verdict::Skipped, reason),
            Err(Halt::Missing(reason)) if !self.strict => (Verdict::Skipped, reason),
            Err(Halt::Missing(reason) | Halt::Failed(reason)) => (Verdict::Failed, reason),
        };
        let step = Step { name: name.to_owned(), verdict, took: start.elapsed(), note };
        println!("<== {name}: {} {}", step.verdict, step.note);
        self.done.push(step);
    }

    /// Prints the table; an error if a step failed, or none was run.
    pub(crate) fn finish(self) -> Result<(), Halt> {
        if self.done.is_empty() {
            return Err(Halt::Failed(format!("no step has {:?} in its name", self.only)));
        }
        println!("\n{}", self.table());
        match self.count(Verdict::Failed) {
            0 => Ok(()),
            failed => Err(Halt::Failed(format!("{failed} of {} steps failed", self.done.len()))),
        }
    }

    fn table(&self) -> String {
        let width = self.done.iter().map(|step| step.name.len()).max().unwrap_or(0).max("step".len());
        let mut text = format!("{:width$}  result   seconds\n", "step");
        for step in &self.done {
            // A reason of several lines (a compiler's) is shown above; here its first line identifies it.
            let note = step.note.lines().next().unwrap_or_default();
            let row = format!(
                "{:width$}  {:7}  {:7.1}  {note}",
                step.name,
                step.verdict.to_string(),
                step.took.as_secs_f64()
            );
            text.push_str(row.trim_end());
            text.push('\n');
        }
        let total: Duration = self.done.iter().map(|step| step.took).sum();
        text.push_str(&format!(
            "{} steps in {:.1} s: {} passed, {} skipped, {} failed",
            self.done.len(),
            total.as_secs_f64(),
            self.count(Verdict::Passed),
            self.count(Verdict::Skipped),
            self.count(Verdict::Failed),
        ));
        text
    }

    fn count(&self, verdict: Verdict) -> usize {
        self.done.iter().filter(|step| step.verdict == verdict).count()
    }
}

struct Step {
    name: String,
    verdict: Verdict,
    took: Duration,
    note: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Passed,
    Skipped,
    Failed,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Passed => "passed",
            Self::Skipped => "skipped",
            Self::Failed => "FAILED",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Halt, Steps};

    fn missing() -> Result<String, Halt> {
        Err(Halt::Missing("clang is missing: apt-get install -y clang".to_owned()))
    }

    #[test]
    fn a_failed_step_fails_the_run_and_the_steps_after_it_still_run() {
        let mut steps = Steps::new(false);
        steps.run("first", || Err(Halt::Failed("broken".to_owned())));
        let mut reached = false;
        steps.run("second", || {
            reached = true;
            Ok(String::new())
        });
        assert!(reached);
        assert_eq!(steps.finish(), Err(Halt::Failed("1 of 2 steps failed".to_owned())));
    }

    #[test]
    fn a_missing_tool_skips_a_step_and_fails_a_strict_one() {
        let mut lenient = Steps::new(false);
        lenient.run("clang", missing);
        assert!(lenient.table().contains("skipped"), "{}", lenient.table());
        assert_eq!(lenient.finish(), Ok(()));

        let mut strict = Steps::new(true);
        strict.run("clang", missing);
        assert!(strict.finish().is_err());
    }

    #[test]
    fn a_missing_part_is_a_skip_also_where_steps_are_strict() {
        let mut steps = Steps::new(true);
        steps.run("header drift", || Err(Halt::NotYet("no cbindgen.toml yet".to_owned())));
        assert!(steps.table().contains("no cbindgen.toml yet"), "{}", steps.table());
        assert_eq!(steps.finish(), Ok(()));
    }

    #[test]
    fn steps_left_out_are_not_run_and_to_leave_out_all_is_a_failure() {
        let mut steps = Steps::new(true).only("C++");
        steps.run("C++ tests", || Ok(String::new()));
        steps.run("C tests", || Err(Halt::Failed("run all the same".to_owned())));
        assert_eq!(steps.finish(), Ok(()));

        let mut none = Steps::new(true).only("Ada");
        none.run("C tests", || Ok(String::new()));
        assert!(none.finish().is_err());
    }

    #[test]
    fn the_table_counts_every_step_once() {
        let mut steps = Steps::new(false);
        steps.run("one", || Ok("3 tests".to_owned()));
        steps.run("two", missing);
        steps.run("three", || Err(Halt::Failed("line one\nline two".to_owned())));
        let table = steps.table();
        assert!(table.ends_with("1 passed, 1 skipped, 1 failed"), "{table}");
        assert!(table.contains("line one") && !table.contains("line two"), "{table}");
    }
}
