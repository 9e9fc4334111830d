//! [`verify()`]: one verdict on a module, for a program that ships or embeds it.

use crate::contract::Contract;
use crate::module::{Module, OpenFile, ReadError};
use crate::report::Finding;
use crate::rules;
use std::fmt;
use std::path::Path;

/// Holds a module against the contract of a threaded one: bytes, or the path of a file.
///
/// Who runs the module, and whether it is as a linker wrote it or as wasm-bindgen left it, is read off the module. Warnings do
/// not fail it. A component is no module: its core modules can be verified one by one.
///
/// ```no_run
/// // build.rs of a host program that embeds a module
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// wasm_threads::verify(std::path::Path::new("guest.wasm"))?;
/// wasm_threads::verify(&std::fs::read("guest.wasm")?[..])?;
/// # Ok(())
/// # }
/// ```
///
/// ```
/// // The smallest module of all: it has no memory to share.
/// let refused = wasm_threads::verify(&b"\0asm\x01\0\0\0"[..]).unwrap_err();
/// assert_eq!(refused.findings[0].rule.id, "memory-missing");
/// ```
///
/// # Errors
///
/// [`NotThreaded`], with one finding for each rule that is broken: `unreadable` where the bytes are no core module, are cut
/// off, or hold a part that this version does not know, and where the file cannot be read.
pub fn verify<'a>(module: impl Into<Input<'a>>) -> Result<(), NotThreaded> {
    let (name, read) = match module.into() {
        Input::Bytes(bytes) => ("the module".to_owned(), Module::read(bytes)),
        Input::Path(path) => {
            let read = OpenFile::open(path).map_err(ReadError::Io).and_then(|file| Module::read(&file));
            (path.display().to_string(), read)
        }
    };
    let mut findings = match read {
        Ok(module) => Contract::of(&module).check(&module, &name),
        Err(ReadError::Malformed(problem)) => [rules::unreadable(&name, &problem)].into(),
        Err(ReadError::Io(error)) => [Finding::new(
            &rules::UNREADABLE,
            format!("{name} cannot be read"),
            error.to_string(),
            "a WebAssembly module in a file",
            "name a file that exists and may be read",
        )]
        .into(),
    };
    findings.retain(Finding::is_error);
    if findings.is_empty() { Ok(()) } else { Err(NotThreaded { findings }) }
}

/// What [`verify()`] takes.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a> {
    /// A module in memory.
    Bytes(&'a [u8]),
    /// A module in a file, which is read in place.
    Path(&'a Path),
}

impl<'a> From<&'a [u8]> for Input<'a> {
    fn from(bytes: &'a [u8]) -> Input<'a> {
        Input::Bytes(bytes)
    }
}

impl<'a> From<&'a Vec<u8>> for Input<'a> {
    fn from(bytes: &'a Vec<u8>) -> Input<'a> {
        Input::Bytes(bytes)
    }
}

impl<'a> From<&'a Path> for Input<'a> {
    fn from(path: &'a Path) -> Input<'a> {
        Input::Path(path)
    }
}

impl<'a> From<&'a std::path::PathBuf> for Input<'a> {
    fn from(path: &'a std::path::PathBuf) -> Input<'a> {
        Input::Path(path)
    }
}

/// A module that is not threaded, and why: at least one finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotThreaded {
    /// The rules that it breaks.
    pub findings: Vec<Finding>,
}

impl fmt::Display for NotThreaded {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let texts: Vec<String> = self.findings.iter().map(ToString::to_string).collect();
        out.write_str(&texts.join("\n"))
    }
}

impl std::error::Error for NotThreaded {}
