//! The programs that the commands start: each is looked for as the linker looks for its own, and nothing that only lies in the current
//! folder is run.

use std::ffi::OsStr;
use std::io::{Error, ErrorKind};
use std::process::Command;
use wasm_threads::linker::find_program;

/// A call of `name`, a path or the name of a program on PATH.
///
/// # Errors
///
/// That there is no such program.
pub fn command(name: impl AsRef<OsStr>) -> Result<Command, Error> {
    find_program(name.as_ref())
        .map(Command::new)
        .ok_or_else(|| Error::new(ErrorKind::NotFound, "there is no such program in a folder that PATH names in full"))
}
