//! Bad use gets a clear error, never a panic and never a hang. Every text is in `tests/golden/bad-use`.

use crate::support::recorder::write_program;
use crate::support::{FLAVOR, Facts, Place, Ran, Run, THREADED, assert_same_bytes, golden, objects, read, shim};
use crate::support::{Suite, Tool};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

// Programs here are scripts and links, and words are bytes.
pub fn tests(suite: &mut Suite) {
    let objects = &[Tool::Rustc];
    let links = &[Tool::Rustc, Tool::RustLld];
    suite.test("nothing_at_all", &[], nothing_at_all);
    suite.test("asked_about_itself", &[], asked_about_itself);
    suite.test("options_that_are_not_ours", &[], options_that_are_not_ours);
    suite.test("modes_that_are_none", &[], modes_that_are_none);
    suite.test("sizes_that_are_none", &[], sizes_that_are_none);
    suite.test("no_linker_anywhere", objects, no_linker_anywhere);
    suite.test("no_linker_of_another_style", objects, no_linker_of_another_style);
    suite.test("no_linker_of_that_name", objects, no_linker_of_that_name);
    suite.test("linker_is_the_shim", objects, linker_is_the_shim);
    suite.test("linker_comes_back_to_the_shim", objects, linker_comes_back_to_the_shim);
    suite.test("linker_does_not_start", objects, linker_does_not_start);
    suite.test("output_that_is_not_there", objects, output_that_is_not_there);
    suite.test("output_that_is_no_module", objects, output_that_is_no_module);
    suite.test("no_room_for_temporary_files", objects, no_room_for_temporary_files);
    suite.test("inputs_that_cannot_be_read", links, inputs_that_cannot_be_read);
    suite.test("words_that_are_not_text", links, words_that_are_not_text);
    suite.test("empty_words_and_missing_values", links, empty_words_and_missing_values);
    suite.test("missing_value_that_the_linker_passes_over", &[Tool::Rustc, Tool::WasmLd(14)], missing_value_passed_over);
    suite.test("response_files_without_end", links, response_files_without_end);
    suite.test("response_file_that_is_large", links, response_file_that_is_large);
    suite.test("response_file_that_is_a_pipe", links, response_file_that_is_a_pipe);
    suite.test("response_file_with_a_word_of_ours", links, response_file_with_a_word_of_ours);
    suite.test("missing_value_and_a_word_of_ours", links, missing_value_and_a_word_of_ours);
    suite.test("very_many_words", links, very_many_words);
    #[cfg(target_os = "linux")]
    suite.test("line_made_too_long_by_our_words", links, line_made_too_long_by_our_words);
    suite.test("random_lines", links, random_lines);
}

/// Longer than any of these takes, shorter than one waits.
const SOON: Duration = Duration::from_secs(60);

fn place() -> Place {
    let place = Place::new(Tool::Rustc);
    place.put("atomic.o", objects::atomic()).put("neutral.o", objects::neutral());
    place
}

/// A folder for temporary files that is empty before and after.
fn temporary(place: &Place) -> PathBuf {
    let folder = place.path("tmp");
    fs::create_dir_all(&folder).expect("a folder");
    folder
}

#[track_caller]
fn assert_nothing_left(place: &Place) {
    let left: Vec<_> = fs::read_dir(place.path("tmp")).expect("a folder").collect();
    assert!(left.is_empty(), "left behind: {left:?}");
}

/// The shim with nothing to find a linker by, in the place's folder.
fn alone(place: &Place) -> Run {
    let none: [&Path; 0] = [];
    Run::new(shim()).folder(place.folder()).path(none).env("RUSTC", place.path("no-rustc")).timeout(SOON)
}

/// It fails by our own word, and this is that word.
#[track_caller]
fn refused(run: &Run, name: &str, paths: &[(&Path, &str)]) -> Ran {
    let ran = run.run().expect_code(1);
    assert!(ran.stdout.is_empty(), "errors go to standard error\n{ran:?}");
    golden::check(&format!("bad-use/{name}"), &ran.stderr_text(), paths);
    ran
}

fn nothing_at_all() {
    refused(&Run::new(shim()), "no-arguments", &[]);
}

