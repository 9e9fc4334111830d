//! What rustc passes to its linker, for each WebAssembly target, with and without atomics, against what is known of its version.
//!
//! Three releases in a row took away a part of it (1.92, 1.96, 1.97). `tests/canary +nightly` asks any toolchain.

use crate::support::no_core::THREADED;
use crate::support::tool::old_rustcs;
use crate::support::{NoCore, Recorder, Run, Suite, Tool, golden, repository, temp_folder};
use std::env;
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// The compiler to ask, for `tests/canary`.
const VARIABLE: &str = "WASM_THREADS_CANARY";

const TARGETS: [&str; 7] = [
    "wasm32-unknown-unknown",
    "wasm32v1-none",
    "wasm64-unknown-unknown",
    "wasm32-wasip1",
    "wasm32-wasip1-threads",
    "wasm32-wasip2",
    "wasm32-unknown-emscripten",
];

pub fn tests(suite: &mut Suite) {
    suite.test("stable", &[Tool::Rustc], || ask(&Tool::Rustc.path()));
    suite.test("nightly", &[Tool::Nightly], || ask(&Tool::Nightly.path()));
    suite.test("rustc_web", &[Tool::RustcWeb], || ask(&Tool::RustcWeb.path()));
    for rustc in old_rustcs() {
        suite.test(&rustc.name().replace([' ', '.'], "_"), &[rustc], move || ask(&rustc.path()));
    }
    suite.test("each_known_break_is_on_record", &[], each_known_break);
    suite.test("no_dependency_wants_a_newer_rustc_than_stated", &[Tool::Rustc], no_dependency_wants_a_newer_rustc);
    if let Some(rustc) = env::var_os(VARIABLE) {
        suite.test("given", &[], move || ask(Path::new(&rustc)));
    }
}

const SOURCE: &str = "#[unsafe(no_mangle)] pub extern \"C\" fn add(to: i32) -> i32 { to + 1 }";

/// Compares with the record of its version, or of the newest before it: then it says what has changed since.
fn ask(rustc: &Path) {
    let version = minor(rustc);
    let bless = env::var_os("WASM_THREADS_BLESS").is_some_and(|value| value == "1");
    let known = known();
    let name = if bless { Some(&version) } else { known.iter().rev().find(|known| **known <= version).or(known.first()) };
    let name = name.expect("a record of some version");
    golden::check(&format!("canary/rustc-1.{name}"), &passed(rustc), &[]);
}

/// The lines that rustc passes, each under its target.
fn passed(rustc: &Path) -> String {
    let mut text = String::from("What rustc passes to its linker for a cdylib of one object that exports `add`.\n");
    for target in TARGETS {
        let _ = write!(text, "\n{target}\n");
        for (label, flag) in [("plain  ", None), ("atomics", Some(THREADED))] {
            let _ = writeln!(text, "  {label} {}", line(rustc, target, flag));
        }
    }
    text
}

fn line(rustc: &Path, target: &str, flag: Option<&str>) -> String {
    let folder = temp_folder();
    // A linker that succeeds and does nothing: what counts is what it was asked.
    let recorder = Recorder::new("/bin/true");
    let mut source = NoCore::new(SOURCE).rustc(rustc).target(target);
    if let Some(flag) = flag {
        source = source.flag(flag);
    }
    if target.ends_with("emscripten") {
        // A distribution's rustc has no linker of its own, and would miss it here alone.
        source = source.flag("-Clink-self-contained=no");
    }
    source.link(recorder.linker(), folder.path()).run().expect_success();
    let sysroot = sysroot(rustc);
    let words = recorder.only_run().into_iter().map(|word| placeholder(&word.to_string_lossy(), folder.path(), &sysroot));
    words.collect::<Vec<_>>().join(" ")
}

/// A word without what differs from machine to machine.
fn placeholder(word: &str, folder: &Path, sysroot: &Path) -> String {
    let file = word.rsplit('/').next().unwrap_or(word);
    if file.ends_with(".rcgu.o") {
        // The crate's object, or the allocator's.
        return "[object]".into();
    }
    if file.starts_with("crt1") {
        // With its folder only where a standard library is installed.
        return file.into();
    }
    let word = word.replace(&*folder.to_string_lossy(), "[folder]").replace(&*sysroot.to_string_lossy(), "[sysroot]");
    match word.find("/rustc") {
        // A folder of rustc's own, with a name by chance.
        Some(at) if word[at + 6..].find('/').is_some_and(|end| end == 6) => format!("[rustc]{}", &word[at + 12..]),
        _ => word,
    }
}

