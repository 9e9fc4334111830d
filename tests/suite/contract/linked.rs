//! What real linkers make of real objects, good and bad.

use super::{Verdict, judge};
use crate::support::{FLAVOR, Facts, Link, NoCore, Ran, Run, Suite, THREADED, Tool, objects, read, temp_folder};
use std::path::PathBuf;

const LLD: [Tool; 5] = [Tool::RustLld, Tool::WasmLd(14), Tool::WasmLd(16), Tool::WasmLd(19), Tool::WasmLd(22)];
/// They know options and objects that older ones do not.
const LLD_22: [Tool; 2] = [Tool::RustLld, Tool::WasmLd(22)];

pub fn tests(suite: &mut Suite) {
    for case in good() {
        for linker in case.linkers {
            let name = format!("good_{}_{}", case.name, linker.name().replace('-', "_"));
            let case = case.clone();
            suite.test(&name, &[Tool::Rustc, *linker], move || is_good(&case, *linker));
        }
    }
    for case in bad() {
        for linker in case.linkers {
            let name = format!("bad_{}_{}", case.name, linker.name().replace('-', "_"));
            let case = case.clone();
            suite.test(&name, &[Tool::Rustc, *linker], move || is_bad(&case, *linker));
        }
    }
    suite.test("constructors_of_c", &[Tool::Clang, Tool::RustLld], constructors_of_c);
    suite.test("start_section_taken_away", &[Tool::Rustc, Tool::RustLld], start_section_taken_away);
    suite.test("custom_sections_of_any_size", &[Tool::Rustc, Tool::RustLld], custom_sections_of_any_size);
    suite.test("debug_build", &[Tool::Rustc, Tool::RustLld], debug_build);
    for case in through_the_shim() {
        suite.test(&format!("shim_{}", case.name), &[Tool::Rustc, Tool::RustLld], move || shim_says(&case));
    }
}

/// An object, a line without the output, and what is special about the module.
#[derive(Clone)]
struct Case {
    name: &'static str,
    linkers: &'static [Tool],
    object: fn() -> PathBuf,
    words: Vec<&'static str>,
    /// The good: that the module is what the case is about. The bad: always.
    is: fn(&Facts) -> bool,
    /// The bad: what is wrong with it.
    verdicts: &'static [Verdict],
}

const EXPORTS: [&str; 2] = ["--export-if-defined=add_shared", "--export-if-defined=add_local"];

