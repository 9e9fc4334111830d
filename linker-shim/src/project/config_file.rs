//! One TOML file, and the lines on which its values stand.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use toml_edit::{Document, Item, TableLike};

/// A file that was read.
#[derive(Clone, Debug)]
pub struct ConfigFile {
    /// Where it is.
    pub path: PathBuf,
    document: Document<String>,
}

/// Why a file cannot be used, and where in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file.
    pub path: PathBuf,
    /// Line and column, from 1; none where the whole file is meant.
    pub at: Option<(usize, usize)>,
    /// What is wrong.
    pub what: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.at {
            Some((line, column)) => write!(to, "{}:{line}:{column}: {}", self.path.display(), self.what),
            None => write!(to, "{}: {}", self.path.display(), self.what),
        }
    }
}

impl ConfigFile {
    /// Reads `path`.
    ///
    /// # Errors
    ///
    /// The system's words, or what is no TOML and where.
    pub fn read(path: &Path) -> Result<ConfigFile, Problem> {
        let bytes = std::fs::read(path).map_err(|error| Problem { path: path.into(), at: None, what: error.to_string() })?;
        let text = String::from_utf8(bytes).map_err(|error| {
            let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
            let at = Some(line_and_column(&String::from_utf8_lossy(good), good.len()));
            Problem { path: path.into(), at, what: "not in UTF-8, as TOML has to be".into() }
        })?;
        ConfigFile::parse(path, text)
    }

    /// The same of a text.
    ///
    /// # Errors
    ///
    /// What is no TOML and where.
    pub fn parse(path: &Path, text: String) -> Result<ConfigFile, Problem> {
        let document = Document::parse(text.clone()).map_err(|error| {
            let at = error.span().map(|span| line_and_column(&text, span.start));
            Problem { path: path.into(), at, what: error.message().replace('\n', ", ") }
        })?;
        Ok(ConfigFile { path: path.into(), document })
    }

    /// What stands under these keys.
    pub fn get(&self, keys: &[&str]) -> Option<&Item> {
        let (last, tables) = keys.split_last()?;
        let mut table: &dyn TableLike = self.document.as_table();
        for key in tables {
            table = table.get(key)?.as_table_like()?;
        }
        table.get(last)
    }

    /// The names in the table under these keys.
    pub fn names(&self, keys: &[&str]) -> Vec<String> {
        let table = match keys {
            [] => Some(self.document.as_table() as &dyn TableLike),
            keys => self.get(keys).and_then(Item::as_table_like),
        };
        table.map(|table| table.iter().map(|(name, _)| name.to_owned()).collect()).unwrap_or_default()
    }

    /// The line, from 1, of what stands under these keys.
    pub fn line(&self, keys: &[&str]) -> Option<usize> {
        self.get(keys)?.span().map(|span| self.position(&span).0)
    }

    /// The text under these keys.
    pub fn text(&self, keys: &[&str]) -> Option<&str> {
        self.get(keys)?.as_str()
    }

    /// The words under these keys: of an array, or of one string with spaces, as cargo takes both.
    pub fn words(&self, keys: &[&str]) -> Option<Vec<String>> {
        words(self.get(keys)?)
    }

    /// What is wrong with the value under these keys, and where.
    pub fn problem(&self, keys: &[&str], what: impl Into<String>) -> Problem {
        let at = self.get(keys).and_then(Item::span).map(|span| self.position(&span));
        Problem { path: self.path.clone(), at, what: what.into() }
    }

    /// The line of a byte.
    pub fn line_at(&self, byte: usize) -> usize {
        line_and_column(self.document.raw(), byte).0
    }

    fn position(&self, span: &Range<usize>) -> (usize, usize) {
        line_and_column(self.document.raw(), span.start)
    }
}

/// The words of an array of strings, or of one string.
pub fn words(item: &Item) -> Option<Vec<String>> {
    if let Some(text) = item.as_str() {
        return Some(text.split_whitespace().map(str::to_owned).collect());
    }
    item.as_array()?.iter().map(|word| word.as_str().map(str::to_owned)).collect()
}

/// The line and the column of a byte, both from 1; the column counts characters.
pub fn line_and_column(text: &str, at: usize) -> (usize, usize) {
    let mut before = at.min(text.len());
    while !text.is_char_boundary(before) {
        before -= 1;
    }
    let before = &text[..before];
    let line = before.matches('\n').count() + 1;
    let last = before.rsplit('\n').next().unwrap_or_default();
    (line, last.trim_start_matches('\u{feff}').chars().count() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> ConfigFile {
        ConfigFile::parse(Path::new("c.toml"), text.to_owned()).unwrap()
    }

    #[test]
    fn lines_of_values() {
        let file =
            read("# ü\n[target.wasm32-unknown-unknown]\nlinker = 'x'\n\n[target.\"cfg(unix)\"]\nrustflags = [\n  'a', 'b']\n");
        assert_eq!(file.line(&["target", "wasm32-unknown-unknown", "linker"]), Some(3));
        assert_eq!(file.line(&["target", "cfg(unix)", "rustflags"]), Some(6));
        assert_eq!(file.words(&["target", "cfg(unix)", "rustflags"]), Some(vec!["a".into(), "b".into()]));
        assert_eq!(file.line(&["target", "none", "linker"]), None);
        let inline = read("target = { x = { linker = 'y' } }\nbuild.rustflags = ' -C  a '\n");
        assert_eq!(inline.text(&["target", "x", "linker"]), Some("y"));
        assert_eq!(inline.words(&["build", "rustflags"]), Some(vec!["-C".into(), "a".into()]));
        assert_eq!(inline.line(&["build", "rustflags"]), Some(2));
    }

    #[test]
    fn where_it_is_no_toml() {
        let problem = |text: &str| ConfigFile::parse(Path::new("c.toml"), text.to_owned()).unwrap_err().to_string();
        assert!(problem("a = 1\nüb = \n").starts_with("c.toml:2:"), "{}", problem("a = 1\nüb = \n"));
        assert!(problem("a = 1\na = 2\n").starts_with("c.toml:2:1: duplicate key"));
        assert_eq!(line_and_column("\u{feff}é=\nß x", 9), (2, 2));
    }
}
