//! Emscripten: C, and Rust in a file of its own, through the shim and a real emcc, run in node.

mod rust;

use crate::support::place::Linked;
use crate::support::verdict::{self, Verdict};
use crate::support::{Facts, Place, Ran, Run, Suite, Tool, golden, shim};
use std::fs;
use std::path::Path;

pub fn tests(suite: &mut Suite) {
    rust::tests(suite);
    let c = [Tool::Emcc, Tool::Node];
    suite.test("c_runs", &c, c_runs);
    suite.test("c_and_cpp_by_make", &[Tool::Emcc, Tool::Node, Tool::Program("make", "make")], c_and_cpp_by_make);
    let cmake = [Tool::Emcc, Tool::Node, Tool::Program("make", "make"), Tool::Program("cmake", "cmake")];
    suite.test("c_and_cpp_by_cmake", &cmake, c_and_cpp_by_cmake);
    suite.test("pthreads_in_any_spelling", &c, pthreads_in_any_spelling);
    suite.test("pthread_is_all_that_is_added", &c, pthread_is_all_that_is_added);
    suite.test("response_files", &c, response_files);
    suite.test("places", &c, places);
    suite.test("single_file", &c, single_file);
    suite.test("side_and_main_modules", &c, side_and_main_modules);
    suite.test("judged_at_every_level", &[&c[..], &[Tool::Wabt]].concat(), judged_at_every_level);
    suite.test("only_what_this_link_wrote", &c, only_what_this_link_wrote);
    suite.test("without_atomics", &c, without_atomics);
    suite.test("undecided", &c, undecided);
    suite.test("bitcode", &c, bitcode);
    suite.test("rust_without_atomics_and_c_with", &c, rust_without_atomics_and_c_with);
    suite.test("modes", &c, modes);
    suite.test("objects_let_in", &c, objects_let_in);
    suite.test("refusals", &c, refusals);
    suite.test("no_pthreads_on_purpose", &c, no_pthreads_on_purpose);
    suite.test("sources_on_the_line", &c, sources_on_the_line);
    suite.test("words_of_the_environment", &c, words_of_the_environment);
    suite.test("relocatable_in_name_only", &c, relocatable_in_name_only);
    suite.test("found_in_the_sdk", &c, found_in_the_sdk);
    suite.test("response_file", &c, response_file);
}

/// Node 18 and later have a `fetch` that does not know files, and 3.1.6 takes it for one that does.
fn node(script: impl AsRef<Path>) -> Run {
    Run::new(Tool::Node.path()).word("--no-experimental-fetch").word(script.as_ref())
}

const THREADS: &str = r#"
#include <pthread.h>
#include <stdio.h>
static _Thread_local int own = 1;
static int shared;
static void *work(void *number) {
    own += (int)(long)number;
    __atomic_fetch_add(&shared, own, __ATOMIC_SEQ_CST);
    return (void *)(long)own;
}
int main(void) {
    pthread_t threads[3];
    for (long n = 0; n < 3; n++)
        if (pthread_create(&threads[n], 0, work, (void *)n)) return puts("no thread"), 1;
    long sum = 0;
    for (int n = 0; n < 3; n++) {
        void *got;
        pthread_join(threads[n], &got);
        sum = sum * 10 + (long)got;
    }
    printf("threads %ld, shared %d, own %d\n", sum, shared, own);
    return 0;
}
"#;

/// Neither threads nor atomics nor thread-locals; `printf` of emcc's own library.
const PLAIN: &str = "#include <stdio.h>\nint helper(int);\nint main(void) { printf(\"plain %d\\n\", helper(1)); return 0; }\n";
const HELPER: &str = "int helper(int by) { static _Thread_local int own = 5; return own += by; }\n";

/// A folder with the objects of these sources.
fn place() -> Place {
    let place = Place::new(Tool::Emcc);
    place.write("threads.c", THREADS.as_bytes()).write("plain.c", PLAIN.as_bytes()).write("helper.c", HELPER.as_bytes());
    compile(&place, &["-pthread", "-c", "threads.c", "-o", "threads.o"]);
    place
}

fn compile(place: &Place, words: &[&str]) {
    emcc(place, words).expect_success();
}

fn emcc(place: &Place, words: &[&str]) -> Ran {
    Run::new(Tool::Emcc.path()).words(words).folder(place.folder()).env("NODE_PATH", "/usr/share/nodejs").run()
}

