//! C and C++ without a libc, through the shim in place of `wasm-ld`: by clang, by Make, by CMake, alone and with Rust.

use crate::support::clang::{self, ADDERS, ATOMICS, NEUTRAL, clang_with, linker_word};
use crate::support::place::OUTPUT;
use crate::support::{
    Facts, NoCore, Place, Project, Ran, Run, Suite, Tool, assert_same_bytes, objects, read, repository, shim, temp_folder,
    two_adders, two_wide_adders, two_workers,
};
use std::fs;
use std::path::Path;
use tempfile::TempDir;

const CLANG: [Tool; 2] = [Tool::Clang, Tool::WasmLd(22)];
const IN_NODE: [Tool; 3] = [Tool::Clang, Tool::WasmLd(22), Tool::Node];
const MAKE: Tool = Tool::Program("make", "make");
const CMAKE: Tool = Tool::Program("cmake", "cmake");
const NINJA: Tool = Tool::Program("ninja", "ninja-build");
const WASM_OPT: Tool = Tool::Program("wasm-opt", "binaryen");

pub fn tests(suite: &mut Suite) {
    suite.test("clang_in_one_call_and_in_two", &IN_NODE, clang_in_one_call_and_in_two);
    suite.test("locks_that_wait", &IN_NODE, locks_that_wait);
    suite.test("without_atomics", &CLANG, without_atomics);
    suite.test("no_module_of_its_own", &CLANG, no_module_of_its_own);
    suite.test("modes", &CLANG, modes);
    suite.test("static_constructor", &IN_NODE, static_constructor);
    suite.test("wide_addresses", &[Tool::Clang, Tool::WasmLd(16), Tool::Node], wide_addresses);
    suite.test("object_without_atomics", &CLANG, object_without_atomics);
    suite.test("ld_path_is_not_read", &CLANG, ld_path_is_not_read);
    suite.test("wasm_opt_after_the_link", &[Tool::Clang, Tool::WasmLd(22), Tool::Node, WASM_OPT], wasm_opt_after_the_link);
    suite.test("make", &[Tool::Clang, Tool::WasmLd(22), Tool::Node, MAKE], make);
    let cmake = |builder| [Tool::Clang, Tool::WasmLd(22), Tool::Node, CMAKE, builder];
    suite.test("cmake_by_clang_with_ninja", &cmake(NINJA), || cmake_by_clang("Ninja"));
    suite.test("cmake_by_clang_with_make", &cmake(MAKE), || cmake_by_clang("Unix Makefiles"));
    suite.test("cmake_by_the_linker", &cmake(NINJA), cmake_by_the_linker);
    suite.test("rust_library", &[Tool::Clang, Tool::WasmLd(22), Tool::Node, Tool::Rustc], rust_library);
    suite.test("rust_library_mixed", &[Tool::Clang, Tool::WasmLd(22), Tool::Rustc], rust_library_mixed);
    suite.test("rust_library_with_std", &[Tool::Clang, Tool::WasmLd(22), Tool::Node, Tool::RustcWeb], rust_library_with_std);
}

fn place() -> Place {
    let place = Place::new(Tool::WasmLd(22));
    place.write("adders.c", ADDERS.as_bytes()).write("neutral.c", NEUTRAL.as_bytes());
    place
}

/// clang's own link of `line` through the shim.
fn line(target: &str, line: &str) -> Run {
    clang_with(shim(), target).words(line.split(' ')).words(["-o", OUTPUT])
}

/// The same by the linker alone, into `bare.wasm`.
fn bare(place: &Place, target: &str, line: &str) -> Ran {
    // First under the name that stands in the module, too.
    let clang = clang_with(place.linker(), target).words(line.split(' ')).words(["-o", OUTPUT]);
    let ran = clang.folder(place.folder()).run();
    let _ = fs::rename(place.path(OUTPUT), place.path("bare.wasm"));
    ran
}

#[track_caller]
fn in_two_workers(place: &Place) -> String {
    two_adders(place.path(OUTPUT)).expect_success().stdout_text()
}

