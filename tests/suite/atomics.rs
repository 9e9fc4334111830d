//! Whether atomics are present, and how often the linker runs to find out. Every case is a real link.

use crate::support::archive::Archive;
use crate::support::no_core::THREADED;
use crate::support::place::OUTPUT;
use crate::support::recorder::write_program;
use crate::support::{FLAVOR, Facts, NoCore, Place, Run, assert_same_bytes, objects, read, shim, temp_folder};
use crate::support::{Suite, Tool};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime};

pub fn tests(suite: &mut Suite) {
    let every_linker = [Tool::RustLld, Tool::WasmLd(14), Tool::WasmLd(16), Tool::WasmLd(19), Tool::WasmLd(22)];
    for linker in every_linker {
        let name = |what: &str| format!("{what}_with_{}", linker.name());
        suite.test(&name("objects"), &[Tool::Rustc, linker], move || table(linker, OBJECTS));
        suite.test(&name("objects_of_rustc"), &[Tool::Rustc, linker], move || table(linker, OBJECTS_OF_RUSTC));
        suite.test(&name("libraries"), &[Tool::Rustc, linker], move || table(linker, LIBRARIES));
        suite.test(&name("checks_switched_off"), &[Tool::Rustc, linker], move || table(linker, CHECKS_SWITCHED_OFF));
    }
    for linker in [Tool::RustLld, Tool::WasmLd(19), Tool::WasmLd(22)] {
        let name = |what: &str| format!("{what}_with_{}", linker.name());
        suite.test(&name("lazy_objects"), &[Tool::Rustc, linker], move || table(linker, LAZY_OBJECTS));
        suite.test(&name("libraries_by_whole_name"), &[Tool::Rustc, linker], move || table(linker, LIBRARIES_BY_WHOLE_NAME));
    }
    for linker in [Tool::RustLld, Tool::WasmLd(22)] {
        suite.test(&format!("bitcode_with_{}", linker.name()), &[Tool::Rustc, linker], move || table(linker, BITCODE));
    }
    suite.test("thin_member_that_is_gone", &[Tool::RustLld], thin_member_that_is_gone);
    suite.test("undecided_and_failing_says_it_once", &[Tool::RustLld], undecided_and_failing_says_it_once);
    suite.test("many_objects", &[Tool::Rustc, Tool::RustLld], many_objects);
    suite.test("an_earlier_output_and_many_objects", &[Tool::Rustc, Tool::RustLld], an_earlier_output_and_many_objects);
    suite.test("ended_among_many_objects", &[Tool::Rustc, Tool::RustLld], ended_among_many_objects);
    suite.test("a_mixture_among_many_objects", &[Tool::Rustc, Tool::RustLld], a_mixture_among_many_objects);
    suite.test("many_objects_without_atomics", &[Tool::Rustc, Tool::RustLld], many_objects_without_atomics);
    suite.test("rustc_several_codegen_units", &[Tool::RustLld], several_codegen_units);
    suite.test("rustc_one_function_with_a_feature", &[Tool::RustLld], one_function_with_a_feature);
    suite.test("rustc_one_intrinsic", &[Tool::RustLld], one_intrinsic);
    suite.test("rustc_lto_by_rustc", &[Tool::RustLld], lto_by_rustc);
    suite.test("rustc_lto_by_the_linker", &[Tool::RustLld], lto_by_the_linker);
    suite.test("rustc_lto_by_the_linker_of_a_library", &[Tool::RustLld], lto_by_the_linker_of_a_library);
    suite.test("nightly_several_codegen_units", &[Tool::RustLld, Tool::Nightly], nightly_several_codegen_units);
}

