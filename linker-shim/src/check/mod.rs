//! `cargo wasm-threads check FILE|DIR…`: whether modules are what they are to be, threaded or not, at any stage.

mod after;
mod github;
mod glue;
mod json;
mod levels;
mod options;
mod patterns;
mod rule_name;
mod run;
mod sarif;
mod select;
mod text;
mod verdict;
mod walk;

use crate::colour::Colours;
use crate::help::refusal;
use crate::tell::tell;
use options::{Asked, Format, Options, Problem};
use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;
use verdict::{File, Seen, Status};
use wasm_threads::contract::Judgement;
use wasm_threads::report::{Finding, clean};

const HELP: &str = "\
Says whether modules are threaded: as a linker, wasm-bindgen, wasm-opt or a tool
that strips has left them. For each rule that one breaks: what was found, what
was wanted, why, and the line that mends it.

Usage: cargo wasm-threads check [OPTIONS] FILE|DIR...
       cargo wasm-threads check [OPTIONS] --threaded PATTERN...

FILE is a module, or a component, whose core modules are judged one by one, or a
script or page in which emcc put its module (-sSINGLE_FILE). DIR stands for
every *.wasm in it, at any depth. The script that wasm-bindgen or emcc wrote
beside a module is read too: it makes the memory.

Options:
  --expect threaded|unthreaded
                     what the modules are to be; threaded where it is not said
  --threaded PATTERN, --unthreaded PATTERN
                     what these modules are to be: 'dist/mt/*.wasm' for paths,
                     '*.threads.wasm' for names; quoted, so that the pattern
                     finds its modules itself. A folder stands for all in it.
                     One that is for no module is an error
  --after BEFORE     say also what a tool took away that read BEFORE and wrote
                     FILE
  --abi ABI          who runs them, instead of what is read off each:
                     javascript, wasi-threads, wasi, emscripten, emscripten-side
  --stage STAGE      how far they have come: linked, after-wasm-bindgen
  --run              also start each module twice on one memory, in two workers
                     of node with stubs for its imports, and show that its
                     threads are separate
  --run-limit SECONDS
                     how long that may take for one module; 60 where it is not
                     said
  --allow RULE, --warn RULE, --deny RULE
                     how grave a breach of that rule is; the last one wins, and
                     RULE may be `warnings`
  --format FORMAT    text, json (a documented shape with a version), github
                     (annotations), or sarif (2.1.0)
  --explain RULE     print all about that rule, and how to mend a breach of it
  -h, --help         print this

Examples:
  cargo wasm-threads check dist/app_bg.wasm
  cargo wasm-threads check --explain memory-not-shared
  cargo wasm-threads check --threaded 'mt/*.wasm' --unthreaded 'st/*.wasm'
  cargo wasm-threads check --format github dist
  cargo wasm-threads check --after app_bg.wasm app_bg.optimized.wasm
  cargo wasm-threads check --run target/wasm32-unknown-unknown/release/app.wasm

Exit status: 0 each module is what it is to be; 1 one is not; 2 it could not be
decided of one (no such file, no module, not run with --run, bad usage),
whatever the others are.";

/// Further checks of a module: each is told what was seen, and answers with what became of its rules, or with the reason why it
/// could not decide (exit status 2). To add one: write a [`Further`] in a module of its own,
/// name it here, and give its rules a row in the library's `rules.rs`; options of its own go into `options.rs`.
const FURTHER: &[Further] = &[glue::judge, after::judge, run::run];

type Further = fn(&Seen<'_>) -> Result<Vec<Judgement>, Box<Finding>>;

/// Answers `args`, which stood behind `check`.
pub fn main(args: &[OsString]) -> ExitCode {
    match answer(args, Colours::for_stdout()) {
        Ok((text, status)) => say(&text, status),
        Err(problem) => {
            tell(clean(&problem));
            ExitCode::from(Status::Undecided.code())
        }
    }
}

/// What is printed for `args`.
///
/// # Errors
///
/// What is wrong with `args`, for standard error.
pub fn answer(args: &[OsString], colours: Colours) -> Result<(String, Status), String> {
    let options = match Options::read(args) {
        Ok(Asked::Check(options)) => options,
        Ok(Asked::Explain(rule)) => return Ok((rule.page.to_owned(), Status::Holds)),
        Ok(Asked::Help) => return Ok((format!("{HELP}\n"), Status::Holds)),
        Err(Problem::Line(problem)) => return Err(refusal(&problem, HELP)),
        Err(Problem::Rule(problem)) => return Err(format!("error: {problem}")),
    };
    let selection = select::select(&options).map_err(|problem| format!("error: {problem}"))?;
    let count = selection.files.len();
    if options.after.is_some() && count != 1 {
        return Err(format!("error: --after compares one module with what it was made of; {count} are named"));
    }
    let folders = selection.unreadable.into_iter().map(|(path, error)| File::folder(&path, options.expect, error));
    let mut files: Vec<File> = folders.collect();
    files.extend(selection.files.iter().map(|(path, expect)| File::judge(path, *expect, &options)));
    let status = files.iter().map(File::status).max().unwrap_or_default();
    let text = match options.format {
        Format::Text => text::all(&files, colours),
        Format::Json => json::all(&files, status).lines() + "\n",
        Format::Github => github::all(&files),
        Format::Sarif => sarif::all(&files, status).lines() + "\n",
    };
    Ok((text, status))
}

/// Whoever asked may have gone away, and then wants no more; the exit status is the answer all the same.
fn say(text: &str, status: Status) -> ExitCode {
    match io::stdout().lock().write_all(text.as_bytes()).and_then(|()| io::stdout().flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            tell(format_args!("error: cannot write the output: {error}"));
            ExitCode::from(Status::Undecided.code())
        }
        _ => ExitCode::from(status.code()),
    }
}
