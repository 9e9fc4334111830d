//! `cargo wasm-threads check`, from its command line to its exit status.
//!
//! `cli` has what is asked and answered, `formats` how it is written, `real` what emcc makes, `wasm3` every feature of WebAssembly 3.0, `untrusted` names
//! and files that are made to hurt. What each rule finds is in `contract`.

mod cli;
mod formats;
mod real;
mod untrusted;
mod wasm3;

use crate::contract::encoded::Sample;
use crate::support::link::cargo_wasm_threads;
use crate::support::{Ran, Run, Suite};
use std::fs;
use std::path::{Path, PathBuf};

pub fn tests(suite: &mut Suite) {
    cli::tests(suite);
    formats::tests(suite);
    real::tests(suite);
    untrusted::tests(suite);
    wasm3::tests(suite);
}

/// `check`, in that folder.
fn check(folder: &Path) -> Run {
    Run::new(cargo_wasm_threads()).word("check").folder(folder)
}

/// Runs it with these words, and says nothing on stderr.
#[track_caller]
fn checked(folder: &Path, words: &[&str], code: i32) -> Ran {
    let ran = check(folder).words(words).run().expect_code(code);
    assert!(ran.stderr.is_empty(), "{ran:?}");
    ran
}

/// A file in `folder`, and the folders that it is in.
fn write(folder: &Path, name: impl AsRef<Path>, bytes: &[u8]) -> PathBuf {
    let file = folder.join(name);
    fs::create_dir_all(file.parent().expect("it is in a folder")).expect("a folder");
    fs::write(&file, bytes).expect("a file");
    file
}

fn good() -> Vec<u8> {
    Sample::new().bytes()
}

/// As a recipe written before 1.92 links it now.
fn stale() -> Vec<u8> {
    let mut sample = Sample::new();
    sample.memories[0].0 = wasm_encoder::MemoryType { shared: false, maximum: None, ..sample.memories[0].0 };
    sample.memories[0].1 = false;
    sample.segments[0].1 = true;
    sample.segments[1].1 = true;
    sample.start = false;
    sample.exports.clear();
    sample.bytes()
}

/// A module from text.
#[track_caller]
fn wat(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap_or_else(|error| panic!("{error}"))
}
