//! What stands under a linker's refusal. Each is provoked for real, with every linker here whose words may differ; the linker's
//! own text is above, byte by byte as it is without the shim.

use crate::support::archive::{Archive, defined_symbols};
use crate::support::{NoCore, Place, Run, clang, golden, objects, read, repository, shim};
use crate::support::{Suite, Tool};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const LINKERS: [Tool; 5] = [Tool::RustLld, Tool::WasmLd(14), Tool::WasmLd(16), Tool::WasmLd(19), Tool::WasmLd(22)];

pub fn tests(suite: &mut Suite) {
    for linker in LINKERS {
        let name = |what: &str| format!("{what}_with_{}", linker.name());
        suite.test(&name("rows"), &[Tool::Rustc, Tool::Clang, linker], move || rows(linker));
        suite.test(&name("nothing_to_explain"), &[Tool::Rustc, linker], move || nothing_to_explain(linker));
    }
    let with_c = [Tool::RustLld, Tool::Clang];
    suite.test("texts_are_all_asked_for", &[], texts_are_all_asked_for);
    suite.test("prebuilt_std", &[Tool::RustLld], prebuilt_std);
    suite.test("c_dependency", &with_c, c_dependency);
    suite.test("two_archives_with_the_same_member", &with_c, two_archives_with_the_same_member);
    suite.test("several_causes", &with_c, several_causes);
    suite.test("bitcode_without_atomics", &[Tool::WasmLd(22), Tool::Clang], bitcode_without_atomics);
    suite.test("under_rustc", &[Tool::RustLld], under_rustc);
    suite.test("linker_too_old_for_wasi_threads", &[Tool::Rustc, Tool::WasmLd(14)], linker_too_old_for_wasi_threads);
    suite.test("linker_that_takes_no_flavor", &[Tool::RustLld], linker_that_takes_no_flavor);
    suite.test("linker_that_was_not_told_what_to_link", &[Tool::RustLld], linker_that_was_not_told_what_to_link);
    suite.test("our_own_maximum_too_small", &[Tool::RustLld], our_own_maximum_too_small);
}

/// A refusal: the name of its text, and the line.
struct Row {
    text: &'static str,
    line: &'static str,
    /// Linkers that let it pass, or say something else.
    but: &'static [u32],
}

const fn row(text: &'static str, line: &'static str, but: &'static [u32]) -> Row {
    Row { text, line, but }
}

const MAX: &str = "--max-memory=1073741824";

