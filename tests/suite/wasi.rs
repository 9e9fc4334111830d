//! `wasm32-wasip1-threads`, whole: what is added, what is judged, and programs that run on two hosts. And the WASI targets that
//! have no threads.

use crate::support::place::Linked;
use crate::support::recorder::write_program;
use crate::support::{Facts, NoCore, Place, Project, Ran, Recorder, Run, Suite, Tool};
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
        let needs = [Tool::Clang, linker];
        suite.test(&format!("start_objects_and_libc_{name}"), &needs, move || start_objects_and_libc(linker));
        suite.test(&format!("silent_breaks_{name}"), &[Tool::Rustc, linker], move || silent_breaks(linker));
    }
    suite.test("older_names_of_the_target", &[Tool::RustLld], older_names_of_the_target);
    suite.test("two_threads_on_node", &[Tool::RustLld, Tool::Node], || two_threads(&node));
    suite.test("two_threads_on_wasmtime", &[Tool::RustLld, Tool::Wasmtime], || two_threads(&wasmtime));
    suite.test("breaks_show_on_node", &[Tool::RustLld, Tool::Node], breaks_show_on_node);
    suite.test("std_on_node", &[Tool::WasiThreads, Tool::Node], || std_program(&node));
    suite.test("std_on_wasmtime", &[Tool::WasiThreads, Tool::Wasmtime], || std_program(&wasmtime));
    suite.test("std_with_fixed_memory", &[Tool::WasiThreads, Tool::Node], std_with_fixed_memory);
    suite.test("std_library", &[Tool::WasiThreads, Tool::Node], std_library);
    suite.test("std_library_with_constructors", &[Tool::WasiThreads, Tool::Node], std_library_with_constructors);
    suite.test("std_command_and_reactor_at_once", &[Tool::WasiThreads, Tool::Node], std_command_and_reactor_at_once);
    suite.test("without_threads_and_atomics", &[Tool::RustLld], without_threads_and_atomics);
    suite.test("without_threads_and_bitcode", &[Tool::RustLld], without_threads_and_bitcode);
    suite.test("without_threads_and_without_atomics", &[Tool::RustLld], without_threads_and_without_atomics);
    suite.test("without_threads_and_told_to_be", &[Tool::RustLld], without_threads_and_told_to_be);
    for target in ["wasm32-wasip2", "wasm32-wasip3"] {
        let name = format!("component_{}", target.trim_start_matches("wasm32-"));
        suite.test(&name, &[Tool::ComponentLinker], move || component(target));
    }
    suite.test("component_linker_of_the_toolchain", &[Tool::ComponentLinker], component_linker_of_the_toolchain);
    suite.test("component_linker_not_found", &[Tool::Rustc], component_linker_not_found);
    suite.test("component_linker_that_calls_the_shim", &[Tool::ComponentLinker], component_linker_that_calls_the_shim);
    suite.test("component_told_to_be_threaded", &[Tool::ComponentLinker], component_told_to_be_threaded);
    suite.test("wali_is_forwarded", &[Tool::RustLld], wali_is_forwarded);
    suite.test("example_on_node", &[Tool::WasiThreads, Tool::Node], example_on_node);
    suite.test("example_on_wasmtime", &[Tool::WasiThreads, Tool::Wasmtime], example_on_wasmtime);
}

// ------------------------------------------------------------- a program

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

// ----------------------------------------------------------------- hosts

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

// ----------------------------------------------------------------- tests

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
    let bytes = read(place.path(crate::support::place::OUTPUT));
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
        assert_same_bytes(read(place.path(crate::support::place::OUTPUT)), &wanted);
        let added = linked.runs[0].iter().filter(|word| FOUR.iter().any(|known| *known == word.as_os_str())).count();
        assert_eq!(added, 4, "each once: {:?}", linked.runs);
    }
    // The user's own size, and one that starts no thread.
    let linked = place.link(&format!("--max-memory=67108864 {LINE}"));
    assert!(linked.ran.success(), "{:?}", linked.ran);
    assert_eq!(Facts::read(place.path(crate::support::place::OUTPUT)).memory().maximum, Some(1024));
    let linked = place.link(&LINE.replace("a.o", "alone.o"));
    assert_good(&linked, &place);
    let facts = Facts::read(place.path(crate::support::place::OUTPUT));
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

