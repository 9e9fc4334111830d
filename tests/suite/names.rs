//! Names of any kind, paths and words as long as the system takes, and lines that are longer: linked for real.

use crate::support::archive::Archive;
use crate::support::{
    FLAVOR, Facts, Link, NoCore, Recorder, Run, Suite, THREADED, Tool, assert_same_bytes, objects, read, shim, temp_folder,
};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

const NEEDS: [Tool; 2] = [Tool::Rustc, Tool::RustLld];

pub fn tests(suite: &mut Suite) {
    suite.test("of_objects_and_outputs", &NEEDS, of_objects_and_outputs);
    suite.test("of_folders_and_libraries", &NEEDS, of_folders_and_libraries);
    suite.test("of_a_crate_and_its_folder", &NEEDS, of_a_crate_and_its_folder);
    suite.test("of_4096_bytes", &NEEDS, of_4096_bytes);
    suite.test("words_of_128_kib", &NEEDS, words_of_128_kib);
    suite.test("thousands_of_objects_in_rustcs_response_file", &NEEDS, thousands_of_objects);
}

/// File names that mean something to a shell, to a response file, to the linker, or to a terminal.
const NAMES: &[&[u8]] = &[
    b"with space",
    b"  two  ",
    b"'single'",
    b"it's",
    b"\"double\"",
    b"new\nline",
    b"tab\there",
    b"carriage\r",
    b"@at",
    b"-dash",
    b"--shared-memory",
    b"-o",
    b"a=b",
    b"back\\slash\\",
    b"#comment",
    b"$HOME `id` $(id)",
    b"*?[a-z]",
    b"a;b&c|d<e>f",
    b"a,b",
    b"a:b",
    b"%p%20",
    b"~",
    b"(member)",
    "g\u{fc}n\u{e9} \u{65e5}\u{672c}\u{8a9e} \u{1f980}".as_bytes(),
    b"\xff\xfe\x80",
    b"\x1b[31mred\x07",
    b".",
    b"..",
];

/// With something behind it, so that the name stands for no folder, and in front, so that it is no option.
fn path(name: &[u8], ending: &str) -> OsString {
    OsStr::from_bytes(&[b"./", name, ending.as_bytes()].concat()).to_owned()
}

/// A word in a response file, in LLVM's way of quoting on Unix.
fn quoted(word: &OsStr) -> Vec<u8> {
    let mut text = b"\"".to_vec();
    for byte in word.as_bytes() {
        if matches!(byte, b'"' | b'\\') {
            text.push(b'\\');
        }
        text.push(*byte);
    }
    text.push(b'"');
    text
}

fn linker(folder: &Path) -> Run {
    Link::shim_with(Tool::RustLld.path()).folder(folder).words(FLAVOR).word("--export-dynamic")
}

/// What the linker alone makes of an object of a plain name, under the output's name, which is written into it.
fn alone(folder: &Path, output: &OsStr, words: &[&str]) -> Vec<u8> {
    let run = Link::bare(Tool::RustLld.path()).folder(folder).words(FLAVOR).word("--export-dynamic").words(words);
    run.word("-o").word(output).run().expect_success();
    let module = read(folder.join(output));
    fs::remove_file(folder.join(output)).expect("the output");
    module
}

fn threaded(object: &str) -> Vec<&str> {
    THREADED.into_iter().chain([object]).collect()
}

fn of_objects_and_outputs() {
    for name in NAMES {
        let folder = temp_folder();
        let here = folder.path();
        fs::copy(objects::atomic(), here.join("plain.o")).expect("a copy");
        let output = path(name, ".wasm");
        let wanted = alone(here, &output, &threaded("plain.o"));
        Facts::of(&wanted).assert_threaded();
        for ending in [".o", ".sample.rcgu.o"] {
            let object = path(name, ending);
            fs::copy(here.join("plain.o"), here.join(&object)).expect("a copy");
            let lines: [(&str, Vec<u8>); 3] = [
                ("on the line", Vec::new()),
                ("in a response file", [&quoted(&object)[..], b" -o ", &quoted(&output)].concat()),
                (
                    "in a copy of one",
                    [b"--wasm-threads=threaded\n", &quoted(&object)[..], b"\n-o\n", &quoted(&output)].concat(),
                ),
            ];
            for (how, text) in lines {
                let run = if text.is_empty() {
                    linker(here).word(&object).word("-o").word(&output)
                } else {
                    fs::write(here.join("words"), text).expect("a file");
                    linker(here).word("@words")
                };
                let ran = run.run();
                assert!(ran.success() && ran.stderr.is_empty(), "{:?}, {how}\n{ran:?}", object);
                assert_same_bytes(read(here.join(&output)), &wanted);
                fs::remove_file(here.join(&output)).expect("the output");
            }
        }
    }
}

