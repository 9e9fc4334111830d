//! `cargo wasm-threads demo`, on machines that have more and less than it would like.

use crate::support::link::cargo_wasm_threads;
use crate::support::{Ran, Run, Suite, Tool, repository, temp_folder};
use std::fs;
use std::path::Path;

const STABLE: [Tool; 2] = [Tool::Rustc, Tool::RustLld];

pub fn tests(suite: &mut Suite) {
    let with_node = [Tool::Rustc, Tool::RustLld, Tool::Node];
    suite.test("fault_and_fix_with_node", &with_node, with_node_here);
    suite.test("fault_and_fix_without_node", &STABLE, without_node);
    suite.test("compiled_by_nightly", &[Tool::Nightly], compiled_by_nightly);
    suite.test("settings_of_the_shell_do_not_matter", &STABLE, settings_of_the_shell_do_not_matter);
    suite.test("nothing_is_left_behind", &STABLE, nothing_is_left_behind);
    suite.test("verbose_shows_the_commands", &STABLE, verbose_shows_the_commands);
    suite.test("no_rustc_no_linker", &[], no_rustc_no_linker);
    #[cfg(unix)]
    {
        suite.test("objects_are_what_their_script_makes", &[Tool::SampleRustc], unix::objects_are_what_their_script_makes);
        suite.test("rustc_refuses_the_sample", &STABLE, unix::rustc_refuses_the_sample);
        suite.test("rustc_still_passes_the_flags", &STABLE, unix::rustc_still_passes_the_flags);
        suite.test(
            "highest_wasm_ld_where_there_is_no_rust_lld",
            &[Tool::WasmLd(19), Tool::WasmLd(22)],
            unix::highest_wasm_ld_where_there_is_no_rust_lld,
        );
        suite.test("old_node_is_not_used", &STABLE, unix::old_node_is_not_used);
        suite.test("node_that_hangs_is_stopped", &STABLE, unix::node_that_hangs);
    }
}

/// The demo with stable's rustc, and nothing on PATH.
fn demo(nothing: &Path) -> Run {
    Run::new(cargo_wasm_threads()).word("demo").env("RUSTC", Tool::Rustc.path()).path([nothing])
}

/// Both verdicts are there, and the reader is told how to go on.
#[track_caller]
fn assert_shown(ran: &Ran) {
    let text = ran.stdout_text();
    assert!(ran.success(), "both are shown\n{ran:?}");
    let verdict = text
        .lines()
        .find(|line| line.trim_start().starts_with("verdict"))
        .unwrap_or_else(|| panic!("there is a verdict\n{ran:?}"));
    let words: Vec<&str> = verdict.split_whitespace().collect();
    assert_eq!(words, ["verdict", "NOT", "THREADED", "THREADED"], "{ran:?}");
    for wanted in [
        "its own, not shared        imported, shared",
        "17, no maximum             17 to 16384",
        "written by every instance  written once",
        "no way to set it up        __wasm_init_tls exported",
        "[target.wasm32-unknown-unknown]\n  linker = \"wasm-threads-linker\"",
    ] {
        assert!(text.contains(wanted), "the text has: {wanted}\n{ran:?}");
    }
    assert!(!text.contains('\x1b'), "no colour outside a terminal\n{ran:?}");
    // A path is as long as it is.
    let long = text.lines().find(|line| line.chars().count() > 80 && !line.starts_with("Linker:"));
    assert_eq!(long, None, "no line is wider than a terminal\n{ran:?}");
    assert!(ran.stderr.is_empty(), "nothing is wrong, so nothing is said\n{ran:?}");
}

#[track_caller]
fn assert_says(ran: &Ran, wanted: &str) {
    assert!(ran.stdout_text().contains(wanted), "the text has: {wanted}\n{ran:?}");
}

fn with_node_here() {
    let node = Tool::Node.path();
    let ran = demo(node.parent().expect("node is in a folder")).run();
    assert_shown(&ran);
    for wanted in [
        "memory.buffer instanceof SharedArrayBuffer is false",
        "postMessage(memory) to a worker throws DataCloneError",
        "two counters: 2000 tickets, only 1000 different ones",
        "one counter: 2000 tickets, 2000 different ones",
        "each thread's own count: 1000, 1000",
    ] {
        assert_says(&ran, wanted);
    }
    assert!(ran.stdout_text().lines().count() <= 45, "{ran:?}");
}

fn without_node() {
    let nothing = temp_folder();
    let ran = demo(nothing.path()).run();
    assert_shown(&ran);
    assert_says(&ran, "Not run on two workers: no node on PATH.");
}

fn compiled_by_nightly() {
    let nothing = temp_folder();
    let ran = demo(nothing.path()).env("RUSTC", Tool::Nightly.path()).run();
    // What a later nightly refuses is shown by the objects; which of the two it was is in the text.
    assert_shown(&ran);
    assert!(ran.stdout_text().contains("-nightly"), "the compiler is named\n{ran:?}");
}

fn settings_of_the_shell_do_not_matter() {
    let nothing = temp_folder();
    let ran = demo(nothing.path())
        .env("WASM_THREADS", "unthreaded")
        .env("WASM_THREADS_MAX_MEMORY", "3")
        .env("WASM_THREADS_LINKER", nothing.path().join("none"))
        .run();
    assert_shown(&ran);
}