/// `MAX` stands for a good maximum.
const ROWS: &[Row] = &[
    row("c_object_on_the_line", "--shared-memory MAX atomic.o c.o --export=add_shared", &[]),
    row("c_object_on_the_line", "atomic.o c.o --export=add_shared", &[]),
    row("rust_object", "first.rcgu.o librust.a --export=add_shared --export=refusing_shared", &[]),
    row("atomics_lost", "--shared-memory MAX neutral.o --export=neutral", &[]),
    row("atomics_lost_in_rust", "--shared-memory MAX n.rcgu.o --export=neutral", &[]),
    row("flags_without_atomics", "neutral.o --export=neutral --export=__wasm_init_tls --export=__tls_size", &[]),
    row("flags_without_atomics_in_rust", "n.rcgu.o --export=neutral --export=__tls_base --import-memory", &[]),
    row("flags_with_a_mixture", "n.rcgu.o first.rcgu.o --export=__tls_align", &[]),
    row("bulk_memory", "no-bulk-memory.o --export=count", &[]),
    row("thread_local_and_not", "uses.o plain.o --export=use_local", &[]),
    row("maximum_unaligned", "atomic.o --max-memory=1000000000 --export=add_shared", &[]),
    row("maximum_unaligned", "neutral.o --max-memory=1000000000 --export=neutral", &[]),
    row("maximum_unaligned_and_too_large", "atomic.o --max-memory=4294967297 --export=add_shared", &[]),
    row("initial_unaligned", "atomic.o --initial-memory=1000000000 --export=add_shared", &[]),
    row("heap_unaligned", "atomic.o --initial-heap=1000 --export=add_shared", &[14, 16]),
    row("maximum_too_small", "atomic.o --max-memory=65536000 --initial-memory=131072000 --export=add_shared", &[]),
    row("maximum_far_too_small", "atomic.o MAX --initial-memory=3221225472 --export=add_shared", &[]),
    row("initial_too_small", "atomic.o --initial-memory=65536 -z stack-size=1048576 --export=add_shared", &[]),
    row("maximum_too_large", "atomic.o --max-memory=8589934592 --export=add_shared", &[]),
    row("initial_too_large", "atomic.o MAX --initial-memory=8589934592 --export=add_shared", &[]),
    row("heap_too_large", "atomic.o --initial-heap=8589934592 --export=add_shared", &[14, 16]),
    row("maximum_with_a_space", "atomic.o --max-memory 1073741824 --export=add_shared", &[]),
    row("maximum_with_a_space", "neutral.o --max-memory 1073741824 --export=neutral", &[]),
    row("initial_with_a_space", "atomic.o --initial-memory 1073741824 --export=add_shared", &[]),
    row("maximum_with_a_unit", "atomic.o --max-memory=512MiB --export=add_shared", &[]),
    row("maximum_without_a_number", "atomic.o --max-memory=x --export=add_shared", &[]),
    row("initial_with_a_unit", "atomic.o --initial-memory=64KiB --export=add_shared", &[]),
    row("heap_with_a_unit", "neutral.o --initial-heap=1GiB --export=neutral --import-memory", &[14, 16]),
    row("maximum_with_one_dash", "atomic.o -max-memory=65536000 --export=add_shared", &[14]),
    row("shared_with_one_dash", "atomic.o -shared-memory --export=add_shared", &[14]),
    row("import_with_one_dash", "neutral.o -import-memory --export=neutral", &[14]),
    row("no_shared_memory", "atomic.o --no-shared-memory --export=add_shared", &[]),
    row("no_growable", "atomic.o --no-growable-memory MAX --export=add_shared", &[14, 16]),
    row("mutable_globals", "no-mutable-globals.o --export=count", &[]),
    row("features_listed", "atomic.o --features=mutable-globals,sign-ext --export=add_shared", &[]),
];

fn rows(linker: Tool) {
    let place = inputs(linker);
    for row in ROWS {
        if matches!(linker, Tool::WasmLd(version) if row.but.contains(&version)) {
            continue;
        }
        let linked = place.link(&row.line.replace("MAX", MAX));
        let problem = crate::support::suite::caught(|| {
            let ours = linked.failed(1);
            assert!(!ours.is_empty(), "it is explained\n{:?}", linked.ran);
            check(row.text, &ours, &place);
        });
        if let Err(problem) = problem {
            panic!("{}\n{problem}", row.line);
        }
    }
}

/// Other failures are the linker's own affair.
fn nothing_to_explain(linker: Tool) {
    let place = inputs(linker);
    for line in [
        "atomic.o nowhere.o --export=add_shared",
        "atomic.o --export=add_shared --export=nowhere",
        "neutral.o --import-memory --export=nowhere",
        "atomic.o --an-option-of-tomorrow --export=add_shared",
        "neutral.o --import-memory --max-memories=1",
        "atomic.o atomic.o --export=add_shared",
        "atomic.o -mx86 --export=add_shared",
        "atomic.o --threads=0 --export=add_shared",
    ] {
        assert_eq!(place.link(line).failed(1), "", "{line}");
    }
}

fn check(text: &str, ours: &str, place: &Place) {
    let ours = if SIZES_DIFFER.contains(&text) { without_size(ours) } else { ours.to_owned() };
    golden::check(&format!("explain/{text}"), &ours, &[(place.folder(), "[FOLDER]")]);
}

/// Texts with a size that each linker counts for itself.
const SIZES_DIFFER: [&str; 4] = ["initial_too_small", "heap_too_large", "our_maximum_too_small", "our_maximum_set_too_small"];

fn without_size(text: &str) -> String {
    let without = |line: &str| match line.strip_prefix("  wanted: at ") {
        Some(wanted) => {
            let words = wanted.split(' ').map(|word| if word.parse::<u64>().is_ok() { "[NUMBER]" } else { word });
            format!("  wanted: at {}\n", words.collect::<Vec<_>>().join(" "))
        }
        None => format!("{line}\n"),
    };
    text.lines().map(without).collect()
}

