//! What a link through the shim costs over the same link by the real linker alone.
//!
//! `cargo bench --bench link` runs every row, and prints a table in Markdown. Its own words, after `--`:
//!
//! - `NAME …`: only rows whose name has one of these words
//! - `--pairs N`: how often each row is measured; at least 15
//! - `--strict`: fail when a row is over its bound
//! - `--scale`: other rows instead, in which one thing grows: the number of objects, up to 10 000; the size of the inputs, up to
//!   1 GiB; the size of the output, up to 512 MiB. It wants 2 GiB in the temporary folder, and some minutes
//!
//! Both links of a pair run one after the other, and take turns in being first. The bare linker gets by hand what the shim
//! would add, so that both do the same work. `WASM_THREADS_BENCH_SHIM=PROGRAM` measures another program in the shim's place;
//! with the real linker's own path it shows how much of a difference is noise.

#[path = "../../tests/suite/support/mod.rs"]
mod support;

#[path = "link/captured.rs"]
mod captured;
#[path = "link/generated.rs"]
mod generated;
#[path = "link/measure.rs"]
mod measure;

use measure::{Bound, Row};
use std::process::ExitCode;
use support::Tool;

fn main() -> ExitCode {
    let mut words: Vec<String> = std::env::args().skip(1).collect();
    // Cargo says `--bench` for `cargo bench`, and not when it only wants to know that this runs.
    if !take(&mut words, "--bench") {
        println!("a benchmark: cargo bench --bench link");
        return ExitCode::SUCCESS;
    }
    let strict = take(&mut words, "--strict");
    let scale = take(&mut words, "--scale");
    let pairs = match words.iter().position(|word| word == "--pairs") {
        Some(at) => {
            words.remove(at);
            Some(words.remove(at).parse::<usize>().expect("--pairs takes a number").max(15))
        }
        None => None,
    };
    let wanted = |name: &str| words.is_empty() || words.iter().any(|word| name.contains(word.as_str()));

    let mut table = measure::Table::new();
    for candidate in if scale { growing() } else { candidates() } {
        if !wanted(candidate.name) {
            continue;
        }
        if let Some(tool) = candidate.needs.iter().find(|tool| tool.find().is_none()) {
            table.skip(candidate.name, &format!("needs {} ({})", tool.name(), tool.package()));
            continue;
        }
        eprintln!("{} …", candidate.name);
        match (candidate.row)() {
            Ok(row) => table.measure(candidate.name, row, pairs),
            Err(why) => table.skip(candidate.name, &why),
        }
    }
    print!("{table}");
    if strict && table.over_bound() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// A row that this machine may not be able to measure.
struct Candidate {
    name: &'static str,
    needs: &'static [Tool],
    row: Box<dyn Fn() -> Result<Row, String>>,
}

fn candidates() -> Vec<Candidate> {
    const SMALL: &[Tool] = &[Tool::RustLld];
    const REAL: &[Tool] = &[Tool::RustcWeb, Tool::WasmLd(22)];
    let mut all: Vec<Candidate> = Vec::new();
    let mut add = |name, needs, row: fn() -> Result<Row, String>| all.push(Candidate { name, needs, row: Box::new(row) });
    add("threaded: one object, no std", SMALL, || generated::objects(1, true));
    add("threaded: small project with std", REAL, || captured::row("small", captured::Kind::Threaded));
    add("threaded: large project, debug", REAL, || captured::row("large", captured::Kind::Threaded));
    add("threaded: 10 objects", SMALL, || generated::objects(10, true));
    add("threaded: 100 objects", SMALL, || generated::objects(100, true));
    add("threaded: 1 000 objects", SMALL, || generated::objects(1_000, true));
    add("threaded: 10 000 objects", SMALL, || generated::objects(10_000, true));
    add("passed through: one object, no std", SMALL, || generated::objects(1, false));
    add("passed through: small project with std", REAL, || captured::row("small", captured::Kind::Unthreaded));
    add("passed through: large project, debug", REAL, || captured::row("large", captured::Kind::Unthreaded));
    add("passed through: 10 objects", SMALL, || generated::objects(10, false));
    add("passed through: 100 objects", SMALL, || generated::objects(100, false));
    add("passed through: 1 000 objects", SMALL, || generated::objects(1_000, false));
    add("passed through: 10 000 objects", SMALL, || generated::objects(10_000, false));
    add("passed through: an archive of 10 000 objects", SMALL, || generated::archive(10_000));
    add("undecided: bitcode, threaded", SMALL, || generated::bitcode(true));
    add("undecided: bitcode, not threaded (two links)", SMALL, || generated::bitcode(false));
    add("undecided: small project, LTO by the linker", REAL, || captured::row("small", captured::Kind::LinkerLto));
    all
}

/// The rows of `--scale`, each thing in the order in which it grows.
fn growing() -> Vec<Candidate> {
    const NEEDS: &[Tool] = &[Tool::RustLld];
    let mut all: Vec<Candidate> = Vec::new();
    let mut add = |name, row: fn() -> Result<Row, String>| all.push(Candidate { name, needs: NEEDS, row: Box::new(row) });
    add("threaded: 10 objects", || generated::objects(10, true));
    add("threaded: 100 objects", || generated::objects(100, true));
    add("threaded: 1 000 objects", || generated::objects(1_000, true));
    add("threaded: 10 000 objects", || generated::objects(10_000, true));
    add("passed through: 10 objects", || generated::objects(10, false));
    add("passed through: 100 objects", || generated::objects(100, false));
    add("passed through: 1 000 objects", || generated::objects(1_000, false));
    add("passed through: 10 000 objects", || generated::objects(10_000, false));
    add("passed through: an archive of 1 000 objects", || generated::archive(1_000));
    add("passed through: an archive of 10 000 objects", || generated::archive(10_000));
    add("threaded: inputs of 64 MiB", || generated::large(4, false, true));
    add("threaded: inputs of 256 MiB", || generated::large(16, false, true));
    add("threaded: inputs of 1 GiB", || generated::large(64, false, true));
    add("passed through: inputs of 1 GiB", || generated::large(64, false, false));
    add("threaded: output of 32 MiB", || generated::large(2, true, true));
    add("threaded: output of 128 MiB", || generated::large(8, true, true));
    add("threaded: output of 512 MiB", || generated::large(32, true, true));
    add("passed through: output of 512 MiB", || generated::large(32, true, false));
    all
}

fn take(words: &mut Vec<String>, option: &str) -> bool {
    let at = words.iter().position(|word| word == option);
    at.inspect(|at| drop(words.remove(*at))).is_some()
}

/// The bound of a link that the shim holds against the contract, or only passes through, or has to find out about.
fn bound(threaded: bool) -> Bound {
    if threaded { Bound::Checked } else { Bound::PassedThrough }
}