/// The objects of `PLAIN` and `HELPER`, the second with atomics or without.
fn compile_plain(place: &Place, atomics: bool) {
    compile(place, &["-c", "plain.c", "-o", "plain.o"]);
    let helper = ["-c", "helper.c", "-o", "helper.o"];
    compile(place, &[&helper[..], if atomics { &["-pthread"][..] } else { &[] }].concat());
    let _ = fs::remove_file(place.path("libhelper.a"));
    let emar = Tool::Emcc.path().with_file_name("emar");
    Run::new(emar).words(["rcs", "libhelper.a", "helper.o"]).folder(place.folder()).run().expect_success();
}

#[track_caller]
fn link<'a>(place: &'a Place, line: &str) -> Linked<'a> {
    link_with(place, line, &[])
}

#[track_caller]
fn link_with<'a>(place: &'a Place, line: &str, variables: &[(&str, &str)]) -> Linked<'a> {
    let run = Run::new(shim()).words(line.split(' ')).env("NODE_PATH", "/usr/share/nodejs");
    place.run(variables.iter().fold(run, |run, (name, value)| run.env(name, value)))
}

/// One imported, shared memory; its name is nobody's business.
#[track_caller]
fn assert_threaded(module: &Path) {
    let facts = Facts::read(module);
    let memory = facts.memory();
    assert!(memory.shared && memory.import.is_some() && memory.maximum.is_some(), "{memory:?}");
}

/// Silent, one run of emcc, and `-pthread` added so many times.
#[track_caller]
fn assert_added(linked: &Linked<'_>, times: usize) {
    linked_silently(linked);
    assert_eq!(linked.runs.len(), 1, "{:?}", linked.runs);
    assert_eq!(linked.runs[0].iter().filter(|word| *word == "-pthread").count(), times, "{:?}", linked.runs);
}

#[track_caller]
fn linked_silently(linked: &Linked<'_>) {
    assert!(linked.ran.success() && linked.ran.stderr.is_empty(), "{:?}", linked.ran);
}

fn c_runs() {
    let place = place();
    for level in ["-O0", "-O3"] {
        assert_added(&link(&place, &format!("threads.o {level} -sPTHREAD_POOL_SIZE=3 -sEXIT_RUNTIME -o out.js")), 1);
        assert_threaded(&place.path("out.wasm"));
        let said = node(place.path("out.js")).run().expect_success().stdout_text();
        assert_eq!(said, "threads 123, shared 6, own 1\n", "{level}");
    }
}

/// The C and C++ of the fixture, where a build system works on them.
fn fixture() -> Place {
    let place = Place::new(Tool::Emcc);
    for name in ["main.c", "helper.cpp", "Makefile", "CMakeLists.txt"] {
        place.put(name, crate::support::repository().join("tests/fixtures/emscripten-c").join(name));
    }
    place
}

/// A program of the build system's, which finds the shim under the name that `cargo install` gives it.
fn by(place: &Place, program: &str, words: &[&str]) -> Run {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders =
        [shim().parent().expect("a folder").to_owned(), "/usr/bin".into()].into_iter().chain(std::env::split_paths(&path));
    let run = Run::new(program).words(words).folder(place.folder()).path(folders);
    run.env("NODE_PATH", "/usr/share/nodejs").env("WASM_THREADS_LINKER", Tool::Emcc.path())
}

const FIXTURE_SAYS: &str = "threads 1 3 5, sum 9, main's own 1\n";

fn c_and_cpp_by_make() {
    let place = fixture();
    by(&place, "make", &[]).run().expect_success();
    assert_threaded(&place.path("threads.wasm"));
    assert_eq!(node(place.path("threads.js")).run().expect_success().stdout_text(), FIXTURE_SAYS);
    // By emcc itself, without a word.
    fs::remove_file(place.path("threads.js")).expect("the output");
    by(&place, "make", &["LD=emcc"]).run().expect_success();
    assert_eq!(node(place.path("threads.js")).run().expect_code(1).stdout_text(), "no thread could be started\n");
}

fn c_and_cpp_by_cmake() {
    let place = fixture();
    by(&place, "emcmake", &["cmake", "-B", "build", "-G", "Unix Makefiles"]).run().expect_success();
    by(&place, "cmake", &["--build", "build"]).run().expect_success();
    assert_threaded(&place.path("build/threads.wasm"));
    assert_eq!(node(place.path("build/threads.js")).run().expect_success().stdout_text(), FIXTURE_SAYS);
}

