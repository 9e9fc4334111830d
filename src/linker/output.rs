//! The file that a link makes: may it be judged, is it good, and what becomes of it when it is not.

use crate::contract::Contract;
use crate::module::{Module, OpenFile, ReadError};
use crate::report::Finding;
use crate::rules;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// What `wasm-ld` writes where no `-o` is given.
const DEFAULT_OUTPUT: &str = "a.out";

/// The output of a link.
#[derive(Clone, Debug)]
pub(crate) struct Output {
    /// Its path, as the linker was given it.
    pub path: PathBuf,
}

impl Output {
    /// The output that `-o` names.
    pub(crate) fn named(option: Option<&OsStr>) -> Output {
        Output { path: PathBuf::from(option.unwrap_or(OsStr::new(DEFAULT_OUTPUT))) }
    }

    /// Why the output cannot be read back, where it cannot: it is not a file, or is already there as something else.
    /// A link to a file is no hindrance: the linker replaces the link.
    pub(crate) fn not_a_file(&self) -> Option<String> {
        if self.path == Path::new("-") {
            return Some("standard output".to_owned());
        }
        let facts = std::fs::metadata(&self.path).ok()?;
        if facts.is_file() || facts.is_dir() {
            // What is wrong with a folder, the linker says itself.
            return None;
        }
        Some(format!("{} (a device or a pipe)", self.path.display()))
    }

    /// The name that a rejected output gets. No `*.wasm` finds it.
    pub(crate) fn rejected(&self) -> PathBuf {
        let mut name = OsString::from(&self.path);
        name.push(".rejected");
        name.into()
    }

    /// Removes what an earlier link left under that name.
    pub(crate) fn remove_stale(&self) {
        let rejected = self.rejected();
        if std::fs::symlink_metadata(&rejected).is_ok_and(|facts| facts.is_file()) {
            let _ = std::fs::remove_file(rejected);
        }
    }

    /// Reads the module that the linker wrote.
    pub(crate) fn read(&self) -> Result<Module, Box<Finding>> {
        let name = self.path.display();
        let read = OpenFile::open(&self.path).map_err(ReadError::Io).and_then(|file| Module::read(&file));
        read.map_err(|error| match error {
            ReadError::Io(error) => Box::new(Finding::new(
                &rules::OUTPUT_MISSING,
                format!("the linker reported success, and {name} cannot be read"),
                error.to_string(),
                "the module that was linked",
                "look at what the linker printed; is another program writing or removing this file?",
            )),
            ReadError::Malformed(problem) => Box::new(rules::unreadable(&name.to_string(), &problem)),
        })
    }

    /// Holds the module against its contract.
    pub(crate) fn judge(&self) -> Vec<Finding> {
        match self.read() {
            Ok(module) => Contract::of(&module).check(&module, &self.path.display().to_string()),
            Err(finding) => vec![*finding],
        }
    }

    /// Takes a bad output away, so that nobody ships it. Says where it is now.
    pub(crate) fn reject(&self) -> String {
        let facts = std::fs::symlink_metadata(&self.path);
        if !facts.is_ok_and(|facts| facts.is_file()) {
            return String::new();
        }
        let rejected = self.rejected();
        let moved = std::fs::rename(&self.path, &rejected);
        match moved.or_else(|error| std::fs::remove_file(&self.path).map_err(|_| error)) {
            Ok(()) if rejected.exists() => format!("The rejected output is {}.", rejected.display()),
            Ok(()) => "The rejected output was removed.".to_owned(),
            Err(error) => format!("{} could not be moved aside ({error}): do not use it.", self.path.display()),
        }
    }
}
