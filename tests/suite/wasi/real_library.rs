//! Programs and libraries with the real `std` and the libc that comes with it, where the target is installed.

use super::{Host, TARGET, broken, node, wasmtime};
use crate::support::{Facts, Run, Suite, Tool, assert_same_bytes, read, repository, shim, temp_folder, verdict};
use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

pub fn tests(suite: &mut Suite) {
    suite.test("std_on_node", &[Tool::WasiThreads, Tool::Node], || std_program(&node));
    suite.test("std_on_wasmtime", &[Tool::WasiThreads, Tool::Wasmtime], || std_program(&wasmtime));
    suite.test("std_with_fixed_memory", &[Tool::WasiThreads, Tool::Node], std_with_fixed_memory);
    suite.test("std_library", &[Tool::WasiThreads, Tool::Node], std_library);
    suite.test("std_library_with_constructors", &[Tool::WasiThreads, Tool::Node], std_library_with_constructors);
    let by_clang = [Tool::WasiThreads, Tool::Node, Tool::Clang];
    suite.test("std_and_c_by_clang", &by_clang, std_and_c_by_clang);
    suite.test("std_command_and_reactor_at_once", &[Tool::WasiThreads, Tool::Node], std_command_and_reactor_at_once);
}

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
    verdict::assert_linked(&module, "wasi-threads", &[]);
    // As it is linked by rustc's own.
    let ours = read(&module);
    let linked = rustc(folder.path(), &source, "bin", &[]).word(linker(&Tool::RustLld.path())).run();
    linked.expect_success();
    assert_same_bytes(ours, read(&module));
    // Without a thread it is good all the same, and stripped of all names.
    rustc(folder.path(), "fn main() { println!(\"alone\"); }", "bin", &["-Cstrip=symbols"]).run().expect_success();
    verdict::assert_linked(&module, "wasi-threads", &[]);
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
        verdict::assert_linked(&rejected, "wasi-threads", &["thread-start-wrapped"]);
        let hung = host(&rejected);
        assert!(hung.killed && hung.stdout.is_empty(), "{hung:?}");
        let words: Vec<&str> = fix.iter().flat_map(|word| ["-C", *word]).collect();
        rustc(folder.path(), &source, "cdylib", &words).run().expect_success().expect_silence();
    }
    verdict::assert_linked(&module, "wasi-threads", &[]);
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
    let rejected = folder.path().join("code.wasm.rejected");
    verdict::assert_linked(&rejected, "wasi-threads", &["command-or-reactor"]);
    // Nor does node take it.
    let ran = node(&rejected).run().expect_code(1);
    ran.expect_stderr("_initialize\" property must be undefined");
}

/// Rust's std and C in one program, linked by clang with the C library of a folder of its own, as a WASI SDK has it.
fn std_and_c_by_clang() {
    let folder = temp_folder();
    // The libc that rustc brings along, where clang looks for one.
    let library = folder.path().join("sysroot/lib").join(TARGET);
    std::fs::create_dir_all(&library).expect("a folder");
    let own = Tool::WasiThreads.path();
    for (from, to) in [("crt1-command.o", "crt1-command.o"), ("crt1-command.o", "crt1.o"), ("libc.a", "libc.a")] {
        std::fs::copy(own.join(from), library.join(to)).expect("a copy");
    }
    let c = "static _Atomic unsigned all; static _Thread_local unsigned mine = 5;\n\
             unsigned c_all(unsigned by) { return __c11_atomic_fetch_add(&all, by, 5) + by; }\n\
             unsigned c_mine(unsigned by) { return mine += by; }\n";
    std::fs::write(folder.path().join("c.c"), c).expect("a source");
    let clang = Run::new(Tool::Clang.path()).folder(folder.path()).words(["--target=wasm32-wasip1-threads", "-pthread", "-O2"]);
    clang.words(["-c", "c.c", "-o", "c.o"]).run().expect_success();
    let source = "unsafe extern \"C\" { safe fn c_all(by: u32) -> u32; safe fn c_mine(by: u32) -> u32; }\n\
        fn main() {\n\
            let threads = [1, 2, 3].map(|by| std::thread::spawn(move || { for _ in 0..1000 { c_all(by); } c_mine(by) }));\n\
            println!(\"{:?} {} {}\", threads.map(|thread| thread.join().unwrap()), c_all(0), c_mine(0));\n\
        }";
    let words = ["-Clinker-flavor=gcc", "-Ctarget-feature=-crt-static", "-Clink-arg=c.o", "-Clink-arg=--sysroot=sysroot"];
    let link = rustc(folder.path(), source, "bin", &words).env("WASM_THREADS_LINKER", Tool::Clang.path());
    link.run().expect_success().expect_silence();
    let ran = node(&folder.path().join("code.wasm")).run().expect_success();
    assert_eq!(ran.stdout_text(), "[6, 7, 8] 6000 5\n", "{ran:?}");
}
