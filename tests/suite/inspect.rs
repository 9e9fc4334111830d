//! `cargo wasm-threads inspect`, of modules by real tools, and of files that are none.

use crate::contract::encoded::{Sample, memory};
use crate::contract::hostile::{append_custom, sections};
use crate::linkers::{LINKERS, version};
use crate::support::clang::{self, ATOMICS};
use crate::support::link::cargo_wasm_threads;
use crate::support::{
    FLAVOR, Link, NoCore, Place, Ran, Run, Suite, THREADED, Tool, golden, objects, read, repository, shim, temp_folder,
};
use std::fs;
use std::path::{Path, PathBuf};

pub fn tests(suite: &mut Suite) {
    for linker in LINKERS {
        let name = |what: &str| format!("{what}_with_{}", linker.name());
        suite.test(&name("places"), &[Tool::Clang, Tool::Node, linker], move || places(linker, "wasm32", Tool::Node));
        // LLVM 19 and later give such a module a table of 64-bit indices; and this is how newer hosts take the limits.
        // LLVM 14 gives such a module's zeros a size of 32 bits, which no host takes.
        if version(linker) > 14 {
            let test = move || places(linker, "wasm64", Tool::NewNode);
            suite.test(&name("places_wasm64"), &[Tool::Clang, Tool::NewNode, linker], test);
        }
    }
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
    suite.test("names_drive_no_terminal", &[Tool::Node, Tool::Program("python3", "python3")], names_drive_no_terminal);
    suite.test("truncated", &[], truncated);
    suite.test("flipped", &rust, flipped);
    suite.test("not_a_module", &[], not_a_module);
    suite.test("usage", &[], usage);
    suite.test("pictures_are_written_with_care", &[Tool::Program("python3", "python3")], pictures_are_written_with_care);
    suite.test("colour_is_for_terminals", &[Tool::Program("python3", "python3")], colour_is_for_terminals);
    suite.test("nobody_listens", &[], nobody_listens);
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

// ------------------------------------------------------- what is really where

/// A way to link, and for each thing of `places.c` the kind of part it must be shown in.
struct Way {
    words: &'static [&'static str],
    threads: bool,
    heap: bool,
    from: u32,
    wanted: &'static str,
}

const WAYS: &[Way] = &[
    Way {
        words: &THREADED,
        threads: true,
        heap: true,
        from: 14,
        wanted: r#"{"text":"data","value":"data","zeros":"zeros","stack":"stack","local":"tls","heap":"heap"}"#,
    },
    // With nothing to go by but the start function and the first global.
    Way {
        words: &["--shared-memory", "--import-memory", "--max-memory=8589934592", "--strip-all"],
        threads: true,
        heap: true,
        from: 14,
        wanted: r#"{"text":"data","value":"data","zeros":"zeros","stack":"stack","local":"tls","heap":"heap"}"#,
    },
    Way {
        words: &[
            "--shared-memory",
            "--import-memory=own,proto",
            "--max-memory=1073741824",
            "--stack-first",
            "--global-base=200000",
        ],
        threads: true,
        heap: true,
        from: 16,
        wanted: r#"{"text":"data","value":"data","zeros":"zeros","stack":"stack","local":"tls","heap":"heap"}"#,
    },
    Way {
        words: &[
            "--shared-memory",
            "--import-memory",
            "--max-memory=1073741824",
            "--no-stack-first",
            "-z",
            "stack-size=300000",
        ],
        threads: true,
        heap: true,
        from: 22,
        wanted: r#"{"text":"data","value":"data","zeros":"zeros","stack":"stack","local":"tls","heap":"heap"}"#,
    },
    // A shared memory of its own: no zeros are written to it.
    Way {
        words: &["--shared-memory", "--max-memory=1073741824", "--export=__heap_base", "--export=__data_end"],
        threads: true,
        heap: true,
        from: 14,
        wanted: r#"{"text":"data","value":"data","zeros":"zeros","stack":"stack","local":"tls","heap":"heap"}"#,
    },
    // As rustc links without threads.
    Way {
        words: &["--stack-first", "--export=__heap_base", "--export=__data_end"],
        threads: false,
        heap: true,
        from: 14,
        wanted: r#"{"text":"data","value":"data","zeros":"zeros","stack":"stack","heap":"heap"}"#,
    },
    Way {
        words: &["--import-memory"],
        threads: false,
        heap: true,
        from: 14,
        wanted: r#"{"text":"data","value":"data","zeros":"zeros","stack":"stack","heap":"heap"}"#,
    },
    Way {
        words: &["--stack-first", "--export=__heap_base"],
        threads: false,
        heap: true,
        from: 14,
        wanted: r#"{"text":"data","value":"data","zeros":"zeros","stack":"stack","heap":"heap"}"#,
    },
    // What is not recorded is not said.
    Way {
        words: &["--stack-first"],
        threads: false,
        heap: true,
        from: 14,
        wanted: r#"{"text":"data","value":"data","zeros":"unknown","stack":"stack","heap":"unknown"}"#,
    },
    Way {
        words: &["--no-stack-first"],
        threads: false,
        heap: true,
        from: 22,
        wanted: r#"{"text":"data","value":"data","zeros":"unknown","stack":"unknown","heap":"heap"}"#,
    },
];

