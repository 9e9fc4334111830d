//! `--wasm-threads-reproduce`: a link packed into one file, which repeats it somewhere else.

use crate::support::archive::Archive;
use crate::support::{Facts, Place, Run, assert_same_bytes, golden, objects, read, shim, temp_folder};
use crate::support::{Suite, Tool};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

const TAR: Tool = Tool::Program("tar", "tar");

pub fn tests(suite: &mut Suite) {
    for linker in [Tool::RustLld, Tool::WasmLd(14), Tool::WasmLd(16), Tool::WasmLd(19), Tool::WasmLd(22)] {
        let name = format!("repeated_elsewhere_with_{}", linker.name());
        suite.test(&name, &[Tool::Rustc, linker, TAR], move || repeated_elsewhere(linker));
    }
    suite.test("of_rustc", &[Tool::RustLld, TAR], of_rustc);
    suite.test("what_is_in_it", &[Tool::RustLld, TAR], what_is_in_it);
    suite.test("failing_link", &[Tool::RustLld, TAR], failing_link);
    suite.test("link_that_we_refuse", &[Tool::RustLld, TAR], link_that_we_refuse);
    suite.test("beside_a_reproduce_of_their_own", &[Tool::RustLld, TAR], beside_their_own);
    suite.test("unwritable_place", &[Tool::RustLld], unwritable_place);
    suite.test("not_for_other_styles", &[], not_for_other_styles);
}

/// A file of `wasm-threads-reproduce`, unpacked.
struct Unpacked {
    folder: tempfile::TempDir,
}

impl Unpacked {
    fn new(archive: &Path) -> Self {
        let folder = temp_folder();
        let run = Run::new(TAR.path()).word("-xf").word(archive).folder(folder.path());
        run.run().expect_success().expect_silence();
        Unpacked { folder }
    }

    /// The one folder in it.
    fn root(&self) -> PathBuf {
        let names: Vec<PathBuf> =
            fs::read_dir(self.folder.path()).expect("a folder").map(|entry| entry.expect("a file").path()).collect();
        assert!(names.len() == 1 && names[0].is_dir(), "one folder: {names:?}");
        names[0].clone()
    }

    fn text(&self, name: &str) -> String {
        String::from_utf8(read(self.root().join(name))).expect("text")
    }

    /// Every file of ours.
    fn ours(&self) -> BTreeMap<String, String> {
        let entries = fs::read_dir(self.root().join("wasm-threads")).expect("our folder");
        let names = entries.map(|entry| entry.expect("a file").file_name().to_string_lossy().into_owned());
        names.map(|name| (name.clone(), self.text(&format!("wasm-threads/{name}")))).collect()
    }

    /// Does what the README says, with this linker.
    #[track_caller]
    fn repeat(&self, linker: &Path) -> crate::support::Ran {
        let readme = self.text("wasm-threads/README");
        assert!(readme.contains("rust-lld -flavor wasm @response.txt"), "{readme}");
        Run::new(linker).words(["-flavor", "wasm", "@response.txt"]).folder(self.root()).run()
    }
}

/// The lines whose modules must come out again, byte by byte. The output's name is in the module: the archive keeps it.
const LINES: [(&str, bool); 6] = [
    ("atomic.o --export=add_shared", true),
    ("neutral.o sub/libatomic.a --export=add_shared", true),
    ("-Lsub -latomic neutral.o --export=neutral --export=add_local", true),
    ("@words.rsp", true),
    ("neutral.o sub/libatomic.a --export=neutral", false),
    ("neutral.o --export=neutral", false),
];

fn inputs(linker: Tool) -> Place {
    let place = Place::new(linker);
    place.put("atomic.o", objects::atomic()).put("neutral.o", objects::neutral()).put("refusing.o", objects::refusing());
    place.write("sub/libatomic.a", &Archive::new().file(objects::atomic()).bytes());
    place
}