/// A text that no test asks for says nothing about the program of today.
fn texts_are_all_asked_for() {
    let this = fs::read_to_string(repository().join("tests/suite/explain.rs")).expect("this file");
    let mut texts = BTreeSet::new();
    for entry in fs::read_dir(repository().join("tests/golden/explain")).expect("the texts") {
        let name = entry.expect("a text").file_name();
        texts.insert(Path::new(&name).with_extension("").to_string_lossy().into_owned());
    }
    assert!(texts.len() >= 30, "{texts:?}");
    let unasked: Vec<&String> = texts.iter().filter(|text| !this.contains(&format!("\"{text}\""))).collect();
    assert!(unasked.is_empty(), "{unasked:?}");
}

/// All that the lines name.
fn inputs(linker: Tool) -> Place {
    let place = Place::new(linker);
    place.put("atomic.o", objects::atomic()).put("neutral.o", objects::neutral());
    place.put("first.rcgu.o", objects::atomic()).put("n.rcgu.o", objects::neutral());
    place.put("second.rcgu.o", objects::refusing());
    place.write("librust.a", &Archive::new().file(place.path("second.rcgu.o")).bytes());
    if Tool::Clang.find().is_some() {
        place.put("c.o", c("c", COUNTER, &[]));
        place.put("no-bulk-memory.o", c("count", ATOMIC_COUNT, &["-matomics", "-mno-bulk-memory", "-mno-bulk-memory-opt"]));
        place.put("no-mutable-globals.o", c("count", ATOMIC_COUNT, &["-mcpu=mvp", "-matomics", "-mbulk-memory"]));
        place.put("uses.o", c("uses", "extern _Thread_local int local; int use_local(void) { return ++local; }", WITH));
        place.put("plain.o", c("plain", "int local = 3;", &[]));
    }
    place
}

/// C that needs atomics and is compiled without: LLVM lowers both variables and marks the object `-shared-mem`.
const COUNTER: &str = "static _Atomic int all; static _Thread_local int own; int counter(void) { own++; return ++all + own; }";
const ATOMIC_COUNT: &str = "static _Atomic int all; int count(void) { return ++all; }";
const WITH: &[&str] = &["-matomics", "-mbulk-memory"];

/// C compiled by clang: `NAME.o`.
fn c(name: &str, source: &str, flags: &[&str]) -> PathBuf {
    clang::object(name, "wasm32", source, flags)
}

/// As rustup ships it: a library with thread-locals, compiled without atomics.
fn prebuilt_std() {
    let place = inputs(Tool::RustLld);
    let source = "#[thread_local] static mut OWN: i32 = 1;
                  #[unsafe(no_mangle)] pub extern \"C\" fn std_own() -> i32 { unsafe { OWN = OWN + 1; OWN } }";
    let object = NoCore::new(source).name("std").object();
    let folder = "lib/rustlib/wasm32-unknown-unknown/lib";
    let member = "std-0123456789abcdef.std.fedcba9876543210-cgu.06.rcgu.o";
    let rlib = format!("{folder}/libstd-0123456789abcdef.rlib");
    place.write(&rlib, &named(member, &object).bytes());
    for line in [
        format!("first.rcgu.o {rlib} --export=add_shared --export=std_own"),
        // An old recipe that says all of it.
        format!("first.rcgu.o {rlib} --shared-memory {MAX} --import-memory --export=add_shared --export=std_own"),
        format!("-L {folder} first.rcgu.o -l:libstd-0123456789abcdef.rlib --export=add_shared --export=std_own"),
    ] {
        let ours = place.link(&line).failed(1);
        check("prebuilt_std", &ours, &place);
    }
    // What another tool put there has no crate.
    place.write(
        &format!("{folder}/libc.a"),
        &Archive::new().file(place.put("crt.o", objects::refusing()).path("crt.o")).bytes(),
    );
    let ours = place.link(&format!("atomic.o {folder}/libc.a --export=add_shared --export=refusing_shared")).failed(1);
    check("prebuilt_without_a_crate", &ours, &place);
}

/// An archive of one object under another name.
fn named(member: &str, object: &Path) -> Archive {
    let bytes = read(object);
    let symbols = defined_symbols(&bytes);
    let symbols: Vec<&str> = symbols.iter().map(String::as_str).collect();
    Archive::new().member(member, &bytes, &symbols)
}

