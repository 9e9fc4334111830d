//! Tests of the harness itself, where a mistake in it would let other tests pass that saw nothing.

use crate::support::archive::{Archive, defined_symbols};
use crate::support::suite::{self, VARIABLE};
use crate::support::{
    FLAVOR, Facts, Link, NoCore, Recorder, Run, Suite, THREADED, Tool, assert_same_bytes, golden, objects, read, repository,
    temp_folder,
};
use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::Path;
use std::time::Duration;

const NOWHERE: Tool = Tool::Program("no-such-program", "no-such-package");

pub fn tests(suite: &mut Suite) {
    suite.test("every_file_is_declared", &[], every_file_is_declared);
    suite.test("different_bytes_fail", &[], different_bytes_fail);
    suite.test("a_missing_tool_ignores_the_test_and_is_named", &[], missing_tool_is_named);
    suite.test("golden_text_replaces_longest_path_first", &[], golden_text_replaces_longest_path_first);
    suite.test("golden_text_that_differs_fails", &[], golden_text_that_differs_fails);
    #[cfg(unix)]
    {
        suite.test("missing_tool_in_a_whole_run", &[], missing_tool_in_a_whole_run);
        suite.test("timeout_kills_the_children_too", &[], timeout_kills_the_children_too);
        suite.test("environment_is_clean", &[], environment_is_clean);
        suite.test("signal_is_no_exit_code", &[], signal_is_no_exit_code);
        suite.test("recorder_keeps_every_word", &[], recorder_keeps_every_word);
        suite.test("recorder_with_a_real_linker", &[Tool::RustLld], recorder_with_a_real_linker);
    }
    suite.test("objects_are_what_they_say", &[Tool::Rustc], objects_are_what_they_say);
    suite.test("atomic_object_links_threaded", &[Tool::RustLld], atomic_object_links_threaded);
    suite.test("atomic_object_links_unthreaded", &[Tool::RustLld], atomic_object_links_unthreaded);
    suite.test("refusing_object_is_refused", &[Tool::RustLld], refusing_object_is_refused);
    suite.test("archives_link", &[Tool::RustLld], archives_link);
    suite.test("archive_as_llvm_ar_writes_it", &[Tool::Rustc, Tool::LlvmAr], archive_as_llvm_ar_writes_it);
    suite.test("rustc_links_with_the_linker_named", &[Tool::RustLld], || rustc_links(Tool::Rustc));
    suite.test("nightly_links_with_the_linker_named", &[Tool::RustLld, Tool::Nightly], || rustc_links(Tool::Nightly));
}

fn every_file_is_declared() {
    let folder = repository().join("tests/suite");
    let main = fs::read_to_string(folder.join("main.rs")).expect("main.rs is text");
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(&folder).expect("the folder of this file") {
        let path = entry.expect("a file of the folder").path();
        let stem = path.file_stem().expect("a file has a name").to_string_lossy().into_owned();
        if path.extension().is_some_and(|extension| extension == "rs") && stem != "main" {
            names.insert(stem);
        }
    }
    assert!(names.contains("harness"), "this very file is among {names:?}");
    for name in names {
        let line = format!("suite.module(\"{name}\", {name}::tests);");
        assert!(main.contains(&line), "tests/suite/{name}.rs is never run; main.rs lacks: {line}");
    }
}

fn different_bytes_fail() {
    assert_same_bytes(b"same", b"same");
    assert!(catch(|| assert_same_bytes(b"same", b"some")).contains("differ at 0x1"));
    assert!(catch(|| assert_same_bytes(b"sam", b"same")).contains("differ at 0x3"));
}

fn missing_tool_is_named() {
    let ignored = suite::trial("test".into(), &[NOWHERE], false, || {});
    assert!(ignored.has_ignored_flag());
    assert_eq!(ignored.kind(), "needs no-such-program (package no-such-package)");
    let failing = suite::trial("test".into(), &[NOWHERE], true, || {});
    assert!(!failing.has_ignored_flag());
    let there = suite::trial("test".into(), &[], true, || {});
    assert!(!there.has_ignored_flag() && there.kind().is_empty());
}