fn repeated_elsewhere(linker: Tool) {
    for (line, threaded) in LINES {
        let place = inputs(linker);
        place.write("words.rsp", b"atomic.o --export=add_shared --wasm-threads-reproduce=packed.tar\n");
        let plain = place.link(line);
        assert!(plain.ran.success(), "{:?}", plain.ran);
        let _ = fs::remove_file(place.path("packed.tar"));
        // Said once by an option, once by the variable, once in a response file.
        let linked = match line {
            "@words.rsp" => place.link(line),
            _ if threaded => place.link(&format!("{line} --wasm-threads-reproduce=packed.tar")),
            _ => place.link_with(line, &[("WASM_THREADS_REPRODUCE", "packed.tar")]),
        };
        assert!(linked.ran.success() && linked.ran.stderr.is_empty(), "{line}\n{:?}", linked.ran);
        let module = read(place.path("out.wasm"));
        let facts = Facts::of(&module);
        if threaded {
            facts.assert_threaded()
        } else {
            facts.assert_unthreaded()
        };

        let unpacked = Unpacked::new(&place.path("packed.tar"));
        for gone in ["atomic.o", "neutral.o", "sub/libatomic.a", "out.wasm", "words.rsp"] {
            fs::remove_file(place.path(gone)).expect("it was there");
        }
        let again = unpacked.repeat(place.linker());
        assert!(again.success() && again.stderr.is_empty(), "{line}\n{again:?}");
        assert_same_bytes(read(unpacked.root().join("out.wasm")), module);
        assert!(!unpacked.text("response.txt").contains("wasm-threads-reproduce"), "{}", unpacked.text("response.txt"));
    }
}

fn of_rustc() {
    let place = inputs(Tool::RustLld);
    let packed = place.path("a folder").join("it.is.packed.tar");
    fs::create_dir(place.path("a folder")).expect("a folder");
    let sample = objects::threaded("sample", objects::ATOMIC);
    let word = format!("-Clink-arg=--wasm-threads-reproduce={}", packed.display());
    let linked = place.run(sample.link(shim(), place.folder()).word(word));
    assert!(linked.ran.success() && linked.ran.stderr.is_empty(), "{:?}", linked.ran);
    let module = read(place.path("sample.wasm"));
    Facts::of(&module).assert_threaded();
    // rustc's own folder of objects is gone by now.
    let unpacked = Unpacked::new(&packed);
    assert_eq!(unpacked.root().file_name(), Some("it.is.packed".as_ref()));
    let again = unpacked.repeat(place.linker());
    assert!(again.success(), "{again:?}");
    assert_same_bytes(read(unpacked.root().join("sample.wasm")), module);
}

fn what_is_in_it() {
    let place = inputs(Tool::RustLld);
    place.put("a name.o", objects::atomic());
    let words = [
        "-flavor",
        "wasm",
        "--no-entry",
        "a name.o",
        "--export=add_shared",
        "--wasm-threads-max-memory=2MiB",
        "-o",
        "out.wasm",
    ];
    let run = Run::new(shim()).words(words).word("--wasm-threads-reproduce=packed.tar");
    let linked = place.run(run);
    assert!(linked.ran.success(), "{:?}", linked.ran);
    let unpacked = Unpacked::new(&place.path("packed.tar"));
    let ours = unpacked.ours();
    let names: Vec<&String> = ours.keys().collect();
    assert_eq!(names, ["README", "arguments", "findings", "settings", "versions"]);
    golden::check("reproduce/README", &ours["README"], &[]);
    // The shim's own command, to be pasted: words with spaces are quoted.
    golden::check("reproduce/arguments", &ours["arguments"], &[]);
    let settings = &ours["settings"];
    assert!(settings.contains("mode: Auto") && settings.contains("2097152") && settings.contains("packed.tar"), "{settings}");
    let version = Run::new(place.linker()).words(["-flavor", "wasm", "--version"]).run().expect_success().stdout_text();
    let versions = &ours["versions"];
    assert!(versions.contains("wasm-threads-linker 0.") && versions.contains(version.trim_end()), "{versions}");
    assert_eq!(ours["findings"].trim(), "");
    let response = unpacked.text("response.txt");
    assert!(response.contains("--shared-memory") && response.contains("--max-memory=2097152"), "{response}");
    // A second link writes it anew.
    let linked = place.link("neutral.o --export=neutral --wasm-threads-reproduce=packed.tar");
    assert!(linked.ran.success(), "{:?}", linked.ran);
    let unpacked = Unpacked::new(&place.path("packed.tar"));
    assert!(!unpacked.text("response.txt").contains("shared-memory") && unpacked.ours().len() == 5);
}

