//! `auto`, `threaded`, `unthreaded` and `off`, by every way there is to say them. Each outcome is a real link.

use crate::support::archive::Archive;
use crate::support::{Facts, NoCore, Place, Recorder, golden, objects, read, shim, temp_folder};
use crate::support::{Suite, Tool};
use std::fs;
use std::path::Path;

pub fn tests(suite: &mut Suite) {
    for way in WAYS {
        for mode in MODES.iter().filter(|mode| *way != Way::Marker || mode.name != "auto") {
            suite.test(&format!("{}_by_{}", mode.name, way.name()), &[Tool::RustLld], move || every_input(mode, *way));
        }
    }
    suite.test("threaded_by_a_crates_need", &[Tool::RustLld], threaded_by_a_crates_need);
    suite.test("need_of_a_member_not_pulled_in", &[Tool::RustLld], need_of_a_member_not_pulled_in);
    suite.test("need_in_the_output", &[Tool::RustLld], need_in_the_output);
    suite.test("need_that_rustc_compiles", &[Tool::RustLld], need_that_rustc_compiles);
    suite.test("which_word_counts", &[Tool::RustLld], which_word_counts);
    suite.test("build_script_that_contradicts_itself", &[Tool::RustLld], build_script_that_contradicts_itself);
    suite.test("off_by_variable_is_the_way_out", &[Tool::RustLld], off_by_variable_is_the_way_out);
    suite.test("texts", &[Tool::RustLld], texts);
    suite.test("no_word_of_ours_reaches_the_linker", &[Tool::RustLld], no_word_of_ours_reaches_the_linker);
    suite.test("in_the_response_file_that_rustc_writes", &[Tool::RustLld], in_the_response_file_that_rustc_writes);
}

/// What a link can be made of.
const INPUTS: [(&str, &str); 6] = [
    ("atomic", "atomic.o --export=add_shared"),
    ("none", "neutral.o --export=neutral"),
    ("mixture", "a.rcgu.o n.rcgu.o --export=add_shared"),
    ("undecided, and is", "neutral.o libatomic.a --export=add_shared"),
    ("undecided, and is not", "neutral.o libatomic.a --export=neutral"),
    ("bitcode, and is", "atomic.bc --export=add_shared"),
];

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Comes {
    /// A threaded module, after so many runs of the linker.
    Threaded(usize),
    /// Byte by byte what the linker alone makes, after so many runs.
    AsBare(usize),
    /// Our refusal.
    NotThreaded(usize),
    /// The other one.
    IsThreaded(usize),
}

use Comes::{AsBare, IsThreaded, NotThreaded, Threaded};

struct Mode {
    name: &'static str,
    /// For each of [`INPUTS`].
    comes: [Comes; 6],
}

const MODES: &[Mode] = &[
    Mode { name: "auto", comes: [Threaded(1), AsBare(1), AsBare(1), Threaded(1), AsBare(2), Threaded(1)] },
    Mode { name: "threaded", comes: [Threaded(1), NotThreaded(0), NotThreaded(0), Threaded(1), NotThreaded(1), Threaded(1)] },
    Mode { name: "unthreaded", comes: [IsThreaded(0), AsBare(1), AsBare(1), IsThreaded(1), AsBare(2), IsThreaded(1)] },
    Mode { name: "off", comes: [AsBare(1), AsBare(1), AsBare(1), AsBare(1), AsBare(1), AsBare(1)] },
];

/// How a mode is said.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Option,
    ResponseFile,
    Variable,
    Marker,
}

const WAYS: &[Way] = &[Way::Option, Way::ResponseFile, Way::Variable, Way::Marker];

impl Way {
    fn name(self) -> &'static str {
        match self {
            Way::Option => "option",
            Way::ResponseFile => "option_in_a_response_file",
            Way::Variable => "variable",
            Way::Marker => "the_marker_of_a_build_script",
        }
    }

    /// The words that say it, and the variable.
    fn say(self, mode: &str, place: &Place) -> (String, Vec<(&'static str, String)>) {
        match self {
            Way::Option => (format!("--wasm-threads={mode}"), Vec::new()),
            Way::ResponseFile => {
                place.write("words.rsp", format!("\"--wasm-threads\"={mode}\n-L .\n").as_bytes());
                ("@words.rsp".to_owned(), Vec::new())
            }
            Way::Variable => (String::new(), vec![("WASM_THREADS", mode.to_owned())]),
            Way::Marker => (format!("--export-if-defined=wasm-threads:{mode}"), Vec::new()),
        }
    }

    /// What stands for those words where there is no shim.
    fn bare(self, mode: &str) -> String {
        match self {
            Way::Option | Way::Variable => String::new(),
            Way::ResponseFile => "-L .".to_owned(),
            Way::Marker => format!("--export-if-defined=wasm-threads:{mode}"),
        }
    }

    /// How our texts call it.
    fn in_words(self) -> &'static str {
        match self {
            Way::Option | Way::ResponseFile => "(the option --wasm-threads=)",
            Way::Variable => "(the variable WASM_THREADS)",
            Way::Marker => "(the build script of the package)",
        }
    }
}

