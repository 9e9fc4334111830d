//! What is said of one file.

use super::options::{Expect, Options};
use std::cell::RefCell;
use std::path::{Path, PathBuf};
use wasm_threads::contract::{Abi, Contract, Judgement, Outcome, Stage, describe};
use wasm_threads::module::{Module, OpenFile, Part, ReadAt, ReadError, core_modules};
use wasm_threads::picture::words::{Characters, escaped};
use wasm_threads::report::{Finding, first_of};
use wasm_threads::rules::{self, Level};
use wasm_threads::single_file;

/// The answer, for one module or for all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// It is what it is to be.
    #[default]
    Holds,
    /// It is not.
    Broken,
    /// Nobody knows.
    Undecided,
}

impl Status {
    /// Its word, for machines.
    pub fn id(self) -> &'static str {
        match self {
            Status::Holds => "holds",
            Status::Broken => "broken",
            Status::Undecided => "undecided",
        }
    }

    /// The exit status that says so.
    pub fn code(self) -> u8 {
        self as u8
    }
}

/// A file, and all that is said of it.
pub struct File {
    pub path: PathBuf,
    pub expect: Expect,
    /// It is a component: its modules are within.
    pub component: bool,
    pub modules: Vec<Judged>,
    /// Why it could not be decided, or what is wrong with the file as a whole.
    pub findings: Vec<Finding>,
    pub undecided: bool,
}

/// A core module that was judged.
pub struct Judged {
    /// Where it is, within a component: `component 0, module 1`.
    pub place: Option<String>,
    /// Where it begins in the file.
    pub offset: u64,
    pub size: u64,
    pub contract: Contract,
    /// Its memory is shared.
    pub shared: bool,
    /// Some check could not answer: why is said of the file.
    pub undecided: bool,
    pub rules: Vec<Ruled>,
    /// What else is to be told of it, one sentence each.
    pub notes: Vec<String>,
}

/// What became of one rule.
pub struct Ruled {
    pub id: &'static str,
    pub outcome: Outcome,
    /// It found something that is allowed.
    pub allowed: bool,
}

/// What a further check is told. See [`super::FURTHER`].
pub struct Seen<'a> {
    pub options: &'a Options,
    pub path: &'a Path,
    /// What the texts call it.
    pub name: &'a str,
    pub expect: Expect,
    pub contract: Contract,
    pub module: &'a Module,
    /// The bytes of the module.
    pub source: &'a dyn ReadAt,
    /// What the contract and the checks before this one have found, at the levels that were asked for.
    pub broken: bool,
    /// For what else is to be told, one sentence each.
    pub notes: &'a RefCell<Vec<String>>,
}

impl Judged {
    /// All that was found, by rule.
    pub fn findings(&self) -> impl Iterator<Item = &Finding> {
        self.rules.iter().flat_map(|ruled| match &ruled.outcome {
            Outcome::Found(findings) => findings.as_slice(),
            Outcome::Passed | Outcome::NotApplicable(_) => &[],
        })
    }

    /// What else is to be told of it. Names out of the module are in it: it is escaped, and stays on its line.
    pub fn notes(&self) -> impl Iterator<Item = String> {
        self.notes.iter().map(|note| escaped(note, Characters::Unicode))
    }

    /// Whether it is what it is to be.
    pub fn holds(&self) -> bool {
        !self.undecided && !self.is_broken()
    }

    /// Whether it is known not to be.
    pub fn is_broken(&self) -> bool {
        self.findings().any(Finding::is_error)
    }
}

impl File {
    /// Judges the file in `path`.
    pub fn judge(path: &Path, expect: Expect, options: &Options) -> File {
        let mut file = File {
            path: path.to_owned(),
            expect,
            component: false,
            modules: Vec::new(),
            findings: Vec::new(),
            undecided: false,
        };
        if let Err(finding) = file.read(options) {
            file.undecided = true;
            file.findings.push(*finding);
        }
        file
    }

    /// A folder that could not be looked into.
    pub fn folder(path: &Path, expect: Expect, error: std::io::Error) -> File {
        let findings = [*unreadable(&shown(path), &ReadError::Io(error))].into();
        File { path: path.to_owned(), expect, component: false, modules: Vec::new(), findings, undecided: true }
    }