/// What cannot be linked here cannot be linked there, in the same words.
fn failing_link() {
    for line in [
        "atomic.o refusing.o --export=add_shared",
        "neutral.o --export=neutral --export=nowhere --import-memory",
        "neutral.o sub/libatomic.a --export=nowhere",
    ] {
        let place = inputs(Tool::RustLld);
        let linked = place.link(&format!("{line} --wasm-threads-reproduce=packed.tar"));
        assert_eq!(linked.ran.code(), Some(1), "{:?}", linked.ran);
        let unpacked = Unpacked::new(&place.path("packed.tar"));
        for gone in ["atomic.o", "neutral.o", "refusing.o", "sub/libatomic.a"] {
            fs::remove_file(place.path(gone)).expect("it was there");
        }
        let again = unpacked.repeat(place.linker());
        assert_eq!(again.code(), Some(1), "{again:?}");
        let text = linked.ran.stderr_text();
        let said = |error: &str| error.split(" because ").next().unwrap_or_default().to_owned();
        // Paths are another place's; what is wrong is the same.
        let what = |text: &str| text.lines().next().and_then(|line| line.rsplit(['/', ' ']).next()).map(said);
        assert!(what(&text).is_some() && what(&text) == what(&again.stderr_text()), "{text}\n{again:?}");
        // Our own words are in it, too.
        let findings = &unpacked.ours()["findings"];
        let ours = text.find("error[").map_or("", |at| &text[at..]);
        assert_eq!(findings.trim_end(), ours.trim_end());
        assert_eq!(ours.is_empty(), line.contains("nowhere"), "{text}");
    }
}

/// No linker made anything of it, and just then somebody wants to know why.
fn link_that_we_refuse() {
    for (line, rule) in [
        ("neutral.o --export=neutral --wasm-threads=threaded", "not-threaded"),
        ("neutral.o sub/libatomic.a --export=neutral --wasm-threads=threaded", "not-threaded"),
        ("atomic.o --export=add_shared --wasm-threads=unthreaded", "threaded"),
        ("atomic.o refusing.o --export=add_shared --no-check-features", "object-without-atomics"),
        (
            "atomic.o --export=add_shared --initial-memory=2097152 --max-memory=2097152 -z stack-size=1900000",
            "memory-cannot-grow",
        ),
    ] {
        let place = inputs(Tool::RustLld);
        let linked = place.link(&format!("{line} --wasm-threads-reproduce=packed.tar"));
        let text = linked.ran.stderr_text();
        assert!(linked.ran.code() == Some(1) && text.starts_with(&format!("error[{rule}]: ")), "{line}\n{:?}", linked.ran);
        assert!(!place.path("out.wasm").exists());
        let unpacked = Unpacked::new(&place.path("packed.tar"));
        let findings = &unpacked.ours()["findings"];
        assert!(text.starts_with(findings.trim_end()), "{line}\n--- packed\n{findings}\n--- said\n{text}");
        for gone in ["atomic.o", "neutral.o", "refusing.o"] {
            fs::remove_file(place.path(gone)).expect("it was there");
        }
        let again = unpacked.repeat(place.linker());
        assert!(again.success(), "{line}\n{again:?}");
    }
}