fn of_folders_and_libraries() {
    for name in NAMES.iter().filter(|name| !name.iter().all(|byte| *byte == b'.')) {
        let folder = temp_folder();
        let odd = folder.path().join(OsStr::from_bytes(name));
        fs::create_dir(&odd).expect("a folder");
        for (file, object) in [("neutral.o", objects::neutral()), ("atomic.o", objects::atomic())] {
            fs::copy(object, odd.join(file)).expect("a copy");
        }
        let library = [b"lib", *name, b".a"].concat();
        Archive::new().file(objects::atomic()).write(odd.join(OsStr::from_bytes(&library)));
        let (search, library) = (OsStr::from_bytes(&[b"-L./", *name].concat()).to_owned(), [b"-l", *name].concat());
        let library = OsStr::from_bytes(&library);
        let words = ["neutral.o", "--undefined=add_local", "-o", "out.wasm"];
        let plain = {
            let run = Link::bare(Tool::RustLld.path()).folder(&odd).words(FLAVOR).word("--export-dynamic").words(THREADED);
            run.words(words).word("-L.").word(library).run().expect_success();
            read(odd.join("out.wasm"))
        };
        // From within and from beside it; a linker's `%` in a folder's name is another matter.
        linker(&odd).words(words).word("-L.").word(library).run().expect_success().expect_silence();
        assert_same_bytes(read(odd.join("out.wasm")), &plain);
        let object = odd.join("neutral.o");
        let run = linker(folder.path()).word(&object).words(&words[1..]).word(&search).word(library);
        run.run().expect_success().expect_silence();
        assert_same_bytes(read(folder.path().join("out.wasm")), &plain);
        // And with temporary files in such a folder.
        fs::write(
            folder.path().join("words"),
            [b"--wasm-threads=threaded ", &quoted(odd.join("atomic.o").as_os_str())[..]].concat(),
        )
        .expect("a file");
        let run = linker(folder.path()).words(["@words", "-o", "out.wasm"]).env("TMPDIR", &odd);
        run.run().expect_success().expect_silence();
        Facts::read(folder.path().join("out.wasm")).assert_threaded();
    }
}

/// As rustc calls the linker for such a crate. Where rustc itself, or its linker, cannot, neither can we.
fn of_a_crate_and_its_folder() {
    let mut linked = 0;
    for name in NAMES.iter().filter(|name| !name.iter().all(|byte| *byte == b'.')) {
        let folder = temp_folder();
        let odd = folder.path().join(OsStr::from_bytes(name));
        fs::create_dir(&odd).expect("a folder");
        let sample = objects::threaded("sample", objects::ATOMIC);
        let lld = Tool::RustLld.path();
        let bare = sample.link(&lld, &odd).run();
        let _ = fs::remove_file(odd.join("sample.wasm"));
        let ran = sample.link(shim(), &odd).env("WASM_THREADS_LINKER", &lld).run();
        assert_eq!(ran.success(), bare.success(), "{odd:?}\n{bare:?}\n{ran:?}");
        if ran.success() {
            Facts::read(odd.join("sample.wasm")).assert_threaded();
            linked += 1;
        }
    }
    assert!(linked >= NAMES.len() / 2, "{linked}");
}

/// A folder so deep that `name` in it makes a path of `length` bytes.
fn deep(folder: &Path, name: &str, length: usize) -> PathBuf {
    let mut path = folder.to_owned();
    loop {
        let left = length - path.as_os_str().len() - 1 - name.len();
        match left {
            0 => break,
            // A separator and at least one letter.
            1 => panic!("an unlucky length"),
            left => path.push("d".repeat(if left - 1 > 200 { 100 } else { left - 1 })),
        }
    }
    fs::create_dir_all(&path).expect("folders");
    path.push(name);
    assert_eq!(path.as_os_str().len(), length);
    path
}

fn of_4096_bytes() {
    let folder = temp_folder();
    // One byte is for the end of the string.
    let object = deep(folder.path(), "atomic.o", 4095);
    // The linker's temporary file has eleven bytes more.
    let output = deep(folder.path(), "out.wasm", 4084);
    fs::write(&object, read(objects::atomic())).expect("an object");
    linker(folder.path()).word(&object).word("-o").word(&output).run().expect_success().expect_silence();
    Facts::read(&output).assert_threaded();
    let text = [b"--wasm-threads=threaded ", object.as_os_str().as_bytes(), b" -o ", output.as_os_str().as_bytes()].concat();
    fs::write(folder.path().join("words"), text).expect("a file");
    linker(folder.path()).word("@words").run().expect_success().expect_silence();
    // Rejected, and moved aside, the name is longer still.
    let ran = linker(folder.path()).word("--no-growable-memory").word(&object).word("-o").word(&output).run().expect_code(1);
    assert!(ran.stderr_text().starts_with("error[memory-cannot-grow]: ") && !output.exists(), "{ran:?}");
    assert!(output.with_file_name("out.wasm.rejected").is_file(), "{ran:?}");

    let bare = |words: &[&OsStr]| {
        let run = Link::bare(Tool::RustLld.path()).folder(folder.path()).words(FLAVOR).word("--export-dynamic");
        run.words(words).run()
    };
    let mut longer = object.clone().into_os_string();
    longer.push("o");
    let outputs = [4085, 4095, 4096, 5000].map(|length| {
        let mut output = output.clone().into_os_string();
        output.push("x".repeat(length - 4084));
        output
    });
    let atomic = objects::atomic();
    let mut cases = vec![(longer.as_os_str(), OsStr::new("out.wasm"))];
    cases.extend(outputs.iter().map(|output| (atomic.as_os_str(), output.as_os_str())));
    for (object, output) in cases {
        let words = [object, OsStr::new("-o"), output];
        let (ran, bare) = (linker(folder.path()).words(words).run(), bare(&words));
        assert_eq!(ran.status, bare.status, "{} {}\n{}", object.len(), output.len(), ran.stderr_text());
        assert!(!bare.success() && ran.stderr_text() == bare.stderr_text(), "{}\n{}", ran.stderr_text(), bare.stderr_text());
    }
}

