//! `cargo-wasm-threads runner MODULE`: judges a module and runs it. `run` and `test` make it cargo's runner.

use super::messages::{module_of, with_underscores};
use super::target::Host;
use super::verdict::{Verdict, shown};
use super::{Failure, say};
use crate::programs;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use wasm_threads::contract::{Abi, Contract};
use wasm_threads::linker::find_program;
use wasm_threads::module::{Memory, Module};

const JAVASCRIPT: &str = include_str!("host/javascript.mjs");
const WASI: &str = include_str!("host/wasi.mjs");

/// wasm-bindgen's runner of tests.
pub const TEST_RUNNER: &str = "wasm-bindgen-test-runner";

/// The words for cargo's `runner` that lead here.
pub fn words(own: &str, quiet: bool, by: &[String]) -> Vec<String> {
    let mut words = vec![own.to_owned(), "runner".to_owned()];
    words.extend(quiet.then(|| "--quiet".to_owned()));
    if !by.is_empty() {
        // A count, since a runner's words may be anything.
        words.push(format!("--by={}", by.len()));
        words.extend(by.iter().cloned());
    }
    words
}

/// How a module is run.
struct Way {
    program: OsString,
    words: Vec<OsString>,
    /// In words, where we chose it.
    name: Option<String>,
}

/// Judges the module among `words`, and becomes the program that runs it.
pub fn run(words: &[OsString]) -> Result<u8, Failure> {
    let mut words = words.iter();
    let mut quiet = false;
    let mut by: Vec<OsString> = Vec::new();
    let file = loop {
        let word = words.next().ok_or_else(|| Failure::usage("runner was given no module"))?;
        let text = word.to_string_lossy();
        match text.strip_prefix("--by=").and_then(|count| count.parse().ok()) {
            Some(count) => by = words.by_ref().take(count).cloned().collect(),
            None if text == "--quiet" => quiet = true,
            None => break PathBuf::from(word),
        }
    };
    let script = file.extension().is_none_or(|extension| extension != "wasm");
    let path =
        module_of(&file).ok_or_else(|| Failure::usage(&format!("{} is neither a module nor a script", file.display())))?;
    let verdict = Verdict::of(&path, script.then_some(Host::Emscripten));
    if !verdict.errors.is_empty() {
        return Err(Failure::not_threaded(&[verdict], ""));
    }
    let program: Vec<OsString> = words.cloned().collect();
    let way = match by.split_first() {
        Some((runner, _)) if is_doctest(runner, &file, &verdict) => way(&file, script, &verdict)?,
        Some((program, first)) => {
            Way { program: program.clone(), words: [first, &[file.clone().into_os_string()]].concat(), name: None }
        }
        None => way(&file, script, &verdict)?,
    };
    if !quiet {
        let by = way.name.as_ref().map(|name| format!(", run by {name}")).unwrap_or_default();
        say("Threaded", &format!("{}{by}", super::verdict::summary(&[verdict])));
    }
    let mut command = programs::command(&way.program).map_err(|error| cannot_run(&way.program, &error))?;
    command.args(&way.words).args(program);
    become_it(command)
}

/// A doctest is a program of its own, in which wasm-bindgen's runner finds no test: it would pass, whatever it says.
fn is_doctest(runner: &OsStr, file: &Path, verdict: &Verdict) -> bool {
    Path::new(runner).file_stem().is_some_and(|name| name == TEST_RUNNER)
        && file.file_stem().is_some_and(|name| name == "rust_out")
        && verdict.module.as_ref().is_some_and(|module| !module.exports.keys().any(|name| name.starts_with("__wbgt_")))
}

fn way(file: &Path, script: bool, verdict: &Verdict) -> Result<Way, Failure> {
    if script {
        return emscripten(file);
    }
    let (Some(module), Some(memory)) = (&verdict.module, verdict.module.as_ref().and_then(Module::memory)) else {
        return Err(Failure::new(format!("{} has no memory", shown(file))));
    };
    match Contract::of(module).abi {
        Abi::WasiThreads | Abi::Wasi => match wasmtime() {
            Some(way) => Ok(with(way, file)),
            None => node_host("WASI with threads", WASI, file, memory).ok_or_else(|| {
                nobody("wasm32-wasip1-threads", "node 20 or later, or wasmtime up to 46 (47 took threads away)")
            }),
        },
        _ if module.wants_wasm_bindgen => wasm_bindgen(file),
        _ => {
            let mut way = node_host("javascript", JAVASCRIPT, file, memory).ok_or_else(|| nobody("javascript", "node"))?;
            way.words.push(if memory.wide { "64" } else { "32" }.into());
            Ok(way)
        }
    }
}

fn with(mut way: Way, file: &Path) -> Way {
    way.words.push(file.into());
    way
}