fn asked_about_itself() {
    for words in [&["--wasm-threads-help"][..], &["-flavor", "wasm", "--wasm-threads-help", "a.o"]] {
        let ran = Run::new(shim()).words(words).run().expect_success();
        golden::check("bad-use/help", &ran.stdout_text(), &[]);
    }
    let version = format!("wasm-threads-linker {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(Run::new(shim()).word("--wasm-threads-version").run().expect_success().stdout_text(), version);
    // The answer to nobody.
    let text = "\"$0\" --wasm-threads-help >&-; \"$0\" --wasm-threads-help | true";
    Run::new("/bin/sh").words(["-c", text]).word(shim()).run().expect_success().expect_silence();
}

fn options_that_are_not_ours() {
    let place = place();
    let refused_as = |option: &str, name: &str, shown: &str| {
        let ran = alone(&place).words(["-flavor", "wasm", "atomic.o", option, "-o", "out.wasm"]).run().expect_code(1);
        golden::check(&format!("bad-use/{name}"), &ran.stderr_text().replace(option, shown), &[]);
    };
    for option in ["--wasm-threads-max-mem=1GiB", "--wasm-threadsx", "--wasm-threads:off"] {
        refused_as(option, "option-unknown", "[option]");
    }
    for (option, name) in [
        ("--wasm-threads", "option-without-mode"),
        ("--wasm-threads-max-memory", "option-without-size"),
        ("--wasm-threads-linker", "option-without-linker"),
        ("--wasm-threads-linker=", "option-with-empty-linker"),
        ("--wasm-threads-reproduce=", "option-without-archive"),
        ("--wasm-threads-style", "option-without-style"),
        ("--wasm-threads-style=gcc", "option-with-another-style"),
        ("--wasm-threads-style=host", "option-with-a-style-that-is-only-found"),
        ("--wasm-threads-help=x", "option-with-a-value"),
    ] {
        refused_as(option, name, option);
    }
    // In a response file, and with a control character in it.
    place.write("args", b"atomic.o --wasm-threads-\x1b[31m -o out.wasm");
    refused(&alone(&place).words(["-flavor", "wasm", "@args"]), "option-with-control-characters", &[]);
}

fn modes_that_are_none() {
    let place = place();
    let run = || alone(&place).words(["-flavor", "wasm", "atomic.o", "-o", "out.wasm"]);
    refused(&run().word("--wasm-threads=on"), "mode-of-the-option", &[]);
    refused(&run().word("--wasm-threads="), "mode-of-the-option-empty", &[]);
    refused(&run().env("WASM_THREADS", "Threaded"), "mode-of-the-variable", &[]);
    let bytes = run().env("WASM_THREADS", OsStr::from_bytes(b"\xff"));
    refused(&bytes, "mode-that-is-not-text", &[]);
}

fn sizes_that_are_none() {
    let place = place();
    let run = || alone(&place).words(["-flavor", "wasm", "atomic.o", "-o", "out.wasm"]);
    for (size, name) in [
        ("1GB", "size-of-another-unit"),
        ("", "size-empty"),
        ("0", "size-of-nothing"),
        ("100000", "size-of-no-whole-pages"),
        ("5GiB", "size-of-more-than-all"),
        ("-1", "size-below-nothing"),
        ("99999999999999999999", "size-that-overflows"),
    ] {
        refused(&run().word(format!("--wasm-threads-max-memory={size}")), name, &[]);
    }
    refused(&run().env("WASM_THREADS_MAX_MEMORY", "lots"), "size-of-the-variable", &[]);
    refused(&run().word(OsStr::from_bytes(b"--wasm-threads-max-memory=\xff")), "size-that-is-not-text", &[]);
}

// ---------------------------------------------------------------- finding the linker

fn no_linker_anywhere() {
    let place = place();
    let run = alone(&place).words(["-flavor", "wasm", "atomic.o", "-o", "out.wasm"]);
    let refused = |run: &Run, name: &str, path: &str| {
        let text = golden::replaced(&run.run().expect_code(1).stderr_text(), &[(place.folder(), "[folder]")]);
        golden::check(&format!("bad-use/{name}"), &text.replace(&format!("(PATH is {path})"), "(PATH is [path])"), &[]);
    };
    refused(&run, "no-linker", "");
    // Nothing is taken from the folder one happens to stand in, nor what cannot be run.
    for path in [".", ":", "bin:."] {
        for file in ["rust-lld", "wasm-ld", "bin/wasm-ld", "bin/wasm-ld-22"] {
            fs::create_dir_all(place.path("bin")).expect("a folder");
            write_program(&place.path(file), b"#!/bin/sh\nexit 77\n");
        }
        refused(&run.clone().env("PATH", path), "no-linker", path);
    }
    for file in ["wasm-ld", "wasm-ld-9"] {
        place.write(&format!("text/{file}"), b"#!/bin/sh\nexit 77\n");
    }
    refused(&run.clone().path([place.path("text")]), "no-linker", "[folder]/text");
    // The sysroot of a rustc without a linker.
    write_program(&place.path("rustc"), b"#!/bin/sh\necho /nowhere/at/all\n");
    refused(&run.env("RUSTC", place.path("rustc")), "no-linker-in-sysroot", "");
}

fn no_linker_of_another_style() {
    let place = place();
    let folder = [(place.folder(), "[folder]")];
    let emcc = alone(&place).words(["-sSTRICT=1", "atomic.o", "-o", "out.js"]);
    refused(&emcc, "no-emcc", &folder);
    refused(&emcc.clone().env("EMSDK", place.path("emsdk")), "no-emcc-in-its-folder", &folder);
    let clang = alone(&place).words(["-Wl,--no-entry", "atomic.o", "-o", "out.wasm"]);
    refused(&clang, "no-clang", &folder);
    refused(&clang.env("WASI_SDK_PATH", place.path("sdk")), "no-clang-in-its-folder", &folder);
}

fn no_linker_of_that_name() {
    let place = place();
    let folder = [(place.folder(), "[folder]")];
    place.write("text/linker", b"not to be run");
    let run = || alone(&place).words(["-flavor", "wasm", "atomic.o", "-o", "out.wasm"]);
    let option = |path: PathBuf| run().word(format!("--wasm-threads-linker={}", path.display()));
    refused(&option(place.path("gone/wasm-ld")), "named-linker-is-gone", &folder);
    refused(&option(place.path("text/linker")), "named-linker-cannot-be-run", &folder);
    refused(&option(place.path("text")), "named-linker-is-a-folder", &folder);
    refused(&option("wasm-ld-of-nobody".into()), "named-linker-is-not-on-path", &folder);
    refused(&run().env("WASM_THREADS_LINKER", place.path("gone/wasm-ld")), "linker-of-the-variable-is-gone", &folder);
}

fn linker_is_the_shim() {
    let place = place();
    let paths = [(place.folder(), "[folder]"), (shim(), "[shim]")];
    let bin = place.path("bin");
    fs::create_dir(&bin).expect("a folder");
    let link = bin.join("wasm-ld");
    std::os::unix::fs::symlink(shim(), &link).expect("a link");
    for object in ["atomic.o", "neutral.o"] {
        let run = || alone(&place).words(["-flavor", "wasm", object, "-o", "out.wasm"]);
        refused(&run().word(format!("--wasm-threads-linker={}", shim().display())), "named-linker-is-the-shim", &paths);
        refused(&run().word(format!("--wasm-threads-linker={}", link.display())), "named-linker-is-a-link-to-the-shim", &paths);
        refused(&run().env("WASM_THREADS_LINKER", &link), "linker-of-the-variable-is-the-shim", &paths);
        refused(&run().path([&bin]), "linker-on-path-is-the-shim", &paths);
    }
}

/// A copy and a script cannot be seen from outside: the calls are counted.
fn linker_comes_back_to_the_shim() {
    let place = place();
    let bin = place.path("bin");
    fs::create_dir(&bin).expect("a folder");
    let script = format!("#!/bin/sh\nexec '{}' \"$@\"\n", shim().display());
    for copy in [false, true] {
        let _ = fs::remove_file(bin.join("wasm-ld"));
        if copy {
            // By another process, as a file that is being written cannot be started.
            Run::new("/bin/cp").word(shim()).word(bin.join("wasm-ld")).run().expect_success();
        } else {
            write_program(&bin.join("wasm-ld"), script.as_bytes());
        }
        for object in ["atomic.o", "neutral.o"] {
            // A copy sees its own file on PATH; a variable leads anywhere.
            let run = alone(&place).words(["-flavor", "wasm", object, "-o", "out.wasm"]);
            let run = run.env("WASM_THREADS_LINKER", bin.join("wasm-ld")).path(["/usr/bin", "/bin"]);
            let ran = run.run().expect_code(1);
            let name = match copy {
                true => "linker-is-a-copy-of-the-shim",
                false => "linker-is-a-script-that-calls-the-shim",
            };
            golden::check(&format!("bad-use/{name}"), &ran.stderr_text(), &[(place.folder(), "[folder]"), (shim(), "[shim]")]);
        }
    }
}

fn linker_does_not_start() {
    let place = place();
    let folder = [(place.folder(), "[folder]")];
    let linker = place.path("wasm-ld");
    let run =
        |object: &str| alone(&place).words(["-flavor", "wasm", object, "-o", "out.wasm"]).env("WASM_THREADS_LINKER", &linker);
    write_program(&linker, b"\x7fELF nonsense");
    refused(&run("atomic.o"), "linker-of-another-machine", &folder);
    write_program(&linker, b"#!/no/such/shell\n");
    for object in ["atomic.o", "neutral.o"] {
        refused(&run(object), "linker-without-interpreter", &folder);
    }
}

// ---------------------------------------------------------------- the output

fn output_that_is_not_there() {
    let place = place();
    write_program(&place.path("wasm-ld"), b"#!/bin/sh\nexit 0\n");
    let run = alone(&place).env("WASM_THREADS_LINKER", place.path("wasm-ld")).words(["-flavor", "wasm", "atomic.o", "-o"]);
    refused(&run.clone().word("out.wasm"), "output-is-not-there", &[]);
    fs::create_dir(place.path("folder")).expect("a folder");
    refused(&run.word("folder"), "output-is-a-folder", &[]);
}

fn output_that_is_no_module() {
    let place = place();
    for (name, text) in
        [("output-is-text", "not a module"), ("output-is-empty", ""), ("output-is-cut-off", "\\0asm\\1\\0\\0\\0\\1\\177")]
    {
        let script = format!("#!/bin/sh\nprintf '{text}' >out.wasm\n");
        write_program(&place.path("wasm-ld"), script.as_bytes());
        let run = alone(&place).env("WASM_THREADS_LINKER", place.path("wasm-ld"));
        refused(&run.words(["-flavor", "wasm", "atomic.o", "-o", "out.wasm"]), name, &[]);
        assert!(!place.path("out.wasm").exists() && place.path("out.wasm.rejected").exists());
    }
}

fn no_room_for_temporary_files() {
    let place = place();
    place.write("args", b"--wasm-threads=auto neutral.o -o out.wasm");
    write_program(&place.path("wasm-ld"), b"#!/bin/sh\nexit 0\n");
    let run = alone(&place).env("WASM_THREADS_LINKER", place.path("wasm-ld")).words(["-flavor", "wasm", "@args"]);
    let ran = run.env("TMPDIR", place.path("gone")).run().expect_code(1);
    let text = golden::replaced(&ran.stderr_text(), &[(place.folder(), "[folder]")]);
    // Six letters of the temporary name are random.
    let (before, after) = text.split_once("gone/wasm-threads-").expect("the folder's name");
    golden::check("bad-use/no-temporary-folder", &format!("{before}gone/wasm-threads-[random]{}", &after[6..]), &[]);
}

// ---------------------------------------------------------------- lines

/// The shim's line, and the same words to the linker alone: both fail alike, and what the linker says comes first.
#[track_caller]
fn fails_as_bare(place: &Place, words: &[OsString]) {
    let run =
        Run::new(shim()).words(words).folder(place.folder()).env("WASM_THREADS_LINKER", Tool::RustLld.path()).timeout(SOON);
    let ran = run.run();
    let bare = Run::new(Tool::RustLld.path()).words(words).folder(place.folder()).run();
    assert!(!bare.success() && ran.status == bare.status, "{ran:?}\n{bare:?}");
    assert!(!ran.stderr_text().contains("panicked"), "{ran:?}");
    assert_same_bytes(&ran.stderr[..bare.stderr.len().min(ran.stderr.len())], &bare.stderr);
}

fn words(words: &[&str]) -> Vec<OsString> {
    ["-flavor", "wasm", "--no-entry"].iter().chain(words).map(OsString::from).collect()
}

/// The real linker says what is wrong with an input, alone on the line or beside one that uses atomics.
fn inputs_that_cannot_be_read() {
    let place = place();
    place.write("text.o", b"no object at all").write("empty.o", b"").write("half.o", &read(objects::atomic())[..100]);
    place.write("magic.o", b"\0asm").write("version.o", b"\0asm\x07\0\0\0").write("half.a", b"!<arch>\nhalf of a header");
    place.write("lengths.o", b"\0asm\x01\0\0\0\x00\xff\xff\xff\xff\x0f");
    fs::create_dir(place.path("folder.o")).expect("a folder");
    for input in ["gone.o", "text.o", "empty.o", "half.o", "magic.o", "version.o", "half.a", "lengths.o", "folder.o", "-lgone"]
    {
        fails_as_bare(&place, &words(&[input, "-o", "out.wasm"]));
        fails_as_bare(&place, &words(&["atomic.o", input, "-o", "out.wasm"]));
    }
}

fn words_that_are_not_text() {
    let place = place();
    let odd = OsStr::from_bytes(b"\xff\xfe out\n.wasm");
    let (from, to) = (place.path(OsStr::from_bytes(b"\x80a.o")), place.path(odd));
    for (object, shared) in [("atomic.o", true), ("neutral.o", false)] {
        fs::copy(place.path(object), &from).expect("a copy");
        let export: &[u8] = b"--export-if-defined=\xc3\x28";
        let line = || {
            let run = Run::new(shim()).words(FLAVOR).word(OsStr::from_bytes(b"\x80a.o")).word(OsStr::from_bytes(export));
            run.folder(place.folder()).env("WASM_THREADS_LINKER", Tool::RustLld.path())
        };
        line().word("-o").word(odd).run().expect_success().expect_silence();
        assert_eq!(Facts::read(&to).memory().shared, shared);
        // In a response file, of which a copy without our word is made.
        let text = [&b"\x80a.o --wasm-threads=auto "[..], export, b" -o '\xff\xfe out\n.wasm'"].concat();
        fs::remove_file(&to).expect("the output");
        place.write("args", &text);
        let run = Run::new(shim()).words(FLAVOR).word("@args").folder(place.folder());
        run.env("WASM_THREADS_LINKER", Tool::RustLld.path()).run().expect_success().expect_silence();
        assert_eq!(Facts::read(&to).memory().shared, shared);
        fs::remove_file(&to).expect("the output");
    }
    // A rejected output of such a name, and a variable.
    let ran = Run::new(shim()).words(FLAVOR).words(["atomic.o", "--max-memory=65536", "-o"]).word(odd).folder(place.folder());
    let ran = ran.env("WASM_THREADS_LINKER", Tool::RustLld.path()).run().expect_code(1);
    assert!(ran.stderr_text().contains("error[memory-cannot-grow]"), "{ran:?}");
    let linker = OsStr::from_bytes(b"/\xff/wasm-ld");
    let run = alone(&place).words(["-flavor", "wasm", "atomic.o"]).env("WASM_THREADS_LINKER", linker);
    refused(&run, "linker-of-the-variable-is-not-text", &[]);
}

fn empty_words_and_missing_values() {
    let place = place();
    for object in ["atomic.o", "neutral.o"] {
        let line = words(&["", object, "", "-o", "out.wasm", ""]);
        let run = Run::new(shim()).words(&line).folder(place.folder()).env("WASM_THREADS_LINKER", Tool::RustLld.path());
        run.run().expect_success().expect_silence();
        assert_eq!(Facts::read(place.path("out.wasm")).memory().shared, object == "atomic.o");
        fails_as_bare(&place, &words(&[object, "-o", ""]));
        for option in ["-o", "--export", "-L", "-l", "-mllvm", "-m", "-z", "--rsp-quoting", "-u"] {
            let line = words(&[object, "-o", "out.wasm", option]);
            let run = Run::new(shim()).words(&line).folder(place.folder()).env("WASM_THREADS_LINKER", Tool::RustLld.path());
            let ran = run.run().expect_code(1);
            assert!(ran.stderr_text().contains(&format!("error: {option}: missing argument")), "{ran:?}");
        }
    }
    // Of bitcode the linker is asked first: what it says is about the line as it came.
    place.put("atomic.bc.o", objects::atomic_bitcode()).put("neutral.bc.o", objects::neutral_bitcode());
    for object in ["atomic.bc.o", "neutral.bc.o"] {
        for output in ["", ".", ".."] {
            fails_as_bare(&place, &words(&[object, "-o", output]));
        }
        for limit in ["--error-limit=", "--error-limit=all"] {
            fails_as_bare(&place, &words(&[object, "-o", "out.wasm", limit]));
        }
    }
    for line in [
        &[""][..],
        &["", ""],
        &["-flavor"],
        &["-flavor", "wasm"],
        &["-flavor", ""],
        &["@"],
        &["-"],
        &["--"],
        &["-flavor", "wasm", "-"],
    ] {
        let run = Run::new(shim()).words(line).folder(place.folder()).env("WASM_THREADS_LINKER", Tool::RustLld.path());
        let ran = run.timeout(SOON).run().expect_code(1);
        assert!(!ran.stderr.is_empty() && !ran.stderr_text().contains("panicked"), "{line:?}\n{ran:?}");
    }
}

/// wasm-ld 14 links what is left of such a line.
fn missing_value_passed_over() {
    let place = place();
    let run = |line: &[&str]| {
        let run = Run::new(shim()).words(words(line)).folder(place.folder());
        run.env("WASM_THREADS_LINKER", Tool::WasmLd(14).path()).run()
    };
    for (mode, object, refused) in [
        ("auto", "atomic.o", true),
        ("threaded", "atomic.o", true),
        ("threaded", "neutral.o", true),
        ("auto", "neutral.o", false),
        ("off", "atomic.o", false),
    ] {
        let mode = format!("--wasm-threads={mode}");
        let line = [&mode, object, "-o", "out.wasm", "--export"];
        let ran = run(&line);
        assert_eq!(place.path("out.wasm").exists(), !refused, "{line:?} {ran:?}");
        if refused {
            let ran = ran.expect_code(1);
            assert!(ran.stderr_text().starts_with("error[bad-option]: out.wasm is not threaded: "), "{ran:?}");
            assert!(ran.stderr_text().contains("found:  --export lacks its value"), "{ran:?}");
        } else {
            ran.expect_success().expect_silence();
            fs::remove_file(place.path("out.wasm")).expect("the output");
        }
        // What the line says in full is as good as with any other end.
        let whole = [&[&mode[..], object][..], &THREADED, &["-o", "out.wasm", "--export"]].concat();
        if object == "atomic.o" {
            run(&whole).expect_success().expect_silence();
            fs::remove_file(place.path("out.wasm")).expect("the output");
        }
    }
}

/// Files that name themselves, or never end: the line is handed on, and the linker says no.
fn response_files_without_end() {
    let place = place();
    place.write("itself", b"atomic.o @itself").write("one", b"atomic.o @two").write("two", b"neutral.o @one");
    place.write("broken", b"\xff\xfea").write("ours", b"--wasm-threads=auto @ours");
    for name in ["itself", "one", "broken", "ours"] {
        fails_as_bare(&place, &words(&[&format!("@{name}"), "-o", "out.wasm"]));
        fails_as_bare(&place, &words(&["atomic.o", &format!("@{name}"), "-o", "out.wasm"]));
    }
    // Two to the power of thirty files, were they opened to the end.
    for level in 0..30 {
        let next = format!("@level{} @level{0}", level + 1);
        place.write(&format!("level{level}"), next.as_bytes());
    }
    let linker = place.path("wasm-ld");
    write_program(&linker, b"#!/bin/sh\necho \"$@\"; exit 7\n");
    for leaf in ["x.o", ""] {
        place.write("level30", leaf.as_bytes());
        let run = Run::new(shim()).words(["atomic.o", "@level0", "-o", "out.wasm"]).folder(place.folder()).timeout(SOON);
        let ran = run.env("WASM_THREADS_LINKER", &linker).run().expect_code(7);
        assert_eq!(ran.stdout_text(), "atomic.o @level0 -o out.wasm\n");
    }
    for words in [&["atomic.o", "@/dev/zero", "-o", "out.wasm"][..], &["-r", "neutral.o", "@/dev/zero"]] {
        let run = Run::new(shim()).words(words).folder(place.folder()).timeout(SOON);
        refused(&run.env("WASM_THREADS_LINKER", &linker), "response-file-without-end", &[]);
    }
    let run = Run::new(shim()).words(["--no-entry", "atomic.o", "@/dev/null", "-o", "out.wasm"]).folder(place.folder());
    run.env("WASM_THREADS_LINKER", Tool::RustLld.path()).run().expect_success().expect_silence();
    assert!(Facts::read(place.path("out.wasm")).memory().shared);
}

/// Larger than what is read. Switched off, that is the linker's affair, as all is.
fn response_file_that_is_large() {
    let place = place();
    let mut text = vec![b' '; 64 << 20];
    text.extend(b" neutral.o");
    place.write("large", &text);
    let run = Run::new(shim()).words(["--no-entry", "@large", "--export=neutral", "-o", "out.wasm"]).folder(place.folder());
    let run = run.env("WASM_THREADS_LINKER", Tool::RustLld.path()).timeout(SOON);
    let ran = run.run().expect_code(1);
    assert!(ran.stderr_text().starts_with("error[bad-option]: the response file large is too large\n"), "{ran:?}");
    run.env("WASM_THREADS", "off").run().expect_success().expect_silence();
    assert!(Facts::read(place.path("out.wasm")).exports("neutral"));
    // What never ends is not handed on to a linker that would read it.
    let run = Run::new(shim()).words(["neutral.o", "@/dev/zero", "-o", "out.wasm"]).folder(place.folder()).timeout(SOON);
    let ran = run.env("WASM_THREADS_LINKER", Tool::RustLld.path()).env("WASM_THREADS", "off").run().expect_code(1);
    assert!(ran.stderr_text().starts_with("error[bad-option]: the response file /dev/zero is too large\n"), "{ran:?}");
}

/// What a shell makes of `@<(…)`: it can be read once, and the linker gets what was in it.
fn response_file_that_is_a_pipe() {
    let place = place();
    for object in ["atomic.o", "neutral.o"] {
        let fifo = place.path("fifo");
        let _ = fs::remove_file(&fifo);
        Run::new("/usr/bin/mkfifo").word(&fifo).run().expect_success();
        let text = format!("printf '%s' '--no-entry {object} -o \"out.wasm\"' >fifo & exec \"$0\" @fifo");
        let run = Run::new("/bin/sh").words(["-c", &text]).word(shim()).folder(place.folder()).timeout(SOON);
        let run = run.env("WASM_THREADS_LINKER", Tool::RustLld.path()).env("TMPDIR", temporary(&place));
        run.run().expect_success().expect_silence();
        assert_eq!(Facts::read(place.path("out.wasm")).memory().shared, object == "atomic.o");
        assert_nothing_left(&place);
    }
}

/// A word of ours has to be cut out of a file, and so a copy of that file has to go when the linker is done with it.
fn response_file_with_a_word_of_ours() {
    let place = place();
    for object in ["atomic.o", "neutral.o"] {
        place.write("args", format!("--no-entry --wasm-threads=auto {object} -o out.wasm").as_bytes());
        let run = Run::new(shim()).words(["-flavor", "wasm", "@args"]).folder(place.folder()).env("TMPDIR", temporary(&place));
        run.env("WASM_THREADS_LINKER", Tool::RustLld.path()).run().expect_success().expect_silence();
        assert_eq!(Facts::read(place.path("out.wasm")).memory().shared, object == "atomic.o");
        assert_nothing_left(&place);
    }
}

/// A word that we add must not become the value of an option that has none.
fn missing_value_and_a_word_of_ours() {
    let place = place();
    let run = Run::new(shim()).words(["-flavor", "wasm", "atomic.o", "--wasm-threads-reproduce=r.tar", "-o"]);
    let run = run.folder(place.folder()).env("WASM_THREADS_LINKER", Tool::RustLld.path());
    run.run().expect_code(1).expect_stderr("error: -o: missing argument");
    let names = fs::read_dir(place.folder()).expect("a folder").map(|entry| entry.expect("an entry").file_name());
    assert!(names.into_iter().all(|name| !name.to_string_lossy().starts_with('-')));
}

fn very_many_words() {
    let place = place();
    let many = (0..200_000).map(|number| format!("--export-if-defined=symbol_{number}\n")).collect::<String>();
    place.write("args", [b"--no-entry atomic.o -o out.wasm\n", many.as_bytes()].concat().as_slice());
    let run = Run::new(shim()).words(["-flavor", "wasm", "@args", "--wasm-threads=threaded"]).folder(place.folder());
    run.env("WASM_THREADS_LINKER", Tool::RustLld.path()).run().expect_success().expect_silence();
    assert!(Facts::read(place.path("out.wasm")).memory().shared);
}

// ---------------------------------------------------------------- too long

/// The longest line with which the shim still starts: what it adds to it, or the linker's longer name, is then too much for the
/// system. The link comes to the same as a short one's, and nothing is left behind.
#[cfg(target_os = "linux")]
fn line_made_too_long_by_our_words() {
    let place = Place::new(Tool::RustLld);
    place.put("atomic.o", objects::atomic()).put("neutral.o", objects::neutral()).put("atomic.bc", objects::atomic_bitcode());
    let deep =
        place.path("a-folder-with-quite-a-long-name-so-that-the-linker-has-a-longer-path-than-the-shim/and-another-one-in-it");
    fs::create_dir_all(&deep).expect("a folder");
    let linker = deep.join("rust-lld");
    std::os::unix::fs::symlink(Tool::RustLld.path(), &linker).expect("a link");
    assert!(linker.as_os_str().len() > shim().as_os_str().len() + 16);
    fs::create_dir(place.path("tmp")).expect("a folder");
    for (object, shared) in [("atomic.o", true), ("neutral.o", false), ("atomic.bc", true)] {
        let short = words(&[object, "--export-dynamic", "--export-if-defined=a b", "-o", "out.wasm"]);
        let run = |extra: &[String], log: &str| {
            // A quarter of the stack is for words and variables (`execve(2)`).
            let text = "ulimit -s 2048; exec \"$0\" \"$@\"";
            let run = Run::new("/bin/sh").words(["-c", text]).word(shim()).words(&short).words(extra).folder(place.folder());
            let run = run.env("WASM_THREADS_LINKER", &linker).env("TMPDIR", place.path("tmp")).env("WASM_THREADS_LOG", log);
            run.timeout(SOON).run_or_kill()
        };
        let padding =
            |length: usize| -> Vec<String> { (0..5).map(|part| format!("-L{}", "x".repeat((length + part) / 5))).collect() };
        let starts = |length: usize| {
            let ran = run(&padding(length), "warn");
            // The shell's word for a program that cannot be started.
            ran.code() != Some(126)
        };
        let (mut least, mut most) = (1000, 5 * 131_000);
        assert!(starts(least) && !starts(most));
        while most - least > 1 {
            let middle = least.midpoint(most);
            if starts(middle) { least = middle } else { most = middle }
        }
        let ran = run(&padding(least), "info").expect_success();
        assert!(ran.stderr_text().contains("the command line is too long: using a response file"), "{ran:?}");
        run(&padding(least), "warn").expect_success().expect_silence();
        let long = read(place.path("out.wasm"));
        run(&[], "warn").expect_success().expect_silence();
        assert_same_bytes(&long, read(place.path("out.wasm")));
        assert_eq!(Facts::of(&long).memory().shared, shared, "{object}");
        let left = fs::read_dir(place.path("tmp")).expect("the folder").count();
        assert_eq!(left, 0, "nothing is left behind");
        // A failure is the linker's own here, too.
        let mut extra = padding(least);
        let last = extra.last_mut().expect("five");
        *last = format!("--bad{}", &last[5..]);
        let ran = run(&extra, "warn").expect_code(1);
        assert!(ran.stderr_text().starts_with("rust-lld: error: unknown argument: --bad"), "{ran:?}");
        assert_eq!(fs::read_dir(place.path("tmp")).expect("the folder").count(), 0);
    }
}

// ---------------------------------------------------------------- anything at all

/// Numbers that are the same in every run (splitmix64, Steele, Lea and Flood 2014).
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) >> 33).expect("31 bits") % end
    }
}

