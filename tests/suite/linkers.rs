//! The same objects by every version of the real linker: what all of them make of C, and what becomes of an option that only the
//! newer ones know.

use crate::support::archive::Archive;
use crate::support::clang::{self, ADDERS, ATOMICS};
use crate::support::place::OUTPUT;
use crate::support::{FLAVOR, Facts, Place, Run, Suite, Tool, assert_same_bytes, golden, read, shim, two_adders};

pub const LINKERS: [Tool; 5] = [Tool::RustLld, Tool::WasmLd(14), Tool::WasmLd(16), Tool::WasmLd(19), Tool::WasmLd(22)];

/// The version of LLVM that a linker has, as far as it matters here.
pub fn version(linker: Tool) -> u32 {
    match linker {
        Tool::WasmLd(version) => version,
        _ => 22,
    }
}

pub fn tests(suite: &mut Suite) {
    for linker in LINKERS {
        let name = |what: &str| format!("{what}_with_{}", linker.name());
        let needs = [Tool::Clang, linker];
        suite.test(&name("objects_of_c"), &needs, move || objects_of_c(linker));
        suite.test(&name("options"), &needs, move || options(linker));
        suite.test(&name("ways"), &needs, move || ways(linker));
        suite.test(&name("in_node"), &[Tool::Clang, Tool::Node, linker], move || in_node(linker));
    }
}