fn pthreads_in_any_spelling() {
    let place = place();
    place.write("words", b"threads.o -pthread\n-o out.js").write("flags", b"-pthread");
    for line in [
        "threads.o -pthread -o out.js",
        "threads.o -sUSE_PTHREADS -o out.js",
        "threads.o -sUSE_PTHREADS=1 -o out.js",
        "threads.o -s USE_PTHREADS=1 -o out.js",
        "threads.o -s USE_PTHREADS -o out.js",
        "@words",
    ] {
        let linked = link(&place, line);
        linked_silently(&linked);
        let want: Vec<&str> = line.split(' ').collect();
        assert_eq!(linked.runs, [want], "{line}");
        assert_threaded(&place.path("out.wasm"));
    }
    // The arguments are not the whole truth.
    let linked = link_with(&place, "threads.o -o out.js", &[("EMCC_CFLAGS", "-DX='a b' -pthread")]);
    assert_added(&linked, 0);
    assert_threaded(&place.path("out.wasm"));
    let linked = link_with(&place, "threads.o -o out.js", &[("EMCC_CFLAGS", "@flags")]);
    assert_added(&linked, 0);
    assert_threaded(&place.path("out.wasm"));
    // These look like it, and are not.
    for line in ["threads.o -pthreads -o out.js", "threads.o -lpthread -o out.js", "threads.o -sPTHREAD_POOL_SIZE=1 -o out.js"]
    {
        assert_added(&link(&place, line), 1);
        assert_threaded(&place.path("out.wasm"));
    }
}

fn pthread_is_all_that_is_added() {
    let place = place();
    for line in [
        "threads.o -sINITIAL_MEMORY=67108864 -o out.js",
        "threads.o -sALLOW_MEMORY_GROWTH -sMAXIMUM_MEMORY=128MB -o out.js -Wno-pthreads-mem-growth",
        "threads.o -Wl,--trace -o out.js",
    ] {
        let linked = link(&place, line);
        linked_silently(&linked);
        let words: Vec<&str> = line.split(' ').chain(["-pthread"]).collect();
        assert_eq!(linked.runs, [words], "{line}");
    }
    // Ours are cut out, wherever they stand, and the rest of the word stays.
    place.write(
        "words",
        b"threads.o -Wl,--trace,--wasm-threads=threaded,--no-demangle -Xlinker --wasm-threads-max-memory=64MiB",
    );
    let linked = link(&place, "@words -o out.js -Wl,--wasm-threads=auto --wasm-threads=threaded");
    linked_silently(&linked);
    assert!(linked.ran.stdout_text().contains("threads.o"), "{:?}", linked.ran);
    assert_eq!(linked.runs[0][1..], ["-o", "out.js", "-pthread"], "{:?}", linked.runs);
    let copy = linked.runs[0][0].to_string_lossy().into_owned();
    assert!(copy.starts_with('@') && copy != "@words", "{copy}");
}

/// emcc opens response files in its own way: as a shell would, `-Wl,@file` itself, by a name with commas in it, and what they name no more.
fn response_files() {
    let place = place();
    // A file with a comma in its name, each word divided at commas, one that is no option left alone.
    place.write("a,b", b"--trace,--no-demangle 'threads.o' \"--export-if-defined=q\\q\"");
    let linked = link(&place, "-Wl,@a,b -o out.js");
    linked_silently(&linked);
    assert_eq!(linked.runs, [["-Wl,@a,b", "-o", "out.js", "-pthread"]]);
    // With one of ours among them, emcc is given what it would have made of the rest.
    place.write("a,b", b"--trace,--wasm-threads=threaded,--no-demangle 'threads.o' \"--export-if-defined=q\\q\"");
    let linked = link(&place, "-Wl,@a,b -o out.js");
    linked_silently(&linked);
    let rest = ["-Wl,--trace,--no-demangle", "threads.o", "-Wl,--export-if-defined=q\\q"];
    assert_eq!(linked.runs, [[&rest[..], &["-o", "out.js", "-pthread"]].concat()]);
    // Behind another word the file is for the linker to open: LLVM's way, and its commas are its own.
    place.write("words", b"--export-if-defined=a,b --wasm-threads=threaded\n");
    let linked = link(&place, "threads.o -Wl,--trace,@words -o out.js");
    linked_silently(&linked);
    let copy = linked.runs[0][1].to_string_lossy().into_owned();
    assert!(copy.starts_with("-Wl,--trace,@/") && !copy[13..].contains(','), "{copy}");
    // Quoted as a shell would: in LLVM's way this would end with the next word.
    place.write("words", b"'-Wl,--export-if-defined=q\\' --wasm-threads=threaded threads.o\n");
    let linked = link(&place, "@words -o out.js");
    linked_silently(&linked);
    assert_eq!(linked.runs[0].len(), 4, "{:?}", linked.runs);
}

