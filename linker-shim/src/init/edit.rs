//! The change to one configuration file: text in, text out.
//!
//! What the user wrote stays: comments, order, values, the form of each table. Only a `linker` is replaced, and then handed on to the
//! shim as the real one.

use crate::project::config_file::{ConfigFile, Problem, words};
use crate::project::flags::{Flags, codegen_options};
use crate::project::recipe::Recipe;
use crate::project::{is_shim, stem};
use std::ffi::OsStr;
use std::path::Path;
use toml_edit::{Array, DocumentMut, InlineTable, Item, Table, Value};

/// The name that `cargo install` gives the shim.
const LINKER: &str = "wasm-threads-linker";

/// What cargo takes from elsewhere for the same build.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Elsewhere {
    /// Some other file sets `build.target`.
    pub build_target: bool,
    /// Some other file sets `unstable.build-std`.
    pub build_std: bool,
    /// For `rustflags` and `rustdocflags`.
    pub flags: [FlagsElsewhere; 2],
}

/// The same for one kind of flags.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FlagsElsewhere {
    /// `[build]` flags are what reaches the target now. Flags under `[target]` will take their place.
    pub build_reaches_target: bool,
    /// Some other file has the target's flags as one string. Cargo does not join that with an array, and takes the nearest of several
    /// strings in place of the others: so these words are to be repeated.
    pub as_text: Option<Vec<String>>,
}

/// A file after the change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edited {
    /// All of it.
    pub text: String,
    /// What a person should know, that the change does not show.
    pub notes: Vec<String>,
}

/// Makes `text`, of the file `path`, say what `recipe` wants.
///
/// # Errors
///
/// What is no TOML, or not what cargo takes there, and where.
pub fn edit(path: &Path, text: &str, recipe: &Recipe, elsewhere: &Elsewhere) -> Result<Edited, Problem> {
    // With the positions of everything, for errors; the one that can be changed has none.
    let file = ConfigFile::parse(path, text.to_owned())?;
    let document = text.parse::<DocumentMut>().map_err(|error| Problem {
        path: path.to_owned(),
        at: None,
        what: error.message().to_owned(),
    })?;
    let mut edit = Edit { file, document, recipe, elsewhere, notes: Vec::new() };
    edit.build_target()?;
    let linker = edit.linker()?;
    edit.flags("rustflags", linker)?;
    if recipe.features.is_some() {
        edit.flags("rustdocflags", None)?;
    }
    edit.build_std()?;
    Ok(edit.finish(text))
}

struct Edit<'a> {
    file: ConfigFile,
    document: DocumentMut,
    recipe: &'a Recipe,
    elsewhere: &'a Elsewhere,
    /// Each with the keys of what it speaks of, where that is in this file.
    notes: Vec<(Option<Vec<String>>, String)>,
}

