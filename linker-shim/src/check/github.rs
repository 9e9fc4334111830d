//! The answer as annotations of a GitHub workflow, which are shown at the files of a change (docs.github.com, "Workflow commands").

use super::text::summary;
use super::verdict::{File, level};
use std::path::Path;
use wasm_threads::report::Finding;

/// One line for each finding, and one at the end.
pub fn all(files: &[File]) -> String {
    let mut text = String::new();
    for file in files {
        let findings = file.findings.iter().chain(file.modules.iter().flat_map(|module| module.findings()));
        findings.for_each(|finding| text += &annotation(&file.path, finding));
    }
    text + &summary(files) + "\n"
}

fn annotation(path: &Path, finding: &Finding) -> String {
    // What drives a terminal is no part of it: the log is shown on one.
    let rows = [("found", &finding.found), ("wanted", &finding.wanted), ("why", &finding.why), ("fix", &finding.fix)];
    let rows = rows.iter().filter(|(_, text)| !text.is_empty()).map(|(name, text)| format!("\n{name}: {text}"));
    let message = finding.what.clone() + &rows.collect::<String>();
    format!(
        "::{} file={},title={}::{}\n",
        level(finding.level),
        property(&path.to_string_lossy()),
        property(finding.rule.id),
        data(&message)
    )
}

/// A message, in which a line ends only as `%0A` (actions/toolkit, `command.ts`, `escapeData`).
fn data(text: &str) -> String {
    let escaped = |character: char| match character {
        '%' => "%25".to_owned(),
        '\r' => "%0D".to_owned(),
        '\n' => "%0A".to_owned(),
        // A workflow's log is shown on a terminal's terms.
        character if character.is_control() => char::REPLACEMENT_CHARACTER.to_string(),
        character => character.to_string(),
    };
    text.chars().map(escaped).collect()
}

/// A property, which also ends at `:` and `,` (`escapeProperty`).
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escaped() {
        assert_eq!(property("a:b,c%\r\n"), "a%3Ab%2Cc%25%0D%0A");
        assert_eq!(data("100%: a, b\n::error::x\u{1b}[m"), "100%25: a, b%0A::error::x\u{fffd}[m");
    }
}