fn random_lines() {
    const WORDS: &[&[u8]] = &[
        b"-flavor",
        b"wasm",
        b"gnu",
        b"--no-entry",
        b"atomic.o",
        b"atomic.o",
        b"neutral.o",
        b"atomic.bc",
        b"gone.o",
        b"-o",
        b"out.wasm",
        b"-oout.wasm",
        b"-o-",
        b"-",
        b"--",
        b"",
        b"@args",
        b"@ours",
        b"@itself",
        b"@gone",
        b"@",
        b"--shared-memory",
        b"--import-memory",
        b"--import-memory=a,b",
        b"--max-memory=65536",
        b"--max-memory=0",
        b"--max-memory=",
        b"--max-memory=99999999999999999999999",
        b"--initial-memory=1073741824",
        b"--initial-memory=x",
        b"--export=add_shared",
        b"--export",
        b"--export-if-defined",
        b"-r",
        b"-shared",
        b"-pie",
        b"--no-check-features",
        b"--start-lib",
        b"--end-lib",
        b"--whole-archive",
        b"-L.",
        b"-L",
        b"-lc",
        b"-l",
        b"-l:atomic.o",
        b"-mwasm64",
        b"--initial-memory=18446744073709551615",
        b"--initial-heap=18446744073709551615",
        b"--max-memory=18446744073709551615",
        b"--wasm-threads-reproduce=r.tar",
        b"-m",
        b"-v",
        b"--version",
        b"--help",
        b"--wasm-threads",
        b"--wasm-threads=auto",
        b"--wasm-threads=threaded",
        b"--wasm-threads=unthreaded",
        b"--wasm-threads=off",
        b"--wasm-threads-max-memory=64MiB",
        b"--wasm-threads-max-memory=\xff",
        b"--wasm-threads-style=wasm-ld",
        b"--wasm-threads-style=emcc",
        b"--wasm-threads-version",
        b"--wasm-threads-linker=",
        b"--export-if-defined=wasm-threads:threaded",
        b"--export-if-defined=wasm-threads:off",
        b"-sSTRICT=1",
        b"-Wl,--x",
        b"/OUT:x",
        b"--target=wasm32-wasip1-threads",
        b"--rsp-quoting=windows",
        b"--rsp-quoting",
        b"--rsp-quoting=x",
        b"\xff\xfe",
        b"-\xff",
        b"--reproduce=r.tar",
        b"-mllvm",
        b"--stats",
        b"\xf0\x9f\xa6\x80",
        b"--export-if-defined=\x1b[2J",
    ];
    let place = place();
    place.put("atomic.bc", objects::atomic_bitcode());
    place
        .write("args", b"atomic.o -o 'out.wasm'")
        .write("ours", b"--wasm-threads=auto neutral.o")
        .write("itself", b"@itself x.o");
    // What is not on this machine is refused, and what is, answers.
    fs::create_dir(place.path("bin")).expect("a folder");
    for program in ["bin/emcc", "bin/clang"] {
        write_program(&place.path(program), b"#!/bin/sh\nexit 0\n");
    }
    let linker = Tool::RustLld.path();
    let path = [place.path("bin"), linker.parent().expect("a folder").to_owned(), "/bin".into()];
    let mut random = Random(0x5eed_0003);
    let (mut good, mut refused, mut failed) = (0, 0, 0);
    for _ in 0..400 {
        let mut line: Vec<&OsStr> = Vec::new();
        if random.below(3) > 0 {
            line.extend(["-flavor", "wasm", "--no-entry", "atomic.o", "-o", "out.wasm"].map(OsStr::new));
        }
        for _ in 0..random.below(7) {
            let at = random.below(line.len() + 1);
            line.insert(at, OsStr::from_bytes(WORDS[random.below(WORDS.len())]));
        }
        let run = Run::new(shim()).words(&line).folder(place.folder()).path(&path).timeout(SOON);
        let ran = run.env("TMPDIR", temporary(&place)).run();
        let text = ran.stderr_text();
        assert!(!text.contains("panicked"), "{ran:?}");
        assert_nothing_left(&place);
        match ran.code() {
            Some(0) => good += 1,
            Some(1) if text.contains("error[") => refused += 1,
            Some(1) => failed += 1,
            _ => panic!("{line:?}\n{ran:?}"),
        }
        assert!(ran.success() || !text.is_empty(), "a failure says why\n{ran:?}");
    }
    assert!(good > 40 && refused > 40 && failed > 40, "{good} {refused} {failed}");
}