fn clang_in_one_call_and_in_two() {
    let place = place();
    clang::clang("wasm32").words(ATOMICS).words(["-c", "adders.c"]).folder(place.folder()).run().expect_success();
    place.write("words", b"-matomics -mbulk-memory\n'adders.c'\n").write("linker-words", b"--wasm-threads-max-memory=16MiB\n");
    for (words, maximum) in [
        // Compiled and linked at once, and linked on its own.
        ("-matomics -mbulk-memory adders.c", 16_384),
        ("adders.o", 16_384),
        ("-matomics -mbulk-memory adders.c neutral.c", 16_384),
        // It stands for both features, and clang then asks for a shared memory: with neither import nor maximum.
        ("-pthread adders.c", 16_384),
        ("-pthread adders.o", 16_384),
        // Response files: clang's, and one that it hands on to its linker with our own word in it.
        ("@words", 16_384),
        ("-matomics -mbulk-memory adders.c -Wl,@linker-words", 256),
        ("adders.o -Wl,--wasm-threads-max-memory=32MiB", 512),
        ("adders.o -Wl,--max-memory=67108864", 1024),
        ("adders.o -Xlinker --max-memory=67108864", 1024),
        ("adders.o -Wl,--export=__stack_pointer -s", 16_384),
        ("adders.o -Xlinker --import-memory=own,store", 16_384),
        // Bitcode: the linker is asked.
        ("-matomics -mbulk-memory -flto adders.c", 16_384),
        ("-matomics -mbulk-memory -flto=thin adders.c neutral.c", 16_384),
    ] {
        let facts = place.run(line("wasm32", words)).threaded(1);
        assert_eq!(facts.memory().maximum, Some(maximum), "{words}");
        let said = in_two_workers(&place);
        assert!(said.contains(r#""begin":7,"local":5"#), "{words}: {said}");
        // By the linker alone it links as well, and is not threaded. (-pthread asks for half of it.)
        if !words.contains("memory=") && !words.contains("@linker") {
            bare(&place, "wasm32", words).expect_success();
            let facts = Facts::read(place.path("bare.wasm"));
            assert!(facts.memory().import.is_none() && !facts.exports("__wasm_init_tls"), "{words}: {facts:?}");
        }
    }
}

/// A lock of one's own under contention, in three threads with a stack each.
fn locks_that_wait() {
    let place = place();
    place.put("threads.c", fixture("threads.c"));
    let words = "-matomics -mbulk-memory threads.c -Wl,--export=__heap_base -Wl,--export=__stack_pointer";
    place.run(line("wasm32", words)).threaded(1);
    assert_locks_wait(&place.path(OUTPUT));
}

#[track_caller]
fn assert_locks_wait(module: &Path) {
    let said = two_workers(module).expect_success().stdout_text();
    assert!(said.contains(r#""stacks":"one each""#) && said.contains(r#""counter":[100,60100,60100,60100]"#), "{said}");
    assert!(said.contains(r#""first":[7,7,7],"then":[11,22,33]"#), "{said}");
}

fn fixture(name: &str) -> std::path::PathBuf {
    repository().join("tests/fixtures/c").join(name)
}

/// Byte by byte what the linker alone makes of it, after so many runs.
#[track_caller]
fn as_bare(place: &Place, words: &str, runs: usize) {
    let alone = bare(place, "wasm32", words);
    let linked = place.run(line("wasm32", words));
    assert_eq!((linked.ran.code(), linked.runs.len()), (alone.code(), runs), "{words}: {:?}", linked.ran);
    assert_eq!(linked.ran.stderr_text(), alone.stderr_text(), "{words}");
    assert!(alone.success(), "{words}: {alone:?}");
    assert_same_bytes(read(place.path(OUTPUT)), read(place.path("bare.wasm")));
}

fn without_atomics() {
    let place = place();
    for (words, runs) in [
        ("neutral.c", 1),
        ("neutral.c -s", 1),
        ("neutral.c -g", 1),
        // Atomics and thread-locals that clang takes out, as it always did.
        ("adders.c", 1),
        ("adders.c neutral.c -Wl,--import-memory", 1),
        // Asked, the linker says no; then it is linked as it stands.
        ("-flto neutral.c", 2),
    ] {
        as_bare(&place, words, runs);
        let facts = Facts::read(place.path(OUTPUT));
        assert!(
            !facts.memory().shared && facts.passive_segments == 0 && !facts.exports("__wasm_init_tls"),
            "{words}: {facts:?}"
        );
    }
}

/// An object or a shared library is no program yet: what it will be, the last link decides.
fn no_module_of_its_own() {
    let place = place();
    as_bare(&place, "-matomics -mbulk-memory -r adders.c", 1);
    assert!(Facts::read(place.path(OUTPUT)).custom_sections.iter().any(|name| name == "linking"));
    as_bare(&place, "-matomics -mbulk-memory -fPIC -shared adders.c", 1);
    assert!(Facts::read(place.path(OUTPUT)).custom_sections.iter().any(|name| name.starts_with("dylink")));
    // The object of several is linked like any other.
    as_bare(&place, "-matomics -mbulk-memory -r adders.c neutral.c", 1);
    fs::rename(place.path(OUTPUT), place.path("both.o")).expect("an object");
    let facts = place.run(line("wasm32", "both.o")).threaded(1);
    assert!(facts.exports("add_shared") && facts.exports("neutral"));
}

fn modes() {
    let place = place();
    let refused = |words: &str, text: &str| {
        let ran = place.run(line("wasm32", words)).ran;
        // clang adds its own word, and has its own status.
        let said = ran.stderr_text();
        assert!(!ran.success() && said.starts_with(text) && said.contains("linker command failed with exit code 1"), "{ran:?}");
        assert!(!place.path(OUTPUT).exists());
        said
    };
    let said = refused("neutral.c -Wl,--wasm-threads=threaded", "error[not-threaded]: out.wasm was to be threaded");
    assert!(said.contains("fix:    compile every file with -matomics -mbulk-memory\n"), "{said}");
    assert!(!said.contains("target-feature"), "{said}");
    let said = refused(
        "-matomics -mbulk-memory adders.c -Wl,--wasm-threads=unthreaded",
        "error[threaded]: out.wasm was to be unthreaded",
    );
    assert!(said.contains("fix:    leave -matomics, -pthread and --shared-memory out of this build\n"), "{said}");
    place.run(line("wasm32", "-matomics -mbulk-memory adders.c -Wl,--wasm-threads=threaded")).threaded(1);
    for (words, mode) in [("neutral.c", "unthreaded"), ("-matomics -mbulk-memory adders.c", "off")] {
        bare(&place, "wasm32", words).expect_success();
        assert!(place.run(line("wasm32", &format!("{words} -Wl,--wasm-threads={mode}"))).ran.success());
        assert_same_bytes(read(place.path(OUTPUT)), read(place.path("bare.wasm")));
    }
}

/// C++ that has something to do before everything else: wasm-ld would do it in each thread, in front of `__wasm_init_tls`.
fn static_constructor() {
    let place = place();
    let source = format!(
        "extern \"C\" {{ {ADDERS} }}
         extern volatile int started;
         volatile int started = 100;
         struct Start {{ Start() {{ started = started + 1; add_shared(1); }} }};
         static Start start;
         extern \"C\" EXPORT(times_started) int times_started() {{ return started - 100; }}"
    );
    place.write("adders.cc", source.as_bytes());
    let words = "-matomics -mbulk-memory adders.cc";
    let ran = place.run(line("wasm32", words)).ran;
    let said = ran.stderr_text();
    assert!(said.starts_with("error[tls-init-wrapped]: "), "{ran:?}");
    assert!(!place.path(OUTPUT).exists() && place.path("out.wasm.rejected").exists());

    // What it prints, in clang's words, as it says.
    let (_, fix) = said.split_once("  fix:    pass ").expect("a fix");
    let word = fix.split([',', ' ']).next().expect("a word");
    assert!(fix.contains("call __wasm_call_ctors() once") && fix.contains("as -Wl,WORD\n"), "{said}");
    let facts = place.run(line("wasm32", &format!("{words} -Wl,{word}"))).threaded(1);
    assert!(facts.exports("__wasm_call_ctors") && !place.path("out.wasm.rejected").exists());
    // Called by the first thread, and not by the two others.
    let said = in_two_workers(&place);
    assert!(said.contains(r#""begin":8,"local":5"#), "{said}");
}

/// With the tables of wasm-ld 16, so that an older node can run it; the other linkers are asked in `wide`.
fn wide_addresses() {
    let place = Place::new(Tool::WasmLd(16));
    place.write("adders.c", ADDERS.as_bytes());
    for words in ["-matomics -mbulk-memory adders.c", "-pthread adders.c"] {
        let facts = place.run(line("wasm64", words)).threaded(1);
        assert!(facts.memory().memory64 && facts.memory().maximum == Some(65_536), "{facts:?}");
        let said = two_wide_adders(&Tool::Node.path(), place.path(OUTPUT)).expect_success().stdout_text();
        assert!(said.contains(r#""wide":true,"address":"bigint""#), "{said}");
    }
}

fn object_without_atomics() {
    let place = place();
    let other = ADDERS.replace("add_shared", "other_shared").replace("add_local", "other_local");
    place.put("other.o", clang::object("other", "wasm32", &other, &[]));
    let ran = place.run(line("wasm32", "-matomics -mbulk-memory adders.c other.o")).ran;
    let said = ran.stderr_text();
    assert!(!ran.success() && said.contains("--shared-memory is disallowed by other.o because"), "{ran:?}");
    assert!(said.contains("error[link-failed]: the C or C++ object other.o was compiled without atomics"), "{ran:?}");
    assert!(said.contains("tell its compiler -matomics -mbulk-memory"), "{ran:?}");
}

/// Which is why everything here says `-fuse-ld=` with a full path.
fn ld_path_is_not_read() {
    let place = place();
    let words = ["--no-wasm-opt", "-Wl,--no-entry", "-matomics", "-mbulk-memory", "adders.c", "-o", OUTPUT];
    let clang = || clang::clang("wasm32").words(words);
    let linked = place.run(clang().word(format!("--ld-path={}", shim().display())));
    assert!(linked.runs.is_empty(), "clang has learnt it: the README can say so");
    assert!(linked.ran.stderr_text().contains("argument unused during compilation: '--ld-path="), "{:?}", linked.ran);
    let linked = place.run(clang().word("-fuse-ld=wasm-threads-linker"));
    assert!(
        linked.ran.stderr_text().contains("invalid linker name in argument '-fuse-ld=wasm-threads-linker'"),
        "{:?}",
        linked.ran
    );
}

/// clang hands the linked module to a wasm-opt on PATH: it must still be what was judged.
fn wasm_opt_after_the_link() {
    let place = place();
    let clang = clang::clang("wasm32").words(ATOMICS).word(linker_word(shim()));
    let linked = place.run(clang.words(["-v", "-Wl,--no-entry", "adders.c", "-o", OUTPUT]));
    assert!(linked.ran.success() && linked.ran.stderr_text().contains("wasm-opt"), "{:?}", linked.ran);
    let facts = Facts::read(place.path(OUTPUT));
    facts.assert_threaded();
    in_two_workers(&place);
}

/// The sources of the fixture, where a build may write.
fn project() -> TempDir {
    let folder = temp_folder();
    for name in ["threads.c", "Makefile", "CMakeLists.txt", "wasm.cmake"] {
        fs::copy(fixture(name), folder.path().join(name)).expect("a copy");
    }
    folder
}

/// A tool of a build in the project, with the real linker for the shim named.
fn build(folder: &Path, tool: Tool) -> Run {
    Run::new(tool.path()).folder(folder).env("WASM_THREADS_LINKER", Tool::WasmLd(22).path())
}

/// One word of `make`'s, and nothing changed in the Makefile.
fn make() {
    let project = project();
    let module = project.path().join("threads.wasm");
    let make = |linker: &Path| {
        let run = build(project.path(), MAKE).words(["CC=clang-22", &format!("LD={}", linker.display())]);
        run.words(["clean", "threads.wasm"]).run().expect_success();
        Facts::read(&module)
    };
    make(&Tool::WasmLd(22).path()).assert_unthreaded();
    two_workers(&module).expect_code(1).expect_stderr("not threaded: it has a memory of its own");
    make(shim()).assert_threaded();
    assert_locks_wait(&module);
}

fn cmake(folder: &Path, words: &[&str]) -> Facts {
    let _ = fs::remove_dir_all(folder.join("build"));
    let configure = ["-S", ".", "-B", "build", "-DCMAKE_TOOLCHAIN_FILE=wasm.cmake", "-DCMAKE_BUILD_TYPE=Release"];
    build(folder, CMAKE).words(configure).words(words).run().expect_success();
    build(folder, CMAKE).words(["--build", "build"]).run().expect_success();
    Facts::read(folder.join("build/threads.wasm"))
}

/// One flag for clang's links, and nothing changed in the project.
fn cmake_by_clang(generator: &str) {
    let project = project();
    let with = |linker: &Path| {
        let flags = format!("-DCMAKE_EXE_LINKER_FLAGS={} --no-wasm-opt", linker_word(linker));
        cmake(project.path(), &["-G", generator, &flags])
    };
    with(&Tool::WasmLd(22).path()).assert_unthreaded();
    with(shim()).assert_threaded();
    assert_locks_wait(&project.path().join("build/threads.wasm"));
}

/// A toolchain that calls the linker itself.
fn cmake_by_the_linker() {
    let project = project();
    let with = |linker: &Path| {
        let linker = format!("-DCMAKE_LINKER={}", linker.display());
        let line = "<CMAKE_LINKER> --no-entry --export=__stack_pointer <OBJECTS> -o <TARGET> <LINK_LIBRARIES>";
        cmake(project.path(), &["-G", "Ninja", &linker, &format!("-DCMAKE_C_LINK_EXECUTABLE={line}")])
    };
    // What the target adds for clang is no word of the linker's.
    let lists = project.path().join("CMakeLists.txt");
    let text = fs::read_to_string(&lists).expect("text");
    fs::write(&lists, text.replace("target_link_options", "# target_link_options")).expect("text");
    with(&Tool::WasmLd(22).path()).assert_unthreaded();
    with(shim()).assert_threaded();
    assert_locks_wait(&project.path().join("build/threads.wasm"));
}

/// `add_local` in C, `add_shared` in Rust, both called by C.
const MAIN: &str = "
extern int add_shared(int);
static _Thread_local int local = 5;
__attribute__((export_name(\"add_local\"))) int add_local(int by) { return local += by; }
__attribute__((export_name(\"twice\"))) int twice(void) { return add_shared(1) + add_shared(1); }
";
const RUST: &str = r#"
static mut SHARED: i32 = 7;
#[unsafe(no_mangle)] pub extern "C" fn add_shared(by: i32) -> i32 { unsafe { atomic_add(&raw mut SHARED, by) + by } }
"#;

fn rust_library() {
    let place = Place::new(Tool::WasmLd(22));
    place.write("main.c", MAIN.as_bytes()).put("librust.a", objects::threaded("rust", RUST).staticlib());
    for words in [
        "-matomics -mbulk-memory main.c librust.a -Wl,--export=add_shared",
        "-matomics -mbulk-memory main.c -L. -lrust -Wl,--export=add_shared",
        "-matomics -mbulk-memory -flto main.c librust.a -Wl,--export=add_shared",
    ] {
        place.run(line("wasm32", words)).threaded(1);
        let said = in_two_workers(&place);
        assert!(said.contains(r#""begin":7,"local":5"#), "{words}: {said}");
    }
}

/// One side compiled with atomics, the other without.
fn rust_library_mixed() {
    let place = place();
    let rust = |name: &str, source: &str| NoCore::new(source).name(name);
    place.put("libwith.a", rust("with", objects::ATOMIC).threaded().staticlib());
    place.put("libwithout.a", rust("without", objects::ATOMIC).staticlib());
    place.put("libneutral.a", rust("plain", &objects::NEUTRAL.replace("neutral", "add_shared")).staticlib());
    place.write(
        "plain.c",
        b"extern int add_shared(int); __attribute__((export_name(\"once\"))) int once(void) { return add_shared(1); }",
    );

    // C that does not mind, and a Rust library that is threaded and used: the linker is asked, and it is.
    let export = "-Wl,--export=add_local";
    place.run(line("wasm32", &format!("plain.c libwith.a {export}"))).threaded(1);
    // The same library, of which nothing is used.
    as_bare(&place, "neutral.c libwith.a", 2);
    Facts::read(place.path(OUTPUT)).assert_unthreaded();
    // C that refuses decides against it, whatever the library says.
    let refusing = ADDERS.replace("add_shared", "c_shared").replace("add_local", "c_local");
    place.put("refusing.o", clang::object("refusing", "wasm32", &refusing, &[]));
    as_bare(&place, "plain.c refusing.o libwith.a", 1);
    Facts::read(place.path(OUTPUT)).assert_unthreaded();

    // Threaded C, and a library that does not mind.
    place.write("main.c", MAIN.as_bytes());
    place.run(line("wasm32", "-matomics -mbulk-memory main.c libneutral.a")).threaded(1);
    // Threaded C, and a library that was to be threaded, too.
    let main = "-matomics -mbulk-memory -Dadd_local=c_local main.c";
    let ran = place.run(line("wasm32", &format!("{main} libwithout.a {export}"))).ran;
    let said = ran.stderr_text();
    assert!(!ran.success() && said.contains("--shared-memory is disallowed by libwithout.without."), "{ran:?}");
    assert!(said.contains("error[link-failed]: the Rust object libwithout.without."), "{ran:?}");
    assert!(said.contains("in libwithout.a\n  wanted: every crate compiled with +atomics"), "{ran:?}");
    // Neither.
    as_bare(&place, &format!("plain.c libwithout.a {export}"), 1);
}

/// A library with Rust's real `std`, as cargo builds it.
fn rust_library_with_std() {
    let words = |library: &Path| {
        let exports = ["alloc", "heap_sum", "counter_add", "__stack_pointer"].map(|name| format!("-Wl,--export={name}"));
        let files = [fixture("with-rust.c"), library.to_owned()];
        clang_with(shim(), "wasm32").words(ATOMICS).words(files).words(exports).words(["-o", OUTPUT])
    };
    let library = |project: &Project| {
        let target = ["--target", "wasm32-unknown-unknown"];
        project.cargo(&[&["rustc", "--lib", "--crate-type", "staticlib"], &target[..]].concat()).run().expect_success();
        project.module("debug", "libstale_recipe").with_extension("a")
    };
    let place = Place::new(Tool::WasmLd(22));
    let project = Project::new("tests/fixtures/stale-recipe", "staticlib", shim());
    let facts = place.run(words(&library(&project))).threaded(1);
    assert_eq!(facts.memory().maximum, Some(16_384));
    assert_locks_wait(&place.path(OUTPUT));

    // The flags lost to RUSTFLAGS: Rust without atomics, under C that has them.
    let project = project.env("RUSTFLAGS", "--cfg lost");
    let refused = place.run(words(&library(&project)));
    let said = refused.ran.stderr_text();
    assert!(!refused.ran.success() && said.contains("--shared-memory is disallowed by "), "{:?}", refused.ran);
    assert!(said.contains("error[link-failed]: ") && said.contains("was compiled without atomics"), "{said}");
}