/// The same as a person sees it: this binary, run again for one test, with nothing on PATH.
#[cfg(unix)]
fn missing_tool_in_a_whole_run() {
    let again = || {
        let run = Run::new(env::current_exe().expect("this binary")).env("PATH", "");
        run.words(["--exact", "harness::archive_as_llvm_ar_writes_it", "--color=never"])
    };
    let ran = again().run().expect_success();
    let text = ran.stdout_text();
    let line = "[needs rustc (rustup toolchain install stable), llvm-ar-22 (package llvm-22)] harness::archive_as_llvm_ar_writes_it ... ignored";
    assert!(text.contains(line) && text.contains("0 passed; 0 failed; 1 ignored"), "{ran:?}");
    for run in [again().env(VARIABLE, "all"), again().word("--include-ignored")] {
        let ran = run.run().expect_code(101);
        let wanted = "it needs rustc (rustup toolchain install stable), llvm-ar-22 (package llvm-22), and cannot find it";
        assert!((ran.stdout_text() + &ran.stderr_text()).contains(wanted), "{ran:?}");
    }
    again().env(VARIABLE, "al").run().expect_code(101).expect_stderr("it can be `all`, or not be set");
}

fn golden_text_replaces_longest_path_first() {
    let (long, short) = (Path::new("/a/b/c"), Path::new("/a/b"));
    let text = golden::replaced("/a/b/c/x.o in /a/b\r\n", &[(short, "[FOLDER]"), (long, "[LINK]")]);
    assert_eq!(text, "[LINK]/x.o in [FOLDER]\n");
}

fn golden_text_that_differs_fails() {
    golden::check("harness", "one\ntwo\n", &[]);
    if env::var_os("WASM_THREADS_BLESS").is_none() {
        assert!(catch(|| golden::check("harness", "one\nthree\n", &[])).contains("at line 2"));
        assert!(catch(|| golden::check("harness", "one\ntwo\nthree\n", &[])).contains("at line 3"));
    }
}

#[cfg(unix)]
fn timeout_kills_the_children_too() {
    // The grandchild holds stdout open: were it left alive, reading to the end would take as long as it does.
    let script = "sleep 60 & sleep 60";
    let run = Run::new("/bin/sh").words(["-c", script]).timeout(Duration::from_millis(300));
    let ran = run.run_or_kill();
    assert!(ran.killed && !ran.success(), "{ran:?}");
    assert!(ran.elapsed < Duration::from_secs(8), "{ran:?}");
    assert!(catch(move || drop(run.run())).contains("still running after"));
}

#[cfg(unix)]
fn environment_is_clean() {
    let ran = Run::new("/usr/bin/env").env("WASM_THREADS", "off").run().expect_success();
    let text = ran.stdout_text();
    let names: BTreeSet<&str> = text.lines().filter_map(|line| Some(line.split_once('=')?.0)).collect();
    assert!(names.contains("PATH") && names.contains("WASM_THREADS"), "{names:?}");
    // What cargo sets for every test is not passed on.
    let set_by_cargo = |name: &&&str| name.starts_with("CARGO_MANIFEST") || name.starts_with("CARGO_PKG");
    assert_eq!(names.iter().find(set_by_cargo), None);
}

#[cfg(unix)]
fn signal_is_no_exit_code() {
    let ran = Run::new("/bin/sh").words(["-c", "kill -TERM $$"]).run();
    assert_eq!((ran.code(), ran.signal()), (None, Some(15)), "{ran:?}");
}

