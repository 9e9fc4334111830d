//! `wasm32-wasip1-threads`, whole: what is added, what is judged, and programs that run on two hosts. And the WASI targets that
//! have no threads.
//!
//! Here are lines made by hand and programs without a libc; what else there is has a file of its own.

mod components;
mod example;
mod real_library;
mod start_objects;
mod without_threads;

use crate::support::place::{Linked, OUTPUT};
use crate::support::{Facts, NoCore, Place, Ran, Recorder, Run, Suite, Tool};
use crate::support::{assert_same_bytes, golden, read, repository, shim, temp_folder};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

const TARGET: &str = "wasm32-wasip1-threads";

/// What rustc gives the linker for this target.
const FOUR: [&str; 4] = ["--import-memory", "--export-memory", "--shared-memory", "--max-memory=1073741824"];

/// They know `--export-memory`, which 14 does not.
const LLD: [Tool; 4] = [Tool::RustLld, Tool::WasmLd(16), Tool::WasmLd(19), Tool::WasmLd(22)];

pub fn tests(suite: &mut Suite) {
    suite.test("rustc_has_said_all", &[Tool::RustLld], rustc_has_said_all);
    for linker in LLD {
        let name = linker.name().replace('-', "_");
        suite.test(&format!("adds_what_is_missing_{name}"), &[Tool::Rustc, linker], move || adds_what_is_missing(linker));
        suite.test(&format!("silent_breaks_{name}"), &[Tool::Rustc, linker], move || silent_breaks(linker));
    }
    suite.test("older_names_of_the_target", &[Tool::RustLld], older_names_of_the_target);
    suite.test("two_threads_on_node", &[Tool::RustLld, Tool::Node], || two_threads(&node));
    suite.test("two_threads_on_wasmtime", &[Tool::RustLld, Tool::Wasmtime], || two_threads(&wasmtime));
    suite.test("breaks_show_on_node", &[Tool::RustLld, Tool::Node], breaks_show_on_node);
    components::tests(suite);
    example::tests(suite);
    real_library::tests(suite);
    start_objects::tests(suite);
    without_threads::tests(suite);
}

/// Starts two threads, which count for all and each for itself, waits for them, and says whether the sums are right. It has no libc:
/// it sets up its threads' storage itself, and is compiled so that no function needs a stack.
const TWO_THREADS: &str = r#"
#[link(wasm_import_module = "wasi")] unsafe extern "C" {
    #[link_name = "thread-spawn"] fn thread_spawn(argument: *mut Block) -> i32;
}
#[link(wasm_import_module = "wasi_snapshot_preview1")] unsafe extern "C" {
    fn fd_write(file: i32, text: *const Text, count: usize, written: *mut usize) -> i32;
    fn proc_exit(code: i32);
}
unsafe extern "C" {
    fn __wasm_init_tls(place: *mut Block);
    #[link_name = "llvm.wasm.memory.atomic.wait32"] fn atomic_wait(place: *mut i32, seen: i32, nanoseconds: i64) -> i32;
}
#[repr(align(16))] pub struct Block { bytes: [u8; 64] }
#[repr(C)] pub struct Text { at: *const u8, length: usize }
static mut ONE: Block = Block { bytes: [0; 64] };
static mut TWO: Block = Block { bytes: [0; 64] };
const FOR_EVER: i64 = 0xffff_ffff_ffff_ffff_u64 as i64;
static mut WRITTEN: usize = 0;
static mut TOTAL: i32 = 100;
static mut DONE: i32 = 0;
static mut MINE_OF_ALL: i32 = 0;
#[thread_local] static mut MINE: i32 = 5;
static RIGHT: Text = Text { at: b"two threads counted to 3100\n" as *const [u8; 28] as *const u8, length: 28 };

unsafe fn count(times: i32) { unsafe {
    match times { 0 => {} _ => { atomic_add(&raw mut TOTAL, 1); MINE = MINE + 1; count(times + 0xffff_ffff_u32 as i32) } }
} }
#[unsafe(no_mangle)] pub unsafe extern "C" fn wasi_thread_start(thread: i32, block: *mut Block) { unsafe {
    __wasm_init_tls(block);
    match thread { 1 => count(1000), _ => count(2000) }
    atomic_add(&raw mut MINE_OF_ALL, MINE);
    atomic_add(&raw mut DONE, 1);
    atomic_notify(&raw mut DONE, 1);
} }
#[unsafe(no_mangle)] pub unsafe extern "C" fn _start() { unsafe {
    match thread_spawn(&raw mut ONE) { 1 => {} _ => proc_exit(11) }
    match thread_spawn(&raw mut TWO) { 2 => {} _ => proc_exit(12) }
    loop { match atomic_add(&raw mut DONE, 0) { 2 => break, seen => { atomic_wait(&raw mut DONE, seen, FOR_EVER); } } }
    match atomic_add(&raw mut TOTAL, 0) { 3100 => {} _ => proc_exit(13) }
    match atomic_add(&raw mut MINE_OF_ALL, 0) { 3010 => {} _ => proc_exit(14) }
    match MINE { 5 => {} _ => proc_exit(15) }
    fd_write(1, &raw const RIGHT, 1, &raw mut WRITTEN);
} }
"#;
const RIGHT: &str = "two threads counted to 3100\n";