const THREAD_LOCAL_ONLY: &str = "
static _Thread_local int local = 5;
__attribute__((export_name(\"add_local\"))) int add_local(int by) { return local += by; }
";
const NO_DATA: &str = "
__attribute__((export_name(\"add_at\"))) int add_at(int *at) { return __atomic_add_fetch(at, 1, __ATOMIC_SEQ_CST); }
";
const ZEROS: &str = "
static int zero;
__attribute__((export_name(\"add\"))) int add(int by) { return __atomic_add_fetch(&zero, by, __ATOMIC_SEQ_CST); }
";
const CONSTRUCTOR: &str = "
volatile int begun;
__attribute__((constructor)) static void begin(void) { begun = 1; }
";

fn place(linker: Tool) -> Place {
    let place = Place::new(linker);
    let refusing = ADDERS.replace("add_shared", "refusing_shared").replace("add_local", "refusing_local");
    for (name, source, flags) in [
        ("adders", ADDERS, &ATOMICS[..]),
        ("local", THREAD_LOCAL_ONLY, &ATOMICS),
        ("nodata", NO_DATA, &ATOMICS),
        ("zeros", ZEROS, &ATOMICS),
        ("constructor", CONSTRUCTOR, &ATOMICS),
        ("neutral", clang::NEUTRAL, &[]),
        ("refusing", &refusing, &[]),
    ] {
        place.put(&format!("{name}.o"), clang::object(name, "wasm32", source, flags));
    }
    place
}

fn objects_of_c(linker: Tool) {
    let place = place(linker);
    let facts = place.link("adders.o").threaded(1);
    assert_eq!(facts.memory().import.as_deref(), Some("env.memory"));
    assert_eq!(facts.memory().maximum, Some(16_384));
    place.link("neutral.o adders.o").threaded(1);

    // Nothing but thread-locals: only `__wasm_init_tls` writes them, and wasm-ld 14 makes no start function.
    let linked = place.link("local.o");
    assert!(linked.ran.success() && linked.ran.stderr.is_empty(), "{:?}", linked.ran);
    let facts = Facts::read(place.path(OUTPUT));
    assert_eq!(facts.start.is_some(), version(linker) > 14, "{facts:?}");
    assert!(facts.passive_segments == 1 && facts.memory().shared && facts.exports("__wasm_init_tls"), "{facts:?}");

    for (line, start) in [("nodata.o", false), ("zeros.o", true)] {
        let linked = place.link(line);
        assert!(linked.ran.success() && linked.ran.stderr.is_empty(), "{line}: {:?}", linked.ran);
        let facts = Facts::read(place.path(OUTPUT));
        assert!(facts.memory().shared && facts.passive_segments == 0, "{line}: {facts:?}");
        assert_eq!(facts.start.is_some(), start, "{line}: {facts:?}");
    }

    for line in ["neutral.o", "refusing.o", "neutral.o refusing.o", "--shared adders.o --experimental-pic", "-r adders.o"] {
        let linked = place.link(line);
        if linked.ran.success() {
            assert_eq!(linked.runs.len(), 1, "{line}");
            let (bare, module) = place.bare(line);
            assert_eq!(linked.ran.stderr_text(), bare.stderr_text(), "{line}");
            assert_same_bytes(read(place.path(OUTPUT)), module.expect("a module"));
        } else {
            // Not of code for a fixed address, for one.
            assert_eq!(linked.failed(1), "", "{line}");
        }
    }

    let text = place.link("adders.o constructor.o");
    assert!(text.ran.stderr_text().starts_with("error[tls-init-wrapped]: "), "{:?}", text.ran);
    let facts = place.link("adders.o constructor.o --export=__wasm_call_ctors").threaded(1);
    assert!(facts.exports("__wasm_call_ctors"));
    let ours = place.link("adders.o refusing.o").failed(1);
    assert!(ours.contains("the C or C++ object refusing.o was compiled without atomics"), "{ours}");
}

/// Words next to an object with atomics, the first version here that knows them, and what the module is then.
struct Words {
    words: &'static str,
    from: u32,
    is: fn(&Facts, &Place) -> bool,
}

const fn words(words: &'static str, from: u32, is: fn(&Facts, &Place) -> bool) -> Words {
    Words { words, from, is }
}

const WORDS: &[Words] = &[
    words("--import-memory", 14, |facts, _| imports(facts, "env.memory")),
    words("--import-memory=own,store", 16, |facts, _| imports(facts, "own.store")),
    words("--import-memory --import-memory=own,store", 16, |facts, _| imports(facts, "own.store")),
    words("--export-memory", 16, |facts, _| imports(facts, "env.memory") && facts.exports("memory")),
    words("--export-memory=again", 16, |facts, _| imports(facts, "env.memory") && facts.exports("again")),
    words("--strip-all", 14, |facts, _| facts.features.is_empty()),
    words("--strip-all --keep-section=target_features", 19, |facts, _| facts.has_feature("+atomics")),
    words("--why-extract=why.txt", 16, |_, place| place.path("why.txt").is_file()),
    words("--extra-features=atomics", 16, |facts, _| facts.has_feature("+atomics")),
    words("--initial-memory=8388608", 14, |facts, _| facts.memory().minimum == 128),
    words("--initial-heap=8388608", 19, |facts, _| facts.memory().minimum > 128),
    words("--max-memory=8388608", 14, |facts, _| facts.memory().maximum == Some(128)),
    words("--no-growable-memory --initial-memory=8388608", 19, |facts, _| facts.memory().maximum == Some(128)),
    words("--page-size=65536", 22, |facts, _| facts.memory().maximum == Some(16_384)),
    words("--page-size=1", 22, |facts, _| facts.memory().maximum == Some(1 << 30)),
    words("--stack-first", 14, |facts, _| facts.exports("__heap_base")),
    words("--no-stack-first", 22, |facts, _| facts.exports("__heap_base")),
    words("--export=__stack_pointer", 14, |facts, _| facts.globals.get("__stack_pointer") == Some(&true)),
    words("--export-all", 14, |facts, _| facts.exports("__wasm_init_memory")),
    words("--export-dynamic", 14, |facts, _| facts.exports("add_shared")),
    words("--export-table", 14, |facts, _| facts.exports("__indirect_function_table")),
    words("--import-table", 14, |facts, _| !facts.exports("__indirect_function_table")),
    words("--growable-table", 14, |facts, _| facts.exports("add_local")),
    words("--global-base=1048576", 14, |facts, _| facts.memory().minimum >= 16),
    words("--no-merge-data-segments", 14, |facts, _| facts.passive_segments > 1),
    words("--no-gc-sections", 14, |facts, _| facts.exports("add_local")),
    words("--emit-relocs", 14, |facts, _| facts.custom_sections.iter().any(|name| name.starts_with("reloc."))),
    words("--Map=map.txt", 14, |_, place| place.path("map.txt").is_file()),
    words("-z stack-size=131072 --threads=1 -O0", 14, |facts, _| facts.memory().minimum >= 3),
];

fn imports(facts: &Facts, name: &str) -> bool {
    facts.memory().import.as_deref() == Some(name)
}

fn options(linker: Tool) {
    let place = place(linker);
    let mut too_old = 0;
    for Words { words, from, is } in WORDS {
        let linked = place.link(&format!("adders.o {words}"));
        if version(linker) < *from {
            let ours = linked.failed(1);
            let unknown = linked.ran.stderr_text();
            let word =
                unknown.split("unknown argument: ").nth(1).and_then(|rest| rest.lines().next()).expect("an unknown word");
            assert!(words.split(' ').any(|known| known == word), "{words}: {unknown}");
            assert!(ours.starts_with(&format!("error[link-failed]: this linker is too old for {word}\n")), "{words}: {ours}");
            assert!(ours.contains(&format!("/wasm-ld-{from}; or leave ")), "{words}: {ours}");
            assert_eq!(ours.contains("--no-wasm-opt"), words.contains("--keep-section"), "{words}: {ours}");
            if *words == "--import-memory=own,store" {
                golden::check("linkers/too_old", &ours, &[]);
            }
            too_old += 1;
            continue;
        }
        assert!(linked.ran.success() && linked.runs.len() == 1, "{words}: {:?}", linked.ran);
        assert!(linked.ran.stderr.is_empty(), "{words}: {:?}", linked.ran);
        let facts = Facts::read(place.path(OUTPUT));
        assert!(is(&facts, &place), "{words}: {facts:?}");
        let memory = facts.memory();
        assert!(memory.shared && memory.import.is_some() && facts.active_segments == 0, "{words}: {facts:?}");
        assert!(facts.start.is_some() && facts.globals.get("__tls_base") == Some(&true), "{words}: {facts:?}");
    }
    let wanted = WORDS.iter().filter(|row| version(linker) < row.from).count();
    assert_eq!(too_old, wanted);
    assert!((wanted == 0) == (version(linker) == 22), "each older linker lacks some");

    // For WASI we add one of them ourselves: it cannot be left out.
    let linked = place.link("-L/sdk/lib/wasm32-wasip1-threads adders.o");
    if version(linker) == 14 {
        let ours = linked.failed(1);
        assert!(ours.contains("too old for --export-memory\n") && ours.ends_with("/path/to/wasm-ld-16\n"), "{ours}");
    } else {
        assert!(!linked.ran.stderr_text().contains("unknown argument"), "{:?}", linked.ran);
    }

    // Without atomics the line is the linker's own, whatever it makes of it.
    for line in ["neutral.o --import-memory=own,store", "neutral.o --export-memory=again", "neutral.o --initial-heap=65536"] {
        let linked = place.link(line);
        let (bare, module) = place.bare(line);
        assert_eq!((linked.ran.code(), linked.runs.len()), (bare.code(), 1), "{line}");
        if let Some(module) = module {
            assert_same_bytes(read(place.path(OUTPUT)), module);
        }
    }
}

/// Every way that a link takes through the shim: handed on, waited for, judged out of sight, at work while objects are read.
fn ways(linker: Tool) {
    let place = place(linker);
    place.link("adders.o --wasm-threads=threaded").threaded(1);
    place.link("neutral.o --wasm-threads=unthreaded").ran.expect_success();
    place.link("neutral.o --wasm-threads=threaded").refused("not-threaded", 0);
    place.link("adders.o --wasm-threads=unthreaded").refused("threaded", 0);
    place.link("adders.o --wasm-threads=off").ran.expect_success();
    Facts::read(place.path(OUTPUT)).assert_unthreaded();

    place.write("words", b"adders.o --wasm-threads-max-memory=16MiB");
    assert_eq!(place.link("@words").threaded(1).memory().maximum, Some(256));

    // A member of an archive: the linker is asked, and says yes or no.
    place.write("libadders.a", &Archive::new().file(place.path("adders.o")).bytes());
    place.link("neutral.o libadders.a --export=add_shared").threaded(1);
    place.link("neutral.o libadders.a").unthreaded("neutral.o libadders.a", 2);

    // Standard output gets the module when it was judged.
    let run = Run::new(shim()).words(FLAVOR).words(["adders.o", "-o", "-"]);
    let module = run.folder(place.folder()).env("WASM_THREADS_LINKER", place.linker()).run().expect_success().stdout;
    Facts::of(&module).assert_threaded();

    // So many objects that the linker is at work before all are read; then one that differs.
    let quiet = "__attribute__((used)) static int quiet(void) { return 1; }";
    let with = read(clang::object("quiet", "wasm32", quiet, &ATOMICS));
    let mut line = String::from("first.rcgu.o");
    place.put("first.rcgu.o", place.path("adders.o")).put("last.rcgu.o", place.path("neutral.o"));
    for index in 0..70 {
        place.write(&format!("{index}.rcgu.o"), &with);
        line += &format!(" {index}.rcgu.o");
    }
    place.link(&line).threaded(1);
    line += " last.rcgu.o";
    place.link(&line).unthreaded(&line, 2);
}

/// Two workers at once, on the one memory, by whatever name it is imported.
fn in_node(linker: Tool) {
    let place = place(linker);
    let old = version(linker) == 14;
    for (line, known) in [
        ("adders.o", true),
        ("adders.o --import-memory=own,store", !old),
        ("adders.o --export=__stack_pointer --wasm-threads-max-memory=16MiB", true),
        ("adders.o constructor.o --export=__wasm_call_ctors", true),
    ] {
        if !known {
            continue;
        }
        place.link(line).threaded(1);
        let facts = two_adders(place.path(OUTPUT)).expect_success().stdout_text();
        // From LLVM 15 on, the start function sets up the first thread; before, its host has to, as it does for the others.
        let first = if old { "host" } else { "start" };
        let wanted = format!(r#""first_tls":"{first}","begin":7,"local":5"#);
        assert!(facts.contains(&wanted), "{line}: {facts}");
    }
}