// ------------------------------------------------------ the real library

/// rustc of rustup's stable toolchain on a source, for a target that is installed.
fn rustc(folder: &Path, source: &str, kind: &str, words: &[&str]) -> Run {
    std::fs::write(folder.join("code.rs"), source).expect("a source can be written");
    let mut linker = OsString::from("-Clinker=");
    linker.push(shim());
    Run::new(Tool::Rustc.path())
        .folder(folder)
        .words([
            "--edition=2024",
            "--target",
            TARGET,
            "-O",
            "--crate-name=code",
            "--crate-type",
            kind,
            "code.rs",
            "-o",
            "code.wasm",
        ])
        .word(linker)
        .words(words)
}

/// Threads, thread-locals, a lock, a channel, and a panic that stays in its thread's place in the program: it ends all.
const STD: &str = r#"
use std::{cell::Cell, sync::{Mutex, mpsc}, thread};
thread_local!(static MINE: Cell<u32> = const { Cell::new(5) });
static ALL: Mutex<u32> = Mutex::new(0);
pub fn sums() -> Vec<u32> {
    let (sender, receiver) = mpsc::channel();
    let threads: Vec<_> = (1..=3).map(|thread| { let sender = sender.clone(); thread::spawn(move || {
        for _ in 0..1000 * thread { *ALL.lock().unwrap() += 1; MINE.set(MINE.get() + 1); }
        sender.send(MINE.get()).unwrap();
    }) }).collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    drop(sender);
    let mut sums: Vec<u32> = receiver.iter().chain([*ALL.lock().unwrap(), MINE.get()]).collect();
    sums.sort();
    sums
}
"#;

fn std_program(host: &Host) {
    let folder = temp_folder();
    let source = format!(
        "{STD} fn main() {{ println!(\"{{:?}}\", sums()); if std::env::args().count() > 1 {{ std::process::exit(7) }} }}"
    );
    rustc(folder.path(), &source, "bin", &[]).run().expect_success().expect_silence();
    let module = folder.path().join("code.wasm");
    let ran = host(&module).run().expect_success();
    assert_eq!(ran.stdout_text(), "[5, 1005, 2005, 3005, 6000]\n", "{ran:?}");
    host(&module).word("fail").run().expect_code(7);
    let facts = Facts::read(&module);
    assert!(facts.imports.iter().any(|import| import == "wasi.thread-spawn") && facts.exports("_start"), "{facts:?}");
    // As it is linked by rustc's own.
    let ours = read(&module);
    let linked = rustc(folder.path(), &source, "bin", &[]).word(linker(&Tool::RustLld.path())).run();
    linked.expect_success();
    assert_same_bytes(ours, read(&module));
    // Without a thread it is good all the same, and stripped of all names.
    rustc(folder.path(), "fn main() { println!(\"alone\"); }", "bin", &["-Cstrip=symbols"]).run().expect_success();
    assert_eq!(broken(&read(&module)), [""; 0]);
    assert_eq!(host(&module).run().expect_success().stdout_text(), "alone\n");
}

fn linker(path: &Path) -> OsString {
    let mut word = OsString::from("-Clinker=");
    word.push(path);
    word
}