#[cfg(unix)]
fn recorder_keeps_every_word() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let recorder = Recorder::new("/bin/echo");
    assert_eq!(recorder.linker().file_name(), Some(OsStr::new("echo")));
    assert!(recorder.runs().is_empty());
    let words = [OsStr::new("two words"), OsStr::new(""), OsStr::new("new\nline"), OsStr::from_bytes(b"'\xff")];
    let ran = Run::new(recorder.linker()).words(words).run().expect_success();
    assert_same_bytes(ran.stdout, b"two words  new\nline '\xff\n");
    assert_eq!(recorder.only_run(), words);
    Run::new(recorder.linker()).run().expect_success();
    assert_eq!(recorder.runs(), [words.to_vec(), vec![]]);
    assert!(catch(move || drop(recorder.only_run())).contains("ran 2 times"));
}

#[cfg(unix)]
fn recorder_with_a_real_linker() {
    let folder = temp_folder();
    let recorder = Recorder::new(Tool::RustLld.path());
    let output = folder.path().join("out.wasm");
    let run =
        Link::bare(recorder.linker()).words(FLAVOR).word(objects::neutral()).words(["--export=neutral", "-o"]).word(&output);
    run.run().expect_success().expect_silence();
    assert_eq!(recorder.only_run().last().map(|word| word.as_os_str()), Some(output.as_os_str()));
    assert!(Facts::read(&output).exports("neutral"));
}

fn objects_are_what_they_say() {
    let atomic = Facts::read(objects::atomic());
    assert!(atomic.has_feature("+atomics") && atomic.has_feature("+bulk-memory"), "{atomic:?}");
    assert!(!atomic.has_feature("-shared-mem"), "{atomic:?}");
    let neutral = Facts::read(objects::neutral());
    assert!(!neutral.has_feature("+atomics") && !neutral.has_feature("-shared-mem"), "{neutral:?}");
    let refusing = Facts::read(objects::refusing());
    assert!(!refusing.has_feature("+atomics") && refusing.has_feature("-shared-mem"), "{refusing:?}");
    for bitcode in [objects::atomic_bitcode(), objects::neutral_bitcode()] {
        assert!(read(bitcode).starts_with(b"BC\xc0\xde"));
    }
    assert_eq!(defined_symbols(&read(objects::atomic())), ["add_local", "add_shared"]);
}

fn atomic_object_links_threaded() {
    let folder = temp_folder();
    let output = folder.path().join("out.wasm");
    for input in [objects::atomic(), objects::atomic_bitcode()] {
        let run =
            Link::bare(Tool::RustLld.path()).words(FLAVOR).words(THREADED).words(["--export=add_shared", "--export=add_local"]);
        run.word(input).word("-o").word(&output).run().expect_success().expect_silence();
        let facts = Facts::read(&output);
        facts.assert_threaded();
        assert_eq!(facts.memory().maximum, Some(16384));
        assert!(catch(|| _ = facts.assert_unthreaded()).contains("the memory is its own"));
    }
}

fn atomic_object_links_unthreaded() {
    let folder = temp_folder();
    let output = folder.path().join("out.wasm");
    let run = Link::bare(Tool::RustLld.path()).words(FLAVOR).words(["--export=add_shared", "--export=add_local"]);
    run.word(objects::atomic()).word("-o").word(&output).run().expect_success();
    let facts = Facts::read(&output);
    facts.assert_unthreaded();
    assert!(facts.active_segments > 0 && facts.exports("memory"), "{facts:?}");
    assert!(catch(|| _ = facts.assert_threaded()).contains("the memory is imported and shared"));
}

fn refusing_object_is_refused() {
    let folder = temp_folder();
    let output = folder.path().join("out.wasm");
    let run = Link::bare(Tool::RustLld.path()).words(FLAVOR).words(THREADED).word(objects::atomic()).word(objects::refusing());
    let ran = run.word("-o").word(&output).run().expect_code(1);
    ran.expect_stderr("--shared-memory is disallowed by").expect_stderr("refusing.o");
    assert!(!output.exists());
}