impl Edit<'_> {
    fn note(&mut self, text: String) {
        self.notes.push((None, text));
    }

    fn note_at(&mut self, keys: &[&str], text: String) {
        self.notes.push((Some(keys.iter().map(|key| (*key).to_owned()).collect()), text));
    }

    /// The text, and the notes with the lines that things have in it.
    fn finish(self, old: &str) -> Edited {
        let text = with_line_ends_of(old, self.document.to_string());
        let file = ConfigFile::parse(&self.file.path, text.clone()).ok();
        let place = |keys: &[String]| {
            let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
            let line = file.as_ref().and_then(|file| file.line(&keys)).unwrap_or(1);
            format!("{}:{line}: ", self.file.path.display())
        };
        let notes = self.notes.iter();
        let notes = notes.map(|(keys, text)| keys.as_deref().map(place).unwrap_or_default() + text).collect();
        Edited { text, notes }
    }

    /// Build scripts and procedural macros get the standard library that is there only where a target is named: so one is.
    fn build_target(&mut self) -> Result<(), Problem> {
        let triple = self.recipe.triple;
        if self.recipe.build_std.is_empty() {
            return Ok(());
        }
        let keys = ["build", "target"];
        if let Some(found) = self.file.get(&keys) {
            let Some(targets) = found.as_str().map(|one| vec![one.to_owned()]).or_else(|| words(found)) else {
                return Err(self.file.problem(&keys, "expected a target, or an array of targets"));
            };
            if !targets.iter().any(|target| target == triple) {
                let targets = targets.join(" and ");
                let text =
                    format!("`cargo build` means {targets} here, which is kept. For threads: cargo build --target {triple}");
                self.note_at(&keys, text);
            }
            return Ok(());
        }
        if self.elsewhere.build_target {
            return Ok(());
        }
        let comment = "# build-std below is for this target, and not for build scripts and procedural macros.\n";
        insert(self.table(&["build"])?, "target", triple.into(), comment);
        self.note(format!(
            "`cargo build` now builds for {triple}; for this machine, name it: --target and the host that `rustc -vV` says"
        ));
        Ok(())
    }

    /// Names the shim. What was named before is the real linker now: the word for `rustflags` that says so.
    fn linker(&mut self) -> Result<Option<String>, Problem> {
        let keys = ["target", self.recipe.triple, "linker"];
        let found = match self.file.get(&keys) {
            None => None,
            Some(item) => match item.as_str() {
                Some(text) => Some(text.to_owned()),
                None => return Err(self.file.problem(&keys, "expected the linker's name or path, a string")),
            },
        };
        match found {
            Some(found) if is_shim(OsStr::new(&found)) => Ok(None),
            Some(found) => {
                let table = self.table(&keys[..2])?;
                if let Some(value) = table.get_mut("linker").and_then(Item::as_value_mut) {
                    replace(value, LINKER.into());
                }
                self.real_linker(&found)
            }
            None => {
                let comment = match self.recipe.features {
                    Some(_) => "# Makes the memory shared, and fails the link if it is not.\n",
                    // rustc shares it here by itself.
                    None => "# Fails the link if the module is not threaded.\n",
                };
                insert(self.table(&keys[..2])?, "linker", LINKER.into(), comment);
                Ok(None)
            }
        }
    }

    /// How the shim hears of the linker that stood in its place.
    fn real_linker(&mut self, found: &str) -> Result<Option<String>, Problem> {
        let name = stem(OsStr::new(found));
        let is_path = found.contains(['/', '\\']);
        if !is_path && matches!(name.as_str(), "" | "rust-lld" | "lld" | "emcc") {
            // What the shim finds by itself; or none at all.
            return Ok(None);
        }
        if name
            .trim_end_matches(|character: char| character.is_ascii_digit() || matches!(character, '-' | '.'))
            .ends_with("clang")
        {
            self.note(format!(
                "the linker was {found}; wasm-threads-linker is called as wasm-ld would be, and calls rust-lld. To link through clang, \
                 add -Clinker-flavor=wasm-lld-cc and -Clink-arg=--wasm-threads-linker={found} to rustflags"
            ));
            return Ok(None);
        }
        if !is_path || is_absolute(found) {
            return Ok(Some(format!("--wasm-threads-linker={found}")));
        }
        // Cargo reads a relative path from the folder of `.cargo`, and does the same for a variable that says so.
        if self.file.get(&["env", "WASM_THREADS_LINKER"]).is_none() {
            let mut value = InlineTable::new();
            value.insert("value", found.into());
            value.insert("relative", true.into());
            let comment = "# The linker that wasm-threads-linker calls.\n";
            insert(self.table(&["env"])?, "WASM_THREADS_LINKER", Value::InlineTable(value), comment);
        }
        Ok(None)
    }

    /// The features, and for a link the marker, at the end of the target's flags.
    fn flags(&mut self, name: &'static str, real_linker: Option<String>) -> Result<(), Problem> {
        let is_link = name == "rustflags";
        let keys = ["target", self.recipe.triple, name];
        let found = self.flags_at(&keys)?;
        let elsewhere = self.elsewhere.flags[usize::from(!is_link)].clone();
        let from_build = if elsewhere.build_reaches_target { self.flags_at(&["build", name])? } else { None };
        // `-C linker=` would win over `linker`.
        let mut real_linker = real_linker;
        if let Some(named) = Flags::read(found.as_deref().unwrap_or_default()).linker.filter(|_| is_link)
            && !is_shim(OsStr::new(&named))
        {
            let word = self.real_linker(&named)?;
            real_linker = word.or(real_linker);
            self.rename_linkers(&keys)?;
        }
        // What would be lost by writing flags here, where there are none yet.
        let lost = match &found {
            Some(found) if !found.is_empty() => None,
            _ => elsewhere.as_text.clone().filter(|_| found.is_none()).or(from_build),
        };
        let now = lost.clone().or_else(|| found.clone()).unwrap_or_default();
        let flags = Flags::read(&now);
        let mut more = Vec::new();
        if let Some(features) = self.recipe.features
            && !flags.threaded()
        {
            more.push(format!("target-feature={features}"));
        }
        if is_link && flags.exports("wasm-threads:unthreaded") {
            self.note(format!("{name} of {} say that a link must not be threaded; that is kept", self.recipe.triple));
        } else if is_link && !flags.exports("wasm-threads:threaded") {
            more.push(format!("link-arg={}", self.recipe.marker));
        }
        if let Some(word) = real_linker.filter(|_| !flags.has("--wasm-threads-linker")) {
            more.push(format!("link-arg={word}"));
        }
        if more.is_empty() {
            return Ok(());
        }
        let mut words = lost.unwrap_or_default();
        if !words.is_empty() {
            let of = if elsewhere.as_text.is_some() { "those of another file" } else { "those of [build]" };
            let triple = self.recipe.triple;
            self.note(format!("{name} under [target.{triple}] repeat {of}: cargo takes one or the other, and never both"));
        }
        words.extend(more.into_iter().flat_map(|word| ["-C".to_owned(), word]));
        let comment = match (is_link, self.recipe.features) {
            (true, Some(_)) => RUSTFLAGS_COMMENT,
            (true, None) => MARKER_COMMENT,
            (false, _) => RUSTDOCFLAGS_COMMENT,
        };
        self.append(&keys, &words, elsewhere.as_text.is_some(), comment)
    }

    fn flags_at(&self, keys: &[&str]) -> Result<Option<Vec<String>>, Problem> {
        match self.file.get(keys) {
            None => Ok(None),
            Some(item) => match words(item) {
                Some(words) => Ok(Some(words)),
                None => Err(self.file.problem(keys, "expected an array of strings, or one string")),
            },
        }
    }

    /// Every `-C linker=X` of these flags names the shim.
    fn rename_linkers(&mut self, keys: &[&str; 3]) -> Result<(), Problem> {
        let table = self.table(&keys[..2])?;
        let renamed = |words: &[String]| {
            let mut words = words.to_vec();
            for option in codegen_options(&words.clone()) {
                if option.name == "linker" {
                    words[option.at].truncate(option.from);
                    words[option.at] += &format!("linker={LINKER}");
                }
            }
            words
        };
        let Some(item) = table.get_mut(keys[2]) else { return Ok(()) };
        let before = words(item).unwrap_or_default();
        let after = renamed(&before);
        match item.as_value_mut() {
            Some(Value::Array(array)) => {
                for (value, (before, after)) in array.iter_mut().zip(before.iter().zip(after)) {
                    if *before != after {
                        replace(value, after.into());
                    }
                }
            }
            Some(value) => replace(value, after.join(" ").into()),
            None => {}
        }
        Ok(())
    }

    /// Adds words at the end of flags, in the form that they have.
    fn append(&mut self, keys: &[&str; 3], more: &[String], as_text: bool, comment: &str) -> Result<(), Problem> {
        let table = self.table(&keys[..2])?;
        match table.get_mut(keys[2]).and_then(Item::as_value_mut) {
            Some(Value::Array(array)) => more.iter().for_each(|word| push(array, word)),
            Some(value) => {
                let text = value.as_str().unwrap_or_default().trim_end();
                let joined = if text.is_empty() { more.join(" ") } else { format!("{text} {}", more.join(" ")) };
                replace(value, joined.into());
            }
            None if as_text => insert(table, keys[2], more.join(" ").into(), comment),
            None => insert(table, keys[2], more.iter().collect::<Array>().into(), comment),
        }
        Ok(())
    }

    fn build_std(&mut self) -> Result<(), Problem> {
        let keys = ["unstable", "build-std"];
        if self.recipe.build_std.is_empty() {
            return Ok(());
        }
        if let Some(found) = self.file.get(&keys) {
            let Some(crates) = found.as_array().and_then(|_| words(found)) else {
                return Err(self.file.problem(&keys, "expected an array of strings: cargo takes nothing else here"));
            };
            // Cargo also takes "std,panic_abort" for two, and nothing at all for all of them.
            let has_std = crates.iter().flat_map(|names| names.split(',')).any(|name| name.trim() == "std");
            if !has_std && !crates.is_empty() {
                self.note_at(&keys, "without std, which is kept: right for a package that is no_std throughout".to_owned());
            }
            return Ok(());
        }
        if self.elsewhere.build_std {
            return Ok(());
        }
        let comment = "# Atomics and thread-locals of Rust's own library, compiled as such.\n";
        let crates: Array = self.recipe.build_std.iter().copied().collect();
        insert(self.table(&["unstable"])?, "build-std", crates.into(), comment);
        self.note("build-std wants a nightly toolchain with rust-src; `cargo wasm-threads doctor` looks".to_owned());
        Ok(())
    }

    /// The table under these keys, made where it is missing.
    fn table(&mut self, keys: &[&str]) -> Result<&mut Item, Problem> {
        // A table of a new name comes last; the comments that are last now stay above it.
        let trailing = self.document.trailing().as_str().unwrap_or_default().to_owned();
        let above = match self.document.contains_key(keys[0]) || trailing.trim().is_empty() {
            true => None,
            false => Some(format!("{}\n\n", trailing.trim_end())),
        };
        if above.is_some() {
            self.document.set_trailing("");
        }
        let mut item = self.document.as_item_mut();
        for (at, key) in keys.iter().enumerate() {
            let Some(table) = item.as_table_like_mut() else {
                return Err(self.file.problem(&keys[..at], format!("expected a table for `{}`", keys[at - 1])));
            };
            let new = || {
                let mut new = Table::new();
                // `[target]` alone is not written above `[target.x]`.
                new.set_implicit(at + 1 < keys.len());
                if let Some(above) = above.as_ref().filter(|_| at + 1 == keys.len()) {
                    new.decor_mut().set_prefix(above);
                }
                Item::Table(new)
            };
            item = table.entry(key).or_insert_with(new);
        }
        match item.is_table_like() {
            true => Ok(item),
            false => Err(self.file.problem(keys, format!("expected a table for `{}`", keys.join(".")))),
        }
    }
}

