//! `cargo wasm-threads inspect`, of modules by real tools, and of files that are none. Here are its texts and its JSON.

mod hostile;
mod places;

use self::hostile::assert_is_shown_or_refused;
use crate::contract::encoded::{Sample, memory};
use crate::contract::hostile::append_custom;
use crate::support::clang::{self, ATOMICS};
use crate::support::link::cargo_wasm_threads;
use crate::support::{
    FLAVOR, Link, NoCore, Place, Run, Suite, THREADED, Tool, golden, objects, read, repository, shim, temp_folder,
};
use std::fs;
use std::path::{Path, PathBuf};

pub fn tests(suite: &mut Suite) {
    places::tests(suite);
    hostile::tests(suite);
    let c = [Tool::Clang, Tool::WasmLd(22)];
    suite.test("threaded", &c, threaded);
    suite.test("unthreaded", &c, unthreaded);
    suite.test("wasm64", &c, wide);
    let rust = [Tool::Rustc, Tool::RustLld];
    suite.test("bare_and_through_the_shim", &rust, bare_and_through_the_shim);
    suite.test("words_for_wasm_opt", &[&rust[..], &[Tool::Program("wasm-opt", "binaryen")]].concat(), words_for_wasm_opt);
    suite.test("wasi_threads", &rust, wasi_threads);
    suite.test("shape_of_the_json", &[Tool::Clang, Tool::WasmLd(22), Tool::Node], shape_of_the_json);
    suite.test("emscripten", &[Tool::Emcc, Tool::Node], emscripten);
    suite.test("component", &[Tool::ComponentLinker], component);
    suite.test("limits", &[Tool::Node], limits);
    suite.test("parts_that_lie", &[], parts_that_lie);
    suite.test("several_memories_and_pages_of_a_byte", &[], several_memories_and_pages_of_a_byte);
    suite.test("after_wasm_bindgen", &[], after_wasm_bindgen);
    suite.test("usage", &[], usage);
}

// --------------------------------------------------------------------- helpers

fn inspect() -> Run {
    Run::new(cargo_wasm_threads()).word("inspect")
}

/// What is shown of a file, in Unicode.
#[track_caller]
fn shown(file: &Path) -> String {
    let ran = inspect().word(file).env("LC_ALL", "C.UTF-8").run().expect_success();
    assert!(ran.stderr.is_empty(), "{ran:?}");
    let text = ran.stdout_text();
    assert_fits(&text);
    text
}

#[track_caller]
fn json(file: &Path) -> String {
    let ran = inspect().words(["--format", "json"]).word(file).run().expect_success();
    assert!(ran.stderr.is_empty() && ran.stdout.is_ascii(), "{ran:?}");
    ran.stdout_text()
}

/// No line but that of JavaScript, which is to be copied, is wider than a terminal.
#[track_caller]
fn assert_fits(text: &str) {
    let long = text.lines().find(|line| line.chars().count() > 80 && !line.contains("new WebAssembly"));
    assert_eq!(long, None, "in 80 columns:\n{text}");
}

#[track_caller]
fn assert_says(text: &str, wanted: &str) {
    assert!(text.contains(wanted), "the text has: {wanted}\n{text}");
}

/// Without what depends on the build of a compiler: who made it, and how many bytes that took.
fn stable(text: &str) -> String {
    let mut lines = Vec::new();
    let mut skipped = false;
    for line in text.lines() {
        let label = line.get(..16).unwrap_or_default().trim();
        skipped = matches!(label, "size" | "made by") || (skipped && label.is_empty() && !line.is_empty());
        if !skipped {
            lines.push(line);
        }
    }
    lines.join("\n") + "\n"
}

fn written(folder: &Path, bytes: &[u8]) -> PathBuf {
    let file = folder.join("module.wasm");
    fs::write(&file, bytes).expect("a file");
    file
}

/// A module of two memories at most, as one of ours sees it.
#[track_caller]
fn shown_of(sample: &Sample) -> String {
    let folder = temp_folder();
    shown(&written(folder.path(), &sample.bytes()))
}

// ------------------------------------------------------------------- the texts