fn sysroot(rustc: &Path) -> PathBuf {
    let said = Run::new(rustc).words(["--print", "sysroot"]).run().expect_success().stdout_text();
    PathBuf::from(said.trim_end())
}

fn minor(rustc: &Path) -> u32 {
    let said = Run::new(rustc).word("--version").run().expect_success().stdout_text();
    let minor = said.strip_prefix("rustc 1.").and_then(|rest| rest.split('.').next()?.parse().ok());
    minor.unwrap_or_else(|| panic!("{said} names no version of rustc"))
}

/// The versions on record.
fn known() -> Vec<u32> {
    let folder = repository().join("tests/golden/canary");
    let files = folder.read_dir().into_iter().flatten().flatten();
    let number = |name: &str| name.strip_prefix("rustc-1.")?.strip_suffix(".txt")?.parse().ok();
    let mut known: Vec<u32> = files.filter_map(|file| number(file.file_name().to_str()?)).collect();
    known.sort_unstable();
    known
}

/// The records say what each release took away, so that a reader of them sees the breaks, and a mistake in the record is seen.
fn each_known_break() {
    let record = |version: u32| {
        let text = std::fs::read_to_string(repository().join(format!("tests/golden/canary/rustc-1.{version}.txt")));
        let text = text.unwrap_or_else(|error| panic!("rustc 1.{version}: {error}"));
        let javascript = text.split("\n\n").find(|part| part.starts_with("wasm32-unknown-unknown\n")).expect("the target");
        let line = |label: &str| {
            let line = javascript.lines().find_map(|line| line.trim_start().strip_prefix(label));
            line.expect("a line").trim_start().to_owned()
        };
        let words = |label: &str| line(label).split(' ').map(str::to_owned).collect::<Vec<_>>();
        (words("plain"), words("atomics"))
    };
    let has = |words: &[String], word: &str| words.iter().any(|known| known == word);
    // Until 1.91 atomics brought seven words; since then they change nothing.
    for version in [85, 88, 91] {
        let (plain, atomics) = record(version);
        for word in ["--shared-memory", "--import-memory", "--max-memory=1073741824", "--export=__wasm_init_tls"] {
            assert!(has(&atomics, word) && !has(&plain, word), "1.{version}: {word}: {atomics:?}");
        }
        assert_eq!(atomics.len(), plain.len() + 7, "1.{version}");
    }
    for (version, undefined, heap_base) in [(92, true, true), (95, true, true), (96, false, true), (97, false, false)] {
        let (plain, atomics) = record(version);
        assert_eq!(plain, atomics, "1.{version}");
        assert_eq!(has(&plain, "--allow-undefined"), undefined, "1.{version}: {plain:?}");
        assert_eq!(has(&plain, "--export=__heap_base"), heap_base, "1.{version}: {plain:?}");
    }
}

/// The manifest's `rust-version`: the compiler that it names may not be here, but what the dependencies say of theirs is. What we use
/// of `std` ourselves is held to it by clippy (`incompatible_msrv`).
fn no_dependency_wants_a_newer_rustc() {
    let cargo = Tool::Rustc.path().with_file_name(format!("cargo{}", env::consts::EXE_SUFFIX));
    let run = Run::new(cargo).words(["metadata", "--locked", "--offline", "--all-features", "--format-version=1"]);
    let said = run.folder(repository()).run().expect_success().stdout_text();
    let said: serde_json::Value = serde_json::from_str(&said).expect("JSON");
    let minor = |version: &str| version.strip_prefix("1.").and_then(|rest| rest.split('.').next()?.parse::<u32>().ok());
    let packages = said["packages"].as_array().expect("packages");
    let wanted = |package: &serde_json::Value| package["rust_version"].as_str().and_then(minor);
    let ours = packages.iter().find(|package| package["name"] == "wasm-threads").and_then(wanted).expect("a version is stated");
    let newer: Vec<_> =
        packages.iter().filter(|package| wanted(package) > Some(ours)).map(|package| &package["name"]).collect();
    assert!(newer.is_empty(), "{newer:?} want a newer rustc than 1.{ours}");
}
