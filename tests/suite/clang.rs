//! Lines of a C compiler's driver: what clang, or rustc in place of a person, says to a linker through clang.

use crate::support::archive::Archive;
use crate::support::place::Linked;
use crate::support::{Facts, NoCore, Place, Run, Suite, Tool, assert_same_bytes, objects, read, shim};
use std::ffi::OsString;
use std::fs;
use std::path::Path;

const NEEDS: &[Tool] = &[Tool::Clang, Tool::WasmLd(22), Tool::Rustc, Tool::LlvmAr];

pub fn tests(suite: &mut Suite) {
    suite.test("what_is_added", NEEDS, what_is_added);
    suite.test("clang_asks_for_threads_itself", NEEDS, clang_asks_for_threads_itself);
    suite.test("without_atomics", NEEDS, without_atomics);
    suite.test("nothing_is_linked", NEEDS, nothing_is_linked);
    suite.test("undecided", NEEDS, undecided);
    suite.test("our_own_words", NEEDS, our_own_words);
    suite.test("objects_let_in", NEEDS, objects_let_in);
    suite.test("refusals", NEEDS, refusals);
    suite.test("memory_with_a_comma", NEEDS, memory_with_a_comma);
    suite.test("response_file", NEEDS, response_file);
    suite.test("response_file_for_the_linker", NEEDS, response_file_for_the_linker);
    suite.test("other_spellings", NEEDS, other_spellings);
    suite.test("sources_on_the_line", NEEDS, sources_on_the_line);
    suite.test("rustc_for_javascript", NEEDS, rustc_for_javascript);
    suite.test("second_target_is_put_right", NEEDS, second_target_is_put_right);
    suite.test("c_library_of_the_right_target", NEEDS, c_library_of_the_right_target);
    suite.test("found_in_the_sdk", NEEDS, found_in_the_sdk);
}

/// What every line begins with: there is no libc here.
const BASE: &str = "--target=wasm32 -nostdlib -Wl,--no-entry";

/// What is added, as clang is told it.
const ADDED: [&str; 9] = [
    "-Wl,--max-memory=1073741824",
    "-Wl,--shared-memory",
    "-Wl,--import-memory",
    "-Wl,--export-if-defined=__heap_base",
    "-Wl,--export-if-defined=__data_end",
    "-Wl,--export-if-defined=__wasm_init_tls",
    "-Wl,--export-if-defined=__tls_size",
    "-Wl,--export-if-defined=__tls_align",
    "-Wl,--export-if-defined=__tls_base",
];

fn place() -> Place {
    let place = Place::new(Tool::Clang);
    place.put("atomic.o", objects::atomic()).put("neutral.o", objects::neutral()).put("refusing.o", objects::refusing());
    // An object by its name: what is called `.bc`, clang compiles itself.
    place.put("atomic-bitcode.o", objects::atomic_bitcode()).put("neutral-bitcode.o", objects::neutral_bitcode());
    Archive::new().file(objects::atomic()).write(place.path("libatomic.a"));
    place
}

/// Links `line` behind [`BASE`] into `out.wasm`.
#[track_caller]
fn link<'a>(place: &'a Place, line: &str) -> Linked<'a> {
    place.run(Run::new(shim()).words(BASE.split(' ')).words(line.split(' ')).words(["-o", "out.wasm"]))
}

/// What clang alone makes of it.
fn bare(place: &Place, line: &str) -> Vec<u8> {
    // The linker writes the file's name into the module.
    fs::create_dir_all(place.path("bare")).expect("a folder");
    let run = Run::new(Tool::Clang.path()).words(BASE.split(' ')).words(line.split(' ')).words(["-o", "bare/out.wasm"]);
    run.folder(place.folder()).run().expect_success();
    read(place.path("bare/out.wasm"))
}

fn words(line: &str) -> Vec<OsString> {
    BASE.split(' ').chain(line.split(' ')).chain(["-o", "out.wasm"]).map(OsString::from).collect()
}