fn c_dependency() {
    let place = inputs(Tool::RustLld);
    place.put("counter.o", c("counter", COUNTER, &[]));
    let archive = Archive::new().file(place.path("counter.o")).bytes();
    // As rustc bundles it into the crate, and as a build script leaves it; the project itself is in a folder `build`.
    place.write("deps/libcounter_sys-0123456789abcdef.rlib", &archive);
    place.write("build/project/target/debug/build/counter-sys-0123456789abcdef/out/libcounter.a", &archive);
    place.write("vendor/libcounter.a", &archive);
    for (text, library) in [
        ("c_in_an_rlib", "deps/libcounter_sys-0123456789abcdef.rlib"),
        ("c_from_a_build_script", "build/project/target/debug/build/counter-sys-0123456789abcdef/out/libcounter.a"),
        ("c_from_a_build_script", "-Lbuild/project/target/debug/build/counter-sys-0123456789abcdef/out -lcounter"),
        ("c_of_no_known_crate", "vendor/libcounter.a"),
    ] {
        let ours = place.link(&format!("first.rcgu.o {library} --export=add_shared --export=counter")).failed(1);
        check(text, &ours, &place);
    }
    // The variable bears the name of the target that is built.
    let library = "-Llib/rustlib/wasm32v1-none/lib vendor/libcounter.a";
    let ours = place.link(&format!("first.rcgu.o {library} --export=add_shared --export=counter")).failed(1);
    assert!(ours.contains("\n          CFLAGS_wasm32v1_none = "), "{ours}");
    // A thin archive names the object's file.
    let object = place.path("counter.o");
    place.write("thin/libcounter.a", &Archive::thin().file(&object).bytes());
    let ours = place.link("first.rcgu.o thin/libcounter.a --export=add_shared --export=counter").failed(1);
    check("c_in_a_thin_archive", &ours, &place);
}

fn two_archives_with_the_same_member() {
    let place = inputs(Tool::RustLld);
    let other = COUNTER.replace("counter", "other");
    place.put("one/util.o", c("util", COUNTER, &[])).put("two/util.o", c("util", &other, &[]));
    place.write("deps/libone_sys-0123456789abcdef.rlib", &Archive::new().file(place.path("one/util.o")).bytes());
    place.write("build/two-sys-fedcba9876543210/out/libutil.a", &Archive::new().file(place.path("two/util.o")).bytes());
    let libraries = "deps/libone_sys-0123456789abcdef.rlib -Lbuild/two-sys-fedcba9876543210/out -lutil";
    // Only one is pulled in, and the linker's words do not say which.
    for export in ["counter", "other"] {
        let ours = place.link(&format!("first.rcgu.o {libraries} --export=add_shared --export={export}")).failed(1);
        check("two_crates", &ours, &place);
    }
}

/// One cause makes several lines, and several causes several texts.
fn several_causes() {
    let place = inputs(Tool::RustLld);
    place.put("defines.o", c("defines", "_Thread_local int local = 3; int get_local(void) { return local; }", &[]));
    let linked = place.link("uses.o defines.o --export=use_local --export=get_local");
    let ours = linked.failed(1);
    assert!(linked.ran.stderr_text().matches("R_WASM_MEMORY_ADDR_TLS_SLEB").count() > 1, "{:?}", linked.ran);
    check("refused_and_thread_local", &ours, &place);
}

/// The linker compiles it, and names it anew.
fn bitcode_without_atomics() {
    let place = inputs(Tool::WasmLd(22));
    place.put("with.o", c("with", ATOMIC_COUNT, &["-flto=thin", "-matomics", "-mbulk-memory"]));
    place.put("without.o", c("without", COUNTER, &["-flto=thin"]));
    let ours = place.link("with.o without.o --export=count --export=counter").failed(2);
    check("bitcode", &ours, &place);
    // Without the linker's check nothing would show it.
    let text =
        place.link("with.o without.o --no-check-features --export=count --export=counter").refused("object-without-atomics", 1);
    assert!(text.contains("without"), "{text}");
}

/// rustc shows the linker's words and ours together, and fails.
fn under_rustc() {
    let place = Place::new(Tool::RustLld);
    let sample = objects::threaded("sample", objects::ATOMIC);
    let run = sample.link(shim(), place.folder()).word("-Clink-arg=--max-memory").word("-Clink-arg=1073741824");
    let linked = place.run(run);
    let text = linked.ran.stderr_text();
    assert!(linked.ran.code() == Some(1) && linked.runs.len() == 1, "{:?}", linked.ran);
    let at = |what: &str| text.find(what).unwrap_or_else(|| panic!("it says {what}\n{text}"));
    assert!(at("unknown argument: --max-memory") < at("error[link-failed]: --max-memory takes its value in the same word"));
    assert!(!place.path("sample.wasm").exists());
}