/// All of [`THREADED`], and what the objects define.
fn threaded(more: &[&'static str]) -> Vec<&'static str> {
    [&THREADED[..], &EXPORTS, more].concat()
}

/// The same without the words that begin so.
fn without(missing: &[&str], more: &[&'static str]) -> Vec<&'static str> {
    let mut words = threaded(&[]);
    let before = words.len();
    words.retain(|word| !missing.iter().any(|start| word.starts_with(start)));
    assert!(words.len() < before, "{missing:?} is not on the line");
    words.extend(more);
    words
}

const TLS: [&str; 4] = ["--export=__wasm_init_tls", "--export=__tls_size", "--export=__tls_align", "--export=__tls_base"];

/// Touches what it is given, and has nothing of its own.
const NO_DATA: &str = r#"
#[unsafe(no_mangle)] pub unsafe extern "C" fn add_shared(place: *mut i32) -> i32 { unsafe { atomic_add(place, 1) } }
"#;
const BSS_ONLY: &str = r#"
static mut ZERO: i32 = 0;
#[unsafe(no_mangle)] pub extern "C" fn add_shared(by: i32) -> i32 { unsafe { atomic_add(&raw mut ZERO, by) } }
"#;
const NO_TLS: &str = r#"
static mut SHARED: i32 = 7;
#[unsafe(no_mangle)] pub extern "C" fn add_shared(by: i32) -> i32 { unsafe { atomic_add(&raw mut SHARED, by) } }
"#;
const TLS_ONLY: &str = r#"
#[thread_local] static mut LOCAL: i32 = 5;
#[unsafe(no_mangle)] pub extern "C" fn add_local(by: i32) -> i32 { unsafe { LOCAL = LOCAL + by; LOCAL } }
"#;
const ZERO_TLS: &str = r#"
#[thread_local] static mut LOCAL: i32 = 0;
#[unsafe(no_mangle)] pub extern "C" fn add_local(by: i32) -> i32 { unsafe { LOCAL = LOCAL + by; LOCAL } }
"#;
/// As crates do that register things before `main`.
const CONSTRUCTOR: &str = r#"
extern "C" fn constructor() { unsafe { SHARED = SHARED + 1; } }
#[used] #[unsafe(link_section = ".init_array")] static CONSTRUCTOR: extern "C" fn() = constructor;
"#;
/// A thread's entry that sets the thread up by itself.
const OWN_THREADS: &str = r#"
unsafe extern "C" { fn __wasm_init_tls(place: *mut u8); }
#[unsafe(no_mangle)] pub unsafe extern "C" fn add_shared(place: *mut u8) -> i32 { unsafe { __wasm_init_tls(place) }; add_local(1) }
"#;
/// The same, called through a table.
const OWN_THREADS_BY_ADDRESS: &str = r#"
unsafe extern "C" { fn __wasm_init_tls(place: *mut u8); }
#[unsafe(no_mangle)] pub extern "C" fn add_shared() -> unsafe extern "C" fn(*mut u8) { __wasm_init_tls }
"#;
const FROM_WASI: &str = r#"
#[link(wasm_import_module = "wasi_snapshot_preview1")] unsafe extern "C" { fn sched_yield() -> i32; }
#[unsafe(no_mangle)] pub unsafe extern "C" fn add_local() -> i32 { unsafe { sched_yield() } }
"#;
const FOR_WASM_BINDGEN: &str = r#"
#[used] #[unsafe(link_section = "__wasm_bindgen_unstable")] static DESCRIPTION: u32 = 1;
"#;

fn object(name: &str, sources: &[&str]) -> PathBuf {
    objects::threaded(name, &sources.concat()).object()
}

fn wide() -> PathBuf {
    // Addresses of 64 bits need no other prelude: `usize` follows the target.
    NoCore::new(objects::ATOMIC).name("wide").target("wasm64-unknown-unknown").threaded().object()
}

fn has_data(facts: &Facts) -> bool {
    facts.passive_segments > 0 && facts.start.is_some()
}

#[rustfmt::skip]
fn good() -> Vec<Case> {
    let case = |name, linkers: &'static [Tool], object, words, is| Case { name, linkers, object, words, is, verdicts: &[] };
    vec![
        case("plain", &LLD, objects::atomic, threaded(&[]), |facts| has_data(facts) && facts.has_feature("+atomics")),
        case("strip_all", &LLD, objects::atomic, threaded(&["--strip-all"]), |facts| has_data(facts) && facts.custom_sections.is_empty()),
        case("strip_debug", &LLD, objects::atomic, threaded(&["--strip-debug"]), has_data),
        case("no_data", &LLD, || object("no_data", &[NO_DATA]), threaded(&[]), |facts| {
            facts.passive_segments == 0 && facts.start.is_none() && facts.data_count.is_none()
        }),
        case("no_data_strip_all", &LLD, || object("no_data", &[NO_DATA]), threaded(&["--strip-all"]), |facts| {
            facts.passive_segments == 0 && facts.custom_sections.is_empty()
        }),
        case("bss_only", &LLD, || object("bss_only", &[BSS_ONLY]), threaded(&[]), |facts| facts.start.is_some() && facts.passive_segments == 0),
        case("no_tls", &LLD, || object("no_tls", &[NO_TLS]), threaded(&[]), |facts| facts.passive_segments == 1 && facts.start.is_some()),
        case("tls_only_without_start", &LLD[1..2], || object("tls_only", &[TLS_ONLY]), threaded(&[]), |facts| {
            facts.passive_segments == 1 && facts.start.is_none()
        }),
        case("tls_only", &LLD, || object("tls_only", &[TLS_ONLY]), threaded(&[]), |facts| facts.passive_segments == 1),
        case("zero_tls", &LLD, || object("zero_tls", &[ZERO_TLS]), threaded(&[]), |facts| facts.passive_segments <= 1),
        case("emit_relocs", &LLD, objects::atomic, threaded(&["--emit-relocs"]), |facts| {
            facts.custom_sections.iter().any(|name| name.starts_with("reloc."))
        }),
        case("unmerged_data", &LLD, objects::atomic, threaded(&["--no-merge-data-segments"]), has_data),
        case("memory_of_another_name", &LLD[2..], objects::atomic, without(&["--import-memory"], &["--import-memory=foo,bar"]), |facts| {
            facts.memory().import.as_deref() == Some("foo.bar")
        }),
        case("memory_exported_again", &LLD[2..], objects::atomic, threaded(&["--export-memory"]), |facts| facts.exports("memory")),
        case("whole_address_space", &LLD, objects::atomic, without(&["--max-memory"], &["--max-memory=4294967296"]), |facts| {
            facts.memory().maximum == Some(65_536)
        }),
        case("two_pages_more", &LLD, objects::atomic, without(&["--max-memory"], &["--initial-memory=1179648", "--max-memory=1245184"]), |facts| {
            (facts.memory().minimum, facts.memory().maximum) == (18, Some(19))
        }),
        case("pages_of_one_byte", &LLD_22, objects::atomic, threaded(&["--page-size=1"]), |facts| facts.memory().maximum == Some(1 << 30)),
        case("wide", &LLD, wide, without(&["--max-memory"], &["-mwasm64", "--max-memory=4294967296"]), |facts| {
            facts.memory().memory64 && facts.memory().maximum == Some(65_536)
        }),
        case("wide_strip_all", &LLD, wide, threaded(&["-mwasm64", "--strip-all"]), |facts| facts.memory().memory64),
        case("export_all", &LLD, objects::atomic, threaded(&["--export-all"]), |facts| facts.exports.len() > 12),
        case("bitcode", &LLD_22, objects::atomic_bitcode, threaded(&[]), has_data),
        case("constructors_called_by_hand", &LLD, || object("constructors", &[objects::ATOMIC, CONSTRUCTOR]),
            threaded(&["--export=__wasm_call_ctors"]), |facts| facts.exports("__wasm_call_ctors")),
        case("constructors_called_by_hand_strip_all", &LLD, || object("constructors", &[objects::ATOMIC, CONSTRUCTOR]),
            threaded(&["--export=__wasm_call_ctors", "--strip-all"]), |facts| facts.exports("__wasm_call_ctors")),
        case("no_constructors_exported", &LLD, objects::atomic, threaded(&["--export=__wasm_call_ctors"]), |facts| {
            facts.exports("__wasm_call_ctors")
        }),
        case("javascript_that_stands_in_for_wasi", &LLD, || object("from_wasi", &[NO_TLS, FROM_WASI]), threaded(&[]), |facts| {
            facts.imports == ["wasi_snapshot_preview1.sched_yield"]
        }),
    ]
}

fn link(case: &Case, linker: Tool) -> Vec<u8> {
    let folder = temp_folder();
    let output = folder.path().join("out.wasm");
    let run = Link::bare(linker.path()).words(FLAVOR).words(&case.words).word((case.object)()).word("-o").word(&output);
    run.run().expect_success().expect_silence();
    read(output)
}

fn is_good(case: &Case, linker: Tool) {
    let bytes = link(case, linker);
    let facts = Facts::of(&bytes);
    assert!((case.is)(&facts), "it is not what it was made for: {facts:?}");
    assert_eq!(judge(&bytes), []);
}

const WRAPPED: &[Verdict] = &[("tls-init-wrapped", true)];
const MISSING: &[Verdict] = &[("export-missing", true)];
const WITHOUT_ATOMICS: &[Verdict] = &[("object-without-atomics", true)];

#[rustfmt::skip]
fn bad() -> Vec<Case> {
    let case = |name, linkers: &'static [Tool], object, words, verdicts| Case { name, linkers, object, words, is: |_| true, verdicts };
    let features = "--features=bulk-memory,mutable-globals";
    vec![
        case("memory_not_shared", &LLD, || object("no_data", &[NO_DATA]), vec!["--import-memory", EXPORTS[0]], &[("memory-not-shared", true)]),
        case("unthreaded", &LLD, objects::atomic, EXPORTS.to_vec(), &[("memory-not-shared", true), ("active-data-segment", true)]),
        case("memory_not_imported", &LLD, objects::atomic, without(&["--import-memory"], &[]), &[("memory-not-imported", true)]),
        case("memory_cannot_grow", &LLD, objects::atomic, without(&["--max-memory"], &[]), &[("memory-cannot-grow", true)]),
        case("memory_cannot_grow_on_purpose", &LLD, objects::atomic,
            without(&["--max-memory"], &["--initial-memory=16777216", "--max-memory=16777216"]), &[("memory-cannot-grow", false)]),
        case("memory_cannot_grow_and_heap_base_not_exported", &LLD, objects::atomic,
            without(&["--max-memory", "--export=__heap_base"], &["--initial-memory=16777216", "--max-memory=16777216"]),
            &[("memory-cannot-grow", false), ("export-missing", false)]),
        case("memory_growth_forbidden", &LLD_22, objects::atomic, without(&["--max-memory"], &["--no-growable-memory"]),
            &[("memory-cannot-grow", true)]),
        case("memory_growth_forbidden_with_room", &LLD_22, objects::atomic,
            without(&["--max-memory"], &["--no-growable-memory", "--initial-memory=16777216"]), &[("memory-cannot-grow", false)]),
        case("init_tls_missing", &LLD, objects::atomic, without(&[TLS[0]], &[]), MISSING),
        case("tls_size_missing", &LLD, objects::atomic, without(&[TLS[1]], &[]), MISSING),
        case("tls_align_missing", &LLD, objects::atomic, without(&[TLS[2]], &[]), MISSING),
        case("tls_base_missing", &LLD, objects::atomic, without(&[TLS[3]], &[]), MISSING),
        case("all_four_missing", &LLD, objects::atomic, without(&TLS, &[]), MISSING),
        case("all_four_missing_tls_only", &LLD, || object("tls_only", &[TLS_ONLY]), without(&TLS, &[]), MISSING),
        case("all_four_missing_zero_tls", &LLD, || object("zero_tls", &[ZERO_TLS]), without(&TLS, &[]), MISSING),
        case("all_four_missing_strip_all", &LLD, objects::atomic, without(&TLS, &["--strip-all"]), MISSING),
        case("all_four_missing_no_gc_sections", &LLD, objects::atomic, without(&TLS, &["--no-gc-sections"]), MISSING),
        case("tls_handled_inside", &LLD, || object("own_threads", &[TLS_ONLY, OWN_THREADS]), without(&TLS, &[]), &[("export-missing", false)]),
        case("tls_handled_inside_no_gc_sections", &LLD, || object("own_threads", &[TLS_ONLY, OWN_THREADS]),
            without(&TLS, &["--no-gc-sections"]), &[("export-missing", false)]),
        case("tls_handled_inside_by_a_table", &LLD, || object("own_threads_by_address", &[TLS_ONLY, OWN_THREADS_BY_ADDRESS]),
            without(&TLS, &["--export-table"]), &[("export-missing", false)]),
        case("tls_not_there", &LLD, || object("no_tls", &[NO_TLS]), without(&TLS, &[]), &[("export-missing", false)]),
        case("tls_not_there_for_wasm_bindgen", &LLD, || object("described", &[NO_TLS, FOR_WASM_BINDGEN]), without(&TLS, &[]), MISSING),
        case("heap_base_missing", &LLD, objects::atomic, without(&["--export=__heap_base"], &[]), &[("export-missing", false)]),
        case("constructors", &LLD, || object("constructors", &[objects::ATOMIC, CONSTRUCTOR]), threaded(&[]), WRAPPED),
        case("constructors_strip_all", &LLD, || object("constructors", &[objects::ATOMIC, CONSTRUCTOR]), threaded(&["--strip-all"]), WRAPPED),
        case("constructors_emit_relocs", &LLD, || object("constructors", &[objects::ATOMIC, CONSTRUCTOR]), threaded(&["--emit-relocs"]), WRAPPED),
        case("constructors_without_tls", &LLD, || object("constructors_no_tls", &[NO_TLS, CONSTRUCTOR]), threaded(&[]), WRAPPED),
        case("features_that_lie", &LLD, objects::atomic, threaded(&[features, "--no-check-features"]), WITHOUT_ATOMICS),
        case("refusing_object_let_in", &LLD, objects::refusing, threaded(&["--no-check-features", "--export=refusing_shared"]), WITHOUT_ATOMICS),
        case("target_without_threads", &LLD, || object("from_wasi", &[NO_TLS, FROM_WASI]), without(&TLS, &[]),
            &[("target-without-threads", true)]),
    ]
}

fn is_bad(case: &Case, linker: Tool) {
    let findings = judge(&link(case, linker));
    let found: Vec<Verdict> = findings.iter().map(|finding| (finding.rule.id, finding.is_error())).collect();
    assert_eq!(found, case.verdicts, "{findings:#?}");
}

fn constructors_of_c() {
    let folder = temp_folder();
    let source = folder.path().join("constructor.c");
    let text = "static volatile int shared = 1;\n_Thread_local int local = 2;\n__attribute__((constructor)) void run(void) { shared++; }\n\
                int add_shared(int by) { return __atomic_fetch_add(&shared, by, 5) + local; }\n";
    std::fs::write(&source, text).expect("a source can be written");
    let object = folder.path().join("constructor.o");
    let clang = Run::new(Tool::Clang.path()).words(["--target=wasm32", "-matomics", "-mbulk-memory", "-O1", "-c"]);
    clang.word(&source).word("-o").word(&object).run().expect_success();
    for (more, wanted) in [
        (&[][..], &["tls-init-wrapped"][..]),
        (&["--strip-all"], &["tls-init-wrapped"]),
        (&["--export=__wasm_call_ctors"], &[]),
        (&["--export=__wasm_call_ctors", "--strip-all"], &[]),
    ] {
        let output = folder.path().join("out.wasm");
        let run = Link::bare(Tool::RustLld.path()).words(FLAVOR).words(threaded(more)).word(&object).word("-o").word(&output);
        run.run().expect_success();
        let ids: Vec<&str> = judge(&read(&output)).iter().map(|finding| finding.rule.id).collect();
        assert_eq!(ids, wanted, "{more:?}");
    }
}

fn atomic_module(more: &[&'static str]) -> Vec<u8> {
    let case = Case { name: "", linkers: &[], object: objects::atomic, words: threaded(more), is: |_| true, verdicts: &[] };
    link(&case, Tool::RustLld)
}

/// What a tool after the linker may do: everything else is as it was.
fn start_section_taken_away() {
    let bytes = atomic_module(&[]);
    let mut kept = bytes[..8].to_vec();
    for (id, range) in super::hostile::sections(&bytes) {
        if id != 8 {
            kept.extend(&bytes[range]);
        }
    }
    assert!(kept.len() < bytes.len(), "there is a start section");
    let ids: Vec<&str> = judge(&kept).iter().map(|finding| finding.rule.id).collect();
    assert_eq!(ids, ["memory-init-missing"]);
}

fn custom_sections_of_any_size() {
    let good = atomic_module(&[]);
    let mut bytes = good.clone();
    for (name, size) in [
        ("", 0),
        (".debug_info", 3 << 20),
        ("a name that is far longer than what is read of a header at first, and then some", 1),
    ] {
        super::hostile::append_custom(&mut bytes, name, &vec![0xfe; size]);
    }
    assert_eq!(judge(&bytes), []);
    // In front of everything, where the bytes of the real sections are far away.
    let mut bytes = good[..8].to_vec();
    super::hostile::append_custom(&mut bytes, ".debug_line", &vec![0; 1 << 20]);
    bytes.extend(&good[8..]);
    assert_eq!(judge(&bytes), []);
}

fn debug_build() {
    let object = objects::threaded("debug", objects::ATOMIC).flag("-Cdebuginfo=2").flag("-Copt-level=0").object();
    let folder = temp_folder();
    let output = folder.path().join("out.wasm");
    let run = Link::bare(Tool::RustLld.path()).words(FLAVOR).words(threaded(&[])).word(object).word("-o").word(&output);
    run.run().expect_success();
    let facts = Facts::read(&output);
    assert!(facts.custom_sections.iter().any(|name| name == ".debug_info"), "{facts:?}");
    assert_eq!(judge(&read(&output)), []);
}

/// What the shim does not let through, and what it does, where the linker is content with both.
#[rustfmt::skip]
fn through_the_shim() -> Vec<Case> {
    let case = |name, object, words, verdicts| Case { name, linkers: &[], object, words, is: |_| true, verdicts };
    let constructors = || object("constructors", &[objects::ATOMIC, CONSTRUCTOR]);
    vec![
        case("constructors", constructors, EXPORTS.to_vec(), WRAPPED),
        case("constructors_strip_all", constructors, [&EXPORTS[..], &["--strip-all"]].concat(), WRAPPED),
        case("constructors_called_by_hand", constructors, [&EXPORTS[..], &["--export=__wasm_call_ctors"]].concat(), &[]),
        case("growth_forbidden", objects::atomic, vec!["--no-growable-memory"], &[("memory-cannot-grow", true)]),
        case("growth_forbidden_with_room", objects::atomic, vec!["--no-growable-memory", "--initial-memory=16777216"], &[]),
        case("maximum_is_minimum", objects::atomic, [&EXPORTS[..], &["--initial-memory=1114112", "--max-memory=1114112"]].concat(), &[("memory-cannot-grow", true)]),
        case("maximum_is_minimum_with_room", objects::atomic, vec!["--initial-memory=16777216", "--max-memory=16777216"], &[]),
        case("features_that_lie", objects::atomic, vec!["--features=bulk-memory,mutable-globals", "--no-check-features"], WITHOUT_ATOMICS),
        case("javascript_that_stands_in_for_wasi", || object("from_wasi", &[NO_TLS, FROM_WASI]), EXPORTS.to_vec(), &[]),
        case("wasi_threads_and_none_started", || object("from_wasi", &[NO_TLS, FROM_WASI]),
            [&EXPORTS[..], &["-L/none/rustlib/wasm32-wasip1-threads/lib"]].concat(), &[]),
        case("wasi_without_threads", || object("from_wasi", &[NO_DATA, FROM_WASI]), [&EXPORTS[..], &["-L/none/rustlib/wasm32-wasip1/lib"]].concat(),
            &[("target-without-threads", true)]),
    ]
}

fn shim_says(case: &Case) {
    let folder = temp_folder();
    let output = folder.path().join("out.wasm");
    let run = Link::shim_with(Tool::RustLld.path()).words(FLAVOR).words(&case.words).word((case.object)());
    let ran = run.word("-o").word(&output).run();
    assert_eq!(errors(&ran), case.verdicts, "{ran:?}");
    if case.verdicts.is_empty() {
        let ran = ran.expect_success().expect_silence();
        assert_eq!(judge(&read(&output)).iter().filter(|finding| finding.is_error()).count(), 0, "{ran:?}");
    } else {
        ran.expect_code(1);
        assert!(!output.exists() && folder.path().join("out.wasm.rejected").is_file());
    }
}

/// The rules that a shim's text names as broken.
fn errors(ran: &Ran) -> Vec<Verdict> {
    let text = ran.stderr_text();
    let ids = text.lines().filter_map(|line| line.strip_prefix("error[")?.split_once("]: ").map(|(id, _)| id.to_owned()));
    let all = wasm_threads::rules::ALL;
    ids.map(|id| (all.iter().find(|rule| rule.id == id).expect("a known rule").id, true)).collect()
}