fn what_is_added() {
    let place = place();
    let linked = link(&place, "atomic.o -Wl,--export=add_shared");
    let facts = linked.threaded(1);
    assert_eq!(facts.memory().maximum, Some(16_384));
    let mut want: Vec<OsString> = vec![ADDED[0].into()];
    want.extend(words("atomic.o -Wl,--export=add_shared"));
    want.extend(ADDED[1..].iter().map(OsString::from));
    assert_eq!(linked.runs, [want]);
    // Never over the user's own, in whichever way it is said.
    for line in [
        "atomic.o -Wl,--export=add_shared -Wl,--max-memory=2097152,--shared-memory",
        "atomic.o -Wl,--export=add_shared -Xlinker --max-memory=2097152 -Xlinker --import-memory",
        "-Xlinker --export=__heap_base atomic.o -Wl,--export=add_shared,--max-memory=2097152",
    ] {
        let linked = link(&place, line);
        assert_eq!(linked.threaded(1).memory().maximum, Some(32), "{line}");
        let added: Vec<_> = linked.runs[0].iter().skip(words(line).len()).collect();
        assert_eq!(added.len(), 7, "{line}: {added:?}");
    }
}

/// `-pthread` and a target of threads make clang say `--shared-memory`, and nothing else of what is wanted.
fn clang_asks_for_threads_itself() {
    let place = place();
    // No object has to say so then; nor has any to be read.
    let linked = link(&place, "-pthread atomic.o -Wl,--export=add_shared");
    linked.threaded(1);
    let alone = bare(&place, "-pthread atomic.o -Wl,--export=add_shared");
    let facts = Facts::of(&alone);
    let memory = facts.memory();
    assert!(memory.shared && memory.import.is_none(), "{memory:?}");
    // It says so, and no object does: clang's linker refuses.
    let linked = link(&place, "-pthread neutral.o -Wl,--export=neutral");
    assert_eq!(linked.ran.code(), Some(1));
    linked
        .ran
        .expect_stderr("nothing that is linked was compiled with atomics")
        .expect_stderr("compile with -matomics -mbulk-memory");
}

fn without_atomics() {
    let place = place();
    for line in
        ["neutral.o -Wl,--export=neutral", "refusing.o -Wl,--export=refusing_shared -O2", "neutral.o -Wl,--export=neutral,-s"]
    {
        let linked = link(&place, line);
        assert!(linked.ran.success() && linked.ran.stderr.is_empty(), "{:?}", linked.ran);
        assert_eq!(linked.runs, [words(line)]);
        assert_same_bytes(read(place.path("out.wasm")), bare(&place, line));
    }
}

fn nothing_is_linked() {
    let place = place();
    place.write("a.c", b"int f(void) { return 1; }\n");
    for line in [
        "--target=wasm32 -pthread -c a.c -o out.o",
        "--target=wasm32 -pthread -S a.c -o out.s",
        "--target=wasm32 -matomics -E a.c",
        "--target=wasm32 --version",
        "--target=wasm32 -### atomic.o",
    ] {
        let linked = place.run(Run::new(shim()).words(line.split(' ')));
        assert!(linked.ran.success(), "{:?}", linked.ran);
        assert_eq!(linked.runs, [line.split(' ').collect::<Vec<_>>()]);
    }
}

fn undecided() {
    let place = place();
    link(&place, "atomic-bitcode.o -Wl,--export=add_shared").threaded(1);
    link(&place, "neutral.o libatomic.a -Wl,--export=add_shared,--export=neutral").threaded(1);
    // The linker says no, and then it is linked as it was asked for.
    for line in ["neutral-bitcode.o -Wl,--export=neutral", "neutral.o libatomic.a -Wl,--export=neutral"] {
        let linked = link(&place, line);
        assert!(linked.ran.success() && linked.ran.stderr.is_empty(), "{:?}", linked.ran);
        assert_eq!(linked.runs.len(), 2);
        assert_eq!(linked.runs[1], words(line));
        assert_same_bytes(read(place.path("out.wasm")), bare(&place, line));
    }
}

