//! What `doctor` has found: lines as it goes, or one JSON object at the end.

use serde_json::{Value, json};

use crate::exit::{Exit, Failure};
use crate::output;
use crate::paint::Paint;

pub(super) struct Findings {
    paint: Paint,
    /// What the first bad one would have made a command exit with.
    first: Option<Exit>,
    /// The findings so far, if they are to be JSON.
    list: Option<Vec<Value>>,
}

impl Findings {
    pub(super) fn new(is_json: bool) -> Self {
        Self { paint: Paint::for_stdout(), first: None, list: is_json.then(Vec::new) }
    }

    pub(super) fn good(&mut self, about: &str, text: &str) -> Result<(), Failure> {
        self.add("ok", &self.paint.green("ok  "), about, text)
    }

    pub(super) fn unknown(&mut self, about: &str, text: &str) -> Result<(), Failure> {
        self.add("note", &self.paint.dim("note"), about, text)
    }

    pub(super) fn bad(&mut self, about: &str, failure: Failure) -> Result<(), Failure> {
        let Failure::Message(exit, text) = failure else { return Err(failure) };
        self.first = self.first.or(Some(exit));
        self.add("bad", &self.paint.red("bad "), about, &text)
    }

    /// Fails as a sign-in would have.
    pub(super) fn end(self) -> Result<(), Failure> {
        if let Some(list) = self.list {
            shown(output::line(&json!({ "findings": list }).to_string()))?;
            return self.first.map_or(Ok(()), |exit| Err(Failure::Shown(exit)));
        }
        match self.first {
            None => Ok(()),
            Some(exit) => Err(Failure::Message(exit, "something stands in the way; see above".to_owned())),
        }
    }

    fn add(&mut self, result: &str, mark: &str, about: &str, text: &str) -> Result<(), Failure> {
        if let Some(list) = &mut self.list {
            list.push(json!({ "result": result, "about": about, "text": text }));
            return Ok(());
        }
        shown(output::line(&format!("{mark}  {about:9} {}", output::one_line(text))))
    }
}

/// A reader that has read enough still gets the exit code.
fn shown(outcome: Result<(), Failure>) -> Result<(), Failure> {
    match outcome {
        Err(Failure::ReaderGone) => Ok(()),
        outcome => outcome,
    }
}