fn nothing_is_left_behind() {
    let nothing = temp_folder();
    let temporary = temp_folder();
    // A folder that a careless command line would tear apart.
    let odd = temporary.path().join("an odd 'näme");
    fs::create_dir(&odd).expect("a folder");
    let good = demo(nothing.path());
    let bad = demo(nothing.path()).env("RUSTC", nothing.path().join("rustc"));
    for (run, code) in [(good, 0), (bad, 1)] {
        run.env("TMPDIR", &odd).env("TEMP", &odd).env("TMP", &odd).run().expect_code(code);
        let left: Vec<_> = fs::read_dir(&odd).expect("the folder is there").collect();
        assert!(left.is_empty(), "left behind: {left:?}");
    }
}

fn verbose_shows_the_commands() {
    let nothing = temp_folder();
    let ran = demo(nothing.path()).word("--verbose").run();
    assert!(ran.success(), "{ran:?}");
    assert_says(&ran, "Commands that were run:");
    assert_says(&ran, "RUSTC_BOOTSTRAP=1");
}

fn no_rustc_no_linker() {
    let nothing = temp_folder();
    let ran = Run::new(cargo_wasm_threads())
        .word("demo")
        .path([nothing.path()])
        .run()
        .expect_code(1)
        .expect_stderr("no linker for WebAssembly was found. Looked at:")
        .expect_stderr("rustc: ")
        .expect_stderr("fix: rustup toolchain install stable");
    // Each place that was looked at.
    ran.expect_stderr(&nothing.path().display().to_string());
}

#[cfg(unix)]
mod unix {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::path::PathBuf;
    use std::time::Duration;

    pub fn objects_are_what_their_script_makes() {
        let script = repository().join("linker-shim/src/demo/sample/make-objects.sh");
        let rustc = Tool::SampleRustc.path();
        let made = Run::new("/bin/sh").word(script).word("--check").env("RUSTC", rustc).run().expect_success();
        assert_eq!(made.stdout_text(), "the same\n");
    }

    /// A program of a few lines of shell.
    fn script(folder: &Path, name: &str, text: &str) -> PathBuf {
        let file = folder.join(name);
        fs::write(&file, format!("#!/bin/sh\n{text}\n")).expect("a script is written");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).expect("and can be run");
        file
    }

    /// Stable's rustc, except that compiling does what `compile` says; there `$rustc` is the real one.
    fn rustc_that(folder: &Path, compile: &str) -> PathBuf {
        let text = format!(
            "rustc='{}'\ncase \"$*\" in *counter.rs*) {compile} ;; *) exec \"$rustc\" \"$@\" ;; esac",
            Tool::Rustc.path().display()
        );
        script(folder, "rustc", &text)
    }

    pub fn rustc_refuses_the_sample() {
        let nothing = temp_folder();
        let folder = temp_folder();
        let rustc = rustc_that(folder.path(), "exit 1");
        let ran = demo(nothing.path()).env("RUSTC", rustc).run();
        assert_shown(&ran);
        assert_says(&ran, "Program: built-in objects, made by rustc 1.");
        assert_says(&ran, "which is yours, does not compile the sample)");
    }

    pub fn rustc_still_passes_the_flags() {
        let nothing = temp_folder();
        let folder = temp_folder();
        let flags = "--shared-memory --import-memory --max-memory=1073741824 --export=__wasm_init_tls \
                     --export=__tls_size --export=__tls_align --export=__tls_base";
        let compile = format!("exec \"$rustc\" \"$@\" -C link-args='{flags}'");
        let rustc = rustc_that(folder.path(), &compile);
        let ran = demo(nothing.path()).env("RUSTC", rustc).run();
        assert_shown(&ran);
        assert_says(&ran, "which is yours, still passes all flags by itself");
    }

    pub fn highest_wasm_ld_where_there_is_no_rust_lld() {
        let folder = temp_folder();
        for version in [19, 22] {
            let name = format!("wasm-ld-{version}");
            symlink(Tool::WasmLd(version).path(), folder.path().join(name)).expect("a link");
        }
        let ran = demo(folder.path()).env("RUSTC", folder.path().join("rustc")).run();
        assert_shown(&ran);
        assert_says(&ran, "(no rustc answers here)");
        assert_says(&ran, "/wasm-ld-22\n");
    }

    pub fn old_node_is_not_used() {
        let folder = temp_folder();
        script(folder.path(), "node", "echo v14.21.3");
        let ran = demo(folder.path()).run();
        assert_shown(&ran);
        assert_says(&ran, "Not run on two workers: node v14.21.3 is older than v16.");
    }

    pub fn node_that_hangs() {
        let folder = temp_folder();
        let hang = "[ \"$1\" = --version ] && { echo v20.0.0; exit; }\nexec /bin/sleep 600";
        script(folder.path(), "node", hang);
        demo(folder.path())
            .timeout(Duration::from_secs(60))
            .run()
            .expect_code(1)
            .expect_stderr("took too long and was stopped");
    }
}