/// A program that starts none.
const NO_THREADS: &str = r#"
#[link(wasm_import_module = "wasi_snapshot_preview1")] unsafe extern "C" { fn sched_yield() -> i32; }
static mut SHARED: i32 = 7;
#[unsafe(no_mangle)] pub unsafe extern "C" fn _start() { unsafe { atomic_add(&raw mut SHARED, sched_yield()); } }
"#;

fn program(name: &str, source: &str) -> NoCore {
    NoCore::new(source).name(name).target(TARGET)
}

fn two_threads_object() -> PathBuf {
    program("two_threads", TWO_THREADS).object()
}

fn example(file: &str) -> PathBuf {
    repository().join("examples/wasi-threads").join(file)
}

fn node(module: &Path) -> Run {
    Run::new(Tool::Node.path()).word(example("host.mjs")).word(module)
}

fn wasmtime(module: &Path) -> Run {
    let python = crate::support::tool::on_path("python3").expect("wasmtime is here with it");
    // Python writes what it compiled beside the source, which is not ours to change.
    let run = Run::new(python).env("PYTHONPATH", Tool::Wasmtime.path()).env("PYTHONDONTWRITEBYTECODE", "1");
    run.word(example("host.py")).word(module)
}

type Host = dyn Fn(&Path) -> Run;

/// The rules that a module breaks, as a program would learn it.
fn broken(module: &[u8]) -> Vec<&'static str> {
    let findings = wasm_threads::verify(module).err().map(|error| error.findings).unwrap_or_default();
    findings.iter().map(|finding| finding.rule.id).collect()
}

fn plain(run: &Run, linker: &Path) -> Run {
    run.clone().env("WASM_THREADS_LINKER", linker)
}

/// A line of rustc's goes through as it is, and is judged.
fn rustc_has_said_all() {
    let folder = temp_folder();
    let output = folder.path().join("two_threads.wasm");
    let recorder = Recorder::new(Tool::RustLld.path());
    let program = program("two_threads", TWO_THREADS);
    program.link(recorder.linker(), folder.path()).run().expect_success();
    let bare = read(&output);
    let link = plain(&program.link(shim(), folder.path()), recorder.linker());
    let ran = link.clone().env("WASM_THREADS_LOG", "info").words(["--force-warn", "linker-messages"]).run().expect_success();
    assert!((ran.stdout_text() + &ran.stderr_text()).contains("is threaded"), "{ran:?}");
    assert_same_bytes(read(&output), &bare);
    let runs = recorder.runs();
    assert_eq!(runs.len(), 2);
    // The object's folder is another each time.
    let words = |run: &[OsString]| -> Vec<String> {
        let name = |word: &OsString| Path::new(word).file_name().unwrap_or(word).to_string_lossy().into_owned();
        run.iter().map(name).collect()
    };
    assert_eq!(words(&runs[0]), words(&runs[1]));
    assert!(FOUR.iter().all(|word| runs[0].iter().any(|known| known == word)), "rustc says it: {:?}", runs[0]);
    assert_eq!(broken(&bare), [""; 0]);
}

fn hand_made(linker: Tool) -> Place {
    let place = Place::new(linker);
    place.put("a.o", two_threads_object()).put("alone.o", program("no_threads", NO_THREADS).object());
    place
}

const LINE: &str =
    "a.o --export=_start --export-if-defined=wasi_thread_start --stack-first -L/none/rustlib/wasm32-wasip1-threads/lib";

fn assert_good(linked: &Linked<'_>, place: &Place) {
    assert!(linked.ran.success() && linked.ran.stderr.is_empty(), "{:?}", linked.ran);
    assert_eq!(linked.runs.len(), 1);
    let bytes = read(place.path(OUTPUT));
    assert_eq!(broken(&bytes), [""; 0]);
    let facts = Facts::of(&bytes);
    let memory = facts.memory();
    assert_eq!((memory.import.as_deref(), memory.shared, memory.maximum), (Some("env.memory"), true, Some(16_384)));
    assert!(facts.exports("memory") && facts.exports("_start"), "{facts:?}");
    assert!(
        !facts.exports("__wasm_init_tls") && !facts.exports("__heap_base"),
        "javascript's exports are not added: {facts:?}"
    );
}

