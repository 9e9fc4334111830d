//! What was found, for people and for programs.

use crate::colour::Colours;
use crate::project::shown;
use serde_json::{Value, json};
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// How much it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// A build is not threaded, or does not work.
    Error,
    /// It may be so, or will be.
    Warning,
    /// Good to know.
    Note,
}

impl Level {
    fn name(self) -> &'static str {
        match self {
            Level::Error => "error",
            Level::Warning => "warning",
            Level::Note => "note",
        }
    }
}

/// Where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A file, and the line where there is one.
    File(PathBuf, Option<usize>),
    /// A variable of the environment.
    Variable(String),
    /// Nowhere in particular.
    None,
}

impl Place {
    fn text(&self, folder: &Path) -> Option<String> {
        match self {
            Place::File(path, Some(line)) => Some(format!("{}:{line}", shown(path, folder))),
            Place::File(path, None) => Some(shown(path, folder)),
            Place::Variable(name) => Some(format!("the variable {name}")),
            Place::None => None,
        }
    }

    fn json(&self) -> Value {
        match self {
            Place::File(path, line) => json!({ "file": path.display().to_string(), "line": line }),
            Place::Variable(name) => json!({ "variable": name }),
            Place::None => Value::Null,
        }
    }
}

/// One thing to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Its name, which stays.
    pub id: &'static str,
    /// How much it matters.
    pub level: Level,
    /// What was found.
    pub message: String,
    /// Where.
    pub place: Place,
    /// The line that mends it.
    pub fix: String,
}

/// What is there, whether it is right or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// Its name, which stays.
    pub name: &'static str,
    /// What it is.
    pub value: String,
    /// Where it is said.
    pub place: Place,
}

/// All of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// In the order in which they were looked at.
    pub facts: Vec<Fact>,
    /// The same.
    pub findings: Vec<Finding>,
}

/// The version of the JSON: it changes when something is taken out or means something else, and not when something is added.
const SHAPE: u32 = 1;

impl Report {
    /// Adds a fact.
    pub fn fact(&mut self, name: &'static str, value: impl Into<String>, place: Place) {
        self.facts.push(Fact { name, value: value.into(), place });
    }

    /// Adds a finding.
    pub fn add(&mut self, level: Level, id: &'static str, message: impl Into<String>, place: Place, fix: impl Into<String>) {
        self.findings.push(Finding { id, level, message: message.into(), place, fix: fix.into() });
    }

    /// How many of a level there are.
    pub fn count(&self, level: Level) -> usize {
        self.findings.iter().filter(|finding| finding.level == level).count()
    }

    /// For people: facts in columns, then what is wrong, the worst first.
    pub fn text(&self, triple: &str, root: &Path, folder: &Path, colours: Colours) -> String {
        let mut text = format!("{triple} in {}\n\n", root.display());
        let widest = self.facts.iter().map(|fact| fact.name.len()).max().unwrap_or_default();
        for fact in &self.facts {
            let place = fact.place.text(folder).map(|place| format!("   ({place})")).unwrap_or_default();
            let _ = writeln!(text, "  {:<widest$}  {}{place}", fact.name, fact.value);
        }
        let mut findings: Vec<&Finding> = self.findings.iter().collect();
        findings.sort_by_key(|finding| finding.level);
        for finding in findings {
            let head = format!("{}[{}]", finding.level.name(), finding.id);
            let head = match finding.level {
                Level::Error => colours.error(&head),
                Level::Warning => colours.warning(&head),
                Level::Note => colours.note(&head),
            };
            let _ = writeln!(text, "\n{head}: {}", finding.message);
            if let Some(place) = finding.place.text(folder) {
                let _ = writeln!(text, "  at:  {place}");
            }
            let _ = writeln!(text, "  fix: {}", finding.fix.replace('\n', "\n       "));
        }
        let counts = [Level::Error, Level::Warning, Level::Note].map(|level| match self.count(level) {
            1 => format!("1 {}", level.name()),
            count => format!("{count} {}s", level.name()),
        });
        let counts = counts.join(", ");
        let _ = writeln!(text, "\n{}", if self.count(Level::Error) == 0 { colours.good(&counts) } else { counts });
        text
    }

    /// For programs, as the help describes it.
    pub fn json(&self, triple: &str, root: &Path) -> String {
        let facts: Vec<Value> = self
            .facts
            .iter()
            .map(|fact| json!({ "name": fact.name, "value": fact.value, "place": fact.place.json() }))
            .collect();
        let findings: Vec<Value> = self
            .findings
            .iter()
            .map(|finding| {
                json!({
                    "id": finding.id,
                    "level": finding.level.name(),
                    "message": finding.message,
                    "place": finding.place.json(),
                    "fix": finding.fix,
                })
            })
            .collect();
        let report = json!({
            "version": SHAPE,
            "target": triple,
            "root": root.display().to_string(),
            "facts": facts,
            "findings": findings,
            "errors": self.count(Level::Error),
            "warnings": self.count(Level::Warning),
            "notes": self.count(Level::Note),
        });
        format!("{report:#}\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_aligned_and_sorted() {
        let mut report = Report::default();
        report.fact("rustc", "1.97.0", Place::None);
        report.fact("rustflags", "-C x", Place::File("/p/.cargo/config.toml".into(), Some(3)));
        report.add(Level::Note, "small", "a", Place::None, "b");
        report.add(Level::Error, "large", "c", Place::Variable("RUSTFLAGS".into()), "d\ne");
        let text = report.text("wasm32-unknown-unknown", Path::new("/p"), Path::new("/p"), Colours::default());
        let wanted = "wasm32-unknown-unknown in /p\n\n  rustc      1.97.0\n  rustflags  -C x   (.cargo/config.toml:3)\n\n\
                      error[large]: c\n  at:  the variable RUSTFLAGS\n  fix: d\n       e\n\nnote[small]: a\n  fix: b\n\n\
                      1 error, 0 warnings, 1 note\n";
        assert_eq!(text.replace('\\', "/"), wanted);
    }
}