/// A module of C with data, zeros and a thread-local, by wasm-ld 22.
fn linked(folder: &Path, target: &str, words: &[&str]) -> PathBuf {
    let source = fs::read_to_string(repository().join("tests/suite/inspect/places.c")).expect("a source");
    let threads = [&ATOMICS[..], &["-DTHREADS"]].concat();
    let flags = if words.contains(&"--shared-memory") { &threads[..] } else { &[] };
    let object = clang::object("places", target, &source, flags);
    let output = folder.join("places.wasm");
    let run = Run::new(Tool::WasmLd(22).path()).word("--no-entry").words(words).word(object).word("-o").word(&output);
    run.run().expect_success();
    output
}

fn threaded() {
    let folder = temp_folder();
    let file = linked(folder.path(), "wasm32", &THREADED);
    golden::check("inspect/threaded", &stable(&shown(&file)), &[]);
    // Plain letters: asked for, by the locale, or where there is none.
    let ascii = inspect().word("--ascii").word(&file).env("LC_ALL", "C.UTF-8").run().expect_success();
    assert!(ascii.stdout.is_ascii(), "{ascii:?}");
    golden::check("inspect/threaded-ascii", &stable(&ascii.stdout_text()), &[]);
    let without = |name: &str, value: &str| inspect().word(&file).env(name, value).run().stdout_text();
    assert_eq!(inspect().word(&file).run().stdout_text(), ascii.stdout_text());
    assert_eq!(without("LANG", "C"), ascii.stdout_text());
    assert_eq!(without("LC_CTYPE", "de_DE.utf8"), shown(&file));
    let both = inspect().word(&file).env("LANG", "de_DE.UTF-8").env("LC_ALL", "C").run().stdout_text();
    assert_eq!(both, ascii.stdout_text(), "LC_ALL wins");
    // As cargo calls it.
    let by_cargo = Run::new(cargo_wasm_threads()).words(["wasm-threads", "inspect", "--ascii", "--"]).word(&file).run();
    assert_eq!(by_cargo.expect_success().stdout_text(), ascii.stdout_text());
}

fn unthreaded() {
    let folder = temp_folder();
    let file = linked(folder.path(), "wasm32", &["--stack-first", "-z", "stack-size=1048576"]);
    golden::check("inspect/unthreaded", &stable(&shown(&file)), &[]);
}

fn wide() {
    let folder = temp_folder();
    let words = [&["-mwasm64"][..], &THREADED, &["--max-memory=17179869184"]].concat();
    let file = linked(folder.path(), "wasm64", &words);
    golden::check("inspect/wasm64", &stable(&shown(&file)), &[]);
}

fn bare_and_through_the_shim() {
    let place = Place::new(Tool::RustLld);
    place.put("atomic.o", objects::atomic());
    let line = "atomic.o --export=add_shared --export=add_local --stack-first -z stack-size=1048576";
    let output = place.path("out.wasm");
    place.link(line).threaded(1);
    let text = shown(&output);
    for wanted in [
        "out.wasm\nthreaded\n",
        "imported as env.memory, shared\n",
        "17 pages     1114112 bytes  1.1 MiB\n",
        "16384 pages  1073741824 bytes  1 GiB\n",
        "\n    new WebAssembly.Memory({ initial: 17, maximum: 16384, shared: true })\n",
        "stack of the first thread",
        "data .data",
        "__wasm_init_tls, __tls_size = 4, __tls_align = 4, __tls_base,",
        "and 2 others",
        "which writes the data",
    ] {
        assert_says(&text, wanted);
    }
    let (_, module) = place.bare(line);
    fs::write(&output, module.expect("a module")).expect("a file");
    let text = shown(&output);
    assert_says(&text, "out.wasm\nnot threaded: memory-not-shared, active-data-segment\n");
    assert_says(&text, "JavaScript    none is needed: the module makes its memory itself\n");
    assert!(!text.contains("new WebAssembly"), "{text}");

    // A maximum that phones do not take is told, and the smaller one that does without another link.
    place.link(&format!("{line} --max-memory=4294967296")).threaded(1);
    let text = shown(&output);
    assert_says(&text, "maximum: 65536, shared: true");
    assert_says(&text, "note: the maximum is more than most phones accept (1 GiB)");
    assert_says(&text, "16384");

    // Whoever said it must be threaded.
    let mut bytes = read(&output);
    append_custom(&mut bytes, "wasm-threads", b"wasm-threads: required by one\nwasm-threads: required by another\n");
    fs::write(&output, bytes).expect("a file");
    assert_says(&shown(&output), "required by   one, another\n");
}