/// A libc's allocator begins with what lies above the data: a memory that never grows is enough, where it is large enough.
fn std_with_fixed_memory() {
    let folder = temp_folder();
    let source = format!("{STD} fn main() {{ println!(\"{{:?}}\", sums()); }}");
    let build = |size: u64| {
        let sizes = [format!("-Clink-arg=--initial-memory={size}"), format!("-Clink-arg=--max-memory={size}")];
        rustc(folder.path(), &source, "bin", &[&sizes[0], &sizes[1]]).run()
    };
    build(256 << 16).expect_success();
    let module = read(folder.path().join("code.wasm"));
    assert_eq!(broken(&module), [""; 0]);
    let facts = Facts::of(&module);
    assert_eq!((facts.memory().minimum, facts.memory().maximum), (256, Some(256)));
    build(18 << 16).expect_code(1).expect_stderr("error[memory-cannot-grow]").expect_stderr("left for the heap");
}

/// rustc up to 1.99 makes a command of a library: the linker wraps every export, and nothing sets up the first thread. The fix, as it
/// is said, mends it.
fn std_library() {
    let folder = temp_folder();
    let source = format!("{STD} #[unsafe(no_mangle)] pub extern \"C\" fn total() -> u32 {{ sums().iter().sum() }}");
    let module = folder.path().join("code.wasm");
    let host = |module: &Path| {
        let script = repository().join("tests/fixtures/host/wasi-reactor.mjs");
        Run::new(Tool::Node.path()).word(script).word(module).word("total").timeout(Duration::from_secs(10)).run_or_kill()
    };
    let ran = rustc(folder.path(), &source, "cdylib", &[]).run();
    if !ran.success() {
        let text = ran.expect_code(1).stderr_text();
        assert!(text.contains("error[thread-start-wrapped]: "), "{text}");
        let fix: Vec<&str> = text.split_whitespace().filter(|word| word.starts_with("link-arg=")).collect();
        assert_eq!(fix.len(), 2, "{text}");
        let rejected = folder.path().join("code.wasm.rejected");
        let hung = host(&rejected);
        assert!(hung.killed && hung.stdout.is_empty(), "{hung:?}");
        let words: Vec<&str> = fix.iter().flat_map(|word| ["-C", *word]).collect();
        rustc(folder.path(), &source, "cdylib", &words).run().expect_success().expect_silence();
    }
    assert_eq!(host(&module).expect_success().stdout_text(), "12020\n");
}

/// The same with a constructor: it runs with every call, and with every thread.
fn std_library_with_constructors() {
    let folder = temp_folder();
    let source = format!(
        "{STD} static RAN: Mutex<u32> = Mutex::new(0);
        extern \"C\" fn constructor() {{ *RAN.lock().unwrap() += 1; }}
        #[used] #[unsafe(link_section = \".init_array\")] static CONSTRUCTOR: extern \"C\" fn() = constructor;
        #[unsafe(no_mangle)] pub extern \"C\" fn ran() -> u32 {{ sums(); *RAN.lock().unwrap() }}"
    );
    let refused = rustc(folder.path(), &source, "cdylib", &["-Cstrip=symbols"]).run();
    if !refused.success() {
        let text = refused.expect_code(1).stderr_text();
        assert!(text.contains("error[thread-start-wrapped]: "), "{text}");
        assert!(text.contains("begins with a call of function") && text.contains("ends with a call of function"), "{text}");
        let fix = ["-Clink-arg=-l:crt1-reactor.o", "-Clink-arg=--export=_initialize"];
        rustc(folder.path(), &source, "cdylib", &fix).run().expect_success();
    }
    let script = repository().join("tests/fixtures/host/wasi-reactor.mjs");
    let ran = Run::new(Tool::Node.path()).word(script).word(folder.path().join("code.wasm")).word("ran").run();
    assert_eq!(ran.expect_success().stdout_text(), "1\n");
}

