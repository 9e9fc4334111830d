//! The built-in sample, and the words by which rustc compiles and links it.

use std::path::{Path, PathBuf};

/// The source of the sample.
const SOURCE: &str = include_str!("sample/counter.rs");

/// The objects that `make-objects.sh` made of it, one for each codegen unit, under names such as rustc gives.
const OBJECTS: [(&str, &[u8]); 2] = [
    ("counter.counter.demo-tickets.rcgu.o", include_bytes!("sample/counter-tickets.o")),
    ("counter.counter.demo-worker.rcgu.o", include_bytes!("sample/counter-worker.o")),
];

/// What runs the two modules.
const TWO_WORKERS: &str = include_str!("sample/two-workers.mjs");

/// The compiler that made the objects, as `rustc --version` says it: "rustc 1.95.0 (…)".
const MADE_BY: &str = include_str!("sample/made-by.txt");

/// For each variant of the source, the words that choose it: no one form of `no_core` code suits two compilers.
pub const VARIANTS: [&[&str]; 2] = [&[], &["--cfg", "drop_glue"]];

/// The words that compile the source, whatever the variant and the linker.
pub const COMPILE: [&str; 16] = [
    "--crate-name=counter",
    "--crate-type=cdylib",
    "--edition=2024",
    "--target=wasm32-unknown-unknown",
    "-C",
    "target-feature=+atomics,+bulk-memory,+mutable-globals",
    "-C",
    "panic=abort",
    "-C",
    "opt-level=3",
    "-C",
    "strip=debuginfo",
    "-C",
    "codegen-units=2",
    "--cap-lints",
    "allow",
];

/// What rustc since 1.92 puts in front of the objects when it calls `wasm-ld`, although `+atomics` is on. (Up to 1.91
/// `--shared-memory`, `--import-memory`, `--max-memory` and the exports of thread-local storage stood here as well;
/// 1.92 to 1.96 add `--export=__heap_base --export=__data_end`, which 1.97 no longer does.)
pub const BEFORE_OBJECTS: [&str; 10] = [
    "-flavor",
    "wasm",
    "--export",
    "take_ticket",
    "--export",
    "my_tickets",
    "-z",
    "stack-size=1048576",
    "--stack-first",
    "--no-demangle",
];

/// What rustc puts behind `-o FILE`.
pub const AFTER_OUTPUT: [&str; 4] = ["--gc-sections", "--no-entry", "-O3", "--strip-debug"];

/// The version that made the objects: "1.95.0".
pub fn made_by() -> &'static str {
    MADE_BY.split_whitespace().nth(1).unwrap_or("unknown")
}

/// Writes the source into `folder`.
pub fn write_source(folder: &Path) -> std::io::Result<PathBuf> {
    let file = folder.join("counter.rs");
    std::fs::write(&file, SOURCE).map(|()| file)
}

/// Writes the objects into `folder`.
pub fn write_objects(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let write = |(name, bytes): &(&str, &[u8])| {
        let file = folder.join(name);
        std::fs::write(&file, bytes).map(|()| file)
    };
    OBJECTS.iter().map(write).collect()
}

/// Writes the script that runs the modules into `folder`.
pub fn write_two_workers(folder: &Path) -> std::io::Result<PathBuf> {
    let file = folder.join("two-workers.mjs");
    std::fs::write(&file, TWO_WORKERS).map(|()| file)
}