/// The line's own `--reproduce` is written as it is without us, and ours is a copy of it with our files.
fn beside_their_own() {
    for (line, threaded) in [
        ("atomic.o --export=add_shared", true),
        ("neutral.o sub/libatomic.a --export=add_shared", true),
        ("neutral.o --export=neutral", false),
    ] {
        for (theirs, ours) in [("theirs.tar", "ours.tar"), ("one.tar", "one.tar"), ("one.tar", "./sub/../one.tar")] {
            let place = inputs(Tool::RustLld);
            let linked = place.link(&format!("{line} --reproduce={theirs} --wasm-threads-reproduce={ours}"));
            assert!(linked.ran.success() && linked.ran.stderr.is_empty(), "{:?}", linked.ran);
            let module = read(place.path("out.wasm"));
            assert_eq!(Facts::of(&module).memory().shared, threaded);
            let (own, packed) = (read(place.path(theirs)), Unpacked::new(&place.path(ours)));
            if theirs != "one.tar" {
                // Byte by byte what the linker writes for these words.
                fs::remove_file(place.path(theirs)).expect("it was written");
                // Of the runs, the last one asks for the version.
                let words = linked.runs.first().expect("a run");
                Run::new(place.linker()).words(words).folder(place.folder()).run().expect_success();
                assert_same_bytes(&own, read(place.path(theirs)));
            }
            assert_eq!(packed.root().file_name(), Path::new(theirs).file_stem());
            assert_eq!(packed.ours().len(), 5);
            let again = packed.repeat(place.linker());
            assert!(again.success(), "{again:?}");
            assert_same_bytes(read(packed.root().join("out.wasm")), module);
        }
    }
    // A link that we refuse makes nothing that was asked of the linker; what was asked of us is there.
    let place = inputs(Tool::RustLld);
    let line = "neutral.o --export=neutral --wasm-threads=threaded --reproduce=theirs.tar --wasm-threads-reproduce=ours.tar";
    let refused = place.link(line).ran.expect_code(1);
    assert!(refused.stderr_text().starts_with("error[not-threaded]: "), "{refused:?}");
    assert!(!place.path("theirs.tar").exists());
    assert!(Unpacked::new(&place.path("ours.tar")).ours()["findings"].contains("not-threaded"));
}

/// The link does not suffer, and it is said once.
fn unwritable_place() {
    let place = inputs(Tool::RustLld);
    fs::create_dir(place.path("folder")).expect("a folder");
    for (line, to) in [
        ("atomic.o --export=add_shared", "gone/packed.tar"),
        ("atomic.o --export=add_shared", "folder"),
        ("neutral.o --export=neutral", "gone/packed.tar"),
        ("neutral.o --export=neutral --wasm-threads=off", "gone/packed.tar"),
    ] {
        let plain = place.link(line);
        assert!(plain.ran.success(), "{:?}", plain.ran);
        let module = read(place.path("out.wasm"));
        let linked = place.link(&format!("{line} --wasm-threads-reproduce={to}"));
        assert!(linked.ran.success() && linked.runs.len() == plain.runs.len(), "{:?}", linked.ran);
        let name = if to == "folder" { "reproduce/to_a_folder" } else { "reproduce/to_no_folder" };
        golden::check(name, &linked.ran.stderr_text(), &[]);
        assert_same_bytes(read(place.path("out.wasm")), module);
    }
}

/// emcc and clang have no such option: they are called without it.
fn not_for_other_styles() {
    let folder = temp_folder();
    let recorder = crate::support::Recorder::new("/bin/true");
    for style in ["clang", "emcc"] {
        let run =
            Run::new(shim()).words(["a.o", "-o", "out.wasm", "--wasm-threads-reproduce=packed.tar"]).folder(folder.path());
        let linker = format!("--wasm-threads-linker={}", recorder.linker().display());
        let ran = run.word(format!("--wasm-threads-style={style}")).word(linker).run().expect_success();
        assert!(ran.stderr_text().starts_with("warning[reproduce-failed]: the link could not be packed"), "{ran:?}");
        assert!(!folder.path().join("packed.tar").exists());
    }
    assert_eq!(recorder.runs(), vec![["a.o", "-o", "out.wasm"]; 2]);
}
