//! Which modules are judged, and what each is to be.

use super::options::{Expect, Options};
use super::patterns::plain;
use super::verdict::shown;
use super::walk::{self, Found};
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

/// What is judged.
#[derive(Debug, Default)]
pub struct Selection {
    /// Each module once, in the order of its path.
    pub files: BTreeMap<PathBuf, Expect>,
    /// Folders that could not be looked into: what lies there is not known.
    pub unreadable: Vec<(PathBuf, io::Error)>,
}

/// Finds all modules that `options` names.
///
/// # Errors
///
/// Where something that was named stands for no module: then a gate would be open that seems to be shut.
pub fn select(options: &Options) -> Result<Selection, String> {
    let mut all = Found::default();
    for input in &options.inputs {
        if !input.is_dir() {
            all.files.insert(plain(input));
            continue;
        }
        let mut found = Found::default();
        walk::modules(input, &walk::is_module, &mut found);
        if found.files.is_empty() && found.unreadable.is_empty() {
            return Err(format!("there is no *.wasm in {}", shown(input)));
        }
        add(&mut all, found);
    }
    for (pattern, expect) in &options.patterns {
        let mut found = Found::default();
        // Names alone are those of what was named otherwise, where anything was.
        if pattern.has_folder || options.inputs.is_empty() {
            pattern.expand(&mut found);
        }
        let any = !found.files.is_empty() || all.files.iter().any(|path| pattern.is_for(path));
        if !any && found.unreadable.is_empty() {
            return Err(format!("--{} {:?} is for no module", expect.id(), pattern.text));
        }
        add(&mut all, found);
    }
    let mut selection = Selection { unreadable: all.unreadable, ..Selection::default() };
    for path in all.files {
        let expect = expectation(&path, options)?;
        selection.files.insert(path, expect);
    }
    Ok(selection)
}

fn add(all: &mut Found, found: Found) {
    all.files.extend(found.files);
    for (path, error) in found.unreadable {
        if all.unreadable.iter().all(|(known, _)| *known != path) {
            all.unreadable.push((path, error));
        }
    }
}

fn expectation(path: &Path, options: &Options) -> Result<Expect, String> {
    let wanted = |expect| options.patterns.iter().any(|(pattern, of)| *of == expect && pattern.is_for(path));
    match (wanted(Expect::Threaded), wanted(Expect::Unthreaded)) {
        (true, true) => Err(format!("{} is both, by --threaded and by --unthreaded", shown(path))),
        (true, false) => Ok(Expect::Threaded),
        (false, true) => Ok(Expect::Unthreaded),
        (false, false) => Ok(options.expect),
    }
}