/// All that the lines name.
fn inputs() -> Place {
    let place = Place::new(Tool::RustLld);
    let (atomic, neutral) = (objects::atomic(), objects::neutral());
    place.put("atomic.o", &atomic).put("a.rcgu.o", &atomic).put("atomic.bc", objects::atomic_bitcode());
    place.put("neutral.o", &neutral).put("n.rcgu.o", &neutral).put("r.rcgu.o", objects::refusing());
    place.write("libatomic.a", &Archive::new().file(atomic).bytes());
    place
}

fn every_input(mode: &Mode, way: Way) {
    let place = inputs();
    for ((input, line), comes) in INPUTS.into_iter().zip(mode.comes) {
        let (words, variables) = way.say(mode.name, &place);
        let variables: Vec<(&str, &str)> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
        // An empty word is one the linker drops.
        let linked = place.link_with(&format!("{line} {words}"), &variables);
        let outcome = crate::support::suite::caught(|| match comes {
            Threaded(runs) => _ = linked.threaded(runs),
            AsBare(runs) => linked.unthreaded(&format!("{line} {}", way.bare(mode.name)), runs),
            NotThreaded(runs) => {
                let text = linked.refused("not-threaded", runs);
                assert!(text.contains("out.wasm was to be threaded ") && text.contains(way.in_words()), "{text}");
            }
            IsThreaded(runs) => {
                let text = linked.refused("threaded", runs);
                assert!(text.contains("out.wasm was to be unthreaded ") && text.contains(way.in_words()), "{text}");
            }
        });
        if let Err(problem) = outcome {
            panic!("{input}: {line}\n{problem}");
        }
        // That nothing of ours is left in what the linker was given, the linker itself proves: it knows no such option.
        let words = linked.runs.iter().flatten();
        assert!(!words.into_iter().any(|word| word.to_string_lossy().starts_with("--wasm-threads")), "{:?}", linked.runs);
    }
}

/// What `required!` makes of a crate's name, byte by byte: without `core` an array of text cannot be copied.
fn need(krate: &str) -> String {
    let line = format!("{krate}\n");
    format!("#[used] #[unsafe(link_section = \"wasm-threads\")] static NEED: [u8; {}] = {:?};", line.len(), line.as_bytes())
}

/// An object with the section that `required!` makes, with atomics or without.
fn needing(krate: &str, atomics: bool) -> std::path::PathBuf {
    let source = format!(
        "{} static mut COUNT: i32 = 3;
         #[unsafe(no_mangle)] pub extern \"C\" fn {krate}(by: i32) -> i32 {{ unsafe {{ COUNT = Add::add(COUNT, by); COUNT }} }}",
        need(krate)
    );
    let sample = NoCore::new(&source).name(krate);
    if atomics { sample.threaded().object() } else { sample.object() }
}

/// A section in an object says `threaded` for whoever links it.
fn threaded_by_a_crates_need() {
    let place = inputs();
    place.put("needs.o", needing("pool", false)).put("needs-atomic.o", needing("pool", true));
    place.put("p.rcgu.o", needing("pool", false)).put("other.o", needing("queue", false));
    let told = "out.wasm must be threaded, says `pool`, and is not";
    for (line, runs) in [
        ("needs.o --export=pool", 0),
        ("needs.o neutral.o --export=pool --wasm-threads=auto", 0),
        ("needs.o --export=pool --wasm-threads=unthreaded", 0),
        ("a.rcgu.o p.rcgu.o --export=pool --export=add_shared", 0),
        ("needs.o libatomic.a --export=pool", 1),
        ("needs.o r.rcgu.o --export=pool", 0),
    ] {
        let text = place.link(line).refused("not-threaded", runs);
        assert!(text.contains(told), "{line}\n{text}");
    }
    let text = place.link("needs.o other.o --export=pool").refused("not-threaded", 0);
    assert!(text.contains("says `pool`, `queue`, and is not"), "{text}");
    place.link("needs-atomic.o atomic.o --export=pool --export=add_shared").threaded(1);
    place.link("needs.o libatomic.a --export=pool --export=add_shared").threaded(1);
    let line = "needs.o --export=pool";
    place.link(&format!("{line} --wasm-threads=off")).unthreaded(line, 1);
}