fn our_own_words() {
    let place = place();
    let linked = link(&place, "-Wl,--wasm-threads=threaded atomic.o -Wl,--export=add_shared,--wasm-threads-max-memory=64MiB");
    assert_eq!(linked.threaded(1).memory().maximum, Some(1024));
    assert!(linked.runs[0].iter().all(|word| !word.to_string_lossy().contains("wasm-threads")), "{:?}", linked.runs);
    assert!(linked.runs[0].contains(&"-Wl,--export=add_shared".into()), "{:?}", linked.runs);
    link(&place, "-Xlinker --wasm-threads=threaded neutral.o -Wl,--export=neutral").refused("not-threaded", 0);
    link(&place, "atomic.o -Wl,--export=add_shared -Wl,--export-if-defined=wasm-threads:unthreaded").refused("threaded", 0);
    let linked = link(&place, "atomic.o -Wl,--export=add_shared -Wl,--wasm-threads=off");
    assert_eq!(linked.runs, [words("atomic.o -Wl,--export=add_shared")]);
}

fn objects_let_in() {
    let place = place();
    let line = "atomic.o refusing.o -Wl,--no-check-features,--export=add_shared,--export=refusing_shared";
    link(&place, line).refused("object-without-atomics", 1);
}

fn refusals() {
    let place = place();
    let ours = |line: &str| {
        let linked = link(&place, line);
        assert_eq!(linked.ran.code(), Some(1), "{:?}", linked.ran);
        let text = linked.ran.stderr_text();
        text[text.find("error[").unwrap_or_else(|| panic!("not explained\n{:?}", linked.ran))..].to_owned()
    };
    let disallowed = ours("atomic.o refusing.o -Wl,--export=add_shared");
    assert!(disallowed.contains("refusing.o was compiled without atomics"), "{disallowed}");
    // wasm-ld's words without `-Wl,` in front: clang knows none of them.
    let misplaced = ours("atomic.o --shared-memory --max-memory=65536");
    crate::support::golden::check("clang/misplaced", &misplaced, &[]);
    // The module itself is judged, and taken away.
    place.write("reject.c", b"__attribute__((constructor)) void early(void) {} int f(void) { return 1; }\n");
    let compile = Run::new(Tool::Clang.path()).words(["--target=wasm32", "-matomics", "-mbulk-memory", "-c", "reject.c"]);
    compile.folder(place.folder()).run().expect_success();
    let text = link(&place, "reject.o atomic.o -Wl,--export=f,--export=add_shared").refused("tls-init-wrapped", 1);
    assert!(text.contains("The rejected output is out.wasm.rejected."), "{text}");
}

/// A word with a comma cannot be handed on by `-Wl,`.
fn memory_with_a_comma() {
    let place = place();
    let linked = link(&place, "atomic.o -Wl,--export=add_shared -Xlinker --import-memory=js,mem");
    assert_eq!(linked.threaded(1).memory().import.as_deref(), Some("js.mem"));
    // A folder with a comma, where the module goes that is written to a pipe.
    let run = Run::new(shim()).words(BASE.split(' ')).words(["atomic-bitcode.o", "-Wl,--export=add_shared", "-o", "-"]);
    let tmp = place.path("a,b");
    fs::create_dir(&tmp).expect("a folder");
    let ran = run.folder(place.folder()).env("TMPDIR", &tmp).env("WASM_THREADS_LINKER", Tool::Clang.path()).run();
    let module = ran.expect_success().stdout;
    assert!(Facts::of(&module).memory().shared);
    assert!(fs::read_dir(&tmp).expect("a folder").next().is_none(), "nothing is left behind");
}