/// What a stripped module uses is told in wasm-opt's words, and wasm-opt is content with them; with fewer it is not.
fn words_for_wasm_opt() {
    let place = Place::new(Tool::RustLld);
    place.put("atomic.o", objects::atomic());
    let line = "atomic.o --export=add_shared --export=add_local --export=__stack_pointer";
    place.link(line).threaded(1);
    let output = place.path("out.wasm");
    assert!(!shown(&output).contains("wasm-opt"), "the module says what it uses");
    place.link(&format!("{line} --strip-all")).threaded(1);
    let text = shown(&output);
    let words = ["--enable-bulk-memory", "--enable-mutable-globals", "--enable-threads"];
    assert_says(&text, &format!("\n  wasm-opt      {}\n", words.join(" ")));
    let list = words.map(|word| format!("        \"{word}\"")).join(",\n");
    assert_says(&json(&output), &format!("\"wasm_opt\": [\n{list}\n      ]"));
    let optimized = place.path("optimized.wasm");
    let wasm_opt = |words: &[&str]| {
        let _ = fs::remove_file(&optimized);
        Run::new(Tool::Program("wasm-opt", "binaryen").path())
            .words(["-O2"])
            .words(words)
            .word(&output)
            .word("-o")
            .word(&optimized)
            .run()
    };
    wasm_opt(&words).expect_success();
    assert_says(&shown(&optimized), "imported as env.memory, shared\n");
    // Newer versions take mutable globals for granted; 108 does not.
    for left_out in words.into_iter().filter(|word| *word != "--enable-mutable-globals") {
        let fewer: Vec<&str> = words.into_iter().filter(|word| *word != left_out).collect();
        assert!(!wasm_opt(&fewer).success(), "without {left_out}");
    }
}

fn wasi_threads() {
    const SOURCE: &str = r#"
    #[link(wasm_import_module = "wasi")] unsafe extern "C" { #[link_name = "thread-spawn"] fn thread_spawn(argument: i32) -> i32; }
    static mut SHARED: i32 = 7;
    #[unsafe(no_mangle)] pub unsafe extern "C" fn wasi_thread_start(thread: i32, _: i32) { unsafe { atomic_add(&raw mut SHARED, thread); } }
    #[unsafe(no_mangle)] pub unsafe extern "C" fn _start() { unsafe { thread_spawn(0); } }
    "#;
    let folder = temp_folder();
    let object = NoCore::new(SOURCE).target("wasm32-wasip1-threads").threaded().object();
    let output = folder.path().join("out.wasm");
    let four = ["--import-memory", "--export-memory", "--shared-memory", "--max-memory=4294967296"];
    let run =
        Link::bare(Tool::RustLld.path()).words(FLAVOR).words(four).words(["--export=wasi_thread_start", "--export=_start"]);
    run.word(object).word("-o").word(&output).run().expect_success();
    let text = shown(&output);
    for wanted in [
        "\nthreaded\n",
        "imported as env.memory, shared and exported as memory",
        "host          wasi-threads",
        "exports       wasi_thread_start, _start, and",
        "imports       wasi.thread-spawn,",
    ] {
        // One more export may be there or not, as the linker's version has it.
        assert_says(&text, wanted.trim_end_matches(", and").trim_end_matches(','));
    }
    assert!(!text.contains("phones"), "no phone runs it\n{text}");
}

fn emscripten() {
    let folder = temp_folder();
    let source = "#include <pthread.h>\n#include <stdlib.h>\nstatic _Thread_local int local = 5; static int all[1000];\n\
                  static void *go(void *x) { all[local++]++; return malloc(local); }\n\
                  int main(void) { pthread_t t; pthread_create(&t, 0, go, 0); pthread_join(t, 0); return local + all[5]; }\n";
    fs::write(folder.path().join("main.c"), source).expect("a source");
    for (level, import, more) in [("-O0", "env.memory", ""), ("-O3", "a.a", "-sALLOW_MEMORY_GROWTH"), ("-O2", "env.memory", "")]
    {
        let words = format!("-pthread {level} main.c -o out.js {more}");
        let words = words.split_whitespace();
        let emcc = Run::new(Tool::Emcc.path()).words(words).folder(folder.path()).env("NODE_PATH", "/usr/share/nodejs");
        emcc.run().expect_success();
        let text = shown(&folder.path().join("out.wasm"));
        for wanted in [
            "out.wasm\nthreaded\n",
            &format!("imported as {import}, shared"),
            "host          Emscripten\n",
            "heap",
            "  5242880  5 MiB\n",
            "(for each thread)",
            "(taken for it: the first global that can be",
        ] {
            assert_says(&text, wanted);
        }
        assert!(!text.contains("not known"), "{text}");
    }
    // Without pthreads it is not.
    let words = ["-O1", "main.c", "-o", "out.js"];
    let emcc = Run::new(Tool::Emcc.path()).words(words).folder(folder.path()).env("NODE_PATH", "/usr/share/nodejs");
    emcc.run().expect_success();
    assert_says(&shown(&folder.path().join("out.wasm")), "not threaded: memory-not-shared");
}