fn places() {
    let place = place();
    for (line, module) in [
        ("threads.o -sSTRICT -o out.mjs", "out.wasm"),
        ("threads.o -sSTRICT -o out.html", "out.wasm"),
        ("threads.o -sEXIT_RUNTIME -o out.min.js", "out.min.wasm"),
        ("threads.o -sEXIT_RUNTIME -o program", "program.wasm"),
        ("threads.o -sEXIT_RUNTIME", "a.out.wasm"),
        ("threads.o -sWASM=2 -o both.js", "both.wasm"),
        ("threads.o -sSTRICT -o=odd.js", "odd.wasm"),
        ("threads.o -sSTRICT --oformat=js -o script.wasm", "script_.wasm"),
    ] {
        assert_added(&link(&place, line), 1);
        assert_threaded(&place.path(module));
        // That the very file was judged: what emcc would leave there instead is refused.
        let unshared = place.path("unshared.wasm");
        if !unshared.exists() {
            compile(&place, &["threads.o", "-sEXIT_RUNTIME", "-o", "unshared.js"]);
        }
        let liar = place.path("liar/emcc");
        fs::create_dir_all(liar.parent().expect("a folder")).expect("a folder");
        let script = format!("#!/bin/sh\ncp unshared.wasm {module}\n");
        crate::support::recorder::write_program(&liar, script.as_bytes());
        let run = Run::new(shim()).words(line.split(' ')).env("WASM_THREADS_LINKER", &liar).folder(place.folder()).run();
        run.expect_code(1).expect_stderr("error[memory-not-shared]").expect_stderr(&format!("{module}.rejected"));
        assert!(!place.path(module).exists() && place.path(format!("{module}.rejected")).exists(), "{line}");
        // The next link removes it.
        assert_added(&link(&place, line), 1);
        assert!(!place.path(format!("{module}.rejected")).exists(), "{line}");
    }
}

fn single_file() {
    let place = place();
    assert_added(&link(&place, "threads.o -sSINGLE_FILE -sPTHREAD_POOL_SIZE=3 -sEXIT_RUNTIME -o out.js"), 1);
    assert!(!place.path("out.wasm").exists());
    let said = node(place.path("out.js")).run().expect_success().stdout_text();
    assert_eq!(said, "threads 123, shared 6, own 1\n");
    // A script whose module is not threaded is found out.
    compile(&place, &["threads.o", "-sSINGLE_FILE", "-o", "unshared.js"]);
    let judged = |text: &str, name: &str| {
        let emcc = place.path("liar/emcc");
        fs::create_dir_all(emcc.parent().expect("a folder")).expect("a folder");
        crate::support::recorder::write_program(&emcc, format!("#!/bin/sh\n{text}\n").as_bytes());
        let run = Run::new(shim()).words(["threads.o", "-sSINGLE_FILE", "-o", name]).env("WASM_THREADS_LINKER", &emcc);
        run.folder(place.folder()).run()
    };
    let refused = judged("cp unshared.js bad.js", "bad.js").expect_code(1).expect_stderr("error[memory-not-shared]");
    refused.expect_stderr("bad.js.rejected");
    // Where it cannot be read, it says so, and the link stands.
    let unknown = judged("echo 'not base64' >4.js", "4.js").expect_success();
    golden::check("emscripten/not-judged", &unknown.stderr_text(), &[]);
    let linked = link(&place, "threads.o -sWASM=0 -o out.js");
    assert!(linked.ran.success(), "{:?}", linked.ran);
    golden::check("emscripten/no-module", &linked.ran.stderr_text(), &[]);
}

