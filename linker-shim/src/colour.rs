//! Colour, where a person looks at a terminal that has it.

use std::io::{self, IsTerminal};

/// Whether colour is wanted on `stream`: where that is a terminal that has it, and `NO_COLOR` is not set.
pub fn wanted(stream: &impl IsTerminal) -> bool {
    let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|value| value == "dumb");
    !plain && !dumb && stream.is_terminal()
}

/// Whether to use any.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Colours(bool);

impl Colours {
    /// For standard output.
    pub fn for_stdout() -> Colours {
        Colours(wanted(&io::stdout()))
    }

    fn paint(self, code: &str, text: &str) -> String {
        if self.0 { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// What stops.
    pub fn error(self, text: &str) -> String {
        self.paint("1;31", text)
    }

    /// What may go wrong.
    pub fn warning(self, text: &str) -> String {
        self.paint("1;33", text)
    }

    /// What one should know.
    pub fn note(self, text: &str) -> String {
        self.paint("1;36", text)
    }

    /// What is well.
    pub fn good(self, text: &str) -> String {
        self.paint("32", text)
    }
}

/// A unified difference, its lines in the usual colours.
pub fn difference(text: &str, colours: Colours) -> String {
    let line = |line: &str| match line.chars().next() {
        Some('+') if !line.starts_with("+++ ") => colours.paint("32", line),
        Some('-') if !line.starts_with("--- ") => colours.paint("31", line),
        Some('@') => colours.paint("36", line),
        _ => line.to_owned(),
    };
    text.split('\n').map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_where_wanted() {
        let text = "--- a\n+++ a\n@@ -1 +1 @@\n-x\n+y\n z\n";
        assert_eq!(difference(text, Colours(false)), text);
        let painted = "--- a\n+++ a\n\x1b[36m@@ -1 +1 @@\x1b[0m\n\x1b[31m-x\x1b[0m\n\x1b[32m+y\x1b[0m\n z\n";
        assert_eq!(difference(text, Colours(true)), painted);
        assert_eq!(Colours(true).error("x"), "\x1b[1;31mx\x1b[0m");
    }
}