fn nobody(target: &str, wanted: &str) -> Failure {
    Failure::new(format!(
        "nothing on PATH runs a program for {target}\n  wanted: {wanted}\n  fix:    install one of them, or set a runner of your \
         own, `runner = …` under [target.<triple>] in .cargo/config.toml"
    ))
}

fn node() -> Option<PathBuf> {
    find_program("node".as_ref())
}

/// Node, with a host of ours for a module.
fn node_host(kind: &str, source: &str, file: &Path, memory: &Memory) -> Option<Way> {
    let mut words: Vec<OsString> = ["--no-warnings", "--input-type=module", "--eval", source, "--"].map(OsString::from).into();
    words.push(file.into());
    // As much as the module asks for, and as it may have at most.
    words.push(memory.minimum.to_string().into());
    words.push(memory.maximum.unwrap_or(memory.minimum).to_string().into());
    Some(Way { program: node()?.into(), words, name: Some(format!("node and a host for {kind}")) })
}

/// wasmtime, where it has threads: up to version 46. From 40 on it wants to be told of shared memories, too.
fn wasmtime() -> Option<Way> {
    let program = find_program("wasmtime".as_ref())?;
    let has = |group: &str, option: &str| {
        let output = Command::new(&program).args(["run", group, "help"]).stdin(Stdio::null()).output().ok()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let mut names = text.lines().filter_map(|line| line.trim_start().strip_prefix(group));
        names.any(|name| name.trim_start().starts_with(option)).then_some(())
    };
    has("-S", "threads")?;
    let shared = if has("-W", "shared-memory").is_some() { ",shared-memory=y" } else { "" };
    let options = format!("-W threads=y{shared} -S threads=y,inherit-env=y --dir=.");
    let words = ["run"].into_iter().chain(options.split(' ')).map(OsString::from).collect();
    Some(Way { program: program.into(), words, name: Some(format!("wasmtime run {options}")) })
}

fn emscripten(file: &Path) -> Result<Way, Failure> {
    let program = node().ok_or_else(|| nobody("emscripten", "node"))?;
    let mut words: Vec<OsString> = Vec::new();
    let mut script = file.to_owned();
    // emcc 3.x writes a third file, which cargo leaves in `deps`; and it takes the `fetch` of node 18 and later for a browser's.
    let below = file.with_file_name("deps").join(with_underscores(file).file_name().unwrap_or_default());
    for candidate in [file, &below] {
        if candidate.with_extension("worker.js").is_file() && candidate.is_file() {
            script = candidate.to_owned();
            let fetch = "--no-experimental-fetch";
            let known = Command::new(&program).args([fetch, "--eval", "0"]).stderr(Stdio::null()).status();
            words.extend(known.is_ok_and(|status| status.success()).then(|| fetch.into()));
            break;
        }
    }
    words.push(script.into());
    Ok(Way { program: program.into(), words, name: Some("node".to_owned()) })
}

/// What is written in wasm-bindgen's terms is translated to javascript, and that is run.
fn wasm_bindgen(file: &Path) -> Result<Way, Failure> {
    let program = node().ok_or_else(|| nobody("javascript", "node"))?;
    let Some(bindgen) = find_program("wasm-bindgen".as_ref()) else {
        return Err(Failure::new(format!(
            "{} uses wasm-bindgen, whose program is not on PATH\n  fix: cargo install wasm-bindgen-cli, in the version of the crate \
             (cargo tree -i wasm-bindgen)",
            shown(file)
        )));
    };
    let folder = file.with_extension("wasm-bindgen");
    let mut command = Command::new(bindgen);
    command.args(["--target", "nodejs", "--out-name", "program", "--out-dir"]).arg(&folder).arg(file);
    let status = command.status().map_err(|error| Failure::new(format!("wasm-bindgen cannot be run: {error}")))?;
    if !status.success() {
        return Err(Failure { text: String::new(), status: super::code(status) });
    }
    let words = vec![folder.join("program.js").into()];
    Ok(Way { program: program.into(), words, name: Some("wasm-bindgen and node".to_owned()) })
}

/// Its streams, its signals and its end are ours.
#[cfg(unix)]
fn become_it(mut command: Command) -> Result<u8, Failure> {
    let error = std::os::unix::process::CommandExt::exec(&mut command);
    Err(cannot_run(command.get_program(), &error))
}

#[cfg(not(unix))]
fn become_it(mut command: Command) -> Result<u8, Failure> {
    command.status().map(super::code).map_err(|error| cannot_run(command.get_program(), &error))
}

fn cannot_run(program: &OsStr, error: &std::io::Error) -> Failure {
    Failure::new(format!("{} cannot be run: {error}", program.display()))
}