fn side_and_main_modules() {
    let place = place();
    compile(&place, &["-pthread", "-fPIC", "-c", "threads.c", "-o", "pic.o"]);
    for (line, module, maximum) in [
        ("pic.o -sSIDE_MODULE=2 -o out.wasm", "out.wasm", 65536),
        ("pic.o -sSIDE_MODULE=1 -o side.so", "side.so", 65536),
        ("pic.o -sMAIN_MODULE=2 -o main.js", "main.wasm", 256),
    ] {
        // emcc itself calls these experimental, on standard error.
        let linked = link(&place, line);
        assert!(linked.ran.success(), "{:?}", linked.ran);
        assert!(linked.runs.len() == 1 && linked.runs[0].last().is_some_and(|word| word == "-pthread"), "{:?}", linked.runs);
        assert_threaded(&place.path(module));
        assert_eq!(Facts::read(place.path(module)).memory().maximum, Some(maximum), "{line}");
        let abi = if line.contains("SIDE") { "emscripten-side" } else { "emscripten" };
        verdict::assert_linked(&place.path(module), abi, &[]);
    }
    // As CMake says it; and without `-o` it has a name of its own.
    for line in ["-shared pic.o -sSIDE_MODULE=1 -o cmake.so", "pic.o -sSIDE_MODULE=1"] {
        let linked = link(&place, line);
        assert!(linked.ran.success(), "{:?}", linked.ran);
        let module = if line.contains("cmake.so") { "cmake.so" } else { "a.out.wasm" };
        assert_threaded(&place.path(module));
    }
    // Without pthreads a side module imports a memory that is not shared, in silence.
    let module = place.path("bare.wasm");
    compile(&place, &["pic.o", "-sSIDE_MODULE=2", "-o", "bare.wasm"]);
    assert!(!Facts::read(&module).memory().shared);
    verdict::assert_linked(&module, "emscripten-side", &["memory-not-shared", "active-data-segment"]);
}

/// Its names stand in the module up to `-O2`, and are letters from `-O3` on. `check` knows it by either, stripped too.
fn judged_at_every_level() {
    let place = place();
    let mut verdicts = Vec::new();
    for level in ["-O0", "-O1", "-O2", "-O3"] {
        let name = |kind: &str| format!("at{level}{kind}");
        compile(&place, &["-pthread", level, "threads.o", "-sEXIT_RUNTIME", "-o", &name(".js")]);
        let [linked, stripped] = [".wasm", ".stripped.wasm"].map(|kind| place.path(name(kind)));
        let strip = Run::new(Tool::Wabt.path().with_file_name("wasm-strip"));
        strip.word(&linked).word("-o").word(&stripped).run().expect_success();
        verdicts.extend([linked, stripped].map(|file| Verdict { file, abi: "emscripten", stage: "linked", breaks: vec![] }));
    }
    verdict::assert_all(&verdicts);
    let names = |level: &str| Facts::read(place.path(format!("at{level}.wasm"))).exports("emscripten_tls_init");
    assert!(names("-O2") && !names("-O3"), "from -O3 on there are no names");
}

/// emcc leaves a module behind where it fails after its linker did not, and an old one where its linker fails.
fn only_what_this_link_wrote() {
    let place = place();
    assert_added(&link(&place, "threads.o -sEXIT_RUNTIME -o out.js"), 1);
    let idle = place.path("idle/emcc");
    fs::create_dir_all(idle.parent().expect("a folder")).expect("a folder");
    crate::support::recorder::write_program(&idle, b"#!/bin/sh\nexit 0\n");
    let run = Run::new(shim()).words(["threads.o", "-sEXIT_RUNTIME", "-o", "out.js"]).folder(place.folder());
    let ran = run.env("WASM_THREADS_LINKER", &idle).run().expect_code(1);
    golden::check("emscripten/not-written", &ran.stderr_text(), &[]);
    assert!(place.path("out.wasm").exists(), "what an earlier link wrote stays");
}

fn without_atomics() {
    let place = place();
    compile_plain(&place, false);
    for line in ["plain.o helper.o -sEXIT_RUNTIME -o out.js", "plain.o libhelper.a -sEXIT_RUNTIME -O2 -o out.js"] {
        let linked = link(&place, line);
        assert_added(&linked, 0);
        let found = crate::support::read(place.path("out.wasm"));
        emcc(&place, &line.split(' ').collect::<Vec<_>>()).expect_success();
        crate::support::assert_same_bytes(found, crate::support::read(place.path("out.wasm")));
        assert!(!Facts::read(place.path("out.wasm")).memory().shared);
    }
}

