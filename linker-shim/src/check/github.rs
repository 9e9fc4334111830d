//! The answer as annotations of a GitHub workflow, which are shown at the files of a change (docs.github.com, "Workflow commands").

use super::text::summary;
use super::verdict::{File, Judged, level};
use std::path::Path;
use wasm_threads::report::{Finding, clean};

/// One line for each finding, one for what else is to be told of a module, and one at the end.
pub fn all(files: &[File]) -> String {
    let mut text = String::new();
    for file in files {
        file.findings().for_each(|finding| text += &annotation(&file.path, finding));
        file.modules.iter().filter(|module| !module.notes.is_empty()).for_each(|module| text += &notice(&file.path, module));
    }
    text + &summary(files) + "\n"
}

fn annotation(path: &Path, finding: &Finding) -> String {
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

/// Of all notes together: a step may have ten annotations of a kind.
fn notice(path: &Path, module: &Judged) -> String {
    let notes: Vec<String> = module.place.clone().into_iter().chain(module.notes()).collect();
    format!("::notice file={},title=shown by a run::{}\n", property(&path.to_string_lossy()), data(&notes.join("\n")))
}

/// A message, in which a line ends only as `%0A` (actions/toolkit, `command.ts`, `escapeData`). It is shown on a terminal's terms.
fn data(text: &str) -> String {
    clean(text).replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
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
        assert_eq!(property("a:b,c%\r\n"), "a%3Ab%2Cc%25\u{fffd}%0A");
        assert_eq!(data("100%: a, b\n::error::x\u{1b}[m"), "100%25: a, b%0A\u{fffd}:error::x\u{fffd}[m");
    }
}
