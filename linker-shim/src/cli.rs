//! What was typed, and which part of the tool answers.

use crate::help::refusal;
use crate::tell::tell;
use crate::{build, check, demo, doctor, init, inspect};
use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

const HELP: &str = "\
Makes threaded WebAssembly builds really threaded.

Usage: cargo wasm-threads <COMMAND>

Commands:
  build, run, test, rustc
                     cargo's own, with all that a threaded build needs set for
                     this call
  demo               show the fault and the fix on a built-in sample
  init               write what a threaded build needs into .cargo/config.toml
  doctor             look for what would keep a build from being threaded
  check FILE|DIR...  say whether modules are threaded, at any stage
  inspect FILE       show the facts of a module and a picture of its memory
  help               print this

Options:
  -h, --help         print this; behind a command, all about that command
  -V, --version      print the version

As the linker of a build (`-C linker`), it takes a linker's command line: see
`wasm-threads-linker --wasm-threads-help`.

Examples:
  cargo wasm-threads demo
  cargo wasm-threads init
  cargo +nightly wasm-threads build --release
  cargo wasm-threads check dist

Exit status: 0 done; 1 it did not work; 2 bad usage. Each command's own --help
says more.";

/// Answers this process's arguments.
pub fn main() -> ExitCode {
    let mut args: Vec<OsString> = std::env::args_os().skip(1).collect();
    // `cargo wasm-threads demo` runs `cargo-wasm-threads wasm-threads demo`: then it is a person's word, and no link.
    let by_cargo = args.first().is_some_and(|first| first == "wasm-threads");
    if by_cargo {
        args.remove(0);
    }
    // `help check` is `check --help`.
    if let [help, command] = args.as_slice()
        && help == "help"
    {
        args = vec![command.clone(), "--help".into()];
    }
    let words: Vec<_> = args.iter().map(|arg| arg.to_string_lossy()).collect();
    let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
    match words.as_slice() {
        words if build::is_command(words) => build::main(&args),
        ["demo", ..] => ask(demo::Options::parse(&args[1..]), demo::HELP, show_demo),
        ["inspect", ..] => inspect::main(&args[1..]),
        ["check", ..] => check::main(&args[1..]),
        ["help" | "-h" | "--help"] => answer(HELP),
        ["-V" | "--version"] => answer(concat!("cargo-wasm-threads ", env!("CARGO_PKG_VERSION"))),
        ["init", ..] => ask(init::Options::parse(&args[1..]), init::HELP, init::run),
        ["doctor", ..] => ask(doctor::Options::parse(&args[1..]), doctor::HELP, doctor::run),
        [] => usage("no command was given"),
        [command, ..] if by_cargo || is_a_word(command) => usage(&format!("there is no command \"{command}\"")),
        // `-flavor wasm …`, `@arguments`, `--wasm-threads=…`, `a.o …`: a linker's words.
        _ => wasm_threads::linker::main(),
    }
}

/// Runs a command with the options that were read; where none were, help was asked for.
fn ask<O>(options: Result<Option<O>, String>, help: &str, run: impl FnOnce(&O) -> ExitCode) -> ExitCode {
    match options {
        Ok(Some(options)) => run(&options),
        Ok(None) => answer(help),
        Err(problem) => {
            tell(refusal(&problem, help));
            ExitCode::from(2)
        }
    }
}

/// Whoever asked may have gone away, and then wants no more.
fn answer(text: &str) -> ExitCode {
    let _ = writeln!(std::io::stdout(), "{text}");
    ExitCode::SUCCESS
}

/// A command that was mistyped, rather than the first word of a link.
fn is_a_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'-') && !text.starts_with('-')
}

fn show_demo(options: &demo::Options) -> ExitCode {
    match demo::run(options, &mut std::io::stdout().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        // The reader went away: nobody is left to tell.
        Err(demo::Failure::Output(_)) => ExitCode::FAILURE,
        Err(failure) => {
            tell(format_args!("error: {failure}"));
            ExitCode::FAILURE
        }
    }
}

fn usage(problem: &str) -> ExitCode {
    tell(refusal(problem, HELP));
    ExitCode::from(2)
}