/// Only an archive's member says so: what counts is whether it is linked.
fn undecided() {
    let place = place();
    compile_plain(&place, true);
    let linked = link(&place, "plain.o libhelper.a -sEXIT_RUNTIME -o out.js");
    linked_silently(&linked);
    assert_eq!(linked.runs.len(), 2, "{:?}", linked.runs);
    assert_threaded(&place.path("out.wasm"));
    place.write("alone.c", b"int main(void) { return 0; }\n");
    compile(&place, &["-c", "alone.c", "-o", "alone.o"]);
    let linked = link(&place, "alone.o libhelper.a -sEXIT_RUNTIME -o out.js");
    linked_silently(&linked);
    assert!(linked.runs.iter().flatten().all(|word| word != "-pthread"), "{:?}", linked.runs);
    assert!(!Facts::read(place.path("out.wasm")).memory().shared);
    // It does not link at all: emcc's own words, and nothing of ours above them.
    let failed = link(&place, "plain.o -L. -lnothing libhelper.a -sEXIT_RUNTIME -o out.js");
    assert!(!failed.ran.success() && failed.ran.stderr_text().contains("unable to find library -lnothing"), "{:?}", failed.ran);
}

/// Bitcode says nothing. What its compiler makes of it does, and so does what is linked beside it.
fn bitcode() {
    let place = place();
    compile_plain(&place, true);
    compile(&place, &["-flto", "-c", "plain.c", "-o", "bitcode.o"]);
    let linked = link(&place, "bitcode.o libhelper.a -flto -sEXIT_RUNTIME -o out.js");
    assert!(linked.runs.last().is_some_and(|words| words.iter().any(|word| word == "-pthread")), "{:?}", linked.runs);
    assert_threaded(&place.path("out.wasm"));
    compile(&place, &["-flto", "-pthread", "-c", "threads.c", "-o", "threads-bitcode.o"]);
    linked_silently(&link(&place, "threads-bitcode.o -flto -O3 -sEXIT_RUNTIME -o out.js"));
    assert_threaded(&place.path("out.wasm"));
    // An atomic member that nobody links, beside it.
    place.write("alone.c", b"int main(void) { return 0; }\n");
    compile(&place, &["-flto", "-c", "alone.c", "-o", "alone.o"]);
    let unlinked = link(&place, "alone.o libhelper.a -flto -sEXIT_RUNTIME -o out.js");
    compile_plain(&place, false);
    for linked in [unlinked, link(&place, "bitcode.o libhelper.a -flto -sEXIT_RUNTIME -o out.js")] {
        linked_silently(&linked);
        assert!(linked.runs.iter().flatten().all(|word| word != "-pthread"), "{:?}", linked.runs);
    }
}

/// Rust without atomics and a C library with them: a mixture, which links without the shim and must with it.
fn rust_without_atomics_and_c_with() {
    let place = place();
    compile_plain(&place, true);
    place.write("refuses.c", b"static _Thread_local int own; int refuses(void) { return ++own; }\n");
    place.write("rust.c", b"int helper(int); int refuses(void); int main(void) { return helper(1) + refuses(); }\n");
    compile(&place, &["-c", "refuses.c", "-o", "refuses.o"]);
    compile(&place, &["-c", "rust.c", "-o", "main.rcgu.o"]);
    let emar = Tool::Emcc.path().with_file_name("emar");
    Run::new(emar).words(["rcs", "libstd.rlib", "refuses.o"]).folder(place.folder()).run().expect_success();
    let line = "main.rcgu.o libhelper.a libstd.rlib -sEXIT_RUNTIME -o out.js";
    let linked = link(&place, line);
    linked_silently(&linked);
    assert_eq!(linked.runs.last(), Some(&line.split(' ').map(Into::into).collect()));
    assert!(!Facts::read(place.path("out.wasm")).memory().shared);
    link(&place, &format!("{line} --wasm-threads=threaded")).refused("not-threaded", 2);
}

fn modes() {
    let place = place();
    compile_plain(&place, false);
    let refused = link(&place, "plain.o helper.o -sEXIT_RUNTIME -Wl,--wasm-threads=threaded -o out.js");
    refused.refused("not-threaded", 0);
    // What a build script says goes through emcc to its linker, and is read on the way.
    for marker in ["threaded", "unthreaded"] {
        let (object, rule) =
            if marker == "threaded" { ("plain.o helper.o", "not-threaded") } else { ("threads.o", "threaded") };
        let line = format!("{object} -sEXIT_RUNTIME -Wl,--export-if-defined=wasm-threads:{marker} -o out.js");
        link(&place, &line).refused(rule, 0);
    }
    assert_added(&link(&place, "threads.o -sEXIT_RUNTIME -Wl,--export-if-defined=wasm-threads:threaded -o out.js"), 1);
    link(&place, "threads.o -pthread -sEXIT_RUNTIME --wasm-threads=unthreaded -o out.js").refused("threaded", 0);
    assert_added(&link(&place, "threads.o -sEXIT_RUNTIME --wasm-threads=off -o out.js"), 0);
    assert!(!Facts::read(place.path("out.wasm")).memory().shared);
}

