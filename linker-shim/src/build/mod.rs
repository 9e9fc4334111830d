//! `cargo wasm-threads build`, `run`, `test` and `rustc`: cargo's own, threaded for that call, and judged at the end.
//!
//! Nothing is written into the project. What the call needs is added behind what the user's configuration and words already say:
//! this executable as the linker, `+atomics`, and `-Zbuild-std`.

mod call;
mod cargo;
mod config;
mod flags;
mod messages;
mod runner;
mod target;
mod toolchain;
mod variants;
mod verdict;
mod words;

use crate::tell::tell;
use call::Call;
use std::ffi::OsString;
use std::io::Write;
use std::path::Path;
use std::process::{ExitCode, ExitStatus};
use verdict::Verdict;
use wasm_threads::linker::find_program;
use words::Words;

/// What is compiled by `-Zbuild-std`; with `std` come all the crates that it needs, for either way to panic.
const BUILD_STD: &str = "-Zbuild-std=std,panic_abort";

const HELP: &str = "\
Cargo's own commands, with what a threaded build needs set for this call. At the
end it says whether what was built is threaded, and how large its memory can be.

Usage: cargo wasm-threads build [--variants] [CARGO'S OPTIONS]
       cargo wasm-threads run [CARGO'S OPTIONS] [-- PROGRAM'S WORDS]
       cargo wasm-threads test [CARGO'S OPTIONS] [-- TESTS' WORDS]
       cargo wasm-threads rustc [CARGO'S OPTIONS] [-- COMPILER'S WORDS]
       cargo-wasm-threads runner MODULE [PROGRAM'S WORDS]

Added to your own flags and configuration, for this call alone: this program as
the linker, +atomics, and -Zbuild-std=std,panic_abort. The target is
wasm32-unknown-unknown, or what --target or build.target names:
wasm32-unknown-emscripten and wasm32-wasip1-threads, too; the last builds on
stable.

  build              links a package that is only a library as a cdylib, for
                     javascript
  run                runs it by your own runner, else by node or wasmtime
  test               runs the tests by your own runner, else for javascript by
                     wasm-bindgen-test-runner
  runner             judges one module and runs it: for
                     `runner = 'cargo-wasm-threads runner'` in cargo's config

Options:
  --variants         of build: the threaded module and a fallback side by side,
                     with a loader.mjs that picks one
  -h, --help         print this

Examples:
  cargo +nightly wasm-threads build --release
  cargo +nightly wasm-threads build --variants --release
  cargo wasm-threads run --target wasm32-wasip1-threads

Exit status: cargo's; 1 a module is not threaded, or what is needed is missing;
2 bad usage.";

/// Why it went no further.
#[derive(Debug)]
pub struct Failure {
    /// For a person; nothing where somebody else has said it.
    text: String,
    status: u8,
}

impl Failure {
    fn new(text: impl Into<String>) -> Failure {
        Failure { text: format!("error: {}", text.into()), status: 1 }
    }

    fn usage(text: &str) -> Failure {
        Failure { text: crate::help::refusal(text, HELP), status: 2 }
    }

    /// Cargo refused a question: its words, its status.
    fn of_cargo(text: String, status: ExitStatus) -> Failure {
        Failure { text, status: code(status) }
    }

    fn not_threaded(verdicts: &[Verdict], note: &str) -> Failure {
        let bad: Vec<&Verdict> = verdicts.iter().filter(|verdict| !verdict.errors.is_empty()).collect();
        let findings = bad.iter().flat_map(|verdict| &verdict.errors).map(ToString::to_string);
        let names: Vec<String> = bad.iter().map(|verdict| verdict::shown(&verdict.path)).collect();
        let lines = findings.chain([note.to_owned(), format!("error: not threaded: {}", names.join(", "))]);
        Failure { text: lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n"), status: 1 }
    }
}

/// Whether these words are for this part of the tool.
pub fn is_command(words: &[&str]) -> bool {
    let command = if words.first().is_some_and(|word| word.starts_with('+')) { words.get(1) } else { words.first() };
    command.is_some_and(|command| ["build", "run", "test", "rustc", "runner"].contains(command))
}

/// Answers one of the commands.
pub fn main(args: &[OsString]) -> ExitCode {
    // Where the toolchain stands before the command, it stands behind it for us.
    let at = usize::from(args[0].as_encoded_bytes().starts_with(b"+"));
    let command = args[at].to_string_lossy();
    let rest: Vec<OsString> = [&args[..at], &args[at + 1..]].concat();
    match answer(&command, &rest) {
        Ok(status) => ExitCode::from(status),
        Err(failure) => {
            if !failure.text.is_empty() {
                tell(failure.text);
            }
            ExitCode::from(failure.status)
        }
    }
}

fn answer(command: &str, words: &[OsString]) -> Result<u8, Failure> {
    if command == "runner" {
        return runner::run(words);
    }
    let mut words = Words::read(words, command == "run");
    if words.has(&["--help"]) {
        let _ = writeln!(std::io::stdout(), "{HELP}");
        return Ok(0);
    }
    let variants = variants::asked(&mut words);
    if variants && command != "build" {
        return Err(Failure::usage(&format!("--variants is for build, and not for {command}")));
    }
    let call = Call::prepare(command, if variants { &["--variants"] } else { &[] }, words)?;
    match command {
        "build" if variants => variants::build(&call),
        // Without a run no runner judges.
        "test" if call.words.has(&["--no-run"]) => call.build_and_judge(command, false),
        "build" | "rustc" => {
            // Where cargo has no metadata it says why when it builds.
            let alone = command == "build"
                && call.cargo.metadata(&call.words, false).is_ok_and(|metadata| call.library_alone(&metadata));
            call.build_and_judge(command, alone)
        }
        _ => call.run(command),
    }
}

/// Whether `program` is this tool under one of its names, and is there.
fn is_shim(program: &str) -> bool {
    // Cargo looks for a name alone on PATH, and nowhere else.
    let alone = Path::new(program).components().count() == 1;
    let is_there = || if alone { find_program(program.as_ref()).is_some() } else { Path::new(program).is_file() };
    crate::project::is_shim(program.as_ref()) && is_there()
}

/// A line in cargo's manner, with a verb in front.
fn say(verb: &str, text: &str) {
    if crate::colour::wanted(&std::io::stderr()) {
        tell(format_args!("\x1b[1;32m{verb:>12}\x1b[0m {text}"));
    } else {
        tell(format_args!("{verb:>12} {text}"));
    }
}

/// The status of a program that ended, as a shell would give it.
fn code(status: ExitStatus) -> u8 {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return u8::try_from(128 + signal).unwrap_or(1);
    }
    status.code().map_or(1, |code| u8::try_from(code).unwrap_or(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands() {
        assert!(is_command(&["build"]) && is_command(&["+nightly", "test"]) && is_command(&["runner"]));
        assert!(!is_command(&[]) && !is_command(&["+nightly"]) && !is_command(&["demo"]) && !is_command(&["-flavor", "build"]));
    }
}