/// A response file that clang hands on to its linker: what is in it is linked.
fn response_file_for_the_linker() {
    let place = place();
    place.write("words", b"atomic.o --export=add_shared --max-memory=2097152\n");
    for line in ["-Wl,@words", "-Wl,--no-demangle,@words"] {
        let linked = link(&place, line);
        assert_eq!(linked.threaded(1).memory().maximum, Some(32), "{line}");
        // As it came.
        assert!(linked.runs[0].contains(&line.into()), "{:?}", linked.runs);
    }
    // Ours are cut out there, too, and the rest stays whole: nothing is divided at a comma, and a quoting that comes too late still does.
    place.write(
        "words",
        b"atomic.o --wasm-threads-max-memory=64MiB --rsp-quoting=windows --import-memory=js,m'e'mory --export=add_shared\n",
    );
    for (tmp, word) in [("tmp", "-Wl,@"), ("a,b", "--for-linker=@")] {
        fs::create_dir_all(place.path(tmp)).expect("a folder");
        let line = words("-Wl,@words,--no-demangle");
        let linked = place.run(Run::new(shim()).words(line).env("TMPDIR", place.path(tmp)));
        let memory = linked.threaded(1);
        assert_eq!((memory.memory().maximum, memory.memory().import.as_deref()), (Some(1024), Some("js.memory")));
        assert!(linked.runs[0].iter().any(|given| given.to_string_lossy().starts_with(word)), "{:?}", linked.runs);
        assert!(fs::read_dir(place.path(tmp)).expect("a folder").next().is_none(), "nothing is left behind");
    }
    // The linker is told its own way of quoting.
    place.write("words", b"atomic.o --export-if-defined=it's --import-memory=js,me\\mory --export=add_shared\n");
    for (line, import) in [
        ("-Wl,--rsp-quoting=windows,@words", "js.me\\mory"),
        ("-Wl,--rsp-quoting,windows,@words,--wasm-threads=threaded", "js.me\\mory"),
    ] {
        assert_eq!(link(&place, line).threaded(1).memory().import.as_deref(), Some(import), "{line}");
    }
    // What cannot be read twice reaches the linker all the same.
    let script = format!("exec \"$0\" {BASE} -o out.wasm -Wl,@<(echo atomic.o --export=add_shared)");
    let run = Run::new("bash").word("-c").word(script).word(shim()).env("WASM_THREADS_LINKER", Tool::Clang.path());
    run.folder(place.folder()).run().expect_success().expect_silence();
    Facts::read(place.path("out.wasm")).assert_threaded();
    // A name may have a comma in it.
    place.write("words,too", b"--import-memory=js,mem --wasm-threads=threaded");
    let linked = link(&place, "atomic.o -Wl,--export=add_shared --for-linker=@words,too");
    assert_eq!(linked.threaded(1).memory().import.as_deref(), Some("js.mem"));
}

/// What is rarely written, and understood all the same.
fn other_spellings() {
    let place = place();
    place.write("empty.cfg", b"# nothing\n");
    let clang = |line: &str| place.run(Run::new(shim()).words(BASE.split(' ')).words(line.split(' ')));
    for line in [
        "atomic.o -Wl,--export=add_shared --output=out.wasm",
        "atomic.o -Wl,--export=add_shared --output out.wasm",
        "atomic.o --for-linker=--export=add_shared --for-linker --trace -o out.wasm",
        "-Wl,--export=add_shared -o out.wasm -- atomic.o",
        "--config ./empty.cfg -undefined neutral.o atomic.o -Wl,--export=add_shared -o out.wasm",
    ] {
        clang(line).ran.expect_success();
        Facts::read(place.path("out.wasm")).assert_threaded();
        fs::remove_file(place.path("out.wasm")).expect("an output");
    }
    // A last option without its value is clang's business: no word of ours may become that value.
    for line in ["atomic.o -o out.wasm -Xlinker", "atomic.o -o out.wasm -D"] {
        let linked = clang(line);
        assert_eq!(linked.runs, [BASE.split(' ').chain(line.split(' ')).collect::<Vec<_>>()]);
        linked.ran.expect_code(1).expect_stderr("is missing (expected 1 value)");
    }
}

fn response_file() {
    let place = place();
    let text = format!("{BASE} 'atomic.o' -Wl,--export=add_shared,--wasm-threads-max-memory=32MiB\n-o out.wasm\n");
    place.write("words", text.as_bytes());
    let linked = place.run(Run::new(shim()).word("@words"));
    assert_eq!(linked.threaded(1).memory().maximum, Some(512));
    // As it came where nothing of ours is in it.
    place.write("words", text.replace(",--wasm-threads-max-memory=32MiB", "").as_bytes());
    let linked = place.run(Run::new(shim()).word("@words"));
    linked.threaded(1);
    assert!(linked.runs[0].contains(&"@words".into()), "{:?}", linked.runs);
}

