//! Words that a linker does not know.

use super::memory_size::JOINED;
use super::{Failed, Rows, finding};
use crate::command_line::Style;
use crate::report::Finding;

/// How a generic lld begins its only line.
pub(super) const NO_FLAVOR: &str = "lld is a generic driver";

pub(super) const ROWS: Rows =
    &[("unknown argument: ", unknown_argument), ("invalid target architecture: ", one_dash_m), (NO_FLAVOR, no_flavor)];

/// Options that take two dashes only, and are often given one.
const TWO_DASHES: [&str; 3] = ["-shared-memory", "-import-memory", "-no-entry"];

/// Options that older linkers lack, and a version of LLVM that has them (`tests/suite/linkers.rs` asks each).
const NEWER: [(&str, u32); 10] = [
    ("--import-memory=", 16),
    ("--export-memory", 16),
    ("--extra-features=", 16),
    ("--why-extract=", 16),
    ("--keep-section", 19),
    ("--initial-heap=", 19),
    ("--no-growable-memory", 19),
    ("--start-lib", 19),
    ("--page-size=", 22),
    ("--no-stack-first", 22),
];

fn unknown_argument(message: &str, failed: &Failed<'_>) -> Option<Finding> {
    let word = message.split_once("unknown argument: ")?.1.trim();
    if let Some((_, version)) = NEWER.iter().find(|(option, _)| word.starts_with(option)) {
        // Two that nobody may have asked for by hand: clang's, and the one that we add for WASI.
        let or_else = match word {
            _ if word.starts_with("--keep-section") => {
                "; or leave it out: clang adds it where there is a wasm-opt on PATH, and with --no-wasm-opt it does not"
                    .to_owned()
            }
            "--export-memory" if failed.triple().ends_with("-threads") => {
                "; or leave --wasm-threads-linker and WASM_THREADS_LINKER out, so that rustc's own rust-lld is used".to_owned()
            }
            "--export-memory" if !failed.options.export_memory => String::new(),
            _ => format!("; or leave {word} out"),
        };
        return finding(
            format!("this linker is too old for {word}"),
            format!("an option that LLVM {version} has and this linker has not"),
            &format!("a linker of LLVM {version} or later"),
            format!("name one: -C link-arg=--wasm-threads-linker=/path/to/wasm-ld-{version}{or_else}"),
        );
    }
    if JOINED.contains(&word) {
        return finding(
            format!("{word} takes its value in the same word"),
            format!("{word} N"),
            &format!("{word}=N"),
            format!("-C link-arg={word}=N, with the number in place of N"),
        );
    }
    if TWO_DASHES.contains(&word) {
        return finding(format!("-{word} has two dashes"), word, &format!("-{word}"), format!("-C link-arg=-{word}"));
    }
    match word.split('=').next().unwrap_or(word) {
        "-flavor" => finding(
            "this linker does not take -flavor",
            "-flavor wasm in front, as rustc has it",
            "rust-lld, or a wasm-ld of LLVM's own: rustup's gcc-ld/wasm-ld is for C compilers",
            "leave --wasm-threads-linker and WASM_THREADS_LINKER out, or name the rust-lld one folder up from gcc-ld",
        ),
        "--no-shared-memory" | "--no-import-memory" => finding(
            format!("there is no {word}"),
            word,
            "a link without --shared-memory",
            format!("leave {word} out, and -C target-feature=+atomics too; or -C link-arg=--wasm-threads=off"),
        ),
        _ => None,
    }
}

fn one_dash_m(message: &str, _: &Failed<'_>) -> Option<Finding> {
    let rest = message.rsplit(": ").next()?.trim();
    rest.starts_with("ax-memory").then(|| {
        finding(
            "--max-memory has two dashes: with one, wasm-ld reads -m",
            format!("-m{rest}"),
            "--max-memory=N",
            format!("-C link-arg=--m{rest}"),
        )
    })?
}

fn no_flavor(_: &str, _: &Failed<'_>) -> Option<Finding> {
    finding(
        "this lld was not told what to link",
        "an lld under a name that says nothing, and no -flavor wasm in front",
        "rust-lld or wasm-ld under its own name, or -flavor wasm as the first words",
        "name rust-lld or wasm-ld: -C link-arg=--wasm-threads-linker=/path/to/rust-lld",
    )
}

/// `wasm-ld`'s words for threads without `-Wl,` in front. emcc's own settings are another matter altogether.
pub(super) fn misplaced(errors: &str, failed: &Failed<'_>) -> Option<Finding> {
    let words = &failed.options.driver.misplaced;
    if !words.iter().any(|word| errors.contains(word.as_str())) {
        return None;
    }
    let (wanted, fix) = match failed.style {
        Style::Emcc => (
            "emcc's own settings, from which it makes the linker's words",
            "leave them out: -pthread brings all that threads need, and wasm-threads-linker adds it; sizes are set by \
             -sINITIAL_MEMORY=, -sALLOW_MEMORY_GROWTH and -sMAXIMUM_MEMORY="
                .to_owned(),
        ),
        _ => (
            "-Wl, in front of each, or none of them: wasm-threads-linker adds them where they are needed",
            words.iter().map(|word| format!("-Wl,{word}")).collect::<Vec<_>>().join(" "),
        ),
    };
    let driver = if failed.style == Style::Emcc { "emcc" } else { "clang" };
    finding(format!("wasm-ld's own words are no words for {driver}"), words.join(" "), wanted, fix)
}
