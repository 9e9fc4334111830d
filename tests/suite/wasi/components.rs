//! Components: `wasm32-wasip2` and later. Another linker makes them.

use super::without_threads::{ATOMIC, PLAIN};
use crate::support::recorder::write_program;
use crate::support::{NoCore, Recorder, Run, Suite, Tool, assert_same_bytes, golden, read, shim, temp_folder};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

pub fn tests(suite: &mut Suite) {
    for target in ["wasm32-wasip2", "wasm32-wasip3"] {
        let name = format!("component_{}", target.trim_start_matches("wasm32-"));
        suite.test(&name, &[Tool::ComponentLinker], move || component(target));
    }
    suite.test("component_linker_of_the_toolchain", &[Tool::ComponentLinker], component_linker_of_the_toolchain);
    suite.test("component_linker_not_found", &[Tool::Rustc], component_linker_not_found);
    suite.test("component_linker_that_calls_the_shim", &[Tool::ComponentLinker], component_linker_that_calls_the_shim);
    suite.test("component_told_to_be_threaded", &[Tool::ComponentLinker], component_told_to_be_threaded);
}

/// A folder in front of PATH, as rustc has it, with the linkers of its toolchain.
fn tools_of_rustc() -> Vec<PathBuf> {
    vec![Tool::ComponentLinker.path().parent().expect("a folder").to_owned(), "/usr/bin".into(), "/bin".into()]
}

fn component(target: &str) {
    let folder = temp_folder();
    let output = folder.path().join("sample.wasm");
    // With atomics or without: it is rustc's own affair.
    for program in [NoCore::new(PLAIN), NoCore::new(ATOMIC).threaded()] {
        let program = program.target(target);
        let bare = Recorder::new(Tool::ComponentLinker.path());
        program.link(bare.linker(), folder.path()).run().expect_success();
        let wanted = read(&output);
        assert_eq!(wanted[4..8], [0x0d, 0, 1, 0], "a component");
        std::fs::remove_file(&output).expect("the output");
        // Found by rustc's PATH. A `wasm-ld` that is named for all links makes no components.
        let link = program.link(shim(), folder.path()).env("WASM_THREADS_LINKER", "/none/wasm-ld");
        link.run().expect_success().expect_silence();
        assert_same_bytes(read(&output), &wanted);
        let ours = Recorder::new(Tool::ComponentLinker.path());
        link.clone().word(linker_option(ours.linker())).run().expect_success().expect_silence();
        link.env("WASM_THREADS_LINKER", ours.linker()).run().expect_success().expect_silence();
        let words = |recorder: &Recorder| -> Vec<OsString> {
            let name = |word: &OsString| Path::new(word).file_name().unwrap_or(word).to_owned();
            recorder.runs().iter().flatten().map(name).collect()
        };
        assert_eq!(words(&ours)[..2], ["-flavor", "wasm"]);
        assert_eq!(words(&ours), [words(&bare), words(&bare)].concat(), "the same words, both times");
    }
}

fn linker_option(path: &Path) -> OsString {
    let mut word = OsString::from("-Clink-arg=--wasm-threads-linker=");
    word.push(path);
    word
}

const COMPONENT_LINE: [&str; 8] =
    ["-flavor", "wasm", "sample.o", "-L", "/none/rustlib/wasm32-wasip2/lib", "--no-entry", "-o", "out.wasm"];

/// In a folder with `sample.o`, and a PATH of one's own.
fn by_hand(folder: &Path, path: &[PathBuf]) -> Run {
    std::fs::copy(NoCore::new(PLAIN).target("wasm32-wasip2").object(), folder.join("sample.o")).expect("a copy");
    Run::new(shim()).words(COMPONENT_LINE).folder(folder).path(path)
}

/// Without rustc's folders in PATH, its toolchain is asked where it is.
fn component_linker_of_the_toolchain() {
    let folder = temp_folder();
    let rustc = Tool::Rustc.path();
    // The linker that it calls in its turn is searched in PATH by itself.
    std::fs::create_dir(folder.path().join("bin")).expect("a folder");
    let lld = format!(
        "#!/bin/sh\nexec '{}' -flavor wasm \"$@\"\n",
        Tool::ComponentLinker.path().with_file_name("rust-lld").display()
    );
    write_program(&folder.path().join("bin/wasm-ld"), lld.as_bytes());
    let run = by_hand(folder.path(), &[folder.path().join("bin"), "/bin".into()]).env("RUSTC", rustc);
    run.run().expect_success().expect_silence();
    assert_eq!(read(folder.path().join("out.wasm"))[4..8], [0x0d, 0, 1, 0]);
}

fn component_linker_not_found() {
    let folder = temp_folder();
    let empty = folder.path().join("bin");
    std::fs::create_dir(&empty).expect("a folder");
    let ran = by_hand(folder.path(), std::slice::from_ref(&empty)).env("RUSTC", "/none/rustc").run().expect_code(1);
    golden::check("wasi/no-component-linker", &ran.stderr_text(), &[(&empty, "BIN")]);
    let ran = by_hand(folder.path(), &[empty]).env("WASM_THREADS_LINKER", "/none/wasm-component-ld").run().expect_code(1);
    ran.expect_stderr(
        "error[linker-not-found]: the linker that WASM_THREADS_LINKER=/none/wasm-component-ld names cannot be run",
    );
}

/// It looks for a `wasm-ld` in PATH, and may find the shim there: then what it wants is a module.
fn component_linker_that_calls_the_shim() {
    let folder = temp_folder();
    std::fs::create_dir(folder.path().join("bin")).expect("a folder");
    std::os::unix::fs::symlink(shim(), folder.path().join("bin/wasm-ld")).expect("a link");
    let path = [&[folder.path().join("bin")], &tools_of_rustc()[..]].concat();
    by_hand(folder.path(), &path).run().expect_success().expect_silence();
    assert_eq!(read(folder.path().join("out.wasm"))[4..8], [0x0d, 0, 1, 0]);
}

fn component_told_to_be_threaded() {
    let folder = temp_folder();
    let run = by_hand(folder.path(), &tools_of_rustc());
    let ran = run.clone().word("--wasm-threads=threaded").run().expect_code(1);
    golden::check("wasi/component-threaded", &ran.stderr_text(), &[]);
    assert!(!folder.path().join("out.wasm").exists());
    run.env("WASM_THREADS", "unthreaded").run().expect_success();
}