const RUSTFLAGS_COMMENT: &str =
    "# Atomics and thread-locals are compiled as such; `wasm-threads:threaded` makes a link without them fail.\n";
const MARKER_COMMENT: &str = "# Makes a link fail that is not threaded.\n";
const RUSTDOCFLAGS_COMMENT: &str = "# The same for doctests.\n";

/// A new key, with a comment above it where there is a line for one.
fn insert(table: &mut Item, key: &str, value: Value, comment: &str) {
    let has_lines = table.as_table().is_some_and(|table| !table.is_dotted());
    let Some(table) = table.as_table_like_mut() else { return };
    table.insert(key, Item::Value(value));
    if has_lines && let Some(mut key) = table.key_mut(key) {
        key.leaf_decor_mut().set_prefix(comment);
    }
}

/// The new value, with the spaces and the comment of the old one.
fn replace(value: &mut Value, mut new: Value) {
    *new.decor_mut() = value.decor().clone();
    *value = new;
}

/// One more element, on a line of its own where the others have theirs.
fn push(array: &mut Array, word: &str) {
    let mut value = Value::from(word);
    let text = |raw: Option<&toml_edit::RawString>| raw.and_then(|raw| raw.as_str()).unwrap_or_default().to_owned();
    let (trailing, trailing_comma, length) = (text(Some(array.trailing())), array.trailing_comma(), array.len());
    let Some(last) = length.checked_sub(1).and_then(|last| array.get_mut(last)) else {
        // Whatever stood between the brackets, a comment say, stands before it now.
        if !trailing.trim().is_empty() {
            value.decor_mut().set_prefix(trailing);
            array.set_trailing("\n");
        }
        array.push_formatted(value);
        return;
    };
    let (before_last, after_last) = (text(last.decor().prefix()), text(last.decor().suffix()));
    let own_line = before_last.rfind('\n').map(|at| before_last[at..].to_owned());
    if trailing_comma {
        match &own_line {
            // A comment after the last comma stays with its element.
            Some(line) if trailing.contains('#') => {
                let end = trailing.rfind('\n').unwrap_or(trailing.len());
                value.decor_mut().set_prefix(format!("{}{line}", &trailing[..end]));
                array.set_trailing(&trailing[end..]);
            }
            Some(line) => value.decor_mut().set_prefix(line),
            None => value.decor_mut().set_prefix(" "),
        }
    } else {
        let end = after_last.rfind('\n').unwrap_or(after_last.len());
        last.decor_mut().set_suffix("");
        value.decor_mut().set_prefix(match &own_line {
            Some(line) => format!("{}{line}", &after_last[..end]),
            None if after_last.contains('#') => format!("{}\n    ", &after_last[..end]),
            None => " ".to_owned(),
        });
        value.decor_mut().set_suffix(&after_last[end..]);
    }
    array.push_formatted(value);
}

/// On this system or the other.
fn is_absolute(path: &str) -> bool {
    let drive = path.as_bytes().get(1) == Some(&b':') && path.starts_with(|first: char| first.is_ascii_alphabetic());
    path.starts_with(['/', '\\']) || drive
}

/// The same with the line ends, and the mark at the beginning, that the file had.
fn with_line_ends_of(old: &str, new: String) -> String {
    let dos = old.matches("\r\n").count() * 2 > old.matches('\n').count();
    let new = if dos { new.replace("\r\n", "\n").replace('\n', "\r\n") } else { new };
    if old.starts_with('\u{feff}') { format!("\u{feff}{new}") } else { new }
}

#[cfg(test)]
mod tests;
