//! wasm-pack, by the lines of its example's README: its words of before Rust 1.92, unchanged, with nothing but the linker set.

use crate::support::verdict::{self, Verdict};
use crate::support::{Facts, Recipe, Suite, Tool};
use std::path::Path;

const OLD_WASM_OPT: Tool = Tool::Program("wasm-opt", "binaryen");
const NEEDS: &[Tool] =
    &[Tool::RustcWeb, Tool::WasmLd(22), Tool::Node, Tool::WasmBindgen, Tool::WasmOpt, Tool::WasmPack, OLD_WASM_OPT];

/// What it would fetch is put on PATH: the newest wasm-opt in front of Debian's.
const HELPERS: &[Tool] = &[Tool::WasmPack, Tool::WasmBindgen, Tool::WasmOpt, Tool::Node];

const LINE: &str = "RUSTFLAGS=\"-C target-feature=+atomics,+bulk-memory,+mutable-globals\" wasm-pack build --target web -- \
                    --features threads -Z build-std=panic_abort,std";
const SAID: &str = "4 threads found 148933 primes below 2000000; their own add up to 148933\n";

pub fn tests(suite: &mut Suite) {
    suite.test("its_own_words", NEEDS, its_own_words);
}

fn its_own_words() {
    // It wants to see a compiled std for the target before it begins, which rustup has and Debian has not. None is used: build-std
    // compiles one.
    let rustc = Tool::RustcWeb.path().display().to_string();
    let script = format!("#!/bin/sh\ncase \"$*\" in *'--print target-libdir') echo /usr ;; *) exec {rustc} \"$@\" ;; esac\n");
    let recipe = Recipe::new("wasm-pack").program("rustc", &script);
    let module = recipe.folder().join("pkg/packed_primes_bg.wasm");
    let counts = || recipe.sh("node host.mjs 4", HELPERS);
    recipe.sh("cargo install wasm-pack", HELPERS).expect_success();

    let packed = recipe.sh(LINE, HELPERS).expect_success();
    packed.expect_stderr("Optimizing wasm binaries with `wasm-opt`");
    judged(&module, &[]);
    assert_eq!(counts().expect_success().stdout_text(), SAID);
    let optimized = crate::support::read(&module).len();

    // The same without that step.
    recipe.sh(&LINE.replace(" -- ", " --no-opt -- "), HELPERS).expect_success();
    judged(&module, &[]);
    assert_eq!(counts().expect_success().stdout_text(), SAID);
    assert!(optimized < crate::support::read(&module).len(), "wasm-opt had been at work");
    recipe.all_ran();

    // With Debian's wasm-opt it ends well, and no thread can begin.
    let helpers = &[Tool::WasmPack, Tool::WasmBindgen, OLD_WASM_OPT, Tool::Node];
    recipe.sh(LINE, helpers).expect_success();
    judged(&module, &["externref-table-lost"]);
    counts().expect_code(1).expect_stderr("WebAssembly.Table.");

    // Without the linker's line: the same words, the same success, and no threads.
    let recipe = recipe.linker(Tool::WasmLd(22).path());
    recipe.sh(LINE, HELPERS).expect_success();
    judged(&module, &["memory-not-shared", "active-data-segment"]);
    assert!(Facts::read(&module).memory().import.is_none());
    recipe.sh("node host.mjs 4", HELPERS).expect_code(1).expect_stderr("#<Memory> could not be cloned.");
}

#[track_caller]
fn judged(module: &Path, breaks: &[&'static str]) {
    let (abi, stage) = ("javascript", "after-wasm-bindgen");
    verdict::assert_all(&[Verdict { file: module.to_owned(), abi, stage, breaks: breaks.to_vec() }]);
}
