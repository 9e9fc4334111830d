//! `cargo wasm-threads demo`: the fault and the fix, before and after, on a built-in sample.
//!
//! One small program is linked twice by the user's own linker: with the words that rustc 1.92 and later pass, and
//! with the same words through this executable. What came out is read back and shown side by side, then run.

mod facts;
mod link;
mod sample;
mod temporary;
mod text;
mod toolchain;
mod workers;

use crate::child::Runner;
use facts::Facts;
use std::ffi::OsString;
use std::fmt;
use std::io::{self, Write};
use toolchain::Toolchain;

/// What `--help` says.
pub const HELP: &str = "\
Shows the fault and the fix: a built-in sample is linked twice by your own
rust-lld, with the words of rustc 1.92 and later, and with the same through this
program; both modules are shown side by side, then run by node.

Usage: cargo wasm-threads demo [OPTIONS]

Options:
  -v, --verbose      show every command that was run
  -h, --help         print this

Examples:
  cargo wasm-threads demo
  cargo wasm-threads demo --verbose

Exit status: 0 both were seen; 1 they could not be shown; 2 bad usage.";

/// How the demo speaks.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Show every command that is run.
    pub verbose: bool,
    /// Colour the verdicts.
    pub colour: bool,
}

impl Options {
    /// Reads what stands after `demo`, for standard output; nothing where help was asked for.
    ///
    /// # Errors
    ///
    /// What is not understood.
    pub fn parse(args: &[OsString]) -> Result<Option<Options>, String> {
        let mut words = crate::words::Words::new(args);
        let mut options = Options { verbose: false, colour: crate::colour::wanted(&io::stdout()) };
        while let Some(name) = words.next_option() {
            match name.as_str() {
                "-v" | "--verbose" => words.flag(&mut options.verbose)?,
                "-h" | "--help" => return Ok(None),
                other => return Err(format!("demo does not take \"{other}\"")),
            }
        }
        Ok(Some(options))
    }
}

/// Why the fault and the fix could not both be shown.
#[derive(Debug)]
pub enum Failure {
    /// The reader went away, or the disk is full: nobody is left to tell more.
    Output(io::Error),
    /// The reason, in words for the user; more than one line where a tool had something to say.
    Reason(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Output(error) => write!(to, "cannot write the output: {error}"),
            Failure::Reason(reason) => to.write_str(reason),
        }
    }
}

impl std::error::Error for Failure {}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        Failure::Output(error)
    }
}

/// Shows the fault and the fix on `out`. `Ok` means that both were seen.
pub fn run(options: &Options, out: &mut dyn Write) -> Result<(), Failure> {
    let folder = temporary::Folder::new().map_err(|error| {
        let parent = std::env::temp_dir();
        Failure::Reason(format!("cannot make a folder in {}: {error}", parent.display()))
    })?;
    let mut runner = Runner::new(folder.path());

    let shown = show(options, &mut runner, out);
    if options.verbose {
        writeln!(out, "\nCommands that were run:")?;
        for command in runner.commands() {
            writeln!(out, "  {command}")?;
        }
    }
    shown
}

fn show(options: &Options, runner: &mut Runner, out: &mut dyn Write) -> Result<(), Failure> {
    let toolchain = Toolchain::find(runner).map_err(Failure::Reason)?;
    let pair = link::both(runner, &toolchain).map_err(Failure::Reason)?;
    let bare = Facts::read(&pair.bare).map_err(Failure::Reason)?;
    let through = Facts::read(&pair.through).map_err(Failure::Reason)?;

    text::introduction(out, &toolchain, &pair.origin)?;
    text::table(out, options.colour, &bare, &through)?;
    if bare.threaded() {
        let reason = format!(
            "this linker made a threaded module of the bare words: the fault does not show with {}",
            toolchain.linker.display()
        );
        return Err(Failure::Reason(reason));
    }
    if !through.threaded() {
        let reason = "the module linked through wasm-threads is not threaded: this is a bug of ours, please report it";
        return Err(Failure::Reason(reason.to_owned()));
    }

    let ran = workers::run(runner, &pair, &through).map_err(Failure::Reason)?;
    text::workers(out, &ran)?;
    if let workers::Ran::Here { right: false, .. } = ran {
        let reason = "the two modules did not behave as they should on two workers (see above): please report it";
        return Err(Failure::Reason(reason.to_owned()));
    }
    text::next_steps(out)?;
    Ok(())
}