fn std_command_and_reactor_at_once() {
    let folder = temp_folder();
    let words = ["-Clink-arg=-l:crt1-reactor.o", "-Clink-arg=--export=_initialize"];
    let refused = rustc(folder.path(), &format!("{STD} fn main() {{ sums(); }}"), "bin", &words).run().expect_code(1);
    refused.expect_stderr("error[command-or-reactor]: ").expect_stderr("found:  _start and _initialize");
    // Nor does node take it.
    let ran = node(&folder.path().join("code.wasm.rejected")).run().expect_code(1);
    ran.expect_stderr("_initialize\" property must be undefined");
}

// -------------------------------------------------- a libc of our own

/// The start objects and the library that a libc brings, as small as can be.
const LIBC: &[(&str, &str)] = &[
    ("crt1-command.o", "void __wasm_call_ctors(void); int main(void); void _start(void) { __wasm_call_ctors(); main(); }"),
    ("crt1-reactor.o", "void __wasm_call_ctors(void); void _initialize(void) { __wasm_call_ctors(); }"),
    ("dtors.o", "extern int ended; int ended; void __wasm_call_dtors(void) { __atomic_fetch_add(&ended, 1, 5); }"),
    (
        "code.o",
        "__attribute__((import_module(\"wasi\"), import_name(\"thread-spawn\"))) int spawn(void *argument);
         void __wasm_init_tls(void *place);
         static char block[64] __attribute__((aligned(16)));
         static int total; _Thread_local int mine = 3;
         __attribute__((export_name(\"wasi_thread_start\"))) void wasi_thread_start(int id, void *argument)
             { __wasm_init_tls(argument); mine += id; __atomic_fetch_add(&total, mine, 5); }
         int main(void) { return spawn(block); }",
    ),
    (
        "constructor.o",
        "static int ran; __attribute__((constructor)) void constructor(void) { __atomic_fetch_add(&ran, 1, 5); }",
    ),
    // Written by hand in the shape of wrappers, and none.
    ("by-hand.o", BY_HAND),
    ("flushing.o", "void flush(void) { static int flushed; __atomic_fetch_add(&flushed, 1, 5); }"),
];

const BY_HAND: &str = "__attribute__((import_module(\"wasi\"), import_name(\"thread-spawn\"))) int spawn(void *argument);
     void flush(void);
     __attribute__((noinline)) void thread(int id, void *argument) { __atomic_fetch_add((int *)argument, id, 5); }
     __attribute__((noinline)) void program(void) { static int total; spawn(&total); }
     __attribute__((export_name(\"wasi_thread_start\"))) void wasi_thread_start(int id, void *argument) { thread(id, argument); flush(); }
     __attribute__((export_name(\"_start\"))) void _start(void) { program(); flush(); }";

/// Every way to link the same object: with a start object for a command, for a library, and with none.
fn start_objects_and_libc(linker: Tool) {
    let place = Place::new(linker);
    for (name, source) in LIBC {
        let file = place.path(Path::new(name).with_extension("c"));
        std::fs::write(&file, source).expect("a source can be written");
        let clang =
            Run::new(Tool::Clang.path()).words(["--target=wasm32-wasip1-threads", "-matomics", "-mbulk-memory", "-O1", "-c"]);
        clang
            .words(["-ffreestanding", "-fno-builtin", "-nostdinc"])
            .word(file)
            .word("-o")
            .word(place.path(name))
            .run()
            .expect_success();
    }
    let archive = crate::support::archive::Archive::new().file(place.path("dtors.o"));
    archive.write(place.path("libc.a"));
    let line = |objects: &str| format!("{objects} -L. -L/none/rustlib/wasm32-wasip1-threads/lib");
    for objects in [
        "crt1-command.o code.o --export=_start",
        "crt1-command.o code.o -lc --export=_start",
        "crt1-command.o code.o constructor.o -lc --export=_start --strip-all",
        "crt1-reactor.o code.o --export=_initialize",
        "crt1-reactor.o code.o constructor.o -lc --export=_initialize",
        "-l:crt1-reactor.o code.o constructor.o -lc --export=_initialize --export=main",
        // No libc, no constructors: nothing has to be set up.
        "code.o --export=main",
        "flushing.o by-hand.o",
        "flushing.o by-hand.o --strip-all",
        // Somebody means to call them himself.
        "code.o constructor.o -lc --export=__wasm_call_ctors",
    ] {
        let linked = place.link(&line(objects));
        assert!(linked.ran.success() && linked.ran.stderr.is_empty(), "{objects}\n{:?}", linked.ran);
        assert_eq!(broken(&read(place.path("out.wasm"))), [""; 0], "{objects}");
    }
    for (objects, text) in [
        ("code.o -lc --export=main", "after"),
        ("code.o constructor.o --export=main", "before"),
        ("code.o constructor.o -lc --export=main", "both"),
        ("code.o constructor.o -lc --export=main --strip-all", "both"),
    ] {
        let said = place.link(&line(objects)).refused("thread-start-wrapped", 1);
        golden::check(&format!("wasi/wrapped-{text}"), &numbers_replaced(&said), &[]);
    }
    let said = place.link(&line("crt1-command.o crt1-reactor.o code.o --export=_start --export=_initialize"));
    golden::check("wasi/command-and-reactor", &said.refused("command-or-reactor", 1), &[]);
}

/// Which number a function has is the linker's affair.
fn numbers_replaced(text: &str) -> String {
    let words = text.split("function ").enumerate().map(|(index, part)| match index {
        0 => part.to_owned(),
        _ => format!("function N{}", part.trim_start_matches(|character: char| character.is_ascii_digit())),
    });
    words.collect()
}

// ------------------------------------------------- targets without threads

const WASIP1: &str = "wasm32-wasip1";

/// A program that uses atomics and nothing of WASI's.
const ATOMIC: &str = r#"
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

const PLAIN: &str = r#"
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

// -------------------------------------------------------------- components

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

// ------------------------------------------------------------- the example

/// As its README says, with rustup's own cargo.
fn example_module() -> (tempfile::TempDir, PathBuf) {
    let folder = temp_folder();
    let example = Project::new("examples/wasi-threads", "wasi-threads", shim());
    let build = |words: &[&str]| {
        let cargo = Tool::Rustc.path().with_file_name("cargo");
        let tools = folder.path().join("bin");
        let _ = std::fs::create_dir(&tools);
        let _ = std::os::unix::fs::symlink(shim(), tools.join("wasm-threads-linker"));
        let toolchain = cargo.parent().expect("a folder").to_owned();
        let node = Tool::Node.find().and_then(|node| node.parent().map(Path::to_owned)).unwrap_or_default();
        let run = Run::new(&cargo).words(words).folder(example.folder());
        run.path([tools, toolchain, node, "/usr/bin".into(), "/bin".into()])
            .env("CARGO_TARGET_DIR", folder.path().join("target"))
            .run()
    };
    build(&["build", "--release"]).expect_success();
    let module = folder.path().join("target/wasm32-wasip1-threads/release/wasi-threads.wasm");
    if Tool::Node.find().is_some() {
        let ran = build(&["run", "--release", "--quiet"]).expect_success();
        assert_eq!(ran.stdout_text(), example_says());
    }
    (folder, module)
}

/// The line that its README promises.
fn example_says() -> String {
    let text = String::from_utf8(read(example("README.md"))).expect("text");
    let line = text.lines().find(|line| line.starts_with("main counted")).expect("the README says what it prints");
    format!("{line}\n")
}

fn example_on_node() {
    let (_folder, module) = example_module();
    assert_eq!(node(&module).run().expect_success().stdout_text(), example_says());
}

fn example_on_wasmtime() {
    let (_folder, module) = example_module();
    assert_eq!(wasmtime(&module).run().expect_success().stdout_text(), example_says());
    let readme = String::from_utf8(read(example("README.md"))).expect("text");
    assert!(readme.contains("host.py"), "the README says how");
}
