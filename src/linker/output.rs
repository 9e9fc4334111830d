//! The file that a link makes: may it be judged, is it good, and what becomes of it when it is not.

use crate::contract::Contract;
use crate::module::{Module, OpenFile, ReadError};
use crate::report::Finding;
use crate::rules;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// What compilers write where no `-o` is given. `wasm-ld` refuses such a line.
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
        if self.not_a_file().is_some() {
            return;
        }
        let rejected = self.rejected();
        if std::fs::symlink_metadata(&rejected).is_ok_and(|facts| facts.is_file()) {
            let _ = std::fs::remove_file(rejected);
        }
    }

    /// What a person would call it.
    pub(crate) fn name(&self) -> String {
        if self.path == Path::new("-") { "standard output".to_owned() } else { self.path.display().to_string() }
    }

    /// Reads the module that the linker wrote to `written`, which is this output, or a file on the way to it.
    fn read(&self, written: &Path) -> Result<Module, Box<Finding>> {
        let name = self.name();
        let read = OpenFile::open(written).map_err(ReadError::Io).and_then(|file| Module::read(&file));
        read.map_err(|error| match error {
            ReadError::Io(error) => Box::new(Finding::new(
                &rules::OUTPUT_MISSING,
                format!("the linker reported success, and {name} cannot be read"),
                error.to_string(),
                "the module that was linked",
                "look at what the linker printed; is a program that is no linker named by --wasm-threads-linker or \
                 WASM_THREADS_LINKER, or is another program removing this file?",
            )),
            ReadError::Malformed(problem) => Box::new(rules::unreadable(&name, &problem)),
        })
    }

    /// Holds the module in `written` against its contract.
    pub(crate) fn judge(&self, written: &Path) -> Vec<Finding> {
        match self.read(written) {
            Ok(module) => Contract::of(&module).check(&module, &self.name()),
            Err(finding) => vec![*finding],
        }
    }

    /// Removes the output.
    pub(crate) fn remove(&self) {
        let _ = std::fs::remove_file(&self.path);
    }

    /// Takes a bad output away, so that nobody ships it. Says where it is now.
    pub(crate) fn reject(&self) -> String {
        let facts = std::fs::symlink_metadata(&self.path);
        if !facts.is_ok_and(|facts| facts.is_file()) {
            return String::new();
        }
        let rejected = self.rejected();
        let Err(error) = std::fs::rename(&self.path, &rejected) else {
            return format!("The rejected output is {}.", rejected.display());
        };
        match std::fs::remove_file(&self.path) {
            Ok(()) => format!("The rejected output was removed; it could not be moved to {} ({error}).", rejected.display()),
            Err(_) => format!("{} could not be moved aside ({error}): do not use it.", self.path.display()),
        }
    }
}
