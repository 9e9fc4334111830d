//! What was found, as text for a person.

use crate::rules::{Level, Rule};
use std::fmt;

/// One thing to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The rule.
    pub rule: &'static Rule,
    /// How grave it is here.
    pub level: Level,
    /// What is wrong, in one sentence that names the file or the word.
    pub what: String,
    /// What was found.
    pub found: String,
    /// What was wanted.
    pub wanted: String,
    /// Why it matters; the rule's own reason, unless there is a better one here.
    pub why: String,
    /// What mends it.
    pub fix: String,
}

impl Finding {
    /// A finding at its rule's own level.
    pub fn new(
        rule: &'static Rule,
        what: impl Into<String>,
        found: impl Into<String>,
        wanted: impl Into<String>,
        fix: impl Into<String>,
    ) -> Finding {
        Finding {
            rule,
            level: rule.level,
            what: what.into(),
            found: found.into(),
            wanted: wanted.into(),
            why: rule.why.to_owned(),
            fix: fix.into(),
        }
    }

    /// The same, as a warning.
    pub(crate) fn warning(self) -> Finding {
        Finding { level: Level::Warning, ..self }
    }

    /// Whether it fails a link.
    pub fn is_error(&self) -> bool {
        self.level == Level::Error
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = match self.level {
            Level::Error => "error",
            Level::Warning => "warning",
        };
        write!(out, "{level}[{}]: {}", self.rule.id, clean(&self.what))?;
        let rows = [("found", &self.found), ("wanted", &self.wanted), ("why", &self.why), ("fix", &self.fix)];
        for (name, text) in rows.into_iter().filter(|(_, text)| !text.is_empty()) {
            let label = format!("{name}:");
            for (index, line) in clean(text).lines().enumerate() {
                let label = if index == 0 { label.as_str() } else { "" };
                write!(out, "\n  {label:<8}{line}")?;
            }
        }
        Ok(())
    }
}

/// Names come from files that we did not write: a character in one that drives a terminal or turns a line around must not reach
/// one. Nor a line that is a command to who runs a pipeline: GitHub takes any printed line for one that begins with `::`, spaces
/// aside, and any that has `##[` in it.
pub fn clean(text: &str) -> String {
    let lines: Vec<String> = text.split('\n').map(clean_line).collect();
    lines.join("\n")
}

fn clean_line(line: &str) -> String {
    let mut line: String = line.chars().map(|character| if drives(character) { GONE } else { character }).collect();
    let begins = line.len() - line.trim_start().len();
    if line[begins..].starts_with("::") {
        line.replace_range(begins..=begins, GONE_TEXT);
    }
    line.replace("##[", "#\u{fffd}[")
}

/// In place of what must not be shown.
const GONE: char = '\u{fffd}';
const GONE_TEXT: &str = "\u{fffd}";

/// Control characters, and those that say in which direction a text runs (Unicode, UAX #9) or that are not seen at all.
fn drives(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// A name as it may stand within the text of a [`Finding`]: on one line, whatever is in it.
pub fn name_of(name: &str) -> String {
    name.chars().map(|character| if drives(character) { GONE } else { character }).collect()
}

/// The same of a name that may be longer than anybody reads: as much of it as tells it from others.
pub fn short_name(name: &str) -> String {
    const MOST: usize = 100;
    match name.char_indices().nth(MOST) {
        Some((end, _)) => name_of(&name[..end]) + "…",
        None => name_of(name),
    }
}

/// The first of many things, and how many more there are.
pub fn first_of(many: impl IntoIterator<Item = String>, between: &str) -> String {
    const MOST: usize = 16;
    let mut many = many.into_iter();
    let mut shown: Vec<String> = many.by_ref().take(MOST).collect();
    match many.count() {
        0 => {}
        more => shown.push(format!("and {more} more")),
    }
    shown.join(between)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text() {
        let finding = Finding::new(&crate::rules::HOST_LINK, "a \u{1b}[31mred\u{1b}[0m name", "one\ntwo", "w", "f");
        assert_eq!(
            finding.to_string(),
            "error[host-link]: a \u{fffd}[31mred\u{fffd}[0m name\n  found:  one\n          two\n  wanted: w\n  why:    \
             wasm-threads-linker links WebAssembly only; what runs on the machine that builds needs that machine's own linker\n  \
             fix:    f"
        );
    }

    /// Also what stands behind a line's end: a name may have one in it.
    #[test]
    fn no_line_is_a_command() {
        for (text, wanted) in [
            ("::error::x", "\u{fffd}:error::x"),
            ("a\n  ::set-env name=PATH::x", "a\n  \u{fffd}:set-env name=PATH::x"),
            ("a ##[error]b", "a #\u{fffd}[error]b"),
            ("std::thread", "std::thread"),
            ("a\u{202e}b\u{feff}\u{9b}c\td", "a\u{fffd}b\u{fffd}\u{fffd}c\u{fffd}d"),
        ] {
            assert_eq!(clean(text), wanted);
        }
        assert_eq!(name_of("a\n::b"), "a\u{fffd}::b");
    }

    #[test]
    fn no_text_grows_with_its_names() {
        assert_eq!(short_name(&"ö\n".repeat(50)), "ö\u{fffd}".repeat(50));
        assert_eq!(short_name(&"ö\n".repeat(51)), "ö\u{fffd}".repeat(50) + "…");
        let numbers = |count: u32| first_of((1..=count).map(|number| number.to_string()), " ");
        assert_eq!(numbers(16), "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16");
        assert_eq!(numbers(18), "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 and 2 more");
        assert_eq!(numbers(0), "");
    }
}
