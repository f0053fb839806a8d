//! Colour, on a terminal that wants it.

use std::env;
use std::io::{self, IsTerminal};

/// Whether and how text is coloured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Paint {
    on: bool,
}

impl Paint {
    pub(crate) fn for_stdout() -> Self {
        Self::on_terminal(io::stdout().is_terminal())
    }

    pub(crate) fn for_stderr() -> Self {
        Self::on_terminal(io::stderr().is_terminal())
    }

    /// On a terminal that is not called dumb, without `NO_COLOR` (<https://no-color.org>).
    fn on_terminal(is_terminal: bool) -> Self {
        let refused = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = env::var_os("TERM").is_some_and(|value| value == "dumb");
        Self { on: is_terminal && !refused && !dumb }
    }

    pub(crate) fn is_on(self) -> bool {
        self.on
    }

    pub(crate) fn bold(self, text: &str) -> String {
        self.with("1", text)
    }

    pub(crate) fn dim(self, text: &str) -> String {
        self.with("2", text)
    }

    pub(crate) fn green(self, text: &str) -> String {
        self.with("32", text)
    }

    pub(crate) fn red(self, text: &str) -> String {
        self.with("31", text)
    }

    fn with(self, code: &str, text: &str) -> String {
        if self.on { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_is_only_added_where_it_is_wanted() {
        assert_eq!(Paint { on: false }.bold("text"), "text");
        assert_eq!(Paint { on: true }.bold("text"), "\x1b[1mtext\x1b[0m");
    }
}