/// A library says it for whoever links it, used or not: which of its members are pulled in is the optimizer's whim.
fn need_of_a_member_not_pulled_in() {
    let place = inputs();
    let rlib = |atomics| {
        let archive = Archive::new().file(objects::neutral()).file(needing("pool", atomics));
        place.write("libpool-0123456789abcdef.rlib", &archive.bytes());
    };
    for atomics in [false, true] {
        rlib(atomics);
        for (line, runs) in [
            ("n.rcgu.o libpool-0123456789abcdef.rlib --export=neutral", usize::from(atomics)),
            // The crate's own object refuses, which already says that nothing here is threaded.
            ("r.rcgu.o libpool-0123456789abcdef.rlib --export=refusing_shared", 0),
            ("a.rcgu.o n.rcgu.o libpool-0123456789abcdef.rlib --export=neutral", 0),
        ] {
            let text = place.link(line).refused("not-threaded", runs);
            assert!(text.contains("says `pool`, and is not"), "{line}\n{text}");
        }
        place.link("a.rcgu.o libpool-0123456789abcdef.rlib --export=add_shared").threaded(1);
    }
}

/// What the object says is in the module, for whoever looks at it later.
fn need_in_the_output() {
    let place = inputs();
    place.put("needs.o", needing("pool", true));
    for strip in ["--strip-debug", "--strip-all"] {
        let facts = place.link(&format!("atomic.o needs.o --export=add_shared {strip}")).threaded(1);
        assert!(facts.custom_sections.iter().any(|name| name == "wasm-threads"), "{facts:?}");
    }
}

/// The same from rustc, whole.
fn need_that_rustc_compiles() {
    let source = [objects::NEUTRAL, &need("pool")].concat();
    let place = inputs();
    let plain = place.run(NoCore::new(&source).link(shim(), place.folder()));
    let text = plain.ran.stderr_text();
    assert!(plain.ran.code() == Some(1) && plain.runs.is_empty(), "{:?}", plain.ran);
    assert!(text.contains("sample.wasm must be threaded, says `pool`, and is not"), "{text}");
    let threaded = place.run(NoCore::new(&source).threaded().link(shim(), place.folder()));
    assert!(threaded.ran.success() && threaded.runs.len() == 1, "{:?}", threaded.ran);
    Facts::read(place.path("sample.wasm")).assert_threaded();
}

/// Several words at once: the option wins over all, the marker over the variable; `off` by variable is undone by the option
/// alone.
fn which_word_counts() {
    let place = inputs();
    let (atomic, none) = ("atomic.o --export=add_shared", "neutral.o --export=neutral");
    let marker = |mode: &str| format!("--export-if-defined=wasm-threads:{mode}");
    let option = |mode: &str| format!("--wasm-threads={mode}");
    // Words, variable, and the mode that counts.
    let cases = [
        (option("threaded"), "unthreaded", "threaded"),
        (option("unthreaded"), "threaded", "unthreaded"),
        (option("auto"), "threaded", "auto"),
        (option("off"), "threaded", "off"),
        (option("auto"), "off", "auto"),
        (option("threaded"), "off", "threaded"),
        (option("unthreaded"), "off", "unthreaded"),
        (format!("{} {}", option("unthreaded"), option("threaded")), "", "threaded"),
        (format!("{} {}", option("threaded"), option("unthreaded")), "", "unthreaded"),
        (marker("threaded"), "unthreaded", "threaded"),
        (marker("threaded"), "auto", "threaded"),
        (marker("unthreaded"), "threaded", "unthreaded"),
        (marker("off"), "threaded", "off"),
        (marker("threaded"), "off", "off"),
        (format!("{} {}", marker("threaded"), option("unthreaded")), "", "unthreaded"),
        (format!("{} {}", marker("unthreaded"), option("threaded")), "", "threaded"),
        (format!("{} {}", option("off"), marker("threaded")), "", "off"),
        (format!("{} {}", marker("off"), option("threaded")), "", "threaded"),
        // A general `auto` does not undo what one package says of itself.
        (format!("{} {}", marker("threaded"), option("auto")), "", "threaded"),
        (format!("{} {}", option("auto"), marker("unthreaded")), "", "unthreaded"),
        (String::new(), "", "auto"),
    ];
    for (words, variable, mode) in cases {
        let linked = |line: &str| place.link_with(&format!("{line} {words}"), &[("WASM_THREADS", variable)]);
        let context = format!("{words} with WASM_THREADS={variable}, wanted {mode}");
        let outcome = crate::support::suite::caught(|| {
            let with = linked(atomic);
            match mode {
                "auto" | "threaded" => _ = with.threaded(1),
                "unthreaded" => _ = with.refused("threaded", 0),
                _ => assert!(with.ran.success() && with.runs.len() == 1, "{:?}", with.ran),
            }
            if mode == "off" {
                Facts::read(place.path("out.wasm")).assert_unthreaded();
            }
            let with_none = linked(none);
            match mode {
                "threaded" => _ = with_none.refused("not-threaded", 0),
                _ => assert!(with_none.ran.success() && with_none.runs.len() == 1, "{:?}", with_none.ran),
            }
        });
        if let Err(problem) = outcome {
            panic!("{context}\n{problem}");
        }
    }
}

