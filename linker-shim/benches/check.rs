//! What `cargo wasm-threads check` costs on a large module, against tools that read the same file in the same run.
//!
//! `cargo bench --bench check` prints a table in Markdown: the time of each program as a multiple of `check`'s, and `check`'s own
//! peak memory. `--megabytes N` behind `--` takes a module of another size than 100 MB, `--rounds N` other than 21 rounds,
//! `--strict` fails where `check` takes more than a twentieth of `wasm-objdump -x`, or more than 16 MiB.
//!
//! The programs take turns, so that what else the machine does meets all of them. The module is made here, threaded and whole:
//! three quarters code, the rest data, names and debug information, as a debug build has them.

#[path = "../../tests/suite/support/mod.rs"]
mod support;

use std::borrow::Cow;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use support::{Run, Tool, lasting_folder};
use wasm_encoder::{
    CodeSection, ConstExpr, CustomSection, DataCountSection, DataSection, EntityType, ExportKind, ExportSection, Function,
    FunctionSection, GlobalSection, GlobalType, ImportSection, MemoryType, Module, NameMap, NameSection, StartSection,
    TypeSection, ValType,
};

/// `check`'s own memory, at most.
const MEMORY_BOUND: u64 = 16 << 20;

/// How many times longer `wasm-objdump -x` has to take at least.
const OBJDUMP_BOUND: f64 = 20.0;