fn sources_on_the_line() {
    let place = place();
    place.write("a.c", b"static _Thread_local int own; int f(void) { return ++own; }\n");
    link(&place, "-matomics -mbulk-memory a.c -Wl,--export=f").threaded(1);
    // Under any name.
    fs::copy(place.path("a.c"), place.path("a.inc")).expect("a copy");
    link(&place, "-matomics -mbulk-memory -x c a.inc -Wl,--export=f").threaded(1);
    let linked = link(&place, "a.c -Wl,--export=f");
    assert!(linked.ran.success(), "{:?}", linked.ran);
    assert!(!Facts::read(place.path("out.wasm")).memory().shared);
}

// ---------------------------------------------------------------------- rustc

const MAIN: &str = r#"
static mut SHARED: i32 = 7;
#[thread_local] static mut LOCAL: i32 = 5;
unsafe extern "C" { fn from_c(by: i32) -> i32; }
#[unsafe(no_mangle)] pub extern "C" fn __main_void() -> i32 { unsafe { LOCAL = LOCAL + 1; atomic_add(&raw mut SHARED, LOCAL) + FROM_C } }
"#;

/// A program as rustc links it by a C compiler: `-C linker-flavor=gcc`, which any rustc accepts.
fn rustc(source: &str, target: &str, folder: &Path, linker: &Path) -> Run {
    let source = NoCore::new(source).name("program").target(target).threaded().flag("-Clinker-flavor=gcc");
    // Of rustc's own folder, where a libc may lie, nothing is used.
    let alone = [format!("--sysroot={}", folder.join("empty").display()), "-Clink-self-contained=no".into()];
    source.flag("-Zcrate-attr=no_main").link_as("bin", linker, folder).words(alone)
}

fn rustc_for_javascript() {
    let place = place();
    let source = MAIN.replace("+ FROM_C", "");
    let recorder = crate::support::Recorder::new(Tool::Clang.path());
    let run = rustc(&source, "wasm32-unknown-unknown", place.folder(), shim()).env("WASM_THREADS_LINKER", recorder.linker());
    run.word("-Clink-arg=-nostdlib").word("-Clink-arg=-Wl,--export=__main_void").run().expect_success();
    Facts::read(place.path("program.wasm")).assert_threaded();
    let words = recorder.only_run();
    assert!(words.iter().any(|word| word == "--target=wasm32-unknown-unknown"), "{words:?}");
    assert!(words.ends_with(&ADDED[1..].iter().map(OsString::from).collect::<Vec<_>>()[..]), "{words:?}");
}

/// A folder like a WASI SDK's sysroot: a start file and a libc of two functions for each of the targets; `which` tells them apart.
fn sysroot(place: &Place) {
    let start = "void _start(void) { extern int __main_void(void); __main_void(); }\n\
                 void wasi_thread_start(int id, void *arg) {}\n\
                 __attribute__((import_module(\"wasi_snapshot_preview1\"), import_name(\"sched_yield\"))) int sched_yield(void);\n\
                 int yields(void) { return sched_yield(); }\n";
    let libc = "static _Thread_local int own; int from_c(int by) { return own += by; }\n";
    place.write("start.c", start.as_bytes()).write("libc.c", libc.as_bytes());
    for (target, flags) in [("wasm32-wasip1-threads", &["-pthread"][..]), ("wasm32-wasi", &[])] {
        let folder = place.path("sysroot/lib").join(target);
        fs::create_dir_all(&folder).expect("a folder");
        let clang = |words: &[&str], output: &Path| {
            let run = Run::new(Tool::Clang.path()).word(format!("--target={target}")).words(flags).words(["-O2", "-c"]);
            run.words(words).word("-o").word(output).folder(place.folder()).run().expect_success();
        };
        clang(&["start.c"], &folder.join("crt1-command.o"));
        fs::copy(folder.join("crt1-command.o"), folder.join("crt1.o")).expect("a copy");
        clang(&["libc.c"], &place.path("libc.o"));
        for name in ["libc.a", "libpthread.a"] {
            Archive::new().file(place.path("libc.o")).write(folder.join(name));
        }
    }
}