/// Both at once is a mistake that must not be settled in silence; `off`, or a word of the user's, settles it.
fn build_script_that_contradicts_itself() {
    let place = inputs();
    let both = "--export-if-defined=wasm-threads:unthreaded --export-if-defined=wasm-threads:threaded";
    for line in ["atomic.o --export=add_shared", "neutral.o --export=neutral"] {
        let text = place.link(&format!("{line} {both}")).refused("bad-option", 0);
        golden::check("modes/contradiction", &text, &[]);
        for words in ["--export-if-defined=wasm-threads:off", "--wasm-threads=off"] {
            place.link(&format!("{line} {both} {words}")).unthreaded(&format!("{line} {both}"), 1);
        }
        place.link_with(&format!("{line} {both}"), &[("WASM_THREADS", "off")]).unthreaded(&format!("{line} {both}"), 1);
    }
    place.link(&format!("atomic.o --export=add_shared {both} --wasm-threads=threaded")).threaded(1);
}

/// Whatever is wrong, and wherever it comes from: the shim stands aside.
fn off_by_variable_is_the_way_out() {
    let place = inputs();
    place.put("needs.o", needing("pool", false)).put("refusing.o", objects::refusing());
    for line in [
        "needs.o --export=pool --export-if-defined=wasm-threads:threaded",
        "atomic.o refusing.o --export=add_shared",
        "atomic.o refusing.o --no-check-features --export=add_shared",
        "atomic.o --max-memory=65536000 --export=add_shared --export-if-defined=wasm-threads:unthreaded",
        "atomic.o -r",
    ] {
        place.link_with(line, &[("WASM_THREADS", "off")]).as_bare(line, 1);
    }
    // Nor is anything else of ours held against it.
    let line = "atomic.o --export=add_shared";
    place.link_with(line, &[("WASM_THREADS", "off"), ("WASM_THREADS_MAX_MEMORY", "1GB")]).as_bare(line, 1);
    place.link_with(line, &[("WASM_THREADS_MAX_MEMORY", "1GB")]).refused("bad-option", 0);
    // A link that fails does so without a word of ours.
    let linked = place.link_with("atomic.o refusing.o --shared-memory --max-memory=65536000", &[("WASM_THREADS", "off")]);
    assert_eq!(linked.failed(1), "");
}

fn texts() {
    let place = inputs();
    place.put("needs.o", needing("pool", false));
    let check = |name: &str, text: &str| golden::check(&format!("modes/{name}"), text, &[(place.folder(), "[FOLDER]")]);
    check("not_threaded", &place.link("neutral.o --export=neutral --wasm-threads=threaded").refused("not-threaded", 0));
    check("not_threaded_mixture", &place.link("a.rcgu.o n.rcgu.o --wasm-threads=threaded").refused("not-threaded", 0));
    check("not_threaded_refusing", &place.link("r.rcgu.o --wasm-threads=threaded").refused("not-threaded", 0));
    let linked = place.link("neutral.o libatomic.a --export=neutral --wasm-threads=threaded");
    check("not_threaded_not_linked", &linked.refused("not-threaded", 1));
    check("not_threaded_needed", &place.link("needs.o --export=pool").refused("not-threaded", 0));
    check("threaded", &place.link("atomic.o --wasm-threads=unthreaded").refused("threaded", 0));
    check("threaded_asked_for", &place.link("neutral.o --shared-memory --wasm-threads=unthreaded").refused("threaded", 0));
    for mode in [place.link("atomic.o --wasm-threads=on"), place.link_with("atomic.o", &[("WASM_THREADS", "1")])] {
        assert!(mode.refused("bad-option", 0).contains("auto, threaded, unthreaded or off"));
    }
    // Config's `rustflags` gone because of RUSTFLAGS is what most often ends here: the text names both.
    let text = place.link("neutral.o --wasm-threads=threaded").refused("not-threaded", 0);
    assert!(text.contains("RUSTFLAGS in the environment replaces `rustflags`") && text.contains("RUSTDOCFLAGS"), "{text}");
}