/// `--no-check-features` lets std without atomics into a module of perfect shape.
fn objects_let_in() {
    let place = place();
    compile_plain(&place, false);
    let line = "threads.o helper.o -sEXIT_RUNTIME -Wl,--no-check-features -o out.js";
    link(&place, line).refused("object-without-atomics", 1);
    // Wherever it is said.
    let line = line.replace(" -Wl,--no-check-features", "");
    link_with(&place, &line, &[("EMCC_CFLAGS", "-Wl,--no-check-features")]).refused("object-without-atomics", 1);
    place.write("words", b"--no-check-features");
    link(&place, &format!("{line} -Wl,@words")).refused("object-without-atomics", 1);
    // Where every object agrees it is of no consequence.
    assert_added(&link(&place, "threads.o -sEXIT_RUNTIME -Wl,--no-check-features -o out.js"), 1);
}

fn refusals() {
    let place = place();
    compile_plain(&place, false);
    place.write("uses.c", b"extern _Thread_local int own; int use(void) { return own; } int main(void) { return use(); }\n");
    place.write("defines.c", b"int own = 5;\n");
    place.write("library.c", b"int f(void) { return 1; }\n");
    // As rustc addresses its own; by emcc's own model (a table of addresses) nothing is noticed.
    compile(&place, &["-pthread", "-ftls-model=local-exec", "-c", "uses.c", "-o", "uses.o"]);
    compile(&place, &["-c", "defines.c", "-o", "defines.o"]);
    compile(&place, &["-pthread", "-c", "library.c", "-o", "library.o"]);
    for (name, line) in [
        ("c-without-atomics", "threads.o helper.o -sEXIT_RUNTIME -o out.js"),
        ("thread-local-and-not", "uses.o defines.o -sEXIT_RUNTIME -o out.js"),
        ("no-main", "library.o -sPROXY_TO_PTHREAD -o out.js"),
        ("standalone", "threads.o -O2 --wasm-threads-style=emcc -o out.wasm"),
    ] {
        let linked = link(&place, line);
        assert!(!linked.ran.success(), "{name}: {:?}", linked.ran);
        // emcc's own words stand above, and name its folders.
        let text = linked.ran.stderr_text();
        let ours = text.find("error[").map(|at| &text[at..]);
        let ours = ours.unwrap_or_else(|| panic!("{name} is not explained\n{:?}", linked.ran));
        golden::check(&format!("emscripten/{name}"), ours, &[]);
    }
}

fn no_pthreads_on_purpose() {
    let place = place();
    // C may have its reasons: emcc's manual allows it.
    let linked = link(&place, "threads.o -sUSE_PTHREADS=0 -o out.js");
    assert_added(&linked, 0);
    let text =
        link(&place, "threads.o -sUSE_PTHREADS=0 --wasm-threads=threaded -o out.js").refused("emscripten-without-pthreads", 0);
    golden::check("emscripten/without-pthreads", &text, &[]);
    // Rust has none: its std knows no other threads.
    fs::copy(place.path("threads.o"), place.path("a.rcgu.o")).expect("a copy");
    link(&place, "a.rcgu.o -pthread -sUSE_PTHREADS=0 -o out.js").refused("emscripten-without-pthreads", 0);
    // So many that the linker could have been at work already: then it must not have been.
    let many: Vec<String> = (0..70).map(|number| format!("a{number}.rcgu.o")).collect();
    for name in &many {
        fs::copy(place.path("a.rcgu.o"), place.path(name)).expect("a copy");
    }
    let _ = fs::remove_file(place.path("out.wasm"));
    link(&place, &format!("{} -sUSE_PTHREADS=0 -o out.js", many.join(" "))).refused("emscripten-without-pthreads", 0);
    // A memory that is shared, and no pthreads: 3.1.6 knows neither setting, so emcc itself stops.
    for setting in ["-sSHARED_MEMORY", "-sWASM_WORKERS"] {
        let linked = link(&place, &format!("threads.o {setting} -o out.js"));
        assert_eq!(linked.runs.len(), 1);
        assert!(linked.runs[0].iter().all(|word| word != "-pthread"), "{:?}", linked.runs);
        let text = link(&place, &format!("threads.o {setting} --wasm-threads=threaded -o out.js"));
        text.refused("emscripten-without-pthreads", 0);
        let rust = link(&place, &format!("a.rcgu.o {setting} -o out.js"));
        assert!(rust.runs[0].iter().any(|word| word == "-pthread"), "{:?}", rust.runs);
    }
}