/// Each way linked and run: the addresses of things lie in the parts that the picture has for them.
fn places(linker: Tool, target: &str, node: Tool) {
    let source = fs::read_to_string(repository().join("tests/suite/inspect/places.c")).expect("a source");
    let host = repository().join("tests/suite/inspect/places.mjs");
    let folder = temp_folder();
    for way in WAYS.iter().filter(|way| version(linker) >= way.from) {
        let mut flags = vec!["-DHEAP"];
        flags.truncate(usize::from(way.heap));
        if way.threads {
            flags.extend(ATOMICS);
            flags.push("-DTHREADS");
        }
        let object = clang::object("places", target, &source, &flags);
        let output = folder.path().join("out.wasm");
        let emulation: &[&str] = if target == "wasm64" { &["-mwasm64"] } else { &[] };
        // 32 bits reach 4 GiB.
        let narrow =
            |word: &&str| if target == "wasm32" { word.replace("8589934592", "4294967296") } else { (*word).to_owned() };
        let run = Link::bare(linker.path()).words(flavor(linker)).words(emulation).word("--no-entry");
        run.words(way.words.iter().map(narrow)).word(&object).word("-o").word(&output).run().expect_success();

        let facts = folder.path().join("facts.json");
        fs::write(&facts, json(&output)).expect("a file");
        let ran = Run::new(node.path()).word(&host).word(&facts).word(&output).run();
        let mut wanted = way.wanted.to_owned();
        if version(linker) == 14 {
            // Its start function does not write the first thread's: whoever starts it says where they are.
            wanted = wanted.replace(r#""local":"tls""#, r#""local":"unused""#);
        }
        let found = ran.stdout_text();
        let found = if version(linker) == 14 { found.replace(r#""local":"stack""#, r#""local":"unused""#) } else { found };
        assert_eq!(found.trim_end(), wanted, "{:?} for {target}\n{ran:?}\n{}", way.words, shown(&output));
        assert!(ran.success(), "{ran:?}");
    }
}

fn flavor(linker: Tool) -> &'static [&'static str] {
    if linker == Tool::RustLld { &FLAVOR[..2] } else { &[] }
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

// --------------------------------------------------------------- what may hurt

/// What could drive a terminal, turn a line around, or break out of JSON, XML or JavaScript.
const HOSTILE: &str = "x\u{1b}[31m\u{7}\u{202e}\u{2066}\u{9b}\"'\\</text>&\n\r\u{0}\u{200b}é";

fn names_drive_no_terminal() {
    use crate::contract::encoded::Thing;
    let mut sample = Sample::new();
    sample.import = (HOSTILE, HOSTILE);
    sample.exports.push((concat_thread(), Thing::Function(2)));
    sample.exports.push((HOSTILE, Thing::Memory));
    sample.features = Some(vec![('\u{7}', "\u{1b}[2J")]);
    let mut bytes = sample.bytes();
    append_custom(&mut bytes, "wasm-threads", format!("wasm-threads: required by {}\n", HOSTILE.replace('\n', "")).as_bytes());
    append_custom(&mut bytes, "producers", &producers(HOSTILE));
    append_custom(&mut bytes, "name", &names(HOSTILE));
    let folder = temp_folder();
    // The file's own name, too.
    let file = folder.path().join("a\u{1b}[31m\u{202e}.wasm");
    fs::write(&file, &bytes).expect("a file");
    let picture = folder.path().join("picture.svg");
    for locale in ["C.UTF-8", "C"] {
        let ran = inspect().word("--svg").word(&picture).word(&file).env("LC_ALL", locale).run().expect_success();
        assert_harmless(&ran);
        assert_fits(&ran.stdout_text());
        for wanted in ["data x\\u{1b}", "required by", "made by       x\\u{1b}", "\\u{202e}"] {
            assert_says(&ran.stdout_text(), wanted);
        }
    }
    let svg = fs::read_to_string(&picture).expect("a picture");
    assert!(!svg.contains(|character: char| character.is_control() && character != '\n'), "{svg}");
    let parse = "import sys, xml.dom.minidom as m; d = m.parse(sys.argv[1]); assert len(d.getElementsByTagName('title')) > 2";
    Run::new(Tool::Program("python3", "python3").path()).words(["-c", parse]).word(&picture).run().expect_success();

    fs::write(folder.path().join("facts.json"), json(&file)).expect("a file");
    let check = "
        const facts = JSON.parse(require('fs').readFileSync(process.argv[1], 'utf8'));
        const [module] = facts.modules, [memory] = module.memories, name = process.env.NAME_IN_HEX;
        const hex = text => Buffer.from(text).toString('hex');
        const same = [memory.import.module, memory.import.name, module.segments[1].name, module.producers[0].name, memory.exported_as[0]];
        if (!same.every(text => hex(text) === name)) throw new Error(same.map(hex).join(' '));
        const made = eval(memory.javascript);
        const imports = Function('memory', `return (${memory.javascript_imports})`)(made);
        if (imports[memory.import.module][memory.import.name] !== made) throw new Error('another memory');
    ";
    let hex: String = HOSTILE.bytes().map(|byte| format!("{byte:02x}")).collect();
    let node = Run::new(Tool::Node.path()).words(["-e", check]).word(folder.path().join("facts.json"));
    node.env("NAME_IN_HEX", hex).run().expect_success();

    // And in what is said of a file that cannot be read.
    fs::write(&file, b"none").expect("a file");
    assert_harmless(&inspect().word(&file).run().expect_code(2));
}

fn concat_thread() -> &'static str {
    "__wbindgen_thread_\u{1b}]0;title\u{7}\u{2028}"
}

/// A producers section of one entry.
fn producers(name: &str) -> Vec<u8> {
    let text = |text: &str| [&[text.len() as u8][..], text.as_bytes()].concat();
    [&[1][..], &text("language"), &[1], &text(name), &text("1")].concat()
}

/// A name section that names the second data segment.
fn names(name: &str) -> Vec<u8> {
    let entry = [&[1, 1, name.len() as u8][..], name.as_bytes()].concat();
    [&[9, entry.len() as u8][..], &entry].concat()
}

#[track_caller]
fn assert_harmless(ran: &Ran) {
    for text in [ran.stdout_text(), ran.stderr_text()] {
        let bad = text.chars().find(|character| {
            (character.is_control() && *character != '\n')
                || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
        });
        assert_eq!(bad, None, "{ran:?}");
    }
}

#[track_caller]
fn assert_is_shown_or_refused(ran: &Ran, what: &str) {
    assert_harmless(ran);
    match ran.code() {
        Some(0) => assert!(ran.stderr.is_empty(), "{what}: {ran:?}"),
        Some(2) => {
            let text = ran.stderr_text();
            let placed = ["byte ", "an empty file", "not a WebAssembly file", "of the unknown version"];
            assert!(ran.stdout.is_empty() && text.lines().count() == 1, "{what}: {ran:?}");
            assert!(placed.iter().any(|words| text.contains(words)), "it says where: {what}: {ran:?}");
        }
        _ => panic!("{what}: {ran:?}"),
    }
}

fn truncated() {
    let folder = temp_folder();
    let bytes = Sample::new().bytes();
    // Nothing at all, types, and imports are modules, and so is what lacks but the custom section at the end.
    let sections = sections(&bytes);
    let ends = sections.iter().filter(|(id, _)| matches!(id, 0 | 1 | 2 | 11)).map(|(_, range)| range.end);
    let whole: Vec<usize> = ends.chain([8]).collect();
    for cut in 0..bytes.len() {
        let ran = inspect().word(written(folder.path(), &bytes[..cut])).run();
        assert_is_shown_or_refused(&ran, &format!("cut off at {cut}"));
        assert_eq!(ran.code() == Some(0), whole.contains(&cut), "cut off at {cut}");
    }
}

fn flipped() {
    let place = Place::new(Tool::RustLld);
    place.put("atomic.o", objects::atomic());
    place.link("atomic.o --export=add_shared --export=add_local").threaded(1);
    let mut bytes = read(place.path("out.wasm"));
    let folder = temp_folder();
    for at in 8..bytes.len() {
        let was = bytes[at];
        // A different bit each time.
        bytes[at] ^= 1 << (at % 8);
        let ran = inspect().word(written(folder.path(), &bytes)).run();
        assert_is_shown_or_refused(&ran, &format!("byte {at} flipped"));
        bytes[at] = was;
    }
}

fn not_a_module() {
    let folder = temp_folder();
    for (bytes, problem) in [
        (&b""[..], "an empty file"),
        (b"hello", "not a WebAssembly file"),
        (b"\0asm\x02\0\0\0", "WebAssembly of the unknown version [2, 0, 0, 0]"),
        (b"\0asm\x0d\0\x01\0\x01\x05", "cut off: the section at byte 8 ends at 15, what it is in at 10"),
        (b"\0asm\x0d\0\x01\0\x04\x02ab", "a component that is none (at byte 10)"),
        (b"\0asm\x01\0\0\0\x05\x04\x01\x03\x01", "cut off: the section at byte 8 ends at 14, the file at 13"),
        (b"\0asm\x01\0\0\0\x05\x03\x01\x03\x01", "unexpected end-of-file (at byte 13)"),
        (b"\0asm\x01\0\0\0\x05\x03\x01\x02\x01", "a shared memory without a maximum (in the section at byte 10)"),
    ] {
        let ran = inspect().word(written(folder.path(), bytes)).run().expect_code(2);
        assert!(ran.stdout.is_empty(), "{ran:?}");
        ran.expect_stderr(&format!("module.wasm cannot be read: {problem}"));
    }
    // Components in one another without end.
    let mut deep = b"\0asm\x0d\0\x01\0".to_vec();
    for _ in 0..200 {
        let mut size = Vec::new();
        let mut left = deep.len();
        while left >= 0x80 {
            size.push(left as u8 | 0x80);
            left >>= 7;
        }
        size.push(left as u8);
        deep = [&b"\0asm\x0d\0\x01\0\x04"[..], &size, &deep].concat();
    }
    inspect().word(written(folder.path(), &deep)).run().expect_code(2).expect_stderr("more than 64 components in one another");
    inspect().word(folder.path().join("none")).run().expect_code(2).expect_stderr("none cannot be read: ");
    inspect().word(folder.path()).run().expect_code(2).expect_stderr(" cannot be read: ");
    // An empty module has nothing to draw, and is shown.
    let empty = written(folder.path(), b"\0asm\x01\0\0\0");
    assert_says(&shown(&empty), "not threaded: memory-missing");
    let picture = folder.path().join("picture.svg");
    inspect().word("--svg").word(&picture).word(empty).run().expect_code(2).expect_stderr("there is no memory to draw");
    assert!(!picture.exists());
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

fn pictures_are_written_with_care() {
    let folder = temp_folder();
    let file = written(folder.path(), &Sample::new().bytes());
    let picture = folder.path().join("picture.svg");
    inspect().word("--svg").word(&picture).word(&file).run().expect_success();
    let svg = fs::read_to_string(&picture).expect("a picture");
    golden::check("inspect/picture", &svg, &[]);
    // By the option in one word, and beside JSON.
    let ran =
        inspect().word(format!("--svg={}", picture.display())).words(["--format=json"]).word(&file).run().expect_success();
    assert!(ran.stdout_text().starts_with("{\n") && fs::read_to_string(&picture).expect("a picture") == svg);
    // For readers who do not see it, from one file, in light and dark.
    for wanted in [
        "role=\"img\"",
        "aria-labelledby=\"title description\"",
        "<title id=\"title\">The memory of module.wasm",
        "<desc ",
        "prefers-color-scheme: dark",
    ] {
        assert_says(&svg, wanted);
    }
    assert!(!svg.contains("href") && !svg.contains("@import") && !svg.contains("http://www.w3.org/1999"), "{svg}");
    // Each text, were every letter as wide as two thirds of its height, ends inside; what stands in a part is inside of it.
    let check = "
import sys, xml.dom.minidom as m
d = m.parse(sys.argv[1]).documentElement
w = int(d.getAttribute('width'))
h = int(d.getAttribute('height'))
n = 0
for t in d.getElementsByTagName('text'):
    x, y, c = int(t.getAttribute('x')), int(t.getAttribute('y')), t.getAttribute('class').split()
    size = 19 if 'name' in c else 13
    wide = len(t.firstChild.data) * size * 0.66
    left = x - wide if 'end' in c else x - wide / 2 if 'letter' in c or 'over' in c else x
    assert 0 <= left and left + wide <= w and 0 < y < h, (t.toxml(), left, wide)
    n += 1
assert n > 10, n
for r in d.getElementsByTagName('rect'):
    if 'part' in r.getAttribute('class'):
        x, rw = int(r.getAttribute('x')), int(r.getAttribute('width'))
        assert rw >= 1 and x + rw <= w, r.toxml()
";
    let mut long = Sample::new();
    long.import = ("a module's very long name that goes on and on and on", "and a name that is no shorter than the first one");
    long.memories[0].0 = wasm_encoder::MemoryType { memory64: true, ..memory(1 << 40, 1 << 48) };
    for sample in [Sample::new(), long] {
        fs::write(&file, sample.bytes()).expect("a file");
        let far = folder.path().join(format!("{}.svg", "long".repeat(20)));
        inspect().word("--svg").word(&far).word(&file).run().expect_success();
        Run::new(Tool::Program("python3", "python3").path()).words(["-c", check]).word(&far).run().expect_success();
    }
    // The module itself is not the place, by whatever name; nor is a folder.
    let before = read(&file);
    let same = folder.path().join(".").join("module.wasm");
    for path in [file.as_path(), &same] {
        inspect().word("--svg").word(path).word(&file).run().expect_code(2).expect_stderr("is the module itself");
    }
    assert_eq!(read(&file), before);
    inspect().word("--svg").word(folder.path()).word(&file).run().expect_code(2).expect_stderr("cannot write ");
}

fn colour_is_for_terminals() {
    let folder = temp_folder();
    let file = written(folder.path(), &Sample::new().bytes());
    let spawn = "import pty, sys; pty.spawn(sys.argv[1:])";
    let in_terminal = |variables: &[(&str, &str)]| {
        let run = Run::new(Tool::Program("python3", "python3").path()).words(["-c", spawn]).word(cargo_wasm_threads());
        let run = run.word("inspect").word(&file).env("TERM", "xterm").env("LC_ALL", "C.UTF-8");
        let run = variables.iter().fold(run, |run, (name, value)| run.env(name, value));
        run.run().expect_success().stdout_text().replace("\r\n", "\n")
    };
    let coloured = in_terminal(&[]);
    assert!(coloured.contains("\x1b[1;32mthreaded\x1b[0m"), "{coloured:?}");
    // The colours are all that differs.
    let mut plain = String::new();
    let mut rest = coloured.as_str();
    while let Some((before, after)) = rest.split_once("\x1b[") {
        plain += before;
        rest = after.split_once('m').expect("a colour").1;
    }
    plain += rest;
    assert_eq!(plain, shown(&file));
    for variables in [[("NO_COLOR", "1")], [("TERM", "dumb")]] {
        assert_eq!(in_terminal(&variables), shown(&file), "{variables:?}");
    }
}

fn nobody_listens() {
    let folder = temp_folder();
    let file = written(folder.path(), &Sample::new().bytes());
    let shell = |text: &str| Run::new("/bin/sh").words(["-c", text]).word(cargo_wasm_threads()).word(&file).run();
    shell("exec \"$0\" inspect \"$1\" >/dev/full").expect_code(2).expect_stderr("error: cannot write the output: ");
    let ran = shell("{ \"$0\" inspect \"$1\"; echo $? >&2; } | true");
    // It may have written before the reader went.
    assert_eq!(ran.stderr_text(), "0\n", "{ran:?}");
}