    fn read(&mut self, options: &Options) -> Result<(), Box<Finding>> {
        let name = shown(&self.path);
        if is_script(&self.path) {
            let found = single_file::modules(&self.path).map_err(|error| unreadable(&name, &error.into()))?;
            let several = found.len() > 1;
            for (at, bytes) in found.iter().enumerate() {
                let part = Part::new(&bytes[..], 0, bytes.len() as u64);
                let place = several.then(|| format!("module {at}"));
                let called = place.as_ref().map_or(name.clone(), |place| format!("{name}, {place}"));
                let judged = judge(self, &part, &called, options)?;
                self.modules.push(Judged { place, ..judged });
            }
            return if found.is_empty() { Err(no_module_in_script(&name)) } else { Ok(()) };
        }
        let source = OpenFile::open(&self.path).map_err(|error| unreadable(&name, &error.into()))?;
        let Some(inside) = core_modules(&source).map_err(|error| unreadable(&name, &error))? else {
            let judged = judge(self, &source, &name, options)?;
            self.modules.push(judged);
            return Ok(());
        };
        self.component = true;
        for module in inside {
            let module = module.map_err(|error| unreadable(&name, &error))?;
            let (start, end) = (module.range.start, module.range.end);
            let part = Part::new(&source, start, end - start);
            let place = module.place();
            let judged = judge(self, &part, &format!("{name}, {place}"), options)?;
            self.modules.push(Judged { place: Some(place), offset: start, ..judged });
        }
        if self.modules.is_empty() && self.expect == Expect::Threaded {
            self.findings.extend(options.levels.apply(rules::without_core_module(&name)));
        }
        Ok(())
    }

    /// All that was found, of the file as a whole and of each module.
    pub fn findings(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().chain(self.modules.iter().flat_map(Judged::findings))
    }

    /// The answer.
    pub fn status(&self) -> Status {
        if self.undecided {
            Status::Undecided
        } else if self.findings().any(Finding::is_error) {
            Status::Broken
        } else {
            Status::Holds
        }
    }
}

/// What keeps a further check from its answer is said of `file`, beside what the others found.
fn judge(file: &mut File, source: &dyn ReadAt, name: &str, options: &Options) -> Result<Judged, Box<Finding>> {
    let module = Module::read(source).map_err(|error| unreadable(name, &error))?;
    let contract = contract(&module, options);
    let mut judgements = contract.judge(&module, name);
    if options.abi.is_none() && contract.abi == Abi::WasiThreads && !module.starts_threads() {
        may_be_without_threads(&mut judgements, name);
    }
    if file.expect == Expect::Unthreaded {
        not_to_be_threaded(&mut judgements, &module, name);
    }
    let notes = RefCell::default();
    let mut undecided = false;
    for further in super::FURTHER {
        let (path, expect) = (file.path.as_path(), file.expect);
        let broken = is_broken(&judgements, options);
        let seen = Seen { options, path, name, expect, contract, module: &module, source, broken, notes: &notes };
        match further(&seen) {
            Ok(more) => judgements.extend(more),
            Err(finding) => {
                undecided = true;
                file.findings.push(*finding);
            }
        }
    }
    file.undecided |= undecided;
    let rules = judgements.into_iter().map(|judgement| {
        let Judgement { rule, outcome } = judgement;
        let Outcome::Found(findings) = outcome else { return Ruled { id: rule.id, outcome, allowed: false } };
        let findings: Vec<Finding> = findings.into_iter().filter_map(|finding| options.levels.apply(finding)).collect();
        let allowed = findings.is_empty();
        let outcome = if allowed { Outcome::Passed } else { Outcome::Found(findings) };
        Ruled { id: rule.id, outcome, allowed }
    });
    let shared = module.memories.iter().any(|memory| memory.shared);
    Ok(Judged {
        place: None,
        offset: 0,
        size: source.size(),
        contract,
        shared,
        undecided,
        rules: rules.collect(),
        notes: notes.into_inner(),
    })
}