fn component() {
    let folder = temp_folder();
    NoCore::new(objects::NEUTRAL).target("wasm32-wasip2").link(shim(), folder.path()).run().expect_success();
    let file = folder.path().join("sample.wasm");
    let text = shown(&file);
    for wanted in
        ["sample.wasm: a component with 1 core module; a component has no shared memory\n", "\nModule 0, ", "not threaded"]
    {
        assert_says(&text, wanted);
    }
    assert_says(&json(&file), "\"component\": true");
    // Cut off inside, the place is told.
    let whole = read(&file);
    for cut in (9..whole.len()).step_by(7) {
        fs::write(&file, &whole[..cut]).expect("a file");
        assert_is_shown_or_refused(&inspect().word(&file).run(), "a component");
    }
}

/// Every member of the JSON by its path, as it is documented.
fn shape_of_the_json() {
    let folder = temp_folder();
    let file = linked(folder.path(), "wasm32", &THREADED);
    let shape = "
        const paths = {};
        const walk = (value, path) => {
            if (Array.isArray(value)) value.forEach(member => walk(member, path + '[]'));
            else if (value && typeof value === 'object') Object.entries(value).forEach(([name, member]) => walk(member, path + '.' + name));
            paths[path] = value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value;
        };
        const facts = JSON.parse(require('fs').readFileSync(process.argv[1], 'utf8'));
        walk(facts, '');
        const lines = Object.entries(paths).filter(([path, type]) => type !== 'object').map(([path, type]) => `${path}: ${type}`);
        console.log(lines.sort().join('\\n'));
        const [memory] = facts.modules[0].memories;
        if (facts.version !== 1 || memory.maximum_bytes !== 2 ** 30 || memory.shared !== true) throw new Error('other values');
    ";
    fs::write(folder.path().join("facts.json"), json(&file)).expect("a file");
    let ran = Run::new(Tool::Node.path()).words(["-e", shape]).word(folder.path().join("facts.json")).run().expect_success();
    golden::check("inspect/json-shape", &ran.stdout_text(), &[]);
    golden::check("inspect/json-layout", json(&file).split("\"layout\"").nth(1).expect("a layout"), &[]);
}

/// Lines of JavaScript for limits at the edge: node takes them all.
fn limits() {
    for (limits, wanted) in [
        (memory(1, 65_536), "new WebAssembly.Memory({ initial: 1, maximum: 65536, shared: true })"),
        (memory(0, 1), "new WebAssembly.Memory({ initial: 0, maximum: 1, shared: true })"),
        (wasm_encoder::MemoryType { maximum: None, shared: false, ..memory(3, 3) }, "new WebAssembly.Memory({ initial: 3 })"),
        (wasm_encoder::MemoryType { shared: false, ..memory(3, 4) }, "new WebAssembly.Memory({ initial: 3, maximum: 4 })"),
    ] {
        let mut sample = Sample::new();
        sample.memories[0].0 = limits;
        assert_says(&shown_of(&sample), &format!("\n    {wanted}\n"));
        Run::new(Tool::Node.path()).words(["-e", wanted]).run().expect_success();
    }
    // More than any engine gives: the line has what they do, and a note says so.
    let mut sample = Sample::new();
    sample.memories[0].0 = wasm_encoder::MemoryType { memory64: true, ..memory(2, 1 << 48) };
    let text = shown_of(&sample);
    assert_says(&text, "{ address: 'i64', initial: 2n, maximum: 262144n, shared: true }");
    assert_says(&text, "note: JavaScript gives a memory at most 262144 pages");
    assert_says(&text, "18446744073709551616 bytes  16 EiB");
    sample.memories[0].0.minimum = 1 << 48;
    assert_says(&shown_of(&sample), "JavaScript    there is none: JavaScript makes no memory of that size");
}