fn main() -> ExitCode {
    let mut words: Vec<String> = std::env::args().skip(1).collect();
    // Cargo says `--bench` for `cargo bench`, and not when it only wants to know that this runs.
    if !take(&mut words, "--bench") {
        println!("a benchmark: cargo bench --bench check");
        return ExitCode::SUCCESS;
    }
    let strict = take(&mut words, "--strict");
    let megabytes = number(&mut words, "--megabytes").unwrap_or(100);
    let rounds = number(&mut words, "--rounds").unwrap_or(21).max(5);
    assert!(words.is_empty(), "not understood: {words:?}");

    let file = lasting_folder("bench-check").join(format!("{megabytes}.wasm"));
    if !file.is_file() {
        eprintln!("making {} …", file.display());
        fs::write(&file, large_module(megabytes * 1_000_000)).expect("room for the module");
    }
    let programs = programs(&file);
    let verdict = programs[0].run().run();
    assert!(verdict.success(), "the module is to be threaded: {verdict:?}");

    let mut times = vec![Vec::new(); programs.len()];
    for round in 0..rounds {
        for turn in 0..programs.len() {
            let at = (round + turn) % programs.len();
            times[at].push(programs[at].time());
        }
    }
    let memory = (0..5).filter_map(|_| own_memory(&programs[0])).max();
    let medians: Vec<Duration> = times.iter_mut().map(|times| median(times)).collect();

    let size = fs::metadata(&file).map_or(0, |file| file.len());
    println!("A threaded module of {:.0} MB, medians of {rounds} rounds.\n", size as f64 / 1e6);
    println!("| program | time | times `check` |\n|---|---:|---:|");
    for (program, time) in programs.iter().zip(&medians) {
        let ratio = time.as_secs_f64() / medians[0].as_secs_f64();
        println!("| {} | {:.1} ms | {ratio:.1} |", program.name, time.as_secs_f64() * 1e3);
    }
    let shown = memory.map_or("not seen".to_owned(), |memory| format!("{:.1} MiB", memory as f64 / f64::from(1 << 20)));
    println!("\n`check`'s own memory, at its peak: {shown}.");
    for (name, tool) in others() {
        if tool.find().is_none() {
            println!("Not measured: {name}: needs {} ({}).", tool.name(), tool.package());
        }
    }
    let objdump = programs.iter().position(|program| program.name == OBJDUMP);
    let fast = objdump.is_none_or(|at| medians[at].as_secs_f64() >= OBJDUMP_BOUND * medians[0].as_secs_f64());
    let small = memory.is_none_or(|memory| memory <= MEMORY_BOUND);
    println!("Bounds: a twentieth of `{OBJDUMP}`, 16 MiB: {}.", if fast && small { "kept" } else { "**over**" });
    if strict && !(fast && small) { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

const OBJDUMP: &str = "wasm-objdump -x";

/// What `check` is measured against.
fn others() -> [(&'static str, Tool); 2] {
    [(OBJDUMP, Tool::Wabt), ("wasm-tools validate", Tool::WasmTools)]
}

/// One program that reads the module.
struct Program {
    name: &'static str,
    path: PathBuf,
    words: Vec<std::ffi::OsString>,
}

/// `check` first, then those of the others that are here.
fn programs(file: &Path) -> Vec<Program> {
    let program = |name: &'static str, path: PathBuf, words: &[&str]| {
        let words = words.iter().map(Into::into).chain([file.into()]).collect();
        Program { name, path, words }
    };
    let mut all = vec![program("cargo wasm-threads check", env!("CARGO_BIN_EXE_cargo-wasm-threads").into(), &["check"])];
    for (name, tool) in others() {
        let Some(path) = tool.find() else { continue };
        let words: Vec<&str> = name.split(' ').skip(1).collect();
        all.push(program(name, path, &words));
    }
    all
}

impl Program {
    fn run(&self) -> Run {
        Run::new(&self.path).words(&self.words).timeout(Duration::from_secs(600))
    }

    fn command(&self) -> Command {
        let mut command = self.run().command();
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    fn time(&self) -> Duration {
        let mut command = self.command();
        let started = Instant::now();
        let status = command.status().expect("the program starts");
        assert!(status.success(), "{}: {status}", self.name);
        started.elapsed()
    }
}

/// The peak of a program's memory, as far as it can be seen: it is looked at again and again while it runs.
fn own_memory(program: &Program) -> Option<u64> {
    let mut child = program.command().spawn().ok()?;
    let status = PathBuf::from(format!("/proc/{}/status", child.id()));
    let mut most = None;
    while let Ok(None) = child.try_wait() {
        let status = fs::read_to_string(&status).unwrap_or_default();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse::<u64>().ok());
        most = most.max(peak.map(|kilobytes| kilobytes * 1024));
        thread::sleep(Duration::from_micros(100));
    }
    most
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn take(words: &mut Vec<String>, option: &str) -> bool {
    let at = words.iter().position(|word| word == option);
    at.inspect(|at| drop(words.remove(*at))).is_some()
}

fn number(words: &mut Vec<String>, option: &str) -> Option<usize> {
    let at = words.iter().position(|word| word == option)?;
    words.remove(at);
    Some(words.remove(at).parse().expect("a number stands behind the option"))
}

/// A threaded module of about so many bytes.
fn large_module(bytes: usize) -> Vec<u8> {
    const BODY: usize = 1000;
    let functions = u32::try_from(bytes / 4 * 3 / BODY).expect("a module has at most 4 GB");
    let mut module = Module::new();
    let mut types = TypeSection::new();
    types.ty().function([ValType::I32], []);
    types.ty().function([], []);
    module.section(&types);
    let mut imports = ImportSection::new();
    let memory = MemoryType { minimum: 2000, maximum: Some(16384), memory64: false, shared: true, page_size_log2: None };
    imports.import("env", "memory", EntityType::Memory(memory));
    module.section(&imports);
    let mut declared = FunctionSection::new();
    declared.function(0).function(1);
    for _ in 2..functions {
        declared.function(1);
    }
    module.section(&declared);
    let mut globals = GlobalSection::new();
    let mut exports = ExportSection::new();
    exports.export("__wasm_init_tls", ExportKind::Func, 0);
    let values =
        [("__tls_base", true, 0), ("__tls_size", false, 4), ("__tls_align", false, 4), ("__heap_base", false, 1 << 26)];
    for (index, (name, mutable, value)) in values.into_iter().enumerate() {
        globals.global(GlobalType { val_type: ValType::I32, mutable, shared: false }, &ConstExpr::i32_const(value));
        exports.export(name, ExportKind::Global, index as u32);
    }
    module.section(&globals);
    module.section(&exports);
    module.section(&StartSection { function_index: 1 });
    module.section(&DataCountSection { count: 2 });
    let mut code = CodeSection::new();
    let mut body = Function::new([]);
    body.instructions().local_get(0).global_set(0).local_get(0).i32_const(0).i32_const(4).memory_init(0, 0).end();
    code.function(&body);
    let mut filler = Function::new([]);
    for value in 0..BODY / 4 {
        filler.instructions().i32_const(1000 + value as i32).drop();
    }
    filler.instructions().end();
    for _ in 1..functions {
        code.function(&filler);
    }
    module.section(&code);
    let mut data = DataSection::new();
    data.passive([5, 0, 0, 0]);
    data.passive(vec![7; bytes / 10]);
    module.section(&data);
    let mut names = NameMap::new();
    for index in 0..functions {
        names.append(index, &format!("function_number_{index}"));
    }
    let mut section = NameSection::new();
    section.functions(&names);
    module.section(&section);
    let rest = bytes.saturating_sub(module.as_slice().len());
    module.section(&CustomSection { name: ".debug_info".into(), data: Cow::Owned(vec![1; rest]) });
    module.finish()
}