fn sources_on_the_line() {
    let place = place();
    // What is compiled here is what its options say.
    for (line, times) in [
        ("threads.c -sEXIT_RUNTIME -o out.js", 0),
        ("threads.c -pthread -sEXIT_RUNTIME -o out.js", 1),
        ("threads.c -matomics -mbulk-memory -sEXIT_RUNTIME -o out.js", 1),
    ] {
        assert_added(&link(&place, line), times);
        assert_eq!(Facts::read(place.path("out.wasm")).memory().shared, times > 0, "{line}");
    }
    // Nothing is linked, or an object for a later link: nothing is said, added or judged.
    for line in [
        "-c threads.c -sSTRICT -o only.o",
        "-pthread -c threads.c -sSTRICT -o only.o",
        "-r threads.o -sSTRICT -o only.o",
        "--oformat=object threads.o -sSTRICT -o only.o",
    ] {
        let linked = link(&place, line);
        linked_silently(&linked);
        assert_eq!(linked.runs, [line.split(' ').collect::<Vec<_>>()]);
    }
}

/// What is said in the environment is said at the end of the line.
fn words_of_the_environment() {
    let place = place();
    let linked = link_with(&place, "threads.o -sEXIT_RUNTIME -o out.js", &[("EMCC_CFLAGS", "-o other.js -sSTRICT")]);
    assert_added(&linked, 1);
    assert_threaded(&place.path("other.wasm"));
    let line = "threads.o -sEXIT_RUNTIME -o out.o";
    let linked = link_with(&place, line, &[("EMCC_CFLAGS", "-r")]);
    linked_silently(&linked);
    assert_eq!(linked.runs, [line.split(' ').collect::<Vec<_>>()]);
}

/// `-r` and `-shared` for a program: emcc warns, and links one.
fn relocatable_in_name_only() {
    let place = place();
    for option in ["-r", "-shared"] {
        let linked = link(&place, &format!("{option} threads.o -sEXIT_RUNTIME -o out.js"));
        assert!(linked.ran.success() && linked.runs.len() == 1, "{:?}", linked.ran);
        linked.ran.expect_stderr("-shared/-r used with executable output suffix");
        assert_threaded(&place.path("out.wasm"));
    }
}

fn found_in_the_sdk() {
    let place = place();
    let sdk = place.path("sdk/upstream/emscripten");
    fs::create_dir_all(&sdk).expect("a folder");
    let emcc = format!("#!/bin/sh\nexec {} \"$@\"\n", Tool::Emcc.path().display());
    crate::support::recorder::write_program(&sdk.join("emcc"), emcc.as_bytes());
    let run = Run::new(shim()).words(["threads.o", "-sEXIT_RUNTIME", "-o", "out.js"]).folder(place.folder());
    let run = run.env("NODE_PATH", "/usr/share/nodejs").env("WASM_THREADS_LOG", "info");
    let said = run.env("EMSDK", place.path("sdk")).run().expect_success().stderr_text();
    assert!(said.contains("sdk/upstream/emscripten/emcc in Emcc style"), "{said}");
}

/// rustc's own, where its line is long, and a person's: emcc gets it as it came.
fn response_file() {
    let place = place();
    let counter = place.path("linked/emcc");
    fs::create_dir_all(counter.parent().expect("a folder")).expect("a folder");
    let script = format!("#!/bin/sh\nprintf '%s\\n' \"$*\" >words-seen\nexec {} \"$@\"\n", Tool::Emcc.path().display());
    crate::support::recorder::write_program(&counter, script.as_bytes());
    let many = "-DSOMETHING_LONG=12345678901234567890123456789012345678901234567890 ".repeat(5000);
    fs::rename(place.path("threads.o"), place.path("a b.o")).expect("a file can be renamed");
    place.write("words", format!("{many}-sEXIT_RUNTIME a\\ b.o\n-o out.js").as_bytes());
    let run = Run::new(shim()).word("@words").env("WASM_THREADS_LINKER", &counter).env("NODE_PATH", "/usr/share/nodejs");
    run.folder(place.folder()).run().expect_success().expect_silence();
    assert_eq!(crate::support::read(place.path("words-seen")), b"@words -pthread\n");
    assert_threaded(&place.path("out.wasm"));
}