/// Words of the linker that cannot be true.
fn parts_that_lie() {
    use crate::contract::encoded::Thing;
    let mut sample = Sample::new();
    let text = shown_of(&sample);
    assert!(!text.contains("which cannot be"), "{text}");
    // Its first global is no stack pointer, and known as another.
    assert_says(&text, "note: where the stack is is not known: no stack pointer was found");
    assert_says(&text, "data, segment 1");
    for (name, value, wanted) in [
        ("__heap_base", 1_048_586, "note: __heap_base is 0x10000a, which cannot be"),
        ("__heap_base", 0x7fff_ffff, "note: __heap_base is 0x7fffffff, which cannot be"),
        ("__data_end", 5, "note: __data_end is 0x5, which cannot be"),
        ("__data_end", -1, "note: __data_end is 0xffffffff, which cannot be"),
    ] {
        let mut sample = Sample::new();
        sample.export(name, Some(Thing::Global(false, value)));
        assert_says(&shown_of(&sample), wanted);
    }
    let mut inside = Sample::new();
    inside.exports.push(("__stack_pointer", Thing::Global(true, 1_048_580)));
    assert_says(&shown_of(&inside), "note: the stack pointer begins at 0x100004, inside the data");
    // Data behind the end, and data on data.
    sample.memories[0].0 = memory(16, 17);
    assert_says(&shown_of(&sample), "note: data is written beyond the end of the memory");
    let mut sample = Sample::new();
    sample.segments.push((b"shared data", false));
    assert_says(&shown_of(&sample), "note: data segments lie over one another");
}

fn several_memories_and_pages_of_a_byte() {
    let mut sample = Sample::new();
    sample.memories.push((wasm_encoder::MemoryType { page_size_log2: Some(0), ..memory(7, 1000) }, false));
    let text = shown_of(&sample);
    for wanted in [
        "Memory 0  imported as env.memory",
        "Memory 1  the module's own, shared",
        "1000 pages  1000 bytes",
        "pages         of 1 byte",
    ] {
        assert_says(&text, wanted);
    }
    let mut sample = Sample::new();
    sample.memories[0].0 = wasm_encoder::MemoryType { page_size_log2: Some(0), ..memory(2_000_000, 3_000_000) };
    assert_says(
        &shown_of(&sample),
        "JavaScript    there is none: JavaScript cannot make a memory with pages of\n                another size",
    );
    let mut sample = Sample::new();
    sample.memories.clear();
    sample.segments.clear();
    assert_says(&shown_of(&sample), "not threaded: memory-missing");
}

/// It is judged as what it is.
fn after_wasm_bindgen() {
    let mut sample = Sample::new();
    sample.after_wasm_bindgen();
    let text = shown_of(&sample);
    assert_says(&text, "module.wasm\nthreaded\n");
    assert_says(&text, "JavaScript, after wasm-bindgen");
    // Its start function is an export now; who writes the data is found all the same.
    assert_says(&text, "data, segment 1");
    assert_says(&text, "0x100000");
    sample.memories[0].0.shared = false;
    assert_says(&shown_of(&sample), "not threaded: memory-not-shared");
}

fn usage() {
    let cases: &[(&[&str], &str)] = &[
        (&[], "which file? none was named"),
        (&["--json", "a.wasm"], "inspect does not take \"--json\""),
        (&["-x", "a.wasm"], "inspect does not take \"-x\""),
        (&["--ascii=yes", "a.wasm"], "inspect does not take \"--ascii=yes\""),
        (&["--format", "xml", "a.wasm"], "--format is text or json"),
        (&["--format"], "--format wants text or json behind it"),
        (&["--svg"], "--svg wants a file to write behind it"),
        (&["--svg=", "a.wasm"], "--svg wants a file to write behind it"),
        (&["a.wasm", "b.wasm"], "inspect takes one file; \"b.wasm\" is another"),
    ];
    for (words, problem) in cases {
        let ran = inspect().words(*words).run().expect_code(2);
        ran.expect_stderr(&format!("error: {problem}\n\nUsage: cargo wasm-threads inspect [OPTIONS] FILE\n\nMore: "));
    }
    let all = Run::new(cargo_wasm_threads()).word("--help").run().expect_success().stdout_text();
    assert_says(&all, "\n  inspect FILE ");
}