fn archives_link() {
    let folder = temp_folder();
    let output = folder.path().join("out.wasm");
    let long = folder.path().join("a_name_that_does_not_fit_into_a_header.o");
    fs::copy(objects::atomic(), &long).expect("an object can be copied");
    let staticlib = NoCore::new(objects::NEUTRAL).name("neutral").staticlib();
    let ours = |archive: Archive, name: &str| archive.file(objects::neutral()).file(&long).write(folder.path().join(name));
    for archive in [ours(Archive::new(), "libregular.a"), ours(Archive::thin(), "libthin.a"), staticlib] {
        let run = Link::bare(Tool::RustLld.path()).words(FLAVOR).words(["--export=neutral", "-o"]).word(&output);
        run.word(&archive).run().expect_success().expect_silence();
        let facts = Facts::read(&output);
        assert!(facts.exports("neutral") && !facts.has_feature("+atomics"), "{}: {facts:?}", archive.display());
    }
    let run = Link::bare(Tool::RustLld.path()).words(FLAVOR).words(THREADED).words([
        "--export=add_shared",
        "--export=add_local",
        "-o",
    ]);
    run.word(&output).word(folder.path().join("libthin.a")).run().expect_success();
    Facts::read(&output).assert_threaded();
}

fn archive_as_llvm_ar_writes_it() {
    let folder = temp_folder();
    let files = [objects::neutral(), objects::atomic(), folder.path().join("with_a_long_name_indeed.o")];
    fs::copy(objects::refusing(), &files[2]).expect("an object can be copied");
    for (kind, archive) in [("rcSD", Archive::new()), ("rcSTD", Archive::thin())] {
        let theirs = folder.path().join(format!("{kind}.a"));
        Run::new(Tool::LlvmAr.path()).words([kind, "--format=gnu"]).word(&theirs).words(&files).run().expect_success();
        Run::new(Tool::LlvmAr.path()).word("s").word(&theirs).run().expect_success();
        let ours = files.iter().fold(archive, |archive, file| archive.file(file)).write(folder.path().join("ours.a"));
        let list = |archive: &Path| {
            let names = Run::new(Tool::LlvmAr.path()).word("t").word(archive).run().expect_success().stdout_text();
            names.lines().map(|line| Path::new(line).file_name().map(|name| name.to_owned())).collect::<Vec<_>>()
        };
        assert_eq!(list(&ours), list(&theirs));
        assert_eq!(index_names(&read(&ours)), index_names(&read(&theirs)));
    }
}

/// The symbols in an archive's index.
fn index_names(archive: &[u8]) -> Vec<String> {
    let size = String::from_utf8_lossy(&archive[8 + 48..8 + 58]).trim_end().parse::<usize>().expect("a size");
    let index = &archive[68..68 + size];
    let count = u32::from_be_bytes(index[..4].try_into().expect("four bytes")) as usize;
    assert!(count >= 5, "the three objects define five symbols");
    let names = index[4 + 4 * count..].split(|byte| *byte == 0).take(count);
    names.map(|name| String::from_utf8_lossy(name).into_owned()).collect()
}

fn rustc_links(rustc: Tool) {
    let folder = temp_folder();
    let sample = objects::threaded("whole", objects::ATOMIC).rustc(rustc.path());
    let linker = Tool::RustLld.path();
    let flags: Vec<String> = THREADED.iter().map(|flag| format!("-Clink-arg={flag}")).collect();
    sample.link(&linker, folder.path()).words(flags).run().expect_success();
    Facts::read(folder.path().join("whole.wasm")).assert_threaded();
    sample.link(&linker, folder.path()).run().expect_success();
    Facts::read(folder.path().join("whole.wasm")).assert_unthreaded();
}

/// What a panic says.
fn catch(panics: impl FnOnce()) -> String {
    suite::caught(panics).expect_err("it has not failed")
}