/// rustc names the target of threads first and the one without last, and clang takes the last (rust-lang/rust#131007).
fn second_target_is_put_right() {
    let place = place();
    sysroot(&place);
    let source = MAIN.replace("FROM_C", "from_c(1)");
    let link = |linker: &Path, real: &Path| {
        let run = rustc(&source, "wasm32-wasip1-threads", place.folder(), linker).env("WASM_THREADS_LINKER", real);
        let sysroot = format!("-Clink-arg=--sysroot={}", place.path("sysroot").display());
        run.word("-Ctarget-feature=-crt-static")
            .word(sysroot)
            .words(["-Clink-arg=-lc", "-Clink-arg=-Wl,--export=wasi_thread_start"])
            .run()
    };
    let alone = link(&Tool::Clang.path(), Path::new(""));
    alone.expect_code(1).expect_stderr("--shared-memory is disallowed by libc.o");
    let recorder = crate::support::Recorder::new(Tool::Clang.path());
    link(shim(), recorder.linker()).expect_success();
    let words = recorder.only_run();
    assert_eq!(words.last().expect("words"), "--target=wasm32-wasip1-threads");
    let targets: Vec<_> = words.iter().filter(|word| word.to_string_lossy().starts_with("--target=")).collect();
    assert_eq!(targets, ["--target=wasm32-wasip1-threads", "--target=wasm32-wasi", "--target=wasm32-wasip1-threads"]);
    // rustc's own words bring the rest, the stray comma of one included.
    assert!(words.iter().any(|word| word == "-Wl,--export-memory,"), "{words:?}");
    let facts = Facts::read(place.path("program.wasm"));
    let memory = facts.memory();
    assert!(memory.shared && memory.import.is_some() && memory.maximum == Some(16_384), "{memory:?}");
    assert!(facts.exports("memory") && facts.exports("wasi_thread_start") && facts.exports("_start"));
}

/// A line by hand: what clang does not say by itself is added.
fn c_library_of_the_right_target() {
    let place = place();
    sysroot(&place);
    place.write(
        "main.c",
        b"extern int from_c(int); static _Thread_local int own; int __main_void(void) { return from_c(++own); }\n",
    );
    let words = ["--target=wasm32-wasip1-threads", "--sysroot=sysroot", "-pthread", "main.c", "-Wl,--export=wasi_thread_start"];
    let linked = place.run(Run::new(shim()).words(words).words(["-nodefaultlibs", "-lc", "-o", "out.wasm"]));
    assert!(linked.ran.success() && linked.ran.stderr.is_empty(), "{:?}", linked.ran);
    let added = &linked.runs[0];
    for word in ["-Wl,--import-memory", "-Wl,--export-memory", "-Wl,--max-memory=1073741824"] {
        assert!(added.iter().any(|found| found == word), "{word}: {added:?}");
    }
    assert_eq!(added.iter().filter(|word| word.to_string_lossy().starts_with("--target=")).count(), 1);
    let facts = Facts::read(place.path("out.wasm"));
    let memory = facts.memory();
    assert!(
        memory.shared && memory.import.is_some() && memory.maximum == Some(16_384) && facts.exports("memory"),
        "{memory:?}"
    );
}

fn found_in_the_sdk() {
    let place = place();
    let bin = place.path("sdk/bin");
    fs::create_dir_all(&bin).expect("a folder");
    let script = format!("#!/bin/sh\nexec {} \"$@\"\n", Tool::Clang.path().display());
    crate::support::recorder::write_program(&bin.join("clang"), script.as_bytes());
    let run = Run::new(shim()).words(BASE.split(' ')).words(["atomic.o", "-Wl,--export=add_shared", "-o", "out.wasm"]);
    let run = run.folder(place.folder()).env("WASM_THREADS_LOG", "info").env("WASI_SDK_PATH", place.path("sdk"));
    run.run().expect_success().expect_stderr("sdk/bin/clang in Clang style");
    Facts::read(place.path("out.wasm")).assert_threaded();
}