/// On the line, in a response file, and in one that another names.
fn no_word_of_ours_reaches_the_linker() {
    let place = inputs();
    place.write("outer.rsp", b"--export=add_shared --wasm-threads=threaded @inner.rsp");
    place.write("inner.rsp", b"'--wasm-threads-max-memory=2MiB'\n--export=add_local --wasm-threads-style=wasm-ld");
    let facts = place.link("atomic.o @outer.rsp").threaded(1);
    assert_eq!(facts.memory().maximum, Some(32));
    assert!(facts.exports("add_local"), "{facts:?}");
    // A file without a word of ours is handed on as it is.
    place.write("theirs.rsp", b"--export=add_local");
    let linked = place.link("atomic.o --export=add_shared @theirs.rsp");
    linked.threaded(1);
    assert!(linked.runs[0].iter().any(|word| word == "@theirs.rsp"), "{:?}", linked.runs);
    assert_eq!(read(place.path("outer.rsp")), b"--export=add_shared --wasm-threads=threaded @inner.rsp");
}

/// A line that is too long for the system: rustc itself moves all of it, our options too, into `@linker-arguments`.
fn in_the_response_file_that_rustc_writes() {
    let folder = temp_folder();
    // One word longer than the system takes; it names nothing.
    let long = format!("-Clink-arg=--export-if-defined={}", "x".repeat(140 << 10));
    let arguments = folder.path().join("arguments");
    let link = |sample: &NoCore, words: &[&str], linker: &Path, recorder: &Recorder| -> (crate::support::Ran, Vec<_>) {
        fs::write(&arguments, [&[long.as_str()], words].concat().join("\n")).expect("a file of arguments");
        let mut file = std::ffi::OsString::from("@");
        file.push(&arguments);
        let run = sample.link(linker, folder.path()).word(file).env("WASM_THREADS_LINKER", recorder.linker());
        (run.run(), recorder.runs())
    };
    let atomic = objects::threaded("sample", objects::ATOMIC);
    let neutral = NoCore::new(objects::NEUTRAL);
    let output = folder.path().join("sample.wasm");
    let lld = Tool::RustLld.path();

    // That it is so, without us.
    let recorder = Recorder::new(&lld);
    let (ran, runs) = link(&neutral, &[], recorder.linker(), &recorder);
    assert!(ran.success(), "{ran:?}");
    let last = runs.last().expect("the linker ran");
    assert!(last.len() == 3 && last[2].to_string_lossy().ends_with("linker-arguments"), "rustc moved the words: {last:?}");
    let bare = read(&output);

    for (words, maximum) in [
        (&["-Clink-arg=--wasm-threads=threaded", "-Clink-arg=--wasm-threads-max-memory=512MiB"][..], 8192),
        (&["-Clink-arg=--export-if-defined=wasm-threads:threaded"][..], 16384),
        (&["-Clink-arg=--wasm-threads=threaded", "-Clink-arg=--max-memory=1048576000"][..], 16000),
    ] {
        let recorder = Recorder::new(&lld);
        let (ran, runs) = link(&atomic, words, shim(), &recorder);
        assert!(ran.success() && runs.len() == 1, "{ran:?}");
        let facts = Facts::read(&output);
        facts.assert_threaded();
        assert_eq!(facts.memory().maximum, Some(maximum));

        let recorder = Recorder::new(&lld);
        let (ran, runs) = link(&neutral, words, shim(), &recorder);
        assert!(ran.code() == Some(1) && runs.is_empty(), "{ran:?}");
        assert!(ran.stderr_text().contains("error[not-threaded]: "), "{ran:?}");
    }
    for words in [&["-Clink-arg=--wasm-threads=unthreaded"][..], &["-Clink-arg=--wasm-threads=off"][..]] {
        let recorder = Recorder::new(&lld);
        let (ran, runs) = link(&neutral, words, shim(), &recorder);
        assert!(ran.success() && runs.len() == 1, "{ran:?}");
        crate::support::assert_same_bytes(read(&output), &bare);
    }
}
