//! The WASI targets that have no threads, and make plain modules.

use super::{FOUR, NO_THREADS, TWO_THREADS, plain};
use crate::support::{Facts, NoCore, Place, Recorder, Suite, Tool, assert_same_bytes, read, shim, temp_folder};
use std::path::Path;

pub fn tests(suite: &mut Suite) {
    suite.test("without_threads_and_atomics", &[Tool::RustLld], without_threads_and_atomics);
    suite.test("without_threads_and_bitcode", &[Tool::RustLld], without_threads_and_bitcode);
    suite.test("without_threads_and_without_atomics", &[Tool::RustLld], without_threads_and_without_atomics);
    suite.test("without_threads_and_told_to_be", &[Tool::RustLld], without_threads_and_told_to_be);
    suite.test("wali_is_forwarded", &[Tool::RustLld], wali_is_forwarded);
}

const WASIP1: &str = "wasm32-wasip1";

/// A program that uses atomics and nothing of WASI's.
pub const ATOMIC: &str = r#"
static mut SHARED: i32 = 7;
#[unsafe(no_mangle)] pub extern "C" fn add_shared(by: i32) -> i32 { unsafe { atomic_add(&raw mut SHARED, by) } }
"#;

fn for_wasip1(source: &str) -> NoCore {
    NoCore::new(source).name("sample").target(WASIP1)
}

fn without_threads_and_atomics() {
    let folder = temp_folder();
    let link = |program: NoCore| plain(&program.link(shim(), folder.path()), &Tool::RustLld.path());
    for source in [ATOMIC, NO_THREADS] {
        // Bare, it links without a word.
        for_wasip1(source).threaded().link(Tool::RustLld.path(), folder.path()).run().expect_success().expect_silence();
        let refused = link(for_wasip1(source).threaded()).run().expect_code(1);
        let text = refused.stderr_text();
        assert!(text.contains("error[target-without-threads]: ") && !text.contains("error[memory-"), "{text}");
        assert!(text.contains("--target wasm32-wasip1-threads") && !folder.path().join("sample.wasm").exists(), "{text}");
    }
    let off = link(for_wasip1(ATOMIC).threaded().flag("-Clink-arg=--wasm-threads=off"));
    off.run().expect_success().expect_silence();
    let unthreaded = link(for_wasip1(ATOMIC).threaded().flag("-Clink-arg=--wasm-threads=unthreaded"));
    unthreaded.run().expect_code(1).expect_stderr("error[threaded]: ");
    // Threads of one's own making need no libc.
    let own = for_wasip1(TWO_THREADS).threaded();
    let own = FOUR.iter().fold(own, |own, word| own.flag(format!("-Clink-arg={word}")));
    link(own).run().expect_success().expect_silence();
}

/// Nobody sees what is in bitcode, and no flag of ours is on the line by which the linker would tell.
fn without_threads_and_bitcode() {
    let place = Place::new(Tool::RustLld);
    place.put("atomic.bc", for_wasip1(ATOMIC).threaded().bitcode()).put("plain.bc", for_wasip1(PLAIN).bitcode());
    place.put("refusing.bc", for_wasip1(&ATOMIC.replace("add_shared", "refusing")).bitcode());
    let line = |object: &str| {
        format!("{object} --export-if-defined=add_shared --export-if-defined=plain -L/none/rustlib/wasm32-wasip1/lib")
    };
    for object in ["plain.bc", "refusing.bc", "plain.bc refusing.bc"] {
        place.link(&line(object)).unthreaded(&line(object), 2);
    }
    place.link(&line("atomic.bc")).refused("target-without-threads", 2);
    place.link(&line("atomic.bc plain.bc")).refused("target-without-threads", 2);
    // A failure stays the linker's own.
    place.link(&line("plain.bc --export=nowhere")).failed(2);
}

pub const PLAIN: &str = r#"
static mut COUNT: i32 = 3;
#[unsafe(no_mangle)] pub extern "C" fn plain(by: i32) -> i32 { unsafe { COUNT = COUNT + by; COUNT } }
"#;

fn without_threads_and_without_atomics() {
    let folder = temp_folder();
    let output = folder.path().join("sample.wasm");
    let recorder = Recorder::new(Tool::RustLld.path());
    for source in [PLAIN, ATOMIC] {
        for_wasip1(source).link(Tool::RustLld.path(), folder.path()).run().expect_success();
        let bare = read(&output);
        plain(&for_wasip1(source).link(shim(), folder.path()), recorder.linker()).run().expect_success().expect_silence();
        assert_same_bytes(read(&output), &bare);
    }
    assert!(recorder.runs().iter().flatten().all(|word| !FOUR.iter().any(|known| word == known)), "nothing is added");
}

fn without_threads_and_told_to_be() {
    let folder = temp_folder();
    let link = for_wasip1(PLAIN).flag("-Clink-arg=--wasm-threads=threaded").link(shim(), folder.path());
    let refused = plain(&link, &Tool::RustLld.path()).run().expect_code(1);
    refused.expect_stderr("error[not-threaded]: ").expect_stderr("fix:    build with --target wasm32-wasip1-threads");
}

/// It shares its memory in its own way: not imported.
fn wali_is_forwarded() {
    let folder = temp_folder();
    let program = NoCore::new(ATOMIC).target("wasm32-wali-linux-musl");
    let bare = Recorder::new(Tool::RustLld.path());
    // Its start objects and libc are nowhere here.
    let link = |linker: &Path| program.link(linker, folder.path()).words(["-Clink-self-contained=no", "-Clink-arg=--no-entry"]);
    link(bare.linker()).run().expect_success();
    let wanted = read(folder.path().join("sample.wasm"));
    let ours = Recorder::new(Tool::RustLld.path());
    plain(&link(shim()), ours.linker()).env("WASM_THREADS", "threaded").run().expect_success().expect_silence();
    assert_same_bytes(read(folder.path().join("sample.wasm")), &wanted);
    let facts = Facts::of(&wanted);
    assert!(facts.memory().shared && facts.memory().import.is_none(), "{facts:?}");
    assert_eq!(ours.only_run().len(), bare.only_run().len());
}