/// rustup's `gcc-ld/wasm-ld`, under a link: it is for C compilers, and rustc's line is not for it.
fn linker_that_takes_no_flavor() {
    let place = inputs(Tool::RustLld);
    let for_c = place.linker().parent().expect("a folder").join("gcc-ld").join("wasm-ld");
    let link = place.path("wasm-ld");
    std::os::unix::fs::symlink(&for_c, &link).expect("a link");
    let words = ["-flavor", "wasm", "--no-entry", "atomic.o", "--export=add_shared", "-o", "out.wasm"];
    let run = |program: &Path| Run::new(program).words(words).folder(place.folder());
    let bare = run(&link).run().expect_code(1).expect_stderr("unknown argument: -flavor");
    let ran = run(shim()).env("WASM_THREADS_LINKER", &link).run().expect_code(1);
    let text = ran.stderr_text();
    check("linker_without_flavor", text.strip_prefix(&bare.stderr_text()).expect("the linker's words first"), &place);
    // Where it lies, the shim knows it and calls the one that is meant.
    run(shim()).env("WASM_THREADS_LINKER", &for_c).run().expect_success().expect_silence();
}

/// The generic lld, under a name that does not say what it links.
fn linker_that_was_not_told_what_to_link() {
    let place = inputs(Tool::RustLld);
    let link = place.path("my-linker");
    std::os::unix::fs::symlink(place.linker(), &link).expect("a link");
    let run = |program: &Path| {
        Run::new(program).words(["--no-entry", "atomic.o", "--export=add_shared", "-o", "out.wasm"]).folder(place.folder())
    };
    let bare = run(&link).run().expect_code(1);
    let ran = run(shim()).env("WASM_THREADS_LINKER", &link).run().expect_code(1);
    let text = ran.stderr_text();
    check("generic_linker", text.strip_prefix(&bare.stderr_text()).expect("the linker's words first"), &place);
    // With the words in front it is good, and so is one of our own before them.
    for first in [&[][..], &["--wasm-threads=threaded"][..]] {
        let run = Run::new(shim()).words(first).words(["-flavor", "wasm", "--no-entry", "atomic.o", "--export=add_shared"]);
        let run = run.words(["-o", "out.wasm"]).folder(place.folder()).env("WASM_THREADS_LINKER", &link);
        run.run().expect_success().expect_silence();
    }
}

/// rustc's own line for the target, and ours.
fn linker_too_old_for_wasi_threads() {
    let place = inputs(Tool::WasmLd(14));
    for words in ["--import-memory --export-memory --shared-memory MAX atomic.o", "atomic.o"] {
        let line = format!("{words} -L/none/rustlib/wasm32-wasip1-threads/lib");
        check("linker_too_old_for_wasi_threads", &place.link(&line.replace("MAX", MAX)).failed(1), &place);
    }
    // The first that knows it.
    if Tool::WasmLd(16).find().is_some() {
        let place = inputs(Tool::WasmLd(16));
        let linked = place.link("atomic.o --export=add_shared -L/none/rustlib/wasm32-wasip1-threads/lib");
        assert!(linked.ran.success(), "{:?}", linked.ran);
    }
}

/// The maximum is ours: by default, by the option, by the variable.
fn our_own_maximum_too_small() {
    let place = inputs(Tool::RustLld);
    let ours = place.link("atomic.o -z stack-size=2147483648 --export=add_shared").failed(1);
    check("our_maximum_too_small", &ours, &place);
    let line = "atomic.o -z stack-size=1048576 --export=add_shared";
    let ours = place.link(&format!("{line} --wasm-threads-max-memory=64KiB")).failed(1);
    check("our_maximum_set_too_small", &ours, &place);
    let ours = place.link_with(line, &[("WASM_THREADS_MAX_MEMORY", "64KiB")]).failed(1);
    check("our_maximum_set_too_small", &ours, &place);
    // The fix, as it is said, mends it.
    let fix = ours.split("link-arg=").nth(1).expect("a fix").trim();
    place.link_with(&format!("{line} {fix}"), &[("WASM_THREADS_MAX_MEMORY", "64KiB")]).threaded(1);
}