/// Any one of the four left out, or all of them: the module is, byte by byte, what a line with all makes.
fn adds_what_is_missing(linker: Tool) {
    let place = hand_made(linker);
    let (ran, wanted) = place.bare(&format!("{} {LINE}", FOUR.join(" ")));
    let wanted = wanted.unwrap_or_else(|| panic!("{ran:?}"));
    let mut lines: Vec<Vec<&str>> =
        FOUR.iter().map(|missing| FOUR.into_iter().filter(|word| word != missing).collect()).collect();
    lines.extend([vec![], FOUR.to_vec()]);
    for words in lines {
        let linked = place.link(&[&words[..], &[LINE]].concat().join(" "));
        assert_good(&linked, &place);
        assert_same_bytes(read(place.path(OUTPUT)), &wanted);
        let added = linked.runs[0].iter().filter(|word| FOUR.iter().any(|known| *known == word.as_os_str())).count();
        assert_eq!(added, 4, "each once: {:?}", linked.runs);
    }
    // The user's own size, and one that starts no thread.
    let linked = place.link(&format!("--max-memory=67108864 {LINE}"));
    assert!(linked.ran.success(), "{:?}", linked.ran);
    assert_eq!(Facts::read(place.path(OUTPUT)).memory().maximum, Some(1024));
    let linked = place.link(&LINE.replace("a.o", "alone.o"));
    assert_good(&linked, &place);
    let facts = Facts::read(place.path(OUTPUT));
    assert_eq!(facts.imports, ["wasi_snapshot_preview1.sched_yield"], "no thread-spawn");
}

/// What a bare linker makes without a word of a line that lacks one of the four.
fn silent_breaks(linker: Tool) {
    let place = hand_made(linker);
    for (missing, rule) in [
        ("", None),
        ("--import-memory", Some("memory-not-imported")),
        ("--export-memory", Some("export-missing")),
        ("--max-memory=1073741824", Some("memory-cannot-grow")),
    ] {
        let words: Vec<&str> = FOUR.into_iter().filter(|word| *word != missing).collect();
        let (ran, module) = place.bare(&format!("{} {LINE}", words.join(" ")));
        assert!(ran.success() && ran.stderr.is_empty(), "{ran:?}");
        let module = module.expect("a module");
        assert_eq!(broken(&module), Vec::from_iter(rule), "without {missing}");
        if let Some(rule) = rule {
            let error = wasm_threads::verify(&module).expect_err("it is broken").to_string();
            golden::check(&format!("wasi/{rule}"), &(error + "\n"), &[]);
        }
    }
}

fn older_names_of_the_target() {
    let place = hand_made(Tool::RustLld);
    for folder in [
        "rustlib/wasm32-wasi-preview1-threads/lib",
        "rustlib/wasm32-wasi-threads/lib/self-contained",
        "lib/wasm32-wasi-threads",
    ] {
        assert_good(&place.link(&LINE.replace("rustlib/wasm32-wasip1-threads/lib", folder)), &place);
    }
}

fn two_threads(host: &Host) {
    let folder = temp_folder();
    let program = program("two_threads", TWO_THREADS);
    plain(&program.link(shim(), folder.path()), &Tool::RustLld.path()).run().expect_success().expect_silence();
    let ran = host(&folder.path().join("two_threads.wasm")).run().expect_success();
    assert_eq!(ran.stdout_text(), RIGHT, "{ran:?}");
}

/// What the rules say is so: each break that the linker lets through shows on a host.
fn breaks_show_on_node() {
    let place = hand_made(Tool::RustLld);
    let run = |missing: &str| -> Ran {
        let words: Vec<&str> = FOUR.into_iter().filter(|word| *word != missing).collect();
        let module = place.bare(&format!("{} {LINE}", words.join(" "))).1.expect("a module");
        place.write("module.wasm", &module);
        node(&place.path("module.wasm")).timeout(Duration::from_secs(5)).run_or_kill()
    };
    assert_eq!(run("").stdout_text(), RIGHT);
    // Each thread has a memory of its own, and the first one waits for ever.
    let alone = run("--import-memory");
    assert!(alone.killed && alone.stdout.is_empty(), "{alone:?}");
    run("--export-memory").expect_code(1).expect_stderr("property must be a WebAssembly.Memory object");
    // No memory of more than the module's maximum is taken, and none of the usual size is that small.
    run("--max-memory=1073741824").expect_code(1).expect_stderr("LinkError");
}