/// What comes of a line.
enum Comes {
    /// A threaded module.
    Threaded,
    /// What the linker alone makes of the same line.
    AsBare,
    /// The linker's refusal, with this under it.
    Fails(&'static str),
    /// Our refusal, by this rule.
    Refused(&'static str),
}

use Comes::{AsBare, Fails, Refused, Threaded};

/// A line, what comes of it, and how often the linker runs.
type Row = (&'static str, Comes, usize);

const OBJECTS: &[Row] = &[
    ("atomic.o --export=add_shared", Threaded, 1),
    ("neutral.o --export=neutral", AsBare, 1),
    ("refusing.o --export=refusing_shared", AsBare, 1),
    ("atomic.o neutral.o --export=add_shared", Threaded, 1),
    ("neutral.o atomic.o --export=add_shared", Threaded, 1),
    // Removed again by the linker, and yet it is in the link.
    ("atomic.o neutral.o --export=neutral", Threaded, 1),
    ("atomic.o refusing.o --export=add_shared", Fails("the C or C++ object refusing.o was compiled without atomics"), 1),
    ("neutral.o --shared-memory --export=neutral", Fails("nothing that is linked was compiled with atomics"), 1),
    ("atomic.o --shared-memory --export=add_shared", Threaded, 1),
    ("atomic.o --strip-all --export=add_shared", Threaded, 1),
];

const OBJECTS_OF_RUSTC: &[Row] = &[
    ("a.rcgu.o --export=add_shared", Threaded, 1),
    ("n.rcgu.o --export=neutral", AsBare, 1),
    // One codegen unit with a function of its own features; or the crate threaded and an object of the allocator without.
    ("a.rcgu.o n.rcgu.o --export=add_shared", AsBare, 1),
    ("n.rcgu.o a.rcgu.o --export=add_shared", AsBare, 1),
    ("a.rcgu.o r.rcgu.o --export=add_shared", AsBare, 1),
    ("a.rcgu.o n.rcgu.o libatomic2.a --export=add_shared --export=other_shared", AsBare, 1),
    // A C object decides nothing against the crate, and may still refuse.
    ("a.rcgu.o neutral.o --export=add_shared", Threaded, 1),
    ("a.rcgu.o refusing.o --export=add_shared", Fails("the C or C++ object refusing.o was compiled without atomics"), 1),
    // A crate that neither needs nor minds atomics, and C with them.
    ("n.rcgu.o atomic.o --export=add_shared", Threaded, 1),
    ("n.rcgu.o libatomic.a --export=add_shared", Threaded, 1),
    ("n.rcgu.o libatomic.a --export=neutral", AsBare, 2),
    // The same, and other C without them: no way to share.
    ("n.rcgu.o libatomic.a librefusing.a --export=add_shared --export=refusing_shared", AsBare, 2),
    // A doctest: its own object refuses, std says +atomics. Nobody need ask.
    ("r.rcgu.o libatomic.a --export=add_shared", AsBare, 1),
    ("n.rcgu.o refusing.o libatomic.a --export=add_shared", AsBare, 1),
];

const LIBRARIES: &[Row] = &[
    ("neutral.o libatomic.a --export=neutral", AsBare, 2),
    ("neutral.o libatomic.a --export=neutral --export=add_shared", Threaded, 1),
    ("neutral.o libneutral.a --export=neutral", AsBare, 1),
    ("refusing.o libatomic.a --export=add_shared", AsBare, 1),
    // The veto is the linker's second word, after that on what refuses.
    ("neutral.o libatomic.a librefusing.a --export=refusing_shared --error-limit=1", AsBare, 2),
    ("neutral.o -latomic -L. --export=neutral", AsBare, 2),
    ("neutral.o -L. -latomic --export=add_shared", Threaded, 1),
    ("neutral.o -L . -l atomic --export=add_shared", Threaded, 1),
    // The first folder that has it.
    ("-Lempty -Lfirst -Lsecond -lsame --export=neutral", AsBare, 1),
    ("-Lempty -Lsecond -Lfirst -lsame --export=add_shared", Threaded, 1),
    ("libmixed.a --export=neutral", AsBare, 2),
    ("libmixed.a --export=add_shared", Threaded, 1),
    ("libmixed.a --export=neutral --export=refusing_shared", AsBare, 2),
    ("libmixed.a --export=add_shared --export=refusing_shared", Fails("refusing.o was compiled without atomics"), 2),
    ("neutral.o --whole-archive libatomic.a --export=neutral", Threaded, 1),
    ("neutral.o --whole-archive libatomic.a --no-whole-archive libatomic2.a --export=neutral", Threaded, 1),
    ("neutral.o --whole-archive --no-whole-archive libatomic.a --export=neutral", AsBare, 2),
    ("neutral.o libthin.a --export=neutral", AsBare, 2),
    ("neutral.o libthin.a --export=add_shared", Threaded, 1),
    // By their contents, whatever they are called.
    ("neutral.o archive.data --export=neutral", AsBare, 2),
    ("neutral.o archive.data --export=add_shared", Threaded, 1),
    ("object.data --export=add_shared", Threaded, 1),
    ("object.a --export=add_shared", Threaded, 1),
    ("neutral.o empty.a --export=neutral", AsBare, 1),
    ("neutral.o libatomic.a --export=neutral --strip-all", AsBare, 2),
    ("neutral.o libatomic.a --export=add_shared --strip-all", Threaded, 1),
];

// From 15 on.
const LIBRARIES_BY_WHOLE_NAME: &[Row] = &[
    ("-L. -l :exact.lib --export=add_shared", Threaded, 1),
    ("neutral.o -L. -l:exact.lib --export=neutral", AsBare, 2),
    ("neutral.o -L. -l:atomic --export=neutral", Fails(""), 1),
];

const LAZY_OBJECTS: &[Row] = &[
    ("neutral.o --start-lib atomic.o --end-lib --export=neutral", AsBare, 2),
    ("neutral.o --start-lib atomic.o --end-lib --export=add_shared", Threaded, 1),
    ("neutral.o --start-lib refusing.o --end-lib atomic.o --export=add_shared", Threaded, 1),
    ("--start-lib atomic.o --end-lib refusing.o --export=refusing_shared", AsBare, 1),
    ("n.rcgu.o --start-lib atomic.o --end-lib --export=neutral", AsBare, 2),
];

const BITCODE: &[Row] = &[
    ("atomic.bc --export=add_shared", Threaded, 1),
    ("neutral.bc --export=neutral", AsBare, 2),
    ("neutral.bc atomic.o --export=add_shared --export=neutral", Threaded, 1),
    ("atomic.bc neutral.o --export=add_shared", Threaded, 1),
    ("atomic.bc --strip-all --export=add_shared", Threaded, 1),
    ("neutral.bc --strip-all --export=neutral", AsBare, 2),
    ("neutral.bc libatomic.a --export=neutral", AsBare, 2),
    ("neutral.bc libatomic.a --export=neutral --export=add_shared", Threaded, 1),
    ("neutral.o libbitcode.a --export=neutral", AsBare, 2),
    ("neutral.o libbitcode.a --export=add_shared", Threaded, 1),
    ("atomic.bc refusing.o --export=add_shared", Fails("refusing.o was compiled without atomics"), 2),
    ("atomic.bc --no-check-features --export=add_shared", Threaded, 2),
    ("neutral.bc --no-check-features --export=neutral", AsBare, 2),
    ("atomic.bc refusing.o --no-check-features --export=add_shared", Refused("object-without-atomics"), 1),
];

const CHECKS_SWITCHED_OFF: &[Row] = &[
    ("atomic.o --no-check-features --export=add_shared", Threaded, 1),
    ("atomic.o neutral.o --no-check-features --export=add_shared", Threaded, 1),
    ("atomic.o refusing.o --no-check-features --export=add_shared", Refused("object-without-atomics"), 1),
    (
        "atomic.o librefusing.a --no-check-features --export=add_shared --export=refusing_shared",
        Refused("object-without-atomics"),
        1,
    ),
    // It is there, and not pulled in.
    ("atomic.o librefusing.a --no-check-features --export=add_shared", Threaded, 2),
    ("refusing.o --no-check-features --export=refusing_shared", AsBare, 1),
    ("neutral.o libatomic.a --no-check-features --export=neutral", AsBare, 2),
    ("neutral.o libatomic.a --no-check-features --export=add_shared", Threaded, 2),
    (
        "neutral.o libmixed.a --no-check-features --export=add_shared --export=refusing_shared",
        Refused("object-without-atomics"),
        1,
    ),
    ("n.rcgu.o libmixed.a --no-check-features --export=add_shared --export=refusing_shared", AsBare, 2),
    // Switched on again by the last word.
    (
        "atomic.o refusing.o --no-check-features --check-features --export=add_shared",
        Fails("refusing.o was compiled without atomics"),
        1,
    ),
    ("--shared-memory neutral.o --no-check-features --export=neutral", Refused("object-without-atomics"), 1),
];

/// All that the lines name.
fn inputs(linker: Tool) -> Place {
    let place = Place::new(linker);
    let (atomic, neutral, refusing) = (objects::atomic(), objects::neutral(), objects::refusing());
    place.put("atomic.o", &atomic).put("neutral.o", &neutral).put("refusing.o", &refusing);
    place.put("a.rcgu.o", &atomic).put("n.rcgu.o", &neutral).put("r.rcgu.o", &refusing);
    place.put("atomic.bc", objects::atomic_bitcode()).put("neutral.bc", objects::neutral_bitcode());
    place.put("object.data", &atomic).put("object.a", &atomic);
    let other = objects::ATOMIC.replace("add_shared", "other_shared").replace("add_local", "other_local");
    let other = objects::threaded("other", &other).object();
    let archive = |name: &str, files: &[&Path]| {
        let archive = files.iter().fold(Archive::new(), |archive, file| archive.file(file));
        place.write(name, &archive.bytes());
    };
    for name in ["libatomic.a", "exact.lib", "archive.data", "second/libsame.a"] {
        archive(name, &[&atomic]);
    }
    archive("libatomic2.a", &[&other]);
    archive("libneutral.a", &[&neutral]);
    archive("first/libsame.a", &[&neutral]);
    archive("librefusing.a", &[&refusing]);
    archive("libmixed.a", &[&neutral, &atomic, &refusing]);
    archive("empty.a", &[]);
    place.write("libbitcode.a", &Archive::new().file_defining(place.path("atomic.bc"), &["add_shared", "add_local"]).bytes());
    let member = place.path("members").join("thin.o");
    place.put("members/thin.o", &atomic);
    let symbols = crate::support::archive::defined_symbols(&read(&member));
    let symbols: Vec<&str> = symbols.iter().map(String::as_str).collect();
    // Named from the archive's folder, as `ar` does.
    place.write("libthin.a", &Archive::thin().member("members/thin.o", &read(&member), &symbols).bytes());
    place
}

fn table(linker: Tool, rows: &[Row]) {
    let place = inputs(linker);
    for (line, comes, runs) in rows {
        let linked = place.link(line);
        let outcome = crate::support::suite::caught(|| match comes {
            Threaded => _ = linked.threaded(*runs),
            AsBare => linked.as_bare(line, *runs),
            Fails(text) => {
                let ours = linked.failed(*runs);
                assert!(ours.contains(text), "expected: {text}\n{:?}", linked.ran);
                assert!(!place.path(OUTPUT).exists(), "no output is left");
            }
            Refused(rule) => _ = linked.refused(rule, *runs),
        });
        if let Err(problem) = outcome {
            panic!("{line}\n{problem}");
        }
    }
}

fn thin_member_that_is_gone() {
    let place = inputs(Tool::RustLld);
    fs::remove_file(place.path("members/thin.o")).expect("it was there");
    // lld opens every member of a thin archive, asked for or not. What it says of that is the answer.
    for line in ["neutral.o libthin.a --export=neutral", "neutral.o libthin.a --export=add_shared"] {
        assert_eq!(place.link(line).failed(1), "");
        assert_eq!(place.link(&line.replace("neutral.o", "atomic.o")).failed(1), "");
    }
}

/// The linker's words are held back while it is asked; they come out once, those of the line as it was asked for.
fn undecided_and_failing_says_it_once() {
    let place = inputs(Tool::RustLld);
    let undefined = NoCore::new(
        "unsafe extern \"C\" { fn nowhere(); }
         #[unsafe(no_mangle)] pub extern \"C\" fn calls() { unsafe { nowhere() } }",
    );
    place.put("undefined.o", undefined.name("undefined").object());
    for (line, runs) in [
        ("undefined.o libatomic.a --export=calls", 2),
        ("undefined.o libatomic.a --export=calls --export=add_shared", 2),
        ("undefined.o neutral.bc --export=calls", 2),
        ("undefined.o atomic.bc --export=calls --export=add_shared --verbose", 2),
        ("undefined.o atomic.o --export=calls --export=add_shared", 1),
        ("undefined.o neutral.o --export=calls", 1),
    ] {
        let linked = place.link(line);
        assert_eq!(linked.failed(runs), "", "there is nothing to explain in {line}");
        let (bare, _) = place.bare(line);
        assert_same_bytes(&linked.ran.stderr, &bare.stderr);
        assert_eq!(linked.ran.stderr_text().matches("undefined symbol: nowhere").count(), 1, "{line}\n{:?}", linked.ran);
        assert!(!place.path(OUTPUT).exists());
    }
}

/// Two modules of Rust, which two codegen units keep apart.
const TWO_UNITS: &str = r#"
pub mod one {
    static mut SHARED: i32 = 7;
    #[unsafe(no_mangle)] pub extern "C" fn add_shared(by: i32) -> i32 { unsafe { super::atomic_add(&raw mut SHARED, by) } }
}
pub mod two {
    static mut COUNT: i32 = 3;
    #[unsafe(no_mangle)] pub extern "C" fn neutral(by: i32) -> i32 { unsafe { COUNT = super::Add::add(COUNT, by); COUNT } }
}
"#;

/// The same two, and only one function is compiled for threads.
const ONE_FUNCTION: &str = r#"
pub mod one {
    static mut COUNT: i32 = 7;
    #[unsafe(no_mangle)] #[target_feature(enable = "atomics")]
    pub extern "C" fn wake() -> i32 { unsafe { super::atomic_notify(&raw mut COUNT, 1) } }
}
pub mod two {
    static mut COUNT: i32 = 3;
    #[unsafe(no_mangle)] pub extern "C" fn neutral(by: i32) -> i32 { unsafe { COUNT = super::Add::add(COUNT, by); COUNT } }
}
"#;

/// What a rustc link gave: the `.rcgu.o` that rustc named, and whether it is what the linker alone makes of it.
struct OfRustc {
    objects: usize,
    runs: usize,
    facts: Facts,
    as_bare: bool,
}

#[track_caller]
fn rustc(sample: &NoCore, words: &[&str]) -> OfRustc {
    let place = Place::new(Tool::RustLld);
    let linked = place.run(sample.link(shim(), place.folder()).words(words));
    assert!(linked.ran.success(), "{:?}", linked.ran);
    let facts = Facts::read(place.path("sample.wasm"));
    // Not byte by byte: rustc names its objects anew each time, and LTO orders them by name.
    sample.link(place.linker(), place.folder()).words(words).run().expect_success();
    let last = linked.runs.last().expect("the linker ran");
    OfRustc {
        objects: last.iter().filter(|word| word.to_string_lossy().ends_with(".rcgu.o")).count(),
        runs: linked.runs.len(),
        as_bare: facts == Facts::read(place.path("sample.wasm")),
        facts,
    }
}

impl OfRustc {
    #[track_caller]
    fn threaded(&self, runs: usize) -> &Self {
        self.facts.assert_threaded();
        assert!(!self.as_bare);
        assert_eq!(self.runs, runs);
        self
    }

    #[track_caller]
    fn unthreaded(&self, runs: usize) -> &Self {
        self.facts.assert_unthreaded();
        assert!(self.as_bare, "not what the linker alone makes: {:?}", self.facts);
        assert_eq!(self.runs, runs);
        self
    }
}

fn units(source: &str) -> NoCore {
    NoCore::new(source).flag("-Ccodegen-units=4")
}

fn several_codegen_units() {
    let threaded = rustc(&units(TWO_UNITS).threaded(), &[]);
    assert!(threaded.threaded(1).objects >= 2, "{} units", threaded.objects);
    let plain = rustc(&units(TWO_UNITS), &[]);
    assert!(plain.unthreaded(1).objects >= 2, "{} units", plain.objects);
    rustc(&units(TWO_UNITS).threaded(), &["-Cstrip=symbols"]).threaded(1);
}

/// One function with a feature marks its object, and with two objects that is a mixture: no intent.
fn one_function_with_a_feature() {
    let sample = units(ONE_FUNCTION).flag("-Zcrate-attr=feature(wasm_target_feature)");
    let mixture = rustc(&sample, &[]);
    assert!(mixture.unthreaded(1).objects >= 2, "{} units", mixture.objects);
    assert!(mixture.facts.has_feature("+atomics") && mixture.facts.exports("wake"), "{:?}", mixture.facts);
    // Whoever meant it is told which object has it and which has not.
    let place = Place::new(Tool::RustLld);
    let linked = place.run(sample.link(shim(), place.folder()).word("-Clink-arg=--wasm-threads=threaded"));
    let text = linked.ran.stderr_text();
    assert!(linked.ran.code() == Some(1) && linked.runs.is_empty(), "{:?}", linked.ran);
    assert!(
        text.contains("error[not-threaded]") && text.contains("one function with a target feature marks its object"),
        "{text}"
    );
}

/// In one object there is nothing to mix: it is threaded, and without a `std` that refuses it is a good module.
fn one_intrinsic() {
    let sample = NoCore::new(ONE_FUNCTION).flag("-Zcrate-attr=feature(wasm_target_feature)");
    assert_eq!(rustc(&sample, &[]).threaded(1).objects, 1);
}

fn lto_by_rustc() {
    for lto in ["-Clto=fat", "-Clto=thin"] {
        for strip in ["-Cstrip=none", "-Cstrip=symbols"] {
            rustc(&units(TWO_UNITS).threaded(), &[lto, strip]).threaded(1);
            rustc(&units(TWO_UNITS), &[lto, strip]).unthreaded(1);
        }
    }
}

fn lto_by_the_linker() {
    for lto in ["-Clto=off", "-Clto=fat", "-Clto=thin"] {
        for strip in ["-Cstrip=none", "-Cstrip=symbols"] {
            let words = ["-Clinker-plugin-lto", lto, strip];
            let threaded = rustc(&units(TWO_UNITS).threaded(), &words);
            threaded.threaded(1);
            // The result could not have told.
            assert_eq!(threaded.facts.has_feature("+atomics"), strip == "-Cstrip=none", "{:?}", threaded.facts);
            rustc(&units(TWO_UNITS), &words).unthreaded(2);
        }
    }
}

/// Bitcode that calls into a library of wasm objects, with atomics and without.
fn lto_by_the_linker_of_a_library() {
    let source = "unsafe extern \"C\" { fn add_shared(by: i32) -> i32; }
                  #[unsafe(no_mangle)] pub extern \"C\" fn calls() -> i32 { unsafe { add_shared(1) } }";
    let folder = temp_folder();
    let libraries = [objects::atomic(), objects::refusing()].map(|object| {
        let name = folder.path().join(object.file_name().expect("a name")).with_extension("rlib");
        Archive::new().file(object).write(&name);
        format!("-Clink-arg={}", name.display())
    });
    let words = ["-Clinker-plugin-lto", &libraries[0], &libraries[1]];
    rustc(&NoCore::new(source).threaded(), &words).threaded(1);
    rustc(&NoCore::new(source), &words).threaded(1);
    // One that is there and not needed does not make it threaded.
    rustc(&units(TWO_UNITS), &words).unthreaded(2);
}

fn nightly_several_codegen_units() {
    let nightly = |source| units(source).rustc(Tool::Nightly.path());
    assert!(rustc(&nightly(TWO_UNITS).flag(THREADED), &[]).threaded(1).objects >= 2);
    rustc(&nightly(TWO_UNITS), &[]).unthreaded(1);
    let mixture = rustc(&nightly(ONE_FUNCTION).flag("-Zcrate-attr=feature(wasm_target_feature)"), &[]);
    mixture.unthreaded(1);
}

/// So many objects of rustc's that the linker is started while they are read; each with a function of its own.
fn place_of_many() -> (Place, String) {
    let source = "static mut SHARED: i32 = 7;\n\
                  #[unsafe(no_mangle)] pub extern \"C\" fn many_0000() -> i32 { unsafe { atomic_add(&raw mut SHARED, 1) } }\n";
    copies(&NoCore::new(source).threaded(), 100)
}

/// So many copies of the object, and the line that links them, with another name for the function `many_0000` in each.
fn copies(object: &NoCore, count: usize) -> (Place, String) {
    let place = Place::new(Tool::RustLld);
    let object = read(object.object());
    let mut line = String::new();
    for number in 0..count {
        let own = format!("many_{number:04}");
        let mut bytes = object.clone();
        for at in 0..bytes.len() - own.len() {
            if bytes[at..].starts_with(b"many_0000") {
                bytes[at..at + own.len()].copy_from_slice(own.as_bytes());
            }
        }
        let name = format!("{own}.rcgu.o");
        place.write(&name, &bytes);
        line += &format!("{name} --export={own} ");
    }
    (place, line)
}

fn many_objects() {
    let (place, line) = place_of_many();
    let facts = place.link(&line).threaded(1);
    assert!(facts.exports("many_0000") && facts.exports("many_0099"));
    // What the linker says comes out as ever, and once: on standard output here, and on standard error of a link that fails.
    assert!(place.link(&format!("{line} --trace")).ran.stdout_text().matches("many_0099.rcgu.o").count() == 1);
    // The linker's words are held back in temporary files meanwhile: where there can be none, all goes one after the other.
    let gone = place.path("gone");
    place.link_with(&line, &[("TMPDIR", &gone.to_string_lossy())]).threaded(1);
    let failing = place.link(&format!("{line} --export=nowhere"));
    failing.failed(1);
    let said = failing.ran.stderr_text();
    assert_eq!(said.matches("symbol exported via --export not found: nowhere").count(), 1, "{said}");
}

/// The linker was started for nothing: what it made is gone, and the line is linked as it was asked for.
fn a_mixture_among_many_objects() {
    let (place, line) = place_of_many();
    place.put("late.rcgu.o", objects::neutral());
    let line = format!("{line} late.rcgu.o");
    place.link(&line).as_bare(&line, 2);
    place.link_with(&line, &[("WASM_THREADS", "threaded")]).refused("not-threaded", 1);
}

/// Refused is refused, however many objects there are: the output of an earlier link stays, and nothing lies beside it.
fn an_earlier_output_and_many_objects() {
    let (place, line) = place_of_many();
    place.put("late.rcgu.o", objects::neutral());
    let names = || -> BTreeSet<OsString> {
        fs::read_dir(place.folder()).expect("a folder").map(|entry| entry.expect("an entry").file_name()).collect()
    };
    let linker = Tool::RustLld.path();
    let link = |line: &str| {
        let run = Run::new(shim()).words(FLAVOR).words(line.split_whitespace()).words(["-o", OUTPUT]);
        run.folder(place.folder()).env("WASM_THREADS_LINKER", &linker)
    };
    let few = "many_0000.rcgu.o late.rcgu.o --export=many_0000";
    for line in [few, &format!("{line} late.rcgu.o")] {
        place.write(OUTPUT, b"the earlier one");
        place.write("map.txt", b"its map");
        let (before, time) = (names(), modified(&place.path(OUTPUT)));
        let ran = link(line).word("--wasm-threads=threaded").run().expect_code(1);
        assert!(ran.stderr_text().starts_with("error[not-threaded]: "), "{ran:?}");
        let ran = link(line).word("--wasm-threads=threaded").word("--Map=map.txt").run().expect_code(1);
        assert!(ran.stderr_text().starts_with("error[not-threaded]: "), "{ran:?}");
        assert_same_bytes(read(place.path(OUTPUT)), "the earlier one");
        assert_same_bytes(read(place.path("map.txt")), "its map");
        assert_eq!((names(), modified(&place.path(OUTPUT))), (before, time));
    }
    // One that counts replaces it.
    let before = names();
    link(&line).run().expect_success().expect_silence();
    Facts::read(place.path(OUTPUT)).assert_threaded();
    assert_eq!(names(), before);
}

/// A linker that takes its time is ended with the shim: the earlier output is whole, and nothing lies beside it.
fn ended_among_many_objects() {
    let (place, line) = place_of_many();
    let linker = place.path("slow-linker");
    write_program(&linker, b"#!/bin/sh\n: >started\nexec sleep 60\n");
    place.write(OUTPUT, b"the earlier one");
    let names = || -> BTreeSet<OsString> {
        fs::read_dir(place.folder()).expect("a folder").map(|entry| entry.expect("an entry").file_name()).collect()
    };
    let mut before = names();
    before.insert("started".into());
    let run = Run::new(shim()).words(FLAVOR).words(line.split_whitespace()).words(["-o", OUTPUT]).folder(place.folder());
    let mut shim = run.env("WASM_THREADS_LINKER", &linker).command().spawn().expect("it starts");
    let begun = Instant::now();
    while !place.path("started").exists() {
        assert!(begun.elapsed() < Duration::from_secs(60), "the linker does not start");
        sleep(Duration::from_millis(5));
    }
    assert_ne!(names(), before, "the earlier output has a second name meanwhile");
    Run::new("kill").words(["-s", "TERM"]).word(shim.id().to_string()).run().expect_success();
    assert!(!shim.wait().expect("a child").success());
    assert_eq!(names(), before);
    assert_same_bytes(read(place.path(OUTPUT)), "the earlier one");
}

fn modified(path: &Path) -> SystemTime {
    fs::metadata(path).and_then(|facts| facts.modified()).expect("a file has a time")
}

/// The linker is at work here, too, on the link as it was asked for; it was for nothing where that is not what comes of it.
fn many_objects_without_atomics() {
    let source = "static mut COUNT: i32 = 7;\n\
                  #[unsafe(no_mangle)] pub extern \"C\" fn many_0000() -> i32 { unsafe { COUNT = COUNT + 1; COUNT } }\n";
    let (place, line) = copies(&NoCore::new(source), 600);
    Archive::new().file(objects::atomic()).write(place.path("libatomic.a"));
    place.put("late.rcgu.o", objects::atomic());
    place.link(&line).unthreaded(&line, 1);
    assert!(place.link(&format!("{line} --trace")).ran.stdout_text().matches("many_0599.rcgu.o").count() == 1);
    let gone = place.path("gone");
    place.link_with(&line, &[("TMPDIR", &gone.to_string_lossy())]).unthreaded(&line, 1);
    let failing = place.link(&format!("{line} --export=nowhere"));
    assert_eq!(failing.failed(1), "");
    place.link_with(&line, &[("WASM_THREADS", "threaded")]).refused("not-threaded", 0);
    place.link_with(&line, &[("WASM_THREADS", "unthreaded")]).unthreaded(&line, 1);
    // A mixture; and a library that settles it, by being needed or not.
    let mixture = format!("{line} late.rcgu.o");
    place.link(&mixture).as_bare(&mixture, 2);
    let unneeded = format!("{line} libatomic.a");
    place.link(&unneeded).as_bare(&unneeded, 3);
    place.link(&format!("{line} libatomic.a --export=add_shared --export=add_local")).threaded(2);
    // Somebody needs threads: what was linked meanwhile is not left behind.
    let need = "wasm-threads: required by `leaf`\n";
    let need = format!(
        "#[used] #[unsafe(link_section = \"wasm-threads\")] static NEED: [u8; {}] = {:?};",
        need.len(),
        need.as_bytes()
    );
    place.put("needs.rcgu.o", NoCore::new(&need).name("needs").object());
    place.link(&format!("{line} needs.rcgu.o")).refused("not-threaded", 1);
}