/// The longest word that Linux takes (`MAX_ARG_STRLEN`), of each kind: it reaches the linker as it is.
fn words_of_128_kib() {
    let folder = temp_folder();
    for (file, object) in [("atomic.o", objects::atomic()), ("neutral.o", objects::neutral())] {
        fs::copy(object, folder.path().join(file)).expect("a copy");
    }
    for first in ["--export-if-defined=", "-L", "--undefined=", "--why-extract=/", "-zsomething"] {
        let word = format!("{first}{}", "x".repeat((128 << 10) - 1 - first.len()));
        for object in ["atomic.o", "neutral.o"] {
            let recorder = Recorder::new(Tool::RustLld.path());
            let words = ["--unresolved-symbols=ignore-all", "--export-dynamic", object, &word, "-o", "out.wasm"];
            let run = Run::new(shim()).folder(folder.path()).words(FLAVOR).words(words);
            let ran = run.env("WASM_THREADS_LINKER", recorder.linker()).run();
            assert!(recorder.only_run().iter().any(|given| *given == *word), "{first}");
            let bare = Link::bare(Tool::RustLld.path()).folder(folder.path()).words(FLAVOR).words(words).run();
            assert_eq!(ran.status, bare.status, "{first}: {}", ran.stderr_text().get(..300).unwrap_or_default());
        }
    }
}

/// So many objects that rustc cannot call the linker with them and writes a file of words, in which ours stand, too.
fn thousands_of_objects() {
    const OBJECTS: usize = 3000;
    let folder = temp_folder();
    let source = "static mut OWN: i32 = 1;\n#[unsafe(no_mangle)] pub extern \"C\" fn many_0000() -> i32 { unsafe { OWN } }\n";
    let folder_name = "a folder with a name of some length, a space and a comma in it";
    fs::create_dir(folder.path().join(folder_name)).expect("a folder");
    let sample = objects::threaded("sample", objects::ATOMIC);
    let mut words = vec![format!("-Clink-arg=--export-if-defined={}", "x".repeat(140 << 10))];
    let object = read(NoCore::new(source).threaded().object());
    let old = b"many_0000";
    let places: Vec<usize> = object.windows(old.len()).enumerate().filter(|(_, part)| part == old).map(|(at, _)| at).collect();
    for number in 0..OBJECTS {
        let mut bytes = object.clone();
        for at in &places {
            bytes[*at..at + old.len()].copy_from_slice(format!("many_{number:04}").as_bytes());
        }
        let path = folder.path().join(folder_name).join(format!("o{number:04}.rcgu.o"));
        fs::write(&path, bytes).expect("an object");
        words.push(format!("-Clink-arg={}", path.display()));
    }
    words.extend(["-Clink-arg=--export=many_0000".to_owned(), format!("-Clink-arg=--export=many_{:04}", OBJECTS - 1)]);
    words.push("-Clink-arg=--wasm-threads-max-memory=512MiB".to_owned());
    fs::write(folder.path().join("arguments"), words.join("\n")).expect("a file");
    let mut file = OsString::from("@");
    file.push(folder.path().join("arguments"));
    let recorder = Recorder::new(Tool::RustLld.path());
    let run = sample.link(shim(), folder.path()).word(&file).env("WASM_THREADS_LINKER", recorder.linker());
    run.run().expect_success();
    let given = recorder.only_run();
    assert!(given.iter().any(|word| word.as_bytes().starts_with(b"@")) && given.len() < 20, "{given:?}");
    let facts = Facts::read(folder.path().join("sample.wasm"));
    facts.assert_threaded();
    assert_eq!(facts.memory().maximum, Some(8192));
    assert!(facts.exports("many_0000") && facts.exports(&format!("many_{:04}", OBJECTS - 1)));
    // One of them without atomics: a mixture is no intent, wherever it stands.
    let last = folder.path().join(folder_name).join(format!("o{:04}.rcgu.o", OBJECTS / 2));
    fs::write(&last, read(objects::neutral())).expect("an object");
    let run = sample.link(shim(), folder.path()).word(&file).word("-Clink-arg=--wasm-threads=threaded");
    let ran = run.env("WASM_THREADS_LINKER", recorder.linker()).run();
    assert!(!ran.success() && ran.stderr_text().contains("error[not-threaded]"), "{ran:?}");
}