/// A program for wasi-threads that starts no thread looks as one does whose target has none, and that was linked by hand with a
/// shared memory: the bytes do not tell which it is.
fn may_be_without_threads(judgements: &mut [Judgement], name: &str) {
    let rule = &rules::TARGET_WITHOUT_THREADS;
    let finding = Finding::new(
        rule,
        format!("{name} can start no thread"),
        "imports from WASI, no import wasi.thread-spawn, and no wasi_thread_start",
        "a module for wasm32-wasip1-threads, which has both where it starts a thread",
        "if the program starts none, nothing: --abi wasi-threads says so; or else build with --target wasm32-wasip1-threads",
    );
    for judgement in judgements.iter_mut().filter(|judgement| judgement.rule == rule && judgement.outcome == Outcome::Passed) {
        judgement.outcome = Outcome::Found(vec![Finding { level: Level::Warning, ..finding.clone() }]);
    }
}

/// Whether there is an error among what was found, at the levels that were asked for.
fn is_broken(judgements: &[Judgement], options: &Options) -> bool {
    judgements.iter().any(|judgement| match &judgement.outcome {
        Outcome::Found(findings) => {
            findings.iter().filter_map(|finding| options.levels.apply(finding.clone())).any(|finding| finding.is_error())
        }
        Outcome::Passed | Outcome::NotApplicable(_) => false,
    })
}

/// What was stated, and what was not read off the module.
fn contract(module: &Module, options: &Options) -> Contract {
    let mut contract = match (options.abi, options.stage) {
        (Some(Abi::Emscripten), _) if Contract::of(module).abi == Abi::EmscriptenSide => Contract::of(module),
        (Some(abi), _) => Contract::known(abi, module),
        (None, Some(Stage::AfterWasmBindgen)) => Contract::known(Abi::Javascript, module),
        (None, _) => Contract::of(module),
    };
    contract.stage = options.stage.unwrap_or(contract.stage);
    contract
}

/// What is asked of a module that is to run where no shared memory can be had.
fn not_to_be_threaded(judgements: &mut Vec<Judgement>, module: &Module, name: &str) {
    for judgement in judgements.iter_mut() {
        // No engine takes what breaks these, with threads or without.
        let for_all = [&rules::COMPACT_IMPORTS, &rules::EXTERNREF_TABLE_LOST];
        if !for_all.contains(&judgement.rule) {
            judgement.outcome = Outcome::NotApplicable("it is not to be threaded");
        }
    }
    let shared = first_of(module.memories.iter().filter(|memory| memory.shared).map(describe), "\n");
    let outcome = if shared.is_empty() {
        Outcome::Passed
    } else {
        Outcome::Found(vec![Finding::new(
            &rules::THREADED,
            format!("{name} has a shared memory, and is not to be threaded"),
            shared,
            "no shared memory",
            "build this variant without +atomics and without the linker's threading flags; RUSTFLAGS in the environment \
             replaces rustflags in cargo's config",
        )])
    };
    judgements.push(Judgement { rule: &rules::THREADED, outcome });
    let outcome = if module.needs.is_empty() {
        Outcome::Passed
    } else {
        Outcome::Found(vec![Finding::new(
            &rules::NOT_THREADED,
            format!("{name} is not to be threaded, and a crate in it must be"),
            format!("required by {}", first_of(module.needs.iter().cloned(), ", ")),
            "no crate that says wasm_threads::required!()",
            "leave the crate out of this variant, or expect it threaded",
        )])
    };
    judgements.push(Judgement { rule: &rules::NOT_THREADED, outcome });
}

/// Whether emcc may have put the module into this file.
pub(super) fn is_script(path: &Path) -> bool {
    let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
    ["js", "mjs", "cjs", "html", "htm"].iter().any(|known| extension == *known)
}

fn no_module_in_script(name: &str) -> Box<Finding> {
    Box::new(Finding::new(
        &rules::UNREADABLE,
        format!("no module was found in {name}"),
        "a script or page without a module in base64; emcc from 4.x on writes it in another way",
        "a module, or what emcc makes of -sSINGLE_FILE",
        "name the *.wasm; where there is none, build once without -sSINGLE_FILE to have the module judged",
    ))
}

pub(super) fn unreadable(name: &str, error: &ReadError) -> Box<Finding> {
    Box::new(rules::unreadable_file(name, error))
}

/// A path for a text, on one line, in which nothing can drive a terminal.
pub fn shown(path: &Path) -> String {
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    escaped(&path.to_string_lossy(), Characters::Unicode).replace("\\\\", "\\")
}

/// The level in a word.
pub fn level(level: Level) -> &'static str {
    match level {
        Level::Error => "error",
        Level::Warning => "warning",
    }
}
