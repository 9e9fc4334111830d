//! What was asked for.

use super::levels::Levels;
use super::patterns::Pattern;
use super::rule_name;
use crate::words::Words;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;
use wasm_threads::contract::{Abi, Stage};
use wasm_threads::rules::Rule;

/// What a module is to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Expect {
    #[default]
    Threaded,
    Unthreaded,
}

impl Expect {
    /// Its word, for people and for machines.
    pub fn id(self) -> &'static str {
        match self {
            Expect::Threaded => "threaded",
            Expect::Unthreaded => "unthreaded",
        }
    }
}

/// How the answer is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    #[default]
    Text,
    Json,
    Github,
    Sarif,
}

/// How long one module may run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunLimit(pub Duration);

impl Default for RunLimit {
    fn default() -> Self {
        // A large module takes some seconds to compile, on a machine that has other things to do.
        RunLimit(Duration::from_secs(60))
    }
}

/// All options of `check`.
#[derive(Debug, Default)]
pub struct Options {
    pub format: Format,
    pub expect: Expect,
    /// By which modules are found, and what those are to be.
    pub patterns: Vec<(Pattern, Expect)>,
    /// Instead of what is read off each module.
    pub abi: Option<Abi>,
    pub stage: Option<Stage>,
    pub levels: Levels,
    /// The module as it was before a tool ran over it.
    pub after: Option<PathBuf>,
    /// Also starts each module.
    pub run: bool,
    /// For how long at most.
    pub run_limit: RunLimit,
    /// Files and folders.
    pub inputs: Vec<PathBuf>,
}

/// What is to be done.
#[derive(Debug)]
pub enum Asked {
    Help,
    Explain(&'static Rule),
    Check(Box<Options>),
}

/// What is wrong with a line.
#[derive(Debug)]
pub enum Problem {
    /// It is not how the command is called.
    Line(String),
    /// It is, and what it says of a rule cannot be.
    Rule(String),
}

impl From<String> for Problem {
    fn from(problem: String) -> Problem {
        Problem::Line(problem)
    }
}

impl Options {
    /// Reads what stood behind `check`.
    pub fn read(args: &[OsString]) -> Result<Asked, Problem> {
        let mut options = Options::default();
        let mut words = Words::new(args);
        while let Some(word) = words.next_option() {
            match word.as_str() {
                "-h" | "--help" => return Ok(Asked::Help),
                "--explain" => return Ok(Asked::Explain(rule_name::find(&words.text()?).map_err(Problem::Rule)?)),
                "--" => {
                    options.inputs.extend(words.rest().iter().map(PathBuf::from));
                    break;
                }
                "--format" => options.format = one_of(&mut words, "--format", &FORMATS)?,
                "--expect" => options.expect = one_of(&mut words, "--expect", &EXPECTS)?,
                "--threaded" => options.patterns.push((Pattern::new(&words.text()?)?, Expect::Threaded)),
                "--unthreaded" => options.patterns.push((Pattern::new(&words.text()?)?, Expect::Unthreaded)),
                "--abi" => options.abi = Some(one_of(&mut words, "--abi", &Abi::ALL.map(|abi| (abi.id(), abi)))?),
                "--stage" => {
                    options.stage = Some(one_of(&mut words, "--stage", &Stage::ALL.map(|stage| (stage.id(), stage)))?);
                }
                "--after" => options.after = Some(words.value()?.into()),
                "--run" => words.flag(&mut options.run)?,
                "--run-limit" => options.run_limit = limit(&words.text()?)?,
                "--allow" | "--warn" | "--deny" => options.levels.set(&word, &words.text()?).map_err(Problem::Rule)?,
                option if option.starts_with('-') => return Err(format!("check does not take {option:?}").into()),
                _ => options.inputs.extend(words.last().map(PathBuf::from)),
            }
        }
        if options.inputs.iter().any(|input| input.as_os_str().is_empty()) {
            return Err("the name of a file or folder is empty".to_owned().into());
        }
        if options.stage == Some(Stage::AfterWasmBindgen) && options.abi.is_some_and(|abi| abi != Abi::Javascript) {
            return Err("what wasm-bindgen made is for javascript: leave --abi or --stage out".to_owned().into());
        }
        if options.inputs.is_empty() && options.patterns.is_empty() {
            return Err("which files? none were named".to_owned().into());
        }
        Ok(Asked::Check(Box::new(options)))
    }
}

const FORMATS: [(&str, Format); 4] =
    [("text", Format::Text), ("json", Format::Json), ("github", Format::Github), ("sarif", Format::Sarif)];
const EXPECTS: [(&str, Expect); 2] = [("threaded", Expect::Threaded), ("unthreaded", Expect::Unthreaded)];

fn one_of<T: Copy>(words: &mut Words<'_>, option: &str, known: &[(&str, T)]) -> Result<T, String> {
    let given = words.text()?;
    let found = known.iter().find(|(name, _)| *name == given).map(|(_, value)| *value);
    found.ok_or_else(|| {
        let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
        format!("{option} is one of {}; {given:?} is none", names.join(", "))
    })
}

fn limit(seconds: &str) -> Result<RunLimit, String> {
    match seconds.parse() {
        Ok(seconds @ 1..=86_400) => Ok(RunLimit(Duration::from_secs(seconds))),
        _ => Err(format!("--run-limit is a number of seconds, from 1 to 86400; {seconds:?} is none")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Asked, Problem> {
        let words: Vec<OsString> = line.split(' ').filter(|word| !word.is_empty()).map(OsString::from).collect();
        Options::read(&words)
    }

    #[test]
    fn lines() {
        let Ok(Asked::Check(options)) = read("a.wasm --format=json --expect unthreaded --abi wasi-threads dist -- -x") else {
            panic!("it can be read");
        };
        assert_eq!((options.format, options.expect), (Format::Json, Expect::Unthreaded));
        assert_eq!(options.abi, Some(Abi::WasiThreads));
        assert_eq!(options.inputs, ["a.wasm", "dist", "-x"].map(PathBuf::from));
        assert!(matches!(read("--threaded x --help"), Ok(Asked::Help)));
        for (line, problem) in [
            ("", "which files?"),
            ("--expect", "--expect wants a value"),
            ("--expect both a", "--expect is one of threaded, unthreaded; \"both\" is none"),
            ("--stage post a", "--stage is one of linked, after-wasm-bindgen"),
            ("--run=yes a", "--run has no value"),
            ("--run-limit 0 a", "--run-limit is a number of seconds"),
            ("--run-limit 1s a", "--run-limit is a number of seconds"),
            ("--color a", "check does not take \"--color\""),
            ("--threaded [a", "--threaded"),
            ("--explain memory", "there is no rule \"memory\"; near it: memory-missing, "),
            ("--abi wasi-threads --stage after-wasm-bindgen a", "what wasm-bindgen made is for javascript"),
            ("--deny memory-not-share a", "there is no rule \"memory-not-share\""),
        ] {
            let (Problem::Line(error) | Problem::Rule(error)) = read(line).expect_err(line);
            assert!(error.contains(problem.trim_start_matches("--threaded")), "{line}: {error}");
        }
    }
}
